"""Prints the table "The server" of docs/benchmarks.md: `python -m bench.server [--parts one crowd tenants idle kills]`.

A PostgreSQL with fsync on, servers and workers are processes of their own on this machine, and share its cores with who
drives them. `--peer` adds the part `one` on Camunda 7, on the same PostgreSQL, right after ours (Java and Maven).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench import machine
from bench.server import crowd, idling, kills, parts, peer
from procession.store.postgres.store import PostgresStore

SHARDS: Final = 8
Rows = list[tuple[str, str, str]]


def main() -> None:
    """Starts the database, and does all parts or those that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.server")
    parser.add_argument("--parts", nargs="*", default=["one", "crowd", "tenants", "idle", "kills"])
    parser.add_argument("--instances", type=int, default=3_000, help="of the throughput")
    parser.add_argument("--seconds", type=float, default=15, help="of the quiet tenants, each time")
    parser.add_argument("--tenants", type=int, default=10_000, help="registered ones")
    parser.add_argument(
        "--peer", nargs="?", const="full", metavar="HISTORY", help="part one on a peer too (Java, Maven)"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="procession-bench-"))
    import postgres_rig

    server = postgres_rig.Server(durable=True)

    def database() -> str:
        url = server.database(migrated=False)
        PostgresStore(url, shards=SHARDS).close()
        return url

    def peer_database() -> str:
        name = server.database(migrated=False).rpartition("/")[2]
        return f"jdbc:postgresql://127.0.0.1:{server.port}/{name}"

    todo: dict[str, Callable[[], Rows]] = {
        "one": lambda: parts.one_server(folder, database(), options.instances),
        "crowd": lambda: crowd.quiet_and_loud(folder, database(), options.seconds),
        "tenants": lambda: crowd.idle_tenants(folder, database(), database(), options.tenants),
        "idle": lambda: idling.idle_server(folder, database(), server),
        "kills": lambda: kills.killed_and_rolled(folder, database()),
    }
    names = list(options.parts)
    if options.peer:
        todo["peer"] = lambda: peer.one_peer(folder, peer_database(), options.peer, options.instances)
        names.insert(names.index("one") + 1 if "one" in names else 0, "peer")
    try:
        print(machine.describe())
        print("| what | asked | reached |\n|---|---|---|")
        for name in names:
            for what, asked, reached in todo[name]():
                print(f"| {what} | {asked} | {reached} |", flush=True)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
