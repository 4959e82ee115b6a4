"""Commands about Celery: which processes the canvases of an application are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec
import typer

from procession.base.decoding import known
from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import AsJson

if TYPE_CHECKING:
    from procession.convert.canvas import Scanned, Written

group: Final = typer.Typer(name="celery", help="Adopt applications on Celery.", no_args_is_help=True)

SCANNING: Final = "procession.hosts.celery.scanning"
REPORT: Final = "report.json"
PATIENCE_S: Final = 30.0
_STYLES: Final = {"mapped": "green", "changed": "yellow", "kept": "dim", "needs-work": "bold red"}
_NO_CELERY: Final = "celery is not installed here"
_NOT_ASKED: Final = "--no-import"


class _Module(NamedTuple):
    name: str
    file: Path | None


@group.command("scan")
def scan(
    module: Annotated[
        str, typer.Argument(metavar="MODULE", help="A module with canvases, as Python imports it.", show_default=False)
    ],
    to: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Write the processes and the report here.", show_default=False),
    ] = None,
    no_import: Annotated[
        bool, typer.Option("--no-import", help="Read the module's text only; nothing of it is run.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long the module may take to import.")
    ] = PATIENCE_S,
    json: AsJson = False,
) -> None:
    """Write chains, groups and chords of Celery as processes that do the same, and report what they cannot say.

    The module is imported in a process of its own, and its functions are read. Without --output nothing is written.
    """
    output = Output(json)
    with errors(json):
        where = _module(module)
        found = _scanned(where, timeout, no_import=no_import)
        written = _written(found)
        if not written and not found.notes:
            remedy = "name the module in which canvases are built" if not found.problem else found.problem
            raise Problem(f"{where.name} has no canvases", remedy)
        files = _write(written, to)
        record = _record(where, found, written, files)
        if to is not None:
            (to / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        output.document(record)
        _show(found, written, files, output)


def _module(name: str) -> _Module:
    """A module by its name or its file. Nothing is imported to find it."""
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise Problem(f"{path} does not exist", "name a module, or its file", USAGE)
        try:
            inside = path.resolve().relative_to(Path.cwd().resolve())
        except ValueError:
            raise Problem(f"{path} is outside this folder", "go to the folder it is imported from", USAGE) from None
        parts = inside.with_suffix("").parts
        return _Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path)
    if not all(part.isidentifier() for part in name.split(".")):
        raise Problem(f"{name!r} is no name of a module", "as in: procession celery scan shop.tasks", USAGE)
    inner = Path(*name.split("."))
    for folder in (Path(), *(Path(each) for each in sys.path if each)):
        for file in (folder / inner / "__init__.py", folder / inner.with_suffix(".py")):
            if file.is_file():
                return _Module(name, file)
    return _Module(name, None)


def _scanned(module: _Module, timeout: float, *, no_import: bool) -> Scanned:
    """What is in a module: by importing it, and by its text. Raises `Problem` where neither can be."""
    from procession.convert.canvas import read_source
    from procession.convert.canvas.tree import Scanned

    if no_import:
        imported = Scanned(problem=_NOT_ASKED)
    elif find_spec("celery") is None:
        imported = Scanned(problem=_NO_CELERY)
    else:
        imported = _imported(module.name, timeout)
    if module.file is None:
        if imported.problem:
            raise Problem(f"{module.name} cannot be imported: {imported.problem}", "run this where it can be")
        return imported
    text = module.file.read_text(encoding="utf-8", errors="replace")
    name = str(module.file)
    if imported.problem:
        return msgspec.structs.replace(read_source(text, module.name, name), problem=imported.problem)
    read = read_source(text, module.name, name, imported)
    return msgspec.structs.replace(read, canvases=imported.canvases + read.canvases)


def _imported(module: str, timeout: float) -> Scanned:
    """What importing a module shows, in another process. Raises `Problem` when that takes too long."""
    from procession.convert.canvas.tree import Scanned

    command = [sys.executable, "-m", SCANNING, module]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    try:
        data, said = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        text = f"importing {module} took more than {timeout:g} s"
        raise Problem(text, "give it more with --timeout, or read its text alone with --no-import") from None
    finally:
        _end(child)
    try:
        return msgspec.json.decode(data, type=known(Scanned))
    except msgspec.DecodeError:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        return Scanned(problem=f"its process ended with {child.returncode}: {last}"[:500])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends a process, and on systems with groups of processes whatever it has started."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def _written(found: Scanned) -> list[Written]:
    """The processes; two canvases of one name get numbers."""
    from procession.convert.canvas import write
    from procession.convert.canvas.drawing import ncname

    tasks = {task.name: task for task in found.tasks}
    times: Counter[str] = Counter()
    written: list[Written] = []
    for canvas in found.canvases:
        name = ncname(canvas.name)
        times[name] += 1
        named = canvas if times[name] == 1 else msgspec.structs.replace(canvas, name=f"{name}-{times[name]}")
        written.append(write(named, tasks))
    return written


def _write(written: list[Written], to: Path | None) -> list[Path | None]:
    if to is None:
        return [None] * len(written)
    to.mkdir(parents=True, exist_ok=True)
    files: list[Path | None] = []
    for each in written:
        file = to / f"{each.process}.bpmn"
        file.write_bytes(each.data)
        files.append(file)
    return files


def _record(module: _Module, found: Scanned, written: list[Written], files: list[Path | None]) -> dict[str, object]:
    """The report as JSON: the schema is stable, new keys may be added."""
    return {
        "module": module.name,
        "imported": not found.problem,
        "problem": found.problem,
        "processes": [
            {
                "process": each.process,
                "file": file.name if file is not None else "",
                "rows": [msgspec.structs.asdict(row) for row in each.rows],
            }
            for each, file in zip(written, files, strict=True)
        ],
        "unread": [{"function": name, "line": line, "note": note} for name, line, note in found.notes],
    }


def _show(found: Scanned, written: list[Written], files: list[Path | None], output: Output) -> None:
    if found.problem:
        output.text(f"not imported, only read ({found.problem}): what other modules declare is not known", "yellow")
    for each, file in zip(written, files, strict=True):
        counts = Counter(row.outcome for row in each.rows)
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        output.text(f"{each.process}: {told}{f' -> {file}' if file is not None else ''}", "bold")
        for row in each.rows:
            if row.outcome != "mapped":
                becomes = f" -> {row.target}" if row.target else ""
                said = f"{row.attribute} {row.value}".strip()
                output.text(f"  {row.outcome}: {row.part}: {said}{becomes}: {row.note}", _STYLES[row.outcome])
    for name, line, note in found.notes:
        output.text(f"{name}, line {line}: not read: {note}", _STYLES["needs-work"])
