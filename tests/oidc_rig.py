"""A real identity provider (npm's oidc-provider) for tests: installed outside the clone, ended by the test."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast, final

import httpx

import npm

FOLDER: Final = Path(__file__).parent / "oidc"
AUDIENCE: Final = "https://procession.test/api"
CLIENT: Final = "robot"
SECRET: Final = "not-a-secret"
PROGRAM: Final = "provider.mjs"


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
    place = npm.installed(FOLDER, PROGRAM)
    command = ["node", PROGRAM, AUDIENCE, CLIENT, SECRET]
    with subprocess.Popen(
        command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield RealProvider(process)
        finally:
            process.kill()
