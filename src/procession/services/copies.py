"""A copy of what is deployed: the rows of one tenant's catalogue, under the same keys, versions and hashes, elsewhere.

For who does again what instances did: nothing starts there by itself, so start events are left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

import msgspec

from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import DecisionRow, DefinitionRow
from procession.services.catalog import Catalog
from procession.services.deploy import Desk, tenant_in

PAGE: Final = 500


@final
class Copied(msgspec.Struct, frozen=True, gc=False):
    """What is deployed, with the bytes of all programs by their hash, and what data stores hold."""

    programs: dict[str, bytes]
    definitions: tuple[DefinitionRow, ...]
    decisions: tuple[DecisionRow, ...]
    stores: dict[str, Json] = {}

    def where(self, holds: Callable[[int, int], bool]) -> Copied:
        """What was deployed at a time (Unix ms) under a key of which this holds."""
        definitions = tuple(row for row in self.definitions if holds(row.at, row.key))
        decisions = tuple(row for row in self.decisions if holds(row.at, row.key))
        hashes = {row.program for row in definitions} | {row.hash for row in decisions}
        programs = {hash: data for hash, data in self.programs.items() if hash in hashes}
        return Copied(programs, definitions, decisions)

    def __bool__(self) -> bool:
        return bool(self.definitions or self.decisions or self.stores)


@final
class InstallCopy(msgspec.Struct, frozen=True, gc=False):
    """Install a copy for a tenant, beside what it has."""

    tenant: str
    copied: Copied


def copy_of(store: Reads, catalog: Catalog, tenant: int) -> Copied:
    """Everything that is deployed for a tenant, in the order in which it was."""
    definitions: list[DefinitionRow] = []
    after = 0
    while rows := store.read("definitions_all", (tenant, after, PAGE), DefinitionRow):
        definitions += rows
        after = rows[-1].key
    decisions = sorted(store.read("decisions", (tenant,), DecisionRow), key=lambda row: row.version)
    hashes = {row.program for row in definitions} | {row.hash for row in decisions}
    programs = {hash: catalog.data(tenant, hash) for hash in sorted(hashes)}
    definitions.sort(key=lambda row: row.version)
    return Copied(programs, tuple(definitions), tuple(decisions))


def install_copy(desk: Desk, request: InstallCopy) -> None:
    """Writes the rows of a copy."""
    tenant = tenant_in(desk, request.tenant)
    copied, batch = request.copied, desk.batch
    for hash, data in copied.programs.items():
        batch["program"].replace((tenant, hash), (tenant, hash, codec.wrap(data)))
        desk.catalog.program_added(tenant, hash, data)
    for row in copied.definitions:
        batch["definition"].insert(row.key, (tenant, *msgspec.structs.astuple(row)))
        desk.catalog.deployed(tenant, row)
    for decision in copied.decisions:
        batch["decision"].insert(decision.key, (tenant, *msgspec.structs.astuple(decision)))
        desk.catalog.decision_deployed(tenant, decision)
    for name, value in copied.stores.items():
        batch["data_store"].replace((tenant, name), (tenant, name, desk.at, codec.encode_json(value)))
