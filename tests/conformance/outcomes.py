"""What the runners of suites have in common: how a case went, which ones may fail, and how all of it is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """How a case went; `why` is empty where it passed."""

    case: str
    passed: bool
    why: str

    def line(self) -> str:
        """The case as JSON."""
        return json.dumps(self._asdict(), ensure_ascii=False)


def expected_failures(suite: str) -> dict[str, str]:
    """The cases of a suite that are known to fail, `case: reason`, one a line. The list can only shrink."""
    lines = Path(__file__).with_name(f"{suite}_expected_failures.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def totals(found: Iterable[Outcome]) -> str:
    """How many cases passed."""
    cases = list(found)
    return f"{sum(each.passed for each in cases)} of {len(cases)} passed"


def run_suite(arguments: list[str], usage: str | None, outcomes: Callable[[Path], Iterable[Outcome]]) -> int:
    """Prints a line a case of the one folder among the arguments; 0 if all passed, 2 for a wrong call."""
    folders = [each for each in arguments if not each.startswith("-")]
    if len(folders) != 1:
        sys.stderr.write(f"{usage}\n")
        return 2
    as_json = "--json" in arguments
    found = list(outcomes(Path(folders[0])))
    for each in found:
        sys.stdout.write(
            (each.line() if as_json else f"{'passed' if each.passed else 'FAILED'} {each.case} {each.why}") + "\n"
        )
    (sys.stderr if as_json else sys.stdout).write(f"{totals(found)}\n")
    return 0 if all(each.passed for each in found) else 1
