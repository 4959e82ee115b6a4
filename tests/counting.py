"""Counted work: opcodes executed by Python code. Equal runs count equal, so a gate may be tight; times never gate."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def opcodes(work: Callable[[], object], only: str = "procession") -> int:
    """How many opcodes `work` executes in modules whose file name holds `only`."""
    count = 0

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if event == "opcode":
            count += 1
        return local

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        if only not in frame.f_code.co_filename:
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
