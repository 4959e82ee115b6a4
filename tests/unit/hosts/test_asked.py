"""Requests of known callers: carried out once by their key, and written down, in the commit of what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from host_rig import FakeClock, shard_of
from procession.base.failure import Conflict, NotFound
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import AuditRow
from procession.runtime.tenants import DEFAULT_TENANT
from web_rig import XML

START: Final = q.StartProcess(DEFAULT_TENANT, "p", {})


def asked(what: q.Plain, key: str = "", digest: bytes = b"d") -> q.Asked:
    return q.Asked(what.tenant, what, "user:ada", "10.0.0.1", key, digest)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path / "e.db", clock=FakeClock())
    made.deploy(("p.bpmn", XML.encode()))
    return made


def logged(engine: Engine) -> list[dict[str, object]]:
    rows = engine.store.read("audit_tenant", (0, 0, 0, 100), AuditRow)
    return [codec.decode_json(row.body) for row in rows]  # type: ignore[misc]


def test_a_key_is_carried_out_once_over_commits_and_restarts(engine: Engine, tmp_path: Path) -> None:
    first = engine.call(asked(START, "k"))
    assert engine.call(asked(START, "k")) == first
    engine.close()
    with Engine(tmp_path / "e.db", clock=FakeClock()) as again:
        assert again.call(asked(START, "k")) == first
        assert again.counts() == {"active": 1}


def test_two_of_one_key_in_one_commit_are_carried_out_once(engine: Engine) -> None:
    tickets = [Ticket(asked(START, "k")) for _ in range(3)]
    commits = shard_of(engine).commits
    engine.pump.submit(tickets)
    assert shard_of(engine).commits == commits + 1
    assert len({ticket.outcome() for ticket in tickets}) == 1
    assert engine.counts() == {"active": 1}
    assert len(logged(engine)) == 1
    engine.close()


def test_a_key_with_another_request_is_a_conflict_and_does_nothing(engine: Engine) -> None:
    engine.call(asked(START, "k"))
    with pytest.raises(Conflict, match="another request"):
        engine.call(asked(START, "k", b"other"))
    assert engine.counts() == {"active": 1}
    engine.close()


def test_what_failed_is_not_kept_under_its_key(engine: Engine) -> None:
    missing = q.StartProcess(DEFAULT_TENANT, "q", {})
    for _ in range(2):
        with pytest.raises(NotFound):
            engine.call(asked(missing, "k"))
    engine.deploy(("q.bpmn", XML.replace('id="p"', 'id="q"').encode()))
    assert isinstance(engine.call(asked(missing, "k")), int)
    engine.close()


def test_the_log_says_who_asked_for_what_and_never_with_which_values(engine: Engine) -> None:
    engine.call(asked(q.StartProcess(DEFAULT_TENANT, "p", {"secret": "canary"}, business_key="b-1")))
    (said,) = logged(engine)
    assert (said["who"], said["from"], said["what"]) == ("user:ada", "10.0.0.1", "StartProcess")
    assert "canary" not in str(said)
    engine.close()
