"""One context of JavaScript: the prelude's door, a script behind it, and a call with the engine's own limits.

The engine's limits are courtesy: they give a good message. The wall is the process (docs/design/0015). Standard library
and the engine alone: cages load it.
"""

from __future__ import annotations

import os
from importlib import import_module
from time import process_time
from typing import Any, Final, final

from procession.scripts.wire import DONE, MEMORY, PENDING, SYNTAX, THROWN, TIME

_quickjs: Any = import_module("_quickjs")


def _read(path: str) -> str:
    # `pathlib` would cost each cage a megabyte.
    with open(path, encoding="utf-8") as file:
        return file.read()


PRELUDE: Final = _read(os.path.join(os.path.dirname(__file__), "prelude.js"))
STACK_BYTES: Final = 512 * 1024
_MASK: Final = 0xFFFFFFFF
_NOTHING: Final = "null"


@final
class Realm:
    """A context for one script. It cannot be used again after TIME or MEMORY."""

    __slots__ = ("_context", "_door")

    def __init__(self) -> None:
        self._context = _quickjs.Context()
        self._context.set_max_stack_size(STACK_BYTES)
        self._door: Any = self._context.eval(PRELUDE)

    def load(self, text: str, is_module: bool, seconds: float, memory: int) -> tuple[int, str]:
        """Compiles a script, once. Returns DONE, or why not, and the engine's text."""
        self._context.set_memory_limit(memory)
        self._context.set_time_limit(seconds)
        try:
            self._door("load", self._context.eval(text), is_module)
        except _quickjs.JSException as failure:
            return _engine_failure(str(failure), SYNTAX)
        except MemoryError:
            return MEMORY, ""
        return DONE, ""

    def run(
        self, input: str, context: str, at: float, seed: int, *, seconds: float, memory: int, output: int, said: int
    ) -> tuple[int, str]:
        """Carries out a call: a status, and the value or what the prelude says of an error."""
        self._context.set_memory_limit(memory)
        self._context.set_time_limit(seconds)
        try:
            # As doubles: the library would cut whole numbers to 32 bits.
            words = float(seed >> 32), float(seed & _MASK)
            found = self._door("run", input, context, float(at), *words, output, said)
            if found == PENDING:
                found = self._settled(seconds)
            if isinstance(found, str):
                return DONE, found
            return int(found), self._door("outcome")
        except _quickjs.JSException as failure:
            return _engine_failure(str(failure), THROWN)
        except (MemoryError, ValueError):
            # A text that could not be made for Python, for want of memory or of sense (a lone surrogate).
            return MEMORY, ""

    def said(self) -> str:
        """What the script said in the last call, as JSON; "" for nothing, or when that cannot be asked any more."""
        try:
            self._context.set_time_limit(0.1)
            heard: str = self._door("heard")
        except (_quickjs.JSException, MemoryError, ValueError):
            return ""
        return heard

    def _settled(self, seconds: float) -> Any:
        """Runs what waits, until the promise of a script is settled, time is up, or nothing waits any more."""
        until = process_time() + seconds
        while self._context.execute_pending_job():
            found = self._door("settled")
            if found != PENDING:
                return found
            if process_time() > until:
                return TIME
        # A job that was interrupted leaves nothing behind it.
        return TIME if process_time() > until else self._door("settled")


def _engine_failure(text: str, otherwise: int) -> tuple[int, str]:
    """What an exception of the engine means. A script cannot catch those of limits, if there is memory to make them;
    `null` is what is left of one that there was none for."""
    first = text.partition("\n")[0].strip()
    if first == "InternalError: interrupted":
        return TIME, ""
    if first in ("InternalError: out of memory", _NOTHING):
        return MEMORY, ""
    return otherwise, text
