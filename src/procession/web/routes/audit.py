"""The audit log of a tenant: who asked for what, from where. Nothing here changes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Final, TypeAlias, cast

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from procession.base.values import Json
from procession.services.access import Caller
from procession.services.audit import AuditEntry, AuditPage, Which
from procession.web.asking import TheCaller, TheSite
from procession.web.body import exactly
from procession.web.identity.times import moment_in
from procession.web.shapes import PAGE, PAGE_MAX, After, Limit, cursor_of, key_behind, moment
from procession.web.site import Site

NAME_MAX: Final = 600
Subject: TypeAlias = Annotated[
    str,
    QueryParameter(max_length=NAME_MAX, description="Only what this one asked for: `user:…`, `key:…`, `service:…`."),
]
What: TypeAlias = Annotated[str, QueryParameter(max_length=NAME_MAX, description="Only requests of this name.")]
Since: TypeAlias = Annotated[
    str | None, QueryParameter(max_length=40, description="Only from this time on (RFC 3339).")
]
Until: TypeAlias = Annotated[str | None, QueryParameter(max_length=40, description="Only before this time (RFC 3339).")]


class EntryOut(msgspec.Struct, rename={"origin": "from"}):
    """A request that changed something. `on` are those of its fields that the log may hold."""

    number: str
    at: str
    who: str
    origin: str
    what: str
    on: dict[str, Json]


class AuditOut(msgspec.Struct):
    """A page of the log, in the order in which things happened. One with a `next` may be short, or empty: it says how
    far was looked."""

    items: list[EntryOut]
    next: str | None


@get("/audit")
async def list_audit(
    caller: TheCaller,
    site: TheSite,
    *,
    subject: Subject = "",
    what: What = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = PAGE,
    after: After = None,
) -> AuditOut:
    """Who asked for what. Entries are in order, the oldest first."""
    caller.need_everywhere("audit:read")
    which = _which(subject, what, since, until)
    page = await _page(site, caller, which, key_behind(after), limit)
    following = cursor_of(page.next) if page.next is not None else None
    return AuditOut([_shown(each) for each in page.entries], following)


@get("/audit/export", media_type="application/x-ndjson")
async def export_audit(
    caller: TheCaller,
    site: TheSite,
    *,
    subject: Subject = "",
    what: What = "",
    since: Since = None,
    until: Until = None,
) -> Stream:
    """The log as NDJSON: a line an entry, the oldest first."""
    caller.need_everywhere("audit:read")
    lines = _lines(site, caller, _which(subject, what, since, until))
    return Stream(lines, media_type="application/x-ndjson")


async def _lines(site: Site, caller: Caller, which: Which) -> AsyncIterator[bytes]:
    after: int | None = 0
    while after is not None:
        page = await _page(site, caller, which, after, PAGE_MAX)
        if page.entries:
            yield b"".join(exactly(_shown(each)) + b"\n" for each in page.entries)
        after = page.next


async def _page(site: Site, caller: Caller, which: Which, after: int, limit: int) -> AuditPage:
    return await site.backend.read(
        caller.tenant, lambda reader: reader.audit.listed(caller.tenant, which, after, limit)
    )


def _which(subject: str, what: str, since: str | None, until: str | None) -> Which:
    return Which(subject, what, moment_in(since, "since"), moment_in(until, "until"))


def _shown(entry: AuditEntry) -> EntryOut:
    said = entry.said
    return EntryOut(str(entry.number), moment(entry.at), said.who, said.origin, said.what, said.on)


ROUTES: Final = cast("tuple[ControllerRouterHandler, ...]", (list_audit, export_audit))
