"""Programs that tests need and Debian has: installed as root in continuous integration, where nobody else would."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

_INSTALL_S: Final = 600


def install(package: str, *programs: str) -> None:
    """Installs a package unless its programs (names, or paths) are there. One process at a time does; what goes wrong
    is said by `needs`, with the remedy."""
    ci = os.environ.get("CI", "").lower() in {"1", "true"}
    if not ci or _there(programs) or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    import fcntl

    with (Path(tempfile.gettempdir()) / "procession-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _there(programs):
            return
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", "-q", *command], env=environment, capture_output=True, timeout=_INSTALL_S, check=False
            )


def _there(programs: tuple[str, ...]) -> bool:
    return all(shutil.which(program) for program in programs)
