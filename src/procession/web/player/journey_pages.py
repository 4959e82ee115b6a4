"""The pages of a journey as HTML: each has an address, and every POST ends with one (303), so Back is Back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, cast

from litestar import Response, get, post
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.forms import judge
from procession.services.journeys.drafts import Write
from procession.services.journeys.players import Player
from procession.services.journeys.ports import Over
from procession.services.reading import Reader
from procession.web.asking import TheSite
from procession.web.player import pages
from procession.web.player.addresses import page_in
from procession.web.player.answering import last, number, page, see_other
from procession.web.player.counting import count_shown
from procession.web.player.filing import Named, Receiving
from procession.web.player.guards import Asking, addresses_of, check_session, csrf_of, player_of, token_of
from procession.web.player.moves import ACTIONS, Action, Move, Moved, move, seen
from procession.web.player.posting import Fields, posted
from procession.web.player.showing import (
    Scene,
    Turn,
    address_of,
    check_shown,
    chosen,
    frame_of,
    page_at,
    page_shown,
    screen_shown,
    state_shown,
)
from procession.web.site import Site

OPTIONS: Final[dict[str, Any]] = {"hidden": True, "any_parameters": True}
Tenant = Annotated[str, PathParameter(max_length=200)]
Journey = Annotated[str, PathParameter(max_length=64)]
TaskPath = Annotated[str, PathParameter(max_length=19, pattern=r"^[1-9][0-9]*$")]
PagePath = Annotated[str, PathParameter(max_length=500)]


@get("/{tenant:str}/{journey:str}", opt=OPTIONS)
async def home(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """Sends the browser to where the journey is."""
    try:
        player = await player_of(request, site, tenant, journey, proven=False)
    except NotFound:
        if "used" in request.query_params:
            raise Over("link-used", "this link was used") from None
        raise
    if not player.session.proven:
        return see_other(addresses_of(player).of("code"))
    scene = await seen(site, player, "")
    return see_other(address_of(screen_shown(scene, player)))


@get("/{tenant:str}/{journey:str}/{task:str}/{page_id:str}", opt=OPTIONS)
async def show_page(
    request: Asking, site: TheSite, *, tenant: Tenant, journey: Journey, task: TaskPath, page_id: PagePath
) -> Response[str]:
    """A page of a task's form."""
    player, scene = await _at(request, site, (tenant, journey), int(task))
    if scene is None:
        return see_other(addresses_of(player).home)
    if scene.filling is None:
        return page(state_shown(scene, addresses_of(player)), 422)
    checked = request.query_params.get("from") == "check"
    turn = Turn(checked=checked, saved="saved" in request.query_params)
    shown = page_shown(scene, addresses_of(player), page_in(page_id), turn)
    if shown.page != page_in(page_id):
        return see_other(address_of(shown))
    count_shown(site, player, shown)
    return page(shown, scene=scene)


@post("/{tenant:str}/{journey:str}/{task:str}/{page_id:str}", status_code=200, opt=OPTIONS, request_max_body_size=None)
async def post_page(
    request: Asking, site: TheSite, *, tenant: Tenant, journey: Journey, task: TaskPath, page_id: PagePath
) -> Response[str]:
    """What was answered at a page, and what is to happen then."""
    player = await player_of(request, site, tenant, journey)
    id, csrf = page_in(page_id), csrf_of(token_of(request))
    scene = await _scene(site, player, csrf, int(task))
    filling = scene.filling if scene is not None else None
    view = filling.view() if filling is not None else None
    here = view.page(page_at(view, id)) if view is not None else None
    receiving = Receiving(site, player, int(task), here)

    async def keep(fields: Fields, name: str, file: Named, content: AsyncIterator[bytes]) -> None:
        check_session(request, site, last(fields, "csrf"))
        await receiving.take(name, file, content)

    body = await posted(request, keep)
    check_session(request, site, last(body, "csrf"))
    action = last(body, "action", "next")
    if filling is None and action != "submit":
        return see_other(addresses_of(player).home)
    sets = pages.form_values(here, {**body, **receiving.came}) if here is not None else {}
    write = Write(sets, number(last(body, "version")), 0, player.id[:16])
    checked = request.query_params.get("from") == "check"
    wanted = cast("Action", action if action in ACTIONS and not receiving.faults else "save")
    moved = await move(
        site, player, Move(task=int(task), page=id, action=wanted, write=write, csrf=csrf, checked=checked)
    )
    if receiving.faults:
        turn = Turn(faults=receiving.faults, checked=checked)
        shown = page_shown(moved.scene, addresses_of(player), id, turn) if moved.scene.filling else moved.shown
        return page(shown, 422, scene=moved.scene)
    return _answer(moved, player, int(task), later=action == "save")


def _answer(moved: Moved, player: Player, task: int, *, later: bool) -> Response[str]:
    if moved.refused:
        return page(moved.shown, 422, scene=moved.scene)
    if moved.stays:
        return page(moved.shown, 409, scene=moved.scene)
    if moved.to_check:
        return see_other(addresses_of(player).check(task))
    if later:
        return see_other(addresses_of(player).of("later"))
    return see_other(address_of(moved.shown) + ("?saved" if moved.shown.saved else ""))


@get("/{tenant:str}/{journey:str}/{task:str}/check", opt=OPTIONS)
async def show_check(
    request: Asking, site: TheSite, tenant: Tenant, journey: Journey, task: TaskPath
) -> Response[str]:  # fmt: skip
    """All answers, to be checked before they are sent."""
    player, scene = await _at(request, site, (tenant, journey), int(task))
    if scene is None:
        return see_other(addresses_of(player).home)
    if scene.filling is None:
        return page(state_shown(scene, addresses_of(player)), 422)
    seen_now = scene.filling.view()
    faults = judge(seen_now, scene.filling.setting)
    return page(check_shown(scene, addresses_of(player), Turn(seen=seen_now, faults=faults)), scene=scene)


@post("/{tenant:str}/{journey:str}/{task:str}/check", status_code=200, opt=OPTIONS)
async def post_check(
    request: Asking, site: TheSite, tenant: Tenant, journey: Journey, task: TaskPath
) -> Response[str]:  # fmt: skip
    """Sends the answers, or leads back to the pages."""
    player = await player_of(request, site, tenant, journey)
    body = await posted(request)
    csrf = csrf_of(token_of(request))
    check_session(request, site, last(body, "csrf"))
    if last(body, "action", "submit") != "submit":
        return see_other(addresses_of(player).home)
    moved = await move(site, player, Move(task=int(task), page="", action="submit", write=Write({}), csrf=csrf))
    return page(moved.shown, 422, scene=moved.scene) if moved.refused else see_other(address_of(moved.shown))


@get(["/{tenant:str}/{journey:str}/wait", "/{tenant:str}/{journey:str}/end"], opt=OPTIONS)
async def show_state(request: Asking, site: TheSite, tenant: Tenant, journey: Journey) -> Response[str]:
    """While the process works, and after it. It sends the browser on as soon as there is a page."""
    player = await player_of(request, site, tenant, journey)
    await speak(request, site, player, request.query_params.get("lang"))
    here = request.url.path
    scene = await seen(site, player, csrf_of(token_of(request)), here=here)
    shown = screen_shown(scene, player)
    if address_of(shown) != here:
        return see_other(address_of(shown))
    count_shown(site, player, shown)
    return page(shown, 422 if scene.trouble else 200, scene=scene)


async def _at(request: Asking, site: Site, of: tuple[str, str], task: int) -> tuple[Player, Scene | None]:
    player = await player_of(request, site, *of)
    player = await speak(request, site, player, request.query_params.get("lang"))
    csrf = csrf_of(token_of(request))
    return player, await _scene(site, player, csrf, task, request.url.path)


async def _scene(site: Site, player: Player, csrf: str, task: int, here: str = "") -> Scene | None:
    try:
        return await seen(site, player, csrf, task=task, here=here)
    except NotFound:
        # It was submitted, or is somebody else's, or never was: none of it is told, and the journey goes on.
        return None


async def speak(request: Asking, site: Site, player: Player, wanted: str | None) -> Player:
    """Changes the language if the address asks for another one that the journey has."""
    if not wanted:
        return player

    def asked(reader: Reader) -> str:
        return chosen(frame_of(reader, player, "").rules, wanted)

    await site.playing.doors.speak(player, await site.backend.read(player.tenant, asked))
    return await player_of(request, site, player.tenant, player.session.journey)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (home, show_page, post_page, show_check, post_check, show_state)
