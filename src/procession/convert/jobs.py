"""What Java code, external tasks, scripts, connectors and decisions become: jobs with a type, and called decisions."""

from __future__ import annotations

import re
from typing import Final

from procession.convert import juel as j
from procession.convert.juel_feel import translate_node
from procession.convert.translation import Translation
from procession.convert.tree import Element
from procession.convert.work import JOB_TASKS, Step, Work, place_of
from procession.parse.dialects.zeebe import PROCESSION

DECISION_RESULT: Final = "decisionResult"
"""The variable that holds what a decision gave where the model names none."""
TASK: Final = "zeebe:taskDefinition@type"

_SHORT: Final[dict[str, str]] = {
    "http://www.java.com/java": "java",
    "http://www.mvel.org/2.0": "mvel",
    "http://www.javascript.com/javascript": "javascript",
}
"""Languages that are named by an address."""
_CYCLE: Final = re.compile(r"R(\d+)/(P[^,/]+)")
_DURATIONS: Final = re.compile(r"P[^,/]+(?:,\s*P[^,/]+)*")
_DECISION_RESULTS: Final[dict[str, str]] = {
    "singleEntry": "",
    "singleResult": "a table of one output gives its value, not a map with it",
    "collectEntries": "a list comes from a table that collects (C) or orders (R, O); another one gives one value",
    "resultList": "a table gives what its hit policy says, not always a list of maps",
}
"""Kinds of `mapDecisionResult`, and what differs."""


def worker(type_name: str) -> str:
    """The remedy for code of another platform."""
    return f"write a worker for the job type {type_name}"


def external(step: Step) -> bool:
    """`type="external"`: the topic says the rest."""
    if step.value in {"external", "external-worker"}:
        has_topic = any(name == "topic" for name in _own(step))
        note = "" if has_topic else "the topic is missing: give the job a type"
        step.tell("mapped" if has_topic else "needs-work", TASK if has_topic else "", note)
        return has_topic
    return job_type(step)


def topic(step: Step) -> bool:
    """A topic is a job type."""
    done = step.feel(step.value)
    if not step.told(done, TASK):
        return False
    step.work.put(step.owner, "taskDefinition", {"type": done.value})
    return True


def job_type(step: Step) -> bool:
    """A kind of task that the engine does itself (mail, http, shell …), done by a worker here."""
    step.work.put(step.owner, "taskDefinition", {"type": step.value})
    step.tell("needs-work", TASK, worker(step.value))
    return True


def delegate(step: Step) -> bool:
    """`class`, `delegateExpression`: Java code that a worker takes over."""
    name = delegate_name(step.value)
    if name in {"", step.owner.name}:
        step.tell("needs-work", "", "name the delegate")
        return False
    step.work.put(step.owner, "taskDefinition", {"type": name})
    step.tell("needs-work", TASK, worker(name))
    return True


def expression(step: Step) -> bool:
    """`expression`: one that only reckons becomes a script task in FEEL, a call of a bean becomes a job."""
    owner = step.owner
    result = _own(step).get("resultVariable") or _own(step).get("resultVariableName")
    done = step.feel(step.value)
    if done.feel is not None and result and owner.name == "serviceTask":
        step.work.rename(owner, "scriptTask")
        step.work.put(owner, "script", {"expression": done.expression, "resultVariable": result})
        return step.told(done, "zeebe:script@expression", "the service task is a script task")
    name = delegate_name(step.value)
    step.work.put(owner, "taskDefinition", {"type": name})
    step.work.header(owner, "expression", step.value)
    arguments = _arguments(step)
    if arguments:
        step.work.input(owner, arguments, "arguments")
    note = f"{worker(name)}; its arguments are in the variable `arguments`" if arguments else worker(name)
    step.tell("needs-work", TASK, note)
    return True


def delegate_name(text: str) -> str:
    """The job type for a class or an expression: the class, the bean, or `bean.method`."""
    try:
        parts = j.parse_template(text)
    except j.JuelError:
        return text.strip()
    if len(parts) == 1 and isinstance(parts[0], j.Name):
        return parts[0].name
    if len(parts) == 1 and isinstance(parts[0], j.Call) and isinstance(parts[0].base, j.Name):
        return f"{parts[0].base.name}.{parts[0].name}"
    return text.strip()


def _arguments(step: Step) -> str:
    """The arguments of a bean's method as a list in FEEL, '' where they have none or are no plain values."""
    try:
        parts = j.parse_template(step.value)
    except j.JuelError:
        return ""
    if len(parts) != 1 or not isinstance(parts[0], j.Call) or not parts[0].args:
        return ""
    done = [translate_node(argument, place_of(step.element, 0)).feel for argument in parts[0].args]
    return "" if None in done else f"=[{', '.join(text or '' for text in done)}]"


def result_variable(step: Step) -> bool:
    """Where the result of a script, a decision or an expression goes."""
    owner, work = step.owner, step.work
    if owner.name == "scriptTask":
        # What it becomes depends on the language of the script, which is read later.
        work.results[id(owner)] = (step.label, step.value)
        return True
    if owner.name == "businessRuleTask" and work.has(owner, "calledDecision"):
        work.set(owner, "calledDecision", {"resultVariable": step.value})
        step.tell("mapped", "zeebe:calledDecision@resultVariable")
        return True
    work.output(owner, "=result", step.value)
    step.tell("changed", "zeebe:output", "the worker gives its result as the variable `result`; others stay inside")
    return True


def decision(step: Step) -> bool:
    """`decisionRef`: a called decision."""
    done = step.feel(step.value)
    if not step.told(done, "zeebe:calledDecision@decisionId"):
        return False
    step.work.set(step.owner, "calledDecision", {"decisionId": done.value})
    return True


def decision_result(step: Step) -> bool:
    """`mapDecisionResult`: the variable holds what the decision gives."""
    note = _DECISION_RESULTS.get(step.value)
    if note is None:
        step.tell("needs-work", "", f"unknown kind of result; known are {', '.join(_DECISION_RESULTS)}")
        return False
    step.tell("changed" if note else "mapped", "zeebe:calledDecision@resultVariable", note)
    return True


def job_priority(step: Step) -> bool:
    """`jobPriority`, `taskPriority`: the priority of the job, where there is one."""
    owner = step.owner
    if owner.name not in JOB_TASKS or step.element is not owner:
        step.tell("dropped", "", "only jobs have a priority here")
        return True
    done = step.feel(step.value)
    if not step.told(done, "zeebe:jobPriorityDefinition@priority"):
        return False
    step.work.put(owner, "jobPriorityDefinition", {"priority": done.value})
    return True


def retry(step: Step) -> bool:
    """`failedJobRetryTimeCycle`: the same cycle in the native namespace."""
    owner, text = step.owner, step.value.strip()
    if owner.name not in JOB_TASKS:
        step.tell("dropped", "", "there is no job to be tried again: the engine's own steps do not fail by themselves")
        return True
    if _CYCLE.fullmatch(text):
        step.work.set(owner, "retry", {"cycle": text}, PROCESSION)
        step.tell("mapped", "procession:retry@cycle")
        return True
    if _DURATIONS.fullmatch(text):
        count = str(len(text.split(",")) + 1)
        step.work.set(owner, "retry", {"backoff": text}, PROCESSION)
        step.work.put(owner, "taskDefinition", {}).attributes["retries"] = count
        step.tell("mapped", "procession:retry@backoff", f"{count} attempts, the durations between them")
        return True
    step.tell("needs-work", "", "write a cycle such as R3/PT10S, or durations, without an expression")
    return False


def save_point(step: Step) -> bool:
    """`asyncBefore`, `asyncAfter`, `async`: every wait is a save point here."""
    if step.value == "true":
        note = "every job, timer, message and user task is a save point, and a failure goes back no further"
        step.tell("changed", "", note)
    else:
        step.tell("dropped", "", "that is the default")
    return True


def exclusive(step: Step) -> bool:
    """`exclusive`: an instance takes one step at a time."""
    if step.value == "false":
        step.tell("changed", "", "jobs of one instance run side by side, its steps one after the other")
    else:
        step.tell("mapped", "", "the steps of an instance never overlap")
    return True


def script_text(element: Element) -> tuple[str, str]:
    """The language and the text of a script task or a script element."""
    child = element.child("script") if element.name == "scriptTask" else element
    text = child.text if child is not None else ""
    return (element.get("scriptFormat") or "").strip(), text.strip()


def script_job(work: Work, owner: Element, language: str, text: str) -> str:
    """Makes a script a job that holds its text; the type."""
    name = script_type(language)
    work.put(owner, "taskDefinition", {"type": name})
    work.header(owner, "script", text)
    return name


def script_type(language: str) -> str:
    """The job type of a script in some language."""
    name = _SHORT.get(language.strip().lower(), language.strip().lower())
    return f"script:{name or 'unknown'}"


def script_note(language: str) -> str:
    """What to do about a script in a language that is not run."""
    name = script_type(language)
    return f"rewrite it in FEEL, or {worker(name)}: the header `script` has the text"


def native_script(work: Work, owner: Element, done: Translation, result: str) -> None:
    """Makes a script one of FEEL."""
    attributes = {"expression": done.expression}
    if result:
        attributes["resultVariable"] = result
    work.set(owner, "script", attributes)


def _own(step: Step) -> dict[str, str]:
    """The attributes of the step's namespace on its element, by local name."""
    prefix = step.label.partition(":")[0]
    namespace = step.element.prefixes.namespace(prefix) or ""
    return {local: value for _, local, value in step.element.in_namespace(namespace)}
