"""Variables: `inputOutput`, `in` and `out`, injected fields, properties."""

from __future__ import annotations

import json
from typing import Final

from procession.convert.jobs import TASK, script_note, worker
from procession.convert.report import Outcome
from procession.convert.translation import Notes, Translation, checked_feel, constant, feel_text
from procession.convert.translation import name as variable
from procession.convert.tree import Element, remove
from procession.convert.work import JOB_TASKS, Step, is_plain_name, worst

ONLY_MAPPED: Final = "with an output mapping only mapped variables leave the element; what else it gives stays inside"

_KEEPS_ITS_OWN: Final = JOB_TASKS | {"userTask", "callActivity", "receiveTask"}


def input_output(step: Step) -> bool:
    """`inputOutput`: input and output mappings. A parameter that cannot be translated stays where it was."""
    node = step.node
    assert node is not None
    for parameter in node.elements:
        is_input = parameter.name == "inputParameter"
        target = parameter.get("name") or ""
        done = parameter_value(step, parameter)
        label = f'<{parameter.tag} name="{target}">'
        value = " ".join(part for part in (_shown(each) for each in parameter.walk()) if part)
        if done.feel is not None and not is_plain_name(target):
            done = Translation(feel=None, outcome="needs-work", notes=(f"{target!r} is no name for a mapping",))
        note, outcome = done.note, done.outcome
        if done.feel is not None:
            write = step.work.input if is_input else step.work.output
            write(step.owner, f"={done.feel}", target)
            if not is_input and step.owner.name in _KEEPS_ITS_OWN:
                outcome = worst(outcome, "changed")
                note = "; ".join(part for part in (note, ONLY_MAPPED) if part)
        kind = "zeebe:input" if is_input else "zeebe:output"
        step.work.tell(parameter, label, value, outcome, target=kind if done.feel is not None else "", note=note)
        if done.feel is not None:
            remove(parameter)
    return not node.elements


def parameter_value(step: Step, element: Element) -> Translation:
    """The value of a parameter: text, script, list or map, as deep as it goes."""
    inside = element.elements
    if not inside:
        text = element.text
        return step.feel(text) if text.strip() else Notes().translation(constant(None))
    only = inside[0]
    if only.name == "script":
        return _script(step, only)
    if only.name == "list":
        return _together([_item(step, each) for each in only.elements], "[", "]")
    if only.name == "map":
        keys = [f"{json.dumps(each.get('key') or '', ensure_ascii=False)}: " for each in only.elements]
        return _together([parameter_value(step, each) for each in only.elements], "{", "}", keys)
    return Translation(feel=None, outcome="needs-work", notes=(f"<{only.tag}> is not known",))


def _item(step: Step, element: Element) -> Translation:
    if element.name == "script":
        return _script(step, element)
    if element.name in {"list", "map"}:
        around = Element(element.tag, {}, "", "item", element.prefixes, children=[element])
        return parameter_value(step, around)
    return parameter_value(step, element)


def _script(step: Step, element: Element) -> Translation:
    language = (element.get("scriptFormat") or "").strip()
    text = element.text.strip()
    if language.lower() == "feel" and text:
        return checked_feel(text)
    if language.lower() == "juel" and text:
        return step.feel(text)
    return Translation(feel=None, outcome="needs-work", notes=(script_note(language),))


def _together(parts: list[Translation], opening: str, closing: str, keys: list[str] | None = None) -> Translation:
    """A list or a context of translated values."""
    names = keys or [""] * len(parts)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    outcome: Outcome = "mapped"
    for part in parts:
        outcome = worst(outcome, part.outcome)
    if any(part.feel is None for part in parts):
        return Translation(feel=None, outcome="needs-work", notes=notes)
    inner = ", ".join(f"{key}{part.feel}" for key, part in zip(names, parts, strict=True))
    return Translation(feel=f"{opening}{inner}{closing}", outcome=outcome, notes=notes)


def _shown(element: Element) -> str:
    return element.text.strip()


def passed_in(step: Step) -> bool:
    """`in` of a call activity or a thrown signal."""
    node, owner, work = step.node, step.owner, step.work
    assert node is not None
    key = node.get("businessKey")
    if key is not None:
        return business_key(step, key)
    if node.get("variables") == "all":
        if owner.name != "callActivity":
            step.tell("dropped", "", "a signal carries what its inputs say")
            return True
        return _all(step, "propagateAllParentVariables")
    done, target = _passed(step, node)
    if done.feel is None or not is_plain_name(target):
        step.tell("needs-work", "", done.note or f"{target!r} is no name for a mapping")
        return False
    work.input(owner, f"={done.feel}", target)
    return _passed_on(step, done, "zeebe:input")


def _all(step: Step, attribute: str) -> bool:
    step.work.set(step.owner, "calledElement", {attribute: "true"})
    step.tell("mapped", f"zeebe:calledElement@{attribute}")
    return True


def business_key(step: Step, text: str) -> bool:
    """The business key of a called process."""
    if "processBusinessKey" in text or text.strip() in {"#{execution.businessKey}", "${execution.businessKey}"}:
        step.tell("mapped", "", "a called process has the business key of its caller")
        return True
    done = step.feel(text)
    if not step.told(done, "zeebe:calledElement@businessId"):
        return False
    step.work.put(step.owner, "calledElement", {"businessId": done.value})
    return True


def passed_out(step: Step) -> bool:
    """`out` of a call activity."""
    node = step.node
    assert node is not None
    if node.get("variables") == "all":
        return _all(step, "propagateAllChildVariables")
    done, target = _passed(step, node)
    if done.feel is None or not is_plain_name(target):
        step.tell("needs-work", "", done.note or f"{target!r} is no name for a mapping")
        return False
    step.work.output(step.owner, f"={done.feel}", target)
    return _passed_on(step, done, "zeebe:output")


def _passed_on(step: Step, done: Translation, target: str) -> bool:
    node = step.node
    if node is not None and node.get("local") == "true":
        return step.told(done, target, "a variable of an outer scope is seen too, not only a local one", "changed")
    return step.told(done, target)


def _passed(step: Step, node: Element) -> tuple[Translation, str]:
    target = (node.get("target") or node.get("targetExpression") or "").strip()
    source = node.get("source")
    if source is not None:
        return Translation(feel=feel_text(variable(source.strip()))), target
    return step.feel(node.get("sourceExpression") or ""), target


def field(step: Step) -> bool:
    """`field`: a fixed text becomes a header of the job, an expression an input mapping."""
    node, owner = step.node, step.owner
    assert node is not None
    key = node.get("name") or ""
    texts = {child.name: child.text for child in node.elements}
    text = node.get("stringValue") or node.get("expression") or texts.get("string") or texts.get("expression") or ""
    done = step.feel(text)
    if done.literal is not None:
        step.work.header(owner, key, done.literal)
        step.tell("changed", "zeebe:header", "the worker reads it from the job's headers")
        return True
    if done.feel is None or not is_plain_name(key):
        step.told(Translation(feel=None, outcome="needs-work", notes=done.notes), "")
        return False
    step.work.input(owner, f"={done.feel}", key)
    return step.told(done, "zeebe:input", "the worker reads it from the job's variables", "changed")


def properties(step: Step) -> bool:
    """`properties`: native properties, and headers where a worker does the element."""
    node, owner = step.node, step.owner
    assert node is not None
    for child in node.elements:
        key, value = child.get("name") or child.get("id") or "", child.get("value") or ""
        step.work.add(owner, "properties", "property", {"name": key, "value": value})
        if owner.name in JOB_TASKS and key:
            step.work.header(owner, key, value)
        step.work.tell(child, f'<{child.tag} name="{key}">', value, "mapped", target="zeebe:property")
    return True


def connector(step: Step) -> bool:
    """`connector`: its id is the job type, its parameters are mappings."""
    node, owner = step.node, step.owner
    assert node is not None
    id_element = node.child("connectorId")
    name = id_element.text.strip() if id_element is not None else ""
    if not name:
        step.tell("needs-work", "", "the connector has no id: give the job a type")
        return False
    step.work.put(owner, "taskDefinition", {"type": name})
    step.tell("needs-work", TASK, worker(name))
    parameters = node.child("inputOutput")
    if parameters is None:
        return True
    inner = Step(step.work, step.element, parameters.name, f"<{parameters.tag}>", "", parameters)
    return input_output(inner)
