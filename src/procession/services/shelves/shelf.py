"""The port of documents: what keeps their bytes, part by part. Contracts and data only.

A part is there whole or not at all, and may be written again: the rest of one that was not whole comes later.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple, Protocol

from procession.base.failure import BadValue

_PARTS: Final = re.compile(r"[a-z]{3}_[0-9a-f]{1,32}\.[0-9a-f]{1,16}", re.ASCII)
_OTHERS: Final = re.compile(r"[^a-z0-9]+")


class Whose(NamedTuple):
    """A tenant, and its number in its store."""

    tenant: str
    number: int


class Shelf(Protocol):
    """Keeps parts of documents under a name (`parts`) of one tenant. Raises `StoreError` when it cannot be used now."""

    async def put(self, whose: Whose, parts: str, number: int, data: bytes, /) -> None:
        """Keeps a part durably, in the place of what was there."""
        ...

    async def get(self, whose: Whose, parts: str, number: int, /) -> bytes:
        """A part. Raises `Unreadable` for one that is not there, or not as it was put."""
        ...

    async def drop(self, whose: Whose, parts: str, /) -> None:
        """Forgets all parts of a name. Idempotent."""
        ...

    async def drop_tenant(self, whose: Whose, /) -> None:
        """Forgets everything of a tenant. Idempotent."""
        ...

    async def trouble(self) -> str:
        """Why it cannot be used now, as a sentence without names of anything; "" if it can."""
        ...


def folder_of(tenant: str) -> str:
    """What a tenant is called where names are paths: readable as far as that goes, and nobody else's."""
    readable = _OTHERS.sub("-", tenant.lower()).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(tenant.encode()).hexdigest()[:24]}"


def checked(parts: str) -> str:
    """The name of parts, if it can be a path. Raises `BadValue`."""
    if not _PARTS.fullmatch(parts):
        raise BadValue(f"{parts!r:.80} is no name of parts of a document")
    return parts
