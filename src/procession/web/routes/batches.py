"""Batches: doing something to every instance that a filter means."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, NotFound
from procession.base.values import Json
from procession.runtime import batches as b
from procession.runtime import codec
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.batches import BatchView
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.filters import instant, optional_key
from procession.web.openapi import EXAMPLE
from procession.web.shapes import After, Key, KeyPath, Limit, Moment, cut, key_behind, key_of, moment
from procession.web.site import Site

INSTANCES_MAX: Final = 10_000
NEEDED: Final[dict[type[b.AnyAction], str]] = {
    b.CancelEach: "instances:change",
    b.ResolveEach: "incidents:resolve",
    b.RetryEach: "incidents:resolve",
    b.MigrateEach: "instances:change",
    b.SuspendEach: "instances:change",
    b.ResumeEach: "instances:change",
    b.ModifyEach: "instances:change",
    b.MoveEach: "instances:change",
}
"""What an action needs beside `batches:write`: what it would need for one instance."""
STEERED: Final = {"pause": 1, "resume": 0, "cancel": 3}


class BatchFilter(msgspec.Struct, forbid_unknown_fields=True):
    """Active instances for which all of this holds. `element` is the id of an active element, `incident` the code of an
    open incident; `instances` names some by key; `host` is where they run."""

    process_id: str = ""
    version: int = 0
    state: Literal["", "incident", "suspended"] = ""
    element: str = ""
    incident: str = ""
    business_key: str = ""
    started_from: datetime | None = None
    started_to: datetime | None = None
    instances: list[Key] = []
    host: Literal["", "here", "temporal"] = ""


class NewBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A batch to start. `action` names what is done: `cancel`, `resolve`, `retry`, `migrate`, `suspend`, `resume`,
    `modify` or `move`, each with its own fields."""

    filter: BatchFilter
    action: b.AnyAction


class Made(msgspec.Struct):
    """The key of what was made."""

    key: Key


class Batch(msgspec.Struct):
    """A batch. `seen` instances were looked at, of which `done` were treated and `failed` could not be; of `awaited`
    ones another host has not told yet."""

    key: Key
    at: Moment
    state: str
    seen: int
    done: int
    failed: int
    awaited: int
    filter: dict[str, Json]
    action: dict[str, Json]


class Batches(msgspec.Struct):
    """A page of batches."""

    items: list[Batch]
    next: str | None


class BatchError(msgspec.Struct):
    """An instance that a batch could not treat, and why."""

    instance: Key
    text: str


class BatchErrors(msgspec.Struct):
    """A page of what a batch could not do."""

    items: list[BatchError]
    next: str | None


@post("/batches", status_code=201, opt={EXAMPLE: {"filter": {"process_id": "order"}, "action": {"action": "cancel"}}})
async def start_batch(
    data: JSONBody[NewBatch], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Made:
    """Starts a batch: it walks over the instances in the background, and can be paused and cancelled."""
    which = _which(data.filter)
    caller.need("batches:write", which.process_id)
    caller.need(NEEDED[type(data.action)], which.process_id)
    if not which.process_id:
        caller.need_everywhere("batches:write")
        caller.need_everywhere(NEEDED[type(data.action)])
    request = q.StartBatch(caller.tenant, which, data.action)
    key = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(key, int)
    return Made(str(key))


@get("/batches")
async def list_batches(caller: TheCaller, site: TheSite, limit: Limit = 100, after: After = None) -> Batches:
    """Batches, the oldest first."""
    caller.need("batches:read")
    first = key_behind(after)
    found = await site.backend.read(
        caller.tenant, lambda reader: reader.batches.listed(caller.tenant, first, limit + 1)
    )
    rows, following = cut(found, limit, lambda view: (view.key,))
    return Batches([_shaped(view) for view in rows if _sees(caller, view)], following)


@get("/batches/{key:str}")
async def get_batch(key: KeyPath, caller: TheCaller, site: TheSite) -> Batch:
    """A batch, and how far it is."""
    caller.need("batches:read")
    return _shaped(await _one(site, caller, key))


@get("/batches/{key:str}/errors")
async def list_errors(
    key: KeyPath, *, caller: TheCaller, site: TheSite, limit: Limit = 100, after: After = None
) -> BatchErrors:
    """What a batch could not do."""
    caller.need("batches:read")
    view = await _one(site, caller, key)
    first = key_behind(after)
    found = await site.backend.read(
        caller.tenant, lambda reader: reader.batches.errors(caller.tenant, view.key, first, limit + 1)
    )
    rows, following = cut(found, limit, lambda error: (error.instance,))
    return BatchErrors([BatchError(str(error.instance), error.text) for error in rows], following)


@post("/batches/{key:str}/pause", status_code=204)
async def pause_batch(key: KeyPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Lets a running batch stand still."""
    await _steer(site, caller, (key, "pause"), idempotency_key)


@post("/batches/{key:str}/resume", status_code=204)
async def resume_batch(key: KeyPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Lets a paused batch go on."""
    await _steer(site, caller, (key, "resume"), idempotency_key)


@post("/batches/{key:str}/cancel", status_code=204)
async def cancel_batch(key: KeyPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Ends a batch. What it did stays done."""
    await _steer(site, caller, (key, "cancel"), idempotency_key)


@post("/batches/{key:str}/revert", status_code=201)
async def revert_batch(key: KeyPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> Made:
    """Stops a batch of moves, and starts one that moves back what it moved."""
    caller.need("batches:write")
    view = await _one(site, caller, key, "batches:write")
    caller.need(NEEDED[b.MoveEach], view.which.process_id)
    if not view.which.process_id:
        caller.need_everywhere(NEEDED[b.MoveEach])
    request = q.RevertBatch(caller.tenant, view.key)
    found = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(found, int)
    return Made(str(found))


async def _steer(site: Site, caller: Caller, what: tuple[str, str], key: str | None) -> None:
    caller.need("batches:write")
    view = await _one(site, caller, what[0], "batches:write")
    request = q.SteerBatch(caller.tenant, view.key, STEERED[what[1]])
    await site.backend.ask(request, who(caller, key, request))


async def _one(site: Site, caller: Caller, key: str, permission: str = "batches:read") -> BatchView:
    number = key_of(key, "batch")
    view = await site.backend.read(caller.tenant, lambda reader: reader.batches.one(caller.tenant, number))
    if not _sees(caller, view, permission):
        raise NotFound(f"no batch {number}")
    return view


def _sees(caller: Caller, view: BatchView, permission: str = "batches:read") -> bool:
    within = caller.within(permission)
    return within is None or view.which.process_id in within


def _which(given: BatchFilter) -> b.Filter:
    if len(given.instances) > INSTANCES_MAX:
        raise BadValue(f"a filter names at most {INSTANCES_MAX} instances")
    return b.Filter(
        process_id=given.process_id,
        version=given.version,
        state=given.state,
        element=given.element,
        incident=given.incident,
        business_key=given.business_key,
        started_from=instant(given.started_from) or 0,
        started_to=instant(given.started_to) or 0,
        instances=tuple(optional_key(key) for key in given.instances),
        host=given.host,
    )


def _shaped(view: BatchView) -> Batch:
    which = codec.decode_variables(codec.encode_json(view.which))
    for name in ("started_from", "started_to"):
        time = which.get(name)
        if isinstance(time, int):
            which[name] = moment(time)
    if view.which.instances:
        which["instances"] = [str(key) for key in view.which.instances]
    action = codec.decode_variables(codec.encode_json(view.action))
    if "reverts" in action:
        action["reverts"] = str(action["reverts"])
    return Batch(
        key=str(view.key),
        at=moment(view.at),
        state=view.state,
        seen=view.seen,
        done=view.done,
        failed=view.failed,
        awaited=view.awaited,
        filter=which,
        action=action,
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    start_batch,
    list_batches,
    get_batch,
    list_errors,
    pause_batch,
    resume_batch,
    cancel_batch,
    revert_batch,
)
