"""The scenario runner: drives an engine through the steps of a scenario file and holds what it does against it.

`run_scenario` never raises for what a scenario does wrong; the result says it, with file and line. One function a
verb, found by table. What must not live here: the YAML (scenario.py), the engine (driver.py), comparing (expect.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.diagnostics import Refused
from procession.base.failure import Conflict, Failure, ProcessionError
from procession.base.values import checked_all
from procession.core import events as e
from procession.core.timers import add, date_time_ms, duration_ms, is_zone, parse_duration
from procession.runtime import requests as q
from procession.store.opening import is_postgres
from procession.testing import changes
from procession.testing import scenario as s
from procession.testing.changes import Failed, scope_of
from procession.testing.driver import Case, Driver, MakeEngines
from procession.testing.expect import expectation, multiset
from procession.testing.scenario import BadScenario, Scenario, Step
from procession.testing.scenario_reader import load_scenario
from procession.testing.scripted import TYPES as SCRIPTS
from procession.testing.scripted import answer as script_answer
from procession.testing.traces import Entry

HOSTS: Final = ("embedded", "celery", "temporal")
ANSWERS_MAX: Final = 20_000
"""Jobs answered in one step, before the process is said to go round for ever."""
MOMENTS_MAX: Final = 50_000
"""Moments at which timers come due in one step; each is a round of the engine."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@final
class InstanceResult(msgspec.Struct, frozen=True):
    """What became of an instance. The trace's entries are [event, element, scope]."""

    name: str
    state: str
    variables: dict[str, object]
    trace: list[Entry]


@final
class Result(msgspec.Struct, frozen=True):
    """What became of a scenario; `error` is "" if it passed, else `file:line: text`."""

    file: str
    passed: bool
    error: str
    instances: list[InstanceResult] = []

    def to_json(self) -> bytes:
        """The line that `procession test --json` prints; numbers keep their digits."""
        return _ENCODER.encode(self)


def run_scenario(
    document: str | Path | Scenario,
    *,
    host: str = "embedded",
    store: str = ":memory:",
    restore_every_step: bool = False,
    seed: int | None = None,
    engines: MakeEngines | None = None,
) -> Result:
    """Runs one scenario. `store` is ":memory:", the path of a file or the URL of a PostgreSQL database; each run uses a
    tenant of its own there.

    With `restore_every_step` the engine is closed and opened anew after every call, so that all that it knows is
    what it stored. With `seed` the store is a simulated one in memory, whose crashes and refusals the seed draws. With
    `engines` those run it, whatever the host and the store.
    """
    try:
        scenario = document if isinstance(document, Scenario) else load_scenario(Path(document))
    except BadScenario as error:
        return Result(str(document), False, str(error))
    refused = _unavailable(host, store, seed) if engines is None else ""
    if refused:
        return Result(scenario.file, False, f"{scenario.file}:1: {refused}")
    if not is_zone(scenario.zone):
        return Result(scenario.file, False, f"{scenario.at('zone')}: {scenario.zone!r} is no known time zone")
    try:
        clock = date_time_ms(scenario.clock, scenario.zone)
        driver = Driver(store, clock=clock, zone=scenario.zone, restore=restore_every_step, seed=seed, engines=engines)
    except Failure as error:
        return Result(scenario.file, False, f"{scenario.at('clock')}: {error}")
    except ProcessionError as error:
        return Result(scenario.file, False, f"{scenario.file}:1: {error}")
    run = _Run(scenario, driver)
    try:
        error_text = run.play()
        return Result(scenario.file, not error_text, error_text, run.results())
    finally:
        driver.close()


def _unavailable(host: str, store: str, seed: int | None) -> str:
    if host not in HOSTS:
        return f"no host is called {host!r}; there are {', '.join(HOSTS)}"
    if host != "embedded":
        return f"the host {host} is not in this version; scenarios run on embedded"
    if "://" in store and not is_postgres(store):
        return f"the store {store} is not in this version; give a path, :memory: or postgresql://…"
    if seed is not None and store != ":memory:":
        return "a seed simulates the disk: leave out the store"
    return ""


@final
class _Run:
    """One run: the driver, the names of the instances, and how often each job was answered."""

    __slots__ = ("_attempts", "_folder", "_last", "_names", "_scenario", "driver")

    def __init__(self, scenario: Scenario, driver: Driver) -> None:
        self.driver = driver
        self._scenario = scenario
        self._folder = Path(scenario.file).parent
        self._names: dict[str, int] = {}
        self._last = ""
        self._attempts: dict[tuple[int, int, int], int] = {}

    def play(self) -> str:
        """The error, "" if all went as written."""
        try:
            self._deploy_first()
        except Failed as failed:
            return f"{self._scenario.at('expect' if self._scenario.rejected else 'deploy')}: deploy: {failed}"
        if self._scenario.rejected:
            return ""
        for step in self._scenario.steps:
            verb, body = next((v, b) for v in s.VERBS if (b := getattr(step, v)) is not None)
            try:
                VERBS[verb](self, step, body)
                self.settle()
            except (Failed, Failure, ProcessionError) as error:
                return f"{self._scenario.file}:{step.line}: {verb}: {error}"
        return self._expected()

    def _deploy_first(self) -> None:
        rule = self._scenario.rejected
        try:
            self.deploy(self._scenario.deploy)
            self.settle()
        except Refused as refused:
            rules = sorted({d.rule for d in refused.diagnostics if d.severity == "error"})
            if rule and rule not in rules:
                raise Failed(
                    f"expected to be refused by {rule}, but refused by {', '.join(rules)}:\n{refused}"
                ) from None
            if not rule:
                raise Failed(f"the deployment was refused:\n{refused}") from None
        except ProcessionError as error:
            raise Failed(str(error)) from None
        else:
            if rule:
                raise Failed(f"expected to be refused by {rule}, but it was deployed")

    def _expected(self) -> str:
        for name, expected in self._scenario.expect.items():
            try:
                wrong = expectation(expected, self.case(name))
            except Failed as failed:
                wrong = str(failed)
            if wrong:
                return f"{self._scenario.file}:{expected.line or 1}: expect{f' {name}' if name else ''}: {wrong}"
        return ""

    def results(self) -> list[InstanceResult]:
        """What became of each instance, in order of creation."""
        named = {key: name for name, key in self._names.items()}
        return [
            InstanceResult(named.get(key, case.process), case.status, dict(case.variables), case.trace.entries)
            for key, case in self.driver.cases.items()
        ]

    def deploy(self, files: list[str]) -> None:
        """Deploys files beside the scenario; a name may hold an environment variable, `$MODELS/order.bpmn`."""
        self.driver.deploy([self._folder / os.path.expandvars(name) for name in files])

    def call(self, request: q.AnyRequest) -> object:
        """One request to the engine."""
        result = self.driver.call(request)
        self._name_all()
        return result

    def settle(self) -> None:
        """Answers jobs until none is left that the scenario has an answer for, or that is a script."""
        self._name_all()
        for _ in range(ANSWERS_MAX):
            found = next(((case, job) for case in self.driver.cases.values() for job in self._answerable(case)), None)
            if found is None:
                return
            self._answer(*found)
        raise Failed(f"{ANSWERS_MAX} jobs were answered in one step: the process goes round for ever")

    def _answerable(self, case: Case) -> list[int]:
        answers = self._scenario.jobs
        jobs = [job for job in case.state.jobs.values() if not job.held]
        return [job.key for job in jobs if job.type in answers or job.type in SCRIPTS]

    def _answer(self, case: Case, key: int) -> None:
        job = case.state.jobs[key]
        if job.type not in self._scenario.jobs:
            self.call(script_answer(case, key, self.driver.tenant))
            return
        answers = self._scenario.jobs[job.type]
        # A retried job is a new one where its element threw an error that nobody caught, so its group is what counts.
        identity = (job.element, job.listener, job.group)
        attempt = self._attempts.get(identity, 0)
        self._attempts[identity] = attempt + 1
        answer = answers[min(attempt, len(answers) - 1)]
        tenant = self.driver.tenant
        if answer.complete is not None:
            self.call(q.FinishJob(tenant, key, checked_all(answer.complete)))
        elif answer.choose is not None:
            self.call(_chosen(tenant, key, answer.choose))
        elif answer.fail is not None:
            self.call(q.FailJob(tenant, key, answer.fail.message, retries=answer.fail.retries, backoff=0))
        elif answer.throw is not None:
            thrown = answer.throw
            self.call(q.ThrowJob(tenant, key, thrown.code, thrown.message, checked_all(thrown.variables)))

    def name(self, key: int, wanted: str) -> None:
        """Gives an instance its name; a name that is taken gets a number."""
        name, count = wanted, 1
        while name in self._names:
            count += 1
            name = f"{wanted}#{count}"
        self._names[name] = key

    def start(self, key: int, wanted: str) -> None:
        """A start step made this instance: later steps mean it."""
        self.name(key, wanted)
        self._last = next(name for name, k in self._names.items() if k == key)

    def _name_all(self) -> None:
        named = set(self._names.values())
        for key, case in self.driver.cases.items():
            if key not in named:
                self.name(key, case.process)

    @property
    def zone(self) -> str:
        """The zone of the scenario's clock."""
        return self._scenario.zone

    def case(self, name: str) -> Case:
        """The instance of a name; "" is the last one started."""
        if not name:
            roots = [n for n, key in self._names.items() if not self.driver.cases[key].parent]
            name = self._last or (roots[-1] if roots else "")
        key = self._names.get(name)
        if key is None:
            known = ", ".join(self._names) or "none"
            raise Failed(f"no instance is called {name!r}; there are {known}" if name else "no instance was started")
        return self.driver.cases[key]

    def tree(self, name: str) -> list[Case]:
        """The instance of a name and all that it called."""
        found = [self.case(name)]
        for case in self.driver.cases.values():
            if any(case.parent == each.key for each in found):
                found.append(case)
        return found


def _start(run: _Run, step: Step, body: s.Start) -> None:
    variables = checked_all(body.variables)
    request = q.StartProcess(run.driver.tenant, body.process, variables, body.version or 0, body.business_key)
    key = run.driver.call(request)
    assert isinstance(key, int)
    run.start(key, body.name)


def _deploy(run: _Run, step: Step, body: list[str]) -> None:
    run.deploy(body)


def _waiting(run: _Run, step: Step, body: s.Waiting) -> None:
    cases = run.tree(step.instance)
    kinds = ("jobs", "tasks", "messages", "timers", "signals", "conditions", "incidents")
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for case in cases:
        state = case.state
        nodes = case.program.nodes
        found["jobs"] += [case.element_id(job.element) for job in state.jobs.values() if not job.held]
        found["tasks"] += [nodes[task.node].id for task in case.tasks()]
        found["conditions"] += [nodes[condition.node].id for condition in state.conditions.values()]
        found["timers"] += [nodes[timer.node].id for timer in state.timers.values()]
        found["incidents"] += [case.element_id(incident.element) for incident in state.incidents.values()]
        for subscription in state.subscriptions.values():
            found["signals" if subscription.signal else "messages"].append(nodes[subscription.node].id)
    for kind, ids in found.items():
        expected: list[str] | None = getattr(body, kind)
        wrong = multiset(kind, expected, ids) if expected is not None else ""
        if wrong:
            reasons = [i.message for case in cases for i in case.state.incidents.values()]
            raise Failed(wrong + (f" (incidents: {'; '.join(reasons)})" if reasons else ""))


def _complete(run: _Run, step: Step, body: s.Complete) -> None:
    key, task = _open(run, step, body, tasks=True)
    variables = checked_all(body.variables)
    tenant = run.driver.tenant
    if task:
        run.call(q.TaskEvent(tenant, key, e.CompleteTask(key, variables)))
    elif body.choose is not None:
        run.call(_chosen(tenant, key, body.choose))
    else:
        run.call(q.FinishJob(tenant, key, variables))


def _chosen(tenant: str, key: int, choose: s.Choose) -> q.FinishJob:
    said = choose.activate
    given = list(said.items()) if isinstance(said, dict) else [(name, dict[str, object]()) for name in said]
    pairs = [(name, checked_all(variables)) for name, variables in given]
    choice = e.Choice(pairs, choose.done, choose.cancel)
    return q.FinishJob(tenant, key, checked_all(choose.variables), choice=choice)


def _fail(run: _Run, step: Step, body: s.FailJob) -> None:
    key, _ = _open(run, step, body, tasks=False)
    run.call(q.FailJob(run.driver.tenant, key, body.message, retries=body.retries, backoff=0))


def _throw(run: _Run, step: Step, body: s.ThrowJob) -> None:
    key, _ = _open(run, step, body, tasks=False)
    run.call(q.ThrowJob(run.driver.tenant, key, body.code, body.message, checked_all(body.variables)))


Named: TypeAlias = "s.Complete | s.FailJob | s.ThrowJob"


def _open(run: _Run, step: Step, body: Named, *, tasks: bool) -> tuple[int, bool]:
    """(key, whether it is a user task) of the job or task that a step names.

    All that match are counted in order of creation; if the one of that `index` is over, the open ones are counted.
    """
    if not body.element and not body.type and body.index is None:
        raise Failed("name it by element, type or index")
    made: list[tuple[int, Case]] = []
    for case in run.tree(step.instance):
        made += [(k, case) for k, id_, type_ in case.trace.created if _matches(body, id_, type_) and (tasks or type_)]
    made.sort(key=lambda each: each[0])
    open_ = [(key, case, task) for key, case in made if (task := _still(case, key)) is not None]
    # A job out of retries is named only if nothing else fits.
    open_.sort(key=lambda each: not each[2] and each[1].state.jobs[each[0]].held)
    index = body.index or 1
    if body.index is not None and 1 <= index <= len(made):
        exact = [each for each in open_ if each[0] == made[index - 1][0]]
        if exact:
            return exact[0][0], exact[0][2]
    if not 1 <= index <= len(open_):
        what = "job or user task" if tasks else "job"
        ids = [each[1].element_id(_element_of(each)) for each in open_]
        others = f"; open and fitting are [{', '.join(ids)}]" if ids else _others(run.tree(step.instance))
        raise Failed(f"no open {what} {_described(body)}{others}")
    return open_[index - 1][0], open_[index - 1][2]


def _matches(body: Named, id_: str, type_: str) -> bool:
    return (not body.element or body.element == id_) and (not body.type or body.type == type_)


def _still(case: Case, key: int) -> bool | None:
    """None if it is over; whether it is a user task otherwise."""
    if key in case.state.jobs:
        return False
    element = case.state.elements.get(key)
    return True if element is not None and element.is_open_task else None


def _element_of(each: tuple[int, Case, bool]) -> int:
    key, case, task = each
    return key if task else case.state.jobs[key].element


def _others(cases: list[Case]) -> str:
    jobs = [f"{case.element_id(job.element)} ({job.type})" for case in cases for job in case.state.jobs.values()]
    tasks = [case.program.nodes[task.node].id for case in cases for task in case.tasks()]
    return f"; open are {', '.join(jobs + tasks)}" if jobs or tasks else "; nothing is open"


def _described(body: Named) -> str:
    parts = [("element", body.element), ("type", body.type), ("index", body.index)]
    return "of " + ", ".join(f"{name} {value}" for name, value in parts if value)


def _message(run: _Run, step: Step, body: s.Message) -> None:
    variables = checked_all(body.variables)
    ttl = duration_ms(body.ttl)
    request = q.PublishMessage(run.driver.tenant, body.name, str(body.key), variables, ttl, body.id)
    try:
        run.call(request)
    except Conflict:
        # Publishing the same id again while it is buffered means nothing, as it does for whoever sends it twice.
        if not body.id:
            raise


def _signal(run: _Run, step: Step, body: s.Signal) -> None:
    run.call(q.BroadcastSignal(run.driver.tenant, body.name, checked_all(body.variables)))


def _evaluate(run: _Run, step: Step, body: s.Evaluate) -> None:
    run.call(q.EvaluateConditions(run.driver.tenant, checked_all(body.variables), body.process))


def _after(run: _Run, step: Step, body: str) -> None:
    """The clock goes from due time to due time, so that each timer fires at its own.

    A timer that is due at the end of the time fires, and so does one that it sets for the same moment.
    """
    driver = run.driver
    until = add(driver.now, parse_duration(body), run.zone)
    if until < driver.now:
        raise Failed("the clock does not run backwards")
    for _ in range(MOMENTS_MAX):
        due = driver.next_timer(until)
        if due is None:
            driver.move(until)
            return
        driver.move(due)
        run.settle()
    raise Failed(f"timers came due at {MOMENTS_MAX} moments: take a shorter time, or a cycle that is less dense")


def _set(run: _Run, step: Step, body: s.SetVariables) -> None:
    case = run.case(step.instance)
    element = scope_of(case, body.scope) if body.scope else 0
    event = e.SetVariables(element, checked_all(body.variables), local=bool(body.scope))
    run.call(q.Deliver(run.driver.tenant, case.key, event))


def _resolve(run: _Run, step: Step, body: s.Resolve) -> None:
    for case in run.tree(step.instance):
        for incident in case.state.incidents.values():
            if case.element_id(incident.element) == body.incident:
                run.call(q.Resolve(run.driver.tenant, incident.key, body.retries))
                return
    raise Failed(f"no open incident at {body.incident}")


def _cancel(run: _Run, step: Step, body: s.Cancel) -> None:
    run.call(q.Deliver(run.driver.tenant, run.case(step.instance).key, e.Cancel(body.reason)))


def _trigger(run: _Run, step: Step, body: s.TriggerActivity) -> None:
    case = run.case(step.instance)
    within = changes.scope_of(case, body.within) if body.within else 0
    activities = [body.element, *body.elements] if body.element else body.elements
    event = e.TriggerActivity(within, activities, checked_all(body.variables))
    run.call(q.Deliver(run.driver.tenant, case.key, event))


VERBS: Final[dict[str, Callable[[_Run, Step, Any], None]]] = {
    "start": _start,
    "deploy": _deploy,
    "waiting": _waiting,
    "complete": _complete,
    "fail": _fail,
    "throw": _throw,
    "message": _message,
    "signal": _signal,
    "evaluate": _evaluate,
    "after": _after,
    "set": _set,
    "resolve": _resolve,
    "cancel": _cancel,
    "modify": changes.modify,
    "migrate": changes.migrate,
    "trigger": _trigger,
    "suspend": changes.suspend,
    "resume": changes.resume,
    "restart": changes.restart,
}
