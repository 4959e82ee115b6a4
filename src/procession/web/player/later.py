"""Where somebody stops for now: until when they may come back, and a link to go on at another device."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from procession.base.failure import Conflict
from procession.forms import Fault
from procession.services.journeys.doors import hidden
from procession.services.journeys.players import Player
from procession.services.journeys.ports import NotSent, Over
from procession.web.asking import TheSite
from procession.web.player.answering import last, page, see_other
from procession.web.player.guards import (
    Asking,
    addresses_of,
    check_session,
    csrf_of,
    origin_of,
    player_of,
    token_of,
)
from procession.web.player.journey_pages import OPTIONS, Journey, Tenant, speak
from procession.web.player.pages.wording import say
from procession.web.player.posting import posted
from procession.web.player.showing import frame_of
from procession.web.player.shown import Shown
from procession.web.site import Site

WAYS: Final = ("email", "sms")


async def handed_over(site: Site, player: Player, by: str, to: str) -> str:
    """Sends a link and a code, counted against who asks too often. Gives to whom, most of it hidden. Raises `NotSent`,
    `Conflict` where there is no address, `Over`, `TooMany`."""
    await site.playing.count_message(player.id)
    base = site.playing.bounds.url.rstrip("/")
    if not base:
        raise NotSent("this server does not know its own address: set player.url")
    return await site.playing.doors.hand_over(player, by, to, base + addresses_of(player).root)


@get("/{tenant:str}/{journey:str}/later", opt=OPTIONS)
async def show_later(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """What is said to who stops here."""
    player = await player_of(request, site, tenant, journey)
    player = await speak(request, site, player, request.query_params.get("lang"))
    return page(await _later(request, site, player))


@post("/{tenant:str}/{journey:str}/later", status_code=200, opt=OPTIONS)
async def post_later(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """Sends a message. What comes is a page, not an address: nobody is to learn from one whom it was sent to."""
    await site.playing.count_stranger(origin_of(request), "handover")
    player = await player_of(request, site, tenant, journey)
    body = await posted(request)
    check_session(request, site, last(body, "csrf"))
    by = last(body, "by")
    if by not in WAYS:
        return see_other(addresses_of(player).of("later"))
    try:
        to = await handed_over(site, player, by, last(body, "to"))
    except NotSent:
        return page(await _later(request, site, player, text="later_unsent"), 503)
    except Over:
        return page(await _later(request, site, player, text="attempts"), 429)
    except Conflict:
        return page(await _later(request, site, player, wrong=by), 422)
    return page(await _later(request, site, player, text="later_sent", to=to))


async def _later(
    request: Asking, site: Site, player: Player, *, text: str = "", to: str = "", wrong: str = ""
) -> Shown:  # fmt: skip
    csrf, addresses, here = csrf_of(token_of(request)), addresses_of(player), addresses_of(player).of("later")
    frame = await site.backend.read(player.tenant, lambda reader: frame_of(reader, player, csrf, here))
    contact = await site.playing.doors.contact_of(player)
    ways = [way for way in WAYS if way in site.playing.doors.post.ways()] if site.playing.bounds.url else []
    if contact:
        ways = [way for way in ways if way == ("email" if "@" in contact else "sms")]
    until = dt.datetime.fromtimestamp(player.session.expires / 1000, dt.UTC).date().isoformat()
    params = {"until": until, "to": to, "ways": " ".join(ways), "contact": hidden(contact) if contact else ""}
    shown = frame.shown("later", {"action": here, "self": here, "home": addresses.home}, text=text)
    faults = [Fault(wrong, "later", say("later_bad", frame.language))] if wrong else []
    return msgspec.structs.replace(shown, params=params, faults=faults)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (show_later, post_later)
