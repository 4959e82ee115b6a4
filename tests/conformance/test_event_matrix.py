"""Every trigger in every position (BPMN 2.0.2, table 10.93): a cell runs to its end, or is refused by a named rule.

Each model is made from its cell. What can throw stands in a sub-process beside a job, so that an interruption shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from procession.compile import compile_definitions
from procession.testing import run_scenario
from procession.testing.scenario_reader import parse_scenario
from unit.compile.snippets import definitions_of, document, path

_KEY: Final = "<extensionElements><zeebe:subscription correlationKey='=\"k\"'/></extensionElements>"
_ROOTS: Final = (
    f'<message id="msg" name="paid">{_KEY}</message><signal id="sig" name="stop"/>'
    '<error id="err" errorCode="E1"/><escalation id="esc" escalationCode="X1"/>'
)


def _timer(kind: str, text: str) -> str:
    return f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"


DEFINITIONS: Final[dict[str, str]] = {
    "none": "",
    "message": '<messageEventDefinition messageRef="msg"/>',
    "date": _timer("timeDate", "1970-01-01T01:00:00Z"),
    "duration": _timer("timeDuration", "PT1H"),
    "cycle": _timer("timeCycle", "R2/PT1H"),
    "cron": _timer("timeCycle", "0 * * * *"),
    "error": '<errorEventDefinition errorRef="err"/>',
    "escalation": '<escalationEventDefinition escalationRef="esc"/>',
    "signal": '<signalEventDefinition signalRef="sig"/>',
    "link": '<linkEventDefinition name="l"/>',
    "terminate": "<terminateEventDefinition/>",
    "conditional": "<conditionalEventDefinition><condition>=x</condition></conditionalEventDefinition>",
    "compensation": "<compensateEventDefinition/>",
    "cancel": "<cancelEventDefinition/>",
    "multiple": '<messageEventDefinition messageRef="msg"/><signalEventDefinition signalRef="sig"/>',
}
TIMERS: Final = ("date", "duration", "cycle", "cron")
DRIVE: Final[dict[str, str]] = {
    "message": "- message: {name: paid, key: k}",
    "signal": "- signal: {name: stop}",
    **dict.fromkeys(TIMERS, "- after: PT1H"),
    **dict.fromkeys(("error", "escalation"), "- complete: {element: go}"),
    "conditional": "- set: {variables: {x: true}}",
    "multiple": "- signal: {name: stop}",
}
"""The step that makes a trigger happen. Errors and escalations are thrown behind the job `go`."""


class Cell(NamedTuple):
    """A model and how it goes: the steps behind the start, and the elements completed."""

    body: str
    steps: tuple[str, ...]
    completed: str
    others: str = ""
    """More processes of the document."""
    is_started: bool = True
    more: str = ""
    """More expectations, by instance name."""


def _job(id: str) -> str:
    extension = f'<extensionElements><zeebe:taskDefinition type="{id}"/></extensionElements>'
    return f'<serviceTask id="{id}">{extension}</serviceTask>'


def _content(trigger: str) -> str:
    """Inside of a sub-process: a job `work`, and beside it a job `go` with what throws behind it."""
    thrown = DEFINITIONS[trigger] if trigger in {"error", "escalation"} else ""
    return (
        f'<startEvent id="s"/><parallelGateway id="fork"/>{_job("work")}{_job("go")}'
        f'<endEvent id="worked"/><endEvent id="gone">{thrown}</endEvent>'
        + path("s", "fork", "work", "worked")
        + path("fork", "go", "gone")
    )


_REPEATED: Final = frozenset({"cycle", "cron", "message", "signal", "multiple"})
"""What happens a second time when it is driven a second time."""


def process_start(trigger: str) -> Cell:
    body = f'<startEvent id="x">{DEFINITIONS[trigger]}</startEvent><endEvent id="end"/>' + path("x", "end")
    if trigger == "none":
        return Cell(body, (), "x, end")
    if trigger == "conditional":
        steps = tuple([f"- evaluate: {{variables: {{x: {word}}}}}" for word in ("false", "true")])
        return Cell(body, steps, "x, end", is_started=False)
    again = (DRIVE.get(trigger, ""),) if trigger in _REPEATED else ()
    more = "p#2: {state: completed, path: [x, end]}" if again else ""
    return Cell(body, (DRIVE.get(trigger, ""), *again), "x, end", is_started=False, more=more)


def sub_process_start(trigger: str) -> Cell:
    inside = f'<startEvent id="x">{DEFINITIONS[trigger]}</startEvent><task id="t"/>' + path("x", "t")
    body = f'<startEvent id="start"/><subProcess id="u">{inside}</subProcess><endEvent id="end"/>'
    return Cell(body + path("start", "u", "end"), (), "start, x, t, u, end")


_UNDONE: Final = (
    '<startEvent id="s"/><task id="a"/><boundaryEvent id="undone" attachedToRef="a"><compensateEventDefinition/>'
    '</boundaryEvent><task id="undo" isForCompensation="true"/>'
    '<association id="tie" sourceRef="undone" targetRef="undo"/>'
)
"""An activity that completes and can be undone."""


def _undone_from_inside(interrupting: bool) -> Cell:
    """A sub-process that completes; what is thrown then is caught in it."""
    handler = (
        f'<subProcess id="handler" triggeredByEvent="true"><startEvent id="x" isInterrupting="{_word(interrupting)}">'
        f'{DEFINITIONS["compensation"]}</startEvent><task id="h"/>{path("x", "h")}</subProcess>'
    )
    body = f'<startEvent id="start"/><subProcess id="u">{_UNDONE}{path("s", "a")}{handler}</subProcess>'
    body += f'<endEvent id="end">{DEFINITIONS["compensation"]}</endEvent>{path("start", "u", "end")}'
    return Cell(body, (), "start, s, a, u, x, h, handler, end")


def _undone_at_the_border(interrupting: bool) -> Cell:
    border = _UNDONE.replace('id="undone"', f'id="undone" cancelActivity="{_word(interrupting)}"')
    body = border + f'<endEvent id="end">{DEFINITIONS["compensation"]}</endEvent>' + path("s", "a", "end")
    return Cell(body, (), "s, a, undo, end")


def _cancelled(interrupting: bool) -> Cell:
    """A transaction that is cancelled, undone, and left by its boundary event."""
    body = (
        f'<startEvent id="start"/><transaction id="u">{_UNDONE}<endEvent id="e">{DEFINITIONS["cancel"]}</endEvent>'
        f'{path("s", "a", "e")}</transaction><boundaryEvent id="x" attachedToRef="u" cancelActivity="'
        f'{_word(interrupting)}">{DEFINITIONS["cancel"]}</boundaryEvent><task id="h"/>'
    )
    return Cell(body + path("start", "u") + path("x", "h"), (), "start, s, a, e, undo, x, h")


def _event_sub_process(trigger: str, interrupting: bool) -> Cell:
    if trigger == "compensation":
        return _undone_from_inside(interrupting)
    handler = (
        f'<subProcess id="handler" triggeredByEvent="true"><startEvent id="x" isInterrupting="{_word(interrupting)}">'
        f'{DEFINITIONS[trigger]}</startEvent><task id="h"/>{path("x", "h")}</subProcess>'
    )
    body = f'<startEvent id="start"/><subProcess id="u">{_content(trigger)}{handler}</subProcess><endEvent id="end"/>'
    steps, completed = _beside(trigger, interrupting, "x, h, handler")
    return Cell(body + path("start", "u", "end"), steps, f"start, s, fork, {completed}, u, end")


def _beside(trigger: str, interrupting: bool, handled: str) -> tuple[tuple[str, ...], str]:
    """The steps and what is completed, when a trigger is caught at a sub-process with `_content`."""
    thrown = trigger in {"error", "escalation"}
    if interrupting:
        return (DRIVE.get(trigger, ""), "- waiting: {jobs: []}"), f"go, {handled}" if thrown else handled
    once = "- waiting: {jobs: [work]}" if thrown else "- waiting: {jobs: [work, go]}"
    again = (DRIVE.get(trigger, ""),) if trigger in _REPEATED else ()
    rest = () if thrown else ("- complete: {element: go}",)
    steps = (DRIVE.get(trigger, ""), once, *again, *rest, "- complete: {element: work}")
    return steps, ", ".join([handled] * (1 + len(again))) + ", go, gone, work, worked"


def _word(value: bool) -> str:
    return str(value).lower()


def event_sub_process_interrupting(trigger: str) -> Cell:
    return _event_sub_process(trigger, True)


def event_sub_process_beside(trigger: str) -> Cell:
    return _event_sub_process(trigger, False)


def catch(trigger: str) -> Cell:
    event = f'<intermediateCatchEvent id="x">{DEFINITIONS[trigger]}</intermediateCatchEvent><endEvent id="end"/>'
    if trigger == "link":
        thrown = f'<intermediateThrowEvent id="thrown">{DEFINITIONS["link"]}</intermediateThrowEvent>'
        return Cell(
            f'<startEvent id="start"/>{thrown}{event}' + path("start", "thrown") + path("x", "end"),
            (),
            "start, thrown, x, end",
        )
    steps: tuple[str, ...] = (DRIVE.get(trigger, ""),)
    completed = "start, x, end"
    if trigger == "cycle":
        steps, completed = steps * 2, "start, x, end, end"
    more = ("- cancel: {}",) if trigger == "cron" else ()
    completed = "start, end" if trigger == "cron" else completed
    return Cell(f'<startEvent id="start"/>{event}' + path("start", "x", "end"), (*steps, *more), completed)


def _boundary(trigger: str, interrupting: bool) -> Cell:
    if trigger == "compensation":
        return _undone_at_the_border(interrupting)
    if trigger == "cancel":
        return _cancelled(interrupting)
    body = (
        f'<startEvent id="start"/><subProcess id="u">{_content(trigger)}</subProcess><endEvent id="end"/>'
        f'<boundaryEvent id="x" attachedToRef="u" cancelActivity="{_word(interrupting)}">{DEFINITIONS[trigger]}'
        '</boundaryEvent><task id="h"/>' + path("start", "u", "end") + path("x", "h")
    )
    steps, completed = _beside(trigger, interrupting, "x, h")
    return Cell(body, steps, f"start, s, fork, {completed}" + ("" if interrupting else ", u, end"))


def boundary_interrupting(trigger: str) -> Cell:
    return _boundary(trigger, True)


def boundary_beside(trigger: str) -> Cell:
    return _boundary(trigger, False)


def _receiver(trigger: str) -> str:
    """A process that what is thrown starts."""
    start = f'<startEvent id="qs">{DEFINITIONS[trigger]}</startEvent><endEvent id="qe"/>'
    return f'<process id="q" isExecutable="true">{start}{path("qs", "qe")}</process>'


def _caught_outside(trigger: str, thrower: str, completed: str, interrupting: bool) -> Cell:
    """A sub-process that throws, with a boundary event that catches."""
    body = (
        f'<startEvent id="start"/><subProcess id="u"><startEvent id="s"/>{thrower}</subProcess><endEvent id="end"/>'
        f'<boundaryEvent id="b" attachedToRef="u" cancelActivity="{_word(interrupting)}">{DEFINITIONS[trigger]}'
        '</boundaryEvent><task id="h"/>' + path("start", "u", "end") + path("b", "h")
    )
    return Cell(body, (), completed)


def throw(trigger: str) -> Cell:
    event = f'<intermediateThrowEvent id="x">{DEFINITIONS[trigger]}</intermediateThrowEvent><endEvent id="e"/>'
    if trigger == "escalation":
        return _caught_outside(trigger, event + path("s", "x", "e"), "start, s, x, b, h, e, u, end", False)
    if trigger == "link":
        target = f'<intermediateCatchEvent id="y">{DEFINITIONS["link"]}</intermediateCatchEvent>'
        return Cell(
            f'<startEvent id="start"/>{event}{target}' + path("start", "x") + path("y", "e"), (), "start, x, y, e"
        )
    if trigger == "compensation":
        return Cell(_UNDONE + event + path("s", "a", "x", "e"), (), "s, a, undo, x, e")
    cell = Cell(f'<startEvent id="start"/>{event}' + path("start", "x", "e"), (), "start, x, e")
    return _received(cell, trigger)


def _received(cell: Cell, trigger: str) -> Cell:
    if trigger == "multiple":
        more = "q: {state: completed}\n  q#2: {state: completed}"
        return cell._replace(others=_receiver(trigger), more=more)
    if trigger not in {"message", "signal"}:
        return cell
    return cell._replace(others=_receiver(trigger), more="q: {state: completed, path: [qs, qe]}")


def end(trigger: str) -> Cell:
    event = f'<endEvent id="x">{DEFINITIONS[trigger]}</endEvent>'
    if trigger == "error":
        return _caught_outside(trigger, event + path("s", "x"), "start, s, b, h", True)
    if trigger == "escalation":
        return _caught_outside(trigger, event + path("s", "x"), "start, s, x, b, h, u, end", False)
    if trigger == "terminate":
        body = f'<startEvent id="start"/><parallelGateway id="fork"/>{_job("work")}{_job("go")}{event}'
        steps = ("- complete: {element: go}", "- waiting: {jobs: []}")
        return Cell(body + path("start", "fork", "go", "x") + path("fork", "work"), steps, "start, fork, go, x")
    if trigger == "compensation":
        return Cell(_UNDONE + event + path("s", "a", "x"), (), "s, a, undo, x")
    if trigger == "cancel":
        return _cancelled(True)
    return _received(Cell(f'<startEvent id="start"/>{event}' + path("start", "x"), (), "start, x"), trigger)


def after_event_gateway(trigger: str) -> Cell:
    body = (
        f'<startEvent id="start"/><eventBasedGateway id="g"/><intermediateCatchEvent id="x">{DEFINITIONS[trigger]}'
        '</intermediateCatchEvent><endEvent id="end"/><receiveTask id="other" messageRef="other-message"/>'
        + path("start", "g", "x", "end")
        + path("g", "other")
    )
    steps = (DRIVE.get(trigger, ""), "- waiting: {messages: [], signals: [], timers: []}")
    return Cell(body, steps, "start, g, x, end")


POSITIONS: Final[dict[str, Callable[[str], Cell]]] = {
    "start of a process": process_start,
    "start of a sub-process": sub_process_start,
    "start of an event sub-process, interrupting": event_sub_process_interrupting,
    "start of an event sub-process, beside": event_sub_process_beside,
    "catch": catch,
    "boundary, interrupting": boundary_interrupting,
    "boundary, beside": boundary_beside,
    "throw": throw,
    "end": end,
    "after an event-based gateway": after_event_gateway,
}
_LATER: Final = frozenset({"conditional", "multiple"})
_ONCE: Final = frozenset({"message", "signal", "error", "escalation", "date", "duration", *_LATER})
_AGAIN: Final = frozenset({"message", "signal", "escalation", *TIMERS, *_LATER})
EXECUTED: Final[dict[str, frozenset[str]]] = {
    "start of a process": frozenset({"none", "message", "signal", "conditional", "multiple", *TIMERS}),
    "start of a sub-process": frozenset({"none"}),
    "start of an event sub-process, interrupting": _ONCE | {"compensation"},
    "start of an event sub-process, beside": _AGAIN,
    "catch": frozenset({"message", "signal", "link", *TIMERS, *_LATER}),
    "boundary, interrupting": _ONCE | {"compensation", "cancel"},
    "boundary, beside": _AGAIN,
    "throw": frozenset({"none", "message", "signal", "escalation", "link", "multiple", "compensation"}),
    "end": frozenset(
        {"none", "message", "signal", "error", "escalation", "terminate", "multiple", "compensation", "cancel"}
    ),
    "after an event-based gateway": frozenset({"message", "signal", *TIMERS, *_LATER}),
}
_START_RULE: Final = ("none", "link", "terminate", "cancel")
RULES: Final[dict[tuple[str, str], str]] = {
    **{("start of a process", t): "start-event" for t in (*_START_RULE, "error", "escalation", "compensation")},
    **{("start of a sub-process", t): "start-event" for t in DEFINITIONS},
    **{("start of an event sub-process, interrupting", t): "start-event" for t in _START_RULE},
    **{("start of an event sub-process, beside", t): "start-event" for t in _START_RULE},
    **{("start of an event sub-process, interrupting", t): "timer" for t in ("cycle", "cron")},
    **{("boundary, interrupting", t): "timer" for t in ("cycle", "cron")},
    **{("start of an event sub-process, beside", t): "event-sub-process" for t in ("error", "compensation")},
    **{("boundary, beside", t): "boundary-event" for t in ("error", "compensation", "cancel")},
    ("after an event-based gateway", "link"): "event-based-gateway-target",
}
"""The rule that refuses a cell, where it is not `element-type`."""
CELLS: Final = [(position, trigger) for position in POSITIONS for trigger in DEFINITIONS]
ALLOWED: Final = [cell for cell in CELLS if cell[1] in EXECUTED[cell[0]]]
FORBIDDEN: Final = [cell for cell in CELLS if cell[1] not in EXECUTED[cell[0]]]


def _document(cell: Cell) -> str:
    text = document(cell.body, roots=_ROOTS + f'<message id="other-message" name="other">{_KEY}</message>')
    return text.replace("</definitions>", cell.others + "</definitions>")


@pytest.mark.parametrize(("position", "trigger"), ALLOWED, ids=[f"{p}: {t}" for p, t in ALLOWED])
def test_an_event_of_the_matrix_runs_to_its_end(position: str, trigger: str, tmp_path: Path) -> None:
    cell = POSITIONS[position](trigger)
    (tmp_path / "m.bpmn").write_text(_document(cell), encoding="utf-8")
    state = "terminated" if "- cancel: {}" in cell.steps else "completed"
    name, first = ("it", ("- start: {process: p}",)) if cell.is_started else ("p", ())
    lines = ["deploy: [m.bpmn]", "steps:", *(f"  {step}" for step in first + cell.steps)]
    lines += ["expect:", f"  {name}: {{state: {state}, path: [{cell.completed}]}}", f"  {cell.more}"]
    scenario = parse_scenario("\n".join(lines), str(tmp_path / "m.scenario.yaml"))
    for restore in (False, True):
        result = run_scenario(scenario, restore_every_step=restore)
        assert result.passed, result.error


@pytest.mark.parametrize(("position", "trigger"), FORBIDDEN, ids=[f"{p}: {t}" for p, t in FORBIDDEN])
def test_any_other_cell_is_refused_by_a_named_rule(position: str, trigger: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(_document(POSITIONS[position](trigger))))
    errors = [each for each in diagnostics if each.severity == "error"]
    expected = RULES.get((position, trigger), "element-type")
    assert expected in {each.rule for each in errors}, [str(each) for each in diagnostics]
    assert not programs
    assert all(each.element and each.span.line and each.span.column and each.remedy for each in errors)
