"""`python -m examples.demo [COUNT]`: runs the engine in a process, kills it half-way, starts it again, and counts.

0 is the exit code when every instance that was started has ended, and no piece of work was lost or done twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from examples.demo.ledger import Ledger
from procession import Engine
from procession.core import facts as f

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
KILL_AT = COUNT * 9 // 20
"""Completed instances after which the engine is killed: more have been started by then, and are under way."""
LIMIT_S = 110.0
LINE_EVERY_S = 1.0
"""Pause between the lines that take the place of moving bars where nothing can move: a pipe, a dumb terminal."""


@dataclass
class Watch:
    """What the engine processes told, and how it is shown: as bars, or as lines where `plain`."""

    progress: Progress
    deadline: float
    plain: bool
    completed: int = 0
    acknowledged: set[int] = field(default_factory=set)
    found: list[set[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._started = self.progress.add_task("started", total=COUNT)
        self._completed = self.progress.add_task("completed", total=COUNT)
        self._jobs = self.progress.add_task("jobs executed", total=None)
        self._next_line = time.monotonic()

    def follow(self, process: subprocess.Popen[str], kill_at: int | None) -> None:
        """Reads a process's reports to its end; kills it when `kill_at` instances have completed."""
        assert process.stdout is not None
        for line in process.stdout:
            self._take(line)
            if time.monotonic() > self.deadline or (kill_at is not None and self.completed >= kill_at):
                os.kill(process.pid, signal.SIGKILL)
                break
        # What was acknowledged before the kill counts, read or not.
        for line in process.stdout:
            self._take(line)
        process.wait()

    def _take(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return  # the last line of a killed process
        if "started" in told:
            self.acknowledged.add(told["started"])
            self.progress.update(self._started, completed=len(self.acknowledged))
        if "found" in told:
            self.found.append(set(told["found"]))
            self.acknowledged |= self.found[-1]
        if "counts" in told:
            self.completed = int(told["counts"].get("completed", 0))
            self.progress.update(self._completed, completed=self.completed)
            self.progress.update(self._jobs, completed=told["calls"], total=max(told["calls"], 1))
            self._say(told["calls"])

    def _say(self, calls: int) -> None:
        if self.plain and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            started = len(self.acknowledged)
            self.progress.console.print(f"{started:,} started, {self.completed:,} completed, {calls:,} jobs executed")


def spawn(directory: Path, run: int) -> subprocess.Popen[str]:
    """The engine process."""
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-m", "examples.demo.engine", str(directory), str(COUNT), str(run)]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def main() -> int:
    """Both runs, and the count."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="procession-demo-") as name:
        directory = Path(name)
        begun = time.monotonic()
        columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        plain = not console.is_terminal or console.is_dumb_terminal
        with Progress(*columns, console=console, disable=plain) as progress:
            watch = Watch(progress, begun + LIMIT_S, plain)
            first = spawn(directory, 1)
            watch.follow(first, KILL_AT)
            before = set(watch.acknowledged)
            open_ = len(before) - watch.completed
            console.print(
                f"engine killed (SIGKILL): {watch.completed:,} instances completed, {open_:,} open; restarting"
            )
            second = spawn(directory, 2)
            watch.follow(second, None)
        seconds = time.monotonic() - begun
        forgotten = len(before - watch.found[1]) if len(watch.found) > 1 else len(before)
        ran = first.returncode == -signal.SIGKILL and second.returncode == 0
        return report(console, directory, forgotten, seconds) if ran else failed(console, directory)


@dataclass
class Count:
    """What the store's facts say, held against the workers' ledger."""

    started: int = 0
    completed: int = 0
    jobs: int = 0
    """Jobs whose answer the engine took."""
    created: set[str] = field(default_factory=set)
    """The idempotency keys of all jobs."""
    done: set[str] = field(default_factory=set)
    """Those whose answer the engine took."""


def counted(directory: Path) -> Count:
    """Reads the whole history."""
    count = Count()
    with Engine(directory / "demo.db") as engine:
        for instance in engine.instances(limit=10 * COUNT):
            count.started += 1
            count.completed += instance.state == "completed"
            keys: dict[int, str] = {}
            epoch = 0
            for entry in instance.history:
                fact = entry.fact
                if isinstance(fact, f.InstanceStarted):
                    epoch = fact.epoch
                elif isinstance(fact, f.JobCreated):
                    keys[fact.job] = f"{instance.key}:{fact.element}:{epoch}:{fact.group}"
                elif isinstance(fact, f.JobCompleted | f.JobThrew):
                    count.done.add(keys[fact.job])
            count.created |= set(keys.values())
    return count


def report(console: Console, directory: Path, forgotten: int, seconds: float) -> int:
    """The table, from the engine's store and the workers' own file."""
    count = counted(directory)
    ledger = Ledger(directory / "effects.db", 0)
    effects = ledger.keys()
    lost_instances = max(forgotten, COUNT - count.completed)
    lost_effects = len(count.done - effects)
    doubled = ledger.doubled() + len(effects - count.created)
    lost = lost_instances + lost_effects
    table = Table(title=f"{COUNT:,} instances, the engine killed half-way", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for what, number in (
        ("instances started", count.started),
        ("instances completed", count.completed),
        ("jobs executed", ledger.calls()),
        ("jobs executed again after the kill", ledger.calls_again()),
        ("attempts that failed and were made again", ledger.retried()),
        ("effects in the workers' own file, by idempotency key", len(effects)),
        ("lost", lost),
        ("doubled", doubled),
        ("instances per second, kill and restart included", round(COUNT / seconds)),
    ):
        colour = ("[green]" if not number else "[red]") if what in {"lost", "doubled"} else ""
        table.add_row(what, f"{colour}{number:,}")
    ledger.close()
    console.print(table)
    console.print(f"lost {lost}, doubled {doubled}, {seconds:.1f} s")
    return 1 if lost or doubled else 0


def failed(console: Console, directory: Path) -> int:
    """The engine process did not come to its end: says what is open."""
    with Engine(directory / "demo.db") as engine:
        console.print(f"the engine did not finish: {engine.counts()}")
        for incident in engine.incidents(limit=10):
            console.print(f"incident at {incident.element_id}: {incident.message}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
