"""Opening a store that is sealed for each tenant where there is a master key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from procession.cli.console import Problem
from procession.hosts.embedded.opening import open_named
from procession.runtime.ports import Store
from procession.services.tenancy.keys import sealed_by, service_by

if TYPE_CHECKING:
    from procession.services.tenancy.deleting import Keys


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
