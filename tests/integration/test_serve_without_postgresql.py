"""`procession serve` whose PostgreSQL goes away under load: for a restart, as after a crash, or for good, and then a
standby takes its place.

Callers do what docs/clients.md asks of them: what got no answer, or 503, is asked again under the same key.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, final

import httpx

import needs
import postgres_rig
from postgres_rig import Server
from procession.store.postgres.errors import LOST, STANDBYS, TEXTS
from procession.store.postgres.store import PostgresStore
from server_rig import ServerProcess, soon
from store_audit import audit, rows
from web_rig import XML

needs.require("server", "pip install 'procession[server]'")

CALLERS: Final = 3
TRIES: Final = 2_000
SECONDS_MAX: Final = 15.0
"""What the longest pause may be: how long it is asked what became of a commit, and a lease."""
GONE: Final = {LOST, STANDBYS, TEXTS["57P01"], TEXTS["57P02"], TEXTS["57P03"]}


@final
class Calling:
    """Threads that start instances, each under a key of its own, until each has been told that its start is done."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.told: dict[str, str] = {}
        """Idempotency key -> instance."""
        self.wrong: list[str] = []
        self.longest_s = 0.0
        self._over = threading.Event()
        self._moved = threading.Condition()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(CALLERS)]
        for each in self._threads:
            each.start()

    def goes_on(self) -> None:
        """Waits until some more are told."""
        enough = len(self.told) + 20
        with self._moved:
            assert self._moved.wait_for(lambda: len(self.told) >= enough or self.wrong, SECONDS_MAX), "it goes on"

    def end(self) -> None:
        """After what each is at."""
        self._over.set()
        for each in self._threads:
            each.join()

    def _run(self, caller: int) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            for number in itertools.count():
                if self._over.is_set():
                    return
                begun = time.monotonic()
                self._start(client, f"{caller}-{number}")
                with self._moved:
                    self.longest_s = max(self.longest_s, time.monotonic() - begun)
                    self._moved.notify_all()

    def _start(self, client: httpx.Client, key: str) -> None:
        body = {"process_id": "p", "business_key": key}
        for _ in range(TRIES):
            answer = client.post("/v1/instances", json=body, headers={"Idempotency-Key": key})
            if answer.status_code == 201:
                self.told[key] = answer.json()["key"]
                return
            if not is_unavailable(answer):
                self.wrong.append(f"{answer.status_code} {answer.text}")
                return
        self.wrong.append(f"{key} was never done")


def is_unavailable(answer: httpx.Response) -> bool:
    """Whether it is a problem that says: ask again, and when; and not a word about the database."""
    if answer.status_code != 503 or answer.headers["content-type"] != "application/problem+json":
        return False
    problem: dict[str, Any] = answer.json()
    return problem["code"] == "unavailable" and "detail" not in problem and int(answer.headers["retry-after"]) > 0


@final
class Called:
    """A server, and its callers."""

    def __init__(self, process: ServerProcess, client: httpx.Client) -> None:
        self.calling = Calling(process.url)
        self._process = process
        self._client = client

    def goes_on(self) -> None:
        """Requests are carried out, and it says that it is ready for them."""
        self.calling.goes_on()
        soon(lambda: self._client.get("/health/ready").status_code == 200)

    def says_that_the_database_is_gone(self) -> None:
        """In words, without the names of hosts. Questions are refused as problems, and the process lives."""
        soon(lambda: self._client.get("/health/ready").status_code == 503)
        said = self._client.get("/health/ready").json()
        assert not said["ready"]
        assert said["checks"]["store"] in GONE, self._process.log
        assert is_unavailable(self._client.get("/v1/instances"))
        assert self._client.get("/health/live").status_code == 200


@contextmanager
def called(folder: Path, url: str) -> Iterator[Called]:
    """A server that does jobs."""
    (folder / "the_workers.py").write_text("def work(job):\n    return {'worked': True}\n")
    (folder / "p.bpmn").write_text(XML)
    settings = {"PROCESSION_IDENTITY__OPEN": "true", "PROCESSION_GATEWAY__ENABLED": "off", "PROCESSION_STORE__URL": url}
    command = ["serve", "--port", "0", "--workers", "the_workers", "--deploy", "p.bpmn"]
    with ServerProcess(folder, *command, **settings) as process:
        with httpx.Client(base_url=process.ready().url, timeout=30) as client:
            server = Called(process, client)
            try:
                server.goes_on()
                yield server
            finally:
                server.calling.end()
        assert process.process.poll() is None, process.log


def all_done(url: str) -> bool:
    return rows(url, "SELECT count(*) FROM procession_instance WHERE state <> 1") == [(0,)]


def nothing_is_lost_or_doubled(url: str, calling: Calling) -> None:
    calling.end()
    assert calling.wrong == []
    stored = rows(url, "SELECT business_key, key FROM procession_instance ORDER BY key")
    assert max(Counter(key for key, _ in stored).values()) == 1, "a start was done twice"
    assert {key: str(instance) for key, instance in stored} == calling.told
    assert calling.longest_s < SECONDS_MAX
    soon(lambda: all_done(url))
    assert len(audit(url)) == len(stored)


def test_it_outlives_restarts_of_its_database(tmp_path: Path) -> None:
    server = postgres_rig.durable_server()
    url = server.database()
    with called(tmp_path, url) as served:
        for immediate in (False, True):
            server.stop(immediate=immediate)
            try:
                served.says_that_the_database_is_gone()
            finally:
                server.start()
            served.goes_on()
        nothing_is_lost_or_doubled(url, served.calling)


def test_it_goes_on_with_the_standby_when_the_primary_is_gone(tmp_path: Path) -> None:
    postgres_rig.require()
    with ExitStack() as removed:
        primary = Server(durable=True)
        removed.callback(primary.remove)
        standby = postgres_rig.standby(primary)
        removed.callback(standby.remove)
        url = postgres_rig.urls(primary.database(migrated=False), primary, standby)
        PostgresStore(url, shards=2).close()
        with called(tmp_path, url) as served:
            primary.kill()
            served.says_that_the_database_is_gone()
            standby.promote()
            served.goes_on()
            nothing_is_lost_or_doubled(url, served.calling)
