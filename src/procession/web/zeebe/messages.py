"""Messages and signals."""

from __future__ import annotations

import grpc

from procession.base.failure import Conflict
from procession.runtime import requests as q
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, variables_in
from procession.web.zeebe.statuses import Status, invalid


async def publish_message(call: Call, request: pb.PublishMessageRequest) -> pb.PublishMessageResponse:
    """Publishes a message; one of the same name, key and id that is buffered already is ALREADY_EXISTS."""
    caller = await call.caller(request.tenantId)
    caller.need_everywhere("messages:send")
    if not request.name:
        raise invalid("a message needs a name")
    if request.timeToLive < 0:
        raise invalid(f"the time to live is {request.timeToLive} ms: it must not be below 0")
    what = q.PublishMessage(
        caller.tenant,
        request.name,
        request.correlationKey,
        variables_in(request.variables),
        request.timeToLive,
        request.messageId,
    )
    try:
        key = await call.ask(caller, what)
    except Conflict as conflict:
        if type(conflict) is Conflict and request.messageId:
            raise Status(grpc.StatusCode.ALREADY_EXISTS, str(conflict)) from None
        raise
    assert isinstance(key, int)
    return pb.PublishMessageResponse(key=key, tenantId=caller.tenant)


async def broadcast_signal(call: Call, request: pb.BroadcastSignalRequest) -> pb.BroadcastSignalResponse:
    """Broadcasts a signal. It is nothing that is stored, so it has no key: 0."""
    caller = await call.caller(request.tenantId)
    caller.need_everywhere("messages:send")
    if not request.signalName:
        raise invalid("a signal needs a name")
    await call.ask(caller, q.BroadcastSignal(caller.tenant, request.signalName, variables_in(request.variables)))
    return pb.BroadcastSignalResponse(key=0, tenantId=caller.tenant)
