"""The list of instances."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from procession.services.searching import InstanceFilter, Page
from procession.services.views import InstanceView
from procession.web.asking import TheCaller, TheSite
from procession.web.filters import FromQuery, KeyQuery, NameQuery, ToQuery, behind, instant, optional_key, ordered
from procession.web.shapes import After, Key, Limit, Moment, cut, moment


class InstanceItem(msgspec.Struct):
    """An instance. `state` is `active`, `incident` (active, with an open incident), `completed` or `terminated`."""

    key: Key
    process_id: str
    version: int
    state: str
    started: Moment
    ended: Moment | None
    business_key: str
    parent: Key | None
    root: Key
    suspended: bool
    failure: str


class Instances(msgspec.Struct):
    """A page of instances."""

    items: list[InstanceItem]
    next: str | None


@get("/instances")
async def list_instances(
    *,
    caller: TheCaller,
    site: TheSite,
    process_id: NameQuery = "",
    version: Annotated[int, QueryParameter(ge=0, le=1 << 31, description="Those that run this version.")] = 0,
    definition: KeyQuery = None,
    instance_state: Annotated[
        str,
        QueryParameter(
            name="state", description="`active`, `incident`, `suspended` (also active), `completed`, `terminated`."
        ),
    ] = "",
    business_key: NameQuery = "",
    parent: KeyQuery = None,
    root: KeyQuery = None,
    has_incident: Annotated[bool | None, QueryParameter(description="Those with an open incident, or without.")] = None,
    started_from: FromQuery = None,
    started_to: ToQuery = None,
    ended_from: FromQuery = None,
    ended_to: ToQuery = None,
    order: Annotated[
        str | None,
        QueryParameter(
            description="`started` or `ended` (those that have), the last first with a `-`. Instances that ended in a "
            "range are always in the order of their ends. Without it the last come first."
        ),
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> Instances:
    """Instances for which everything holds that is asked for. `root` means all that it called, directly or not."""
    caller.need("instances:read")
    ended = (instant(ended_from), instant(ended_to))
    order = order or ("-ended" if ended != (None, None) else "-started")
    by, descending = ordered(order)
    which = InstanceFilter(
        process_id=process_id,
        version=version,
        definition=optional_key(definition),
        state=instance_state,
        business_key=business_key,
        parent=optional_key(parent),
        root=optional_key(root),
        has_incident=has_incident,
        started=(instant(started_from), instant(started_to)),
        ended=ended,
        processes=caller.within("instances:read"),
    )
    page = Page(order=by, descending=descending, after=behind(after, order), limit=limit + 1)
    found = await site.backend.read(caller.tenant, lambda reader: reader.search.instances(caller.tenant, which, page))
    rows, following = cut(
        found, limit, lambda view: (order, (view.ended if by == "ended" else view.started) or 0, view.key)
    )
    return Instances([shaped(view) for view in rows], following)


def shaped(view: InstanceView) -> InstanceItem:
    """An instance as lists show it."""
    return InstanceItem(
        key=str(view.key),
        process_id=view.process_id,
        version=view.version,
        state=view.state,
        started=moment(view.started),
        ended=moment(view.ended) if view.ended is not None else None,
        business_key=view.business_key,
        parent=str(view.parent) if view.parent else None,
        root=str(view.root),
        suspended=view.suspended,
        failure=view.failure,
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (list_instances,)
