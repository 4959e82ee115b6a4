"""The routes of the player: pages and the headless API, with the headers that all of their answers carry."""

from __future__ import annotations

from litestar import Router

from procession.web.player import api, entrance, files_api, journey_pages, later, start_api, statics
from procession.web.player.addresses import ROOT
from procession.web.player.answering import answer_as_page
from procession.web.player.guards import careful


def routers() -> list[Router]:
    """What is to be routed: errors of pages are pages, those of the API are problems."""
    pages = Router(
        path=ROOT,
        route_handlers=[*entrance.ROUTES, *journey_pages.ROUTES, *later.ROUTES],
        guards=[careful],
        exception_handlers={Exception: answer_as_page},
    )
    return [
        pages,
        Router(path=ROOT, route_handlers=[*api.ROUTES, *start_api.ROUTES, *files_api.ROUTES], guards=[careful]),
        Router(path=ROOT, route_handlers=list(statics.ROUTES)),
    ]
