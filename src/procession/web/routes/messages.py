"""Messages and signals."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.values import Json
from procession.runtime import requests as q
from procession.web.asking import Idempotent, TheCaller, TheSite, who


class SignalIn(msgspec.Struct, forbid_unknown_fields=True):
    """A signal to broadcast."""

    name: str
    variables: dict[str, Json] = {}


class Heard(msgspec.Struct):
    """How many waited for it."""

    received: int


@post("/signals", status_code=200)
async def broadcast(
    data: JSONBody[SignalIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Heard:
    """Broadcasts a signal to everything in the tenant that waits for it, processes that it starts included."""
    caller.need("messages:send")
    request = q.BroadcastSignal(caller.tenant, data.name, data.variables)
    found = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(found, int)
    return Heard(found)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (broadcast,)
