"""Opening a store that is sealed for each tenant where there is a master key, and the engine of a server on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from procession.cli.console import Problem
from procession.cli.workers import register_workers
from procession.hosts.embedded.opening import open_named
from procession.hosts.embedded.scripting import ScriptCrew
from procession.runtime.ports import Store
from procession.scripts.pool import Options
from procession.scripts.ports import Limits as ScriptLimits
from procession.services.tenancy.keys import sealed_by, service_by

if TYPE_CHECKING:
    from procession import Engine
    from procession.runtime.elsewhere import Host
    from procession.services.tenancy.deleting import Keys
    from procession.services.tenancy.limits import Limits
    from procession.web.settings import Scripts, Settings, Temporal


def open_sealed(
    url: str,
    password: str = "",
    *,
    shards: int = 0,
    reader_url: str = "",
    reader_password: str = "",
    master_keys: str = "",
    master_key: str = "",
    tenant_keys: str = "",
) -> tuple[Store, Keys | None]:
    """The store at a path or a URL, and the keys of its tenants. `master_keys` is a file, `master_key` one key in
    Base64, `tenant_keys` a folder; without a master key nothing is sealed, and there are no keys.

    Raises `Problem`, `BadValue` for what is no key, `StoreError`."""
    try:
        service = service_by(master_keys, master_key)
    except ModuleNotFoundError as error:
        raise Problem(f"sealing needs {error.name}", "pip install 'procession[server]'") from None
    store = open_named(url, password, shards=shards, reader_url=reader_url, reader_password=reader_password)
    if service is None:
        return store, None
    try:
        return sealed_by(store, service, Path(tenant_keys) if tenant_keys else None)
    except BaseException:
        store.close()
        raise


def script_crew(wanted: Scripts) -> ScriptCrew:
    """Who does scripts, as the settings say. Raises `Problem` for a runtime that is not installed."""
    if wanted.runtime == "off":
        return ScriptCrew(False)
    limits = ScriptLimits(seconds=wanted.seconds, wall=wanted.wall_seconds, memory=wanted.memory_mb * 1024 * 1024)
    if wanted.runtime == "trusted":
        try:
            from procession.scripts.trusted import Trusted
        except ModuleNotFoundError:
            raise Problem("scripts need the extra `js`", "pip install 'procession[js]'") from None
        return ScriptCrew(Trusted(), limits=limits, jobs=wanted.threads)
    given = Options()
    cages = replace(
        given, cages=wanted.processes or given.cages, per_group=wanted.processes_per_tenant or given.per_group
    )
    return ScriptCrew(True, limits=limits, cages=cages, jobs=wanted.threads)


def threads_of(settings: Settings, engine: Engine, *, tasks: bool = False) -> int:
    """Threads that do jobs: those of functions, and those of scripts."""
    functions = settings.workers.threads if settings.workers.functions or tasks else 0
    return functions + (settings.scripts.threads if engine.scripts.runs else 0)


def host_of(wanted: Temporal) -> Host | None:
    """Who else runs instances, as the settings say; None for nobody. Raises `Problem` where the extra is missing."""
    if not wanted.is_set:
        return None
    try:
        from procession.hosts.temporal.host import Temporal as TemporalHost
    except ModuleNotFoundError as error:
        raise Problem(f"instances on Temporal need {error.name}", "pip install 'procession[temporal]'") from None
    in_cell = bool(wanted.cell)
    return TemporalHost(
        wanted.address,
        cell=Path(wanted.cell) if in_cell else None,
        namespace="" if in_cell else wanted.namespace,
        queue="" if in_cell else wanted.queue,
        processes=wanted.processes,
        external=wanted.external,
        work=wanted.work,
    )


def engine_on(store: Store, settings: Settings, quotas: Limits, *, shared: bool = False) -> Engine:
    """An engine as the settings of a server want it, with their worker functions. `quotas` are of tenants whose own
    limits do not say any; a `shared` one has the other host that the settings name. Raises `Problem` for a function
    that is not there; the store is closed then."""
    from procession import Engine

    try:
        scripts = script_crew(settings.scripts)
        host = host_of(settings.temporal) if shared else None
    except BaseException:
        store.close()
        raise
    engine = Engine(store=store, zone=settings.store.zone, scripts=scripts, host=host)
    try:
        engine.pumps.limit(quotas)
        register_workers(engine, list(settings.workers.functions))
    except BaseException:
        engine.close()
        raise
    return engine
