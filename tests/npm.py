"""Packages of Node for tests: installed once for each lock file, outside of the clone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest

import needs

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "procession" / "npm"
FILES: Final = ("package.json", "package-lock.json", ".npmrc")
REMEDY: Final = "install Node.js 20 or newer, with npm"
INSTALL_S: Final = 300


def installed(package: Path, *programs: str) -> Path:
    """A folder with the `node_modules` of a package's lock file, and with these files of the package beside them.
    Skips, or with CI=true fails, without Node and npm."""
    needs.require("node", REMEDY)
    needs.require("npm", REMEDY)
    files = (*FILES, *programs)
    digest = hashlib.sha256(b"\0".join((package / name).read_bytes() for name in files)).hexdigest()[:16]
    place = CACHE / digest
    if place.is_dir():
        return place
    CACHE.mkdir(parents=True, exist_ok=True)
    # Another run may install at the same time: each does it by itself, and one of them is renamed into place.
    making = Path(tempfile.mkdtemp(prefix=f"{digest}.", dir=CACHE))
    for name in files:
        shutil.copy(package / name, making / name)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=making, capture_output=True, text=True, timeout=INSTALL_S, check=False,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(making)
        pytest.fail(f"npm ci failed: {done.stderr[-2000:]}", pytrace=False)
    try:
        making.rename(place)
    except OSError:
        shutil.rmtree(making)
    return place
