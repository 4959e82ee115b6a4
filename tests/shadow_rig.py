"""What shadow tests need: instances of scenarios in a store, and their shadows on engines that a test gives."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from parity_rig import id_of
from procession.hosts.embedded.tickets import InHouse
from procession.rollout.hosts import Here, InMemory
from procession.rollout.playing import Played, play
from procession.rollout.trees import Tree
from procession.runtime.ports import Store
from procession.runtime.rows import InstanceRow
from procession.services.catalog import Catalog
from procession.services.copies import Copied, copy_of
from procession.testing.driver import MakeEngines
from procession.testing.engines import Engines, tenant_of
from procession.testing.runner import run_scenario

ALL: Final = 100_000


@contextmanager
def in_memory() -> Generator[InMemory]:
    """A store and its engine, for scenarios or for their shadows."""
    kit = InMemory()
    try:
        yield kit
    finally:
        kit.close()


def engines_of(kit: InMemory) -> MakeEngines:
    """The engines of a store in memory."""
    return lambda clock, zone: Here(kit, clock, zone)


def ran(kit: InMemory, path: Path) -> str:
    """Runs a scenario there; gives its tenant."""
    tenant = tenant_of(len(Catalog(kit.store).tenants))
    result = run_scenario(path, engines=engines_of(kit))
    assert result.passed, result.error
    return tenant


def played(
    store: Store, tenant: str, make: MakeEngines, *, copied: Callable[[Copied], Copied] = lambda each: each
) -> list[Played]:
    """What became of the shadow of each root of a tenant; those of a refused deployment are none."""
    catalog = Catalog(store)
    number = catalog.tenants.get(tenant)
    if number is None:
        return []
    deployed = copied(copy_of(store, catalog, number))
    rows = store.read("instances", (number, 0, ALL), InstanceRow)
    trees = [(row, Tree(store, number, partial(catalog.linked, number))) for row in rows if not row.parent]
    return [play(tree, row, deployed, make) for row, tree in trees]


def unequal(paths: Iterable[Path], make: MakeEngines) -> list[str]:
    """Runs scenarios on the embedded host, then their shadows; what was not equal, with what is different."""
    found: list[str] = []
    for path in paths:
        with in_memory() as kit:
            for each in played(kit.store, ran(kit, path), make):
                if each.status != "equal":
                    found.append(f"{id_of(path)}: {each.status} {each.reasons} {each.differences[:3]}")
    return found


class Altered:
    """Engines of which a test alters what they are asked."""

    def __init__(self, engines: Engines, alter: Callable[[InHouse], InHouse]) -> None:
        self._engines = engines
        self._alter = alter

    def __getattr__(self, name: str) -> object:
        return getattr(self._engines, name)

    def call(self, request: InHouse) -> object:
        return self._engines.call(self._alter(request))
