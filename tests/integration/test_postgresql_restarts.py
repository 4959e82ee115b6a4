"""An engine whose PostgreSQL server goes away and comes back: as after a crash, in order, without room for more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import psycopg
import pytest

import drawn as d
import postgres_rig
from postgres_rig import Proxy, Server
from process_rig import until
from procession import Engine, Job
from procession.base.failure import ProcessionError, StoreError
from procession.store.postgres.store import PostgresStore
from store_audit import audit, rows

MODEL: Final = d.document(d.process("p", "a -> t, t -> b", a=d.start(), t=d.service("work"), b=d.end()))


@pytest.fixture
def server() -> Server:
    return postgres_rig.durable_server()


@pytest.fixture
def url(server: Server) -> str:
    return server.database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with Engine(url) as opened:
        opened.deploy(("p.bpmn", MODEL))
        opened.worker("work")(_work)
        yield opened


def _work(job: Job) -> dict[str, int]:
    return {"attempt": job.attempt}


def business_keys(url: str) -> list[str]:
    return [key for (key,) in rows(url, "SELECT business_key FROM procession_instance ORDER BY key")]


def completed(engine: Engine) -> int:
    try:
        return engine.counts().get("completed", 0)
    except StoreError:
        return -1


@pytest.mark.parametrize("immediate", [False, True], ids=["in order", "as after a crash"])
def test_an_engine_goes_on_when_its_server_was_restarted(
    server: Server, url: str, engine: Engine, immediate: bool
) -> None:
    told: list[int] = []
    failed: list[str] = []
    stop = threading.Event()

    def start() -> None:
        while not stop.is_set():
            try:
                told.append(engine.start("p", business_key=f"n{len(told) + len(failed)}").key)
            except ProcessionError as error:
                failed.append(str(error))

    engine.serve(threads=1)
    thread = threading.Thread(target=start)
    thread.start()
    try:
        until(lambda: len(told) >= 10, "some instances are started")
        server.stop(immediate=immediate)
        server.start()
        seen = len(told)
        until(lambda: len(told) >= seen + 10, "starts go on behind the restart", deadline_s=30)
    finally:
        stop.set()
        thread.join()
    until(lambda: completed(engine) >= len(told), "all of them are done", deadline_s=30)
    engine.stop()
    found = audit(url)
    assert set(told) <= set(found), "an acknowledged start is lost"
    # Each start that was not acknowledged says that it failed; none of them happened twice.
    keys = business_keys(url)
    assert len(keys) == len(set(keys))
    assert engine.owner


def test_a_call_while_the_server_is_gone_says_what_is_wrong_and_the_next_one_works(server: Server, url: str) -> None:
    with Engine(store=PostgresStore(url, patience_s=0.3)) as engine:
        engine.deploy(("p.bpmn", MODEL))
        server.stop(immediate=True)
        try:
            with pytest.raises(StoreError, match="check that the server runs"):
                engine.start("p")
            with pytest.raises(StoreError):
                engine.counts()
        finally:
            server.start()
        key = engine.start("p").key
        assert engine.owner
    assert key in audit(url)


@pytest.mark.parametrize("cut", ["request", "answer"])
def test_a_start_whose_connection_is_cut_happens_once(url: str, server: Server, cut: str) -> None:
    with closing(Proxy(server.port)) as proxy, Engine(store=PostgresStore(proxy.url(url))) as engine:
        engine.deploy(("p.bpmn", MODEL))
        engine.start("p")
        for number in range(3):
            proxy.cut = cut
            engine.start("p", business_key=str(number))
        assert proxy.cuts >= 2
        assert len(engine.instances()) == 4
    assert len(audit(url)) == 4


def test_a_start_of_which_nothing_can_be_learned_is_not_repeated(url: str, server: Server) -> None:
    with closing(Proxy(server.port)) as proxy:  # noqa: SIM117 - the engine is closed before the wire is
        with Engine(store=PostgresStore(proxy.url(url), patience_s=0.2)) as engine:
            engine.deploy(("p.bpmn", MODEL))
            engine.start("p", business_key="before")
            # The question before the commit goes through; then the wire is cut behind the commit.
            until_commit = engine.store.commit

            def commit(*args: object) -> None:
                proxy.refusing = True
                proxy.cut = "answer"
                until_commit(*args)  # type: ignore[arg-type]

            engine.store.commit = commit  # type: ignore[method-assign, assignment]
            with pytest.raises(StoreError, match="whether the last commit was stored is not known"):
                engine.start("p", business_key="doubtful")
            engine.store.commit = until_commit  # type: ignore[method-assign]
            proxy.refusing = False
            engine.start("p", business_key="after")
            keys = business_keys(url)
            assert keys == ["before", "doubtful", "after"]
    assert len(audit(url)) == 3


def test_an_engine_waits_for_room_when_the_server_takes_no_more_connections(
    server: Server, url: str, tmp_path: Path
) -> None:
    with Engine(url) as engine:
        engine.deploy(("p.bpmn", MODEL))
        engine.worker("work")(_work)
        server.execute("ALTER ROLE app CONNECTION LIMIT 6")
        try:
            with ExitStack() as busy:
                for _ in range(10):
                    try:
                        busy.enter_context(psycopg.connect(url))
                    except psycopg.OperationalError:
                        break
                # What it has it keeps: it goes on.
                engine.start("p")
                engine.run_until_idle()
                with pytest.raises(StoreError, match="max_connections"):
                    Engine(url)
        finally:
            server.execute("ALTER ROLE app CONNECTION LIMIT -1")
        with Engine(url) as other:
            assert not other.owner
            assert other.counts() == {"completed": 1}


def test_a_second_engine_takes_over_within_a_second_of_the_firsts_end(server: Server, url: str) -> None:
    with Engine(url) as first, Engine(url) as second:
        first.deploy(("p.bpmn", MODEL))
        assert [first.owner, second.owner] == [True, False]
        first.close()
        second.start("p")
        assert second.owner
