"""Steps of a scenario that change an instance under way: modify, migrate, suspend, resume, restart.

Each may say for what it must be refused. What must not live here: the other steps (runner.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, final

from procession.base.failure import Conflict, NotFound
from procession.base.values import checked_all
from procession.core import events as e
from procession.core.instructions import Activate, Instruction, Move, PutToken, SetLocal, TakeToken, Terminate
from procession.core.mapping import default_plan
from procession.core.plans import MigrationPlan
from procession.ir.kinds import Kind
from procession.runtime import requests as q
from procession.testing import scenario as s
from procession.testing.driver import Case, Driver
from procession.testing.scenario import Step


@final
class Failed(Exception):
    """A step or an expectation that does not hold."""


class Run(Protocol):
    """What these steps need of a run."""

    driver: Driver

    def case(self, name: str) -> Case: ...
    def call(self, request: q.AnyRequest) -> object: ...
    def start(self, key: int, wanted: str) -> None: ...


def modify(run: Run, step: Step, body: s.Modify) -> None:
    """See `scenario.Modify`."""
    case = run.case(step.instance)
    found: list[Instruction] = list(_beginnings(case, body.activate))
    found += [_named(case, each) for each in body.terminate]
    for source, target in body.move.items():
        end = _named(case, source)
        found.append(Move(end.element, target, end.key))
    found += [PutToken(flow) for flow in body.put]
    found += [TakeToken(flow) for flow in body.take]
    if body.variables:
        key = scope_of(case, body.scope) if body.scope else 0
        found.append(SetLocal(checked_all(body.variables), key=key))
    _ask(run, q.Deliver(run.driver.tenant, case.key, e.Modify(tuple(found))), body.refused)


def migrate(run: Run, step: Step, body: s.Migrate) -> None:
    """See `scenario.Migrate`."""
    case = run.case(step.instance)
    target = run.driver.program(body.to.process, body.to.version or 0)
    usual = default_plan(case.program, target)
    plan = MigrationPlan(
        to_process=body.to.process,
        to_version=body.to.version or 0,
        elements={one: other for one, other in {**usual.elements, **body.map}.items() if other},
        flows={one: other for one, other in {**usual.flows, **body.flows}.items() if other},
        choices=body.choices,
    )
    _ask(run, q.MigrateInstance(run.driver.tenant, case.key, plan), body.refused)


def suspend(run: Run, step: Step, body: s.Suspend) -> None:
    """See `scenario.Suspend`."""
    case = run.case(step.instance)
    _ask(run, q.Deliver(run.driver.tenant, case.key, e.Suspend(body.reason)), body.refused)


def resume(run: Run, step: Step, body: s.Resume) -> None:
    """See `scenario.Resume`."""
    case = run.case(step.instance)
    _ask(run, q.Deliver(run.driver.tenant, case.key, e.Resume()), body.refused)


def restart(run: Run, step: Step, body: s.Restart) -> None:
    """See `scenario.Restart`."""
    case = run.case(step.instance)
    begin = tuple(_beginnings(case, body.at))
    variables = checked_all(body.variables)
    if body.in_place:
        _ask(run, q.Deliver(run.driver.tenant, case.key, e.Restart(begin, variables)), body.refused)
        return
    key = _ask(run, q.RestartInstance(run.driver.tenant, case.key, begin, variables), body.refused, anew=body.name)
    if isinstance(key, int):
        run.start(key, body.name)


def scope_of(case: Case, wanted: str) -> int:
    """The active element of an id or, where several are, of a path as traces have it: `order/items[3]`."""
    nodes = case.program.nodes
    # An activation of an ad-hoc sub-process has the id and the path of that.
    elements = {k: e for k, e in case.state.elements.items() if nodes[e.node].kind is not Kind.AD_HOC_ACTIVATION}
    found = {key: case.trace.inside(key) for key in elements}
    exact = [key for key, path in found.items() if path == wanted]
    # The last one of an id, so that an item is meant and not the body around all items.
    by_id = [key for key, each in elements.items() if nodes[each.node].id == wanted]
    if exact or by_id:
        return (exact or by_id)[-1]
    known = ", ".join(path for path in dict.fromkeys(found.values()) if path)
    raise Failed(f"no instance of {wanted} is active; there are {known}")


def _beginnings(case: Case, wanted: Sequence[str | s.Begin]) -> list[Activate]:
    found: list[Activate] = []
    for each in wanted:
        if isinstance(each, str):
            found.append(Activate(each))
            continue
        ancestor = scope_of(case, each.ancestor) if each.ancestor else 0
        found.append(Activate(each.element, ancestor, checked_all(each.variables)))
    return found


def _named(case: Case, wanted: str) -> Terminate:
    """An id means all that are active; a path means one."""
    if any(mark in wanted for mark in "/["):
        return Terminate(key=scope_of(case, wanted))
    return Terminate(wanted)


def _ask(run: Run, request: q.AnyRequest, refused: str, *, anew: str = "") -> object:
    """The answer. `anew` tells that it is an instance that gets a name, before others are named."""
    try:
        answer = run.driver.call(request) if anew else run.call(request)
    except (Conflict, NotFound) as error:
        if not refused or refused not in str(error):
            raise
        return None
    if refused:
        raise Failed(f"it was to be refused because of {refused!r}, and was carried out")
    return answer
