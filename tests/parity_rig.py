"""What a scenario did, in canonical form: equal where two hosts did the same work (decision 8)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from procession.runtime import codec
from procession.runtime.canonical import canonical
from procession.runtime.ports import Store
from procession.runtime.rows import DefinitionRow, FactRow, InstanceRow
from procession.services.catalog import Catalog
from procession.services.histories import first_hash
from procession.store.sqlite import SQLiteStore
from procession.testing.engines import Calm, Engines
from procession.testing.runner import Result, run_scenario
from procession.testing.temporal.kit import Kit, OnTemporal

SCENARIOS: Final = Path(__file__).parent / "scenarios"
FILES: Final = sorted(SCENARIOS.rglob("*.scenario.yaml"))
_ENCODE = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def forms(store: Store, tenant_name: str) -> list[str]:
    """The canonical form of every instance of a tenant, as texts, sorted."""
    catalog = Catalog(store)
    tenant = catalog.tenants.get(tenant_name)
    if tenant is None:
        return []
    found: list[str] = []
    programs = partial(catalog.linked, tenant)
    for row in store.read("instances", (tenant, 0, 100_000), InstanceRow):
        rows = store.read("facts", (tenant, row.key, 0), FactRow)
        facts = [fact for each in rows for fact in codec.decode_facts(each.data)]
        definition = store.read("definition", (tenant, row.definition), DefinitionRow)[0]
        hash = first_hash(facts) if facts else definition.program
        form = canonical(programs(hash).program, facts, lambda each: programs(each).program)
        found.append(_ENCODE(form).decode())
    return sorted(found)


def on_embedded(path: Path) -> tuple[Result, list[str]]:
    """Runs a scenario on the embedded host, and what its instances did."""
    found: list[str] = []

    class Kept:
        """Engines of which the forms are taken before they go."""

        def __init__(self, calm: Calm) -> None:
            self.calm = calm
            self.tenant = ""

        def __getattr__(self, name: str) -> Any:
            return getattr(self.calm, name)

        def take_tenant(self, known: int) -> str:
            self.tenant = self.calm.take_tenant(known)
            return self.tenant

        def close(self) -> None:
            found.extend(forms(self.calm.store, self.tenant))
            self.calm.close()

    def engines(clock: Callable[[], int], zone: str) -> Engines:
        return cast("Engines", Kept(Calm(SQLiteStore(":memory:"), clock, zone)))

    return run_scenario(path, engines=engines), found


class Named(Engines, Protocol):
    """Engines of another host, which know the tenant that a scenario took."""

    tenant: str


def on_host(
    make: Callable[[Callable[[], int], str], Named], path: Path, *, restore: bool = False
) -> tuple[Result, list[str]]:
    """Runs a scenario on the engines that are made for a clock and a time zone, and what its instances did."""
    made: list[Named] = []

    def engines(clock: Callable[[], int], zone: str) -> Engines:
        made.append(make(clock, zone))
        return made[0]

    result = run_scenario(path, engines=engines, restore_every_step=restore)
    return result, forms(made[0].store, made[0].tenant) if made else []


def on_temporal(kit: Kit, path: Path) -> tuple[Result, list[str]]:
    """Runs a scenario as workflows, and what its instances did. On a kit that moves them, they do before each step."""
    return on_host(partial(OnTemporal, kit), path, restore=kit.moving)


def _as_it_is(form: str) -> str:
    return form


def agrees(
    path: Path,
    run: Callable[[], tuple[Result, list[str]]],
    said: str = "",
    of: Callable[[str], str] = _as_it_is,
) -> None:
    """A scenario passes on the embedded host and as `run` does it, and its instances did the same; `said` goes with
    what fails, and `of` gives what counts of a form."""
    expected, wanted = on_embedded(path)
    assert expected.passed, expected.error
    found, others = run()
    assert found.passed, f"{said}{found.error}"
    assert sorted(map(of, others)) == sorted(map(of, wanted)), said


def holds(kit: Kit, path: Path, said: str = "") -> None:
    """`agrees`, for workflows."""
    agrees(path, lambda: on_temporal(kit, path), said)


def id_of(path: Path) -> str:
    """What a test calls a scenario."""
    return str(path.relative_to(SCENARIOS)).removesuffix(".scenario.yaml")
