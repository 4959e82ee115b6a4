"""The writer: carries out a batch of requests in one commit, then lets the answers out.

If a commit fails, everything that it touched is forgotten and the requests are tried one by one, with what they mean
for other instances as inbox rows: instances never depend on a shared transaction (decision 4). What must not live
here: what a request means (handlers.py) and what a command means (carry.py).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import Final, final

from procession.base.failure import NotFound, ProcessionError, StoreError, Unreadable
from procession.hosts.embedded.asked import foresee
from procession.hosts.embedded.handlers import HANDLERS
from procession.hosts.embedded.residents import Stranded
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import codec
from procession.runtime.ports import Doubtful, Fenced
from procession.runtime.requests import Asked

FOLLOWING_MAX: Final = 2_000
"""Consequences carried out in the commit of their cause; the rest become inbox rows."""
FAILURE_DELAY_MS: Final = 60_000
"""How long a timer rests whose firing met a fault of the engine."""
EARLY_DELAY_MS: Final = 1_000

_LOG: Final = logging.getLogger("procession")


@final
class Broken(ProcessionError):
    """A fault of the engine itself stopped a step. The instance is where it was; `procession show` names the fault."""


@final
class Unsettled(Exception):
    """A commit is durable and told, and what is in memory could not be read anew: the shard is of no use any more."""


def run(shard: Shard, tickets: Sequence[Ticket]) -> None:
    """Carries out requests; each ticket is done afterwards.

    Raises `Fenced`, `Unsettled`, `Doubtful`, or a `StoreError` when not even the memory could be read anew; then some
    tickets are not done, and of what they ask nothing is stored, save that nobody knows after `Doubtful`.
    """
    try:
        _attempt(shard, tickets, alone=False)
    except Fenced:
        shard.forget()
        raise
    except (Unsettled, Doubtful):
        # Of the one it is certain that the batch is stored, of the other it is not known: neither is tried again.
        raise
    except Exception:  # whatever it was: nothing of this batch is durable, so each request is tried by itself
        shard.undo()
        _one_by_one(shard, tickets)


def _attempt(shard: Shard, tickets: Sequence[Ticket], *, alone: bool) -> None:
    shard.begin()
    foresee(shard, [ticket.request for ticket in tickets if type(ticket.request) is Asked])
    answers = [_answer(shard, ticket) for ticket in tickets]
    _follow(shard, alone)
    shard.commit()
    # From here on the batch is durable: nothing may lead to its being tried again.
    for ticket, (result, error) in zip(tickets, answers, strict=True):
        ticket.result = result
        ticket.error = error
    try:
        _settle(shard)
    finally:
        for ticket in tickets:
            ticket.finish()


def _settle(shard: Shard) -> None:
    try:
        shard.settle()
    except Exception as error:  # what is in memory may be wrong, what is stored is right
        if isinstance(error, StoreError):
            _LOG.warning("after a commit, everything is read anew: %s", error)
        else:
            _LOG.exception("a fault of the engine after a commit; everything is read anew")
        try:
            shard.forget()
        except StoreError as again:
            raise Unsettled from again


def _answer(shard: Shard, ticket: Ticket) -> tuple[object, ProcessionError | None]:
    request = ticket.request
    error: ProcessionError | None = None
    result: object = None
    try:
        result = HANDLERS[type(request)](shard, request)
    except StoreError:
        raise
    except ProcessionError as refused:
        error = refused
    if ticket.inbox:
        _answer_inbox(shard, ticket, result, error)
    elif ticket.timer is not None and error is not None:
        timers = shard.batch["timer"]
        if isinstance(error, NotFound):
            timers.delete(ticket.timer[1], ticket.timer)
        else:
            timers.change("timer_delay", (shard.at + EARLY_DELAY_MS, *ticket.timer))
    return result, error


def _answer_inbox(shard: Shard, ticket: Ticket, result: object, error: ProcessionError | None) -> None:
    assert ticket.source is not None
    name, number = ticket.source
    inbox = shard.batch["inbox"]
    if name.startswith(("i:", "r:")):
        inbox.delete(ticket.inbox, (ticket.inbox,))
        return
    inbox.change("inbox_answer", (codec.encode_json(answer_of(result, error)), ticket.inbox))
    if not name.startswith("k:"):
        tenant = ticket.request.tenant
        shard.batch["source"].insert((tenant, name, number), (tenant, name, number, shard.at))


def answer_of(result: object, error: ProcessionError | None) -> object:
    """What an inbox row says to the process that sent the request."""
    if error is None:
        return {"result": result}
    diagnostics = getattr(error, "diagnostics", None)
    return {"error": type(error).__name__, "message": str(error), "diagnostics": diagnostics}


def _follow(shard: Shard, alone: bool) -> None:
    """Carries out what the steps mean for other instances, or stores it for them."""
    count = 0
    following = shard.following
    while following:
        request = following.popleft()
        count += 1
        if alone or count > FOLLOWING_MAX:
            shard.post(request)
            continue
        try:
            HANDLERS[type(request)](shard, request)
        except StoreError:
            raise
        except ProcessionError:
            # The addressee has moved on; what that means for the sender is the handler's business.
            continue


def _one_by_one(shard: Shard, tickets: Sequence[Ticket]) -> None:
    lost: StoreError | None = None
    for ticket in tickets:
        if lost is None:
            try:
                _attempt(shard, [ticket], alone=True)
                continue
            except Fenced:
                shard.forget()
                raise
            except Unsettled:
                raise
            except (Unreadable, Stranded) as error:
                shard.undo()
                _record(shard, ticket, error)
                continue
            except StoreError as error:
                # The store is not usable now; the others would only wait for the same answer.
                lost = error
                shard.undo()
            except Exception as error:  # a bug of ours: this instance stays where it was
                shard.undo()
                _record(shard, ticket, error)
                continue
        ticket.error = lost
        ticket.finish()


def _record(shard: Shard, ticket: Ticket, error: Exception) -> None:
    """Writes down a fault of the engine, so that it can be seen and repaired."""
    where = shard.current
    stranded = isinstance(error, Unreadable | Stranded)
    if stranded:
        where = (error.tenant, error.instance) if isinstance(error, Stranded) else None
        text = str(error)
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
    shard.begin()
    subject = "the request"
    if where is not None and where[1]:
        subject = f"instance {where[1]}"
        shard.batch["failure"].replace(where[1], (*where, shard.at, text))
        shard.failed[where[1]] = text
    if ticket.inbox:
        shard.batch["inbox"].change("inbox_fail", (codec.encode_json({"error": text}), ticket.inbox))
    if ticket.timer is not None:
        shard.batch["timer"].change("timer_delay", (shard.at + FAILURE_DELAY_MS, *ticket.timer))
    cause = "this version cannot go on with" if stranded else "a fault of the engine stopped"
    kind = Unreadable if stranded else Broken
    ticket.error = kind(f"{cause} {subject}, which stays where it was: {text}")
    ticket.error.__cause__ = error
    try:
        shard.commit()
        _settle(shard)
    except Fenced:
        raise
    except StoreError as lost:
        ticket.error = lost
        shard.undo()
    ticket.finish()
