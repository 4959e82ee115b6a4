"""Call activities, bindings and multi-instances: which process, decision or form is meant, how often, with what."""

from __future__ import annotations

from typing import Final

from procession.convert.translation import feel_text
from procession.convert.translation import name as variable
from procession.convert.tree import Element, remove
from procession.convert.work import Action, Step, Work, is_plain_name
from procession.model.xml import local_name

_BINDINGS: Final = frozenset({"latest", "deployment", "versionTag"})
_NO_NUMBER: Final = "there is no binding to a number: bind by versionTag, and give the version a tag"


def binding(tag: str) -> Action:
    """A row's action for a binding of a called process, decision or form."""

    def action(step: Step) -> bool:
        if step.value not in _BINDINGS:
            step.tell("needs-work", "", _NO_NUMBER if step.value == "version" else "unknown binding")
            return False
        step.work.put(step.owner, tag, {"bindingType": step.value})
        step.tell("mapped", f"zeebe:{tag}@bindingType")
        return True

    return action


def version_tag(tag: str) -> Action:
    """A row's action for the tag of a version."""

    def action(step: Step) -> bool:
        done = step.feel(step.value)
        if done.literal is None:
            step.tell("needs-work", "", "write the tag without an expression")
            return False
        step.work.put(step.owner, tag, {"versionTag": step.value})
        step.tell("mapped", f"zeebe:{tag}@versionTag")
        return True

    return action


def version_number(step: Step) -> bool:
    """A version by its number."""
    step.tell("needs-work", "", _NO_NUMBER)
    return False


def call_activity(work: Work, element: Element, passes_all: bool) -> None:
    """The called process, and whether variables go in and come out without being named."""
    name = element.get("calledElement")
    holder = element.child("extensionElements")
    known = [e for e in holder.elements if e.name == "calledElement"] if holder is not None else []
    if not name or any("processId" in each.attributes for each in known):
        return
    done = work.feel(name, element)
    target = "zeebe:calledElement@processId" if done.feel is not None else ""
    work.tell(element, "calledElement", name, done.outcome, target=target, note=done.note)
    if done.feel is None:
        return
    if done.literal is None:
        del element.attributes["calledElement"]
    attributes = {"processId": done.value}
    if not passes_all:
        # Rows for all variables have written "true" before.
        attributes |= {"propagateAllParentVariables": "false", "propagateAllChildVariables": "false"}
    work.put(element, "calledElement", attributes)


def inherit_variables(step: Step) -> bool:
    """`inheritVariables`: all variables go in."""
    step.work.set(step.owner, "calledElement", {"propagateAllParentVariables": step.value})
    step.tell("mapped", "zeebe:calledElement@propagateAllParentVariables")
    return True


def same_deployment(step: Step) -> bool:
    """`sameDeployment`: a binding to the deployment."""
    if step.value == "true":
        step.work.put(step.owner, "calledElement", {"bindingType": "deployment"})
    step.tell("mapped", "zeebe:calledElement@bindingType")
    return True


def collection(step: Step) -> bool:
    """`collection`: a variable by its name, or an expression."""
    target = "zeebe:loopCharacteristics@inputCollection"
    text = step.value.strip()
    done = step.feel(text)
    value = f"={feel_text(variable(text))}" if done.literal is not None else done.expression
    if not step.told(done, target):
        return False
    step.work.put(step.element, "loopCharacteristics", {"inputCollection": value})
    return True


def element_variable(step: Step) -> bool:
    """`elementVariable`."""
    step.work.put(step.element, "loopCharacteristics", {"inputElement": step.value})
    step.tell("mapped", "zeebe:loopCharacteristics@inputElement")
    return True


def element_index(step: Step) -> bool:
    """`elementIndexVariable`: the place from 0, as an input of each instance."""
    step.work.input(step.owner, "=loopCounter - 1", step.value)
    step.tell("mapped", "zeebe:input")
    return True


def aggregation(step: Step) -> bool:
    """`variableAggregation`: the outputs of all instances in one list."""
    node = step.node
    assert node is not None
    target = node.get("target") or ""
    parts: list[str] = []
    for child in node.elements:
        source = child.get("source") or ""
        done = step.feel(child.get("sourceExpression") or f"${{{source}}}")
        name = child.get("target") or source
        if child.name != "variable" or done.feel is None or not is_plain_name(name):
            step.tell("needs-work", "", done.note or "an entry cannot be translated")
            return False
        parts.append(f'"{name}": {done.feel}')
    if not is_plain_name(target) or not parts:
        step.tell("needs-work", "", "the aggregation names no variable, or has no entries")
        return False
    entries = {"outputCollection": target, "outputElement": f"={{{', '.join(parts)}}}"}
    step.work.put(step.element, "loopCharacteristics", entries)
    step.tell("changed", "zeebe:loopCharacteristics@outputCollection", "the list is there when the last one has ended")
    return True


def loop_data(work: Work, element: Element) -> None:
    """The standard's data of a multi-instance: collections by reference, items by name."""
    names = {
        "loopDataInputRef": "inputCollection",
        "inputDataItem": "inputElement",
        "loopDataOutputRef": "outputCollection",
        "outputDataItem": "outputElement",
    }
    for child in element.elements:
        attribute = names.get(child.name)
        if attribute is None:
            continue
        is_item = child.name.endswith("Item")
        name = (child.get("name") or child.get("id") or "") if is_item else data_name(work, child.text)
        if not name:
            work.tell(child, f"<{child.tag}>", child.text, "needs-work", note="it names nothing")
            continue
        if not is_item:
            work.loop_data.add(local_name(child.text))
        value = name if attribute in {"inputElement", "outputCollection"} else f"={feel_text(variable(name))}"
        work.put(element, "loopCharacteristics", {attribute: value})
        target = f"zeebe:loopCharacteristics@{attribute}"
        work.tell(child, f"<{child.tag}>", name, "mapped", target=target)
        remove(child)


def data_name(work: Work, reference: str) -> str:
    """The variable that a reference to data means: of a data input, the variable that is put into it."""
    reference = local_name(reference)
    found = work.ids.get(reference)
    if found is None:
        return reference
    if found.name in {"dataInput", "dataOutput"}:
        other = _associated(found)
        if other and other != reference:
            return data_name(work, other)
    return found.get("name") or reference


def _associated(data: Element) -> str:
    """What an association of the same activity connects with a data input or output."""
    activity = data.parent.parent if data.parent is not None else None
    if activity is None:
        return ""
    own = data.get("id")
    for each in activity.elements:
        ends = {child.name: local_name(child.text) for child in each.elements if child.name.endswith("Ref")}
        if each.name == "dataInputAssociation" and ends.get("targetRef") == own:
            return ends.get("sourceRef", "")
        if each.name == "dataOutputAssociation" and ends.get("sourceRef") == own:
            return ends.get("targetRef", "")
    return ""
