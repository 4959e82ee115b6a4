"""What is known of the request under way: its id, and who asks as soon as that is clear. For logs and measures."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, final

from procession.services.access import Caller
from procession.web.envelope import trace_of
from procession.web.site import Gate

_ID: Final = re.compile(rb"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


@final
class Seen:
    """One request's. Filled in by whoever learns more, in whichever task."""

    __slots__ = ("id", "subject", "tenant")

    def __init__(self, id: str) -> None:
        self.id = id
        self.tenant = ""
        self.subject = ""


CURRENT: Final[ContextVar[Seen | None]] = ContextVar("procession_seen", default=None)


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The id of a request: the trace of its `traceparent`, else its `X-Request-Id` if that is a UUID, else a new one.

    Another text is not taken: it would stand in the logs, and nobody knows what it is."""
    if trace := trace_of(headers.get(b"traceparent", b"").decode("latin-1")):
        return trace
    given = headers.get(b"x-request-id", b"")
    return given.decode().lower() if _ID.fullmatch(given) else uuid.uuid4().hex


@final
class SeeingGate:
    """A gate that remembers who came in."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        """See `Gate.caller`."""
        caller = await self._gate.caller(headers, origin)
        seen = CURRENT.get()
        if seen is not None:
            seen.tenant, seen.subject = caller.tenant, caller.subject
        return caller

    def forget(self) -> None:
        """See `Gate.forget`."""
        self._gate.forget()
