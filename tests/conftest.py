"""What holds for every suite: hypothesis profiles, and the budget of seconds each suite is held to."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# Fixtures are found by name in this module: any test may ask for a real Temporal server.
from temporal_rig import temporal_floor, temporal_server, temporal_servers

__all__ = ["temporal_floor", "temporal_server", "temporal_servers"]

# Seconds on two cores, by folder. Together with `make check` they stay under fifteen minutes.
BUDGETS: Final = {
    "unit": 90,
    "tidy": 90,
    "conformance": 120,
    "integration": 300,
    "replay": 60,
    "parity": 180,
    "simulation": 180,
}
_TESTS: Final = Path(__file__).parent
_SPENT: Final = pytest.StashKey[dict[str, float]]()
_COUNT: Final = pytest.StashKey[dict[str, int]]()

# A red build must be red again for whoever looks into it, so continuous integration draws no new examples.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "local")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SPENT] = defaultdict(float)
    config.stash[_COUNT] = defaultdict(int)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    suite = _suite(item)
    item.config.stash[_SPENT][suite] += call.duration
    item.config.stash[_COUNT][suite] += call.when == "setup"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line a suite. An overrun is shown, not failed: a busy machine is no bug."""
    terminalreporter.section("budgets")
    for suite, spent in sorted(config.stash[_SPENT].items()):
        budget = BUDGETS.get(suite, 60)
        over = "  OVER BUDGET" if spent > budget else ""
        count = config.stash[_COUNT][suite]
        terminalreporter.write_line(f"{suite:<12} {count:>6} tests {spent:>7.1f} s of {budget:>4} s{over}")


def _suite(item: pytest.Item) -> str:
    parts = item.path.relative_to(_TESTS).parts if item.path.is_relative_to(_TESTS) else ("outside",)
    return parts[0]
