"""Activities: quantities, compensation, loops, scripts, and what calls and services need (10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, children, flag, identity, number
from procession.compile.check.standard.items import are_equal, is_other_message, item_of
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_ACTIVITIES: Final = " ".join(grammar.ACTIVITIES)
_SUB: Final = " ".join(grammar.SUB_PROCESSES)
_CALLABLE: Final = " ".join(("process", *grammar.GLOBAL_TASKS))
_MULTI: Final = "multiInstanceLoopCharacteristics"
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_DATA_OBJECTS: Final = frozenset({"dataObject", "dataObjectReference"})


def _quantity(document: Document, activity: XmlElement) -> Iterator[str]:
    for name in ("startQuantity", "completionQuantity"):
        if number(activity, name, 1) < 1:
            yield f"{name} is {activity.attributes[name]}; it must be at least 1"


def _compensation_flows(document: Document, activity: XmlElement) -> Iterator[str]:
    if flag(activity, "isForCompensation"):
        for flow in (*document.flows_in(activity), *document.flows_out(activity)):
            yield f"the flow {identity(flow)!r} is connected with an activity for compensation"


def _choreography(document: Document, node: XmlElement) -> Iterator[str]:
    scope = document.scope(node)
    if scope is not None and (scope.name == "process" or scope.name in grammar.SUB_PROCESSES):
        yield f"the {node.name} stands in a {scope.name}"


# --- tasks (10.3.3) ---------------------------------------------------------------------------------------------------


def _script_format(document: Document, task: XmlElement) -> Iterator[str]:
    name = "scriptFormat" if task.name == "scriptTask" else "scriptLanguage"
    if child(task, "script") is not None and not task.attributes.get(name, "").strip():
        yield f"there is a script, but no {name}"


def _instantiating(document: Document, task: XmlElement) -> Iterator[str]:
    if flag(task, "instantiate") and document.flows_in(task):
        yield "the task starts the process, but a flow leads to it"


def _operation(document: Document, task: XmlElement) -> Iterator[str]:
    if is_other_message(document, task, document.named(task, "operationRef")):
        yield "the operation of the task has another message than the task"


def _method(document: Document, scope: XmlElement) -> Iterator[str]:
    method = scope.attributes.get("method", "").strip()
    if method and not method.startswith("##") and _URI.fullmatch(method) is None:
        yield f"the method is {method[:60]!r}, which is no URI"


# --- services and messages as data (10.4.1) ---------------------------------------------------------------------------


def _parts(activity: XmlElement, *tags: str) -> list[list[XmlElement]]:
    """The parts of an activity's ioSpecification by tag."""
    spec = child(activity, "ioSpecification")
    return [children(spec, tag) if spec is not None else [] for tag in tags]


def _service_sets(document: Document, task: XmlElement) -> Iterator[str]:
    input_sets, output_sets = _parts(task, "inputSet", "outputSet")
    yield from _at_most_one(task, "input sets", input_sets)
    yield from _at_most_one(task, "output sets", output_sets)


def _service_data(document: Document, task: XmlElement) -> Iterator[str]:
    operation = document.named(task, "operationRef")
    if operation is None or operation.name != "operation":
        return
    inputs, outputs = _parts(task, "dataInput", "dataOutput")
    if len(inputs) != 1:
        yield f"the task has {len(inputs)} data inputs; its operation takes one"
    yield from _fits(document, inputs, document.listed(operation, "inMessageRef"))
    answers = document.listed(operation, "outMessageRef")
    if answers and len(outputs) != 1:
        yield f"the task has {len(outputs)} data outputs; its operation gives one"
    elif len(outputs) > 1:
        yield f"the task has {len(outputs)} data outputs; at most one is allowed"
    yield from _fits(document, outputs, answers)


def _send_data(document: Document, task: XmlElement) -> Iterator[str]:
    inputs, sets = _parts(task, "dataInput", "inputSet")
    yield from _at_most_one(task, "data inputs", inputs)
    yield from _at_most_one(task, "input sets", sets)
    yield from _fits(document, inputs, _messages(document, task, "inMessageRef"))


def _receive_data(document: Document, task: XmlElement) -> Iterator[str]:
    outputs, sets = _parts(task, "dataOutput", "outputSet")
    yield from _at_most_one(task, "data outputs", outputs)
    yield from _at_most_one(task, "output sets", sets)
    yield from _fits(document, outputs, _messages(document, task, "inMessageRef"))


def _messages(document: Document, task: XmlElement, tag: str) -> list[XmlElement]:
    message = document.named(task, "messageRef")
    operation = document.named(task, "operationRef")
    if message is not None:
        return [message]
    return document.listed(operation, tag) if operation is not None else []


def _at_most_one(task: XmlElement, what: str, found: list[XmlElement]) -> Iterator[str]:
    if len(found) > 1:
        yield f"the {task.name} has {len(found)} {what}; at most one is allowed"


def _fits(document: Document, data: list[XmlElement], messages: list[XmlElement]) -> Iterator[str]:
    for each in data:
        for message in messages:
            wanted = item_of(document, message)
            if wanted is not None and not are_equal(item_of(document, each), wanted):
                yield f"the item of {identity(each)!r} is not that of the message {identity(message)!r}"


# --- calls (10.3.6, 10.3.7, 8.5) --------------------------------------------------------------------------------------


def _called_data(document: Document, call: XmlElement) -> Iterator[str]:
    called = document.named(call, "calledElement")
    if called is None or (called.name != "process" and called.name not in grammar.GLOBAL_TASKS):
        return
    if child(called, "ioSpecification") is None and child(call, "ioSpecification") is None:
        return
    for tag, what in (("dataInput", "inputs"), ("dataOutput", "outputs")):
        own, wanted = _parts(call, tag)[0], _parts(called, tag)[0]
        if len(own) != len(wanted):
            yield f"the call has {len(own)} data {what}, what it calls has {len(wanted)}"
        elif not _match(document, own, wanted):
            yield f"the items of the data {what} of the call are not those of what it calls"


def _match(document: Document, own: list[XmlElement], wanted: list[XmlElement]) -> bool:
    """Whether each element has a partner with an equal item."""
    left = [item_of(document, each) for each in wanted]
    for each in own:
        item = item_of(document, each)
        found = next((index for index, other in enumerate(left) if are_equal(item, other)), -1)
        if found < 0:
            return False
        del left[found]
    return True


def _bindings(document: Document, element: XmlElement) -> Iterator[str]:
    bound = [document.named(each, "operationRef") for each in children(element, "ioBinding")]
    for interface in document.listed(element, "supportedInterfaceRef"):
        for operation in children(interface, "operation"):
            if operation not in bound:
                yield f"the operation {identity(operation)!r} of its interface is bound to no data"


def _binding(document: Document, binding: XmlElement) -> Iterator[str]:
    owner, operation = document.parent(binding), document.named(binding, "operationRef")
    spec = child(owner, "ioSpecification")
    for name, message in (("inputDataRef", "inMessageRef"), ("outputDataRef", "outMessageRef")):
        data = document.named(binding, name)
        if data is None:
            continue
        if document.parent(data) is not spec:
            yield f"{name} is data of another element than the {owner.name}"
        if operation is not None and data.name in {"dataInput", "dataOutput"}:
            yield from _fits(document, [data], document.listed(operation, message))


def _binding_interface(document: Document, binding: XmlElement) -> Iterator[str]:
    operation = document.named(binding, "operationRef")
    interfaces = document.listed(document.parent(binding), "supportedInterfaceRef")
    if operation is not None and operation.name == "operation" and document.parent(operation) not in interfaces:
        yield f"the operation {identity(operation)!r} is of no interface that is supported"


# --- loops (10.3.8) ---------------------------------------------------------------------------------------------------


def _maximum(document: Document, loop: XmlElement) -> Iterator[str]:
    if number(loop, "loopMaximum", 1) < 1:
        yield f"loopMaximum is {loop.attributes['loopMaximum']}; it must be at least 1"


def _how_many(document: Document, loop: XmlElement) -> Iterator[str]:
    given = [each for each in ("loopCardinality", "loopDataInputRef") if child(loop, each) is not None]
    if len(given) > 1:
        yield "the loop says twice how many instances there are"
    elif not given and document.runs(loop):
        yield "the loop of an executable process says not how many instances there are"


def _loop_data(document: Document, loop: XmlElement) -> Iterator[str]:
    activity = document.parent(loop)
    spec = child(activity, "ioSpecification")
    is_sub_process = activity.name in grammar.SUB_PROCESSES
    for name, tag in (("loopDataInputRef", "dataInput"), ("loopDataOutputRef", "dataOutput")):
        for data in document.listed(loop, name):
            own = data.name == tag and spec is not None and document.parent(data) is spec
            if not own and not (is_sub_process and data.name in _DATA_OBJECTS):
                yield f"{name} is {identity(data)!r}, a {data.name}, and no {tag} of the activity"


def _loop_items(document: Document, loop: XmlElement) -> Iterator[str]:
    for name, tag in (("loopDataInputRef", "inputDataItem"), ("loopDataOutputRef", "outputDataItem")):
        one = child(loop, tag)
        for many in document.listed(loop, name):
            collection = item_of(document, many)
            if collection is not None and not flag(collection, "isCollection"):
                yield f"{name} is {identity(many)!r}, which is no collection"
            item = item_of(document, one) if one is not None else None
            if item is None or collection is None:
                continue
            if flag(item, "isCollection"):
                yield f"the {tag} is a collection, not one of its items"
            elif item.attributes.get("structureRef") != collection.attributes.get("structureRef"):
                yield f"the {tag} is of another structure than the items of {identity(many)!r}"


def _behavior(document: Document, loop: XmlElement) -> Iterator[str]:
    behavior = loop.attributes.get("behavior", "All")
    for word, name in (("None", "noneBehaviorEventRef"), ("One", "oneBehaviorEventRef")):
        if behavior == word and not loop.attributes.get(name):
            yield f"the behavior is {word}, but there is no {name}"
        elif behavior != word and loop.attributes.get(name):
            yield f"there is a {name}, but the behavior is {behavior}"
    complex_ones = children(loop, "complexBehaviorDefinition")
    if behavior == "Complex" and not complex_ones:
        yield "the behavior is Complex, but there is no complexBehaviorDefinition"
    elif behavior != "Complex" and complex_ones:
        yield f"there is a complexBehaviorDefinition, but the behavior is {behavior}"


RULES: Final = (
    Rule(
        "activity-quantity",
        "10.3",
        _ACTIVITIES,
        "startQuantity or completionQuantity is less than 1",
        "write 1 or more",
        _quantity,
    ),
    Rule(
        "compensation-activity-flow",
        "10.7.1",
        _ACTIVITIES,
        "a sequence flow leads to or from an activity for compensation",
        "connect it with its event by an association",
        _compensation_flows,
    ),
    Rule(
        "choreography-in-process",
        "10.2, 10.3.5",
        " ".join(grammar.CHOREOGRAPHY_ACTIVITIES),
        "a choreography activity stands in a process or a sub-process",
        "move it to a choreography",
        _choreography,
    ),
    Rule(
        "script-format",
        "10.3.3",
        "scriptTask globalScriptTask",
        "a script has no format",
        "name the format of the script",
        _script_format,
    ),
    Rule(
        "transaction-method",
        "10.3.5",
        "transaction",
        "the method of a transaction is no URI",
        "write ##Compensate, ##Image, ##Store or a URI",
        _method,
    ),
    Rule(
        "receive-task-instantiate",
        "10.3.3",
        "receiveTask",
        "a sequence flow leads to a receive task that starts the process",
        'remove the flow, or write instantiate="false"',
        _instantiating,
    ),
    Rule(
        "task-operation-message",
        "10.3.3",
        "sendTask receiveTask",
        "a task and its operation name different messages",
        "name the message of the operation",
        _operation,
    ),
    Rule(
        "service-task-sets",
        "10.4.1",
        "serviceTask",
        "a service task has several input sets, or several output sets",
        "keep one of each",
        _service_sets,
    ),
    Rule(
        "service-task-data",
        "10.4.1",
        "serviceTask",
        "the data of a service task is not that of the messages of its operation",
        "give it one input, and one output if the operation answers, with the items of the messages",
        _service_data,
    ),
    Rule(
        "send-task-data",
        "10.4.1",
        "sendTask",
        "a send task has several inputs, or one that is not the item of its message",
        "give it at most one input, with the item of the message",
        _send_data,
    ),
    Rule(
        "receive-task-data",
        "10.4.1",
        "receiveTask",
        "a receive task has several outputs, or one that is not the item of its message",
        "give it at most one output, with the item of the message",
        _receive_data,
    ),
    Rule(
        "call-activity-data",
        "10.3.6",
        "callActivity",
        "the inputs and outputs of a call are not those of what it calls",
        "give the call the inputs and outputs of what it calls",
        _called_data,
    ),
    Rule(
        "interface-bindings",
        "10.4.1",
        _CALLABLE,
        "an operation of a supported interface is bound to no data",
        "write an ioBinding for each operation",
        _bindings,
    ),
    Rule(
        "io-binding-data",
        "10.4.1",
        "ioBinding",
        "a binding names data of another element, or of another item than the message",
        "bind own data with the item of the message",
        _binding,
    ),
    Rule(
        "io-binding-operation",
        "10.4.1",
        "ioBinding",
        "a binding names an operation of an interface that is not supported",
        "name an operation of a supported interface",
        _binding_interface,
    ),
    Rule(
        "loop-maximum",
        "10.3.8",
        "standardLoopCharacteristics",
        "the most iterations of a loop are less than 1",
        "write 1 or more",
        _maximum,
    ),
    Rule(
        "multi-instance-count",
        "10.3.8",
        _MULTI,
        "a multi-instance has both a loopCardinality and a loopDataInputRef, or, to be executed, neither",
        "give one of them",
        _how_many,
    ),
    Rule(
        "multi-instance-data",
        "10.3.8",
        _MULTI,
        "a multi-instance loops over data that is no input or output of its activity",
        "refer to an input or output of the activity; in a sub-process, to a data object",
        _loop_data,
    ),
    Rule(
        "multi-instance-item",
        "10.3.8",
        _MULTI,
        "a multi-instance loops over what is no collection, or its item does not fit the collection",
        "let the item be one of the collection",
        _loop_items,
    ),
    Rule(
        "multi-instance-behavior",
        "10.3.8",
        _MULTI,
        "the events that a multi-instance throws do not fit its behavior",
        "give the events of the behavior, and no others",
        _behavior,
    ),
)
