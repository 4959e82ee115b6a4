"""The gate of a server: tells who asks by what they present, an API key or a token of an identity provider.

Whatever fails looks the same from outside, and takes as long: neither tells which tenants and keys there are. What must
not live here: what a caller may do, which is `services.access`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec
from litestar.datastructures import Headers

from procession.base.failure import BadValue, NotFound, ProcessionError
from procession.runtime import requests as q
from procession.runtime.tenants import DEFAULT_TENANT
from procession.services import keys
from procession.services.access import ROLES, Caller, Expired, Forbidden, Grant, Unauthorized, away, granted, narrowed
from procession.services.backend import PLATFORM, Backend, Who
from procession.services.keys import Key, KeyBody
from procession.services.members import MEMBER, SERVICE, MemberBody, ServiceBody, member_id
from procession.services.reading import Reader
from procession.services.records import Record
from procession.web.identity.attempts import Attempts
from procession.web.identity.jwks import BAD
from procession.web.identity.known import KEPT_S, Known, place_of
from procession.web.identity.oidc import TOKEN_MAX, Identity, Tokens

_LOG: Final = logging.getLogger("procession.web.access")

NAME_MAX: Final = 255
FAILED_AFTER_S: Final = 0.05
"""What fails is answered no sooner: how long it was looked for is not to be seen."""
SEEN_EVERY_MS: Final = 60_000
"""How coarse the time is at which a key was used last."""
SEEN_KEYS_MAX: Final = 10_000
NOT_A_MEMBER: Final = "you do not belong to this tenant: Procession-Tenant names one"
NOBODY: Final = "say who you are: Authorization: Bearer, with an API key or a token"


@final
class KnownGate:
    """See `web.site.Gate`. Belongs to one event loop. `tokens` None: no identity provider is set.

    `now` is the time in Unix seconds, `ticks` a clock in seconds that never goes back."""

    __slots__ = ("_attempts", "_backend", "_failed_after_s", "_known", "_noting", "_now", "_seen", "_ticks", "_tokens")

    def __init__(
        self,
        backend: Backend,
        tokens: Tokens | None = None,
        *,
        now: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        failed_after_s: float = FAILED_AFTER_S,
    ) -> None:
        self._backend = backend
        self._tokens = tokens
        self._now = now
        self._ticks = ticks
        self._failed_after_s = failed_after_s
        self._known = Known(ticks)
        self._attempts = Attempts(ticks)
        self._seen: dict[tuple[str, str], int] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`. Raises `TooMany` for an address that failed too often, `Unavailable` while a token cannot
        be checked."""
        token = _bearer(headers)
        tenant = _single(headers, "procession-tenant") or ""
        if len(tenant) > NAME_MAX or not tenant.isprintable():
            raise BadValue("Procession-Tenant is no name of a tenant")
        place = place_of(token, tenant)
        found = self._known.find(place)
        if found is None:
            self._attempts.admit(origin)
            found = await self._looked_for(token, tenant, place, origin)
        return msgspec.structs.replace(found, origin=origin)

    def forget(self) -> None:
        """See `Gate.forget`."""
        self._known.forget()

    async def settle(self) -> None:
        """Waits until it is written down which keys were used."""
        await asyncio.gather(*self._noting)

    async def _looked_for(self, token: str, tenant: str, place: bytes, origin: str) -> Caller:
        began, changes = self._ticks(), self._known.changes
        try:
            if token.startswith(f"{keys.PREFIX}_"):
                caller, until = await self._of_key(token, tenant)
            else:
                caller, until = await self._of_token(token, tenant)
        except (Unauthorized, Forbidden) as error:
            if isinstance(error, Unauthorized) and not isinstance(error, Expired):
                self._attempts.fail(origin)
            await asyncio.sleep(max(0.0, began + self._failed_after_s - self._ticks()))
            raise
        self._known.keep(place, caller, changes, KEPT_S if until is None else until - self._now())
        return caller

    # --- API keys

    async def _of_key(self, text: str, tenant: str) -> tuple[Caller, float | None]:
        key = keys.parsed(text)
        if key is None:
            raise Unauthorized(BAD)
        record, service = await self._backend.read(key.tenant, lambda reader: _read_key(reader, key))
        body = record.read(KeyBody) if record is not None else None
        now_ms = int(self._now() * 1000)
        if not keys.holds(body, key.secret, now_ms) or body is None:
            raise Unauthorized(BAD)
        if body.expires and now_ms >= body.expires:
            raise Expired("the key is over: take a new one")
        subject = f"service:{body.service}/{key.id}" if body.service else f"key:{key.id}"
        caller = granted(Caller(key.tenant, subject), [body.grant])
        if body.service:
            if service is None or service.disabled:
                raise Unauthorized(BAD)
            caller = narrowed(granted(caller, [service.grant]), body.grant)
        self._note_use(key, caller.subject, now_ms)
        until = min([time for time in (body.expires, *(each.until for each in body.secrets)) if time], default=0)
        return await self._entered(caller, tenant), until / 1000 if until > now_ms else None

    def _note_use(self, key: Key, subject: str, now_ms: int) -> None:
        """Writes down that a key is used: behind the request, and not at each."""
        place = (key.tenant, key.id)
        if now_ms - self._seen.get(place, 0) < SEEN_EVERY_MS:
            return
        if len(self._seen) >= SEEN_KEYS_MAX:
            self._seen.clear()
        self._seen[place] = now_ms
        task = asyncio.get_running_loop().create_task(self._noted(key, subject, now_ms))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _noted(self, key: Key, subject: str, now_ms: int) -> None:
        try:
            number, record = await self._backend.read(key.tenant, lambda reader: _read_use(reader, key))
            if record is None:
                request = q.PutRecord(key.tenant, keys.USED, key.id, {}, version=0)
                await self._backend.ask(request, Who(subject))
            else:
                row = (now_ms, number, keys.USED, key.id, now_ms - SEEN_EVERY_MS)
                await self._backend.write(key.tenant, "record_seen", [row])
        except ProcessionError as error:
            _LOG.warning("when a key was used could not be written down: %s", error)

    # --- tokens

    async def _of_token(self, token: str, tenant: str) -> tuple[Caller, float | None]:
        if self._tokens is None:
            raise Unauthorized(BAD)
        identity = await self._tokens.identity(token)
        subject = f"user:{identity.provider.alias}|{identity.sub}"
        wanted = tenant or _usual(identity)
        # A user who tries the names of tenants is stopped as one who tries keys is, wherever they come from.
        self._attempts.admit(subject)
        caller = await self._member(identity, wanted)
        if caller is None and wanted != PLATFORM and tenant:
            platform = await self._member(identity, PLATFORM)
            if platform is not None:
                return await self._entered(platform, wanted), identity.until
        if caller is None:
            self._attempts.fail(subject)
            raise Forbidden(NOT_A_MEMBER)
        return caller, identity.until

    async def _member(self, identity: Identity, tenant: str) -> Caller | None:
        """The user as a member of a tenant; None for one that they do not belong to."""
        if identity.tenants is not None and tenant not in identity.tenants:
            return None
        alias = identity.provider.alias
        subject = f"user:{alias}|{identity.sub}"
        subjects = [subject, *(f"group:{alias}|{group}" for group in identity.groups)]
        members = await self._backend.read(tenant, lambda reader: _read_members(reader, tenant, subjects))
        grants: list[Grant] = [
            each.grant for each in identity.provider.grants if each.tenant == tenant and each.group in identity.groups
        ]
        grants += [member.grant for member in members]
        if identity.tenants is not None and any(role in ROLES for role in identity.roles):
            grants.append(Grant(tuple(role for role in identity.roles if role in ROLES)))
        if not grants:
            return None
        own = next((member for member in members if member.subject == subject), None)
        user = own.user if own is not None and own.user else identity.user
        groups = dict.fromkeys((*identity.groups, *(group for member in members for group in member.groups)))
        return granted(Caller(tenant, subject, user=user, groups=tuple(groups)), grants)

    # --- tenants

    async def _entered(self, caller: Caller, tenant: str) -> Caller:
        """The caller in the tenant that they name: their own, or any that is there for who may enter them all."""
        if not tenant or tenant == caller.tenant:
            return caller
        if not caller.may("tenants:enter"):
            raise Forbidden(NOT_A_MEMBER)
        if await self._backend.read(tenant, lambda reader: reader.views.tenant(tenant)) is None:
            raise NotFound(f"no tenant {tenant!r:.80}")
        there = Caller(tenant, away(caller.subject), user=caller.user, groups=caller.groups)
        return granted(there, [Grant(("admin",))])


def _bearer(headers: Mapping[str, str]) -> str:
    given = _single(headers, "authorization")
    if given is None:
        raise Unauthorized(NOBODY)
    scheme, _, token = given.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_MAX or not token.isascii():
        raise Unauthorized(BAD)
    return token


def _single(headers: Mapping[str, str], name: str) -> str | None:
    """A header that may stand there once: of two, somebody before this server may have believed the other one."""
    if isinstance(headers, Headers) and len(headers.getall(name, [])) > 1:
        raise BadValue(f"the header {name} stands there twice")
    return headers.get(name)


def _usual(identity: Identity) -> str:
    """The tenant of a user who names none: the one that they can only mean."""
    named = identity.tenants
    if named is None:
        grants = identity.provider.grants
        named = tuple(dict.fromkeys(each.tenant for each in grants if each.group in identity.groups))
    return named[0] if len(named) == 1 else DEFAULT_TENANT


def _read_key(reader: Reader, key: Key) -> tuple[Record | None, ServiceBody | None]:
    record = reader.records.find(key.tenant, keys.KIND, key.id)
    name = record.read(KeyBody).service if record is not None else ""
    service = reader.records.find(key.tenant, SERVICE, name) if name else None
    return record, service.read(ServiceBody) if service is not None else None


def _read_use(reader: Reader, key: Key) -> tuple[int, Record | None]:
    number = reader.views.tenant_number(key.tenant)
    return number, reader.records.find(key.tenant, keys.USED, key.id)


def _read_members(reader: Reader, tenant: str, subjects: list[str]) -> list[MemberBody]:
    found = [reader.records.find(tenant, MEMBER, member_id(subject)) for subject in subjects]
    return [record.read(MemberBody) for record in found if record is not None]
