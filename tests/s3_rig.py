"""A server of S3 in a process of its own (gofakes3), for tests: it can be stopped, and started again with what it had.

Chosen because it is one small program that the Go module proxy builds in seconds, keeps its objects in files, and
checks what is uploaded. It believes every signature: what a wrong key does is for the stores themselves to test.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import needs
from procession.testing.ports import free_port

SOURCE: Final = Path(__file__).parents[1] / "tools" / "s3-server"
BUCKET: Final = "claims"
_PACKAGE: Final = "github.com/johannesboyne/gofakes3/cmd/gofakes3"
_SECONDS: Final = 20


class S3Server:
    """The server. Use it as a context manager: it never outlives the test."""

    def __init__(self, folder: Path) -> None:
        """Builds the program; its objects are below `folder`. Skips the test where there is no Go."""
        needs.require("go", "install Go 1.26 or newer: it builds a small server of S3 (tools/s3-server)")
        self._program = folder / "gofakes3"
        self._folder = folder / "objects"
        go = shutil.which("go")
        assert go is not None
        build = [go, "build", "-mod=readonly", "-o", str(self._program), _PACKAGE]
        done = subprocess.run(build, cwd=SOURCE, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for a `CodecConfig`."""
        return f"s3://{BUCKET}/some/prefix?endpoint=http://127.0.0.1:{self.port}&region=us-east-1"

    @property
    def objects(self) -> list[Path]:
        """The files of the objects."""
        return sorted(path for path in (self._folder / "buckets").rglob("*") if path.is_file())

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        where = ["-backend", "fs", "-fs.path", str(self._folder), "-fs.create", "-initialbucket", BUCKET]
        self._process = subprocess.Popen([self._program, "-host", f"127.0.0.1:{self.port}", "-quiet", *where])
        wait_for_port(self.port)

    def stop(self) -> None:
        """Kills it; connections are refused from now on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def wait_for_port(port: int) -> None:
    """Returns when somebody listens at the port."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as tried:
            tried.settimeout(0.2)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens at port {port} after {_SECONDS} s")
