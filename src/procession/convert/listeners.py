"""Listeners in Java, expressions or scripts become listeners that workers do, at the same moment."""

from __future__ import annotations

from typing import Final

from procession.convert.jobs import delegate_name, script_type, worker
from procession.convert.tree import Element, insert, make
from procession.convert.work import Step
from procession.parse.dialects.zeebe import ZEEBE

_EXECUTION: Final[dict[str, str]] = {"start": "start", "end": "end"}
_TASK: Final[dict[str, str]] = {
    "create": "creating",
    "assignment": "assigning",
    "update": "updating",
    "complete": "completing",
    "delete": "canceling",
}
_THROWS: Final = frozenset({"errorEventDefinition", "linkEventDefinition", "terminateEventDefinition"})
_REMEDIES: Final[dict[str, str]] = {
    "take": "a flow has no listeners: listen to the start of the element that it leads to",
    "timeout": "draw a timer boundary event that does not interrupt",
    "all": "write one listener for each event",
    "transaction-dependent": "a worker runs after the commit of what came before it",
}


def execution_listener(step: Step) -> bool:
    """`executionListener`: a job at the start or the end of the element."""
    return _listener(step, _EXECUTION, ("executionListeners", "executionListener"))


def task_listener(step: Step) -> bool:
    """`taskListener`: a job at a moment of the user task's life."""
    return _listener(step, _TASK, ("taskListeners", "taskListener"))


def _listener(step: Step, events: dict[str, str], tags: tuple[str, str]) -> bool:
    node, owner, work = step.node, step.owner, step.work
    assert node is not None
    event = (node.get("event") or ("start" if tags[1] == "executionListener" else "create")).strip()
    moment = events.get(event)
    name, headers = _job(node)
    if moment is None:
        step.tell("needs-work", "", _REMEDIES.get(event, f"there is no event {event!r}"))
        return False
    if not name:
        step.tell("needs-work", "", "the listener names no code")
        return False
    if moment == "end" and _never_ends(owner):
        step.tell("needs-work", "", "this element ends without completing: listen to its start, or to another element")
        return False
    if _is_there(step, tags, moment, name):
        step.tell("needs-work", "", f"there is a listener of the type {name!r} for {moment!r} already: keep one")
        return False
    listener = work.add(owner, *tags, {"eventType": moment, "type": name})
    if headers:
        _write_headers(listener, headers)
    note = worker(name)
    if event == "delete":
        note += "; it runs when the task is canceled, not when it is completed"
    step.tell("needs-work", f"zeebe:{tags[1]}@type", note)
    return True


def _job(node: Element) -> tuple[str, dict[str, str]]:
    """The job type of a listener, and its headers: injected fields, the text of an expression or a script."""
    headers: dict[str, str] = {}
    for child in node.elements:
        if child.name == "field":
            text = child.get("stringValue") or child.get("expression") or " ".join(e.text for e in child.elements)
            headers[child.get("name") or ""] = text.strip()
        elif child.name == "script":
            headers["script"] = child.text.strip()
            return script_type(child.get("scriptFormat") or ""), headers
    for attribute in ("class", "delegateExpression"):
        if node.get(attribute):
            return delegate_name(node.get(attribute) or ""), headers
    text = node.get("expression") or ""
    if text:
        headers["expression"] = text
    return delegate_name(text), headers


def _is_there(step: Step, tags: tuple[str, str], moment: str, name: str) -> bool:
    holder = step.owner.child("extensionElements")
    wrappers = holder.of_name(ZEEBE, tags[0]) if holder is not None else []
    found = [each for wrapper in wrappers for each in wrapper.elements]
    return any(each.get("eventType") == moment and each.get("type") == name for each in found)


def _never_ends(owner: Element) -> bool:
    if owner.name == "eventBasedGateway":
        return True
    is_throwing = owner.name in {"endEvent", "intermediateThrowEvent"}
    return is_throwing and any(each.name in _THROWS for each in owner.elements)


def script_listener(step: Step, moment: str) -> bool:
    """A script at the start or the end of an element, as a listener that a worker does."""
    node, work = step.node, step.work
    assert node is not None
    script = next((child for child in node.elements if child.name == "script"), None)
    text = (script.text if script is not None else node.text).strip()
    if not text:
        step.tell("dropped", "", "the script is empty")
        return True
    name = script_type(node.get("scriptFormat") or "")
    if _is_there(step, ("executionListeners", "executionListener"), moment, name):
        step.tell("needs-work", "", f"there is a listener of the type {name!r} for {moment!r} already: keep one")
        return False
    listener = work.add(step.owner, "executionListeners", "executionListener", {"eventType": moment, "type": name})
    _write_headers(listener, {"script": text})
    step.tell("needs-work", "zeebe:executionListener@type", worker(name))
    return True


def _write_headers(listener: Element, headers: dict[str, str]) -> None:
    prefix = listener.tag.rpartition(":")[0]
    holder = make(listener, prefix, "taskHeaders", ZEEBE)
    insert(listener, holder)
    for key, value in headers.items():
        insert(holder, make(holder, prefix, "header", ZEEBE, {"key": key, "value": value}))
