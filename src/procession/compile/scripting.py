"""What the compiler asks of who can read scripts: it knows no JavaScript itself."""

from __future__ import annotations

from typing import Protocol, final

import msgspec


@final
class Problem(msgspec.Struct, frozen=True, gc=False):
    """Why a script cannot be run, at a line and a column of it (from 1; 0 for none)."""

    message: str
    remedy: str = ""
    line: int = 0
    column: int = 0


@final
class Script(msgspec.Struct, frozen=True):
    """A script that was read. `modules`: what it imports, as the header of its job holds it; "" for nothing."""

    modules: str = ""
    problems: tuple[Problem, ...] = ()


class Scripting(Protocol):
    """Who can read scripts, and knows the modules that they may import."""

    def read(self, source: str, language: str, name: str) -> Script:
        """Reads a script of an element: `language` is `javascript` or `typescript`."""
        ...
