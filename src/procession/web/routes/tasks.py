"""User tasks: the list of them, and what people do with one."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Response, get, patch, post
from litestar.params import HeaderParameter, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import Conflict, NotFound, Outdated
from procession.base.values import Json
from procession.core import events as e
from procession.runtime import requests as q
from procession.services.access import Caller, Forbidden, works_task
from procession.services.backend import Who
from procession.services.searching import FoundTask, Page, TaskFilter, place_of_task, sight_of
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.filters import FromQuery, KeyQuery, NameQuery, ToQuery, behind, instant, optional_key, ordered
from procession.web.openapi import EXAMPLE
from procession.web.shapes import After, Key, KeyPath, Limit, Moment, cut, key_of, moment, texts, variables_in
from procession.web.site import Site

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The ETag of the task as it was read: another one is refused (412)."),
]


class Task(msgspec.Struct):
    """An open user task. `attributes` are those that have no field of their own: forms, lanes."""

    key: Key
    instance: Key
    process_id: str
    element_id: str
    created: Moment
    assignee: str | None
    candidate_users: list[str]
    candidate_groups: list[str]
    priority: int
    due: Moment | None
    follow_up: Moment | None
    attributes: dict[str, Json]


class Tasks(msgspec.Struct):
    """A page of open tasks."""

    items: list[Task]
    next: str | None


class Completing(msgspec.Struct, forbid_unknown_fields=True):
    """What a person gives with the end of a task."""

    variables: dict[str, Json] = {}


class TaskChanges(msgspec.Struct, forbid_unknown_fields=True):
    """Attributes to change; null takes one away, what is left out stays."""

    assignee: str | msgspec.UnsetType | None = msgspec.UNSET
    candidate_users: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    candidate_groups: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    due: str | msgspec.UnsetType | None = msgspec.UNSET
    follow_up: str | msgspec.UnsetType | None = msgspec.UNSET
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] | msgspec.UnsetType | None = msgspec.UNSET


_OWN: Final = frozenset({"assignee", "candidate_users", "candidate_groups", "due", "follow_up", "priority"})


@get("/tasks")
async def list_tasks(
    *,
    caller: TheCaller,
    site: TheSite,
    assignee: NameQuery = "",
    unassigned: Annotated[bool, QueryParameter(description="Those that nobody has.")] = False,
    candidate_user: NameQuery = "",
    candidate_group: Annotated[
        list[str] | None, QueryParameter(max_items=100, description="Those that one of these groups may take.")
    ] = None,
    element_id: NameQuery = "",
    process_id: NameQuery = "",
    instance: KeyQuery = None,
    priority_from: Annotated[int | None, QueryParameter(ge=0, le=100, description="At least this.")] = None,
    priority_to: Annotated[int | None, QueryParameter(ge=0, le=100, description="At most this.")] = None,
    created_from: FromQuery = None,
    created_to: ToQuery = None,
    due_from: FromQuery = None,
    due_to: ToQuery = None,
    follow_up_from: FromQuery = None,
    follow_up_to: ToQuery = None,
    order: Annotated[
        str, QueryParameter(description="`created`, `priority`, `due` or `follow_up`; the last first with a `-`.")
    ] = "created",
    limit: Limit = 100,
    after: After = None,
) -> Tasks:
    """Open user tasks for which everything holds that is asked for.

    Who may not oversee all tasks sees those that are theirs, those that they or their groups are candidates for, and
    those without candidates that nobody has."""
    caller.need("tasks:read")
    by, descending = ordered(order)
    which = TaskFilter(
        assignee=assignee,
        unassigned=unassigned,
        candidate_user=candidate_user,
        candidate_groups=texts(candidate_group or ()),
        element_id=element_id,
        process_id=process_id,
        instance=optional_key(instance),
        priority=(priority_from, priority_to),
        created=(instant(created_from), instant(created_to)),
        due=(instant(due_from), instant(due_to)),
        follow_up=(instant(follow_up_from), instant(follow_up_to)),
        sight=sight_of(caller),
        processes=caller.within("tasks:read"),
    )
    page = Page(order=by, descending=descending, after=behind(after, order), limit=limit + 1)
    found = await site.backend.read(caller.tenant, lambda reader: reader.search.tasks(caller.tenant, which, page))
    rows, following = cut(found, limit, lambda task: (order, place_of_task(task, by), task.key))
    return Tasks([shaped(task) for task in rows], following)


@get("/tasks/{key:str}")
async def get_task(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[Task]:
    """An open user task."""
    caller.need("tasks:read")
    return _answer(await seen_task(site, caller, key))


@post("/tasks/{key:str}/complete", status_code=204, opt={EXAMPLE: {"variables": {"approved": True}}})
async def complete_task(
    key: KeyPath,
    data: JSONBody[Completing],
    *,
    caller: TheCaller,
    site: TheSite,
    if_match: IfMatch = None,
    idempotency_key: Idempotent = None,
) -> None:
    """Completes a task. It must be the caller's, or nobody's that they may take."""
    caller.need("tasks:work")
    event = e.CompleteTask(key_of(key, "task"), variables_in(data.variables))
    bare = q.TaskEvent(caller.tenant, event.element, event)
    asks = who(caller, idempotency_key, bare)
    try:
        task = await seen_task(site, caller, key)
    except NotFound as missing:
        if idempotency_key is None:
            raise
        await _again(site, bare, asks, missing)
        return
    if not works_task(caller, task, task.process_id):
        raise Forbidden("this task is for others, or somebody else has it")
    version = _version(task, if_match, idempotency_key)
    await site.backend.ask(q.TaskEvent(caller.tenant, task.key, event, version), asks)


@post("/tasks/{key:str}/claim", status_code=204)
async def claim_task(
    key: KeyPath, *, caller: TheCaller, site: TheSite, if_match: IfMatch = None, idempotency_key: Idempotent = None
) -> None:
    """Makes the task the caller's. Refused with 409 when somebody else has it, were it since a moment ago."""
    caller.need("tasks:work")
    if not caller.user:
        raise Forbidden("only a person can have a task, and who asks is none")
    task = await seen_task(site, caller, key)
    if not task.assignee and not works_task(caller, task, task.process_id):
        raise Forbidden("this task is for others")
    if task.assignee and task.assignee != caller.user:
        raise Conflict(f"task {task.key} is somebody else's")
    if task.assignee:
        return
    _version(task, if_match, None)
    request = q.TaskEvent(caller.tenant, task.key, e.AssignTask(task.key, caller.user), task.version)
    await site.backend.ask(request, who(caller, idempotency_key, request))


@post("/tasks/{key:str}/unclaim", status_code=204)
async def unclaim_task(
    key: KeyPath, *, caller: TheCaller, site: TheSite, if_match: IfMatch = None, idempotency_key: Idempotent = None
) -> None:
    """Gives the task back: nobody has it then."""
    caller.need("tasks:work")
    task = await seen_task(site, caller, key)
    if not task.assignee:
        return
    if not caller.may("tasks:assign", task.process_id) and (not caller.user or task.assignee != caller.user):
        raise Forbidden("only who has a task, or assigns tasks, can give it back")
    _version(task, if_match, None)
    request = q.TaskEvent(caller.tenant, task.key, e.AssignTask(task.key, ""), task.version)
    await site.backend.ask(request, who(caller, idempotency_key, request))


@patch("/tasks/{key:str}", opt={EXAMPLE: {"assignee": "anna", "priority": 70}})
async def change_task(
    key: KeyPath,
    data: JSONBody[TaskChanges],
    *,
    caller: TheCaller,
    site: TheSite,
    if_match: IfMatch = None,
    idempotency_key: Idempotent = None,
) -> Response[Task]:
    """Gives the task to somebody, or changes who may take it, when it is due and how urgent it is."""
    task = await seen_task(site, caller, key)
    caller.need("tasks:assign", task.process_id)
    version = _version(task, if_match, idempotency_key)
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(data).items()
        if name != "assignee" and value is not msgspec.UNSET
    }
    wanted: list[e.AnyEvent] = []
    if changes:
        wanted.append(e.UpdateTask(task.key, changes))
    if data.assignee is not msgspec.UNSET:
        wanted.append(e.AssignTask(task.key, data.assignee or ""))
    for number, event in enumerate(wanted):
        name = idempotency_key and f"{idempotency_key}:{number}"
        asks = who(caller, name, q.TaskEvent(caller.tenant, task.key, event))
        await site.backend.ask(q.TaskEvent(caller.tenant, task.key, event, version), asks)
        version = ""
    return _answer(await seen_task(site, caller, key))


def shaped(task: FoundTask) -> Task:
    """A task as the API shows it."""
    return Task(
        key=str(task.key),
        instance=str(task.instance),
        process_id=task.process_id,
        element_id=task.element_id,
        created=moment(task.created),
        assignee=task.assignee or None,
        candidate_users=sorted(task.names("candidate_users")),
        candidate_groups=sorted(task.names("candidate_groups")),
        priority=task.priority,
        due=moment(task.due) if task.due is not None else None,
        follow_up=moment(task.follow_up) if task.follow_up is not None else None,
        attributes={name: value for name, value in task.attributes.items() if name not in _OWN},
    )


async def _again(site: Site, request: q.TaskEvent, asks: Who, missing: NotFound) -> None:
    """A task that was completed is not there to be looked at: asked again, the key alone tells. Raises `missing`.

    No task has this version, so that one which is there, and is not theirs to see, stays as it is."""
    try:
        await site.backend.ask(q.TaskEvent(request.tenant, request.task, request.event, "none"), asks)
    except Conflict:
        raise missing from None


async def seen_task(site: Site, caller: Caller, key: str) -> FoundTask:
    """A task that the caller may see. Raises `NotFound` for any other, as if it were not there."""
    number = key_of(key, "task")
    which = TaskFilter(key=number, sight=sight_of(caller), processes=caller.within("tasks:read"))
    page = Page(order="created", limit=1)
    found = await site.backend.read(caller.tenant, lambda reader: reader.search.tasks(caller.tenant, which, page))
    if not found:
        raise NotFound(f"user task {number} is not open")
    return found[0]


def _version(task: FoundTask, if_match: str | None, key: str | None) -> str:
    """The version that the task must still have when it is changed, "" for any. Raises `Outdated` where it has another
    one, unless it was perhaps the same request that changed it."""
    named = (if_match or "*").strip().removeprefix("W/").strip('"')
    if named == "*":
        return ""
    if named != task.version and key is None:
        raise Outdated("the task is no longer what If-Match names: read it again")
    return named


def _answer(task: FoundTask) -> Response[Task]:
    return Response(shaped(task), headers={"etag": f'"{task.version}"'})


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    list_tasks,
    get_task,
    complete_task,
    claim_task,
    unclaim_task,
    change_task,
)
