"""What the figures were measured on, and how: process CPU, peak memory, bytes on disk."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import sys
from pathlib import Path


def describe() -> str:
    """One line that names the machine; goes beside every figure."""
    cpu = "unknown CPU"
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        cpu = names[0] if names else cpu
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores {cpu}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load {load:.1f}"
    )


def peak_rss_mb() -> float:
    """The process's peak resident memory, in MB."""
    scale = 1024 if sys.platform == "linux" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def disk_bytes(path: Path) -> int:
    """The size of the database after a truncating checkpoint."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def rss_mb() -> float:
    """The process's resident memory now, in MB; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024
