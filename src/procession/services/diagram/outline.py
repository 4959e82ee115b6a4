"""A process as text for terminals: its elements in the order of the flow, tokens and incidents beside them.

One element a line; where the flow does not simply go on below, arrows say where it goes. Nothing here knows colours:
who prints it may add them.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from typing import Final

from procession.model.bpmn import Activity, Definitions, FlowNode, Gateway, Process, Scope, SequenceFlow
from procession.model.events import Event
from procession.services.diagram.marks import NO_MARKS, Marks
from procession.services.diagram.scene import is_dashed, repetition, trigger, words

GUTTER: Final = 9
"""Columns at the left for tokens (`●2`) and incidents (`!1`)."""
NOTE_LINES_MAX: Final = 4
_SYMBOLS: Final = {
    "startEvent": "○",
    "intermediateCatchEvent": "◎",
    "intermediateThrowEvent": "◎",
    "boundaryEvent": "◎",
    "endEvent": "◉",
    "exclusiveGateway": "◇",
    "parallelGateway": "◈",
    "inclusiveGateway": "◇",
    "eventBasedGateway": "◇",
    "complexGateway": "◇",
    "callActivity": "▣",
    "subProcess": "▣",
    "transaction": "▣",
    "adHocSubProcess": "▣",
}
_REPEATED: Final = {
    "": "",
    "loop": ", in a loop",
    "parallelInstances": ", for each in parallel",
    "sequentialInstances": ", for each in turn",
}


def outline(definitions: Definitions, marks: Marks = NO_MARKS, *, process_id: str = "", width: int = 80) -> str:
    """The processes of a document (or the one named) as lines of at most `width` columns."""
    chosen = [p for p in definitions.processes if process_id in ("", p.id)]
    if not process_id and any(p.is_executable for p in chosen):
        chosen = [p for p in chosen if p.is_executable]
    return "\n".join(line for process in chosen for line in _process(process, marks, width))


def _process(process: Process, marks: Marks, width: int) -> Iterator[str]:
    title = process.id if process.name in ("", process.id) else f"{process.id}  {_flat(process.name)}"
    yield _clipped(title, width)
    yield ""
    # A stack, not recursion: what is nested deeply in a document must not exhaust ours.
    stack = [_scope(process.scope, 0, marks, width)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, str):
            yield item
        else:
            stack.append(_scope(*item, marks, width))
    yield ""


def _scope(scope: Scope, depth: int, marks: Marks, width: int) -> Iterator[str | tuple[Scope, int]]:
    names = _names(scope)
    flows: dict[str, list[SequenceFlow]] = {}
    for flow in scope.flows:
        flows.setdefault(flow.source, []).append(flow)
    attached: dict[str, list[Event]] = {}
    for node in scope.nodes:
        if isinstance(node, Event) and node.attached_to:
            attached.setdefault(node.attached_to, []).append(node)
    order = in_flow_order(scope)
    for place, node in enumerate(order):
        after = order[place + 1].id if place + 1 < len(order) else ""
        yield from _node(node, flows.get(node.id, []), (after, names, depth), marks, width)
        if isinstance(node, Activity) and node.scope is not None:
            yield node.scope, depth + 1
        for event in attached.get(node.id, ()):
            yield from _node(event, flows.get(event.id, []), ("", names, depth + 1), marks, width)


def in_flow_order(scope: Scope) -> list[FlowNode]:
    """The nodes of a scope but its boundary events: each after those that lead to it, loops aside; event
    sub-processes last. Branches keep the order of the document.
    """
    nodes = {node.id: node for node in scope.nodes if not (isinstance(node, Event) and node.attached_to)}
    hosts = {node.id: node.attached_to for node in scope.nodes if isinstance(node, Event) and node.attached_to}
    follow: dict[str, list[str]] = {}
    entered: set[str] = set()
    for flow in scope.flows:
        follow.setdefault(hosts.get(flow.source, flow.source), []).append(flow.target)
        entered.add(flow.target)
    heads = [each for each in nodes if each not in entered]
    # Backwards twice: of the finishing order and of the branches, so that the first branch comes first.
    finished: list[str] = []
    seen: set[str] = set()
    for head in [*_reversed_ranked(heads, nodes), *nodes]:
        stack = [(head, iter(reversed(follow.get(head, []))))] if head not in seen else []
        seen.add(head)
        while stack:
            current, rest = stack[-1]
            step = next((each for each in rest if each not in seen and each in nodes), None)
            if step is None:
                finished.append(current)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(reversed(follow.get(step, [])))))
    return [nodes[each] for each in reversed(finished)]


def _reversed_ranked(heads: list[str], nodes: dict[str, FlowNode]) -> list[str]:
    def rank(element: str) -> int:
        node = nodes[element]
        if isinstance(node, Activity) and node.triggered_by_event:
            return 2
        return 0 if node.kind == "startEvent" else 1

    return sorted(heads, key=rank)[::-1]


def _node(
    node: FlowNode,
    flows: list[SequenceFlow],
    place: tuple[str, dict[str, str], int],
    marks: Marks,
    width: int,
) -> Iterator[str]:
    after, names, depth = place
    symbol = _SYMBOLS.get(node.kind, "▭")
    indent = "   " * depth
    goal = f" → {names.get(flows[0].target, flows[0].target)}" if len(flows) == 1 else ""
    if flows and flows[0].target == after:
        goal = ""
    yield _row(node.id, (f"{indent}{symbol} {names[node.id]}", _detail(node), goal), marks, width)
    blank = " " * GUTTER
    for note in marks.notes.get(node.id, ()):
        yield from _note(_flat(note), f"{blank}{indent}    ", width)
    if len(flows) > 1:
        default = "" if isinstance(node, Event) else node.default
        for number, flow in enumerate(flows, 1):
            branch = "└" if number == len(flows) else "├"
            yield _clipped(f"{blank}{indent}  {branch} {_branch(flow, default, names)}", width)


def _note(text: str, indent: str, width: int) -> Iterator[str]:
    """What is waited for, or what went wrong: worth some lines."""
    room = max(20, width - len(indent) - 2)
    lines = textwrap.wrap(text, room, max_lines=NOTE_LINES_MAX, placeholder=" …") or [""]
    for number, line in enumerate(lines):
        yield _clipped(f"{indent}{'  ' if number else ''}{line}", width)


def _branch(flow: SequenceFlow, default: str, names: dict[str, str]) -> str:
    label = _flat(flow.name) or (_flat(flow.condition.text) if flow.condition else "")
    if flow.id == default:
        label = f"{label} (default)".strip()
    return f"{label} → {names.get(flow.target, flow.target)}".lstrip()


def _row(element: str, text: tuple[str, str, str], marks: Marks, width: int) -> str:
    """`text` is the name, the detail and where the flow goes on; the detail gives way first."""
    parts = (("●", marks.active), ("!", marks.incidents))
    here = " ".join(f"{sign}{counts[element]}" for sign, counts in parts if counts.get(element))
    done = f"✓{marks.completed[element]}" if marks.completed.get(element) else ""
    room = width - GUTTER - (len(done) + 1 if done else 0)
    name, detail, goal = text
    left = room - columns(name) - columns(goal) - 4
    if detail and left > 2:
        name = f"{name}  · {_clipped(detail, left)}"
    line = f"{here:>{GUTTER - 2}}  {_clipped(name + goal, room)}"
    return f"{line}{' ' * (width - len(done) - columns(line))}{done}" if done else line.rstrip()


def _detail(node: FlowNode) -> str:
    if isinstance(node, Event):
        return _event_detail(node)
    if isinstance(node, Gateway):
        return words(node.kind)
    kind = "event sub-process" if node.triggered_by_event else words(node.kind)
    extension = node.extension
    job, decision, called = extension.task_definition, extension.called_decision, extension.called_element
    if job is not None and job.type:
        kind = f"{kind} ({_flat(job.type)})"
    elif decision is not None and decision.decision_id:
        kind = f"{kind} ({_flat(decision.decision_id)})"
    process = (called.process_id if called is not None else "") or node.called_element
    if process:
        kind = f"{kind} of {_flat(process)}"
    return f"{kind}{_REPEATED[repetition(node)]}"


def _event_detail(event: Event) -> str:
    cause = words(trigger(event).removesuffix("EventDefinition"))
    kind = {"startEvent": "start", "endEvent": "end", "boundaryEvent": ""}.get(event.kind, "")
    if event.kind == "intermediateThrowEvent":
        kind = "throws"
    parts = [f"{kind} {cause}".strip()] if cause else [kind] if kind in {"start", "end"} else []
    timer = next((d.expression.text for d in event.definitions if d.timer and d.expression), "")
    if timer:
        parts[-1] = f"{parts[-1]} {_flat(timer)}"
    if is_dashed(event):
        parts.append("not interrupting")
    return ", ".join(parts)


def _names(scope: Scope) -> dict[str, str]:
    """What to call each node: its name; with its id where two have the same; the id where it has none."""
    names = {node.id: _flat(node.name) for node in scope.nodes}
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return {
        element: (name if counts[name] == 1 else f"{name} [{element}]") if name else element
        for element, name in names.items()
    }


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _clipped(text: str, width: int) -> str:
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _flat(text: str) -> str:
    """One line, without control characters: a model must not steer the terminal that shows it."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
