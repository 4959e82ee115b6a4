"""Modules that scripts share: a script and everything that it needs, found, checked and put in order.

A specifier is `name`, `name@version`, a part of either (`name/part`), or, inside a library, a path (`./part`). What a
library offers is not this file's business: it asks `find`. Nothing is run here, and nothing is kept between calls of a
script: a bundle holds bodies of functions, which the cage enters anew, when they are first required.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, final

import msgspec

from procession.base.diagnostics import Diagnostic, Refused, Span
from procession.base.failure import BadValue
from procession.scripts.code import composed
from procession.scripts.modules import prepared
from procession.scripts.ports import Code
from procession.scripts.prepared import Import, Prepared

MODULES_MAX: Final = 200
"""Most modules that a script may need, those that modules need included."""
BUNDLE_BYTES_MAX: Final = 1024 * 1024
"""Largest sum of all sources of a bundle, in bytes of UTF-8."""
SPECIFIER_MAX: Final = 200
"""Longest specifier, in characters."""

Find: TypeAlias = Callable[[str], "str | None"]
"""The source of a module by its specifier, None when there is none."""

_PART: Final = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
_BARE: Final = re.compile(rf"(?:@{_PART}/)?{_PART}(?:@[A-Za-z0-9][\w.+-]*)?(?:/{_PART})*", re.ASCII)
_ROOT: Final = re.compile(rf"(?:@{_PART}/)?[^/]+", re.ASCII)


@final
class Module(msgspec.Struct, frozen=True):
    """A module of a bundle. `digest` is the SHA-256 of its source, in hexadecimal digits."""

    specifier: str
    digest: str
    prepared: Prepared


@final
class Bundle(msgspec.Struct, frozen=True):
    """A script with its modules, each after those that it needs. The same sources give the same bundle, byte for byte.

    `digest` names what is run: the modules with their names, sources and code, and the entry."""

    entry: Prepared
    modules: tuple[Module, ...]
    digest: str

    def sources(self) -> Mapping[str, Prepared]:
        """Every source by its name: what `trace` looks for places in."""
        return {module.specifier: module.prepared for module in self.modules} | {self.entry.name: self.entry}

    def code(self) -> Code:
        """The script as it is run."""
        modules = [(each.specifier, each.prepared.code) for each in self.modules]
        entry = self.entry
        return composed(entry.code, entry.name, modules, is_module=entry.kind == "module", is_async=entry.is_async)


def _typed(specifier: str) -> bool:
    return specifier.endswith(".ts")


def link(entry: Prepared, find: Find, *, typescript: Callable[[str], bool] = _typed) -> Bundle:
    """A script and the modules that it needs. `typescript` says of a specifier whether its source has types.

    Raises `Refused` at the import that asks: for what is not there or does not export it, for cycles, for modules that
    await, and for more than 200 modules or 1 MB."""
    linker = _Linker(entry, find, typescript)
    modules = linker.run()
    parts = [[module.specifier, module.digest, module.prepared.code] for module in modules]
    whole = json.dumps([parts, entry.kind, entry.is_async, entry.code], ensure_ascii=False, separators=(",", ":"))
    return Bundle(entry, modules, hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest())


def resolved(specifier: str, base: str) -> str:
    """What a specifier is called everywhere, asked by a module `base`, or by a script: "". Raises `BadValue`."""
    if len(specifier) > SPECIFIER_MAX:
        raise BadValue(f"a name of more than {SPECIFIER_MAX} characters")
    if not specifier.startswith(("./", "../")):
        if not _BARE.fullmatch(specifier):
            raise BadValue(
                f"`{specifier}` is no name of a module; write `name`, `name@version` or, in a library, `./part`"
            )
        return specifier
    if not base:
        raise BadValue(f"`{specifier}` is a path, and a script stands in no library; write the library's name")
    root = _root(base)
    path = base[len(root) + 1 :].split("/")[:-1]
    for part in specifier.split("/"):
        if part == "..":
            if not path:
                raise BadValue(f"`{specifier}` leads out of the library `{root}`")
            path.pop()
        elif part != ".":
            path.append(part)
    found = "/".join((root, *path))
    if not _BARE.fullmatch(found):
        raise BadValue(f"`{specifier}` is no path inside of a library")
    return found


def _root(specifier: str) -> str:
    found = _ROOT.match(specifier)
    assert found is not None, "only names that were resolved are asked for"
    return found[0]


@final
class _Linker:
    """The modules found so far. A loop with its own stack: chains of modules may be longer than Python's."""

    def __init__(self, entry: Prepared, find: Find, typescript: Callable[[str], bool]) -> None:
        self._entry = entry
        self._find = find
        self._typescript = typescript
        self._found: dict[str, Prepared] = {}
        self._digests: dict[str, str] = {}
        self._bytes = len(entry.source.encode())
        self._names: dict[str, frozenset[str]] = {}
        """What each finished module exports, `export *` included."""

    def run(self) -> tuple[Module, ...]:
        """Every module after those that it needs, in the order in which a script comes to them."""
        done: dict[str, None] = {}
        # Each module on the way, with what it still has to ask for.
        way: list[tuple[Prepared, list[Import]]] = [(self._entry, list(reversed(self._entry.wants)))]
        for want in self._entry.wants:
            self._check_name(want)
        open_now: dict[str, None] = {}
        while way:
            asking, wants = way[-1]
            if wants:
                want = wants.pop()
                if want.specifier in open_now:
                    raise _refused(asking, want, f"a cycle: {_cycle(open_now, want.specifier)}", "move what both need")
                if want.specifier not in done:
                    needed = self._module(asking, want)
                    open_now[want.specifier] = None
                    way.append((needed, list(reversed(needed.wants))))
                continue
            way.pop()
            self._check_names(asking)
            if way:
                open_now.popitem()
                done[asking.name] = None
                self._names[asking.name] = self._exported(asking)
        return tuple(Module(name, self._digests[name], self._found[name]) for name in done)

    def _check_name(self, want: Import) -> None:
        try:
            resolved(want.specifier, "")
        except BadValue as error:
            raise _refused(self._entry, want, str(error)) from None

    def _module(self, asking: Prepared, want: Import) -> Prepared:
        """A module that is asked for the first time."""
        name = want.specifier
        source = self._find(name)
        if source is None:
            raise _refused(asking, want, f"there is no module `{name}`", "deploy it, or correct the name")
        self._bytes += len(source.encode("utf-8", "surrogatepass"))
        if len(self._found) >= MODULES_MAX:
            raise _refused(asking, want, f"it needs more than {MODULES_MAX} modules", "put some of them together")
        if self._bytes > BUNDLE_BYTES_MAX:
            raise _refused(asking, want, f"with `{name}`, its sources have more than {BUNDLE_BYTES_MAX} bytes")
        made = prepared(
            source, name, typescript=self._typescript(name), resolve=lambda specifier: resolved(specifier, name)
        )
        if made.is_async:
            raise _refused(asking, want, f"`{name}` awaits outside of its functions, which no module may")
        self._found[name] = made
        self._digests[name] = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
        return made

    def _exported(self, module: Prepared) -> frozenset[str]:
        passed_on = (self._names[star] - {"default"} for star in module.stars)
        return frozenset(module.exports).union(*passed_on)

    def _check_names(self, asking: Prepared) -> None:
        """What is imported must be exported: at run time it would be undefined, far from the mistake."""
        for want in asking.wants:
            missing = next((name for name in want.names if name not in self._names[want.specifier]), None)
            if missing is not None:
                has = ", ".join(sorted(self._names[want.specifier])[:10]) or "nothing"
                raise _refused(asking, want, f"`{want.specifier}` does not export `{missing}`", f"it exports {has}")


def _cycle(way: Mapping[str, None], again: str) -> str:
    names = list(way)
    return " → ".join(f"`{name}`" for name in [*names[names.index(again) :], again])


def _refused(asking: Prepared, want: Import, message: str, remedy: str = "") -> Refused:
    span = Span(asking.name, want.line, want.column)
    text = f"{message} (asked by `{asking.name}`)"
    return Refused([Diagnostic(rule="script-module", message=text, span=span, remedy=remedy)])
