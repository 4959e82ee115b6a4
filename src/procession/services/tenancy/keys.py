"""Opening what seals a store: the master keys or a key service, and where wrapped keys are kept. For who composes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from procession.base.failure import BadValue
from procession.runtime.ports import Store

if TYPE_CHECKING:
    from procession.store.keyring import KeyService, TenantKeys
    from procession.store.sealed import SealedStore

MASTER_FILE: Final = "PROCESSION_MASTER_KEYS"
"""The path of a file of master keys (store.master)."""
MASTER_KEY: Final = "PROCESSION_MASTER_KEY"
"""One master key, in Base64, where there is no file."""
KEYS_FOLDER: Final = "PROCESSION_TENANT_KEYS"
"""A folder for wrapped keys, so that copies of the store do not contain them; without it they are in the store."""


def sealed_by(store: Store, service: KeyService, folder: Path | None = None) -> tuple[SealedStore, TenantKeys]:
    """A store that seals for each tenant, and its keys. `folder`: where wrapped keys are, None for in the store."""
    from procession.store.key_rows import FolderKeys, StoreKeys
    from procession.store.keyring import TenantKeys
    from procession.store.sealed import SealedStore

    keys = TenantKeys(FolderKeys(folder) if folder is not None else StoreKeys(store), service)
    return SealedStore(store, keys), keys


def service_of(environment: Mapping[str, str]) -> KeyService | None:
    """The master keys that the environment names; None for none: then nothing is sealed.

    Raises `BadValue` for what is no key, and for both settings at once."""
    file, text = environment.get(MASTER_FILE, ""), environment.get(MASTER_KEY, "")
    if not file and not text:
        return None
    if file and text:
        raise BadValue(f"{MASTER_FILE} and {MASTER_KEY} are both set: unset one of them")
    from procession.store.master import master_from_file, master_from_text

    return master_from_file(Path(file)) if file else master_from_text(text)


def sealed_file(path: str, environment: Mapping[str, str]) -> tuple[SealedStore, TenantKeys] | None:
    """The store of a file, sealed as the environment says, and its keys; None where it names no master key.

    Raises `BadValue`, `StoreError`."""
    service = service_of(environment)
    if service is None:
        return None
    from procession.store.sqlite import SQLiteStore

    store = SQLiteStore(path)
    try:
        return sealed_by(store, service, folder_of(environment))
    except BaseException:
        store.close()
        raise


def folder_of(environment: Mapping[str, str]) -> Path | None:
    """Where the environment wants wrapped keys to be; None for in the store."""
    folder = environment.get(KEYS_FOLDER, "")
    return Path(folder) if folder else None
