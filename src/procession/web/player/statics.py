"""What pages load beside their HTML: the style sheet, the script, and a tenant's theme. Their names hold a digest of
what is in them, so a browser keeps them for good."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import PathParameter

from procession.base.failure import NotFound
from procession.services.journeys.screens import brand_of
from procession.services.reading import Reader
from procession.web.asking import TheSite
from procession.web.player.addresses import ROOT, tenant_in
from procession.web.player.pages import STYLE, STYLE_NAME, theme_css, theme_name
from procession.web.player.showing import brand_shown

FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_CSS: Final = "text/css"
_JAVASCRIPT: Final = "text/javascript"
_STATIC: Final = files(__package__ or "").joinpath("static")
_PLAYER: Final = _STATIC.joinpath("player.js").read_bytes()
_EMBED: Final = _STATIC.joinpath("embed.js").read_bytes()
_PLAYER_NAME: Final = f"player.{hashlib.sha256(_PLAYER).hexdigest()[:16]}.js"
SCRIPT: Final = f"{ROOT}/static/{_PLAYER_NAME}"
"""The address of the script that takes pages over, which the component is in, too."""
_FILES: Final = {
    STYLE_NAME: (STYLE, _CSS, FOR_GOOD),
    _PLAYER_NAME: (_PLAYER, _JAVASCRIPT, FOR_GOOD),
    # For pages of others, which cannot know the digest.
    "player.js": (_PLAYER, _JAVASCRIPT, {"Cache-Control": "public, max-age=300"}),
    "embed.js": (_EMBED, _JAVASCRIPT, {"Cache-Control": "public, max-age=300"}),
}


@get("/static/{name:str}", include_in_schema=False)
async def static(name: Annotated[str, PathParameter(max_length=200)]) -> Response[bytes]:
    """A file that is the same for all."""
    if name not in _FILES:
        raise NotFound("no such file")
    data, kind, headers = _FILES[name]
    return Response(data, media_type=kind, headers={**headers, "Access-Control-Allow-Origin": "*"})


@get("/{tenant:str}/theme/{brand:str}/{name:str}", include_in_schema=False)
async def theme(
    site: TheSite,
    tenant: Annotated[str, PathParameter(max_length=200)],
    brand: Annotated[str, PathParameter(max_length=200)],
    name: Annotated[str, PathParameter(max_length=200)],
) -> Response[str]:
    """The theme of a brand: as it is now, and not to be kept if it was changed meanwhile."""

    def asked(reader: Reader) -> tuple[str, bool]:
        found = brand_shown(brand_of(reader, tenant_in(tenant), brand))
        return theme_css(found), theme_name(found) == name

    text, same = await site.backend.read(tenant_in(tenant), asked)
    return Response(text, media_type=_CSS, headers=FOR_GOOD if same else {"Cache-Control": "no-store"})


ROUTES: Final = (static, theme)
