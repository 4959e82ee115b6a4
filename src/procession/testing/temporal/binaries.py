"""Where a Temporal server's program comes from: a variable, the PATH, the cache of builds, a build from source.

Two kinds are known, because both ends of what the host supports are tested: `cli` is the official command line with
the oldest server, `server` our own small program with the newest. Their sources are pinned in `tools/temporal-<kind>`,
so only a checkout can build them, and the cache's folders are named by the hash of the pin. What must not live here:
how a server is run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, TypeAlias, final, get_args

from procession.base.failure import ProcessionError

Kind: TypeAlias = Literal["cli", "server"]
"""`cli`: the official CLI, server 1.29.1. `server`: the program of `tools/temporal-server`, server 1.32.1."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SERVER_VERSIONS: Final[dict[Kind, str]] = {"cli": "1.29.1", "server": "1.32.1"}
VARIABLE: Final = "PROCESSION_TEMPORAL"
"""The environment's variable that names the program to use."""

_PACKAGES: Final[dict[Kind, str]] = {"cli": "github.com/temporalio/cli/cmd/temporal", "server": "."}
_MINUTES: Final[dict[Kind, str]] = {"cli": "three to eight", "server": "four to eight"}
_GO: Final = "Go 1.26.8 or newer"
# src/procession/testing/temporal/binaries.py in a checkout; elsewhere there is no such folder.
_TOOLS: Final = Path(__file__).resolve().parents[4] / "tools"
_PROGRAM: Final = "temporal.exe" if sys.platform == "win32" else "temporal"
_LINES_SHOWN: Final = 15


@final
class ServerMissing(ProcessionError):
    """No program to start a server from, or it cannot be built. The text says what was tried and what to do."""


def find_server(kind: Kind | None = None, *, build: bool = True) -> Path | None:
    """The program to start, or None if there is none on this machine and none can be built.

    In this order: the variable PROCESSION_TEMPORAL, `temporal` on the PATH, the cache of builds, and with `build` a
    build from source, which takes minutes. A `kind` is a promise of a server's version: a program from the first two
    places that holds another version is passed over. Without a kind, whichever comes first is taken. Raises
    `ServerMissing` if the variable names no program, or a build fails.
    """
    for path in _given():
        if kind is None or server_version(path) == SERVER_VERSIONS[kind]:
            return path
    # The newest first: whoever names no kind wants all that a server can do.
    kinds = (kind,) if kind else KINDS[::-1]
    for each in kinds:
        if (kept := cached(each)) and kept.is_file():
            return kept
    return build_server(kinds[0]) if build and can_build(kinds[0]) else None


def remedy(kind: Kind) -> str:
    """What to do to get a server of that kind, in a line."""
    return (
        f"run `make temporal` in a checkout (needs {_GO}; {_MINUTES[kind]} minutes, once), "
        f"or let {VARIABLE} name a `temporal` program with server {SERVER_VERSIONS[kind]}"
    )


@cache
def server_version(path: Path) -> str:
    """The version of the server in a program, "1.29.1"; empty if it does not tell."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"Server (\d+\.\d+\.\d+)", done.stdout)
    return found[1] if found else ""


def cached(kind: Kind) -> Path | None:
    """Where a build of that kind is kept, built or not; None outside of a checkout."""
    source = _TOOLS / f"temporal-{kind}"
    if not (source / "go.sum").is_file():
        return None
    pin = sha256()
    for file in sorted(source.iterdir()):
        if file.suffix in {".go", ".mod", ".sum"}:
            pin.update(f"{file.name}\0".encode() + file.read_bytes())
    return cache_folder() / f"{kind}-{pin.hexdigest()[:16]}" / _PROGRAM


def cache_folder() -> Path:
    """Where programs are kept, outside of any clone: the user's cache, as in the Makefile."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "procession" / "temporal"


def can_build(kind: Kind) -> bool:
    """This is a checkout, and there is a Go; whether it is new enough, the build says."""
    return cached(kind) is not None and shutil.which("go") is not None


def build_server(kind: Kind, report: Callable[[str], None] = lambda _: None) -> Path:
    """The program of that kind, built into the cache unless it is there. `report` is told that a build begins.

    Two processes that want the same build share it: the second waits for the first. Raises `ServerMissing`.
    """
    program, go = cached(kind), shutil.which("go")
    if program is None or go is None:
        wanted = "no checkout with tools/temporal-*" if program is None else "no `go` on the PATH"
        raise ServerMissing(f"cannot build the Temporal server {SERVER_VERSIONS[kind]}: {wanted}; {remedy(kind)}")
    with _alone(program.parent):
        if not program.is_file():
            report(f"Building the Temporal server {SERVER_VERSIONS[kind]} into {program.parent} ({_MINUTES[kind]} min)")
            _compile(_Compilation(kind, go, program))
    return program


def _given() -> Iterator[Path]:
    """The programs that the user put in front of the cache."""
    if named := os.environ.get(VARIABLE):
        path = Path(named).expanduser().absolute()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ServerMissing(f"{VARIABLE} names {named}, which is no program; correct it, or unset it")
        yield path
    if found := shutil.which("temporal"):
        yield Path(found)


@dataclass(frozen=True)
class _Compilation:
    kind: Kind
    go: str
    program: Path


def _compile(job: _Compilation) -> None:
    # Built beside its place and renamed: a build that was killed leaves no program that cannot be started.
    part = job.program.with_name(f"{_PROGRAM}.part")
    # Neither a workspace around the clone nor the user's flags may change what the pin says.
    environment = {**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    done = subprocess.run(
        [job.go, "build", "-ldflags=-s -w", "-o", part, _PACKAGES[job.kind]],
        cwd=_TOOLS / f"temporal-{job.kind}", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-_LINES_SHOWN:])
        raise ServerMissing(
            f"`go build` failed for the Temporal server {SERVER_VERSIONS[job.kind]}; it needs {_GO}, and at its first "
            f"run a Go module proxy:\n{said}"
        )
    part.replace(job.program)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Held by one process at a time, and let go by the system if that process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        # Windows has no such lock: there, two builds at once cost time twice, and the rename decides.
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
