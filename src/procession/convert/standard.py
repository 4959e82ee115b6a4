"""Elements of the standard whose texts are in the language of another platform, or that mean something else there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias, final

import msgspec

from procession.convert import calls, javascript, jobs, people
from procession.convert.languages import UNSET, language_of, plain, python
from procession.convert.python_feel import translate_assignments
from procession.convert.translation import Translation
from procession.convert.tree import Element, remove, set_text
from procession.convert.work import Translate, Work, place_of
from procession.model.xml import local_name
from procession.parse.dialects.zeebe import PROCESSION

THROWS: Final = frozenset({"intermediateThrowEvent", "endEvent"})
"""Events that throw."""
BUSINESS_KEY: Final = "businessKey"
"""The variable by which messages are correlated where the model names nothing."""

_TEXT: Final = re.compile(r'"((?:[^"\\])*)"')
_CRON: Final = re.compile(r"[\d*?/,\-LW#A-Za-z]+(?: +[\d*?/,\-LW#A-Za-z]+){5,6}")
_INTERVAL: Final = re.compile(r"R\d*/(P[^/]+)")
_WEEKDAY: Final = re.compile(r"(?<![\d/#])[1-7](?![\d])")


@final
class Habits(msgspec.Struct, frozen=True):
    """How a dialect takes what the standard leaves open."""

    is_executable: bool = False
    """Whether a process that does not say so is executable."""
    passes_all: bool = False
    """Whether a call activity passes all variables, without being told."""
    keeps_data: bool = False
    """Whether data of the standard is left as it is, for it is executed here too."""
    data_is_drawn: bool = False
    """Whether data objects, stores and associations are documentation."""
    owners_are_candidates: bool = False
    """Whether a potential owner is a list of users and groups, and not the person who does it."""
    quartz: bool = False
    """Whether days of the week in cron count from Sunday 1."""


Pass: TypeAlias = Callable[[Work, Element, Habits], None]


def process(work: Work, element: Element, habits: Habits) -> None:
    """A process that is executable without saying so."""
    if habits.is_executable and "isExecutable" not in element.attributes:
        element.attributes["isExecutable"] = "true"
        work.tell(element, "isExecutable", "", "mapped", target="isExecutable", note="that is the default there")


def _language(work: Work, element: Element) -> tuple[Translate | None, str]:
    """How the text of an expression element is read, and the language that is named."""
    root = work.document.root
    for name in (element.get("language"), root.get("expressionLanguage")):
        if name is not None and name.strip().lower() not in UNSET:
            return language_of(name), name
    return work.translate, ""


def _translated(work: Work, element: Element, text: str) -> Translation:
    translate, language = _language(work, element)
    if translate is None:
        note = f"the language {language!r} is not read: write it in FEEL after an equals sign"
        return Translation(feel=None, outcome="needs-work", notes=(note,))
    if translate is work.translate or "{" in text:
        return work.feel(text, element)
    owner = place_of(element, work.loop_counter_from)
    return translate(text, owner)


def condition(work: Work, element: Element, habits: Habits) -> None:
    """Conditions of flows, events and loops, and completion conditions."""
    text = element.text.strip()
    if not text or text.startswith("="):
        return
    done = _translated(work, element, text)
    if done.literal is not None:
        # Text that is no template would never be true: it is an expression that lost its braces.
        done = plain(text, place_of(element, work.loop_counter_from))
    work.tell(element, f"<{element.tag}>", text, done.outcome, target=done.expression, note=done.note)
    if done.feel is not None:
        set_text(element, done.expression)
        element.attributes.pop("language", None)


def count(work: Work, element: Element, habits: Habits) -> None:
    """How many instances a multi-instance has."""
    if element.text.strip().isdecimal():
        return
    condition(work, element, habits)


def time(work: Work, element: Element, habits: Habits) -> None:
    """Times: literals stay, expressions become FEEL, days of the week count from 0."""
    text = element.text.strip()
    if not text or text.startswith("="):
        return
    label = f"<{element.tag}>"
    if element.name == "timeCycle" and _coming_once(work, element):
        return
    if element.name == "timeCycle" and _CRON.fullmatch(text) and habits.quartz:
        fields = text.split()
        if len(fields) == 7 and fields.pop() not in {"*", "?"}:
            note = "cron has no years here: use a date, or check the year in the process"
            work.tell(element, label, text, "needs-work", note=note)
            return
        fields[5] = _WEEKDAY.sub(lambda match: str(int(match[0]) - 1), fields[5])
        cron = " ".join(fields)
        if cron != text:
            work.tell(element, label, text, "mapped", target=cron, note="days of the week count from Sunday 0")
            set_text(element, cron)
        return
    if _is_time(text):
        return
    done = _translated(work, element, text)
    if done.literal is not None:
        return
    constant = _TEXT.fullmatch(done.feel or "")
    work.tell(element, label, text, done.outcome, target=done.expression, note=done.note)
    if done.feel is not None:
        set_text(element, constant[1] if constant is not None else done.expression)
        element.attributes.pop("language", None)


def _coming_once(work: Work, element: Element) -> bool:
    """A cycle of an event that interrupts comes once: it is a duration."""
    event = element.parent.parent if element.parent is not None else None
    match = _INTERVAL.fullmatch(element.text.strip())
    if match is None or event is None or event.name != "boundaryEvent" or event.get("cancelActivity") == "false":
        return False
    text = element.text.strip()
    work.tell(
        element, f"<{element.tag}>", text, "mapped", target="timeDuration", note="it interrupts, so it comes once"
    )
    work.rename(element, "timeDuration")
    set_text(element, match[1])
    return True


def _is_time(text: str) -> bool:
    """Whether a text is a time as it stands, whatever language its document is in."""
    return re.match(r"(?:R-?\d*/)?-?P[\dT]|R\d*/\d|\d{4}-\d|@\w+$", text) is not None


def multi_instance(work: Work, element: Element, habits: Habits) -> None:
    """Collections of the standard."""
    if not habits.keeps_data and not work.has(element, "loopCharacteristics"):
        calls.loop_data(work, element)


def call_activity(work: Work, element: Element, habits: Habits) -> None:
    """The called process."""
    name = element.get("calledElement") or ""
    if not habits.passes_all or "{" in name:
        calls.call_activity(work, element, habits.passes_all)


def rule_task(work: Work, element: Element, habits: Habits) -> None:
    """A called decision without a result variable has the one that mappings know it by."""
    holder = element.child("extensionElements")
    for called in [e for e in holder.elements if e.name == "calledDecision"] if holder is not None else []:
        if "resultVariable" not in called.attributes:
            called.attributes["resultVariable"] = jobs.DECISION_RESULT
            note = "the result becomes a variable of the process unless an output mapping takes it"
            work.tell(element, "resultVariable", "", "changed", target=jobs.DECISION_RESULT, note=note)


def script_task(work: Work, element: Element, habits: Habits) -> None:
    """A script: FEEL where it can be, else a job that holds the text."""
    language, text = jobs.script_text(element)
    label, result = work.results.get(id(element), ("", ""))
    if label:
        work.tell(element, label, result, "mapped", target="zeebe:script@resultVariable")
    if not text or work.has(element, "taskDefinition") or work.has(element, "script"):
        return
    if work.translate is python and language.lower() in {"", "python"}:
        _python_script(work, element, text)
        return
    if language.lower() in javascript.NAMES:
        _javascript(work, element, text, result)
        return
    translate = language_of(language) if language.lower() in {"feel", "juel"} else None
    done = translate(text, place_of(element, 0)) if translate is not None else None
    if done is not None and done.feel is not None:
        jobs.native_script(work, element, done, result)
        work.tell(element, "script", text, done.outcome, target="zeebe:script@expression", note=done.note)
        _without_script(element)
    else:
        note = done.note if done is not None else jobs.script_note(language)
        _script_as_job(work, element, language, text, note=note, result=result)


def _script_as_job(work: Work, element: Element, language: str, text: str, *, note: str, result: str) -> None:
    """What cannot be said here is a worker's, and gives the result that the script gave."""
    jobs.script_job(work, element, language, text)
    work.tell(element, "script", text, "needs-work", target=jobs.TASK, note=note)
    if result:
        work.output(element, "=result", result)


def _javascript(work: Work, element: Element, text: str, result: str) -> None:
    """A script of JavaScript runs here as one; one that asks for Java is a job."""
    done = javascript.translated(text, result, work.uses)
    if not done.text:
        _script_as_job(work, element, "javascript", text, note=done.note, result=result)
        return
    child = element.child("script")
    assert child is not None, "there is a text"
    set_text(child, done.text)
    element.attributes["scriptFormat"] = "javascript"
    if result:
        work.attribute(element, "resultVariable", result, PROCESSION)
    work.tell(element, "script", text, "changed", target="script", note=done.note)


def _python_script(work: Work, element: Element, text: str) -> None:
    assignments, done = translate_assignments(text)
    if not assignments:
        jobs.script_job(work, element, "python", text)
        note = "; ".join((done.note, jobs.script_note("python")))
        work.tell(element, "script", text, "needs-work", target=jobs.TASK, note=note)
        return
    if len(assignments) == 1:
        only = assignments[0]
        work.set(element, "script", {"expression": f"={only.feel}", "resultVariable": only.target})
    else:
        work.set(element, "script", {"expression": done.expression, "resultVariable": "assigned"})
        for each in assignments:
            work.output(element, f"=assigned.{each.target}", each.target)
    work.tell(element, "script", text, done.outcome, target="zeebe:script@expression", note=done.note)
    _without_script(element)


def _without_script(element: Element) -> None:
    """What FEEL says now is not said twice."""
    child = element.child("script")
    if child is not None:
        remove(child)
    element.attributes.pop("scriptFormat", None)


def role(work: Work, element: Element, habits: Habits) -> None:
    """`potentialOwner`, `humanPerformer`, `performer`: who may do a user task."""
    task = element.parent
    expressions = [e for e in element.walk() if e.name in {"formalExpression", "expression"}]
    text = " ".join(e.text.strip() for e in expressions)
    label = f"<{element.tag}>"
    if task is None or task.name != "userTask" or not text:
        if task is not None and work.has(task, "assignmentDefinition"):
            work.tell(element, label, text, "dropped", note="the assignment of the task says who does it")
        else:
            note = "name who does the user task in zeebe:assignmentDefinition"
            work.tell(element, label, text, "needs-work", note=note)
        return
    people.native_task(work, task)
    if "{" in text:
        done = work.feel(text, element)
        is_list = element.name == "potentialOwner" and habits.owners_are_candidates
        field = "candidateGroups" if is_list else "assignee"
        work.tell(element, label, text, done.outcome, target=f"zeebe:assignmentDefinition@{field}", note=done.note)
        if done.feel is None:
            return
        work.put(task, "assignmentDefinition", {field: done.value})
    elif element.name == "potentialOwner" and habits.owners_are_candidates:
        users, groups = people.potential_owners(text)
        named = {"candidateUsers": users, "candidateGroups": groups}
        attributes = {name: ",".join(each) for name, each in named.items() if each}
        work.put(task, "assignmentDefinition", attributes)
        work.tell(element, label, text, "mapped", target="zeebe:assignmentDefinition")
    else:
        field = "candidateUsers" if "," in text else "assignee"
        work.put(task, "assignmentDefinition", {field: text})
        work.tell(element, label, text, "mapped", target=f"zeebe:assignmentDefinition@{field}")
    remove(element)


def retrieval(work: Work, element: Element, habits: Habits) -> None:
    """The path into a message; some write it as an expression without the element that the standard has for it."""
    path = element.child("formalExpression")
    if path is not None and element.child("messagePath") is None:
        work.rename(path, "messagePath")
        condition(work, path, habits)


def named(work: Work, element: Element, habits: Habits) -> None:
    """Messages, signals, errors and escalations whose name or code is an expression."""
    for attribute in ("name", "errorCode", "escalationCode"):
        text = element.get(attribute) or ""
        if "${" not in text and "#{" not in text:
            continue
        done = work.feel(text, element)
        target = attribute if done.feel is not None else ""
        work.tell(element, attribute, text, done.outcome, target=target, note=done.note)
        if done.feel is not None:
            element.attributes[attribute] = done.value


def user_task(work: Work, element: Element, habits: Habits) -> None:
    """A name that is an expression."""
    text = element.get("name") or ""
    if "${" in text or "#{" in text:
        work.tell(element, "name", text, "dropped", note="a name is shown as it is written, without being computed")


IGNORED: Final[dict[str, str]] = {
    "standardLoopCharacteristics": "it was ignored there, and the activity happened once; here it is a loop",
    "complexGateway": "it was skipped there with a warning; here it is a gateway",
    "adHocSubProcess": "it was skipped there with a warning; here it is a sub-process without an order",
    "messageEventDefinition": "nothing was sent there; here the engine publishes the message",
}
"""What Camunda 7 and its relatives accept and do not do, and what it does here."""


def ignored(work: Work) -> None:
    """Elements that begin to mean something."""
    for element in work.document.root.walk():
        note = IGNORED.get(element.name)
        event = element.parent
        if note is None or event is None:
            continue
        if element.name == "messageEventDefinition" and (event.name not in THROWS or work.has(event, "taskDefinition")):
            continue
        work.tell(element, f"<{element.tag}>", "", "changed", note=note)


STANDARD: Final[dict[str, Pass]] = {
    "process": process,
    "conditionExpression": condition,
    "condition": condition,
    "completionCondition": condition,
    "loopCondition": condition,
    "activationCondition": condition,
    "messagePath": condition,
    "correlationPropertyRetrievalExpression": retrieval,
    "dataPath": condition,
    "loopCardinality": count,
    "timeDate": time,
    "timeDuration": time,
    "timeCycle": time,
    "multiInstanceLoopCharacteristics": multi_instance,
    "callActivity": call_activity,
    "businessRuleTask": rule_task,
    "scriptTask": script_task,
    "userTask": user_task,
    "potentialOwner": role,
    "humanPerformer": role,
    "performer": role,
    "message": named,
    "signal": named,
    "error": named,
    "escalation": named,
}
"""By the element's name."""


def subscriptions(work: Work) -> None:
    """Messages that are waited for need a key. There, who sends one says for which instance; here the key says it."""
    elements = list(work.document.root.walk())
    caught = {
        local_name(e.get("messageRef") or "")
        for e in elements
        if e.name == "receiveTask" or (e.name == "messageEventDefinition" and _waits(e.parent))
    }
    keyed = {local_name(e.get("messageRef") or "") for e in elements if e.name == _RETRIEVAL}
    for element in elements:
        id = element.get("id") or ""
        # What the standard correlates by properties of the message needs no key of ours.
        if element.name != "message" or id not in caught - keyed or work.has(element, "subscription"):
            continue
        work.put(element, "subscription", {"correlationKey": f"={BUSINESS_KEY}"})
        note = (
            f"publish the message with the key {BUSINESS_KEY}, and start the process with its business key as that"
            " variable, or name another one"
        )
        name = element.get("name") or id
        work.tell(element, "correlation", name, "changed", target="zeebe:subscription@correlationKey", note=note)


def _waits(event: Element | None) -> bool:
    """Whether an instance waits at an event: a message that starts a process needs no key."""
    if event is None or event.name in THROWS:
        return False
    return event.name != "startEvent" or (event.parent is not None and event.parent.name != "process")


_RETRIEVAL: Final = "correlationPropertyRetrievalExpression"


def expression_language(work: Work) -> None:
    """The language of the document: what was translated is FEEL; what was not says its language itself."""
    root = work.document.root
    language = root.get("expressionLanguage")
    if language is None or language.strip().lower() in UNSET or "FEEL" in language.upper():
        return
    for element in root.walk():
        if STANDARD.get(element.name) in {condition, count, time} and not element.text.lstrip().startswith("="):
            element.attributes.setdefault("language", language)
    del root.attributes["expressionLanguage"]
    work.tell(root, "expressionLanguage", language, "changed", note="expressions are FEEL after an equals sign")
