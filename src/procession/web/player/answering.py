"""Answers of the player's pages: HTML of what is shown, redirects and problems as pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from procession.base.failure import NotFound
from procession.services.access import Forbidden, TooMany, Unauthorized
from procession.services.journeys.ports import Over
from procession.services.journeys.rules import Rules
from procession.web.player import pages
from procession.web.player.addresses import Addresses, tenant_in
from procession.web.player.guards import Asking
from procession.web.player.screen import screen_json, screen_of
from procession.web.player.showing import Frame, Scene, accepted
from procession.web.player.shown import Shown
from procession.web.player.statics import SCRIPT
from procession.web.problems import answer_problem, problem_of

HTML: Final = "text/html"
_TEXTS: Final[dict[type[Exception], str]] = {
    NotFound: "unknown",
    TooMany: "busy",
    Forbidden: "session",
    Unauthorized: "session",
}
"""Error -> the key of what a page says of it."""
_OVER: Final = {"link-expired": "expired", "link-used": "used", "session-over": "session", "code-locked": "attempts"}


def page(
    shown: Shown, status: int = 200, cookies: list[Cookie] | None = None, scene: Scene | None = None
) -> Response[str]:
    """A page as HTML; that of a scene with the screen beside it, which a script takes the page over with."""
    screen, origins = b"", ""
    if scene is not None:
        origins = " ".join(scene.frame.origins)
        shown = msgspec.structs.replace(shown, urls={**shown.urls, "script": SCRIPT})
        screen = screen_json(screen_of(shown, scene))
    return Response(pages.page_html(shown, screen, origins), status_code=status, media_type=HTML, cookies=cookies)


def see_other(address: str, cookies: list[Cookie] | None = None) -> Response[str]:
    """Sends the browser on, so that Back and reloading never post anything again."""
    return Response("", status_code=303, media_type=HTML, headers={"Location": address}, cookies=cookies)


def answer_as_page(request: Asking, error: Exception) -> Response[Any]:
    """The exception handler of pages: what went wrong, as a page, with the status that the API would give."""
    if isinstance(error, Unauthorized) and "journey" in request.path_params:
        tenant, journey = (str(request.path_params[name]) for name in ("tenant", "journey"))
        return see_other(Addresses(tenant_in(tenant), journey).of("code"))
    problem = answer_problem(request, error)
    status = problem_of(error, request.scope["path"]).status
    text = next((key for kind, key in _TEXTS.items() if isinstance(error, kind)), "problem")
    if isinstance(error, Over):
        text = _OVER.get(error.text, "problem")
    frame = Frame(language=accepted(request.headers.get("accept-language", ""), Rules()))
    headers = {name: value for name, value in problem.headers.items() if name.lower() == "retry-after"}
    shown = frame.shown("problem", {}, text=text)
    return Response(pages.page_html(shown), status_code=status, media_type=HTML, headers=headers)


def last(body: Mapping[str, list[str]], name: str, otherwise: str = "") -> str:
    """The last value of a field."""
    values = body.get(name)
    return values[-1] if values else otherwise


def number(text: str) -> int:
    """A number that was posted; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
