"""An idle server: how many statements a second it sends to its database."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from bench.server import rig

SECONDS: Final = 20


def idle_server(folder: Path, url: str, database: Any) -> list[tuple[str, str, str]]:
    """(what, asked, reached), counted in the log of the database (`postgres_rig.Server`)."""
    with rig.serving(folder, url) as (_, port):
        rig.run(rig.deploy(port, rig.model("one", 1, "noop")))
        worker = rig.start_worker(folder, port, "noop")
        try:
            time.sleep(8)  # until nobody asks for anything any more
            database.execute("ALTER SYSTEM SET log_min_duration_statement = 0", "SELECT pg_reload_conf()")
            time.sleep(1)
            before = _statements(database)
            time.sleep(SECONDS)
            sent = _statements(database) - before
            database.execute("ALTER SYSTEM RESET log_min_duration_statement", "SELECT pg_reload_conf()")
        finally:
            worker.end()
    return [("SQL statements/s of an idle server with a worker", "< 5", f"{sent / SECONDS:.1f}")]


def _statements(database: Any) -> int:
    text: str = (database.folder / "log").read_text(errors="replace")
    return sum(("duration:" in line and "execute" in line) or "statement:" in line for line in text.splitlines())
