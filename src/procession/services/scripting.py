"""Scripts of models: read when they are deployed, and made ready when their job is done.

What a script imports travels in its job, so whoever does it needs no library: `read` looks it up, once, at deployment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast, final

import msgspec
from msgspec.structs import replace

from procession.base.decoding import known
from procession.base.diagnostics import Diagnostic, Refused
from procession.compile.scripting import Problem, Script
from procession.scripts.ports import Code, ScriptFailed
from procession.services.modules import NO_MODULES, SUFFIXES, FindModule, Found

if TYPE_CHECKING:
    from procession.scripts.free import Uses

_IMPORTS: Final = re.compile(r"^\s*import\b", re.MULTILINE)
_EXTRA: Final = "pip install 'procession[js]'"
_SOURCES: Final = msgspec.json.Decoder(known(dict[str, str]))


def has_reader() -> bool:
    """Whether the extra `js` is installed."""
    return find_spec("tree_sitter") is not None and find_spec("tree_sitter_typescript") is not None


def uses_of(source: str) -> Uses:
    """What a script uses and does not declare; see `scripts.free`. Raises `Refused`."""
    from procession.scripts.free import uses

    return uses(source)


def module_name(resource: str) -> str:
    """The name by which a file of a deployment is imported; "" for one that is no module."""
    name = resource.replace("\\", "/").removeprefix("./")
    if name.lower().endswith(NO_MODULES):
        return ""
    suffix = next((each for each in SUFFIXES if name.lower().endswith(each)), "")
    return name[: -len(suffix)] if suffix else ""


def reader_of(resources: Sequence[tuple[str, bytes]], library: FindModule) -> ScriptReader:
    """The reader of a deployment: its files are modules that its scripts may import, then those of the library."""
    given = {
        name: (data.decode("utf-8", "replace"), resource.lower().endswith(".ts"))
        for resource, data in resources
        if (name := module_name(resource))
    }
    return ScriptReader(given, library)


def entry_of(module: str) -> str:
    """The script that calls what a module gives by default."""
    return f"import called from {json.dumps(module)};\nreturn called(input, context);"


@final
class ScriptReader:
    """`compile.Scripting` over modules: each has a source, and types or not."""

    def __init__(self, given: Mapping[str, tuple[str, bool]], library: FindModule) -> None:
        self._given = given
        self._library = library
        self._found: dict[str, Found] = {}

    def read(self, source: str, language: str, name: str) -> Script:
        """See `compile.Scripting.read`."""
        if not has_reader():
            return self._unread(source, language)
        from procession.scripts.library import link
        from procession.scripts.modules import prepared

        try:
            entry = prepared(source, name, typescript=language == "typescript")
            bundle = link(entry, self._source, typescript=self._typed)
        except Refused as refused:
            return Script("", tuple(_problem(each.message, each.remedy, each.span) for each in refused.diagnostics))
        sources = {_told(each.specifier, self._typed): each.prepared.source for each in bundle.modules}
        return Script(msgspec.json.encode(sources).decode() if sources else "")

    def _unread(self, source: str, language: str) -> Script:
        """Without the extra: plain scripts are taken as they are, what has to be rewritten is refused."""
        if language == "typescript" or _IMPORTS.search(source):
            what = "types" if language == "typescript" else "imports"
            return Script("", (Problem(f"a script with {what} is read by the extra `js`", _EXTRA),))
        return Script()

    def check(self, resource: str) -> list[Diagnostic]:
        """What is wrong with a module, were it imported."""
        name = module_name(resource)
        if not has_reader():
            return []
        from procession.scripts.library import link
        from procession.scripts.modules import prepared

        try:
            link(
                prepared(f"import {json.dumps(name)}", resource, typescript=False), self._source, typescript=self._typed
            )
        except Refused as refused:
            return [replace(each, rule="script") for each in refused.diagnostics]
        return []

    def _module(self, specifier: str) -> Found:
        if specifier not in self._found:
            self._found[specifier] = self._given.get(specifier) or self._library(specifier)
        return self._found[specifier]

    def _source(self, specifier: str) -> str | None:
        found = self._module(specifier)
        return found[0] if found is not None else None

    def _typed(self, specifier: str) -> bool:
        found = self._module(specifier)
        return found is not None and found[1]


def _told(specifier: str, typed: Callable[[str], bool]) -> str:
    return f"{specifier}.ts" if typed(specifier) and not specifier.endswith(".ts") else specifier


def _problem(message: str, remedy: str, span: object) -> Problem:
    line, column = getattr(span, "line", 0), getattr(span, "column", 0)
    return Problem(message, remedy, line, column)


@final
class Ready(msgspec.Struct, frozen=True):
    """A script that can be run, and what tells its errors."""

    code: Code
    sources: Mapping[str, object]


def told_failure(failure: ScriptFailed, script: Ready | None) -> str:
    """What went wrong, told in the author's own files where the script got as far as being one."""
    text = f"{failure.name}: {failure.message}" if failure.name else failure.message
    if script is None or not failure.stack:
        return text
    from procession.scripts.trace import trace_of

    sources = cast("Mapping[str, Any]", script.sources)
    return str(trace_of(text, failure.stack, sources, script.code.places))


@lru_cache(maxsize=256)
def ready(source: str, language: str, modules: str, name: str) -> Ready:
    """A script as the headers of its job hold it. Raises `ScriptFailed` for one that cannot be run."""
    if not has_reader():
        raise ScriptFailed("unavailable", f"scripts need the extra `js`: {_EXTRA}")
    from procession.scripts.library import link
    from procession.scripts.modules import prepared

    sources = _SOURCES.decode(modules) if modules else {}
    typed = {name.removesuffix(".ts") for name in sources if name.endswith(".ts")}
    texts = {name.removesuffix(".ts"): text for name, text in sources.items()}
    try:
        entry = prepared(source, name, typescript=language == "typescript")
        bundle = link(entry, texts.get, typescript=typed.__contains__)
    except Refused as refused:
        first = refused.diagnostics[0]
        raise ScriptFailed("syntax", f"{first.message} ({first.span})", name="SyntaxError") from None
    return Ready(bundle.code(), bundle.sources())
