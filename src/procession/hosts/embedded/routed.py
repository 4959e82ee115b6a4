"""Routing: the rules by which instances start on one host or another, as an engine has them (services/routes.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

from procession.base.failure import Conflict
from procession.base.values import Json
from procession.runtime import requests as q
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY, PLATFORM
from procession.services.records import Records
from procession.services.routes import KIND, Compiled, Decision, Reaches, Routes, document, read_routes, stranded

if TYPE_CHECKING:
    from procession.hosts.embedded.engine import Engine


@final
class Routing:
    """Where instances start that an engine is asked to start. Rules are kept in its store, one set for all tenants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self) -> tuple[Routes, int]:
        """The rules, and their version; without any, version 0."""
        reader = self._engine.reader()
        found = Records(self._engine.store, reader.views).find(PLATFORM, KIND, KIND)
        return (Routes(), 0) if found is None else (found.read(Routes), found.version)

    def set(self, routes: Routes | Json, *, version: int = -1, force: bool = False) -> int:
        """Takes rules, which hold for what starts from now on; gives their new version.

        Raises `BadValue` for what are none, `Conflict` for rules that would strand a tenant, unless with `force`, and
        `Outdated` when their version is another one than the caller knows."""
        wanted = routes if isinstance(routes, Routes) else read_routes(routes)
        wrong = [] if force else self.stranded(wanted)
        if wrong:
            raise Conflict("; ".join(wrong))
        self._engine.call(q.AddTenant(PLATFORM))
        request = q.PutRecord(PLATFORM, KIND, KIND, document(wanted), version)
        return cast("int", self._engine.call(request))

    def stranded(self, routes: Routes, reaches: Reaches | None = None) -> list[str]:
        """Why starts of tenants would wait for ever by these rules, a sentence each. `reaches` says it of one host and
        tenant; without, the host beside this engine does."""
        names = [row.name for row in self._engine.store.read("tenants", EVERYBODY, NamedRow) if row.name != PLATFORM]
        return stranded(routes, names, reaches or self._reaches)

    def decide(self, process: str, *, tenant: str, version: int, key: str) -> Decision:
        """Where a start would go now. `key` is its business key, else that of its instance."""
        return Compiled(self.get()[0]).decide(tenant, process, version, key)

    def _reaches(self, host: str, tenant: str) -> str:
        placement = self._engine.hosting.placement
        if placement is None or placement.host != host:
            return "no host of that name is beside this store"
        return placement.reaches(tenant)
