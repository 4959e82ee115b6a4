"""User tasks: who does them, when they are due, and their forms."""

from __future__ import annotations

import json
import re
from typing import Final

from procession.convert.translation import Translation
from procession.convert.tree import Element
from procession.convert.work import Step, Work

GENERATED: Final = "generated:"
"""How the key of a form begins that was made from fields of the model."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_DURATION: Final = re.compile(r"P[\dYMWDTHS.]+")
_POTENTIAL: Final = re.compile(r"\s*(?:(user|group)\(([^()]*)\)|([^,()]+))\s*(?:,|$)")


def assignee(step: Step) -> bool:
    """`assignee`."""
    return _assign(step, "assignee", step.feel(step.value))


def candidate_users(step: Step) -> bool:
    """`candidateUsers`."""
    return _assign(step, "candidateUsers", _list(step))


def candidate_groups(step: Step) -> bool:
    """`candidateGroups`."""
    return _assign(step, "candidateGroups", _list(step))


def _list(step: Step) -> Translation:
    """A list parted by commas; one expression alone may give a list or a text."""
    done = step.feel(step.value)
    if done.literal is not None or "," not in step.value:
        return done
    parts = [part.strip() for part in re.split(r",(?![^{]*\})", step.value) if part.strip()]
    found = [step.feel(part) for part in parts]
    if len(found) < 2 or any(each.feel is None for each in found):
        return done
    notes = tuple(dict.fromkeys(note for each in found for note in each.notes))
    changed = any(each.outcome == "changed" for each in found)
    feel = f"[{', '.join(each.feel or '' for each in found)}]"
    return Translation(feel=feel, outcome="changed" if changed else "mapped", notes=notes)


def _assign(step: Step, field: str, done: Translation) -> bool:
    if not step.told(done, f"zeebe:assignmentDefinition@{field}"):
        return False
    native_task(step.work, step.owner)
    step.work.put(step.owner, "assignmentDefinition", {field: done.value})
    return True


def due_date(step: Step) -> bool:
    """`dueDate`."""
    return _date(step, "dueDate")


def follow_up_date(step: Step) -> bool:
    """`followUpDate`."""
    return _date(step, "followUpDate")


def _date(step: Step, field: str) -> bool:
    target = f"zeebe:taskSchedule@{field}"
    text = step.value.strip()
    done = step.feel(text)
    value = done.value
    if done.literal is not None and _DURATION.fullmatch(text):
        value = f'=now() + duration("{text}")'
        step.tell("mapped", target, "the moment of the task's creation and that duration")
    elif done.literal is not None and _MOMENT.fullmatch(text):
        # A moment without a zone is in that of the instance, as it was in that of the machine.
        value = text if "T" in text else f"{text}T00:00:00"
        step.tell("mapped", target)
    elif done.literal is not None:
        step.tell("needs-work", "", "write an ISO 8601 date and time")
        return False
    elif not step.told(done, target):
        return False
    native_task(step.work, step.owner)
    step.work.put(step.owner, "taskSchedule", {field: value})
    return True


def priority(step: Step) -> bool:
    """`priority` of a user task: 0 to 100 here."""
    done = step.feel(step.value)
    target = "zeebe:priorityDefinition@priority"
    text = step.value.strip()
    if done.literal is not None and not (text.isdecimal() and int(text) <= 100):
        step.tell("needs-work", "", "write a whole number from 0 to 100")
        return False
    if not step.told(done, target, "" if done.literal is not None else "it must give a whole number from 0 to 100"):
        return False
    step.work.put(step.owner, "priorityDefinition", {"priority": done.value})
    return True


def _has_no_form(step: Step) -> bool:
    """Whether nobody could fill in the form: only the none start event of a process has one."""
    owner = step.owner
    if owner.name != "startEvent":
        return False
    is_none = not any(child.name.endswith("EventDefinition") for child in owner.elements)
    if is_none and owner.parent is not None and owner.parent.name == "process":
        return False
    step.tell("dropped", "", "nobody fills in a form at this start event")
    return True


def form_key(step: Step) -> bool:
    """`formKey`: the key stays; who shows the form reads it."""
    if _has_no_form(step):
        return True
    done = step.feel(step.value)
    if done.literal is None:
        if not step.told(done, "zeebe:formDefinition@externalReference"):
            return False
        step.work.put(step.owner, "formDefinition", {"externalReference": done.value})
        return True
    step.tell("mapped", "zeebe:formDefinition@formKey", "the application that lists the tasks shows the form")
    step.work.put(step.owner, "formDefinition", {"formKey": step.value})
    return True


def form_reference(step: Step) -> bool:
    """`formRef`: the id of a form."""
    if _has_no_form(step):
        return True
    done = step.feel(step.value)
    if done.literal is None:
        step.tell("needs-work", "", "name the form without an expression")
        return False
    step.tell("mapped", "zeebe:formDefinition@formId")
    step.work.put(step.owner, "formDefinition", {"formId": step.value})
    return True


def form_fields(step: Step) -> bool:
    """`formData`, `formProperty`: the fields as JSON in a property, under a generated form key."""
    node, owner, work = step.node, step.owner, step.work
    assert node is not None
    if _has_no_form(step):
        return True
    fields = [_field(each) for each in (node.elements if node.name == "formData" else [node])]
    key = f"{GENERATED}{owner.attributes.get('id', '')}"
    work.put(owner, "formDefinition", {"formKey": key})
    for each in fields:
        text = json.dumps(each, ensure_ascii=False)
        work.add(owner, "properties", "property", {"name": f"formField:{each['id']}", "value": text})
    note = "no form is shown by the engine: each field is kept as JSON in a property of its own for the one who does"
    step.tell("changed", "zeebe:formDefinition@formKey", note)
    return True


def _field(element: Element) -> dict[str, object]:
    """All that a form field says."""
    found: dict[str, object] = {name: value for name, value in element.attributes.items() if ":" not in name}
    found.setdefault("id", "")
    for child in element.elements:
        if child.name == "value":
            values = found.setdefault("values", {})
            assert isinstance(values, dict)
            values[child.get("id") or ""] = child.get("name") or ""
        elif child.elements:
            found[child.name] = [dict(each.attributes) for each in child.elements]
    return found


def native_task(work: Work, owner: Element) -> None:
    """Marks a user task as one of the engine's own, as modelers do."""
    if owner.name == "userTask":
        work.put(owner, "userTask", {})


def potential_owners(text: str) -> tuple[list[str], list[str]]:
    """Users and groups of `user(kermit), group(management), sales`: a name alone is a group."""
    users: list[str] = []
    groups: list[str] = []
    for kind, inside, alone in _POTENTIAL.findall(text):
        named = (inside or alone).strip()
        if named:
            (users if kind == "user" else groups).append(named)
    return users, groups
