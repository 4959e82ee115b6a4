"""Streams of what happens: the facts of one instance, or of all instances of the tenant, as they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.services.access import Caller
from procession.services.following import Following
from procession.services.histories import Entry
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web import streams
from procession.web.asking import TheCaller, TheSite, seen
from procession.web.shapes import KEY_MAX, Key, KeyPath, Moment, key_of, moment, plain_fields, texts
from procession.web.site import Site

QUIET_S: Final = 0.05
"""Shortest time between two looks at an instance: what happens meanwhile is one look."""
LOOK_S: Final = 1.0
STEPS: Final = 200
"""Steps of an instance that are read at a time."""
_OPEN: Final = streams.Streams()

LastEventId = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", max_length=60, description="The `id` of the last event: go on behind it."),
]
Kinds = Annotated[
    list[str] | None, QueryParameter(name="type", max_items=100, description="Facts of these kinds alone.")
]


class Event(msgspec.Struct):
    """The data of an event: one fact. `element_id` is the element or the flow that it is about."""

    instance: Key
    process_id: str
    seq: int
    at: Moment
    kind: str
    element: Key | None
    element_id: str
    fact: dict[str, Json]


@get("/events", media_type="text/event-stream")
async def tenant_events(
    *,
    caller: TheCaller,
    site: TheSite,
    type: Kinds = None,
    process_id: Annotated[list[str] | None, QueryParameter(max_items=100, description="Of these processes.")] = None,
    last_event_id: LastEventId = None,
) -> Stream:
    """What happens in the tenant, from now on, or behind the event that `Last-Event-ID` names, as far as it is kept.

    The id of an event is `number:place`; the number is that of the feed."""
    caller.need("instances:read")
    _OPEN.admit(caller.tenant)
    wanted = frozenset(texts(process_id or ())) or None
    within = caller.within("instances:read")
    if within is not None:
        wanted = within if wanted is None else wanted & within
    if last_event_id is None:
        number = await site.backend.read(caller.tenant, lambda reader: reader.views.last_news(caller.tenant))
        place = (number, -1)
        number += 1
    else:
        place = _place(last_event_id)
        number = place[0]
    # The news of one number may be half told: they are read again, and what was told is left out.
    source = _followed(site, caller, (number - 1, place), (frozenset(texts(type or ())), wanted))
    return streams.answer(_OPEN.kept(caller.tenant, source))


@get("/instances/{key:str}/events", media_type="text/event-stream")
async def instance_events(
    key: KeyPath, *, caller: TheCaller, site: TheSite, type: Kinds = None, last_event_id: LastEventId = None
) -> Response[Any]:
    """What happened and happens in an instance, from its start, or behind the event that `Last-Event-ID` names; ends
    with an event `end`. The id of an event is `seq:place`. 204 tells that nothing comes any more."""
    caller.need("instances:read")
    _OPEN.admit(caller.tenant)
    number = key_of(key, "instance")
    view, last = await site.backend.read(caller.tenant, lambda reader: _seen(reader, caller, number))
    place = _place(last_event_id) if last_event_id is not None else (0, -1)
    if view.ended is not None and place[0] > last:
        return Response(None, status_code=204)
    source = _told(site, caller, (number, place), frozenset(texts(type or ())))
    return streams.answer(_OPEN.kept(caller.tenant, source))


async def _followed(
    site: Site,
    caller: Caller,
    begin: tuple[int, tuple[int, int]],
    wanted: tuple[frozenset[str], frozenset[str] | None],
) -> AsyncIterator[bytes]:
    """Events of the tenant behind a number of the feed and a place in it."""
    following = Following(caller.tenant)
    after, place = begin
    kinds, processes = wanted
    number, at = 0, 0
    async for news in site.backend.news(caller.tenant, after):
        asked = partial(following.entries, instance=news.instance, first=news.first, last=news.last)
        heard = await site.backend.read(caller.tenant, asked)
        if news.number != number:
            number, at = news.number, 0
        for entry in heard.entries:
            here = (number, at)
            at += 1
            fits = (not kinds or entry.kind in kinds) and (processes is None or heard.process_id in processes)
            if fits and here > place:
                yield _event(here, news.instance, heard.process_id, entry)


async def _told(
    site: Site, caller: Caller, begin: tuple[int, tuple[int, int]], kinds: frozenset[str]
) -> AsyncIterator[bytes]:
    """Events of an instance behind a step and a place in it, up to its end."""
    instance, place = begin
    following = Following(caller.tenant)
    seen, first = 0, max(1, place[0])
    while True:
        moved = await site.backend.moved(caller.tenant, seen, LOOK_S)
        view, last = await site.backend.read(caller.tenant, lambda reader: _seen(reader, caller, instance))
        while first <= last:
            upto = min(last, first + STEPS - 1)
            asked = partial(following.entries, instance=instance, first=first, last=upto)
            heard = await site.backend.read(caller.tenant, asked)
            seq, at = 0, 0
            for entry in heard.entries:
                at = at + 1 if entry.seq == seq else 0
                seq = entry.seq
                if (seq, at) > place and (not kinds or entry.kind in kinds):
                    yield _event((seq, at), instance, heard.process_id, entry)
            first = upto + 1
        if view.ended is not None:
            # Behind every step, so that who comes back with it is told that this was all.
            yield streams.event(f"{last + 1}:0", "end", {})
            return
        if moved != seen:
            await asyncio.sleep(QUIET_S)
        seen = moved


def _seen(reader: Reader, caller: Caller, instance: int) -> tuple[InstanceView, int]:
    """An instance that the caller may see, and the number of its last step. The view is read first: an end that it
    shows is in the steps."""
    view = seen(reader, caller, instance, "instances:read")
    return view, reader.views.last_step(caller.tenant, instance)


def _event(place: tuple[int, int], instance: int, process_id: str, entry: Entry) -> bytes:
    data = Event(
        instance=str(instance),
        process_id=process_id,
        seq=entry.seq,
        at=moment(entry.at),
        kind=entry.kind,
        element=str(entry.element) if entry.element else None,
        element_id=entry.element_id,
        fact=plain_fields(entry.fact),
    )
    return streams.event(f"{place[0]}:{place[1]}", entry.kind, data)


def _place(text: str) -> tuple[int, int]:
    number, _, place = text.partition(":")
    if not (number.isascii() and number.isdigit() and place.isascii() and place.isdigit()) or len(text) > 40:
        raise BadValue("Last-Event-ID must be the id of an event of this stream")
    if int(number) > KEY_MAX or int(place) > KEY_MAX:
        raise BadValue("Last-Event-ID must be the id of an event of this stream")
    return int(number), int(place)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (tenant_events, instance_events)
