"""What `procession dev` does beside serving: it deploys the models of a folder and loads its workers when they change,
and starts what a seed says in a new store.

A model that is refused, or a module that cannot be loaded, is told; what was there before stays.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast, final

import msgspec
from msgspec.structs import replace

from procession.base.decoding import known
from procession.base.diagnostics import Refused
from procession.base.failure import ProcessionError
from procession.base.values import Json
from procession.cli.console import Problem, as_record
from procession.cli.workers import register_found
from procession.services.journeys.ports import Letter
from procession.services.modules import NO_MODULES, SUFFIXES
from procession.web.post.wording import text_of

if TYPE_CHECKING:
    from procession import Engine
    from procession.cli.serving import Running, Say

LOOK_S: Final = 0.3
MODELS: Final = (".bpmn", ".dmn", ".form", ".bpmn20.xml")
WORKERS: Final = ("worker.py", "workers.py")
SEEDS: Final = ("seed.yaml", "seed.yml", "seed.json")
_HIDDEN: Final = (".", "_")
_OTHERS: Final = frozenset({"build", "dist", "node_modules", "site-packages", "target", "venv"})
"""Folders that hold what others wrote, and much of it."""


class SeedStart(msgspec.Struct, forbid_unknown_fields=True):
    """Instances of a process that are started."""

    process: str
    variables: dict[str, Json] = {}
    business_key: str = ""
    count: int = 1


class SeedMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message that is published; `ttl` in seconds or as an ISO 8601 duration."""

    name: str
    key: str = ""
    variables: dict[str, Json] = {}
    ttl: float | str = 0


class Seed(msgspec.Struct, forbid_unknown_fields=True):
    """A seed file: what is done once in a new store, starts first."""

    start: list[SeedStart] = []
    messages: list[SeedMessage] = []


@final
class TellingPost:
    """Messages of journeys, where no mail server is set up: they are shown to who develops, codes too."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def ways(self) -> frozenset[str]:
        """See `Post.ways`."""
        return frozenset({"email", "sms"})

    async def send(self, letter: Letter) -> None:
        """See `Post.send`."""
        text = text_of(letter)
        record = {"by": letter.by, "to": letter.to, "text": text, "code": letter.code, "link": letter.link}
        self._say(f"  message by {letter.by} to {letter.to}:\n{text}", {"message": record})


@final
class Developing:
    """One folder's. A task of a server."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._folder = folder.resolve()
        self._say = say
        self._models: dict[Path, tuple[int, int]] = {}
        self._code: dict[Path, tuple[int, int]] = {}
        self._ours = frozenset(sys.modules)
        """Modules of this program: they are never read anew, wherever they lie."""

    async def __call__(self, running: Running) -> None:
        """Goes on until it is cancelled."""
        engine = running.engine
        # A cache of bytecode tells files apart by seconds: what is saved twice in one would stay as it was.
        sys.dont_write_bytecode = True
        fresh = await asyncio.to_thread(lambda: not engine.definitions())
        self._urls(running)
        await asyncio.to_thread(self._look, engine)
        if fresh:
            await asyncio.to_thread(self._sow, engine)
        self._say("watching for changes", {"watching": str(self._folder)})
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self._look, engine)

    def _urls(self, running: Running) -> None:
        url = running.url
        # What the folder's workers ask the server itself.
        os.environ["PROCESSION_URL"] = url
        self._say(f"  start page  {url}/", {"page": f"{url}/"})
        self._say(f"  API         {url}/v1, described at {url}/v1/docs", {"docs": f"{url}/v1/docs"})
        self._say(f"  metrics     {url}/metrics", {"metrics": f"{url}/metrics"})
        playing = running.site.playing
        if not playing.bounds.url:
            playing.bounds = replace(playing.bounds, url=url)
        if not playing.doors.post.ways():
            playing.doors.post = TellingPost(self._say)

    def _look(self, engine: Engine) -> None:
        code = _stamps(path for path in _files(self._folder) if path.suffix == ".py")
        if code != self._code:
            self._code = code
            self._load(engine)
        models = _stamps(path for path in _files(self._folder) if _is_model(path))
        if models != self._models:
            changed = [path for path, stamp in models.items() if self._models.get(path) != stamp]
            self._models = models
            if changed:
                self._deploy(engine, list(models))

    # --- models

    def _deploy(self, engine: Engine, models: list[Path]) -> None:
        """All of them together, as one names the other; those that are as they were stay what they are."""
        try:
            self._deploy_together(engine, models)
        except Refused as refused:
            self._refused(refused)
            broken = {each.span.file for each in refused.diagnostics if each.severity == "error"}
            sound = [path for path in models if str(path) not in broken and path.name not in broken]
            # The others need not wait for the one that somebody is just drawing at.
            if sound and len(sound) < len(models):
                self._try(lambda: self._deploy_together(engine, sound))
        except (ProcessionError, OSError) as error:
            self._say(f"not deployed: {error}", {"error": str(error)})

    def _deploy_together(self, engine: Engine, models: list[Path]) -> None:
        before = {(each.process_id, each.version) for each in engine.definitions()}
        deployment = engine.deploy(*models)
        for warning in deployment.diagnostics:
            self._say(str(warning), {"warning": as_record(warning)})
        for process in deployment.processes:
            if (process.process_id, process.version) not in before:
                text = f"deployed {process.process_id} version {process.version}"
                self._say(text, {"deployed": process.process_id, "version": process.version})
        for decision in deployment.decisions if deployment.key else ():
            self._say(f"deployed decision {decision.decision_id}", {"decision": decision.decision_id})
        for form in deployment.forms if deployment.key else ():
            self._say(f"deployed form {form.form_id}", {"form": form.form_id})

    def _refused(self, refused: Refused) -> None:
        for each in refused.diagnostics:
            self._say(str(each), {"refused": as_record(each)})

    def _try(self, what: Callable[[], None]) -> None:
        try:
            what()
        except Refused as refused:
            self._refused(refused)
        except (ProcessionError, OSError) as error:
            self._say(f"not done: {error}", {"error": str(error)})

    # --- workers

    def _load(self, engine: Engine) -> None:
        """Registers the functions of the folder's modules; of a type that is there already they take the place."""
        self._forget_modules()
        for name in WORKERS:
            path = self._folder / name
            if not path.is_file():
                continue
            try:
                register_found(engine, name, _loaded(path))
            except Problem as problem:
                self._say(f"{problem} ({problem.remedy})", {"error": str(problem), "remedy": problem.remedy})
            except Exception as error:  # whatever a module that is being written does
                last = traceback.extract_tb(error.__traceback__)[-1]
                line = error.lineno if isinstance(error, SyntaxError) else last.lineno
                text = f"{path}:{line}: {type(error).__name__}: {error}; the functions that were there go on"
                self._say(text, {"error": text})
            else:
                self._say(f"workers of {name} are registered", {"workers": name})

    def _forget_modules(self) -> None:
        """Modules of the folder are read anew: one may have changed that another one imports."""
        importlib.invalidate_caches()
        modules = cast("Mapping[str, ModuleType | None]", dict(sys.modules))
        for name, module in modules.items():
            file: object = getattr(module, "__file__", None)
            if name not in self._ours and isinstance(file, str) and Path(file) in self._code:
                del sys.modules[name]

    # --- seed

    def _sow(self, engine: Engine) -> None:
        for name in SEEDS:
            path = self._folder / name
            if path.is_file():
                self._try(partial(_sow, engine, path))
                self._say(f"{name} was sown", {"seed": name})


def _sow(engine: Engine, path: Path) -> None:
    seed = _seed(path)
    for each in seed.start:
        for _ in range(each.count):
            engine.start(each.process, each.variables, business_key=each.business_key)
    for message in seed.messages:
        engine.publish(message.name, message.key, message.variables, ttl=message.ttl)


def _seed(path: Path) -> Seed:
    from procession.parse.yaml_lines import read_yaml

    try:
        raw, _ = read_yaml(path.read_text(encoding="utf-8"))  # JSON is YAML
        return msgspec.convert(raw or {}, known(Seed))
    except ValueError as error:  # msgspec's too
        raise ProcessionError(f"{path}: {error}") from None


def _files(folder: Path) -> list[Path]:
    """Files of the folder and of those in it, without what is hidden or somebody else's."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN) and name not in _OTHERS]
        found += [Path(place, name) for name in names if not name.startswith(_HIDDEN)]
    return sorted(found)


def _stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue  # it went away meanwhile
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def _loaded(path: Path) -> ModuleType:
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    # Bytecode is known by its second and the size of its source: who saves twice in one would get what was before.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    return module


def _is_model(path: Path) -> bool:
    """A document, or a module of scripts, which is deployed with them."""
    return path.name.endswith((*MODELS, *SUFFIXES)) and not path.name.endswith(NO_MODULES)
