"""Searches: instances, tasks and incidents by any combination of the filters that the API documents. Reads only.

The filter that leaves least drives the search, by an index; the others are conditions beside it. What must not live
here: SQL, and who may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import HELD, DefinitionRow, IncidentRow, InstanceRow, IntRow
from procession.runtime.rows_of_server import FoundInstanceRow, FoundTaskRow
from procession.runtime.search import Condition, Search
from procession.services.access import Caller, names_in
from procession.services.views import STATES, IncidentView, InstanceState, InstanceView, Views

TASK_ORDERS: Final = ("created", "priority", "due", "follow_up")
INSTANCE_ORDERS: Final = ("started", "ended")
_STATES: Final[dict[str, tuple[int, ...]]] = {
    "": (0, 1, 2),
    "active": (0,),
    "incident": (0,),
    "suspended": (0,),
    "completed": (1,),
    "terminated": (2,),
}
"""State as it is listed -> states of rows."""
MANY: Final = 5_000
"""Tasks of one candidate that are too many to be looked up beforehand."""
SPARSE: Final = frozenset({"due", "follow_up"})
"""Orders by what many tasks have not: all those have one place."""
_NONE: Final[Condition] = ("task_none", ())


class _Each(NamedTuple):
    """How candidates are looked for: each task is asked for its own ("_each"), those of a candidate drive the search
    (""), or they are looked up at once and held against what another index drives ("_apart")."""

    user: str
    groups: str
    sight: str


class _Narrow(NamedTuple):
    """What leaves few instances: the source of a search that it drives, its condition there, and beside another one."""

    source: str
    driving: Condition
    beside: Condition


@final
class Page(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Which part of what is found. `after` is the (value, key) of the last one before, empty at the start."""

    order: str
    descending: bool = False
    after: tuple[int, int] | tuple[()] = ()
    limit: int = 100


@final
class Sight(msgspec.Struct, frozen=True, gc=False):
    """What of the open tasks somebody sees: those of `user`, those that the user or one of the groups may take, and all
    of the processes that are `overseen`."""

    user: str
    groups: tuple[str, ...]
    overseen: frozenset[str] = frozenset()


@final
class TaskFilter(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Open tasks for which all of this holds; what is None, "", 0 or empty does not matter.

    Ranges are Unix ms without their end; those of the priority include it. `processes` are those that may be seen."""

    key: int = 0
    assignee: str = ""
    unassigned: bool = False
    candidate_user: str = ""
    candidate_groups: tuple[str, ...] = ()
    element_id: str = ""
    process_id: str = ""
    instance: int = 0
    priority: tuple[int | None, int | None] = (None, None)
    created: tuple[int | None, int | None] = (None, None)
    due: tuple[int | None, int | None] = (None, None)
    follow_up: tuple[int | None, int | None] = (None, None)
    sight: Sight | None = None
    processes: frozenset[str] | None = None


@final
class InstanceFilter(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Instances for which all of this holds; what is None, "" or 0 does not matter.

    `root` means all that an instance called, directly or not. Ranges are Unix ms without their end."""

    process_id: str = ""
    version: int = 0
    definition: int = 0
    state: str = ""
    business_key: str = ""
    parent: int = 0
    root: int = 0
    has_incident: bool | None = None
    started: tuple[int | None, int | None] = (None, None)
    ended: tuple[int | None, int | None] = (None, None)
    processes: frozenset[str] | None = None


@final
class FoundTask(msgspec.Struct, frozen=True, gc=False):
    """An open task. Times are Unix ms, None for none; `version` changes with every change of the task."""

    key: int
    instance: int
    process_id: str
    element_id: str
    created: int
    assignee: str
    priority: int
    due: int | None
    follow_up: int | None
    attributes: dict[str, Json]
    version: str

    def names(self, attribute: str) -> frozenset[str]:
        """The names in an attribute that is a list of them."""
        return names_in(self.attributes, attribute)


def sight_of(caller: Caller) -> Sight | None:
    """Which tasks a caller sees; None for all of them (`tasks:oversee`). Others see what is theirs, and what they may
    take: what they or their groups are candidates for, and what nobody has that has no candidates."""
    if not caller.may("tasks:oversee"):
        return Sight(caller.user, caller.groups)
    overseen = caller.within("tasks:oversee")
    return None if overseen is None else Sight(caller.user, caller.groups, overseen)


def place_of_task(task: FoundTask, order: str) -> int:
    """By what a task is placed in a list of this order."""
    value: int | None = getattr(task, order)
    return HELD if value is None else value


@final
class Searches:
    """Searching one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def task(self, tenant: str, key: int, sight: Sight | None = None) -> FoundTask | None:
        """An open task that can be seen."""
        found = self.tasks(tenant, TaskFilter(key=key, sight=sight), Page(order="created", limit=1))
        return found[0] if found else None

    def tasks(self, tenant: str, which: TaskFilter, page: Page) -> list[FoundTask]:
        """Open tasks. Raises `BadValue` for an order that there is not."""
        if page.order not in TASK_ORDERS:
            raise BadValue(f"tasks are not ordered by {page.order!r:.40}; there are {', '.join(TASK_ORDERS)}")
        number = self._views.tenant(tenant)
        if number is None:
            return []
        source = "tasks_instance" if which.instance else "tasks_assignee" if which.assignee else "tasks"
        question = _search("tasks", source, number, page)
        each = self._each(number, which, page.order)
        question = msgspec.structs.replace(question, where=_task_conditions(which, number, each))
        if which.sight is not None:
            question = msgspec.structs.replace(question, branches=_sights(which.sight, number, each.sight))
        return [_task(row) for row in self._store.search(question, FoundTaskRow)]

    def _each(self, tenant: int, which: TaskFilter, order: str) -> _Each:
        """How candidates are looked for. Where few tasks are left each is asked for its own; where many are, too, for
        there is an index of each order: the first of them are found soon. Not so by a date that half of all tasks may
        not have, and those of one team together: there the tasks of many candidates are looked up first."""
        if which.key or which.instance or which.assignee:
            return _Each("_each", "_each", "_each")
        if self._few(tenant, 0, (which.candidate_user,)):
            return _Each("", "_each", "_each")
        if self._few(tenant, 1, which.candidate_groups):
            return _Each("_each", "", "_each")
        many_of = "_apart" if order in SPARSE else "_each"
        sight = which.sight
        many = sight is not None and False in (
            self._few(tenant, 0, (sight.user,)),
            self._few(tenant, 1, sight.groups),
        )
        return _Each(many_of, many_of, many_of if many else "")

    def _few(self, tenant: int, kind: int, names: Sequence[str]) -> bool | None:
        """Whether these are candidates of few tasks; None where there are no names."""
        count = 0
        for name in filter(None, names):
            rows = self._store.read("task_candidates_counted", (tenant, kind, name, MANY), IntRow)
            count += (rows[0].value or 0) if rows else 0
            if count >= MANY:
                return False
        return True if any(names) else None

    def instances(self, tenant: str, which: InstanceFilter, page: Page) -> list[InstanceView]:
        """Instances, in the order of their starts, or of their ends. Raises `BadValue` for a state or an order that
        there is not, and for one by starts where only ends of a range are asked for: no index has both."""
        if page.order not in INSTANCE_ORDERS:
            raise BadValue(f"instances are not ordered by {page.order!r:.40}; there are {', '.join(INSTANCE_ORDERS)}")
        if which.state not in _STATES:
            raise BadValue(f"instances have no state {which.state!r:.40}; there are {', '.join(filter(None, _STATES))}")
        number = self._views.tenant(tenant)
        if number is None:
            return []
        definitions = self._definitions(number, which)
        if definitions is not None and not definitions:
            return []
        question = self._instances(number, _narrowed(which), page, definitions)
        if question is None:
            return []
        rows = self._store.search(question, FoundInstanceRow)
        if len(question.branches) > 1:
            rows = sorted(rows, key=lambda row: _place(row, page.order), reverse=page.descending)[: page.limit]
        return [self._instance(number, row) for row in rows]

    def incidents(
        self,
        tenant: str,
        page: Page,
        *,
        instance: int = 0,
        code: str = "",
        process_id: str = "",
        processes: frozenset[str] | None = None,
    ) -> list[IncidentView]:
        """Open incidents, in the order of their keys."""
        number = self._views.tenant(tenant)
        if number is None:
            return []
        definitions = self._definitions(number, InstanceFilter(process_id=process_id, processes=processes))
        if definitions is not None and not definitions:
            return []
        where: list[Condition] = []
        if instance:
            where.append(("incident_instance", (instance,)))
        if code:
            where.append(("incident_code", (code,)))
        if definitions is not None:
            where.append(("incident_definitions", tuple(definitions)))
        question = msgspec.structs.replace(_search("incidents", "incidents", number, page), where=tuple(where))
        rows = self._store.search(question, IncidentRow)
        return [IncidentView(*msgspec.structs.astuple(row)) for row in rows]

    def incident(self, tenant: str, key: int) -> IncidentView | None:
        """An open incident."""
        number = self._views.tenant(tenant)
        rows = self._store.read("incident", (number, key), IncidentRow) if number is not None else []
        return IncidentView(*msgspec.structs.astuple(rows[0])) if rows else None

    def process_of(self, tenant: str, instance: int) -> str:
        """The process id of an instance; "" for one that is not there."""
        number = self._views.tenant(tenant)
        rows = self._store.read("instance", (number, instance), InstanceRow) if number is not None else []
        if not rows or number is None:
            return ""
        return self._views.catalog.definition(number, rows[0].definition).process_id

    def _definitions(self, tenant: int, which: InstanceFilter) -> list[int] | None:
        """The versions that a filter means; None for all."""
        if not which.process_id and not which.definition and which.processes is None:
            return None
        return [
            row.key
            for row in self._store.read("definitions", (tenant,), DefinitionRow)
            if (not which.process_id or row.process_id == which.process_id)
            and (not which.version or row.version == which.version)
            and (not which.definition or row.key == which.definition)
            and (which.processes is None or row.process_id in which.processes)
        ]

    def _instances(
        self, tenant: int, which: InstanceFilter, page: Page, definitions: Sequence[int] | None
    ) -> Search | None:
        states = _STATES[which.state]
        narrowing = _narrowing(which, tenant)
        where = [*(each.beside for each in narrowing[1:]), *_instance_conditions(which, tenant)]
        over = page.order == "ended" or which.ended != (None, None)
        if over:
            states = tuple(state for state in states if state)
            if not states:
                return None  # what is active has not ended
            where.append(("instance_ended", ()))
        question = _search("instances", narrowing[0].source if narrowing else "instances_state", tenant, page)
        if narrowing:
            where = [narrowing[0].driving, *where, ("instance_states", states)]
            if definitions is not None:
                where.append(("instance_definitions", tuple(definitions)))
            return msgspec.structs.replace(question, where=tuple(where))
        by_end = over and _width(which.ended) <= _width(which.started)
        if by_end and definitions is None:
            definitions = [row.key for row in self._store.read("definitions", (tenant,), DefinitionRow)]
        # Each branch reads one range of one index, in order; together they are what is asked for.
        branches: Iterable[tuple[Condition, ...]]
        if definitions is None:
            branches = ((("instance_state", (state,)),) for state in states)
        else:
            question = msgspec.structs.replace(question, source="instances_ended" if by_end else "instances_process")
            branches = (
                (("instance_definition", (definition,)), ("instance_state", (state,)))
                for definition in definitions
                for state in states
            )
        return msgspec.structs.replace(question, where=tuple(where), branches=tuple(branches))

    def _instance(self, tenant: int, row: FoundInstanceRow) -> InstanceView:
        state: InstanceState = "incident" if row.incidents and not row.state else STATES[row.state]
        return self._views.shown(tenant, row, state, row.failure, bool(row.suspended))


def _narrowed(which: InstanceFilter) -> InstanceFilter:
    """The same filter, its ranges as narrow as they can be: nothing ends before it starts."""
    (begin, end), (first, last) = which.started, which.ended
    if begin is not None and which.ended != (None, None):
        first = begin if first is None else max(first, begin)
    if last is not None:
        end = last if end is None else min(end, last)
    return msgspec.structs.replace(which, started=(begin, end), ended=(first, last))


def _width(bounds: tuple[int | None, int | None]) -> float:
    begin, end = bounds
    return float("inf") if begin is None or end is None else end - begin


def _search(kind: str, source: str, tenant: int, page: Page) -> Search:
    return Search(
        kind=kind,
        source=source,
        tenant=tenant,
        order=page.order,
        descending=page.descending,
        after=page.after,
        limit=page.limit,
    )


def _narrowing(which: InstanceFilter, tenant: int) -> list[_Narrow]:
    """What of a filter leaves few instances; what leaves least comes first, and drives the search."""
    found: list[_Narrow] = []
    value: str | int
    for source, name, value in (
        ("instances_business", "instance_business", which.business_key),
        ("instances_parent", "instance_parent", which.parent),
        ("instances_root", "instance_root", which.root),
    ):
        if value:
            found.append(_Narrow(source, (name, (value,)), (name, (value,))))
    driving: Condition = ("instance_driven", (tenant,))
    if which.state == "incident" or which.has_incident:
        found.append(_Narrow("instances_incident", driving, ("instance_incident", (tenant,))))
    if which.state == "suspended":
        found.append(_Narrow("instances_suspended", driving, ("instance_suspended", (tenant,))))
    return found


def _instance_conditions(which: InstanceFilter, tenant: int) -> Iterable[Condition]:
    if which.has_incident is False:
        yield "instance_no_incident", (tenant,)
    for name in ("started", "ended"):
        yield from _ranged(f"instance_{name}", getattr(which, name))


def _task_conditions(which: TaskFilter, tenant: int, each: _Each) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for name, value in (
        ("task_key", which.key),
        ("task_process", which.process_id),
        ("task_element", which.element_id),
        ("task_instance", which.instance),
        ("task_assignee", which.assignee),
    ):
        if value:
            found.append((name, (value,)))
    if which.unassigned:
        found.append(("task_unassigned", ()))
    if which.processes is not None:
        found.append(("task_processes", tuple(sorted(which.processes))) if which.processes else _NONE)
    for name in ("created", "due", "follow_up", "priority"):
        found += _ranged(f"task_{name}", getattr(which, name))
    # Last: they are looked up for what is left by the others.
    if which.candidate_user:
        found.append(("task_candidate_user" + each.user, (tenant, which.candidate_user)))
    if which.candidate_groups:
        found.append(("task_candidate_groups" + each.groups, (tenant, *which.candidate_groups)))
    return tuple(found)


def _sights(sight: Sight, tenant: int, each: str) -> tuple[tuple[Condition, ...], ...]:
    """Tasks of processes that are overseen, and of others those that are seen: nothing is in both."""
    seen = _seen(sight, tenant, each)
    if not sight.overseen:
        return ((seen,),)
    overseen = tuple(sorted(sight.overseen))
    return (("task_processes", overseen),), (("task_other_processes", overseen), seen)


def _seen(sight: Sight, tenant: int, each: str) -> Condition:
    user = sight.user
    if user and sight.groups:
        return "task_visible" + each, (user, tenant, user, tenant, *sight.groups)
    if user:
        return "task_visible_user" + each, (user, tenant, user)
    # An assignee "" is nobody: what nobody has is not theirs who have no name.
    if sight.groups:
        return "task_visible_groups" + each, (tenant, *sight.groups)
    return "task_visible_nobody", ()


def _ranged(name: str, bounds: tuple[int | None, int | None]) -> Iterable[Condition]:
    for suffix, bound in zip(("from", "to"), bounds, strict=True):
        if bound is not None:
            yield f"{name}_{suffix}", (bound,)


def _place(row: FoundInstanceRow, order: str) -> tuple[int, int]:
    value = row.ended if order == "ended" else row.started
    return (value or 0, row.key)


def _task(row: FoundTaskRow) -> FoundTask:
    return FoundTask(
        row.key,
        row.instance,
        row.process_id,
        row.element_id,
        row.created,
        row.assignee,
        row.priority,
        None if row.due == HELD else row.due,
        None if row.follow_up == HELD else row.follow_up,
        codec.decode_variables(row.attributes),
        codec.version_of(row.attributes),
    )
