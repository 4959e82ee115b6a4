"""Data associations of the standard, as jBPM models move data: they become mappings of the native namespace.

An association that the diagram draws stays as a drawing beside the mapping; the others go, with the specification.
"""

from __future__ import annotations

from typing import Final

from procession.convert.calls import data_name
from procession.convert.juel_feel import translate
from procession.convert.people import native_task
from procession.convert.translation import Translation, feel_text
from procession.convert.translation import name as variable
from procession.convert.tree import Element, remove
from procession.convert.work import Work, is_plain_name, place_of
from procession.model.xml import local_name

_ASSOCIATIONS: Final = frozenset({"dataInputAssociation", "dataOutputAssociation"})
_PEOPLE: Final[dict[str, str]] = {"ActorId": "assignee", "GroupId": "candidateGroups"}
"""Data inputs by which jBPM names who does a user task."""
_ABOUT_TASKS: Final = frozenset(
    "TaskName Comment Description Skippable Priority NodeName Content CreatedBy Locale NotStartedReassign "
    "NotCompletedReassign NotStartedNotify NotCompletedNotify SwimlaneActorId BusinessAdministratorId".split()
)
"""Data inputs of user tasks that say something about the task itself."""


def associations(work: Work) -> None:
    """Every association of the executable processes."""
    for process in [e for e in work.document.root.walk() if e.name == "process"]:
        if process.get("isExecutable") == "true":
            for element in [e for e in process.walk() if e.name in _ASSOCIATIONS]:
                _association(work, element)
            for element in [e for e in process.walk() if e.name == "ioSpecification"]:
                _specification(work, element)


def _association(work: Work, element: Element) -> None:
    owner = element.parent
    assert owner is not None
    refs = {child.name: local_name(child.text) for child in element.elements if child.name.endswith("Ref")}
    source, target = refs.get("sourceRef", ""), refs.get("targetRef", "")
    label = f"<{element.tag}>"
    shown = f"{source} to {target}"
    is_input = element.name == "dataInputAssociation"
    if (source if not is_input else target) in work.loop_data:
        _done(work, element, shown, "the collection of the multi-instance")
        return
    if element.child("transformation") is not None:
        work.tell(element, label, shown, "needs-work", note="write the transformation as a mapping in FEEL")
        return
    inner = _name(work, target if is_input else source)
    done = _value(work, element, source if is_input else "", inner)
    outer = inner if is_input else data_name(work, target)
    if owner.name == "userTask" and is_input and inner in _PEOPLE.keys() | _ABOUT_TASKS:
        _about_task(work, element, inner, done)
        return
    if done.feel is None or not is_plain_name(outer):
        note = done.note or f"{outer!r} is no name for a mapping"
        work.tell(element, label, shown, "needs-work", note=note)
        return
    if is_input:
        work.input(owner, f"={done.feel}", outer)
    else:
        work.output(owner, f"={done.feel}", outer)
    _done(work, element, shown, done.note, f"zeebe:{'input' if is_input else 'output'}")


def _value(work: Work, element: Element, source: str, inner: str) -> Translation:
    """What an association moves: the text of its assignment, or a variable."""
    assignments = [e for e in element.elements if e.name == "assignment"]
    if len(assignments) > 1:
        return Translation(feel=None, outcome="needs-work", notes=("write each of the assignments as a mapping",))
    if assignments and not (source and _is_copy(assignments[0], source)):
        begin = assignments[0].child("from")
        return translate(begin.text.strip() if begin is not None else "", place_of(element, 0))
    name = data_name(work, source) if source else inner
    return Translation(feel=feel_text(variable(name)))


def _is_copy(assignment: Element, source: str) -> bool:
    """Whether an assignment says no more than the association around it."""
    begin = assignment.child("from")
    return begin is not None and local_name(begin.text) == source


def _name(work: Work, reference: str) -> str:
    found = work.ids.get(reference)
    return (found.get("name") or reference) if found is not None else reference


def _about_task(work: Work, element: Element, name: str, done: Translation) -> None:
    owner = element.parent
    assert owner is not None
    text = done.value
    target = "zeebe:property"
    if name in _PEOPLE and text:
        native_task(work, owner)
        work.put(owner, "assignmentDefinition", {_PEOPLE[name]: text})
        target = f"zeebe:assignmentDefinition@{_PEOPLE[name]}"
    elif text:
        work.add(owner, "properties", "property", {"name": name, "value": text})
    note = done.note if name in _PEOPLE else "kept for the application that shows the task"
    _done(work, element, f"{name} = {text}", note, target)


def _done(work: Work, element: Element, shown: str, note: str, target: str = "") -> None:
    if element.get("id") in work.drawn:
        note = "; ".join(part for part in (note, "it stays as a drawing") if part)
    work.tell(element, f"<{element.tag}>", shown, "mapped", target=target, note=note)
    if element.get("id") not in work.drawn:
        remove(element)


def _specification(work: Work, element: Element) -> None:
    """An input and output specification whose associations have become mappings says nothing more."""
    owner = element.parent
    if owner is None or owner.name == "process" or any(child.name in _ASSOCIATIONS for child in owner.elements):
        return
    work.tell(element, f"<{element.tag}>", "", "mapped", target="zeebe:ioMapping", note="the mappings name the data")
    remove(element)
