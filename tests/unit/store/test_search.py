"""Searches find what a look at every row would: any filters, any order, page by page, in both databases."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import search as filled

import postgres_rig
from procession.base.failure import BadValue
from procession.runtime.ports import Store
from procession.runtime.rows import HELD
from procession.services.reading import Reader
from procession.services.searching import FoundTask, InstanceFilter, Page, TaskFilter
from procession.services.views import InstanceView
from procession.store.sqlite import SQLiteStore

INSTANCES, TASKS = 1_000, 300
TENANT = filled.TENANT


def on_sqlite(folder: Path) -> Store:
    store = SQLiteStore(folder / "s.db")
    connection = sqlite3.connect(folder / "s.db")
    filled.fill(connection.executemany, INSTANCES, TASKS, 0)
    connection.commit()
    connection.close()
    return store


def on_postgresql(folder: Path) -> Store:
    postgres_rig.require()
    server = postgres_rig.server()
    store = postgres_rig.store()
    with postgres_rig.session(server, store.name.rpartition("/")[2]) as session, session.cursor() as cursor:

        def write(sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
            cursor.executemany(sql.replace("?", "%s"), list(rows))

        filled.fill(write, INSTANCES, TASKS, 0)
        session.commit()
    return store


@pytest.fixture(scope="module", params=[on_sqlite, on_postgresql])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    store: Store = request.param(tmp_path_factory.mktemp("search"))
    yield Reader(store)
    store.close()


def within(value: int | None, bounds: tuple[int | None, int | None], over: int = 0) -> bool:
    low, high = bounds
    if bounds == (None, None):
        return True
    return value is not None and (low is None or value >= low) and (high is None or value < high + over)


def fits_task(task: FoundTask, which: TaskFilter) -> bool:
    users, groups = task.names("candidate_users"), task.names("candidate_groups")
    sight = which.sight
    return (
        (not which.assignee or task.assignee == which.assignee)
        and (not which.unassigned or not task.assignee)
        and (not which.candidate_user or which.candidate_user in users)
        and (not which.candidate_groups or not groups.isdisjoint(which.candidate_groups))
        and (not which.element_id or task.element_id == which.element_id)
        and (not which.process_id or task.process_id == which.process_id)
        and (not which.instance or task.instance == which.instance)
        and within(task.priority, which.priority, 1)
        and within(task.created, which.created)
        and within(task.due, which.due)
        and within(task.follow_up, which.follow_up)
        and (
            sight is None
            or task.assignee == sight.user
            or sight.user in users
            or not groups.isdisjoint(sight.groups)
            or task.process_id in sight.overseen
        )
    )


def fits_instance(view: InstanceView, which: InstanceFilter, by: str) -> bool:
    states = {view.state, *(["active"] if view.state == "incident" else []), *(["suspended"] if view.suspended else [])}
    return (
        (not which.process_id or view.process_id == which.process_id)
        and (not which.version or view.version == which.version)
        and (not which.state or which.state in states)
        and (not which.business_key or view.business_key == which.business_key)
        and (not which.parent or view.parent == which.parent)
        and (not which.root or (view.root == which.root and bool(view.parent)))
        and (which.has_incident is None or which.has_incident == (view.state == "incident"))
        and within(view.started, which.started)
        and within(view.ended, which.ended)
        and (by != "ended" or view.ended is not None)
    )


def paged(find: Callable[[Page], list[Any]], place: Callable[[Any], tuple[int, int]], page: Page) -> list[Any]:
    """All pages after one another."""
    found: list[Any] = []
    after: tuple[int, int] | tuple[()] = ()
    while True:
        rows = find(Page(order=page.order, descending=page.descending, after=after, limit=page.limit))
        found += rows
        if len(rows) < page.limit:
            return found
        after = place(rows[-1])


def test_every_combination_of_task_filters_finds_what_a_look_at_all_tasks_finds(reader: Reader) -> None:
    draw = random.Random(11)
    every = reader.search.tasks(TENANT, TaskFilter(), Page(order="created", limit=1_000))
    assert len(every) == TASKS
    hits = 0
    for round in range(120):
        drawn = filled.task_filters(draw, INSTANCES, TASKS)
        fields: dict[str, Any] = {}
        for name in draw.sample(list(drawn), draw.randrange(1, 4)):
            fields.update(drawn[name])
        which = TaskFilter(**fields)
        order, descending = draw.choice(["created", "priority", "due", "follow_up"]), draw.random() < 0.5

        def place(task: FoundTask, order: str = order) -> tuple[int, int]:
            value: int | None = getattr(task, order)
            return HELD if value is None else value, task.key

        wanted = sorted((t for t in every if fits_task(t, which)), key=place, reverse=descending)
        page = Page(order=order, descending=descending, limit=draw.choice([150, 1_000]))
        found = paged(lambda page, which=which: reader.search.tasks(TENANT, which, page), place, page)  # type: ignore[misc]
        assert [t.key for t in found] == [t.key for t in wanted], (round, fields, order, descending)
        hits += bool(found)
    assert hits > 25


def test_every_combination_of_instance_filters_finds_what_a_look_at_all_instances_finds(reader: Reader) -> None:
    draw = random.Random(12)
    every = reader.search.instances(TENANT, InstanceFilter(), Page(order="started", limit=1_001))
    assert len(every) == INSTANCES
    hits = 0
    for round in range(120):
        drawn = filled.instance_filters(draw, INSTANCES, TASKS)
        fields: dict[str, Any] = {}
        for name in draw.sample(list(drawn), draw.randrange(1, 4)):
            fields.update(drawn[name])
        which = InstanceFilter(**fields)
        over = which.ended != (None, None)
        by, descending = ("ended" if over or draw.random() < 0.3 else "started"), draw.random() < 0.5

        def place(view: InstanceView, by: str = by) -> tuple[int, int]:
            return (view.ended if by == "ended" else view.started) or 0, view.key

        wanted = sorted((v for v in every if fits_instance(v, which, by)), key=place, reverse=descending)
        page = Page(order=by, descending=descending, limit=draw.choice([150, 1_000]))
        found = paged(lambda page, which=which: reader.search.instances(TENANT, which, page), place, page)  # type: ignore[misc]
        assert [v.key for v in found] == [v.key for v in wanted], (round, fields, by, descending)
        hits += bool(found)
    assert hits > 25


def test_what_no_index_has_is_refused(reader: Reader) -> None:
    with pytest.raises(BadValue):
        reader.search.tasks(TENANT, TaskFilter(), Page(order="assignee"))
    with pytest.raises(BadValue):
        reader.search.instances(TENANT, InstanceFilter(state="lost"), Page(order="started"))
    assert reader.search.tasks("nobody", TaskFilter(), Page(order="created")) == []
    assert reader.search.instances("nobody", InstanceFilter(), Page(order="started")) == []
