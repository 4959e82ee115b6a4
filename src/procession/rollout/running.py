"""Running a shadow from its options: the rule, the store that is read, where the report is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext

from procession.base.failure import Conflict
from procession.hosts.embedded.engine import Engine
from procession.rollout.hosts import host_named
from procession.rollout.shadow import Host, Run, Shadowed
from procession.runtime import requests as q
from procession.runtime.ports import Reads
from procession.runtime.tenants import PLATFORM
from procession.services.routes import Rule
from procession.services.shadows import ShadowReport, begun, find_shadow, stored
from procession.store.opening import open_store


def shadow_run(
    db: str | Engine,
    to: str = "here",
    *,
    name: str = "shadow",
    tenants: Sequence[str] = (),
    processes: Sequence[str] = (),
    versions: tuple[int, int] = (0, 0),
    percent: float = 100.0,
    since: int = 0,
    limit: int = 0,
    address: str = "",
    namespace: str = "default",
    broker: str = "",
    anew: bool = False,
    told: Callable[[Shadowed], None] = lambda _: None,
) -> ShadowReport:
    """Does instances that have ended again on the host `to` (`here`, `temporal`, `celery`), and compares what they did.
    `db` is the store that they are in, or an engine on it. Nothing of it has an effect outside; the store keeps the
    report under `name`.

    Which instances: as a rule of routes says it, started at `since` (Unix ms) or later, at most `limit` of them. A run
    goes on behind the one of the same name before it, unless `anew`. `told` hears of each instance as a
    `Shadowed`. `address` and `namespace` are those of a Temporal cluster, `broker` Celery's; without, one is started
    for the run.

    Raises `BadValue`, `StoreError`, `HostLost` when the other host goes: then it goes on where it was.
    """
    rule = Rule(name, to, tuple(tenants), tuple(processes), versions, percent=percent)

    def keep(report: ShadowReport) -> None:
        with nullcontext(db) if isinstance(db, Engine) else Engine(db) as engine:
            kept_by(engine, report)

    with (
        nullcontext(db.store) if isinstance(db, Engine) else closing(open_store(db)) as store,
        host_named(to, address=address, namespace=namespace, broker=broker) as host,
    ):
        run = run_of(store, rule, host, keep=keep, since=since, anew=anew, told=told)
        run.go(limit)
        return run.report


def run_of(
    store: Reads,
    rule: Rule,
    host: Host,
    *,
    keep: Callable[[ShadowReport], None],
    since: int = 0,
    anew: bool = False,
    told: Callable[[Shadowed], None] = lambda _: None,
) -> Run:
    """A run that goes on behind the report of its rule's name, if there is one. Raises `Conflict` for a report of
    another host."""
    report = None if anew else find_shadow(store, rule.name)
    if report is None:
        report = begun(rule.name, rule.to, since, time.time_ns() // 1_000_000)
    if report.host != rule.to:
        raise Conflict(f"the shadow {rule.name!r:.80} runs on {report.host}: take another name, or begin anew")
    return Run(store, rule, host, report, keep=keep, told=told)


def kept_by(engine: Engine, report: ShadowReport) -> None:
    """Keeps a report in an engine's store."""
    engine.call(q.AddTenant(PLATFORM))
    engine.call(stored(report))
