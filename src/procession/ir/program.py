"""Program: one compiled process. Read-only data; what acts on it lives in `core` and `runtime`.

References are indexes into the program's own tables (`Ref`), -1 or None for absent. A program is addressed by the
SHA-256 of its canonical bytes; new fields are appended with a default, so old bytes stay readable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.decoding import known
from procession.ir.kinds import Binding, Kind, ListenerEvent, TimerKind

IR_VERSION: Final = 2
ALTERED_IR: Final = 2
"""From this version on a signal reaches its own instance at once, and a default flow is taken beside flows without a
condition. Programs of version 1 behave as they did when they were compiled."""
FEEL_SEMANTICS: Final = 2
"""1: every expression is in Camunda's dialect. 2: those of the profile `standard` are in the specification's FEEL."""
DMN_SEMANTICS: Final = 1
"""What this build means by an expression and by a decision. A change of meaning is a new number, and this build still
runs programs of the numbers below."""
NONE: Final = -1

Ref: TypeAlias = int
"""An index into one of the program's tables; NONE (-1) for absent."""


class Expression(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An expression's text as drawn, without the leading `=`. `language` is `feel`, or a registered one."""

    text: str
    language: str = "feel"
    element: str = ""
    attribute: str = ""
    line: int = 0
    column: int = 0


@final
class Text(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value that is either literal (`expression` NONE) or computed by an expression."""

    literal: str = ""
    expression: Ref = NONE


@final
class Mapping(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`source` is an expression; `target` the variable's name and the path below it (`a.b` is ("a", "b"))."""

    source: Ref
    target: tuple[str, ...]


@final
class JobSpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A job to create. `backoff`: ISO 8601 durations between attempts, the last repeats; empty: the host's default."""

    type: Text
    retries: Text = Text("3")
    headers: dict[str, str] = {}
    backoff: tuple[str, ...] = ()
    priority: Text = Text("")


@final
class Listener(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A listener is a job that runs before or after something of its element."""

    event: ListenerEvent
    job: JobSpec


class NoneTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="none"):
    """A none event."""


@final
class Correlation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Correlation as the standard has it (8.4.2), by the key `key` of a conversation.

    `retrieved` are evaluated over the content of the message, a property of the key each. `expected` are evaluated over
    the variables of the process (context-based); without them the first message of the conversation sets the values.
    That first message correlates by its name alone, unless `contextual`: somebody knows the values before it comes.
    """

    key: str
    retrieved: tuple[Ref, ...]
    expected: tuple[Ref, ...] = ()
    contextual: bool = False


class MessageTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="message"):
    """`key` is the correlation key's expression; without one the message correlates by name alone.

    For a throw, `message_id` and `ttl` (ISO 8601 duration) belong to what is published.
    `correlation` comes before `key`.
    """

    name: Text
    key: Ref = NONE
    message_id: Ref = NONE
    ttl: Ref = NONE
    correlation: Correlation | None = None


class SignalTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="signal"):
    """A signal by name."""

    name: Text


class TimerTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="timer"):
    """`catch_up`: after downtime a cycle fires for each missed time instead of once."""

    kind: TimerKind
    value: Text
    catch_up: bool = False


class ErrorTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="error"):
    """A catch with an empty code catches every error; a throw's code may be an expression."""

    code: Text


class EscalationTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="escalation"):
    """A catch with an empty code catches every escalation."""

    code: Text


class LinkTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="link"):
    """A throwing link; `target` is the catching link's node in the same scope. A catching link has NONE."""

    target: Ref = NONE


class ConditionalTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="conditional"):
    """`names` are the variables whose change makes the condition be evaluated again; empty for any variable."""

    condition: Ref
    names: tuple[str, ...] = ()


class TerminateTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="terminate"):
    """A terminate end event."""


class CompensateTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="compensate"):
    """Of a throw: the `activity` to compensate (NONE: all of its scope), and whether the event waits until that is
    done. Of a boundary event: the `handler`, the activity that undoes. Of the start event of an event sub-process:
    neither."""

    activity: Ref = NONE
    handler: Ref = NONE
    wait: bool = True


class CancelTrigger(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="cancel"):
    """A cancel end event inside a transaction, or the boundary event by which a cancelled transaction is left."""


Trigger: TypeAlias = (
    NoneTrigger
    | MessageTrigger
    | SignalTrigger
    | TimerTrigger
    | ErrorTrigger
    | EscalationTrigger
    | LinkTrigger
    | TerminateTrigger
    | ConditionalTrigger
    | CompensateTrigger
    | CancelTrigger
)


@final
class Loop(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Multi-instance characteristics. `cardinality` is an alternative to `items` (loopCardinality)."""

    sequential: bool
    items: Ref = NONE
    item_name: str = ""
    output_name: str = ""
    output: Ref = NONE
    completion: Ref = NONE
    cardinality: Ref = NONE
    output_local: str = ""
    """The variable that `output` reads: each instance starts with one of its own, so that parallel ones do not mix."""


@final
class Repeat(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Standard loop characteristics (10.3.9). `maximum` -1: as often as the condition says."""

    condition: Ref = NONE
    before: bool = False
    maximum: int = -1


@final
class Thrown(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that a multi-instance body throws when an instance completes: `event` is a node of kind TRIGGER.

    `condition` says at which completions; `first` that only the first one throws it.
    """

    event: Ref
    condition: Ref = NONE
    first: bool = False


@final
class Choosable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An element that can be the first of an activation, as whoever chooses is told of it."""

    id: str
    name: str = ""
    documentation: str = ""
    properties: dict[str, str] = {}


@final
class AdHoc(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an ad-hoc sub-process says. `chosen` is a list of element ids to activate at its beginning.

    `automatic`: nothing chooses, so each activity without an incoming flow is performed once, and then it ends.
    """

    sequential: bool = False
    automatic: bool = False
    cancel_remaining: bool = True
    chosen: Ref = NONE
    completion: Ref = NONE
    output_name: str = ""
    output: Ref = NONE
    output_local: str = ""
    """The variable that `output` reads: each activation starts with one of its own."""
    elements: tuple[Choosable, ...] = ()
    """What the variable `adHocSubProcessElements` holds; () for an automatic one."""


@final
class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call activity's target and what travels to and fro."""

    process: Text
    binding: Binding = Binding.LATEST
    version_tag: str = ""
    all_parent_variables: bool = True
    all_child_variables: bool = True
    business_key: Ref = NONE


@final
class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A called decision and the variable that takes its result."""

    decision: Text
    result: str
    binding: Binding = Binding.LATEST
    version_tag: str = ""


@final
class Script(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A script that is one expression and the variable that takes its result ("" for none)."""

    expression: Ref
    result: str = ""


@final
class TaskSpec(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a user task tells its assignees. Lists are FEEL lists or comma-separated literals."""

    assignee: Text = Text()
    candidate_groups: Text = Text()
    candidate_users: Text = Text()
    due: Text = Text()
    follow_up: Text = Text()
    priority: Text = Text()
    form_id: str = ""
    form_key: str = ""
    external_form: Text = Text()
    form_binding: Binding = Binding.LATEST
    form_version_tag: str = ""
    lanes: tuple[str, ...] = ()
    """The names of the lanes that it is drawn in, the outermost first."""


@final
class Transfer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A data association, or one assignment of it (10.4.2). `target` is a variable and the path below it.

    `needs` are the variables without which nothing is transferred: null counts as not available.
    """

    source: Ref
    target: tuple[str, ...]
    needs: tuple[str, ...] = ()


@final
class DataSet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An input set or output set, by the names of variables."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@final
class Data(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The data of a node as the standard has it (10.4).

    `variables` are made in its scope when it is entered. `message` is the name under which a content that is no context
    travels, and `content` are the data inputs that are sent, or the data outputs that take what was received.
    `reads` are [variable, data store] pairs, `writes` of `outputs` the data stores that their targets mean. `copied`
    are [target, output] pairs of outputs that are copied as they are: a result may have the name of either.
    """

    variables: tuple[str, ...] = ()
    inputs: tuple[Transfer, ...] = ()
    outputs: tuple[Transfer, ...] = ()
    input_sets: tuple[DataSet, ...] = ()
    output_sets: tuple[DataSet, ...] = ()
    message: str = ""
    content: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    writes: tuple[tuple[str, str], ...] = ()
    copied: tuple[tuple[str, str], ...] = ()


@final
class Flow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A sequence flow. `condition` is an expression or NONE."""

    index: Ref
    id: str
    source: Ref
    target: Ref
    condition: Ref = NONE


@final
class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A flow node or scope. `scope` is the node of the scope that it lives in (NONE for the process itself).

    `catches` are the nodes whose triggers are subscribed while an instance of this node is active: boundary events,
    start events of event sub-processes in this scope, the targets of an event-based gateway, or the node itself.
    `starts` are the nodes that a scope enters when it is activated without a trigger.
    """

    index: Ref
    id: str
    kind: Kind
    bpmn: str = ""
    name: str = ""
    scope: Ref = NONE
    incoming: tuple[Ref, ...] = ()
    outgoing: tuple[Ref, ...] = ()
    default: Ref = NONE
    trigger: Trigger = NoneTrigger()
    interrupting: bool = True
    catches: tuple[Ref, ...] = ()
    starts: tuple[Ref, ...] = ()
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    job: JobSpec | None = None
    listeners: tuple[Listener, ...] = ()
    script: Script | None = None
    decision: Decision | None = None
    call: Call | None = None
    task: TaskSpec | None = None
    loop: Loop | None = None
    inner: Ref = NONE
    attached: Ref = NONE
    """Of a boundary event: the activity (its multi-instance body, if it has one) that it is attached to."""
    reach: tuple[tuple[Ref, ...], ...] = ()
    """Of an inclusive join, per incoming flow: the nodes of the scope that can reach the join through that flow."""
    line: int = 0
    column: int = 0
    parts: tuple[Ref, ...] = ()
    """Of an event with several definitions: a node of kind TRIGGER for each of them."""
    parallel: bool = False
    """Of such an event, whether all of them must happen; of an instantiating event-based gateway, the same."""
    start_quantity: int = 1
    completion_quantity: int = 1
    activation: Ref = NONE
    """Of a complex gateway: the activation condition."""
    repeat: Repeat | None = None
    thrown: tuple[Thrown, ...] = ()
    instantiate: bool = False
    """Of a receive task or event-based gateway: what it waits for starts the process."""
    data: Data | None = None
    ad_hoc: AdHoc | None = None


@final
class Program(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """One compiled process. `nodes[0]` is the process itself.

    `triggered_starts` are start events with a trigger (message, timer, signal) at process level.
    `profile` is `zeebe` or `standard`; `feel` and `dmn` are the semantics numbers the program was compiled for.
    """

    ir_version: int = 1
    process_id: str
    name: str = ""
    version_tag: str = ""
    profile: str = "zeebe"
    feel: int = 1
    dmn: int = 1
    source_digest: str = ""
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...] = ()
    expressions: tuple[Expression, ...] = ()
    triggered_starts: tuple[Ref, ...] = ()


def feel_dialect(program: Program) -> Literal["feel", "camunda"]:
    """Which FEEL the expressions of a program are in: as its profile is written, and as it was when it was compiled."""
    return "feel" if program.profile == "standard" and program.feel >= 2 else "camunda"


def jobs_of(program: Program) -> Iterator[JobSpec]:
    """The jobs that a program's nodes make, those of listeners included."""
    for node in program.nodes:
        found = (node.job, *(each.job for each in node.listeners))
        yield from (job for job in found if job is not None)


def foreign(program: Program) -> str:
    """Why this build must not run a program, in words; "" when it may."""
    found = (
        ("IR version", program.ir_version, IR_VERSION),
        ("FEEL semantics", program.feel, FEEL_SEMANTICS),
        ("DMN semantics", program.dmn, DMN_SEMANTICS),
    )
    return "; ".join(
        f"{what} {number}, this version runs up to {known}" for what, number, known in found if number > known
    )


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(known(Program))


def to_bytes(program: Program) -> bytes:
    """The canonical bytes of a program: equal programs give equal bytes, on every machine."""
    return _ENCODER.encode(program)


def from_bytes(data: bytes) -> Program:
    """The program of `to_bytes`; raises `msgspec.DecodeError` for anything else."""
    return _DECODER.decode(data)


def hash_of(data: bytes) -> str:
    """The address of a program's canonical bytes: SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
