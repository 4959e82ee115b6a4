"""jBPM: work items by `drools:taskName`, data associations with texts of its own; and BPMN of no dialect.

What BPMN of no dialect says in the words of the standard, data associations too, is executed as it is.
"""

from __future__ import annotations

from typing import Final

from procession.convert import jobs, listeners
from procession.convert.associations import associations
from procession.convert.dialect import Dialect
from procession.convert.languages import plain
from procession.convert.standard import Habits
from procession.convert.work import Row, Step
from procession.parse.grammar import ACTIVITIES

_TASKS: Final = frozenset("task serviceTask businessRuleTask scriptTask sendTask".split())


def _work_item(step: Step) -> bool:
    """`taskName`: a work item is a job."""
    owner = step.owner
    if owner.name == "task":
        step.work.rename(owner, "serviceTask")
    step.work.put(owner, "taskDefinition", {"type": step.value})
    step.tell("needs-work", jobs.TASK, jobs.worker(step.value))
    return True


def _ad_hoc(step: Step) -> bool:
    """`adHoc`: a process without an order."""
    if step.value != "true":
        step.tell("dropped", "", "that is the default")
        return True
    step.tell("needs-work", "", "draw an ad-hoc sub-process around its elements")
    return False


def _metadata(step: Step) -> bool:
    """`metaData`: settings of the editor, and two that mean something."""
    node = step.node
    assert node is not None
    name = node.get("name") or ""
    value = "".join(child.text for child in node.elements).strip()
    if name == "customAsync" and value == "true":
        step.tell("changed", "", "every job, timer, message and user task is a save point")
    elif name == "customSLADueDate" and value:
        step.tell("needs-work", "", "draw a timer boundary event that does not interrupt")
        return False
    else:
        step.tell("dropped", "", "a mark of the editor")
    return True


def _entry(step: Step) -> bool:
    """`onEntry-script`: a listener of the start."""
    return listeners.script_listener(step, "start")


def _exit(step: Step) -> bool:
    """`onExit-script`: a listener of the end."""
    return listeners.script_listener(step, "end")


ROWS: Final[tuple[Row, ...]] = (
    Row(name="@taskName", on=_TASKS, action=_work_item, target=jobs.TASK, says="work items need a worker"),
    Row(name="@taskName", on=frozenset({"userTask"}), outcome="dropped", says="a user task is done by a person"),
    Row(name="@ruleFlowGroup", outcome="needs-work", says="Drools rules need a worker, or a decision table"),
    Row(name="@packageName", outcome="dropped", says="a process is named by its id alone"),
    Row(name="@version", outcome="dropped",
        says="versions count by themselves; zeebe:versionTag holds a name of your own"),
    Row(name="@adHoc", action=_ad_hoc, says="draw an ad-hoc sub-process around the elements"),
    Row(name="@independent", outcome="needs-work", says="a called process ends with its caller"),
    Row(name="@waitForCompletion", outcome="needs-work",
        says="a call activity waits: start the process by a message instead"),
    Row(name="@selectable", outcome="dropped", says="a mark of the editor"),
    Row(name="@priority", outcome="dropped", says="flows are tried in the order of the document"),
    Row(name="@dockerinfo", outcome="dropped", says="a mark of the editor"),
    Row(name="@linkname", outcome="dropped", says="the standard's name says it"),
    Row(name="@acquires", outcome="dropped", says="a mark of the editor"),
    Row(name="@msgref", outcome="dropped", says="the standard's reference says it"),
    Row(name="@erefname", outcome="dropped", says="the standard's reference says it"),
    Row(name="@esccode", outcome="dropped", says="the standard's reference says it"),
    Row(name="@signalref", outcome="dropped", says="the standard's reference says it"),
    Row(name="@dtype", outcome="dropped", says="variables are JSON"),
    Row(name="@bpmn20", outcome="dropped", says="a mark of the editor"),
    Row(name="onEntry-script", on=ACTIVITIES, action=_entry, target="zeebe:executionListener@type",
        says="needs a worker of the type `script:<language>`"),
    Row(name="onExit-script", on=ACTIVITIES, action=_exit, target="zeebe:executionListener@type",
        says="needs a worker of the type `script:<language>`"),
    Row(name="metaData", action=_metadata, says="customAsync, customSLADueDate; the rest is the editor's"),
    Row(name="metaentry", outcome="dropped", says="a mark of the editor"),
    Row(name="import", outcome="dropped", says="variables are JSON, no Java classes"),
    Row(name="global", outcome="needs-work", says="pass what it holds as a variable"),
    Row(name="metaValue", outcome="dropped", says="a mark of the editor"),
)  # fmt: skip
JBPM: Final = Dialect(
    name="jbpm",
    title="jBPM",
    namespace="http://www.jboss.org/drools",
    rows=ROWS,
    translate=plain,
    loop_counter_from=1,
    after=(associations,),
)
PLAIN: Final = Dialect(
    name="bpmn",
    title="BPMN of no dialect",
    namespace="",
    rows=(),
    translate=plain,
    habits=Habits(passes_all=True, keeps_data=True),
    loop_counter_from=1,
)
