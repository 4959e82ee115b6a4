"""Packages of Node for tests: installed once for each lock file, outside of the clone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import needs

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "procession" / "npm"
FILES: Final = ("package.json", "package-lock.json", ".npmrc")


def modules(package: Path) -> Path:
    """The `node_modules` of a package's lock file. Skips, or with CI=true fails, without Node and npm."""
    needs.require("node", "install Node.js 20 or later")
    needs.require("npm", "it comes with Node.js")
    digest = hashlib.sha256(b"\0".join((package / name).read_bytes() for name in FILES)).hexdigest()[:16]
    place = CACHE / digest
    if (place / "complete").exists():
        return place / "node_modules"
    # Another run may install at the same time: each does it by itself, and one of them is renamed into place.
    making = CACHE / f"{digest}.{os.getpid()}"
    making.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(package / name, making / name)
    subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=making, check=True)
    (making / "complete").touch()
    try:
        making.rename(place)
    except OSError:
        shutil.rmtree(making)
    return place / "node_modules"
