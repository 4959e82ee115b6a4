"""Putting a script and its modules together: one text that a realm evaluates to a list of factories.

The text begins on line 1000, so that a place in it is never one of the prelude's; each source begins on a line of its
own, so that its columns are the customer's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final

from procession.scripts.ports import Code, Place

FIRST_LINE: Final = 1000
_HEAD: Final = '(%sfunction (require, exports, console, input, context) {"use strict";\n'
_TAIL: Final = "\n})"


def composed(
    entry: str,
    name: str = "script",
    modules: Iterable[tuple[str, str]] = (),
    *,
    is_module: bool = False,
    is_async: bool = False,
) -> Code:
    """A script as it is run. `entry` and the second of each of `modules` are bodies of factories, which may use
    `require`, `exports`, `console`, and, in the entry, `input` and `context`; the first is what is required."""
    parts = ["\n" * (FIRST_LINE - 2), "[\n"]
    places: list[Place] = []
    line = FIRST_LINE
    for specifier, body in modules:
        parts.append(f"{json.dumps(specifier)}, ")
        line = _add(parts, places, (specifier, line), _HEAD % "", body)
        parts.append(",\n")
        line += 1
    _add(parts, places, (name, line), _HEAD % ("async " if is_async else ""), entry)
    parts.append("]")
    text = "".join(parts).encode("utf-8", "replace")
    return Code(hashlib.sha256(b"%d" % is_module + text).digest(), text, tuple(places), is_module)


def _add(parts: list[str], places: list[Place], at: tuple[str, int], head: str, body: str) -> int:
    """Adds the factory of a name that begins on a line; returns the line that it ends on."""
    name, line = at
    lines = body.count("\n") + 1
    parts += [head, body, _TAIL]
    places.append(Place(name, line + 1, lines))
    return line + lines + 1
