"""The headless API of journeys: what pages do, as JSON. A session is a bearer, or a cookie with a form's token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, final

import msgspec
from litestar import Response, get, post, put
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.forms import Fault
from procession.services.journeys.drafts import Clash, Write
from procession.services.journeys.funnel import where
from procession.services.journeys.kept import place_of
from procession.services.journeys.players import Player
from procession.services.journeys.ports import Over
from procession.web import streams
from procession.web.asking import TheSite
from procession.web.player.addresses import Addresses, tenant_in
from procession.web.player.begin import begin, beginning
from procession.web.player.counting import count_shown, visitor_of
from procession.web.player.guards import (
    CSRF_HEADER,
    Asking,
    addresses_of,
    check_session,
    csrf_of,
    origin_of,
    player_of,
    stranger,
    token_of,
)
from procession.web.player.journey_pages import OPTIONS, Journey, Tenant, speak
from procession.web.player.later import handed_over
from procession.web.player.moves import Action, Move, Moved, move, seen
from procession.web.player.screen import Screen, screen_of
from procession.web.player.showing import Turn, address_of, check_shown, page_shown, screen_shown
from procession.web.player.shown import Shown
from procession.web.problems import PROBLEM_JSON, TYPES
from procession.web.shapes import KEY_PATTERN
from procession.web.site import Site

LOOK_S: Final = 1.0
QUIET_S: Final = 0.05
Task = Annotated[str, msgspec.Meta(pattern=KEY_PATTERN)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
PageId = Annotated[str, msgspec.Meta(max_length=500)]
Sets = Annotated[dict[str, Json], msgspec.Meta(max_length=5_000)]


@final
class DraftIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers by path. `base` is the version that the device had seen, `seq` its own count of what it sent."""

    task: Task
    sets: Sets = {}
    base: Count = 0
    seq: Count = 0
    device: Annotated[str, msgspec.Meta(max_length=64)] = ""
    page: PageId = ""


@final
class DraftOut(msgspec.Struct, frozen=True):
    """The version of the draft now, and the fields that other devices had changed since `base`."""

    version: int
    conflicts: list[Clash]


@final
class Judged(msgspec.Struct, frozen=True):
    """The page with answers that nobody keeps, and what is wrong with them."""

    shown: Shown
    faults: list[Fault]


@final
class Refused(msgspec.Struct, frozen=True):
    """A problem (RFC 9457) that lists faults, and the page that they are at."""

    type: str
    title: str
    status: int
    code: str
    faults: list[Fault]
    shown: Shown


@final
class HandOverIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a message is to be sent, and to whom, where the journey itself knows no address."""

    by: Annotated[str, msgspec.Meta(pattern="^(email|sms)$")]
    to: Annotated[str, msgspec.Meta(max_length=320)] = ""


@final
class HandedOver(msgspec.Struct, frozen=True):
    """To whom the message was sent; most of it is hidden."""

    sent_to: str


@final
class CodeIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits."""

    code: Annotated[str, msgspec.Meta(max_length=20)]


@final
class OpenIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token of a link: the last part of its address."""

    link: Annotated[str, msgspec.Meta(max_length=100)]
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""


@final
class BeginIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a public start takes: the answers to the form of the start. With the same `visit` it starts once."""

    process_id: Annotated[str, msgspec.Meta(max_length=255)]
    sets: Sets = {}
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    visit: Annotated[str, msgspec.Meta(max_length=64)] = ""


@final
class SessionOut(msgspec.Struct, frozen=True):
    """A session: its token goes into `Authorization: Bearer`. Where `proven` is false, give the code first."""

    journey: str
    token: str
    proven: bool
    api: str


@post("/{tenant:str}/api/open", status_code=201, opt=OPTIONS)
async def open_session(request: Asking, data: JSONBody[OpenIn], site: TheSite, tenant: Tenant) -> SessionOut:
    """Opens a session by a link."""
    await site.playing.count_stranger(origin_of(request))
    name = tenant_in(tenant)
    opened = await site.playing.doors.open(name, data.link, data.language, stranger(request))
    if not opened.session.proven:
        await site.playing.doors.ensure_code(Player(name, place_of(opened.token), opened.session, origin_of(request)))
    journey = opened.session.journey
    return SessionOut(journey, opened.token, opened.session.proven, Addresses(name, journey).api())


@post("/{tenant:str}/api/start", status_code=201, opt=OPTIONS)
async def begin_session(
    request: Asking, data: JSONBody[BeginIn], site: TheSite, tenant: Tenant
) -> Response[SessionOut | Refused]:
    """Starts a journey that everybody may start."""
    await site.playing.count_stranger(origin_of(request))
    name = tenant_in(tenant)
    start = await beginning(site, (name, data.process_id), "", "", (data.language, "", ""))
    again = f"api:{data.visit}:{data.process_id}" if len(data.visit) >= 20 else ""
    begun = await begin(site, start, data.sets, again, stranger(request))
    if begun.opened is None:
        return refused(start.frame.shown("begin", {}), list(begun.faults))
    opened = begun.opened
    journey = opened.session.journey
    proven, player = opened.session.proven, Player(name, place_of(opened.token), opened.session, origin_of(request))
    if proven:
        await site.playing.play.following(player)
    else:
        await site.playing.doors.ensure_code(player)
    return Response(SessionOut(journey, opened.token, proven, Addresses(name, journey).api()), status_code=201)


@get("/{tenant:str}/{journey:str}/api/screen", opt=OPTIONS)
async def get_screen(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Screen:
    """What is to be shown now; with `task` and `page` that page, with `language` in it from now on."""
    player = await player_of(request, site, tenant, journey)
    player = await speak(request, site, player, request.query_params.get("language"))
    task, page = request.query_params.get("task", ""), request.query_params.get("page")
    if task and (not task.isascii() or not task.isdigit() or len(task) > 19):
        raise BadValue("`task` is no key")
    scene = await seen(site, player, csrf_of(token_of(request)), task=int(task or 0))
    shown = screen_shown(scene, player, page)
    count_shown(site, player, shown)
    return screen_of(shown, scene)


@put("/{tenant:str}/{journey:str}/api/draft", opt=OPTIONS)
async def put_draft(
    request: Asking, data: JSONBody[DraftIn], site: TheSite, tenant: Tenant, journey: Journey
) -> DraftOut:  # fmt: skip
    """Keeps answers. The last write to arrive wins, field by field, and what it won over is told."""
    player = await _writing(request, site, tenant, journey)
    _, told = await site.playing.play.write(player, int(data.task), _write(data, player), page=data.page or None)
    site.playing.funnel.active(visitor_of(player), where(player.session))
    return DraftOut(told.version, list(told.conflicts))


@post("/{tenant:str}/{journey:str}/api/judge", status_code=200, opt=OPTIONS)
async def judge_page(
    request: Asking, data: JSONBody[DraftIn], site: TheSite, tenant: Tenant, journey: Journey
) -> Judged:  # fmt: skip
    """What would be shown with answers, and what is wrong with them. Nothing is kept."""
    player = await _writing(request, site, tenant, journey)
    scene = await seen(site, player, csrf_of(token_of(request)), task=int(data.task))
    if scene.filling is None:
        raise BadValue("this task has no form")
    whole, faults, _ = await site.playing.play.judged(scene.filling, data.page, data.sets, data.task)
    return Judged(page_shown(scene, addresses_of(player), data.page, Turn(seen=whole, faults=faults)), faults)


@post("/{tenant:str}/{journey:str}/api/next", status_code=200, opt=OPTIONS)
async def next_page(
    request: Asking, data: JSONBody[DraftIn], site: TheSite, tenant: Tenant, journey: Journey
) -> Response[Screen | Refused]:
    """Keeps the answers of a page, judges it, and gives the next one; 422 with its faults."""
    return await _moved(request, data, site, (tenant, journey), "next")


@post("/{tenant:str}/{journey:str}/api/back", status_code=200, opt=OPTIONS)
async def page_before(
    request: Asking, data: JSONBody[DraftIn], site: TheSite, tenant: Tenant, journey: Journey
) -> Response[Screen | Refused]:
    """Keeps the answers of a page, and gives the one before; nothing is judged."""
    return await _moved(request, data, site, (tenant, journey), "back")


@post("/{tenant:str}/{journey:str}/api/submit", status_code=200, opt=OPTIONS)
async def submit_task(
    request: Asking, data: JSONBody[DraftIn], site: TheSite, tenant: Tenant, journey: Journey
) -> Response[Screen | Refused]:
    """Judges all pages, completes the task, and gives what is next; 422 with the faults of the first wrong page."""
    return await _moved(request, data, site, (tenant, journey), "submit")


@post("/{tenant:str}/{journey:str}/api/handover", status_code=200, opt=OPTIONS)
async def hand_over(
    request: Asking, data: JSONBody[HandOverIn], site: TheSite, tenant: Tenant, journey: Journey
) -> HandedOver:  # fmt: skip
    """Sends a link and a code, to go on at another device."""
    await site.playing.count_stranger(origin_of(request), "handover")
    player = await _writing(request, site, tenant, journey)
    return HandedOver(await handed_over(site, player, data.by, data.to))


@post("/{tenant:str}/{journey:str}/api/code", status_code=204, opt=OPTIONS)
async def give_code(
    request: Asking, data: JSONBody[CodeIn], site: TheSite, tenant: Tenant, journey: Journey
) -> None:  # fmt: skip
    """Gives the code that was sent. 403 for a wrong one, 410 when no more are tried."""
    await site.playing.count_stranger(origin_of(request), "code")
    player = await _writing(request, site, tenant, journey, proven=False)
    if player.session.proven:
        return
    verdict = await site.playing.doors.try_code(player, data.code)
    if verdict == "wrong":
        raise BadValue("this code is not right")
    if verdict != "right":
        raise Over("code-locked" if verdict == "locked" else "code-over", "this code holds no longer: ask for another")


@get("/{tenant:str}/{journey:str}/api/events", opt=OPTIONS, media_type="text/event-stream")
async def journey_events(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[Any]:
    """Tells where the journey is, now and whenever that changes, until it is over."""
    player = await player_of(request, site, tenant, journey)
    site.playing.streams.admit(player.id)
    return streams.answer(site.playing.streams.kept(player.id, _told(site, player)))


async def _told(site: Site, player: Player) -> AsyncIterator[bytes]:
    count, address, seen_last = 0, "", 0
    while not site.desk.closing:
        scene = await seen(site, player, "")
        shown = screen_shown(scene, player)
        if address_of(shown) != address:
            count, address = count + 1, address_of(shown)
            yield streams.event(str(count), "screen", {"kind": shown.kind, "task": shown.task, "url": address})
        if shown.kind == "end":
            return
        moved = await site.backend.moved(player.tenant, seen_last, LOOK_S)
        if moved != seen_last:
            await asyncio.sleep(QUIET_S)
        seen_last = moved


async def _writing(request: Asking, site: Site, tenant: str, journey: str, *, proven: bool = True) -> Player:
    player = await player_of(request, site, tenant, journey, proven=proven)
    check_session(request, site, request.headers.get(CSRF_HEADER, ""))
    return player


async def _moved(
    request: Asking, data: DraftIn, site: Site, of: tuple[str, str], action: Action
) -> Response[Screen | Refused]:
    player = await _writing(request, site, *of)
    csrf = csrf_of(token_of(request))
    asked = Move(task=int(data.task), page=data.page, action=action, write=_write(data, player), csrf=csrf)
    moved: Moved = await move(site, player, asked)
    if moved.refused:
        return refused(moved.shown, list(moved.shown.faults))
    shown = check_shown(moved.scene, addresses_of(player)) if moved.to_check else moved.shown
    count_shown(site, player, shown)
    return Response(screen_of(shown, moved.scene))


def refused(shown: Shown, faults: list[Fault]) -> Response[Any]:
    """A page that is not left, with what is wrong."""
    title = "Answers are missing, or wrong: `faults` lists them."
    problem = Refused(TYPES + "faults", title, 422, "faults", faults, shown)
    return Response(problem, status_code=422, media_type=PROBLEM_JSON)


def _write(data: DraftIn, player: Player) -> Write:
    return Write(data.sets, data.base, data.seq, data.device or player.id[:16])


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    open_session,
    begin_session,
    get_screen,
    put_draft,
    judge_page,
    next_page,
    page_before,
    submit_task,
    hand_over,
    give_code,
    journey_events,
)
