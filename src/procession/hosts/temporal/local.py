"""The local activities of a workflow worker: what instances ask the engine that keeps the books, and tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, final

from temporalio import activity

from procession.base.failure import NotFound
from procession.base.values import Json
from procession.core import commands as c
from procession.core.events import Resolved, StoresAnswered
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.reporter import Reporter
from procession.ir.kinds import Binding
from procession.runtime import codec
from procession.runtime.ports import Store
from procession.runtime.requests import TakeKeys
from procession.runtime.rows import BlobRow, IntRow
from procession.services.catalog import Catalog

KEYS_S: Final = 8.0
"""How long the owner of the store may take to give keys, in seconds."""


@final
class Local:
    """The activities, over one store. `keys` asks the store's owner for blocks of keys."""

    def __init__(self, store: Store, reporter: Reporter, keys: Callable[[TakeKeys], tuple[int, int]]) -> None:
        self._store = store
        self._reporter = reporter
        self._keys = keys

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.ask, self.report, self.breathe]

    @activity.defn(name=p.ASK)
    async def ask(self, question: p.Question) -> p.Answers:
        """Answers what an instance has to know before it can go on."""
        return await asyncio.to_thread(self._answer, question)

    @activity.defn(name=p.REPORT)
    async def report(self, envelope: p.Envelope) -> None:
        """Stores a report before its task is committed."""
        await asyncio.to_thread(self._reporter.hold, envelope)

    @activity.defn(name=p.BREATHE)
    async def breathe(self) -> None:
        """Nothing: the workflow wanted another activation."""

    def _answer(self, question: p.Question) -> p.Answers:
        catalog = Catalog(self._store, None)
        tenant = catalog.tenant(question.tenant)
        first = last = 0
        if question.blocks:
            first, last = self._keys(TakeKeys(question.tenant, question.blocks))
        return p.Answers(
            [self._resolved(catalog, tenant, question, each) for each in question.resolve],
            [self._stores(tenant, each) for each in question.stores],
            first,
            last,
        )

    def _resolved(self, catalog: Catalog, tenant: int, question: p.Question, command: c.Resolve) -> Resolved:
        binding = Binding(command.binding)
        try:
            deployment = 0
            if binding is Binding.DEPLOYMENT:
                deployment = catalog.version(tenant, question.process_id, question.version).deployment
            if command.what == "decision":
                decision = catalog.decision(tenant, command.id, binding, command.version_tag, deployment)
                return Resolved(command.element, decision.hash, decision.version)
            process = catalog.bound(tenant, command.id, binding, command.version_tag, deployment)
            if self._store.read("suspended", (tenant, process.key), IntRow):
                text = f"process {process.process_id!r} version {process.version} is suspended"
                return Resolved(command.element, "", 0, text)
            return Resolved(command.element, process.program, process.version)
        except NotFound as missing:
            return Resolved(command.element, "", 0, str(missing))

    def _stores(self, tenant: int, command: c.ReadStores) -> StoresAnswered:
        values: dict[str, Json] = {}
        for name in command.stores:
            rows = self._store.read("data_store", (tenant, name), BlobRow)
            values[name] = codec.decode_json(rows[0].value) if rows else None
        return StoresAnswered(command.element, values)
