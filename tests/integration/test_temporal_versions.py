"""Builds of workers on a real server: pinning, a ramp by percent, and a rollback that strands nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, final

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest

import drawn as d
from flag_rig import know
from procession.base.failure import StoreError
from procession.core import flags
from procession.core.context import Context
from procession.core.events import CompleteTask, SetVariables
from procession.core.facts import AnyFact, TaskCreated
from procession.hosts.temporal.deployments import Rolled, current, described, ramp, rollback, upgrade
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Settings
from procession.hosts.temporal.place import WorkerDeployment
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.replaying import Replayed
from procession.hosts.temporal.sampling import of_cluster
from procession.runtime import requests as q
from procession.runtime.rows import TaskRow
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore
from procession.testing.temporal import DevServer
from procession.testing.temporal.kit import Kit, OnTemporal
from temporal_workflows import eventually

NAME: Final = "bpmn"
AT: Final = 1_790_000_000_000
FLAG: Final = 3
EVENTS_MAX: Final = 1_000
_T = TypeVar("_T")


@final
class Scene:
    """A kit whose worker is build A, and a process that waits at a user task."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.engines = OnTemporal(kit, lambda: AT, "UTC")
        self.tenant = self.engines.take_tenant(0)
        drawn = d.document(d.process("p", "a -> t, t -> b", a=d.start(), t=d.user(), b=d.end()))
        self.engines.call(q.DeployResources(self.tenant, [("p.bpmn", drawn)]))
        self.run(self.takes("A"))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.kit.loop.run(work, 90.0)

    async def takes(self, build: str, percent: float | None = None) -> None:
        """New instances start with a build: all, or so many. The server knows it when its worker asked for work."""

        async def told() -> bool:
            try:
                if percent is None:
                    await current(self.kit.client, NAME, build)
                else:
                    await ramp(self.kit.client, NAME, build, percent)
            except StoreError:
                return False
            return True

        await eventually(told)

    def start(self, count: int) -> list[int]:
        found = [self.engines.call(q.StartProcess(self.tenant, "p", {})) for _ in range(count)]
        self.settle()
        return [key for key in found if isinstance(key, int)]

    def settle(self) -> None:
        while self.engines.turn():
            pass

    def tasks(self) -> list[TaskRow]:
        number = Catalog(self.kit.store).tenants[self.tenant]
        return self.kit.store.read("tasks", (number, 0, 1_000), TaskRow)

    def complete_all(self) -> None:
        for task in self.tasks():
            self.engines.call(q.TaskEvent(self.tenant, task.key, CompleteTask(task.key)))
        self.settle()

    def builds(self, instances: list[int]) -> dict[int, str]:
        """By instance: the build that it is pinned to."""

        async def build(instance: int) -> str:
            request = DescribeWorkflowExecutionRequest(
                namespace=self.kit.client.namespace,
                execution=WorkflowExecution(workflow_id=workflow_id(self.tenant, instance)),
            )
            found = await self.kit.client.workflow_service.describe_workflow_execution(request)
            return found.workflow_execution_info.versioning_info.deployment_version.build_id

        return {instance: self.run(build(instance)) for instance in instances}

    def states(self, instances: list[int]) -> Counter[str]:
        async def state(instance: int) -> str:
            handle = self.kit.client.get_workflow_handle(workflow_id(self.tenant, instance))
            status = (await handle.describe()).status
            return status.name if status is not None else ""

        return Counter(self.run(state(instance)) for instance in instances)

    def roll_back(self) -> Rolled:
        return self.run(rollback(self.kit.client, NAME, "B", "A", library=Programs(self.kit.store)))


@contextmanager
def on(server: DevServer, *, upgrade: bool = False) -> Generator[Scene]:
    settings = Settings(virtual=True, job_timeout=3_600_000, upgrade=upgrade)
    kit = Kit(server.address, server.namespace, settings=settings, deployment=WorkerDeployment(NAME, "A"))
    try:
        yield Scene(kit)
    finally:
        kit.close()


@pytest.fixture
def scene(temporal_server: DevServer) -> Iterator[Scene]:
    with on(temporal_server) as found:
        yield found


def test_a_rollback_in_the_middle_of_a_ramp_strands_nobody(scene: Scene) -> None:
    newer = scene.kit.join(WorkerDeployment(NAME, "B"))
    scene.run(scene.takes("B", 50))
    instances = scene.start(40)
    before = scene.builds(instances)
    assert set(before.values()) == {"A", "B"}
    assert len(scene.tasks()) == 40

    rolled = scene.roll_back()
    of_b = {workflow_id(scene.tenant, instance) for instance, build in before.items() if build == "B"}
    assert (set(rolled.moved), rolled.kept) == (of_b, [])

    scene.run(newer.shutdown())
    scene.complete_all()
    assert scene.states(instances) == {"COMPLETED": 40}
    assert set(scene.builds(instances).values()) == {"A"}
    routing = scene.run(described(scene.kit.client, NAME)).routing_config
    assert routing.current_deployment_version.build_id == "A"
    assert not routing.ramping_deployment_version.build_id


def test_without_a_rollback_an_instance_stays_with_the_build_that_it_began_with(scene: Scene) -> None:
    [first] = scene.start(1)
    scene.kit.join(WorkerDeployment(NAME, "B"))
    scene.run(scene.takes("B"))
    [second] = scene.start(1)
    scene.complete_all()
    assert scene.states([first, second]) == {"COMPLETED": 2}
    assert scene.builds([first, second]) == {first: "A", second: "B"}


@pytest.mark.parametrize("upgrading", [True, False])
def test_an_instance_that_sleeps_goes_on_with_the_newer_build_when_it_is_told(
    temporal_server: DevServer, upgrading: bool
) -> None:
    with on(temporal_server, upgrade=upgrading) as scene:
        instances = scene.start(3)
        older = scene.kit.join(WorkerDeployment(NAME, "B"))
        scene.run(scene.takes("B"))
        told = scene.run(upgrade(scene.kit.client, NAME, "A"))
        assert set(told) == {workflow_id(scene.tenant, each) for each in instances}
        expected = "B" if upgrading else "A"

        async def moved() -> bool:
            runs = [await scene.kit.client.count_workflows(f"WorkflowId = '{each}'") for each in told]
            if not all(each.count >= 2 for each in runs):
                return False
            # What one service of the server knows of builds comes to the others a moment later: whoever went on too
            # soon is told again.
            return not upgrading or not await upgrade(scene.kit.client, NAME, "A")

        scene.run(eventually(moved))
        scene.complete_all()
        assert scene.states(instances) == {"COMPLETED": 3}
        assert set(scene.builds(instances).values()) == {expected}
        scene.run(older.shutdown())


def test_an_instance_that_wakes_goes_on_with_the_newer_build_by_itself(temporal_server: DevServer) -> None:
    """The server says at a task that there is one."""
    with on(temporal_server, upgrade=True) as scene:
        [instance] = scene.start(1)
        scene.kit.join(WorkerDeployment(NAME, "B"))
        scene.run(scene.takes("B"))
        # What one service of the server knows of builds comes to the others a moment later.
        for number in range(EVENTS_MAX):
            scene.engines.call(q.Deliver(scene.tenant, instance, SetVariables(0, {"x": number})))
            scene.settle()
            if scene.builds([instance]) == {instance: "B"}:
                break
        scene.complete_all()
        assert scene.states([instance]) == {"COMPLETED": 1}
        assert scene.builds([instance]) == {instance: "B"}


def test_an_instance_that_the_older_build_cannot_continue_stays_with_the_newer_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, FLAG, "a behaviour that only build B knows")
    scene.kit.join(WorkerDeployment(NAME, "B"))
    scene.run(scene.takes("B"))
    [plain] = scene.start(1)
    scene.engines.call(q.SwitchFlags(scene.tenant, (FLAG,)))
    [flagged] = scene.start(1)
    with monkeypatch.context() as older:
        older.delitem(flags.KNOWN, FLAG)
        rolled = scene.roll_back()
    assert rolled.moved == [workflow_id(scene.tenant, plain)]
    [kept] = rolled.kept
    assert (kept.workflow, kept.status, kept.flags) == (workflow_id(scene.tenant, flagged), "unreadable", [FLAG])
    scene.complete_all()
    assert scene.states([plain, flagged]) == {"COMPLETED": 2}
    assert scene.builds([plain, flagged]) == {plain: "A", flagged: "B"}


def test_the_oldest_server_moves_them_too(temporal_floor: DevServer) -> None:
    with on(temporal_floor) as scene:
        newer = scene.kit.join(WorkerDeployment(NAME, "B"))
        scene.run(scene.takes("B"))
        instances = scene.start(3)
        assert len(scene.roll_back().moved) == 3
        scene.run(newer.shutdown())
        scene.complete_all()
        assert scene.states(instances) == {"COMPLETED": 3}


def test_the_histories_of_a_cluster_are_replayed_and_their_facts_compared(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = scene.start(3)
    scene.engines.call(q.TaskEvent(scene.tenant, scene.tasks()[0].key, CompleteTask(scene.tasks()[0].key)))
    scene.settle()
    store = scene.kit.store
    assert isinstance(store, SQLiteStore)
    store.backup(tmp_path / "copy.db")
    client, db = scene.kit.client, str(tmp_path / "copy.db")

    def replayed(query: str = "", sample: int = 0) -> list[Replayed]:
        address = client.service_client.config.target_host
        return list(of_cluster(address, client.namespace, query, db=db, sample=sample))

    async def listed() -> bool:
        return len([each async for each in client.list_workflows("ExecutionStatus = 'Running'")]) == 2

    scene.run(eventually(listed))
    everything = replayed()
    assert {each.workflow for each in everything} == {workflow_id(scene.tenant, each) for each in instances}
    assert [each for each in everything if each.status != "ok" or each.compared != each.steps] == []
    assert len(replayed("ExecutionStatus = 'Running'")) == 2
    assert len(replayed(sample=1)) == 1
    write = Context.write

    def other(cx: Context, fact: AnyFact) -> None:
        write(
            cx, TaskCreated(fact.element, {**fact.attributes, "priority": 1}) if isinstance(fact, TaskCreated) else fact
        )

    monkeypatch.setattr(Context, "write", other)
    assert {each.status for each in replayed()} == {"diverged"}
