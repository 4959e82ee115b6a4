"""The parts of a worker that need no server: its supervisor, its size, its tracing, what it asks the store's owner."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from needs import require
from procession import Engine, ProcessionError, StoreError
from procession.hosts.temporal import place as sizes
from procession.hosts.temporal.place import CACHED_LEAST, CACHED_MOST, sized
from procession.hosts.temporal.supervisor import PAUSES_S, Child, Supervisor
from procession.runtime import tracing as spans
from procession.runtime.requests import TakeKeys
from procession.store.sqlite import SQLiteStore

READY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
os.write(1, b'{"ready": ["queue"]}\\n')
while True:
    time.sleep(0.02)
    os.write(1, b'{"beat": 1}\\nno json\\n')
"""


def child(code: str) -> Child:
    def command(identity: str) -> Sequence[str]:
        return [sys.executable, "-c", code]

    return Child("child", command, "us")


def looked(supervisor: Supervisor, condition: Callable[[], bool]) -> Mapping[str, object] | None:
    """Looks until it holds, or something is wrong."""
    deadline = time.monotonic() + 30
    while not condition():
        wrong = supervisor.look()
        if wrong is not None:
            return wrong
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return None


def test_a_process_that_dies_is_started_again_and_later_each_time() -> None:
    told: list[Mapping[str, object]] = []
    supervisor = Supervisor([child("raise SystemExit(3)")], told.append)
    supervisor.start()
    looked(supervisor, lambda: sum(each["event"] == "ended" for each in told) == 3)
    ended = [each for each in told if each["event"] == "ended"]
    assert [(each["code"], each["again_in"]) for each in ended] == [(3, pause) for pause in PAUSES_S[:3]]
    assert supervisor.stop(5)


def test_a_process_is_told_to_end_and_ends_in_order() -> None:
    told: list[Mapping[str, object]] = []
    one = child(READY)
    supervisor = Supervisor([one], told.append)
    supervisor.start()
    assert not one.fresh
    looked(supervisor, lambda: one.fresh)
    assert (one.queues, one.identity) == (["queue"], "us/1")
    supervisor.look()
    assert told[-1]["event"] == "complete"
    assert supervisor.stop(20)
    assert told[-1] == {"event": "stopped", "codes": {"child": 0}}
    assert not one.fresh
    assert supervisor.stop(20), "a second time nothing is left to end"


def test_what_keeps_a_process_from_ever_being_ready_is_told() -> None:
    supervisor = Supervisor([child("""print('{"problem": "no such module", "remedy": "write it"}')""")], lambda _: None)
    supervisor.start()
    wrong = looked(supervisor, lambda: False)
    assert wrong == {"problem": "no such module", "remedy": "write it"}
    supervisor.stop(5)


@pytest.mark.parametrize(
    ("memory", "processes", "instances"),
    [(1 << 20, 1, CACHED_LEAST), (1 << 30, 2, 2_048), (1 << 30, 0, 4_096), (1 << 40, 2, CACHED_MOST)],
)
def test_the_cache_is_a_share_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, memory: int, processes: int, instances: int
) -> None:
    monkeypatch.setattr(sizes, "memory", lambda: memory)
    assert sized(processes) == instances


def test_keys_are_asked_of_the_owner_and_given_once(tmp_path: Path) -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    from procession.hosts.temporal.asking import Asking

    with Engine(tmp_path / "engine.db") as engine:
        engine.serve(threads=1)
        store = SQLiteStore(tmp_path / "engine.db")
        asking = Asking(store)
        # A tenant that the engine does not know yet has no instances.
        engine.deploy(("p.bpmn", _MODEL), tenant="acme")
        blocks = [asking.keys(TakeKeys("acme", 2)) for _ in range(3)]
        store.close()
    assert all(last - first == 2 * 4_096 for first, last in blocks)
    assert all(before[1] <= after[0] for before, after in pairwise(blocks))


def test_keys_that_nobody_gives_are_an_error_that_says_who_should() -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    from procession.hosts.temporal.asking import Asking

    store = SQLiteStore(":memory:")
    with pytest.raises(StoreError, match="no engine answered"):
        Asking(store, 0.01).keys(TakeKeys("acme", 1))
    store.close()


def test_without_a_tracer_provider_nothing_is_traced() -> None:
    with spans.span("start", {}) as trace, spans.resumed("00-1-2-01"):
        assert trace == ""
    spans.flush()


def test_an_exporter_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    require("opentelemetry", "pip install 'procession[otel]'")
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    assert not spans.configure("worker")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "smoke signals")
    with pytest.raises(ProcessionError, match="smoke signals"):
        spans.configure("worker")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert not spans.configure("worker")


_MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:x">
<process id="p" isExecutable="true"><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/>
<endEvent id="e"/></process></definitions>"""
