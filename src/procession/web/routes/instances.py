"""Instances: starting them, one or many, and what one is now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, Literal, final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json, Variables
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web.asking import Idempotent, TheCaller, TheSite, visible, who
from procession.web.envelope import traceparent
from procession.web.openapi import EXAMPLE
from procession.web.problems import Problem, problem_of
from procession.web.routes import definitions
from procession.web.shapes import Key, KeyPath, Moment, Text, VariablesBody, key_of, moment, texts, variables_in
from procession.web.site import Site
from procession.web.turns import step_aside
from procession.web.waiting import until_ended, wait_ms

MANY_MAX: Final = 1_000
Version = Annotated[int, msgspec.Meta(ge=1, lt=1 << 31)]
Names = Annotated[
    list[str] | None,
    QueryParameter(
        description="The variables that are wanted: names, repeated or with commas between them. Default: all."
    ),
]
Wait = Annotated[
    int | None, QueryParameter(name="wait_ms", ge=0, le=600_000, description="Wait for its end, at most so many ms.")
]
Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", max_length=200, description="`wait=5` (s) waits as `wait_ms` does (RFC 7240)."),
]


@final
class StartIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to start: a process by its id, in the latest version or in `version`, or a `definition` by its key."""

    process_id: Text | None = None
    definition: Key | None = None
    version: Version | None = None
    variables: VariablesBody = {}
    business_key: Text = ""


@final
class One(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is an instance's own, of many that start together."""

    variables: VariablesBody = {}
    business_key: Text = ""


@final
class StartManyIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Instances of one process that start together."""

    process_id: Text
    instances: Annotated[list[One], msgspec.Meta(min_length=1, max_length=MANY_MAX)]
    version: Version | None = None


@final
class Started(msgspec.Struct, frozen=True):
    """An instance that was started. `state`, `ended` and `variables` are told to who waits for its end."""

    key: Key
    state: str | None = None
    ended: Moment | None = None
    variables: dict[str, Json] | None = None


@final
class StartedOne(msgspec.Struct, frozen=True):
    """One of many: its key, or why it was not started."""

    key: Key | None = None
    problem: Problem | None = None


@final
class StartedMany(msgspec.Struct, frozen=True):
    """In the order of what was asked."""

    items: list[StartedOne]


@final
class InstanceOut(msgspec.Struct, frozen=True):
    """An instance. `incident` is the state of an active one that waits for an incident to be resolved; `parent` is the
    instance that called it, `root` the first of all; `failure` names a fault of the engine that stopped it."""

    key: Key
    process_id: str
    version: int
    state: Literal["active", "incident", "completed", "terminated"]
    suspended: bool
    business_key: str
    started: Moment
    ended: Moment | None
    parent: Key | None
    root: Key | None
    failure: str


@final
class VariablesOut(msgspec.Struct, frozen=True):
    """Variables by name."""

    variables: dict[str, Json]


@post(
    "/instances",
    status_code=201,
    opt={EXAMPLE: {"process_id": "invoice", "variables": {"amount": 12.5}, "business_key": "2026-117"}},
    responses={
        200: ResponseSpec(Started, description="It has ended: asked with a time to wait."),
        202: ResponseSpec(Started, description="It was started, and has not ended in the time to wait."),
    },
)
async def start_instance(
    data: JSONBody[StartIn],
    request: Request[object, object, State],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
    *,
    wait: Wait = None,
    prefer: Prefer = None,
    fetch_variables: Names = None,
) -> Response[Started]:
    """Starts an instance, and waits for its end if asked to.

    201 tells that it is started and stored. With `wait_ms`, or `Prefer: wait=` in seconds, 200 tells its end and its
    variables, 202 what it is when the time is over: it goes on."""
    ms = wait_ms(site, wait, prefer)
    asked = await _start(site, caller, data, traceparent(request.scope))
    key = await site.backend.ask(asked, who(caller, idempotency_key, asked))
    assert isinstance(key, int)
    headers = {"Location": f"/v1/instances/{key}"}
    if ms is None:
        return Response(Started(str(key)), status_code=201, headers=headers)
    if wait is None:
        headers["Preference-Applied"] = f"wait={ms // 1000}"
    step_aside(request.scope)
    found, variables = await until_ended(
        site, caller.tenant, key, ms, lambda reader: chosen(reader.variables(caller.tenant, key), fetch_variables)
    )
    ended = moment(found.ended) if found.ended is not None else None
    started = Started(str(key), found.state, ended, variables)
    return Response(started, status_code=200 if ended is not None else 202, headers=headers)


async def _start(site: Site, caller: Caller, data: StartIn, trace: str) -> q.StartProcess:
    values = variables_in(data.variables)
    if (data.process_id is None) is (data.definition is None):
        raise BadValue("name what to start: either process_id or definition")
    if data.process_id is not None:
        caller.need("instances:start", data.process_id)
        return q.StartProcess(caller.tenant, data.process_id, values, data.version or 0, data.business_key, trace=trace)
    if data.version is not None:
        raise BadValue("a definition is one version: leave version out")
    permission = "instances:start"
    caller.need(permission)
    number = key_of(data.definition or "", "definition")
    row = await site.backend.read(caller.tenant, lambda reader: definitions.theirs(reader, caller, number, permission))
    return q.StartProcess(
        caller.tenant, row.process_id, values, business_key=data.business_key, definition=number, trace=trace
    )


@post(
    "/instances/many",
    status_code=200,
    opt={EXAMPLE: {"process_id": "invoice", "instances": [{"variables": {"amount": 1}}, {"business_key": "2026-118"}]}},
)
async def start_instances(
    data: JSONBody[StartManyIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> StartedMany:
    """Starts many instances of one process; they share commits. Each is started, or told why not."""
    caller.need("instances:start", data.process_id)
    asked = [
        q.StartProcess(caller.tenant, data.process_id, variables_in(one.variables), data.version or 0, one.business_key)
        for one in data.instances
    ]
    # Each has a key of its own: what was started before a loss of power is not started again.
    keys = [None if idempotency_key is None else f"{idempotency_key}\0{at}" for at in range(len(asked))]
    found = await asyncio.gather(
        *(site.backend.ask(each, who(caller, key, each)) for each, key in zip(asked, keys, strict=True)),
        return_exceptions=True,
    )
    return StartedMany([_one(each) for each in found])


def _one(found: object) -> StartedOne:
    if isinstance(found, ProcessionError):
        return StartedOne(problem=problem_of(found, ""))
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, int)
    return StartedOne(str(found))


@get("/instances/{key:str}")
async def get_instance(key: KeyPath, caller: TheCaller, site: TheSite) -> InstanceOut:
    """Gives an instance."""
    number = key_of(key, "instance")
    return await visible(site, caller, number, lambda _, found: shown(found))


@get("/instances/{key:str}/variables")
async def get_instance_variables(
    key: KeyPath,
    caller: TheCaller,
    site: TheSite,
    element: Annotated[
        str | None,
        QueryParameter(
            max_length=4_000,
            description="What an element instance sees, by its key, or by the id of an element that is active once.",
        ),
    ] = None,
    names: Names = None,
) -> VariablesOut:
    """Gives the variables of the process's own scope, or all that an element instance sees."""
    number = key_of(key, "instance")

    def found(reader: Reader, _: InstanceView) -> VariablesOut:
        at = element_of(reader, caller, number, element)
        return VariablesOut(chosen(reader.variables(caller.tenant, number, at), names))

    return await visible(site, caller, number, found)


def element_of(reader: Reader, caller: Caller, instance: int, element: str | None) -> int:
    """The element instance that is meant by its key, or by the id of an element; 0 for none given."""
    if not element:
        return 0
    if element.isascii() and element.isdigit():
        return key_of(element, "element instance")
    return reader.element(caller.tenant, instance, element)


def chosen(variables: Variables, names: Sequence[str] | None) -> Variables:
    """Some of the variables; all for no names."""
    if not names:
        return variables
    wanted = texts(names)
    return {name: variables[name] for name in wanted if name in variables}


def shown(found: InstanceView) -> InstanceOut:
    """An instance as JSON shows it."""
    return InstanceOut(
        str(found.key),
        found.process_id,
        found.version,
        found.state,
        found.suspended,
        found.business_key,
        moment(found.started),
        moment(found.ended) if found.ended is not None else None,
        str(found.parent) if found.parent else None,
        str(found.root) if found.root else None,
        found.failure,
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    start_instance,
    start_instances,
    get_instance,
    get_instance_variables,
)
