"""Runs of the two sides in turns A B B A, and what they say: medians of the ratios, with their intervals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from statistics import median
from typing import Final, final

import msgspec

from bench.temporal.sides import TICKS, Ask, Told

ROOT: Final = Path(__file__).resolve().parents[2]
SURE: Final = 0.95


@dataclass(frozen=True)
class Run:
    """What one side took for one run, with the CPU seconds that the server spent meanwhile."""

    told: Told
    server: float

    @property
    def rate(self) -> float:
        """Instances a second."""
        return self.told.n / self.told.wall

    @property
    def settled_rate(self) -> float:
        """The same, until the books show it."""
        return self.told.n / self.told.settled

    @property
    def cpu_ms(self) -> float:
        """CPU of the side's process, an instance."""
        return self.told.cpu / self.told.n * 1000

    @property
    def server_ms(self) -> float:
        """CPU of the server, an instance."""
        return self.server / self.told.n * 1000

    @property
    def all_ms(self) -> float:
        """CPU of both, an instance."""
        return self.cpu_ms + self.server_ms

    def latency_ms(self, share: float) -> float:
        """A percentile of the latencies."""
        ordered = sorted(self.told.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


@dataclass(frozen=True)
class Interval:
    """A median, and between which values it lies as order statistics say, with at least 95 %."""

    middle: float
    low: float
    high: float


@final
class Child:
    """One side in its process."""

    def __init__(self, side: str, address: str, directory: Path, server: int) -> None:
        self._server = server
        command = [sys.executable, "-m", "bench.temporal.sides", side, address, str(directory)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)

    def run(self, ask: Ask) -> Run:
        """Does one run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = cpu_seconds(self._server)
        self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("one side ended; its error is above")
        return Run(msgspec.json.decode(line, type=Told), cpu_seconds(self._server) - before)

    def close(self) -> None:
        """Ends it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(60)


def cpu_seconds(process: int) -> float:
    """CPU seconds of a process, of all its threads."""
    rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / TICKS


def in_turns(first: Child, second: Child, ask: tuple[Ask, Ask], pairs: int) -> list[tuple[Run, Run]]:
    """Pairs of runs, A B, B A, A B and so on: what moves slowly on the machine meets both alike."""
    found: list[tuple[Run, Run]] = []
    for pair in range(pairs):
        if pair % 2 == 0:
            one = first.run(ask[0])
            found.append((one, second.run(ask[1])))
        else:
            other = second.run(ask[1])
            found.append((first.run(ask[0]), other))
    return found


def of(runs: Sequence[tuple[Run, Run]], what: Callable[[Run], float]) -> tuple[Interval, Interval, Interval]:
    """A figure of the first side, of the second, and the second's by the first's."""
    firsts, seconds = [what(a) for a, _ in runs], [what(b) for _, b in runs]
    ratios = [b / a for a, b in zip(firsts, seconds, strict=True) if a]
    return interval(firsts), interval(seconds), interval(ratios or [0.0])


def interval(values: Sequence[float]) -> Interval:
    """The median with the narrowest pair of order statistics around it that holds it with 95 %; all if none does."""
    ordered = sorted(values)
    n = len(ordered)
    rank = max((k for k in range(n // 2) if _covers(n, k) >= SURE), default=0)
    return Interval(median(ordered), ordered[rank], ordered[n - 1 - rank])


def _covers(n: int, k: int) -> float:
    """How probable it is that the median lies between the values k and n - 1 - k, from 0."""
    return 1.0 - 2.0 * sum(comb(n, i) for i in range(k + 1)) / 2.0**n
