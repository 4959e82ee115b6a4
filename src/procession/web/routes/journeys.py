"""Journeys from the outside: starting one for somebody, links to one, and how its pages look."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, TypeAlias, cast, final

import msgspec
from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, Conflict, NotFound
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.journeys.funnel_report import Numbers, counts_of
from procession.services.journeys.kept import BRAND, LINK, Brand, Link, body_of, place_of
from procession.services.journeys.rules import Rules, rules_of
from procession.services.reading import Reader
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, seen, who
from procession.web.identity.times import moment_in
from procession.web.openapi import EXAMPLE
from procession.web.player.addresses import Addresses
from procession.web.player.pages.theme import theme_problems
from procession.web.player.showing import brand_shown
from procession.web.playing import now_ms
from procession.web.shapes import (
    PAGE,
    After,
    Key,
    Limit,
    Moment,
    Text,
    VariablesBody,
    cut,
    id_behind,
    key_of,
    moment,
    variables_in,
)
from procession.web.site import Site

Party: TypeAlias = Annotated[str, msgspec.Meta(max_length=255)]
Uses: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1_000)]
LinkId: TypeAlias = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{64}$(?!\n)", description="The id of a link.")]
_DAY_MAX: Final = 1 << 30
_BRAND: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$(?!\n)"
BrandId: TypeAlias = Annotated[str, PathParameter(pattern=_BRAND, description="What `journey.brand` says.")]
ContactText: TypeAlias = Annotated[str, msgspec.Meta(max_length=320)]


@final
class LinkIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A link to make: to a process, of which it starts a journey with `variables` when it is opened first, or to an
    `instance`. Who opens it plays `party`. `uses` 0 is no bound; `expires` null is as long as the journey may take."""

    process_id: Text | None = None
    instance: Key | None = None
    party: Party = ""
    variables: VariablesBody = {}
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    uses: Uses = 1
    expires: str | None = None
    contact: ContactText = ""
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""


@final
class BrandIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A brand, under the id that processes say (`journey.brand`)."""

    id: Annotated[str, msgspec.Meta(pattern=_BRAND)]
    brand: Brand


@final
class JourneyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A journey to start now, and the link to it."""

    process_id: Text
    party: Party = ""
    variables: VariablesBody = {}
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    uses: Uses = 1
    expires: str | None = None
    contact: ContactText = ""


@final
class LinkOut(msgspec.Struct, frozen=True):
    """A link, without its token. `identify` is how who opens it has to show who they are."""

    id: str
    process_id: str
    journey: str | None
    party: str
    language: str
    uses: int
    used: int
    identify: str
    name: str
    creator: str
    created: Moment
    expires: Moment


@final
class NewLinkOut(msgspec.Struct, frozen=True):
    """A link and its address, which is shown this once."""

    link: LinkOut
    url: str


@final
class JourneyOut(msgspec.Struct, frozen=True):
    """A journey that was started: its id, its instance, and the link to it."""

    journey: str
    instance: Key
    link: LinkOut
    url: str


@final
class LinksOut(msgspec.Struct, frozen=True):
    """A page of links, by id."""

    items: list[LinkOut]
    next: str | None


@final
class FunnelOut(msgspec.Struct, frozen=True):
    """How journeys of a process went: `total` of all, and each variant by itself. `version` null: of all versions."""

    process_id: str
    version: int | None
    total: Numbers
    variants: list[Numbers]


@post("/journeys", status_code=201, opt={EXAMPLE: {"process_id": "claim", "party": "customer"}})
async def start_journey(
    data: JSONBody[JourneyIn],
    request: Request[object, object, State],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> JourneyOut:
    """Starts a journey at once, and makes a link to it. The process has to say `journey.start` with `api`.

    Asked again with the same `Idempotency-Key`, it is the same journey, with another link."""
    return await start_for(
        request, site, caller, data, f"{caller.subject}\0{idempotency_key}" if idempotency_key else ""
    )


async def start_for(
    request: Request[Any, Any, State], site: Site, caller: Caller, data: JourneyIn, again: str = ""
) -> JourneyOut:  # fmt: skip
    """Starts a journey for a caller, and makes the link to it; the same journey for the same `again`."""
    caller.need("journeys:write", data.process_id)
    rules = await _rules(site, caller, data.process_id, "api")
    asks = who(caller, None, q.AddTenant(caller.tenant))
    started = await site.playing.doors.start(
        caller.tenant, data.process_id, variables_in(data.variables), asks, again
    )  # fmt: skip
    fields = LinkIn(
        party=data.party, language=data.language, uses=data.uses, expires=data.expires, contact=data.contact
    )
    link = _link(fields, caller, rules, data.process_id)
    link = msgspec.structs.replace(link, journey=started.journey, expires=min(link.expires, started.expires))
    made = await _made(request, site, caller, link)
    return JourneyOut(started.journey, str(started.instance), made.link, made.url)


@post("/journeys/links", status_code=201, opt={EXAMPLE: {"process_id": "claim", "party": "customer"}})
async def add_link(
    data: JSONBody[LinkIn], request: Request[object, object, State], caller: TheCaller, site: TheSite
) -> NewLinkOut:
    """Makes a link. To a process it has to say `journey.start` with `personal`; to an instance it needs any start."""
    caller.need("journeys:write", data.process_id or "")
    if (data.process_id is None) == (data.instance is None):
        raise BadValue("name a process_id or an instance")
    variables_in(data.variables)
    if data.process_id is not None:
        rules = await _rules(site, caller, data.process_id, "personal")
        return await _made(request, site, caller, _link(data, caller, rules, data.process_id))
    number = key_of(data.instance or "", "instance")

    def asked(reader: Reader) -> tuple[str, Rules]:
        view = seen(reader, caller, number, "journeys:write")
        row = reader.deployed.version(caller.tenant, view.process_id, view.version)
        return view.process_id, rules_of(reader, caller.tenant, row)

    process_id, rules = await site.backend.read(caller.tenant, asked)
    if not rules.start:
        raise Conflict(f"process {process_id!r:.80} is no journey: it has no property journey.start")
    if data.variables:
        raise BadValue("variables are for a journey that the link starts: change those of the instance")
    asks = who(caller, None, q.AddTenant(caller.tenant))
    started = await site.playing.doors.journey_of(caller.tenant, number, asks)
    link = _link(data, caller, rules, process_id)
    link = msgspec.structs.replace(link, journey=started.journey, expires=min(link.expires, started.expires))
    return await _made(request, site, caller, link)


@get("/journeys/links")
async def list_links(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> LinksOut:
    """Links to journeys, by id."""
    caller.need_everywhere("journeys:read")
    behind = id_behind(after)

    def asked(reader: Reader) -> LinksOut:
        rows = reader.records.listed(caller.tenant, LINK, behind, limit + 1)
        found, following = cut(rows, limit, lambda row: (row.id,))
        return LinksOut([_shown(row.id, row.read(Link)) for row in found], following)

    return await site.backend.read(caller.tenant, asked)


@delete("/journeys/links/{id:str}")
async def delete_link(id: LinkId, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Revokes a link. Sessions that it opened go on."""
    caller.need("journeys:write")
    request = q.DeleteRecord(caller.tenant, LINK, id)
    found = await site.backend.read(caller.tenant, lambda reader: reader.records.find(caller.tenant, LINK, id))
    if found is not None and not caller.may("journeys:write", found.read(Link).process_id):
        raise NotFound(f"no link {id!r:.80}")
    await site.backend.ask(request, who(caller, idempotency_key, request))


@get("/journeys/funnel")
async def get_funnel(
    caller: TheCaller,
    site: TheSite,
    *,
    process_id: Annotated[str, QueryParameter(max_length=255, description="The process that journeys are of.")],
    version: Annotated[int, QueryParameter(ge=0, le=1 << 30, description="Its version; 0 for all.")] = 0,
    since: Annotated[date | None, QueryParameter(name="from", description="From this day on (UTC).")] = None,
    until: Annotated[date | None, QueryParameter(name="to", description="Until this day, it too (UTC).")] = None,
) -> FunnelOut:
    """How journeys of a process went, in numbers: pages, times, faults, drop-off, by variant. Nothing in it is of a
    person. The newest counts come some seconds late."""
    caller.need("journeys:read", process_id)
    days = (_day(since) if since else 0, _day(until) if until else _DAY_MAX)

    def asked(reader: Reader) -> list[Numbers]:
        return counts_of(reader, caller.tenant, process_id, version, days)

    total, *variants = await site.backend.read(caller.tenant, asked)
    return FunnelOut(process_id, version or None, total, variants)


def _day(of: date) -> int:
    return (of - date(1970, 1, 1)).days


@post("/journeys/brands", status_code=204, opt={EXAMPLE: {"id": "acme", "brand": {"name": "ACME"}}})
async def set_brand(
    data: JSONBody[BrandIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> None:
    """Sets how pages look whose process says `journey.brand` with this id. Refused where colours that meet have too
    little contrast, or a value is none."""
    caller.need_everywhere("journeys:write")
    if problems := theme_problems(brand_shown(data.brand)):
        raise BadValue("this brand cannot be used: " + "; ".join(problems))
    request = q.PutRecord(caller.tenant, BRAND, data.id, body_of(data.brand))
    await site.backend.ask(request, who(caller, idempotency_key, request))


@get("/journeys/brands/{id:str}")
async def get_brand(id: BrandId, caller: TheCaller, site: TheSite) -> Brand:
    """How pages of a brand look."""
    caller.need_everywhere("journeys:read")
    found: Record = await site.backend.read(
        caller.tenant, lambda reader: reader.records.one(caller.tenant, BRAND, id)
    )  # fmt: skip
    return found.read(Brand)


async def _rules(site: Site, caller: Caller, process_id: str, way: str) -> Rules:
    rules = await site.playing.doors.rules(caller.tenant, process_id)
    if way not in rules.start:
        raise Conflict(f"process {process_id!r:.80} is not started so: its property journey.start has no {way!r}")
    return rules


def _link(data: LinkIn, caller: Caller, rules: Rules, process_id: str) -> Link:
    now = now_ms()
    expires = moment_in(data.expires, "expires") or now + rules.expires_ms
    if expires <= now:
        raise BadValue("'expires' is over already")
    return Link(
        process_id,
        now,
        caller.subject,
        min(expires, now + rules.expires_ms),
        party=data.party or rules.party,
        language=data.language,
        variables=dict(data.variables),
        uses=data.uses,
        proof=rules.identify,
        contact=data.contact,
        name=data.name,
    )


async def _made(request: Request[Any, Any, State], site: Site, caller: Caller, link: Link) -> NewLinkOut:
    said = q.PutRecord(caller.tenant, LINK, "", None)
    token = await site.playing.doors.make_link(caller.tenant, link, who(caller, None, said))
    # Where the settings do not say, it is where this caller, who is known, reached the server.
    base = site.playing.bounds.url or str(request.base_url).rstrip("/")
    return NewLinkOut(_shown(place_of(token), link), base + Addresses(caller.tenant).link(token))


def _shown(id: str, link: Link) -> LinkOut:
    return LinkOut(
        id, link.process_id, link.journey or None, link.party, link.language, link.uses, link.used,
        link.proof or "none", link.name, link.creator, moment(link.created), moment(link.expires),
    )  # fmt: skip


ROUTES: Final = cast(
    "tuple[ControllerRouterHandler, ...]",
    (start_journey, add_link, list_links, delete_link, get_funnel, set_brand, get_brand),
)
