"""Links in the shape that callers of other players send: `generate-link` and `send-link`. The key stands in a header.

What has no meaning here (`apiVersion`, `source`, co-browsing) is taken and not heeded; `apiKey` in a body is refused,
for bodies are logged by those who pass them on.
"""

from __future__ import annotations

from typing import Annotated, Final, cast, final

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, Conflict
from procession.base.values import Json, decode
from procession.services.journeys.ports import Letter
from procession.web.asking import TheCaller, TheSite
from procession.web.openapi import HIDDEN
from procession.web.routes.journeys import JourneyIn, JourneyOut, start_for
from procession.web.shapes import variables_in

_Name = Annotated[str, msgspec.Meta(max_length=255)]


@final
class GenerateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link is made of. `serializedModel` fills in answers before: an object, or its JSON as a text."""

    processId: _Name  # their names
    apiVersion: Json = None
    customerId: Json = None
    source: Json = None
    serializedModel: Json = None
    role: _Name = ""
    brand: Json = None
    coBrowsingRoles: Json = None
    EnableRtSync: Json = None
    runAsync: Json = None


@final
class GeneratedOut(msgspec.Struct, frozen=True):
    """The link, the id of the journey, and the same as that of the first party; co-browsing is none."""

    link: str
    rid: str
    masterRid: str
    coBrowsing: dict[str, str]


@post("/generate-link", status_code=200, opt={HIDDEN: True})
async def generate_link(
    data: JSONBody[GenerateIn], request: Request[object, object, State], caller: TheCaller, site: TheSite
) -> GeneratedOut:
    """Starts a journey, and makes a link to it."""
    return _told(await start_for(request, site, caller, _asked(data)))


@post("/send-link", status_code=200, opt={HIDDEN: True})
async def send_link(
    data: JSONBody[GenerateIn], request: Request[object, object, State], caller: TheCaller, site: TheSite
) -> GeneratedOut:
    """The same, and sends the link to the address in the model (`journey.contact`). Raises `NotSent`."""
    asked = _asked(data)
    caller.need("journeys:write", asked.process_id)
    rules = await site.playing.doors.rules(caller.tenant, asked.process_id)
    to = asked.variables.get(rules.contact) if rules.contact else None
    if not isinstance(to, str) or not to:
        raise Conflict("the model holds no address: journey.contact names the variable with it")
    made = await start_for(request, site, caller, asked)
    by = "email" if "@" in to else "sms"
    await site.playing.doors.post.send(Letter(by, to, made.link.language or "en", "", made.url))
    return _told(made)


def _asked(data: GenerateIn) -> JourneyIn:
    model = data.serializedModel
    if isinstance(model, str):
        model = decode(model) if model.strip() else None
    if model is not None and not isinstance(model, dict):
        raise BadValue("serializedModel is an object, or its JSON as a text")
    return JourneyIn(process_id=data.processId, party=data.role, variables=variables_in(model), uses=0)


def _told(made: JourneyOut) -> GeneratedOut:
    return GeneratedOut(made.url, made.journey, made.journey, {})


ROUTES: Final = cast("tuple[ControllerRouterHandler, ...]", (generate_link, send_link))
