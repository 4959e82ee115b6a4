"""The entrances of journeys as pages: a public start, a link, and the code that proves who opens one."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.types import ControllerRouterHandler

from procession.forms import judge
from procession.services.journeys.doors import Opened
from procession.services.journeys.drafts import Write
from procession.services.journeys.kept import CODE, Session, place_of
from procession.services.journeys.players import Player
from procession.services.journeys.ports import NotSent, Over
from procession.services.reading import Reader
from procession.web.asking import TheSite
from procession.web.player import pages
from procession.web.player.addresses import Addresses, tenant_in
from procession.web.player.answering import last, page, see_other
from procession.web.player.begin import Beginning, begin, beginning
from procession.web.player.counting import count_start_shown, count_start_step
from procession.web.player.guards import (
    Asking,
    addresses_of,
    check_session,
    check_write,
    csrf_of,
    origin_of,
    player_of,
    session_cookie,
    stranger,
    token_of,
    visit_cookie,
    visit_of,
)
from procession.web.player.journey_pages import OPTIONS, Journey, PagePath, Tenant
from procession.web.player.posting import posted
from procession.web.player.showing import Frame, Turn, accepted, form_shown, frame_of, page_at
from procession.web.player.shown import Shown
from procession.web.playing import now_ms
from procession.web.site import Site

DRAFT_MS: Final = 86_400_000
"""How long the answers of a start are kept that was not sent."""


@get("/{tenant:str}/start/{process_id:str}", opt=OPTIONS)
async def show_start(request: Asking, site: TheSite, tenant: Tenant, process_id: PagePath) -> Response[str]:
    """The start of a process that everybody may start: its form, or a button."""
    await site.playing.count_session(origin_of(request))
    visit, new = visit_of(request)
    start = await _beginning(request, site, (tenant, process_id), visit)
    addresses = Addresses(start.tenant)
    cookies = [visit_cookie(request, site, addresses, visit)] if new else None
    saved = "saved" in request.query_params
    shown = _shown(start, request.query_params.get("page"), Turn(saved=saved))
    count_start_shown(site, start, shown)
    return page(shown, cookies=cookies)


@post("/{tenant:str}/start/{process_id:str}", status_code=200, opt=OPTIONS)
async def post_start(request: Asking, site: TheSite, tenant: Tenant, process_id: PagePath) -> Response[str]:
    """What was answered before the start; with the last page it starts, once for one visit."""
    await site.playing.count_stranger(origin_of(request))
    visit, new = visit_of(request)
    body = await posted(request)
    check_write(request, site, "" if new else visit, last(body, "csrf"))
    start = await _beginning(request, site, (tenant, process_id), visit, last(body, "lang"))
    addresses, at = Addresses(start.tenant), request.query_params.get("page") or ""
    sets: dict[str, Any] = {}
    if start.filling is not None:
        moved, sets = await _answered(site, request, start, at, body)
        if moved is not None:
            return moved
    # Once more with the same token it is the same journey: a form that is posted twice starts one.
    begun = await begin(site, start, sets, f"visit:{visit}:{process_id}", stranger(request))
    if begun.opened is None:
        assert begun.view is not None, "what is refused was seen"
        visible = [each.id for each in begun.view.pages if each.visible]
        setting = site.playing.play.setting(start.frame.language)
        wrong = next((each for each in visible if judge(begun.view, setting, each)), visible[-1] if visible else "")
        faults = judge(begun.view, setting, wrong) or list(begun.faults)
        count_start_step(site, start, wrong, "submit", (begun.view, faults))
        return page(_shown(start, wrong, Turn(seen=begun.view, faults=faults)), 422)
    count_start_step(site, start, "", "submit")
    journey = Addresses(start.tenant, begun.opened.session.journey)
    cookies = [
        session_cookie(request, site, journey, begun.opened.token, begun.opened.session),
        visit_cookie(request, site, addresses, ""),
    ]
    return await _opened(request, site, begun.opened, journey, cookies)


async def _first(site: Site, tenant: str, session: Session, addresses: Addresses) -> str:
    """The first address of a journey that has just begun: the process may work for a moment before its first page."""
    await site.playing.play.following(Player(tenant, "", session))
    return addresses.home


async def _answered(
    site: Site, request: Asking, start: Beginning, at: str, body: Any
) -> tuple[Response[str] | None, dict[str, Any]]:
    """Writes what was answered at a page of a start; the answer, or None when it is to be started."""
    filling = start.filling
    assert filling is not None, "there is a form"
    action = last(body, "action", "submit")
    here = filling.view().page(page_at(filling.view(), at))
    sets = pages.form_values(here, body) if here is not None else {}
    of = (start.tenant, start.draft, now_ms() + DRAFT_MS)
    id = here.id if here is not None else ""
    draft, _ = await site.playing.play.write_draft(of, filling, Write(sets), stranger(request), page=id)
    filling = msgspec.structs.replace(filling, draft=draft)
    whole, faults, _ = await site.playing.play.judged(filling, id, sets, start.draft)
    start = msgspec.structs.replace(start, filling=filling)
    refused = action == "next" and bool(faults)
    if refused or action in {"next", "back", "save"}:
        count_start_step(site, start, id, action, (whole, faults) if refused else None)
    if refused:
        return page(_shown(start, id, Turn(seen=whole, faults=faults)), 422), sets
    beside = whole.beside(id, {"next": 1, "back": -1}.get(action, 0)) if action in {"next", "back"} else None
    addresses = Addresses(start.tenant)
    if beside is not None:
        return see_other(addresses.start(start.process_id, beside.id)), sets
    if action in {"next", "submit", "go"}:
        return None, sets
    return see_other(addresses.start(start.process_id, id or None)), sets


async def _beginning(
    request: Asking, site: Site, of: tuple[str, str], visit: str, language: str = ""
) -> Beginning:  # fmt: skip
    tenant, process_id = tenant_in(of[0]), of[1]
    language = request.query_params.get("lang") or language
    wanted = (language[:35], request.headers.get("accept-language", ""), request.url.path)
    return await beginning(site, (tenant, process_id), visit, csrf_of(visit), wanted)


def _shown(start: Beginning, at: str | None, turn: Turn) -> Shown:
    addresses = Addresses(start.tenant)
    if start.filling is None:
        action = addresses.start(start.process_id)
        return start.frame.shown("begin", {"action": action, "self": action})
    return form_shown(start.frame, start.filling, lambda id: addresses.start(start.process_id, id or None), at, turn)


@get("/{tenant:str}/l/{token:str}", opt=OPTIONS)
async def show_link(request: Asking, site: TheSite, tenant: Tenant, token: PagePath) -> Response[str]:
    """What a link opens. Programs that look at links before people do use nothing up."""
    await site.playing.count_session(origin_of(request))
    name = tenant_in(tenant)
    addresses = Addresses(name)
    try:
        link = await site.playing.doors.link(name, token[:100])
    except Over as over:
        if not over.journey:
            raise
        # Who opened it before, in this very browser, goes on; anybody else is told that it was used.
        return see_other(f"{Addresses(name, over.journey).home}?used")
    visit, new = visit_of(request)
    language = link.language or await _language(request, site, name, link.process_id)
    action = addresses.link(token)
    shown = Frame(language=language, csrf=csrf_of(visit), here=action).shown("open", {"action": action, "self": action})
    return page(shown, cookies=[visit_cookie(request, site, addresses, visit)] if new else None)


async def _language(request: Asking, site: Site, tenant: str, process_id: str) -> str:
    """The language of who opens a link: of those that the journey has, the one that their browser likes best."""
    return accepted(request.headers.get("accept-language", ""), await site.playing.doors.rules(tenant, process_id))


@post("/{tenant:str}/l/{token:str}", status_code=200, opt=OPTIONS)
async def open_link(request: Asking, site: TheSite, tenant: Tenant, token: PagePath) -> Response[str]:
    """Opens a session by a link, and sends a code where who opens it has to show who they are."""
    await site.playing.count_stranger(origin_of(request))
    name, (visit, new) = tenant_in(tenant), visit_of(request)
    body = await posted(request)
    check_write(request, site, "" if new else visit, last(body, "csrf"))
    link = await site.playing.doors.link(name, token[:100])
    language = await _language(request, site, name, link.process_id)
    opened = await site.playing.doors.open(name, token[:100], language, stranger(request))
    addresses = Addresses(name, opened.session.journey)
    cookies = [session_cookie(request, site, addresses, opened.token, opened.session)]
    return await _opened(request, site, opened, addresses, cookies)


async def _opened(
    request: Asking, site: Site, opened: Opened, addresses: Addresses, cookies: list[Cookie]
) -> Response[str]:  # fmt: skip
    """Sends who opened a session on: to the first page, or to where the code is typed that is sent now."""
    tenant = addresses.tenant
    if opened.session.proven:
        return see_other(await _first(site, tenant, opened.session, addresses), cookies)
    with contextlib.suppress(NotSent, Over):  # the page of the code says so, and the person asks for it again
        await site.playing.doors.ensure_code(Player(tenant, place_of(opened.token), opened.session, origin_of(request)))
    return see_other(addresses.of("code"), cookies)


@get("/{tenant:str}/{journey:str}/code", opt=OPTIONS)
async def show_code(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """Where the code is typed that was sent."""
    player = await player_of(request, site, tenant, journey, proven=False)
    if player.session.proven:
        return see_other(addresses_of(player).home)
    return page(await _code_shown(request, site, player))


@post("/{tenant:str}/{journey:str}/code", status_code=200, opt=OPTIONS)
async def post_code(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """Tries a code, or sends another one."""
    await site.playing.count_stranger(origin_of(request), "code")
    player = await player_of(request, site, tenant, journey, proven=False)
    body = await posted(request)
    check_session(request, site, last(body, "csrf"))
    if player.session.proven:
        return see_other(addresses_of(player).home)
    if last(body, "action") == "resend":
        try:
            await site.playing.doors.send_code(player)
        except NotSent:
            return page(await _code_shown(request, site, player, "unsent"), 503)
        except Over:
            return page(await _code_shown(request, site, player, "attempts"), 429)
        return see_other(addresses_of(player).of("code"))
    verdict = await site.playing.doors.try_code(player, last(body, "code"))
    if verdict == "right":
        return see_other(addresses_of(player).home)
    text = {"locked": "attempts", "over": "expired_code"}.get(verdict, "wrong_code")
    return page(await _code_shown(request, site, player, text), 429 if verdict == "locked" else 422)


async def _code_shown(request: Asking, site: Site, player: Player, text: str = "") -> Shown:
    csrf, addresses = csrf_of(token_of(request)), addresses_of(player)

    def asked(reader: Reader) -> tuple[Frame, bool]:
        sent = reader.records.find(player.tenant, CODE, player.session.link) is not None
        return frame_of(reader, player, csrf, addresses.of("code")), sent

    frame, sent = await site.backend.read(player.tenant, asked)
    text = text or ("" if sent else "unsent")
    return frame.shown("code", {"action": addresses.of("code"), "self": addresses.of("code")}, text=text)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    show_start,
    post_start,
    show_link,
    open_link,
    show_code,
    post_code,
)
