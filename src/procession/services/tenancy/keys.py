"""Opening what seals a store: the master keys or a key service, and where wrapped keys are kept. For who composes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from procession.base.failure import BadValue
from procession.runtime.ports import Store

if TYPE_CHECKING:
    from procession.store.keyring import KeyService, TenantKeys
    from procession.store.sealed import SealedStore


def sealed_by(store: Store, service: KeyService, folder: Path | None = None) -> tuple[SealedStore, TenantKeys]:
    """A store that seals for each tenant, and its keys. `folder`: where wrapped keys are, None for in the store."""
    from procession.store.key_rows import FolderKeys, StoreKeys
    from procession.store.keyring import TenantKeys
    from procession.store.sealed import SealedStore

    keys = TenantKeys(FolderKeys(folder) if folder is not None else StoreKeys(store), service)
    return SealedStore(store, keys), keys


def service_by(file: str, text: str) -> KeyService | None:
    """The master keys of a file, or the one that a text is (Base64); None for neither: then nothing is sealed.

    Raises `BadValue` for what is no key, and for both at once."""
    if not file and not text:
        return None
    if file and text:
        raise BadValue("a file of master keys and a master key are both set: unset one of them")
    from procession.store.master import master_from_file, master_from_text

    return master_from_file(Path(file)) if file else master_from_text(text)
