"""Scenarios on Celery, for whoever runs a list of them: one broker and one kit for all."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from procession.base.failure import StoreError
from procession.store.opening import open_store
from procession.testing.celery.brokers import redis_command, url_of
from procession.testing.celery.kit import CeleryKit, OnCelery
from procession.testing.driver import MakeEngines
from procession.testing.engines import Engines
from procession.testing.ports import free_port

PATIENCE_S: Final = 10.0


@contextmanager
def over_broker(url: str = "", store: str = ":memory:") -> Generator[MakeEngines]:
    """Engines over the broker at `url`, else over a Redis of this process's own. The store is a file of this run unless
    it is named. Raises `StoreError` where there is no broker."""
    with broker_at(url) as found:
        kit = CeleryKit(
            found,
            f"procession-test-{os.getpid()}-{time.time_ns()}",
            store=None if store == ":memory:" else lambda: open_store(store),
        )
        try:

            def engines(clock: Callable[[], int], zone: str) -> Engines:
                return OnCelery(kit, clock, zone)

            yield engines
        finally:
            kit.close()


@contextmanager
def broker_at(url: str) -> Generator[str]:
    """The URL of a broker: the one that is given, else of a Redis of this process's own. Raises `StoreError`."""
    if url:
        yield url
        return
    if shutil.which("redis-server") is None:
        raise StoreError("no broker is named, and there is no redis-server on the PATH to start one")
    with tempfile.TemporaryDirectory(prefix="procession-redis-") as folder:
        port = free_port()
        command = redis_command(port, Path(folder))
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _await(port, server)
            yield url_of("redis", port)
        finally:
            server.kill()
            server.wait()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise StoreError(f"redis-server did not start: {error}") from error
            time.sleep(0.02)
