"""Global tasks (10.3.7) as processes of their own: a start, the task, an end. Call activities call them like any other.

The process has the id of the global task, so it is deployed, listed and called by it; the task in it has that id with
`_task` behind it. Its data inputs and outputs are variables of that process.
"""

from __future__ import annotations

from typing import Final

from procession.model.bpmn import (
    Activity,
    ActivityKind,
    Definitions,
    GlobalTask,
    GlobalTaskKind,
    Process,
    Scope,
    SequenceFlow,
)
from procession.model.events import Event

KINDS: Final[dict[GlobalTaskKind, ActivityKind]] = {
    "globalTask": "task",
    "globalUserTask": "userTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalBusinessRuleTask": "businessRuleTask",
}
"""Global task -> the task that it is."""


def process_of(task: GlobalTask) -> Process:
    """A global task as a process."""
    id = task.id
    start, inner, end = f"{id}_start", f"{id}_task", f"{id}_end"
    flows = (
        SequenceFlow(id=f"{id}_begins", source=start, target=inner, span=task.span),
        SequenceFlow(id=f"{id}_ends", source=inner, target=end, span=task.span),
    )
    work = Activity(
        kind=KINDS[task.kind],
        id=inner,
        name=task.name,
        incoming=(flows[0].id,),
        outgoing=(flows[1].id,),
        script=task.script,
        script_format=task.script_format,
        implementation=task.implementation,
        resources=task.resources,
        extension=task.extension,
        span=task.span,
    )
    nodes = (
        Event(kind="startEvent", id=start, outgoing=(flows[0].id,), span=task.span),
        work,
        Event(kind="endEvent", id=end, incoming=(flows[1].id,), span=task.span),
    )
    scope = Scope(nodes=nodes, flows=flows)
    return Process(id=id, name=task.name, is_executable=True, scope=scope, io=task.io, span=task.span)


def called_in(definitions: Definitions) -> frozenset[str]:
    """The ids that call activities of executable processes name: what of the document must be able to run."""
    found: set[str] = set()
    waiting = [process.scope for process in definitions.processes if process.is_executable]
    while waiting:
        for node in waiting.pop().nodes:
            if isinstance(node, Activity):
                called = node.extension.called_element
                found.add((called.process_id.strip() if called is not None else "") or node.called_element)
                if node.scope is not None:
                    waiting.append(node.scope)
    return frozenset(found)
