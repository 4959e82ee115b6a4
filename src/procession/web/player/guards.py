"""Who may do what in a browser: sessions in cookies, a form's token, origins, headers that keep a page alone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie, State
from litestar.handlers.base import BaseRouteHandler

from procession.base.failure import NotFound
from procession.services import keys
from procession.services.access import Forbidden, Unauthorized
from procession.services.backend import Who
from procession.services.journeys.kept import Session, place_of
from procession.services.journeys.players import STRANGER, Player
from procession.services.journeys.screens import session_of
from procession.services.reading import Reader
from procession.web.envelope import add_headers
from procession.web.player.addresses import Addresses, tenant_in
from procession.web.playing import now_ms
from procession.web.site import Site, site_in

Asking: TypeAlias = Request[Any, Any, State]

SESSION_COOKIE: Final = "procession-journey"
VISIT_COOKIE: Final = "procession-visit"
"""A visit before there is a session: what ties the form of a start or a link to the browser that was given it."""
CSRF_HEADER: Final = "x-csrf-token"
VISIT_S: Final = 86_400
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; font-src 'self'; "
    "connect-src 'self'; frame-src https:; form-action 'self'; base-uri 'none'; frame-ancestors {}"
)


async def careful(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard that lets every answer, errors too, carry the headers of a page."""
    add_headers(connection.scope, _headers(site_in(connection.scope).playing.bounds.frame_ancestors))


@lru_cache(maxsize=8)
def _headers(frame_ancestors: tuple[str, ...]) -> Mapping[str, str]:
    headers = {
        "Content-Security-Policy": _POLICY.format(" ".join(frame_ancestors) or "'none'"),
        # Not no-referrer: browsers would say `Origin: null` of the page's own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    }
    if not frame_ancestors:
        headers["X-Frame-Options"] = "DENY"
    return headers


def csrf_of(token: str) -> str:
    """What a form of a page carries, made of the token that no script can read."""
    return hashlib.sha256(f"csrf\0{token}".encode()).hexdigest()


def check_write(request: Asking, site: Site, token: str, given: str) -> None:
    """Raises `Forbidden` for a write that no page of ours made the browser ask."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("another site made the browser ask this")
    origin = request.headers.get("origin")
    if origin is not None and _host(origin) not in {request.headers.get("host", ""), _host(site.playing.bounds.url)}:
        raise Forbidden("a page of another origin made the browser ask this")
    if not token or not hmac.compare_digest(csrf_of(token).encode(), given.encode()):
        raise Forbidden("the token of the form is missing or not of this session: load the page again")


def origin_of(request: Asking) -> str:
    """The address that asks."""
    return request.client.host if request.client is not None else ""


def stranger(request: Asking) -> Who:
    """Who asks and has no session."""
    return Who(STRANGER, origin_of(request))


def visit_of(request: Asking) -> tuple[str, bool]:
    """The token of a visit, and whether it is a new one."""
    found = request.cookies.get(VISIT_COOKIE, "")
    good = len(found) == keys.SECRET_LENGTH and found.isalnum() and found.isascii()
    return (found, False) if good else (keys.new_secret(), True)


def visit_cookie(request: Asking, site: Site, addresses: Addresses, token: str) -> Cookie:
    """The cookie of a visit; "" takes it away."""
    return _cookie(request, site, (VISIT_COOKIE, token, addresses.root), VISIT_S if token else 0)


def session_cookie(request: Asking, site: Site, addresses: Addresses, token: str, session: Session) -> Cookie:
    """The cookie of a session: for its journey alone, and for no script."""
    seconds = max(0, (session.expires - now_ms()) // 1000)
    return _cookie(request, site, (SESSION_COOKIE, token, addresses.home), seconds)


def _cookie(request: Asking, site: Site, what: tuple[str, str, str], seconds: int) -> Cookie:
    name, value, path = what
    secure = request.url.scheme == "https"
    # In a frame of another site a cookie comes back only if it says that it may.
    framed = bool(site.playing.bounds.frame_ancestors) and secure
    same_site: Any = "none" if framed else "lax"
    return Cookie(
        key=name,
        value=value,
        path=path,
        max_age=seconds,
        httponly=True,
        secure=secure,
        samesite=same_site,
    )


def bearer_of(request: Asking) -> str:
    """The token of a session in `Authorization`; "" for none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def token_of(request: Asking) -> str:
    """The token of the session: as a bearer, or of the cookie."""
    return bearer_of(request) or request.cookies.get(SESSION_COOKIE, "")


async def player_of(request: Asking, site: Site, tenant: str, journey: str, *, proven: bool = True) -> Player:
    """Who plays. Raises `NotFound` for nobody, `Over`, `TooMany`; `Unauthorized` where a code has to be given first."""
    name, token, now = tenant_in(tenant), token_of(request), now_ms()
    await site.playing.count_session(place_of(token) if token else origin_of(request))

    def asked(reader: Reader) -> Session:
        return session_of(reader, name, journey, token, now)

    try:
        session = await site.backend.read(name, asked)
    except NotFound:
        # Nobody guesses 256 bits; but each attempt is a look at the store.
        await site.playing.count_stranger(origin_of(request), "unknown")
        raise
    if proven and not session.proven:
        raise Unauthorized("give the code that was sent first")
    return Player(name, place_of(token), session, origin_of(request))


def addresses_of(player: Player) -> Addresses:
    """The addresses of a player's journey."""
    return Addresses(player.tenant, player.session.journey)


def check_session(request: Asking, site: Site, given: str) -> None:
    """Raises `Forbidden` for a write with the cookie alone. A bearer is sent by nobody but who has it."""
    if not bearer_of(request):
        check_write(request, site, request.cookies.get(SESSION_COOKIE, ""), given)


def _host(origin: str) -> str:
    return urlsplit(origin).netloc if "://" in origin else ""
