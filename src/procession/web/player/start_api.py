"""The form of a public start for programs, page by page: who asks keeps the answers, for there is no journey yet."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, final

import msgspec
from litestar import Response, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.services.journeys.playing import judged
from procession.web.asking import TheSite
from procession.web.player.addresses import Addresses, tenant_in
from procession.web.player.api import PageId, Refused, Sets, refused
from procession.web.player.begin import Beginning, beginning
from procession.web.player.counting import count_start_shown, count_start_step
from procession.web.player.guards import Asking, origin_of
from procession.web.player.journey_pages import OPTIONS, Tenant
from procession.web.player.screen import Screen, screen_of_form
from procession.web.player.showing import Turn, form_shown, page_at
from procession.web.player.shown import Shown
from procession.web.site import Site


@final
class StartStepIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step at a page of the form of a start. `sets` are all answers until now, by path; `visit` ties what is counted
    together. What is shown is in `language`, else in one that the caller asks for (`Accept-Language`)."""

    process_id: Annotated[str, msgspec.Meta(max_length=255)]
    action: Literal["show", "judge", "next", "back"] = "show"
    page: PageId = ""
    sets: Sets = {}
    language: Annotated[str, msgspec.Meta(max_length=35)] = ""
    visit: Annotated[str, msgspec.Meta(max_length=64)] = ""


@post("/{tenant:str}/api/begin", status_code=200, opt=OPTIONS)
async def start_step(
    request: Asking, data: JSONBody[StartStepIn], site: TheSite, tenant: Tenant
) -> Response[Screen | Refused]:
    """Shows a page of the form of a start, judges it, or goes on to the next; nothing is kept. 422 with its faults. A
    process that starts without a form shows a page of the kind `begin`."""
    await site.playing.count_session(origin_of(request))
    of, wanted = (tenant_in(tenant), data.process_id), (data.language, request.headers.get("accept-language", ""), "")
    start = await beginning(site, of, data.visit if len(data.visit) >= 20 else "", "", wanted)
    if start.filling is None:
        return Response(Screen(start.frame.shown("begin", {}), None, 0))
    return await _stepped(site, start, data)


async def _stepped(site: Site, start: Beginning, data: StartStepIn) -> Response[Any]:
    filling = start.filling
    assert filling is not None, "there is a form"
    page, forward = page_at(judged(filling, data.page, data.sets)[0], data.page), data.action in {"next", "judge"}
    if forward:
        whole, faults, _ = await site.playing.play.judged(filling, page, data.sets, data.visit)
    else:
        whole, faults = judged(filling, page, data.sets)[0], []
    addresses = Addresses(start.tenant)

    def shown(at: str) -> Shown:
        turn = Turn(seen=whole, faults=faults)
        return form_shown(start.frame, filling, lambda id: addresses.start(start.process_id, id or None), at, turn)

    if faults and data.action == "next":
        count_start_step(site, start, page, "next", (whole, faults))
        return refused(shown(page), faults)
    beside = whole.beside(page, {"next": 1, "back": -1}[data.action]) if data.action in {"next", "back"} else None
    if data.action in {"next", "back"}:
        count_start_step(site, start, page, data.action)
    there = shown(beside.id if beside is not None else page)
    count_start_shown(site, start, there)
    return Response(screen_of_form(there, filling))


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (start_step,)
