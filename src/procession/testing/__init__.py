"""The test kit that is shipped: scenarios, the virtual clock and the simulator. Its names are loaded at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from procession.testing.cases import CaseResult, run_cases
    from procession.testing.runner import InstanceResult, Result, run_scenario

__all__ = ["CaseResult", "InstanceResult", "Result", "run_cases", "run_scenario"]

_HOME: Final = {"CaseResult": "cases", "run_cases": "cases"}
"""Where a name is, if not in the runner."""


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'procession.testing' has no attribute {name!r}")
    value: object = getattr(import_module(f"procession.testing.{_HOME.get(name, 'runner')}"), name)
    globals()[name] = value
    return value
