"""Shadows for rollouts: what `Rollouts.look` asks for at a step that is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from procession.hosts.embedded.engine import Engine
from procession.rollout.hosts import host_named
from procession.rollout.running import kept_by, run_of
from procession.services.routes import HERE, Rule

Promotes: TypeAlias = Callable[[Rule, int, int], object]


def shadows_on(engine: Engine, *, address: str = "", namespace: str = "default", broker: str = "") -> Promotes:
    """Does instances of an engine's store again on the host of a rule, and keeps the report there: those that started
    at or after a time (Unix ms), at most so many. With `broker` the store's own host is Celery's workers."""

    def shadow(rule: Rule, since: int, most: int) -> None:
        if broker and rule.to == HERE:
            rule = msgspec.structs.replace(rule, to="celery")
        with host_named(rule.to, address=address, namespace=namespace, broker=broker) as host:
            run_of(engine.reader().store, rule, host, keep=lambda report: kept_by(engine, report), since=since).go(most)

    return shadow
