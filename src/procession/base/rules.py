"""The rules of deployment by name: what breaks each. A diagnostic names one of them; docs/conformance.md lists all.

Names that modelers know from their linters are theirs. What must not live here: how a rule is checked, and the rules
of decision logic (`dmn.compilation.RULES`).
"""

from __future__ import annotations

from typing import Final

RULES: Final[dict[str, str]] = {
    # The file and its XML.
    "xml": "the file is not well-formed XML, or empty",
    "xml-doctype": "the file declares a document type, which could define entities and read other files",
    "encoding": "the bytes are not of the encoding that the file declares",
    "document-size": "the file is larger, has more elements or is nested deeper than the limit",
    "namespace": "the root element is not the `definitions` of BPMN 2.0 or DMN",
    "too-many-findings": "there are more findings than are shown",
    "must-understand": "the document demands that an extension is understood, which is not",
    # Ids, references and attributes of the document.
    "missing-id": "an element that others refer to has no id",
    "missing-name": "an element that is addressed by its name has none",
    "duplicate-id": "two elements have the same id",
    "dangling-reference": "a reference names what is not there, or an element of another kind",
    "attribute": "an attribute is no boolean, or none of its words",
    "collapsed-subprocess": "a sub-process is drawn collapsed, and what it does nowhere",
    "diagram": "a shape or an edge of the diagram cannot be drawn",
    "duplicate-extension": "an extension element that may stand once stands twice",
    "extension-attribute": "an extension or one of its attributes has no effect where it stands",
    "foreign-extension": "an extension of another engine has no effect here",
    # What can be executed at all.
    "executable-process": "no process of the document is executable, or one is drawn only",
    "no-process": "nothing that was given holds an executable process or a decision",
    "process-id": "two documents of one deployment hold the same process",
    "decision-id": "two documents of one deployment hold the same decision",
    "document-twice": "the same document is given twice under different names",
    "element-type": "an element, an attribute or an event in this place is not executed, or has no effect",
    # The flow.
    "start-event": "a scope has no start event, too many, a wrong one, or one that cannot be computed at deployment",
    "end-event": "a sequence flow leaves an end event",
    "no-disconnected": "no sequence flow leads to an element, so it never happens",
    "sequence-flow-condition": "a flow has a condition where nothing decides, or none where something does",
    "sequence-flow-ends": "an element lists a flow as incoming or outgoing that has other ends",
    "sequence-flow-immediate": 'a flow says isImmediate="false", which means nothing for a process that runs',
    "sequence-flow-scope": "a flow leads into or out of a sub-process",
    "default-flow": "the default flow does not leave its element",
    "event-based-gateway-target": "an event-based gateway has fewer than two targets, or one that it cannot wait for",
    # Events.
    "multiple-event": "an event has definitions that cannot happen, or be thrown, together",
    "token-quantity": "a start or completion quantity is no whole number from 1",
    "boundary-event": "a boundary event is attached to nothing that it could interrupt, or cannot be as it says",
    "boundary-event-scope": "a boundary event stands in another scope than its activity",
    "escalation-boundary-event-attached-to-ref": "an escalation boundary event stands where no escalation is thrown",
    "event-sub-process": "an event sub-process has a flow or a loop, must interrupt, or reacts as another one does",
    "link-event": "a link has no name, no other half in its scope, or two catching ones",
    "timer": "a timer has no time, several, one that is malformed, or a cycle where it can fire only once",
    # What events and tasks refer to.
    "message-reference": "a message event or task names no message, or one without a name",
    "subscription": "a message that is waited for has no correlation key",
    "signal-reference": "a signal event names no signal, or one without a name",
    "error-reference": "an error event names no error with a code, or catches a code that is computed",
    "escalation-reference": "an escalation event names no escalation with a code, or catches a code that is computed",
    # Activities.
    "script": "a script cannot be read, is empty, or asks for a language, an engine or a module that there is not",
    "implementation": "nobody does a task, two do it, or its job or script is incomplete",
    "compensation": "a compensation event names or is tied to no activity, or an activity for compensation has a flow",
    "transaction": "a cancel event belongs to no transaction, or a transaction has a method that is not executed",
    "ad-hoc-sub-process": "an ad-hoc sub-process has a start or end event, nothing to choose, or no list to choose by",
    "retry": "the retries of a job are given twice, or are no count and durations",
    "called-element": "a call activity names no process, or one that must be deployed together with it is missing",
    "version-tag": "a binding is unknown, or by a version tag that is not given",
    "user-task-definition": "a user task has a job, or roles, which assign nobody",
    "user-task-form": "a form has no reference",
    "start-event-form": "a form belongs to a start event that nobody fills in, or has no reference",
    "task-schedule": "a due or follow-up date is no date",
    "priority": "a priority is no whole number from 0 to 100",
    "loop-characteristics": "a loop is of a kind that is not executed, or says not how many there are",
    "duplicate-task-headers": "a task header has no key, or the key of another one",
    "execution-listener": "an execution listener has no type, or would never run",
    "task-listener": "a task listener has no type",
    "duplicate-execution-listeners": "two execution listeners have the same event and type",
    "duplicate-task-listeners": "two task listeners have the same event and type",
    # What exploring the flow shows.
    "deadlock": "a join can wait for ever for a token that never comes, before anything has ended",
    "token-left-behind": "an end is reached while a token waits for ever at a join, so the process never completes",
    "dead-join": "a join never has all the tokens that it waits for",
    "lack-of-synchronization": "several tokens of one run come to the same element, which happens as often",
    "unreachable": "no way leads from a start to an element, or no run takes it",
    "dead-flow": "an element is left, but never over this flow",
    "no-way-out": "a run can come to where the flow goes round for ever",
    "soundness": "the flow of a scope is not explored, or not to the end, so nothing is said about the rest",
    # Data and expressions.
    "io-mapping": "a mapping has no source or target, or stands where nothing is mapped",
    "data": "a data association says not what it moves, or data means something else than is drawn",
    "correlation": "a correlation subscription names no key, or lacks a property of it",
    "variable-name": "no expression could use a variable of this name",
    "feel": "an expression is no FEEL",
    "expression-language": "an expression is in a language that is not registered, or in none",
    # Documents of decisions.
    "boxed-expression": "a boxed expression is incomplete, or two stand in one place",
    "decision-table": "a decision table lacks a column, or a rule lacks an entry",
}
"""Rule -> what breaks it."""
