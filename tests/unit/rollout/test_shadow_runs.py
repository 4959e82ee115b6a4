"""Shadow runs: which instances are done again, what is found, what is kept, and what stops them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest

import postgres_rig
from procession import BadValue, Conflict, Engine, HostLost, shadow_run
from procession.core import events as e
from procession.core import facts as f
from procession.hosts.embedded.tickets import InHouse
from procession.rollout.hosts import Here, InMemory
from procession.rollout.running import kept_by, run_of
from procession.rollout.shadow import PORTION, Host, Other, Shadowed
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.copies import Copied
from procession.services.rereading import reread_file
from procession.services.routes import Rule
from procession.services.shadows import ShadowReport, find_shadow, shadows
from procession.testing.engines import Engines
from shadow_rig import Altered, engines_of, in_memory, played

ORDER: Final = """<?xml version="1.0"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
                  xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="shop">
  <bpmn:process id="order" isExecutable="true">
    <bpmn:startEvent id="start"/>
    <bpmn:serviceTask id="charge">
      <bpmn:extensionElements><zeebe:taskDefinition type="charge" retries="1"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:endEvent id="end"/>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="charge"/>
    <bpmn:sequenceFlow id="b" sourceRef="charge" targetRef="end"/>
  </bpmn:process>
  <bpmn:process id="sale" isExecutable="true">
    <bpmn:startEvent id="begin"/>
    <bpmn:callActivity id="ordering">
      <bpmn:extensionElements><zeebe:calledElement processId="order"/></bpmn:extensionElements>
    </bpmn:callActivity>
    <bpmn:sequenceFlow id="c" sourceRef="begin" targetRef="ordering"/>
  </bpmn:process>
</bpmn:definitions>
"""


def charge(amount: int) -> dict[str, int]:
    return {"paid": amount}


@contextmanager
def shop(place: Path | str, orders: int) -> Generator[Engine]:
    """An engine that charged so many orders, in a folder or a database."""
    with Engine(place / "shop.db" if isinstance(place, Path) else place) as engine:
        engine.deploy(("shop.bpmn", ORDER.encode()))
        engine.worker("charge")(charge)
        for n in range(orders):
            engine.start("order", {"amount": n}, business_key=f"o{n}")
        engine.run_until_idle()
        yield engine


def nothing() -> None:
    pass


def hosted(
    wrap: Callable[[Engines], Engines] = lambda each: each,
    before: Callable[[], None] = nothing,
    reach: Callable[[], None] = nothing,
) -> Host:
    """The embedded host, of which a test wraps the engines; `before` is called for each tree, `reach` to see whether it
    is there."""

    @contextmanager
    def portion() -> Generator[Other]:
        kit = InMemory()

        def engines(clock: Callable[[], int], zone: str) -> Engines:
            before()
            return wrap(Here(kit, clock, zone))

        try:
            yield Other(engines, reach)
        finally:
            kit.close()

    return portion


def without_paid(request: InHouse) -> InHouse:
    """A host that loses a variable."""
    if isinstance(request, q.FinishJob):
        return msgspec.structs.replace(request, variables={})
    return request


def losing(engines: Engines) -> Engines:
    return Altered(engines, without_paid)  # type: ignore[return-value]


def test_instances_do_the_same_again(tmp_path: Path) -> None:
    with shop(tmp_path, 3) as engine:
        found = shadow_run(engine)
        assert (found.compared, found.equal, found.different, found.untold) == (3, 3, 0, 0)
        assert find_shadow(engine.store, "shadow") == found
        assert shadows(engine.store) == [found]
        assert found.after == max(row.key for row in engine.store.read("instances", (0, 0, 10), InstanceRow))


def test_jobs_that_were_issued_anew_are_issued_anew_again(tmp_path: Path) -> None:
    with shop(tmp_path, 0) as engine:
        order = engine.start("order", {"amount": 1})
        engine.call(q.Deliver("<default>", order.key, e.ReissueJobs()))
        engine.run_until_idle()
        found = shadow_run(engine)
        assert (found.compared, found.equal, found.different, found.untold) == (1, 1, 0, 0)
    [read] = reread_file(str(tmp_path / "shop.db"))
    assert (read.status, read.steps, read.redecided) == ("ok", 3, 2)


def test_instances_of_a_database_do_the_same_again() -> None:
    with shop(postgres_rig.server().database(), 3) as engine:
        found = shadow_run(engine)
        assert (found.compared, found.equal) == (3, 3)
        assert find_shadow(engine.store, "shadow") == found


def test_a_run_goes_on_behind_the_one_before(tmp_path: Path) -> None:
    with shop(tmp_path, 3) as engine:
        assert shadow_run(engine, limit=2).compared == 2
        assert shadow_run(engine, limit=2).compared == 3
        engine.start("order", {"amount": 9})
        engine.run_until_idle()
        assert shadow_run(engine).compared == 4
        assert shadow_run(engine, anew=True).compared == 4


def test_what_is_lost_is_found_at_its_element_with_both_sides(tmp_path: Path) -> None:
    told: list[Shadowed] = []
    with shop(tmp_path, 2) as engine:
        run = run_of(
            engine.store,
            Rule("lossy", "here"),
            hosted(losing),
            keep=lambda each: kept_by(engine, each),
            told=told.append,
        )
        assert run.go() == 2
        report = find_shadow(engine.store, "lossy")
        assert report is not None
    assert (report.different, report.elements) == (2, {"order/order": 2})
    assert [each.status for each in told] == ["different", "different"]
    (difference,) = told[1].differences
    assert (difference.place, difference.part) == ("order/order", "variables")
    assert difference.here == {"amount": [1], "paid": [1]}
    assert difference.there == {"amount": [1]}


def test_another_program_is_found_where_it_is_called(tmp_path: Path) -> None:
    """The other host has something else deployed under the version that was called."""
    with shop(tmp_path, 0) as engine, in_memory() as there:
        engine.start("sale", {"amount": 7})
        engine.run_until_idle()
        engine.deploy(("shop.bpmn", ORDER.replace('retries="1"', 'retries="5"').encode()))

        def mixed(copied: Copied) -> Copied:
            later = next(each for each in copied.definitions if each.process_id == "order" and each.version == 2)
            rows = tuple(
                msgspec.structs.replace(each, program=later.program) if each.process_id == "order" else each
                for each in copied.definitions
            )
            return msgspec.structs.replace(copied, definitions=rows)

        (found,) = played(engine.store, "<default>", engines_of(there), copied=mixed)
    assert found.status == "different"
    assert {(each.place, each.part) for each in found.differences} == {
        ("order/charge", "history"),
        ("order/order", "history"),
        ("sale/ordering", "history"),
    }
    job = next(each for each in found.differences if each.element == "charge")
    assert (job.here, job.there) == (
        [["job", "charge", 1, 0, -1, 0], ["job-done"], ["done"]],
        [["job", "charge", 5, 0, -1, 0], ["job-done"], ["done"]],
    )


def test_a_rule_says_which_instances_count(tmp_path: Path) -> None:
    with shop(tmp_path, 40) as engine:
        none = shadow_run(engine, name="p", processes=["payment"])
        versions = shadow_run(engine, name="v", versions=(2, 0))
        tenants = shadow_run(engine, name="t", tenants=["acme"])
        later = shadow_run(engine, name="s", since=_rows(engine)[0].started + 10**9)
        few = shadow_run(engine, name="few", percent=25)
        again = shadow_run(engine, name="few", percent=25, anew=True)
    assert [each.compared for each in (none, versions, tenants, later)] == [0, 0, 0, 0]
    assert 0 < few.compared < 40
    assert again.compared == few.compared


def test_instances_that_are_active_are_waited_for(tmp_path: Path) -> None:
    with Engine(tmp_path / "shop.db") as engine:
        engine.deploy(("shop.bpmn", ORDER.encode()))
        waits = engine.start("order", {"amount": 1})
        first = shadow_run(engine)
        assert (first.compared, len(first.waiting)) == (0, 1)
        for job in engine.activate_jobs("charge"):
            engine.complete_job(job.key, {"paid": 1})
        engine.run_until_idle()
        assert waits.state == "completed"
        second = shadow_run(engine)
        assert (second.compared, second.equal, second.waiting) == (1, 1, ())


def test_a_damaged_history_is_untold_and_the_run_goes_on(tmp_path: Path) -> None:
    with shop(tmp_path, 3) as engine:
        rows = engine.store.read("instances", (0, 0, 10), InstanceRow)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as direct, direct:
        direct.execute("UPDATE procession_fact SET data = substr(data, 1, 9) WHERE instance = ?", (rows[1].key,))
    told: list[Shadowed] = []
    found = shadow_run(str(tmp_path / "shop.db"), told=told.append)
    assert (found.equal, found.untold, found.different) == (2, 1, 0)
    assert [each.status for each in told] == ["equal", "untold", "equal"]
    assert "cannot read" in told[1].reasons[0]


def test_a_host_that_is_lost_loses_nothing(tmp_path: Path) -> None:
    left = [PORTION + 3]

    def before() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ConnectionError("the cluster is gone")

    def reach() -> None:
        if left[0] < 0:
            raise ConnectionError("the cluster is gone")

    with shop(tmp_path, PORTION + 5) as engine:

        def run() -> int:
            host = hosted(before=before, reach=reach)
            return run_of(engine.store, Rule("r", "here"), host, keep=lambda each: kept_by(engine, each)).go()

        with pytest.raises(HostLost, match="the cluster is gone"):
            run()
        report = find_shadow(engine.store, "r")
        assert report is not None
        assert (report.compared, report.equal) == (PORTION + 3, PORTION + 3)
        left[0] = 1_000
        assert run() == 2
        report = find_shadow(engine.store, "r")
        assert report is not None
        assert (report.compared, report.equal) == (PORTION + 5, PORTION + 5)


@pytest.mark.parametrize(("times", "status"), [(1, "equal"), (2, "untold")])
def test_what_fails_is_tried_again_and_stops_no_run(tmp_path: Path, times: int, status: str) -> None:
    left = [times]
    told: list[Shadowed] = []

    def before() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise ValueError("a fault")

    with shop(tmp_path, 3) as engine:
        host = hosted(before=before)
        assert run_of(engine.store, Rule("r", "here"), host, keep=lambda _: None, told=told.append).go() == 3
    assert [each.status for each in told] == [status, "equal", "equal"]
    assert ("a fault" in str(told[0].reasons)) is (status == "untold")


def test_a_store_that_is_written_meanwhile(tmp_path: Path) -> None:
    over = threading.Event()
    with shop(tmp_path, 10) as engine:

        def orders() -> None:
            n = 0
            while not over.is_set():
                engine.start("order", {"amount": n})
                engine.run_until_idle()
                n += 1

        writer = threading.Thread(target=orders)
        writer.start()
        try:
            found = shadow_run(engine, limit=30)
        finally:
            over.set()
            writer.join()
    assert found.equal == found.compared >= 10


def test_a_name_belongs_to_one_host(tmp_path: Path) -> None:
    with shop(tmp_path, 1) as engine:
        kept_by(engine, ShadowReport("x", "temporal", 0, 0, 0, 0, 0, 0, 0, {}))
        with pytest.raises(Conflict, match="another name"):
            shadow_run(engine, name="x")
        with pytest.raises(BadValue, match="a name of 1 to"):
            shadow_run(engine, name="")
        with pytest.raises(BadValue, match="not on 'mars'"):
            shadow_run(engine, "mars")


def test_nothing_of_the_other_side_is_written(tmp_path: Path) -> None:
    """Beside its report a run leaves the store as it was."""
    with shop(tmp_path, 3) as engine:
        before = [engine.store.read("facts", (0, row.key, 0), FactRow) for row in _rows(engine)]
        shadow_run(engine)
        assert [engine.store.read("facts", (0, row.key, 0), FactRow) for row in _rows(engine)] == before
        assert all(isinstance(codec.decode_facts(rows[0].data)[0], f.InstanceStarted) for rows in before)


def _rows(engine: Engine) -> list[InstanceRow]:
    return engine.store.read("instances", (0, 0, 100), InstanceRow)
