"""Prints the figures of "Journeys" in docs/benchmarks.md: `python -m bench.player [--players 200] [--on sqlite ...]`.

Each player opens a journey, keeps answers of two pages, goes on, looks at all answers, submits, and plays a second task
after a script of the process ran; between two requests it thinks for a while, as a person does. The server, its
database and the players share the cores of this machine. At last: how soon a first page is seen on a slow network.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from bench import machine
from bench.player.crowd import Figures, played
from bench.player.paint import painted
from bench.server import rig
from procession.store.postgres.store import PostgresStore


def main() -> None:
    """Plays on each store."""
    parser = argparse.ArgumentParser(prog="python -m bench.player")
    parser.add_argument("--players", type=int, default=200)
    parser.add_argument("--think", type=float, default=3.0, help="seconds between two requests of a player, on average")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--on", nargs="*", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="procession-bench-"))
    print(machine.describe())
    print("| on | players | a second | p50 | p95 | p99 | slowest kind, p95 | server's CPU |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for store in options.on:
            _one(store, folder, options)
        _painted(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _one(store: str, folder: Path, options: argparse.Namespace) -> None:
    if store == "sqlite":
        _line(store, _served(folder, str(folder / "bench.db"), options), options)
        return
    import postgres_rig

    server = postgres_rig.Server(durable=True)
    try:
        url = server.database(migrated=False)
        PostgresStore(url, shards=1).close()
        _line(store, _served(folder, url, options), options)
    finally:
        server.remove()


def _painted(folder: Path) -> None:
    with rig.serving(folder, str(folder / "paint.db"), PROCESSION_PLAYER__STARTS_PER_MINUTE="100000") as (_, port):
        found = painted(port)
    print(f"largest contentful paint on slow 4G: {found[len(found) // 2]:.0f} ms, at most {found[-1]:.0f} ms")


def _served(folder: Path, url: str, options: argparse.Namespace) -> Figures:
    # All players come from one address here.
    with rig.serving(folder, url, PROCESSION_PLAYER__STARTS_PER_MINUTE="100000") as (process, port):
        return rig.run(played(process, port, options.players, options.think, options.seconds))  # type: ignore[no-any-return]


def _line(store: str, found: Figures, options: argparse.Namespace) -> None:
    kind, slowest = found.slowest()
    p50, p95, p99 = (found.share(part) for part in (0.5, 0.95, 0.99))
    shares = f"{p50:.1f} ms | {p95:.1f} ms | {p99:.1f} ms | {kind} {slowest:.1f} ms"
    print(
        f"| {store} | {options.players} | {found.rate:.0f} steps | {shares} | {found.cpu:.0%} of a core |", flush=True
    )


if __name__ == "__main__":
    main()
