"""What nodes of every family share: their plain fields, mappings, jobs, listeners and bindings."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from procession.base.diagnostics import Span
from procession.compile.expressions import Site
from procession.compile.lower.lowering import RETRIES, Lowering, Place, headers
from procession.compile.lower.scripts import around
from procession.compile.time_syntax import duration_problem
from procession.ir.kinds import Binding, Kind, ListenerEvent
from procession.ir.program import JobSpec, Listener, Mapping, Node, Text
from procession.model import extension as model
from procession.model.bpmn import Activity, FlowNode
from procession.model.events import Event

BINDINGS: Final[dict[str, Binding]] = {
    "": Binding.LATEST,
    "latest": Binding.LATEST,
    "deployment": Binding.DEPLOYMENT,
    "versionTag": Binding.VERSION_TAG,
}
ASSIGNED: Final[dict[str, str]] = {
    "resourceRole": "assignee",
    "performer": "assignee",
    "humanPerformer": "assignee",
    "potentialOwner": "candidate groups",
}
"""What a resource role of a user task says (10.3.1): who does it, or who may take it."""
EXECUTION_EVENTS: Final[dict[str, ListenerEvent]] = {"start": ListenerEvent.START, "end": ListenerEvent.END}
TASK_EVENTS: Final[dict[str, ListenerEvent]] = {
    "create": ListenerEvent.CREATING,
    "creating": ListenerEvent.CREATING,
    "assignment": ListenerEvent.ASSIGNING,
    "assigning": ListenerEvent.ASSIGNING,
    "update": ListenerEvent.UPDATING,
    "updating": ListenerEvent.UPDATING,
    "complete": ListenerEvent.COMPLETING,
    "completing": ListenerEvent.COMPLETING,
    "cancel": ListenerEvent.CANCELING,
    "canceling": ListenerEvent.CANCELING,
}
_PATH: Final = re.compile(r"=\s*(?!(?:null|true|false)\b)([^\W\d]\w*)(?:\.[^\W\d]\w*)*")
_CYCLE: Final = re.compile(r"R(\d+)/(.+)", re.ASCII)


def plain(node: FlowNode, place: Place, kind: Kind) -> Node:
    """The node with the fields that every kind has."""
    span = node.span
    return Node(
        place.index,
        node.id,
        kind,
        node.kind,
        node.name,
        place.scope,
        line=span.line,
        column=span.column,
    )


def worked(low: Lowering, node: FlowNode, place: Place, kind: Kind) -> Node:
    """The node with its mappings and execution listeners, too."""
    base = plain(node, place, kind)
    extension = node.extension
    if extension is model.NO_EXTENSION:
        return base
    return msgspec.structs.replace(
        base,
        inputs=mappings(low, node, extension.inputs, "input mapping"),
        outputs=mappings(low, node, extension.outputs, "output mapping"),
        listeners=_around(low, node),
    )


def _around(low: Lowering, node: FlowNode) -> tuple[Listener, ...]:
    """Scripts come before listeners: those that listen see what was mapped."""
    extension = node.extension
    heard = listeners(low, node.id, extension.execution_listeners, EXECUTION_EVENTS)
    return around(low, node, extension.scripts) + heard if extension.scripts else heard


def mappings(low: Lowering, node: FlowNode, drawn: tuple[model.Mapping, ...], what: str) -> tuple[Mapping, ...]:
    """Input or output mappings in their order."""
    return tuple(
        [
            Mapping(
                low.expressions.source(each.source or '=""', Site(node.id, f"{what} to {each.target}", each.span)),
                tuple(each.target.split(".")),
            )
            for each in drawn
        ]
    )


def job_of(low: Lowering, node: Activity | Event) -> JobSpec | None:
    """The job that an element's task definition describes, None without one."""
    extension = node.extension
    task = extension.task_definition
    if task is None:
        return None
    at = Site(node.id, "job type", task.span)
    retries, backoff = _retry(low, node, task)
    return JobSpec(
        type=low.expressions.value(task.type.strip(), at),
        retries=low.expressions.value(retries, Site(node.id, "retries", task.span)),
        headers=headers(extension.headers),
        backoff=backoff,
        priority=low.expressions.value(extension.job_priority, Site(node.id, "job priority", task.span)),
    )


def _retry(low: Lowering, node: Activity | Event, task: model.TaskDefinition) -> tuple[str, tuple[str, ...]]:
    """The retries and the durations between attempts, of the task definition and `procession:retry`."""
    retry = node.extension.retry
    given = task.retries.strip()
    if retry is None:
        return given or RETRIES, ()
    at = Site(node.id, "retry", retry.span)
    if retry.cycle:
        match = _CYCLE.fullmatch(retry.cycle.strip())
        if match is None:
            text = f"the retry cycle {retry.cycle!r} is not of the form R3/PT10S"
            low.findings.report("retry", at, text, "give a count and a duration")
            return given or RETRIES, ()
        if retry.backoff or (given and given != match[1]):
            text = "the retries are given twice, and it is not defined which hold"
            low.findings.report("retry", at, text, "keep either the cycle or retries with backoff")
        return match[1], _durations(low, at, match[2])
    return given or RETRIES, _durations(low, at, retry.backoff)


def _durations(low: Lowering, at: Site, text: str) -> tuple[str, ...]:
    durations = tuple(part.strip() for part in text.split(",") if part.strip())
    for duration in durations:
        if problem := duration_problem(duration):
            low.findings.report("retry", at, problem, "give durations, separated by commas")
    return durations


def listeners(
    low: Lowering, owner: str, drawn: tuple[model.Listener, ...], events: dict[str, ListenerEvent]
) -> tuple[Listener, ...]:
    """Execution or task listeners in their order; events that are not in the table have been refused."""
    return tuple(
        [
            Listener(
                events[each.event_type],
                JobSpec(
                    type=low.expressions.value(each.type.strip(), Site(owner, "listener type", each.span)),
                    retries=low.expressions.value(
                        each.retries.strip() or RETRIES, Site(owner, "listener retries", each.span)
                    ),
                    headers=headers(each.headers),
                ),
            )
            for each in drawn
            if each.event_type in events
        ]
    )


def value(low: Lowering, node: FlowNode, text: str, attribute: str, span: Span) -> Text:
    """A `zeebe` attribute of a node."""
    return low.expressions.value(text, Site(node.id, attribute, span)) if text else Text()


def output_variable(text: str) -> str:
    """The variable of an output element that is a name or a path; "" for any other expression."""
    match = _PATH.fullmatch(text.strip())
    return match.group(1) if match else ""
