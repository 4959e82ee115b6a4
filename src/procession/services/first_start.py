"""The first start of a server: nobody is known yet, so it makes the key of its first admin. No transport."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from procession.base.failure import BadValue, Conflict
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import Grant
from procession.services.backend import PLATFORM, Backend, Who

FIRST_ID: Final = "first".rjust(keys.ID_LENGTH, "0")
"""The id of the first key: two processes that make it at once make the same, and one of them is refused."""
_WHO: Final = Who("service:procession")


async def ensure_admin(backend: Backend, given: str = "", now: Callable[[], float] = time.time) -> str | None:
    """Makes an admin key of the tenant `<platform>` while it has no key at all; the text to print, which nobody can
    ever read again. None where there is a key, or where another process has just made it.

    `given` is the text of a key to take instead of making one; then nothing is to be printed. Raises `BadValue` for a
    text that is no key of the platform. Who lost all keys deletes the records of the last ones, and starts anew."""
    if await backend.read(PLATFORM, lambda reader: reader.records.listed(PLATFORM, keys.KIND, limit=1)):
        return None
    key = _given(given) if given else keys.Key(PLATFORM, FIRST_ID, keys.new_secret())
    await backend.ask(q.AddTenant(PLATFORM), _WHO)
    kept = (keys.Secret(keys.digest_of(key.secret)),)
    body = keys.KeyBody("first admin", Grant(("admin",)), kept, int(now() * 1000), _WHO.subject)
    document: Json = msgspec.to_builtins(body)
    try:
        await backend.ask(q.PutRecord(PLATFORM, keys.KIND, key.id, document, version=0), _WHO)
    except Conflict:
        return None
    return None if given else keys.text_of(key)


def _given(text: str) -> keys.Key:
    key = keys.parsed(text)
    if key is None or key.tenant != PLATFORM:
        # The text is a secret, or was meant as one: it is not repeated.
        raise BadValue("the admin key that is set is no key of the platform: take one that a first start printed")
    return key
