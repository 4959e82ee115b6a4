"""The source: which instances of host A are shadowed. Its store is read and nothing else, so A notices nothing.

A page of keys is read at a time, and of the instances that count nothing before it is their turn.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple, final

from procession.rollout.trees import Tree
from procession.runtime.ports import Reads
from procession.runtime.rows import InstanceRow
from procession.runtime.tenants import PLATFORM, shard_of_number
from procession.services.catalog import Catalog
from procession.services.copies import Copied, copy_of
from procession.services.routes import Compiled, Routes, Rule

PAGE: Final = 200


class Found(NamedTuple):
    """The root of a tree that a rule means."""

    tenant: str
    row: InstanceRow
    process: str


@final
class Source:
    """Host A's store. It remembers what is deployed there until `forget`."""

    def __init__(self, store: Reads) -> None:
        self._store = store
        self._catalog = Catalog(store)
        self._copies: dict[str, Copied] = {}

    def forget(self) -> None:
        """What was deployed meanwhile is seen from here on."""
        self._catalog.forget()
        self._copies.clear()

    def roots(self, rule: Rule, *, since: int, marks: Mapping[str, int]) -> Iterator[Found]:
        """Roots behind the marks of their shards that the rule means, ended or not; in each shard by their key."""
        compiled = Compiled(Routes((rule,), default=""))
        names = [name for name in sorted(self._catalog.tenants) if name != PLATFORM]
        pages = (self._of(name, marks) for name in names)
        for found in heapq.merge(*pages, key=lambda each: each.row.key):
            key = found.row.business_key or str(found.row.key)
            definition = self._catalog.definition(self._catalog.tenant(found.tenant), found.row.definition)
            decision = compiled.decide(found.tenant, definition.process_id, definition.version, key)
            if found.row.started >= since and decision.rule == rule.name:
                yield found._replace(process=definition.process_id)

    def one(self, tenant: str, key: int) -> Found | None:
        """One root, as it is now; None if it is kept no more."""
        number = self._catalog.number(tenant)
        rows = self._store.read("instance", (number, key), InstanceRow) if number is not None else []
        if number is None or not rows:
            return None
        return Found(tenant, rows[0], self._catalog.definition(number, rows[0].definition).process_id)

    def tree(self, found: Found) -> Tree:
        """The tree of a root, of which nothing was read yet."""
        tenant = self._catalog.tenant(found.tenant)
        return Tree(self._store, tenant, partial(self._catalog.linked, tenant))

    def over(self, found: Found) -> bool:
        """Whether a root and all that it called have ended."""
        tree = self.tree(found)
        rows = [found.row]
        for row in rows:
            if not row.state:
                return False
            rows += tree.called(row.key)
        return True

    def copied(self, tenant: str) -> Copied:
        """What is deployed for a tenant."""
        found = self._copies.get(tenant)
        if found is None:
            found = self._copies[tenant] = copy_of(self._store, self._catalog, self._catalog.tenant(tenant))
        return found

    def shard(self, tenant: str) -> str:
        """Under which name the mark of a tenant stands."""
        return str(shard_of_number(self._catalog.tenant(tenant)))

    def _of(self, name: str, marks: Mapping[str, int]) -> Iterator[Found]:
        number = self._catalog.tenant(name)
        after = marks.get(str(shard_of_number(number)), 0)
        while rows := self._store.read("instances", (number, after, PAGE), InstanceRow):
            yield from (Found(name, row, "") for row in rows if not row.parent)
            after = rows[-1].key
