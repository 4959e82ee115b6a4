"""Sending: requests of a process that does not own the shard go through its inbox, and their answers come back.

If the owner is gone meanwhile, this process takes its place, and what waits is its own to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, Protocol, cast

import msgspec

from procession.base.decoding import known
from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import (
    BadValue,
    Busy,
    Conflict,
    NotFound,
    Outdated,
    ProcessionError,
    QuotaExceeded,
    StoreError,
    Unreadable,
)
from procession.hosts.embedded.batches import RunBatch
from procession.hosts.embedded.bell import Bell
from procession.hosts.embedded.mailbox import Mailbox
from procession.hosts.embedded.ownership import holder, wall_ms
from procession.hosts.embedded.tickets import InHouse, Ticket
from procession.runtime.ports import Store
from procession.runtime.requests import AnyRequest, Asked
from procession.services.copies import InstallCopy
from procession.services.deploy import InstallCompiled

PAUSE_S_MIN: Final = 0.001
PAUSE_S_MAX: Final = 0.02
RIVAL_MS: Final = 200
"""After how long it is looked again whether the owner is still there."""


class Sender(Protocol):
    """A pump, as far as it matters here."""

    store: Store
    number: int
    mailbox: Mailbox
    bell: Bell
    rival_checked_ms: int

    def clock(self) -> int: ...

    def own(self) -> object | None: ...

    def turn(self) -> bool: ...


def send(pump: Sender, tickets: Sequence[Ticket], timeout_s: float) -> None:
    """Carries out requests through the inbox of the shard's owner; each ticket is done afterwards."""
    if not tickets:
        return
    numbers = pump.mailbox.post([_sendable(ticket.request) for ticket in tickets], pump.clock())
    waiting: dict[str, dict[int, Ticket]] = {}
    for ticket, number in zip(tickets, numbers, strict=True):
        waiting.setdefault(ticket.request.tenant, {})[number] = ticket
    _await(pump, waiting, time.monotonic() + timeout_s)
    left = [ticket for of_tenant in waiting.values() for ticket in of_tenant.values()]
    for ticket in left:
        ticket.error = StoreError(
            f"{pump.store.name}: {holder(pump.store, pump.number)} owns the store and did not answer within "
            f"{timeout_s:g} s; the request is stored and will be carried out"
        )
        ticket.finish()
    pump.bell.ring(pump.number, frozenset(waiting))


def _await(pump: Sender, waiting: dict[str, dict[int, Ticket]], deadline: float) -> None:
    """Hands out answers as they come, until there is one for everybody, or the deadline is over."""
    pause = PAUSE_S_MIN
    while True:
        seen = pump.bell.generation
        found = [_hand_out(pump, tenant, of_tenant) for tenant, of_tenant in waiting.items() if of_tenant]
        if not any(waiting.values()) or time.monotonic() > deadline:
            return
        if wall_ms() - pump.rival_checked_ms > RIVAL_MS:
            pump.rival_checked_ms = wall_ms()
            if pump.own() is not None:
                while pump.turn():
                    continue
                continue
        pause = PAUSE_S_MIN if any(found) else min(pause * 1.5, PAUSE_S_MAX)
        # Where the store tells what others commit, the answer is not waited for in the dark.
        pump.bell.wait(seen, pause)


def _hand_out(pump: Sender, tenant: str, waiting: dict[int, Ticket]) -> bool:
    """Finishes those of a tenant that have an answer; whether there were any."""
    answers = pump.mailbox.answers(tenant, min(waiting), max(waiting))
    for number, answer in answers:
        ticket = waiting.pop(number, None)
        if ticket is None:
            continue
        if "error" in answer:
            ticket.error = error_of(answer)
        else:
            ticket.result = answer.get("result")
        ticket.finish()
    return bool(answers)


def _sendable(request: InHouse) -> AnyRequest:
    assert not isinstance(request, RunBatch | InstallCopy), "it belongs to the owner of the shard"
    if isinstance(request, Asked):
        return msgspec.structs.replace(request, what=_sendable(request.what))
    return request.as_documents() if isinstance(request, InstallCompiled) else request


_ERRORS: Final[dict[str, type[ProcessionError]]] = {
    "NotFound": NotFound,
    "Conflict": Conflict,
    "Outdated": Outdated,
    "Busy": Busy,
    "QuotaExceeded": QuotaExceeded,
    "BadValue": BadValue,
    "StoreError": StoreError,
    "Unreadable": Unreadable,
}


def error_of(answer: dict[str, object]) -> ProcessionError:
    """The exception that an answer from another process stands for."""
    text = str(answer.get("message") or answer.get("error"))
    if answer.get("error") == "Refused":
        return Refused(msgspec.convert(answer.get("diagnostics") or [], known(list[Diagnostic])))
    return _ERRORS.get(cast("str", answer["error"]), ProcessionError)(text)
