"""The test kit that is shipped: scenarios, the virtual clock and the simulator. Its names are loaded at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from procession.testing.runner import InstanceResult, Result, run_scenario

__all__ = ["InstanceResult", "Result", "run_scenario"]

_NAMES: Final = frozenset(__all__)


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _NAMES:
        raise AttributeError(f"module 'procession.testing' has no attribute {name!r}")
    value: object = getattr(import_module("procession.testing.runner"), name)
    globals()[name] = value
    return value
