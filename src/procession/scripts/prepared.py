"""What the cage is given: the source of a customer as the body of a function.

The body is `code`; the cage puts it into a strict function of `PARAMETERS`, `async` where `is_async` says so. Line n of
the body is line n of the source; where columns moved, `shifts` says by how much, so the place of an error is the
customer's own (`trace`). A module has a line more, which exports. What must not live here: how it is made (`modules`).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.scripts.syntax import Shift

Kind: TypeAlias = Literal["script", "module"]
"""A module exports something. A script does not: it returns something, and may import."""

PARAMETERS: Final = ("require", "exports", "console", "input", "context")
"""What the function around a body is called with."""


@final
class Import(msgspec.Struct, frozen=True):
    """One import: what it asks for, and where it says so. `names` are those that must be there, "*" stands for all."""

    specifier: str
    names: tuple[str, ...]
    line: int
    column: int


@final
class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A source that can be run.

    `imports` are the specifiers in the order of their first mention, `wants` each import with its place and names.
    `exports` are names; `stars` are specifiers of which everything but `default` is exported too (`export * from`).
    `source_map` is the text of the map that came with the source, "" without one. `notes` are for its author."""

    name: str
    kind: Kind
    code: str
    source: str
    typescript: bool = False
    imports: tuple[str, ...] = ()
    wants: tuple[Import, ...] = ()
    exports: tuple[str, ...] = ()
    stars: tuple[str, ...] = ()
    is_async: bool = False
    shifts: tuple[Shift, ...] = ()
    source_map: str = ""
    notes: tuple[str, ...] = ()
