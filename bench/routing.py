"""What a routing decision takes: `python -m bench.routing`. A hundred rules, of tenants, processes and shares."""

from __future__ import annotations

import sys
import time
from statistics import median

from bench import machine
from procession.services.routes import Compiled, Routes, Rule

TENANTS = 1_000
STARTS = 20_000


def main() -> None:
    """Prints microseconds a decision: in a cache that knows the tenant and process, and in one that does not."""
    rules = [
        Rule(f"r{n}", "temporal", tenants=tuple(f"t{n * 10 + k}" for k in range(10)), processes=("p",), percent=n)
        for n in range(100)
    ]
    found = Compiled(Routes(tuple(rules)))
    cold = _timed(lambda n: found.decide(f"t{n}", "p", 1, "k"), TENANTS)
    warm = [_timed(lambda n: found.decide(f"t{n % TENANTS}", "p", 1, f"k{n}"), STARTS) for _ in range(5)]
    sys.stdout.write(f"{machine.describe()}\n")
    sys.stdout.write(f"a decision of 100 rules: {median(warm):.1f} us, the first of a tenant {cold:.1f} us\n")


def _timed(what: object, n: int) -> float:
    assert callable(what)
    begun = time.perf_counter()
    for number in range(n):
        what(number)
    return (time.perf_counter() - begun) / n * 1e6


if __name__ == "__main__":
    main()
