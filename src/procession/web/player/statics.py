"""What pages load beside their HTML: the style sheet, and a tenant's theme. Their names hold a digest of what is in
them, so a browser keeps them for good."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response, get
from litestar.params import PathParameter

from procession.base.failure import NotFound
from procession.services.journeys.screens import brand_of
from procession.services.reading import Reader
from procession.web.asking import TheSite
from procession.web.player.addresses import tenant_in
from procession.web.player.pages import STYLE, STYLE_NAME, theme_css, theme_name
from procession.web.player.showing import brand_shown

FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_CSS: Final = "text/css; charset=utf-8"


@get("/static/{name:str}", include_in_schema=False)
async def static(name: Annotated[str, PathParameter(max_length=200)]) -> Response[bytes]:
    """The style sheet of pages."""
    if name != STYLE_NAME:
        raise NotFound("no such file")
    return Response(STYLE, media_type=_CSS, headers=FOR_GOOD)


@get("/{tenant:str}/theme/{brand:str}/{name:str}", include_in_schema=False)
async def theme(
    site: TheSite,
    tenant: Annotated[str, PathParameter(max_length=200)],
    brand: Annotated[str, PathParameter(max_length=200)],
    name: Annotated[str, PathParameter(max_length=200)],
) -> Response[str]:
    """The theme of a brand; one that was changed meanwhile as it is now, not to be kept."""

    def asked(reader: Reader) -> str:
        found = brand_shown(brand_of(reader, tenant_in(tenant), brand))
        return theme_css(found) if theme_name(found) == name else "/* changed */" + theme_css(found)

    text = await site.backend.read(tenant_in(tenant), asked)
    kept = {} if text.startswith("/* changed */") else FOR_GOOD
    return Response(text, media_type=_CSS, headers=kept)


ROUTES: Final = (static, theme)
