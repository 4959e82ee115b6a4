"""What can go wrong in FEEL: syntax errors at compile time, notes and the spent budget at run time.

No semantics live here. A wrong type at run time is never an exception towards the caller: it is null and a `Note`.
"""

from __future__ import annotations

import re
from typing import Final, final

import msgspec

from procession.base.failure import ProcessionError

_WRONG: Final = re.compile(r"\w+|\*\*|\.\.|[<>!=]=|&&|\|\||->|\S")


@final
class FeelSyntaxError(ProcessionError):
    """A text that is not FEEL. `offset` counts from 0 into `text`; `line` and `column` count from 1.

    `length` characters from there are what is wrong, none where the text ends too early. `expected` are the words and
    symbols that could have stood there, `hint` says it in a sentence or what was probably meant; both may be empty.
    """

    def __init__(self, message: str, text: str, offset: int, hint: str = "", *, expected: tuple[str, ...] = ()) -> None:
        offset = max(0, min(offset, len(text)))
        wrong = _WRONG.match(text, offset)
        self.length = len(wrong[0]) if wrong else 0
        self.expected = expected
        self.message = message
        self.text = text
        self.offset = offset
        self.line = text.count("\n", 0, offset) + 1
        self.column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        """The message, the line of the text that it is about, a caret under the place, and the hint."""
        start = self.text.rfind("\n", 0, self.offset) + 1
        end = self.text.find("\n", self.offset)
        line = self.text[start : end if end >= 0 else len(self.text)]
        # A long line is cut around the caret: the error must be readable in a log.
        left = max(0, self.column - 1 - _CONTEXT_CHARS)
        shown = line[left : self.column - 1 + _CONTEXT_CHARS].replace("\t", " ")
        caret = " " * (self.column - 1 - left) + "^"
        hint = f"\n{self.hint}" if self.hint else ""
        return f"{self.message} (line {self.line}, column {self.column})\n  {shown}\n  {caret}{hint}"


_CONTEXT_CHARS = 60


@final
class BudgetExceeded(ProcessionError):
    """An evaluation needed more steps, memory or nesting than it was given."""


@final
class Note(msgspec.Struct, frozen=True, gc=False):
    """Why a part of an expression gave null: a stable code, a text, and the part `[start, end)` of the expression."""

    code: str
    message: str
    start: int = 0
    end: int = 0


@final
class DomainError(Exception):
    """A value outside of a function's domain. It never leaves this room: whoever calls a built-in makes it a note."""

    def __init__(self, message: str, code: str = "domain") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
