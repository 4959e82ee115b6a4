"""Opening a store that is sealed for each tenant where there is a master key, and the engine of a server on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from procession.cli.console import Problem
from procession.cli.workers import register_workers
from procession.hosts.embedded.opening import open_named
from procession.runtime.ports import Store
from procession.services.tenancy.keys import sealed_by, service_by

if TYPE_CHECKING:
    from procession import Engine
    from procession.services.tenancy.deleting import Keys
    from procession.services.tenancy.limits import Limits
    from procession.web.settings import Settings


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


def engine_on(store: Store, settings: Settings, quotas: Limits) -> Engine:
    """An engine as the settings of a server want it, with their worker functions. `quotas` are of tenants whose own
    limits do not say any. Raises `Problem` for a function that is not there; the store is closed then."""
    from procession import Engine

    engine = Engine(store=store, zone=settings.store.zone)
    try:
        engine.pumps.limit(quotas)
        register_workers(engine, list(settings.workers.functions))
    except BaseException:
        engine.close()
        raise
    return engine
