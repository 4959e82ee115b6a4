"""Counted work of Python: opcodes that are executed inside of the package. Equal runs count equal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import procession

PACKAGE: Final = str(Path(procession.__file__).parent)


def opcodes(work: Callable[[], object], also: tuple[str, ...] = ()) -> int:
    """How many opcodes `work` executes in modules of the package, and in files of the names `also`."""
    return _monitored(work, also) if sys.version_info >= (3, 12) else _traced(work, also)


def _traced(work: Callable[[], object], also: tuple[str, ...]) -> int:
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
    sys.settrace(call)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _monitored(work: Callable[[], object], also: tuple[str, ...]) -> int:
    """From Python 3.12 on: tracing would miss the opcodes of functions that it meets for the first time."""
    # Typed as what it is at run time: the type checkers look at the code as for Python 3.11.
    monitoring: Any = vars(sys)["monitoring"]
    tool: int = monitoring.PROFILER_ID
    count = 0

    def instruction(code: CodeType, offset: int) -> object:
        nonlocal count
        if code.co_filename.startswith((PACKAGE, *also)):
            count += 1
            return None
        return monitoring.DISABLE

    monitoring.use_tool_id(tool, "procession")
    try:
        monitoring.register_callback(tool, monitoring.events.INSTRUCTION, instruction)
        monitoring.restart_events()
        monitoring.set_events(tool, monitoring.events.INSTRUCTION)
        work()
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
    return count
