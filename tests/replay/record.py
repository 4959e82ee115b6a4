"""Records the golden histories of Temporal: `make golden`, or `python -m tests.replay.record [RELEASE [FAMILY ...]]`.

Runs scenarios on a real server, one file of histories a folder of them (a family of elements), with the programs and
the facts that were made. A release's histories are recorded until it is released and never after: they stand for the
instances of users that were started then.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from procession.hosts.temporal import histories
from procession.hosts.temporal.cells.cell import IMPLIED, OPTIONAL
from procession.hosts.temporal.histories import ByHash, Kept
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Budget, JobFailure, Settings
from procession.hosts.temporal.replaying import remade, replayed
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.elsewhere import Step
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.catalog import Catalog
from procession.testing import run_scenario
from procession.testing.driver import Driver
from procession.testing.temporal import DevServer, dev_server
from procession.testing.temporal.kit import Kit, OnTemporal

HISTORIES: Final = Path(__file__).parent / "histories"
SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"
RELEASE: Final = "release-1"
REAL_TIME: Final = "real_time"
"""The family whose timers are Temporal's; in all others the time is the scenario's."""
RENEWED: Final = "renewed"
"""The family whose instances go on in a new run after every step."""
APART: Final = "apart"
"""The family whose called processes are workflows of their own."""
SEARCHED: Final = "searched"
"""The family whose workflows have search attributes, and go on in a new run after some steps."""
FIRST: Final = 6
"""So many scenarios of each folder, the first by name."""
MORE: Final = {
    "ad_hoc": ("output_collection",),
    "call": ("incident_in_the_child",),
    "changes": ("migrate_made_anew", "modify", "restart", "suspend"),
    "compensation": ("throw_that_does_not_wait",),
    "data": ("data_store_outlives_the_instance",),
    "events": ("signal", "escalation", "error", "terminate", "link"),
    "listeners": ("task_listeners",),
}
"""And besides those whose names begin with these words, the first of each: so that every fact occurs."""

ALSO: Final = {
    APART: ("call",),
    SEARCHED: ("call", "changes", "incidents", "timers"),
    RENEWED: ("boundary", "call", "compensation", "events", "incidents", "messages", "multi_instance", "timers"),
}
"""The folders of which those families have scenarios, the first two each."""
SETTINGS: Final = {
    REAL_TIME: Settings(job_timeout=3_600_000),
    SEARCHED: Settings(
        virtual=True,
        job_timeout=3_600_000,
        budget=Budget(events=15, force=True),
        search=[*IMPLIED, *OPTIONAL],
        calls=True,
    ),
}
"""How instances of a family are run, where not as all others are."""

_NOISE: Final = ("taskId", "version", "workerMayIgnore")
_NOISE_INSIDE: Final = (
    "continuedExecutionRunId",
    "firstExecutionRunId",
    "historySizeBytes",
    "identity",
    "meteringMetadata",
    "newExecutionRunId",
    "requestId",
    "workerVersion",
)


def families() -> list[str]:
    """The names of the files, without what cannot run."""
    folders = [path.name for path in sorted(SCENARIOS.iterdir()) if path.is_dir() and path.name != "refused"]
    return [*folders, APART, REAL_TIME, RENEWED, SEARCHED]


def main() -> None:
    """Records the families that are named, or all."""
    release, *wanted = sys.argv[1:] or [RELEASE]
    server = dev_server("server")
    asyncio.run(server.start())
    try:
        for family in wanted or families():
            began = time.monotonic()
            kept, size = record(server, family, HISTORIES / release / f"{family}.json.zst")
            spent = time.monotonic() - began
            sys.stdout.write(f"{family:<20} {kept:>4} histories {size:>8,} bytes {spent:>6.1f} s\n")
            sys.stdout.flush()
    finally:
        server.kill()
        server.forget_log()


def record(server: DevServer, family: str, path: Path) -> tuple[int, int]:
    """Records one family; gives how many histories there are, and how many bytes."""
    settings = SETTINGS.get(family)
    namespace = "default"
    if family == SEARCHED:
        namespace = f"golden-{family}"
        asyncio.run(server.create_namespace(namespace, {**IMPLIED, **OPTIONAL}))
    budget = Budget(events=0, force=True) if family == RENEWED else None
    calls = family in {APART, SEARCHED}
    kit = Kit(server.address, namespace, queue=f"golden-{family}", settings=settings, budget=budget, calls=calls)
    try:
        names = run_real_time(kit) if family == REAL_TIME else run_scenarios(kit, family)
        programs: dict[str, bytes] = {}
        kept: list[Kept] = []
        for tenant, name in names.items():
            kept += of_tenant(kit, tenant, f"{family}/{name}", programs)
    finally:
        kit.close()
    histories.write(path, programs, kept)
    return len(kept), path.stat().st_size


def chosen(family: str) -> list[Path]:
    """The scenarios of a family that are recorded."""
    if family in ALSO:
        of = [sorted((SCENARIOS / folder).glob("*.scenario.yaml")) for folder in ALSO[family]]
        return [path for paths in of for path in paths[:2]]
    paths = sorted((SCENARIOS / family).glob("*.scenario.yaml"))
    found = paths[:FIRST]
    for word in MORE.get(family, ()):
        found += [path for path in paths if path.name.startswith(word) and path not in found][:1]
    return found


def run_scenarios(kit: Kit, family: str) -> dict[str, str]:
    """Runs them; gives the name of the scenario by its tenant."""
    names: dict[str, str] = {}
    for path in chosen(family):
        before = set(Catalog(kit.store).tenants)
        result = run_scenario(path, engines=lambda clock, zone: OnTemporal(kit, clock, zone))
        if not result.passed:
            raise SystemExit(f"{path}: {result.error}")
        for tenant in Catalog(kit.store).tenants:
            if tenant not in before:
                names[tenant] = path.name.removesuffix(".scenario.yaml")
    return names


def run_real_time(kit: Kit) -> dict[str, str]:
    """A process whose timers are Temporal's, with a job that fails once and is tried again after a pause."""
    driver = Driver(":memory:", clock=_now(), zone="UTC", engines=lambda clock, zone: OnTemporal(kit, _now, zone))
    driver.deploy([Path(__file__).parent / "real_time.bpmn"])
    key = driver.call(q.StartProcess(driver.tenant, "real_time", {"amount": 12}))
    assert isinstance(key, int)
    job = next(iter(driver.cases[key].state.jobs))
    kit.desk.fail(job, lambda attempts: JobFailure("not yet", 1, 50, attempts))
    while driver.cases[key].status == "active":
        for open_ in driver.cases[key].state.jobs:
            if len(driver.cases[key].state.timers) == 1:
                driver.call(q.FinishJob(driver.tenant, open_, {"amount": 13}))
                break
        time.sleep(0.02)
        driver.move(_now())
    return {driver.tenant: "timers_and_a_pause"}


def _now() -> int:
    return time.time_ns() // 1_000_000


def of_tenant(kit: Kit, tenant: str, name: str, programs: dict[str, bytes]) -> Iterator[Kept]:
    """The histories of one scenario's instances; puts the programs that they need into `programs`."""
    catalog = Catalog(kit.store)
    number = catalog.tenant(tenant)
    library = ByHash(lambda hash: catalog.data(number, hash))
    rows = kit.store.read("instances", (number, 0, 10_000), InstanceRow)
    homes = dict.fromkeys(row.home for row in rows if row.host)
    for count, home in enumerate(homes, 1):
        label = f"{name}/{count}" if len(homes) > 1 else name
        stored = {row.key: steps_of(kit, number, row.key) for row in rows if row.home == home}
        yield from of_workflow(kit, workflow_id(tenant, home), label, stored, library)
    programs.update(library.asked)


def of_workflow(kit: Kit, workflow: str, name: str, stored: dict[int, list[Step]], library: ByHash) -> Iterator[Kept]:
    """The runs of a workflow; what they made must be all that was stored."""
    compared = 0
    for count, found in enumerate(runs_of(kit, workflow), 1):
        label = f"{name}/run-{count}" if count > 1 else name
        history = json.dumps(stripped(found, label), separators=(",", ":")).encode()
        kept = Kept(label, workflow, msgspec.Raw(history), stored, False)
        result, made = kit.loop.run(remade(kept, library))
        if result.status != "ok" or result.compared != result.steps:
            raise SystemExit(f"{label} is not what was stored of it: {result}")
        compared += result.compared
        kept = msgspec.structs.replace(kept, facts=made, whole=True)
        result = kit.loop.run(replayed(kept, library))
        assert result.status == "ok", result
        yield kept
    assert compared == sum(map(len, stored.values())), f"{name}: {compared} steps of {stored}"


def runs_of(kit: Kit, workflow: str) -> Iterator[dict[str, Any]]:
    """The histories of a workflow's runs, from the first on."""
    last = kit.loop.run(kit.client.get_workflow_handle(workflow).fetch_history()).to_json_dict()
    run = last["events"][0]["workflowExecutionStartedEventAttributes"]["firstExecutionRunId"]
    while run:
        history = kit.loop.run(kit.client.get_workflow_handle(workflow, run_id=run).fetch_history()).to_json_dict()
        ended = history["events"][-1].get("workflowExecutionContinuedAsNewEventAttributes", {})
        run = ended.get("newExecutionRunId", "")
        yield history


def steps_of(kit: Kit, tenant: int, instance: int) -> list[Step]:
    """What the engine was told of an instance."""
    rows = kit.store.read("facts", (tenant, instance, 0), FactRow)
    return [Step(row.seq, row.at, msgspec.Raw(codec.unwrap(row.data))) for row in rows]


def stripped(history: dict[str, Any], name: str) -> dict[str, Any]:
    """Without what tells of a machine, and with a run id that stays the same."""
    for event in history["events"]:
        for noise in _NOISE:
            event.pop(noise, None)
        for attributes in event.values():
            if not isinstance(attributes, dict):
                continue
            for noise in _NOISE_INSIDE:
                attributes.pop(noise, None)
            if "originalExecutionRunId" in attributes:
                attributes["originalExecutionRunId"] = str(uuid5(NAMESPACE_URL, f"procession:{name}"))
            queue = attributes.get("taskQueue")
            if queue and queue.get("kind") == "TASK_QUEUE_KIND_STICKY":
                attributes["taskQueue"] = {"name": queue["normalName"]}
    return history


if __name__ == "__main__":
    main()
