"""What the examples' workers need of an engine: a place to register functions by job type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])


class Registry(Protocol):
    """A `procession.Engine`, or anything that passes functions on to one (the demo records what they do)."""

    def worker(self, type: str, /) -> Callable[[Function], Function]:
        """A decorator: the function does the jobs of this type."""
        ...
