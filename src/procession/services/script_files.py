"""Scripts that are files: run and tested outside of any process, with the modules that stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.base.diagnostics import Diagnostic, Refused, Span
from procession.base.failure import BadValue
from procession.scripts.library import Bundle, link
from procession.scripts.modules import prepared
from procession.scripts.ports import Call, Code, Limits, Line, Runtime, ScriptFailed
from procession.scripts.prepared import Prepared
from procession.scripts.trace import trace_of
from procession.services.modules import NO_MODULES, SUFFIXES

_KIT: Final = (Path(__file__).parents[1] / "scripts" / "testing.js").read_text(encoding="utf-8")
_RUN: Final = 'import "%s"; import {results} from "test"; return results();'
_KIT_NAME: Final = "test"
_OWN: Final = frozenset({_KIT_NAME, "run"})
"""Sources that no author wrote."""
_RESULTS: Final = msgspec.json.Decoder(known(list[tuple[str, str, str]]))


@final
class Loaded(msgspec.Struct, frozen=True):
    """A file that can be run."""

    code: Code
    sources: Mapping[str, Prepared]

    def told(self, failure: ScriptFailed) -> str:
        """A failure, in the files of its author."""
        text = f"{failure.name}: {failure.message}" if failure.name else failure.message
        return self.placed(text, failure.stack)

    def placed(self, text: str, stack: str) -> str:
        """A text with the places of an engine's stack, one a line."""
        own = [place for place in self.code.places if place.source not in _OWN]
        return str(trace_of(text, stack, self.sources, own))


@final
class Tested(msgspec.Struct, frozen=True, gc=False):
    """One test: `error` is "" where it holds."""

    name: str
    error: str = ""


def modules_in(folder: Path) -> list[Path]:
    """The files of a folder that scripts may import, by name."""
    found = (each for each in folder.iterdir() if each.suffix in SUFFIXES)
    return sorted(each for each in found if not each.name.endswith(NO_MODULES))


def load(path: Path) -> Loaded:
    """A script or module in a file. Raises `Refused` and `BadValue`."""
    beside = _beside(path.parent)
    return _composed(
        link(prepared(_text(path), path.name, typescript=_typed(path)), beside.source, typescript=beside.typed)
    )


def load_tests(path: Path) -> Loaded:
    """A file of tests: running it gives the result of each."""
    beside = _beside(path.parent)
    own = {path.name: (_text(path), _typed(path)), _KIT_NAME: (_KIT, False)}

    def source(specifier: str) -> str | None:
        return own[specifier][0] if specifier in own else beside.source(specifier)

    def typed(specifier: str) -> bool:
        return own[specifier][1] if specifier in own else beside.typed(specifier)

    return _composed(link(prepared(_RUN % path.name, "run", typescript=False), source, typescript=typed))


def run_tests(path: Path, runtime: Runtime, limits: Limits) -> tuple[list[Tested], tuple[Line, ...]]:
    """The result of each test of a file, and what they said. A file that cannot be run is one test that failed."""
    try:
        loaded = load_tests(path)
    except Refused as refused:
        return [Tested(path.name, str(each)) for each in refused.diagnostics], ()
    try:
        output = runtime.evaluate(loaded.code, b"null", limits, Call())
    except ScriptFailed as failure:
        return [Tested(path.name, loaded.told(failure))], failure.said
    found = _RESULTS.decode(output.value)
    told = [Tested(name, loaded.placed(error, stack) if error else "") for name, error, stack in found]
    if not told:
        told = [Tested(path.name, 'it holds no test: import {test} from "test"')]
    return told, output.said


def _composed(bundle: Bundle) -> Loaded:
    return Loaded(bundle.code(), bundle.sources())


@final
class _Beside(msgspec.Struct, frozen=True):
    """The modules in a folder."""

    path: Callable[[str], Path | None]

    def source(self, specifier: str) -> str | None:
        found = self.path(specifier)
        return _text(found) if found is not None else None

    def typed(self, specifier: str) -> bool:
        found = self.path(specifier)
        return found is not None and _typed(found)


def _beside(folder: Path) -> _Beside:
    def path(specifier: str) -> Path | None:
        name = specifier.partition("@")[0] or specifier
        candidates = [folder / f"{name}{suffix}" for suffix in ("", *SUFFIXES)]
        inside = [each for each in candidates if each.suffix in SUFFIXES and each.is_file()]
        return next((each for each in inside if each.resolve().is_relative_to(folder.resolve())), None)

    return _Beside(path)


def _typed(path: Path) -> bool:
    return path.suffix == ".ts"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadValue(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = "it is not encoded in UTF-8"
        raise Refused([Diagnostic(rule="encoding", message=text, span=Span(path.name))]) from None
