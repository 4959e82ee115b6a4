"""Tenants of a cell on a real server: each has its namespace, its task queues, and its priority."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, final

import msgspec
import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowExecutionDescription,
    WorkflowHandle,
)

from fault_models import catch, document, message, process, service, user
from procession import Engine, Instance, NotFound, Temporal
from procession.base.failure import BadValue, StoreError
from procession.hosts.temporal import reporter, sweeper
from procession.hosts.temporal.cells.cell import IMPLIED, Cell, Namespace, Tenant
from procession.hosts.temporal.ids import tenant_of, workflow_id
from procession.testing.temporal import DevServer
from store_audit import rows
from temporal_worker_rig import Faulty, Running, free_port, page, until

CALL: Final = (
    '<bpmn:callActivity id="call"><bpmn:extensionElements><zeebe:calledElement processId="job"/>'
    "</bpmn:extensionElements></bpmn:callActivity>"
)
NAP: Final = (
    '<bpmn:intermediateCatchEvent id="nap"><bpmn:timerEventDefinition><bpmn:timeDuration '
    'xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>'
    "</bpmn:intermediateCatchEvent>"
)
MODELS: Final = (
    ("sleep.bpmn", document(process("sleep", NAP))),
    ("job.bpmn", document(process("job", service("work")))),
    ("caller.bpmn", document(process("caller", CALL))),
    ("desk.bpmn", document(process("desk", user("approve")))),
    ("letter.bpmn", document(process("letter", catch("answer")), more=message("answer", "order"))),
)
TENANTS: Final = ("acme", "bank", "small", "other")


@final
class Town:
    """A server with a namespace for tenants that share, and one for the bank, which is made by `build`."""

    def __init__(self, server: DevServer) -> None:
        self.server = server
        self.shared, self.own = server.namespace, f"{server.namespace}-bank"
        # Another test's queues are in other namespaces, but jobs of one test are told apart by theirs.
        self.queue = f"q{time.time_ns()}"
        acme, small = Tenant(priority=1, weight=5, isolation="task_queue"), Tenant(priority=4, weight=0.5)
        self.cell = Cell(
            cell="town",
            address=server.address,
            default_namespace=self.shared,
            namespaces={
                self.shared: Namespace(workflow_task_queue=self.queue, tenants={"acme": acme, "small": small}),
                self.own: Namespace(tenants={"bank": Tenant(isolation="namespace")}),
            },
        )

    def build(self) -> None:
        """Makes the bank's namespace."""
        asyncio.run(self.server.create_namespace(self.own, IMPLIED))

    def namespace(self, tenant: str) -> str:
        return self.own if tenant == "bank" else self.shared

    def described(self, tenant: str, instance: int) -> WorkflowExecutionDescription:
        async def description() -> WorkflowExecutionDescription:
            client = await self.server.connect(self.namespace(tenant))
            return await client.get_workflow_handle(workflow_id(tenant, instance)).describe()

        return asyncio.run(description())

    def activity_queues(self, tenant: str, instance: int) -> set[str]:
        """The task queues of the activities that it scheduled."""

        async def history() -> set[str]:
            client = await self.server.connect(self.namespace(tenant))
            events = (await client.get_workflow_handle(workflow_id(tenant, instance)).fetch_history()).events
            return {
                each.activity_task_scheduled_event_attributes.task_queue.name
                for each in events
                if each.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
            }

        return asyncio.run(history())

    def listed(self, tenant: str) -> set[int]:
        """The instances whose workflows there are."""

        async def keys() -> set[int]:
            client = await self.server.connect(self.namespace(tenant))
            found = [each.id async for each in client.list_workflows()]
            return {int(id.rpartition("/")[2]) for id in found if tenant_of(id) == tenant}

        return asyncio.run(keys())

    def file(self, folder: Path) -> Path:
        """The cell as a file."""
        path = folder / "cell.yaml"
        path.write_text(
            f"cell: town\naddress: {self.server.address}\ndefault_namespace: {self.shared}\nnamespaces:\n"
            f"  {self.shared}:\n    tenants:\n      acme: {{priority: 1, weight: 5, isolation: task_queue}}\n"
            f"  {self.own}:\n    tenants:\n      bank: {{isolation: namespace}}\n",
            encoding="utf-8",
        )
        return path


Open = Callable[..., Engine]


@pytest.fixture(params=["temporal_server", "temporal_floor"])
def town(request: pytest.FixtureRequest) -> Town:
    """On the newest server and on the oldest."""
    return Town(request.getfixturevalue(request.param))


@pytest.fixture
def modern(temporal_server: DevServer) -> Town:
    return Town(temporal_server)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Engine] = []

    def engine(cell: Cell | Temporal, **settings: Any) -> Engine:
        host = cell if isinstance(cell, Temporal) else Temporal(cell=cell, **settings)
        found = Engine(tmp_path / "engine.db", host=host, call_timeout=60)
        made.append(found)
        for tenant in TENANTS:
            found.deploy(*MODELS, tenant=tenant)
        found.serve(2)
        return found

    yield engine
    for each in made:
        each.close()


def test_each_tenant_runs_where_the_cell_places_it(town: Town, opened: Open) -> None:
    town.build()
    engine = opened(town.cell, search=False)

    @engine.worker("work")
    def work() -> dict[str, bool]:
        return {"done": True}

    found = {tenant: engine.start("job", tenant=tenant) for tenant in TENANTS}
    for instance in found.values():
        assert instance.wait(60) == "completed"
        assert instance.variables == {"done": True}
    shared = (town.queue, f"{town.queue}-jobs-work")
    for tenant, queues, priority in [
        ("acme", (f"{town.queue}.acme", f"{town.queue}.acme-jobs-work"), (1, 5.0)),
        ("bank", ("procession", "procession-jobs-work"), (3, 1.0)),
        ("small", shared, (4, 0.5)),
        ("other", shared, (3, 1.0)),
    ]:
        told = town.described(tenant, found[tenant].key)
        assert (told.task_queue, town.activity_queues(tenant, found[tenant].key)) == (queues[0], {queues[1]})
        said = told.raw_description.workflow_execution_info.priority
        assert (said.priority_key, said.fairness_weight) == priority
        assert said.fairness_key == tenant


def test_what_is_called_is_placed_as_its_caller(modern: Town, opened: Open) -> None:
    modern.build()
    engine = opened(modern.cell, search=False, calls=True)
    engine.worker("work")(lambda: {"done": True})
    for tenant in ("acme", "bank"):
        caller = engine.start("caller", tenant=tenant)
        assert caller.wait(60) == "completed"
        called = next(each for each in engine.instances(tenant=tenant) if each.key != caller.key)
        mine, other = (modern.described(tenant, each.key) for each in (caller, called))
        assert other.task_queue == mine.task_queue
        priorities = [each.raw_description.workflow_execution_info.priority for each in (mine, other)]
        assert priorities[0] == priorities[1]
        assert priorities[0].fairness_key == tenant


def test_signals_and_updates_go_to_the_namespace_of_the_tenant(modern: Town, opened: Open) -> None:
    modern.build()
    engine = opened(modern.cell, search=False)
    for tenant in ("acme", "bank"):
        letter = engine.start("letter", {"order": "O-1"}, tenant=tenant)
        engine.publish("answer", "O-1", {"from": tenant}, tenant=tenant)
        assert letter.wait(60) == "completed"
        assert letter.variables["from"] == tenant
        desk = engine.start("desk", tenant=tenant)
        until(partial(_has_task, desk), "it waits for somebody")
        desk.complete_task("approve")
        assert desk.wait(60) == "completed"


def test_a_cell_declares_the_search_attributes(modern: Town, opened: Open) -> None:
    """Those of the bank's namespace are there; the other tenants' namespace lacks them, and their instances wait."""
    modern.build()
    engine = opened(modern.cell)
    waiting = engine.start("desk", tenant="other")
    desk = engine.start("desk", tenant="bank")
    assert engine.wait_until(lambda: bool(desk.tasks), 60)
    told = {key.name: value for key, value in modern.described("bank", desk.key).typed_search_attributes}
    assert (told["BpmnProcess"], told["BpmnTenant"], told["BpmnState"]) == ("desk", "bank", "active")
    assert "BpmnBusinessKey" not in told
    assert _tokens(waiting) == {}


def test_a_namespace_that_is_not_there_holds_up_nobody_else(
    modern: Town, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    engine = opened(modern.cell, search=False)
    engine.worker("work")(lambda: {"done": True})
    # More than are under way at the same time.
    waiting = engine.start_many("job", [{}] * 300, tenant="bank")
    others = [engine.start("job", tenant=tenant) for tenant in ("acme", "other")]
    for each in others:
        assert each.wait(60) == "completed"
    until(lambda: f"no namespace '{modern.own}'" in caplog.text, "it is said which namespace is missing")
    with pytest.raises(StoreError, match="no namespace"):
        engine.play.start("desk", tenant="bank")
    asyncio.run(modern.server.create_namespace(modern.own))
    until(lambda: all(each.state == "completed" for each in waiting), "they start when it is there")


def test_a_namespace_that_does_not_answer_holds_up_nobody_else(modern: Town, opened: Open) -> None:
    modern.build()
    host = Temporal(cell=modern.cell, search=False, work=False)
    engine = opened(host)
    placement = host._placement
    plain = placement._of
    answering = threading.Event()
    config = plain("bank").client.config()
    config["interceptors"] = [Silent(answering)]
    silent = msgspec.structs.replace(plain("bank"), client=Client(**config))
    placement._of = lambda tenant: silent if tenant == "bank" else plain(tenant)
    waiting = engine.start("desk", tenant="bank")
    others = [engine.start("desk", tenant="other") for _ in range(3)]
    try:
        until(lambda: modern.listed("other") == {each.key for each in others}, "the others are started")
        assert not placement.idle
        assert modern.listed("bank") == set()
    finally:
        answering.set()
    until(lambda: modern.listed("bank") == {waiting.key}, "it is started when there are answers")
    until(lambda: placement.idle, "nothing is left")


@final
class Silent(Interceptor):
    """Starts of workflows are not answered until they are."""

    def __init__(self, answering: threading.Event) -> None:
        self._answering = answering

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        answering = self._answering

        class Outbound(OutboundInterceptor):
            async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
                await asyncio.to_thread(answering.wait)
                return await super().start_workflow(input)

        return Outbound(next)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is looked after at once."""
    monkeypatch.setattr(reporter, "ORPHAN_MS", 500)
    monkeypatch.setattr(reporter, "SWEEP_S", 0.2)
    monkeypatch.setattr(sweeper, "TURN_S", 0.2)
    monkeypatch.setattr(sweeper, "ROUND_EVERY_S", 0.2)


@pytest.mark.usefixtures("impatient")
def test_what_dead_workers_left_is_found_in_the_namespace_of_the_tenant(
    modern: Town, opened: Open, tmp_path: Path
) -> None:
    modern.build()
    engine = opened(modern.cell, search=False, work=False, sweep_after=0.5)
    database, bank = tmp_path / "engine.db", modern.server.in_namespace(modern.own)
    # Of a tenant whose namespace is reached, and has no worker: it is looked after as well.
    engine.start("sleep", tenant="acme")
    with Faulty(bank, database, "untold:1") as faulty:
        nap = engine.start("sleep", tenant="bank")
        faulty.died()
    until(lambda: _tokens(nap) == {"nap": 1}, "it is told from the history")
    with Faulty(bank, database, "held:2") as faulty:
        letter = engine.start("letter", {"order": "O-1"}, tenant="bank")
        until(lambda: _tokens(letter) == {"answer": 1}, "the instance waits")
        engine.publish("answer", "O-1", tenant="bank", ttl=600)
        faulty.died()
    with Faulty(bank, database):
        until(lambda: letter.state == "completed", "the message arrived")
        until(lambda: not rows(database, "SELECT * FROM procession_inbox WHERE state = 3"), "nothing is held")
    assert engine.faults() == []


def _has_task(instance: Instance) -> bool:
    return bool(instance.tasks)


def _is_completed(instance: Instance) -> bool:
    return instance.state == "completed"


def _tokens(instance: Instance) -> dict[str, int]:
    try:
        return instance.tokens
    except NotFound:
        return {}


def test_workers_of_one_tenant_are_run_by_a_command_that_reads_the_cell(modern: Town, tmp_path: Path) -> None:
    modern.build()
    asyncio.run(modern.server.create_namespace(f"{modern.shared}-2", IMPLIED))
    modern.shared = f"{modern.shared}-2"
    options, port = ("--cell", str(modern.file(tmp_path)), "--processes", "1", "--activities", "1"), free_port()
    with Engine(tmp_path / "engine.db") as before:
        for tenant in ("bank", "acme"):
            before.deploy(("chain.bpmn", document(process("chain", service("first")))), tenant=tenant)
    with (
        Running(modern.server, tmp_path, *options, "--tenant", "bank") as bank,
        Running(modern.server, tmp_path, *options, "--tenant", "acme", "--health", str(port)) as acme,
    ):
        for each in (bank, acme):
            each.until("complete")
        until(lambda: page(port, "/readyz")[0] == 200, "it is ready")
        assert set(json.loads(page(port, "/readyz")[1])["queues"]) >= {"procession.acme", "procession.acme-jobs-first"}
        with Engine(tmp_path / "engine.db", call_timeout=60) as engine:
            for tenant, queue in (("bank", "procession"), ("acme", "procession.acme")):
                instance = engine.start("chain", tenant=tenant)
                until(partial(_is_completed, instance), f"the instance of {tenant} is completed")
                told = modern.described(tenant, instance.key)
                assert (told.namespace, told.task_queue) == (modern.namespace(tenant), queue)
                assert modern.activity_queues(tenant, instance.key) == {f"{queue}-jobs-first"}
        assert [each.end() for each in (bank, acme)] == [0, 0]


def test_a_worker_says_that_its_namespace_is_not_there(modern: Town, tmp_path: Path) -> None:
    options = ("--cell", str(modern.file(tmp_path)), "--processes", "1", "--activities", "0", "--tenant", "bank")
    with Running(modern.server, tmp_path, *options) as running:
        assert running.process.wait(60) == 1
    assert f"no namespace '{modern.own}'" in running.log


def test_a_cell_and_a_namespace_contradict_each_other() -> None:
    cell = Cell(cell="c", namespaces={"n": Namespace()})
    with pytest.raises(BadValue, match="a cell says namespace and queue"):
        Temporal(cell=cell, namespace="n")
    with pytest.raises(BadValue, match="no search attribute of this host"):
        Temporal(search=["Region"])
    assert repr(Temporal(cell=cell)) == "Temporal('localhost:7233', cell='c')"
