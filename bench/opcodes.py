"""Counted work of Python: opcodes that are executed inside of the package. Equal runs count equal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import procession

PACKAGE: Final = str(Path(procession.__file__).parent)


def opcodes(work: Callable[[], object], also: tuple[str, ...] = ()) -> int:
    """How many opcodes `work` executes in modules of the package, and in files of the names `also`."""
    count = 0

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if event == "opcode":
            count += 1
        return local

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith((PACKAGE, *also)):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return local

    before = sys.gettrace()
    # Python 3.12 counts opcodes only if a frame asked for them when tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
