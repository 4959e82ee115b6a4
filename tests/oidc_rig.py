"""A real identity provider (npm's oidc-provider) for tests: installed outside the clone, ended by the test."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast, final

import httpx
import pytest

from needs import require

FOLDER: Final = Path(__file__).parent / "oidc"
AUDIENCE: Final = "https://procession.test/api"
CLIENT: Final = "robot"
SECRET: Final = "not-a-secret"
FILES: Final = ("package.json", "package-lock.json", ".npmrc", "provider.mjs")
REMEDY: Final = "install Node.js 20 or newer, with npm"
INSTALL_S: Final = 300


@final
class RealProvider:
    """One that runs. `issuer` is its address."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.issuer = self._line()["issuer"]

    def token(self) -> str:
        """A new access token of the client."""
        form = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": "api"}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(CLIENT, SECRET), timeout=30)
        return cast("str", answer.raise_for_status().json()["access_token"])

    def rotate(self) -> None:
        """Lets it sign with a new key, and forget the one before."""
        assert self._process.stdin is not None
        self._process.stdin.write("rotate\n")
        self._process.stdin.flush()
        assert self._line()["rotated"]

    def _line(self) -> dict[str, str]:
        assert self._process.stdout is not None
        # What is not JSON are the library's remarks.
        line = next(line for line in self._process.stdout if line.startswith("{"))
        return cast("dict[str, str]", json.loads(line))


@contextmanager
def real_provider() -> Iterator[RealProvider]:
    """A provider, as long as the block lasts."""
    require("node", REMEDY)
    require("npm", REMEDY)
    command = ["node", "provider.mjs", AUDIENCE, CLIENT, SECRET]
    with subprocess.Popen(
        command, cwd=_installed(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield RealProvider(process)
        finally:
            process.kill()


def _installed() -> Path:
    """Where it is installed: beside the caches, once for each content of its files."""
    digest = hashlib.sha256(b"\0".join((FOLDER / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "procession"
    place = cache / f"oidc-{digest}"
    if place.is_dir():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    # Two test processes may install at once: each beside, and the first one is taken.
    made = Path(tempfile.mkdtemp(prefix="oidc-", dir=cache))
    for name in FILES:
        shutil.copy(FOLDER / name, made / name)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=made, capture_output=True, text=True, timeout=INSTALL_S, check=False,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(made)
        pytest.fail(f"npm ci failed: {done.stderr[-2000:]}", pytrace=False)
    try:
        made.rename(place)
    except OSError:
        shutil.rmtree(made)
    return place
