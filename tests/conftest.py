"""What holds for every suite: hypothesis profiles, and the budget of seconds each suite is held to."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import settings

import leftovers

# Fixtures are found by name in this module: any test may ask for a real Temporal server, or a broker.
from broker_rig import brokers, own_brokers
from temporal_rig import temporal_engines, temporal_floor, temporal_server, temporal_servers

__all__ = ["brokers", "own_brokers", "temporal_engines", "temporal_floor", "temporal_server", "temporal_servers"]

# Seconds of a process, by folder: three at once on two cores. Within them `make test` takes fifteen minutes.
BUDGETS: Final = {
    "unit": 620,
    "tidy": 130,
    "conformance": 165,
    "integration": 1100,
    "replay": 20,
    "parity": 390,
    "simulation": 110,
}

HEAVY: Final = ("tests/integration/", "tests/tidy/")
"""Suites of which a test may take seconds."""

# A red build must be red again for whoever looks into it, so continuous integration draws no new examples.
settings.register_profile("local", deadline=None, print_blob=True)
# The examples are the same each time, so fewer of them lose little; who looks for new ones does it on his own machine.
settings.register_profile("ci", max_examples=40, deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "local")


class _Budgets:
    """What each suite took, in seconds of a process; the one that started the others hears all of their reports."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.count: dict[str, int] = defaultdict(int)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suite = report.nodeid.removeprefix("tests/").partition("/")[0]
        self.spent[suite] += report.duration
        self.count[suite] += report.when == "setup"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One line a suite. An overrun is shown, not failed: a busy machine is no bug."""
        terminalreporter.section("budgets")
        for suite, spent in sorted(self.spent.items()):
            budget = BUDGETS.get(suite, 60)
            over = "  OVER BUDGET" if spent > budget else ""
            terminalreporter.write_line(
                f"{suite:<12} {self.count[suite]:>6} tests {spent:>7.1f} s of {budget:>4} s{over}"
            )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Budgets())
    if _is_first(config):
        leftovers.adopt()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    for command in leftovers.end() if _is_first(config) else ():
        sys.stderr.write(f"left behind by a test, ended now: {command[:200]}\n")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deals the tests out so that each process begins with its share of the heavy ones, module by module, and ends with
    light ones: those are what an idle process takes from a busy one, and none is left alone with minutes of work."""
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    if processes == 1:
        return
    modules: dict[str, list[pytest.Item]] = defaultdict(list)
    light: list[pytest.Item] = []
    for item in items:
        if item.nodeid.startswith(HEAVY):
            modules[item.nodeid.partition("::")[0]].append(item)
        else:
            light.append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for number, module in enumerate(modules.values()):
        shares[number % processes].extend(module)
    # xdist gives each process the same number of tests, in this order.
    size, rest = divmod(len(items), processes)
    for number, share in enumerate(shares):
        room = max(0, size + (number >= processes - rest) - len(share))
        share.extend(light[:room])
        del light[:room]
    items[:] = [item for share in shares for item in share] + light


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: the collector of garbage need not look at it again and again."""
    gc.freeze()


def _is_first(config: pytest.Config) -> bool:
    """Whether this process is the one that a person started, not one that xdist did."""
    return not hasattr(config, "workerinput")


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    """Commands that run in this process set up logging as for one of their own: the next test finds none of it."""
    root, ours = logging.getLogger(), logging.getLogger("procession")
    before = root.handlers[:], root.level, ours.level
    yield
    if (root.handlers, root.level, ours.level) != before:
        root.handlers[:], level, own = before
        root.setLevel(level)
        ours.setLevel(own)
        logging.captureWarnings(False)
