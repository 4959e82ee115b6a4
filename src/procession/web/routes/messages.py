"""Messages, signals, and conditions that start processes."""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from litestar import post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.values import TEXT_CHARACTERS_MAX
from procession.core.catches import KEY_MAX
from procession.runtime import requests as q
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE
from procession.web.shapes import Key, Text, VariablesBody, variables_in

TTL_MS_MAX: Final = 10 * 366 * 86_400_000
"""Longest time for which a message waits for somebody."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


@final
class MessageIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message to publish. `correlation_key` is what the receiver's must be. Nobody waiting, it is kept for `ttl_ms`,
    by default not at all. While one with a `message_id` is kept, another one with it is refused."""

    name: Name
    correlation_key: Annotated[str, msgspec.Meta(max_length=KEY_MAX)] = ""
    variables: VariablesBody = {}
    ttl_ms: Annotated[int, msgspec.Meta(ge=0, le=TTL_MS_MAX)] = 0
    message_id: Text = ""


@final
class Published(msgspec.Struct, frozen=True):
    """The key of the message itself."""

    key: Key


@final
class SignalIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal to broadcast."""

    name: Name
    variables: VariablesBody = {}


@final
class Heard(msgspec.Struct, frozen=True):
    """How many waited for it."""

    received: int


@final
class ConditionsIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Variables, of which conditional start events are asked: of all processes, or of one."""

    variables: VariablesBody
    process_id: Text | None = None


@final
class StartedByConditions(msgspec.Struct, frozen=True):
    """How many instances were started."""

    started: int


@post(
    "/messages",
    status_code=200,
    opt={EXAMPLE: {"name": "paid", "correlation_key": "2026-117", "variables": {"amount": 12.5}, "ttl_ms": 60_000}},
)
async def publish_message(
    data: JSONBody[MessageIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Published:
    """Publishes a message: to the instance that waits for it, or to start one."""
    # Whom it reaches is known when it has reached them: who is held to some processes would reach others.
    caller.need_everywhere("messages:send")
    values = variables_in(data.variables)
    request = q.PublishMessage(caller.tenant, data.name, data.correlation_key, values, data.ttl_ms, data.message_id)
    key = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(key, int)
    return Published(str(key))


@post("/signals", status_code=200, opt={EXAMPLE: {"name": "closing_time"}})
async def broadcast_signal(
    data: JSONBody[SignalIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Heard:
    """Broadcasts a signal to everything in the tenant that waits for it, processes that it starts included."""
    caller.need_everywhere("messages:send")
    request = q.BroadcastSignal(caller.tenant, data.name, variables_in(data.variables))
    found = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(found, int)
    return Heard(found)


@post("/conditions/evaluate", status_code=200, opt={EXAMPLE: {"variables": {"temperature": 91}}})
async def evaluate_conditions(
    data: JSONBody[ConditionsIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> StartedByConditions:
    """Starts each process, or one, whose conditional start event is true of the variables."""
    if data.process_id:
        caller.need("messages:send", data.process_id)
    else:
        caller.need_everywhere("messages:send")
    request = q.EvaluateConditions(caller.tenant, variables_in(data.variables), data.process_id or "")
    found = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(found, int)
    return StartedByConditions(found)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (publish_message, broadcast_signal, evaluate_conditions)
