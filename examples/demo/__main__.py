"""Runs the engine in a process of its own, kills it with SIGKILL half-way, starts it again, and counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from examples.demo.effects import Effects
from procession import Engine

COUNT = 1_000
LIMIT_S = 120.0


def spawn(directory: Path) -> subprocess.Popen[bytes]:
    """The engine process."""
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen([sys.executable, "-m", "examples.demo.engine", str(directory), str(COUNT)], cwd=root)


def watch(effects: Effects, engine: subprocess.Popen[bytes], progress: Progress, until: int) -> None:
    """Shows how far the workers are, until `until` orders are done or the engine process ended."""
    task = progress.tasks[0].id
    deadline = time.monotonic() + LIMIT_S
    while engine.poll() is None and time.monotonic() < deadline:
        done = effects.shipped()
        progress.update(task, completed=done)
        if done >= until:
            return
        time.sleep(0.02)


def main() -> int:
    """0 when nothing was lost or doubled."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="procession-demo-") as name:
        directory = Path(name)
        effects = Effects(directory / "effects.db")
        begun = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            progress.add_task("orders", total=COUNT)
            first = spawn(directory)
            watch(effects, first, progress, COUNT // 2)
            killed = first.poll() is None
            if killed:
                os.kill(first.pid, signal.SIGKILL)
            first.wait()
            calls_before = effects.calls()
            progress.console.print(
                f"engine process {first.pid} killed after {effects.shipped()} orders; starting another"
            )
            second = spawn(directory)
            watch(effects, second, progress, COUNT + 1)
            second.wait(timeout=LIMIT_S)
            progress.update(progress.tasks[0].id, completed=effects.shipped())
        seconds = time.monotonic() - begun
        return report(console, directory, effects, seconds, killed and calls_before > 0 and second.returncode == 0)


def report(console: Console, directory: Path, effects: Effects, seconds: float, ran: bool) -> int:
    """The table, from the engine's store and the workers' own file."""
    with Engine(directory / "demo.db") as engine:
        counts = engine.counts()
    started, completed = sum(counts.values()), counts.get("completed", 0)
    calls, done, doubled = effects.calls(), effects.count(), effects.doubled()
    effects.close()
    lost = COUNT - completed
    table = Table(title="1,000 orders, the engine killed with SIGKILL half-way")
    table.add_column("what")
    table.add_column("count", justify="right")
    for what, count in (
        ("instances started", started),
        ("instances completed", completed),
        ("jobs executed", calls),
        ("jobs executed again after the kill", calls - done),
        ("effects, by idempotency key", done),
        ("lost", lost),
        ("doubled", doubled),
        ("instances per second, kill and restart included", round(COUNT / seconds)),
    ):
        table.add_row(what, f"{count:,}")
    console.print(table)
    console.print(f"lost {lost}, doubled {doubled}, {seconds:.1f} s")
    return 0 if ran and lost == 0 and doubled == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
