"""The process of a canvas: `write`. One function a kind of node, each returns where it ends and what its result is.

The order of a group's results is Celery's own (`celery.canvas.group`), as its workers give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, assert_never, final

import msgspec

from procession.convert.canvas.calls import inputs_of, staged
from procession.convert.canvas.drawing import RESULT, Drawing, child, extension, mapping, ncname, task_definition
from procession.convert.canvas.literals import variable
from procession.convert.canvas.report import Row, Rows
from procession.convert.canvas.shape import ends_in_group, expanded, name_of, variables_in
from procession.convert.canvas.tree import (
    Call,
    Canvas,
    Chain,
    Chord,
    Each,
    Extras,
    Given,
    Group,
    Map,
    Node,
    Task,
    Unknown,
    Unread,
    Wait,
)
from procession.convert.tree import Element

NOTHING: Final = Given("[]")
NULL: Final = Given("null")
_ONCE: Final = "what follows runs once, with the results of all members; Celery runs it once for each of them"
_BEAT: Final = "take the entry out of beat_schedule when the process is deployed, else both are started"


@final
class Written(msgspec.Struct, frozen=True):
    """A document of BPMN, its process, and the rows of the report."""

    process: str
    data: bytes
    rows: tuple[Row, ...]


class _End(NamedTuple):
    """Where a node ends: the id of its last element, and its result."""

    id: str
    result: Given | None


class _Work(NamedTuple):
    drawing: Drawing
    tasks: Mapping[str, Task]
    rows: Rows


def write(canvas: Canvas, tasks: Mapping[str, Task]) -> Written:
    """The process of a canvas; `tasks` are those that are known, by their names."""
    rows = Rows(canvas.name, canvas.line)
    tree = expanded(canvas.tree)
    drawing = Drawing(canvas.name, {*variables_in(tree), *canvas.parameters, *_parameters(tasks)})
    work = _Work(drawing, tasks, rows)
    for note in canvas.notes:
        rows.tell(canvas.name, "function", "needs-work", note)
    start = drawing.element("startEvent", "start")
    _schedule(work, canvas, start)
    end = _node(work, tree, start.attributes["id"], None)
    last = _finish(work, end)
    drawing.after(last, "endEvent", "end")
    return Written(ncname(canvas.name), drawing.document(), tuple(rows.found))


def _parameters(tasks: Mapping[str, Task]) -> set[str]:
    return {each.name for task in tasks.values() for each in task.parameters}


def _schedule(work: _Work, canvas: Canvas, start: Element) -> None:
    schedule = canvas.schedule
    if schedule is None:
        return
    if schedule.problem:
        work.rows.tell("beat", "schedule", "needs-work", schedule.problem, value=schedule.value)
        return
    child(child(start, "timerEventDefinition"), "timeCycle", text=schedule.cycle)
    work.rows.tell("beat", "schedule", "changed", _BEAT, value=schedule.value, target=f"timeCycle {schedule.cycle}")
    if schedule.zone:
        note = f"the engine reads it in its own zone: open it with zone={schedule.zone!r}"
        work.rows.tell("beat", "timezone", "needs-work", note, value=schedule.zone)


def _finish(work: _Work, end: _End) -> str:
    """The result becomes the variable `result`."""
    if end.result is None or work.drawing.rename_last(end.result.feel):
        return end.id
    script = work.drawing.after(end.id, "scriptTask", "collect", "Collect the results")
    extension(script, "script", {"expression": f"={end.result.feel}", "resultVariable": RESULT})
    return script.attributes["id"]


def _node(work: _Work, node: Node, before: str, given: Given | None) -> _End:
    """Draws a node behind the element `before`; `given` is the result that it is given."""
    extras = node.extras
    if extras.wait is not None:
        before = _timer(work, extras.wait, before, name_of(node))
    match node:
        case Call():
            end = _call(work, node, before, given)
        case Chain():
            end = _chain(work, node, before, given)
        case Group():
            end = _group(work, node, before, given)
        case Chord():
            end = _chord(work, node, before, given)
        case Map():
            end = _map(work, node, before)
        case Each():
            end = _each(work, node, before, given)
        case Unread():
            work.rows.tell(name_of(node), "canvas", "needs-work", f"{node.reason}: a user task stands in its place")
            end = _End(work.drawing.after(before, "userTask", "by_hand", node.reason).attributes["id"], NULL)
        case _:
            assert_never(node)
    work.rows.of_signature(name_of(node), extras.options)
    return _links(work, extras, end, name_of(node))


def _timer(work: _Work, wait: Wait, before: str, name: str) -> str:
    event = work.drawing.after(before, "intermediateCatchEvent", f"before_{name}")
    child(child(event, "timerEventDefinition"), wait.kind, text=wait.text)
    attribute = "countdown" if wait.kind == "timeDuration" else "eta"
    work.rows.tell(name, attribute, "mapped", "a timer event before it", value=wait.text, target=wait.kind)
    return event.attributes["id"]


def _links(work: _Work, extras: Extras, end: _End, name: str) -> _End:
    """Callbacks run beside what follows, with the same result."""
    if not extras.links:
        return end
    fork = work.drawing.after(end.id, "parallelGateway", f"after_{name}").attributes["id"]
    for link in extras.links:
        linked = _node(work, link, fork, end.result)
        work.drawing.after(linked.id, "endEvent", f"end_of_{name_of(link)}")
        work.rows.tell(name, "link", "mapped", "it runs beside what follows", target=name_of(link))
    return end._replace(id=fork)


def _call(work: _Work, call: Call, before: str, given: Given | None) -> _End:
    element = _task(work, call, before, given)
    output = mapping(element, "output", RESULT, "")
    found = work.drawing.result(output, "target")
    return _End(element.attributes["id"], Given(found, (found,)))


def _task(work: _Work, call: Call, before: str, given: Given | None) -> Element:
    """The service task of a call, without what becomes of its result."""
    task = work.tasks.get(call.task)
    inputs = inputs_of(call, given, task, work.rows)
    element = work.drawing.after(before, "serviceTask", name_of(call), name_of(call).replace("_", " "))
    names = ",".join(inputs.values)
    task_definition(element, call.task, {"kwargs": names, "result": RESULT})
    work.rows.tell(name_of(call), "task", "mapped", value=call.task, target=element.attributes["id"])
    in_order = staged(inputs.values)
    if in_order is None:
        kept = {name: work.drawing.fresh(f"given_{name}") for name in inputs.values}
        for name, value in inputs.values.items():
            mapping(element, "input", value.feel, kept[name])
        in_order = [(name, Given(fresh)) for name, fresh in kept.items()]
    for name, value in in_order:
        mapping(element, "input", value.feel, name)
    for value in inputs.values.values():
        work.drawing.reads(value.reads)
    if task is not None:
        work.rows.of_task(name_of(call), task.options, replaces=task.replaces)
    return element


def _chain(work: _Work, chain: Chain, before: str, given: Given | None) -> _End:
    end = _End(before, given)
    for number, step in enumerate(chain.steps, 1):
        if isinstance(step, Chord) and ends_in_group(step) and number < len(chain.steps):
            work.rows.tell(name_of(step), "body", "changed", _ONCE)
        end = _node(work, step, end.id, end.result)
    return end


def _chord(work: _Work, chord: Chord, before: str, given: Given | None) -> _End:
    end = _node(work, chord.header, before, given)
    return _node(work, chord.body, end.id, end.result)


def _group(work: _Work, group: Group, before: str, given: Given | None) -> _End:
    members = group.members
    target = "parallelGateway" if len(members) > 1 else ""
    work.rows.tell(name_of(group), "group", "mapped", value=f"{len(members)} written members", target=target)
    if not members:
        return _End(before, NOTHING)
    if len(members) == 1:
        end = _node(work, members[0], before, given)
        return _collected(group, end.id, [end])
    fork = work.drawing.after(before, "parallelGateway", "fork").attributes["id"]
    ends = [_node(work, member, fork, given) for member in members]
    join = work.drawing.element("parallelGateway", "join").attributes["id"]
    for end in ends:
        work.drawing.flow(end.id, join)
    return _collected(group, join, ends)


def _collected(group: Group, id: str, ends: list[_End]) -> _End:
    parts = [(end.result or NULL, isinstance(member, Each)) for end, member in zip(ends, group.members, strict=True)]
    return _End(id, _joined(parts))


def _joined(parts: list[tuple[Given, bool]]) -> Given:
    """One list of parts; those that are lists themselves lose their brackets."""
    reads = tuple(dict.fromkeys(name for part, _ in parts for name in part.reads))
    if len(parts) == 1 and parts[0][1]:
        return parts[0][0]
    if not any(many for _, many in parts):
        return Given(f"[{', '.join(part.feel for part, _ in parts)}]", reads)
    return Given(f"concatenate({', '.join(part.feel if many else f'[{part.feel}]' for part, many in parts)})", reads)


def _each(work: _Work, each: Each, before: str, given: Given | None) -> _End:
    """A sub-process for each item, all at the same time."""
    body = work.drawing.after(before, "subProcess", f"each_{each.name}", f"for each {each.name}")
    earlier = len(work.drawing.declared)
    with work.drawing.inside(body):
        start = work.drawing.element("startEvent", "start").attributes["id"]
        end = _node(work, each.member, start, given)
        work.drawing.after(end.id, "endEvent", "end")
    for name in work.drawing.declared[earlier:]:
        # Else all of them would write to one variable of the process.
        mapping(body, "input", "null", name)
    result = end.result or NULL
    work.drawing.reads(result.reads)
    work.rows.tell(name_of(each), "for", "mapped", value=each.name, target="multiInstanceLoopCharacteristics")
    return _loop(work, body, each, result.feel)


def _map(work: _Work, node: Map, before: str) -> _End:
    """A task for each item, one after the other."""
    item = work.drawing.fresh("item")
    args: tuple[Given, ...] = (variable(item),)
    if node.star:
        args = tuple(Given(f"{item}[{number}]", (item,)) for number in range(1, (node.width or 0) + 1))
        if node.width is None:
            note = "how many arguments an item holds is not known: the process gives none; write the items out"
            work.rows.tell(name_of(node), "it", "needs-work", note)
    note = "each item is a job of its own; Celery does all of them in one message"
    work.rows.tell(name_of(node), "map", "changed", note, target="multiInstanceLoopCharacteristics")
    body = work.drawing.after(before, "subProcess", f"each_{name_of(node)}")
    earlier = len(work.drawing.declared)
    with work.drawing.inside(body):
        start = work.drawing.element("startEvent", "start").attributes["id"]
        end = _call(work, Call(node.task, args), start, None)
        work.drawing.after(end.id, "endEvent", "end")
    for name in work.drawing.declared[earlier:]:
        mapping(body, "input", "null", name)
    work.drawing.reads(end.result.reads if end.result else ())
    return _loop(work, body, Each(item, node.items, node), end.result.feel if end.result else "null", in_turn=True)


def _loop(work: _Work, body: Element, each: Each, element: str, *, in_turn: bool = False) -> _End:
    """Makes a sub-process one for each item; its results are a list in the order of the items."""
    items = each.items
    if isinstance(items, Unknown):
        work.rows.tell(name_of(each), "items", "needs-work", f"{items.reason}: the process has no items", target="[]")
        items = NOTHING
    work.drawing.reads(items.reads)
    loop = child(body, "multiInstanceLoopCharacteristics")
    if in_turn:
        loop.attributes["isSequential"] = "true"
    settings = {"inputCollection": f"={items.feel}", "inputElement": each.name, "outputElement": f"={element}"}
    place = extension(loop, "loopCharacteristics", settings)
    found = work.drawing.result(place, "outputCollection")
    return _End(body.attributes["id"], Given(found, (found,)))
