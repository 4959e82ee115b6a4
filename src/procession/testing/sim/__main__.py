"""`python -m procession.testing.sim`: runs many seeds and says what happened in them."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from procession.testing.sim.faults import FAULTS
from procession.testing.sim.plans import PLANS
from procession.testing.sim.simulate import SimulationFailed, simulate


def main() -> int:
    """Exit code 1 when a seed failed; the first one is shown whole."""
    parser = argparse.ArgumentParser(prog="python -m procession.testing.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--plan", default="", choices=["", *PLANS], help="only this plan")
    parser.add_argument("--faults", default=None, help=f"only these, by comma; there are {', '.join(FAULTS)}")
    options = parser.parse_args()
    faults = None if options.faults is None else [name for name in options.faults.split(",") if name]
    fired: Counter[str] = Counter()
    began = time.monotonic()
    commits = facts = crashes = 0
    for seed in range(options.first, options.first + options.seeds):
        try:
            report = simulate(seed, plan=options.plan, faults=faults)
        except SimulationFailed as failed:
            sys.stdout.write(f"{failed}\n")
            return 1
        fired.update(report.fired)
        commits += report.commits
        facts += report.facts
        crashes += report.crashes
    spent = time.monotonic() - began
    sys.stdout.write(f"{options.seeds} seeds, {commits} commits, {facts} facts, {crashes} crashes, {spent:.1f} s\n")
    sys.stdout.write("".join(f"{fired[name]:>8} {name}: {text}\n" for name, text in FAULTS.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
