"""Who may do what, and whose a user task is."""

from __future__ import annotations

import ast
from itertools import product
from typing import Final

import pytest

from procession.services.access import (
    PERMISSIONS,
    ROLES,
    Caller,
    Forbidden,
    Grant,
    granted,
    narrowed,
    need_covering,
    permissions_of,
    works_task,
)
from procession.services.backend import PLATFORM
from procession.services.views import TaskView
from tidy.source_tree import ROOT

NOBODY: Final = Caller("acme", "user:x")


def of(*grants: Grant, user: str = "", groups: tuple[str, ...] = ()) -> Caller:
    return granted(Caller("acme", "user:x", user=user, groups=groups), grants)


def test_every_permission_of_a_role_is_in_the_table() -> None:
    named = frozenset[str]().union(*ROLES.values()) - {"*"}
    assert named <= set(PERMISSIONS)


def test_every_permission_that_a_route_needs_is_in_the_table() -> None:
    asked: set[str] = set()
    for path in (ROOT / "src/procession/web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in {"need", "need_everywhere", "may", "within"} and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    asked.add(first.value)
    assert asked
    assert asked <= set(PERMISSIONS)


def test_what_is_the_platforms_is_nobody_elses() -> None:
    admin = of(Grant(("admin",)))
    assert not admin.may("tenants:read")
    assert granted(Caller(PLATFORM, "key:k"), [Grant(("admin",))]).may("tenants:read")


def test_a_role_for_some_processes_does_not_count_for_others() -> None:
    caller = of(Grant(("viewer",), ("p",)), Grant(("operator",), ("q",)))
    assert caller.may("instances:read", "p")
    assert not caller.may("instances:change", "p")
    assert caller.may("instances:change", "q")
    assert not caller.may("instances:read", "r")
    assert caller.within("instances:read") == frozenset({"p", "q"})
    assert caller.within("instances:change") == frozenset({"q"})
    assert caller.processes == frozenset({"p", "q"})
    with pytest.raises(Forbidden):
        caller.need_everywhere("instances:read")


def test_a_role_for_all_processes_is_not_lost_to_one_for_some() -> None:
    caller = of(Grant(("viewer",)), Grant(("operator",), ("q",)))
    assert caller.may("instances:read", "anything")
    assert caller.within("instances:read") is None
    assert not caller.may("instances:change", "p")
    assert caller.processes is None


def test_a_grant_that_names_no_process_allows_nothing_of_one() -> None:
    assert not of(Grant(("admin",), ())).may("instances:read", "p")


@pytest.mark.parametrize(("mine", "given"), list(product(ROLES, ROLES)))
def test_nobody_gives_away_a_role_that_allows_more(mine: str, given: str) -> None:
    caller = of(Grant((mine,)))
    covers = "*" in ROLES[mine] or ROLES[given] <= ROLES[mine]
    if covers:
        need_covering(caller, Grant((given,)))
    else:
        with pytest.raises(Forbidden):
            need_covering(caller, Grant((given,)))


def test_nobody_gives_away_a_process_that_is_not_theirs() -> None:
    caller = of(Grant(("admin",), ("p",)))
    need_covering(caller, Grant(("viewer",), ("p",)))
    for processes in (None, ("q",), ("p", "q")):
        with pytest.raises(Forbidden):
            need_covering(caller, Grant(("viewer",), processes))


@pytest.mark.parametrize(("one", "other"), list(product(ROLES, ROLES)))
def test_what_is_narrowed_is_what_both_allow(one: str, other: str) -> None:
    caller = narrowed(of(Grant((one,), ("p", "q"))), Grant((other,), ("q", "r")))
    for permission in PERMISSIONS:
        both = all("*" in ROLES[role] or permission in ROLES[role] for role in (one, other))
        allowed = both and not permission.startswith("tenants:")
        assert caller.may(permission, "q") is allowed
        assert not caller.may(permission, "p")
        assert not caller.may(permission, "r")


def test_a_role_that_is_gone_allows_nothing() -> None:
    assert permissions_of(["gone"]) == frozenset()


# --- tasks


def task(assignee: str = "", users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> TaskView:
    attributes: dict[str, object] = {}
    if users:
        attributes["candidate_users"] = list(users)
    if groups:
        attributes["candidate_groups"] = list(groups)
    return TaskView(1, 2, "t", 0, assignee, attributes)  # type: ignore[arg-type]


TASKS: Final[list[tuple[str, TaskView, bool]]] = [
    ("mine", task("ada"), True),
    ("another's", task("eve"), False),
    ("anybody's", task(), True),
    ("mine to take", task(users=("ada", "eve")), True),
    ("my group's to take", task(groups=("clerks",)), True),
    ("another's to take", task(users=("eve",)), False),
    ("another group's to take", task(groups=("chiefs",)), False),
    ("taken by another of my group", task("eve", groups=("clerks",)), False),
    ("mine though another group's", task("ada", groups=("chiefs",)), True),
    ("malformed candidates", TaskView(1, 2, "t", 0, "", {"candidate_users": "ada"}), True),
]
"""(what, the task, whether Ada of the clerks may work it)"""


@pytest.mark.parametrize(("what", "given", "works"), TASKS)
def test_a_task_worker_works_what_is_or_may_become_theirs(what: str, given: TaskView, works: bool) -> None:
    ada = of(Grant(("task-worker",), ("p",)), user="ada", groups=("clerks",))
    assert (works_task(ada, given, "p"), works_task(ada, given, "q")) == (works, False), what


@pytest.mark.parametrize("given", [given for _, given, _ in TASKS])
def test_who_assigns_may_work_all_and_who_only_oversees_none(given: TaskView) -> None:
    viewer, operator = of(Grant(("viewer",))), of(Grant(("operator",)))
    assert [works_task(each, given, "p") for each in (viewer, operator, NOBODY)] == [False, True, False]


def test_who_is_no_person_is_not_whom_an_unassigned_task_is_assigned_to() -> None:
    robot = of(Grant(("task-worker",)))
    assert not works_task(robot, task(users=("",)), "p")
    assert not works_task(robot, task(users=("ada",)), "p")
