"""How fast a process starts and how much is installed: `python -m bench.start [--runs 15] [--no-install]`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Final

from bench import machine

ROOT: Final = Path(__file__).parent.parent
FIRST: Final = """
from procession import Engine

engine = Engine("first.db")
engine.deploy(MODEL)

@engine.worker("noop")
def noop() -> None:
    return None

instance = engine.start("w1")
engine.run_until_idle()
assert instance.state == "completed", instance.state
engine.close()
"""
STARTS: Final = {
    "the bare interpreter": "pass",
    "import procession": "import procession",
    "from procession import Engine": "from procession import Engine",
    "a first instance of W1, finished, on a new file": FIRST.replace("MODEL", repr(str(ROOT / "bench/models/w1.bpmn"))),
}


def main() -> None:
    """Measures fresh processes, and a fresh base install."""
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--runs", type=int, default=15, help="fresh processes of each kind")
    parser.add_argument("--no-install", action="store_true", help="leave out the base install (it needs an index)")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
    try:
        _print(f"{machine.describe()}\n")
        _print(
            "| a fresh process | CPU ms: min / median | beyond the bare one | wall ms: min / median | the very first |"
        )
        _print("|---|---|---|---|---|")
        _starts(directory, options.runs)
        if not options.no_install:
            _install(directory)
    finally:
        shutil.rmtree(directory)


def _starts(directory: Path, runs: int) -> None:
    bare = 0.0
    for name, code in STARTS.items():
        # The first run compiles the modules that none before it needed, as after an install.
        first, *samples = [fresh(directory, code) for _ in range(runs + 1)]
        cpu = sorted(spent for spent, _ in samples)
        wall = sorted(taken for _, taken in samples)
        bare = bare or median(cpu)
        beyond = f"{median(cpu) - bare:.0f}"
        cells = (f"{cpu[0]:.0f} / {median(cpu):.0f}", beyond, f"{wall[0]:.0f} / {median(wall):.0f}", f"{first[1]:.0f}")
        _print(f"| {name} | " + " | ".join(cells) + " |")


def fresh(directory: Path, code: str) -> tuple[float, float]:
    """(process time, wall) in ms of a process of its own."""
    before = getrusage(RUSAGE_CHILDREN)
    begun = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(directory / "byte-code")
    subprocess.run([sys.executable, "-c", code], cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    after = getrusage(RUSAGE_CHILDREN)
    for left in directory.glob("first.db*"):
        left.unlink()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000, wall * 1000


def _install(directory: Path) -> None:
    """A base install beside nothing else: what requirements/base.txt pins, and the package."""
    target = directory / "base"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    pip += ["--target", str(target)]
    subprocess.run([*pip, "--require-hashes", "--requirement", "requirements/base.txt"], cwd=ROOT, check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "."], cwd=ROOT, check=True)
    parts = ("msgspec", "tzdata", "procession")
    sizes = ", ".join(f"{name} {_bytes(target / name) / 1e6:.2f}" for name in parts)
    _print(f"\nbase install: {_bytes(target) / 1e6:.2f} MB of files ({sizes})")
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(target)], check=True)
    blocks = sum(each.stat().st_blocks * 512 for each in target.rglob("*"))
    _print(f"with byte code: {_bytes(target) / 1e6:.2f} MB, in blocks of the file system {blocks / 1e6:.2f} MB")


def _bytes(path: Path) -> int:
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
