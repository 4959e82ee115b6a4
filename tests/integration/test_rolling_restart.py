"""Servers that share a PostgreSQL are restarted one after the other, while they are asked: nothing fails for good."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Final

import httpx
import pytest

import needs
import postgres_rig
from procession import Engine
from procession.store.postgres.store import PostgresStore
from server_rig import ServerProcess, soon
from web_rig import XML

needs.require("server", "pip install 'procession[server]'")

SHARDS: Final = 4
TENANTS: Final = [f"tenant-{number}" for number in range(6)]
TRIES: Final = 40
"""Of one request, at whichever server is there."""


class Asking(threading.Thread):
    """Asks the servers in turn. What a client may try again (no connection, 503) it does, under the same key."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__(daemon=True)
        self.urls = urls
        self.over = threading.Event()
        self.done = 0
        self.failed: list[str] = []
        self._turns = itertools.count()

    def run(self) -> None:
        with httpx.Client(timeout=30) as client:
            for number in itertools.count():
                if self.over.is_set():
                    return
                self._ask(client, number)

    def _ask(self, client: httpx.Client, number: int) -> None:
        headers = {"procession-tenant": TENANTS[number % len(TENANTS)], "idempotency-key": f"key-{number}"}
        told = ""
        for _ in range(TRIES):
            url = self.urls[next(self._turns) % len(self.urls)]
            try:
                answer = client.post(f"{url}/v1/signals", json={"name": "s"}, headers=headers)
            except httpx.TransportError as error:
                told = repr(error)
                continue
            told = answer.text
            if answer.status_code == 200:
                self.done += 1
                return
            if answer.status_code != 503:
                break
        self.failed.append(told)


@pytest.fixture
def url() -> str:
    made = postgres_rig.server().database(migrated=False)
    PostgresStore(made, shards=SHARDS).close()
    with Engine(made) as engine:
        for tenant in TENANTS:
            engine.deploy(("p.bpmn", XML.encode()), tenant=tenant)
    return made


def test_servers_are_restarted_in_turn_while_they_are_asked(url: str, tmp_path: Path) -> None:
    def start() -> ServerProcess:
        environment = {"PROCESSION_IDENTITY__OPEN": "true", "PROCESSION_GATEWAY__ENABLED": "off"}
        return ServerProcess(tmp_path, "serve", "--port", "0", "--db", url, **environment)

    def well(server: ServerProcess) -> bool:
        return httpx.get(f"{server.url}/health/ready").status_code == 200

    with start() as first, start() as second:
        first.ready()
        second.ready()
        soon(lambda: well(first) and well(second))
        asking = Asking([first.url, second.url])
        asking.start()
        _goes_on(asking)
        first.tell()
        assert first.ended() == 0, first.log
        with start() as third:
            asking.urls[0] = third.ready().url
            soon(lambda: well(third))
            _goes_on(asking)
            second.tell()
            assert second.ended() == 0, second.log
            asking.urls[1] = third.url
            _goes_on(asking)
            asking.over.set()
            asking.join()
            third.tell()
            assert third.ended() == 0, third.log
    assert asking.failed == []


def _goes_on(asking: Asking) -> None:
    before = asking.done
    soon(lambda: asking.done > before + 20)
