"""Calls of the engine's threaded face out of an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def off(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """A call in a thread."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def off_until(wait: Callable[[Callable[[], bool]], _T]) -> _T:
    """`wait` in a thread, which ends when the task is cancelled: the loop could not be closed before it did."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(wait, given_up.is_set)
    finally:
        given_up.set()
