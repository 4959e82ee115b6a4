"""Where a replay went another way than the history, in words: the event, the element, what was and what would be now.

Temporal tells it in a text of its core, which is read here. What must not live here: replaying.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, cast, final

import msgspec
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from procession.base.failure import ProcessionError
from procession.core.elements.table import ENTER
from procession.core.facts import AnyFact, InstanceMigrated, InstanceStarted
from procession.core.linked import Linked
from procession.core.state import State
from procession.hosts.temporal.histories import Kept
from procession.ir.program import Program
from procession.runtime import codec
from procession.runtime.elsewhere import Step

What: TypeAlias = Literal["commands", "facts", "error"]
Programs: TypeAlias = Callable[[str, str], Linked]

SHOWN: Final = 400
"""Characters of a fact or a command that are shown."""
_TOLD: Final = re.compile(r'Nondeterminism error: (.*?)", source: "', re.DOTALL)
_EVENT: Final = re.compile(r"HistoryEvent\(id: (\d+), \w+\)")
_MARKER: Final = re.compile(r"LocalActivity\((\d+)\)")
_QUOTED: Final = re.compile(r"'([^']*)'")
_WAITS: Final = ("job", "timer", "subscription", "condition", "incident")
_OURS: Final = "procession"


@final
class Made(msgspec.Struct, frozen=True, gc=False):
    """A step that a replay made, in the task that the event `task` of the history started."""

    task: int
    step: Step


@final
class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where a replay and a history are not the same.

    `event` is its number in the history, `step` that of the instance's step, 0 where it is not known. `commands`: what
    Temporal found. `code` is the function that decides for the element, or that failed.
    """

    what: What
    instance: int = 0
    event: int = 0
    event_type: str = ""
    step: int = 0
    element: str = ""
    recorded: str = ""
    made: str = ""
    code: str = ""
    commands: str = ""


def of_error(history: WorkflowHistory, error: BaseException, task: int) -> Divergence:
    """The code fails where it did not, in the task that the event `task` started."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"/{_OURS}/" in f.filename.replace("\\", "/")]
    at = frames[-1] if frames else None
    place = f"{at.filename.replace(chr(92), '/').rpartition(f'/{_OURS}/')[2]}:{at.lineno} in {at.name}" if at else ""
    event = _at(history, task)
    text = _cut(f"{type(error).__name__}: {error}")
    return Divergence(
        what="error",
        instance=_home(history),
        event=event.event_id,
        event_type=_type(event),
        recorded="no error",
        made=text,
        code=place,
    )


def of_commands(
    history: WorkflowHistory,
    failure: Exception,
    made: Mapping[int, list[Made]],
    programs: Programs,
    carried: Mapping[int, State],
) -> Divergence:
    """Temporal's commands are not those of the history."""
    text = str(failure)
    told = _TOLD.search(text)
    said = told[1].replace('\\"', '"') if told else _cut(text)
    task = _last_task(made)
    event = _event(history, said, task)
    now = [(key, each.step) for key, steps in made.items() for each in steps if each.task == task]
    wanted = [type(command).__name__ for _, step in now for command in step.commands]
    # The id of an activity begins with its element instance (hosts.temporal.jobs).
    element, _, _ = event.activity_task_scheduled_event_attributes.activity_id.partition(".")
    key = int(element) if element.isdecimal() else 0
    of = [
        (instance, _Places([each.step for each in steps], programs, carried.get(instance)).at(key))
        for instance, steps in made.items()
    ]
    instance, place = next((each for each in of if each[1] is not None), (now[0][0] if now else _home(history), None))
    return Divergence(
        what="commands",
        instance=instance,
        event=event.event_id,
        event_type=_type(event),
        element=place[0] if place else "",
        recorded=_described(event),
        made=f"for this task: {', '.join(wanted) or 'nothing'}",
        code=place[1] if place else "",
        commands=said,
    )


def of_steps(
    history: WorkflowHistory,
    kept: Kept,
    made: Mapping[int, list[Made]],
    programs: Programs,
    *,
    carried: Mapping[int, State],
    flip: int,
    ended: bool,
) -> Divergence | None:
    """The first fact, or meaning of one, that is not what was kept; None if all are. `ended`: nothing is missing.
    `carried` are the states that the run began with, where it is not the first."""
    if kept.facts is None:
        return None
    found: list[tuple[int, int, int, Step | None, Step | None]] = []
    last = _last_task(made)
    for instance in dict.fromkeys([*kept.facts, *made]):
        then = {step.seq: step for step in kept.facts.get(instance, [])}
        now = {each.step.seq: each for each in made.get(instance, [])}
        for seq in sorted({*then, *now}):
            old, each = then.get(seq), now.get(seq)
            if (old is None and not kept.whole) or (each is None and not (kept.whole and ended)):
                continue
            if old is None or each is None or not _same(old, each.step, kept.whole, flip):
                found.append((each.task if each else last, instance, seq, old, each.step if each else None))
                break
    if not found:
        return None
    task, instance, seq, old, new = min(found, key=lambda each: each[:3])
    facts = [*(kept.facts.get(instance, [])), *(each.step for each in made.get(instance, []))]
    places = _Places(facts, programs, carried.get(instance))
    fact, was, now_is = _difference(old, new, flip)
    node = places.node(fact) if fact is not None else None
    event = _at(history, task)
    return Divergence(
        what="facts",
        instance=instance,
        event=task,
        event_type=_type(event),
        step=seq,
        element=node[0] if node else "",
        recorded=was,
        made=now_is,
        code=node[1] if node else "",
    )


# --- Temporal's text


def _event(history: WorkflowHistory, said: str, task: int) -> HistoryEvent:
    """The event that a text of the core means; else the first command behind the task."""
    named = _EVENT.search(said)
    if named:
        return _at(history, int(named[1]))
    marker = _MARKER.search(said)
    if marker:
        number = f'"seq":{marker[1]},'.encode()
        for event in history.events:
            data = event.marker_recorded_event_attributes.details.get("data")
            if data is not None and any(number in payload.data.replace(b" ", b"") for payload in data.payloads):
                return event
    names = set(_QUOTED.findall(said))
    for event in history.events:
        scheduled = event.activity_task_scheduled_event_attributes
        if event.event_id > task and {scheduled.activity_id, scheduled.activity_type.name} & names - {""}:
            return event
    return _behind(history, task)


def _home(history: WorkflowHistory) -> int:
    _, _, key = history.workflow_id.rpartition("/")
    return int(key) if key.isdecimal() else 0


def _at(history: WorkflowHistory, event: int) -> HistoryEvent:
    return next((each for each in history.events if each.event_id == event), history.events[-1])


def _behind(history: WorkflowHistory, task: int) -> HistoryEvent:
    """The first event of the task's commands: behind its start and its end."""
    return next((each for each in history.events if each.event_id > task + 1), history.events[-1])


def _last_task(made: Mapping[int, list[Made]]) -> int:
    return max((each.task for steps in made.values() for each in steps), default=0)


def _type(event: HistoryEvent) -> str:
    from temporalio.api.enums.v1 import EventType

    name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
    return "".join(word.capitalize() for word in name.split("_"))


def _described(event: HistoryEvent) -> str:
    """An event by its type and by what it names."""
    scheduled = event.activity_task_scheduled_event_attributes
    timer = event.timer_started_event_attributes
    names = [scheduled.activity_type.name, scheduled.activity_id, timer.timer_id]
    names.append(event.marker_recorded_event_attributes.marker_name)
    return " ".join([_type(event), *(name for name in names if name)])


# --- facts


def _same(old: Step, new: Step, whole: bool, flip: int) -> bool:
    if old.at != new.at or (whole and codec.encode_json(old.commands) != codec.encode_json(new.commands)):
        return False
    return bytes(old.facts) == bytes(new.facts) or _facts(old) == _facts(new, flip)


def _facts(step: Step, flip: int = 0) -> list[AnyFact]:
    found = codec.decode_facts(codec.wrap(bytes(step.facts)))
    if flip and isinstance(found[0], InstanceStarted):
        found[0] = msgspec.structs.replace(found[0], flags=found[0].flags ^ flip)
    return found


def _difference(old: Step | None, new: Step | None, flip: int) -> tuple[AnyFact | None, str, str]:
    """(the fact, what it was, what it is now)"""
    before = _facts(old) if old is not None else []
    after = _facts(new, flip) if new is not None else []
    if not before or not after:
        fact = (before or after)[0]
        return fact, _told(fact) if before else "no such step", _told(fact) if after else "no such step"
    for was, now in zip(before, after, strict=False):
        if was != now:
            return was, *_fields(was, now)
    longer = (before if len(before) > len(after) else after)[min(len(before), len(after)) :]
    if longer:
        text = _told(longer[0])
        return (longer[0], text, "no such fact") if len(before) > len(after) else (longer[0], "no such fact", text)
    assert old is not None
    assert new is not None
    if old.at != new.at:
        return before[0], f"a step at {old.at}", f"a step at {new.at}"
    meant = [codec.unwrap(codec.encode_json(each)).decode() for each in old.commands]
    means = [codec.unwrap(codec.encode_json(each)).decode() for each in new.commands]
    at = next((n for n, (a, b) in enumerate(zip(meant, means, strict=False)) if a != b), min(len(meant), len(means)))
    shown = [_cut(f"command {of[at]}" if at < len(of) else "no such command") for of in (meant, means)]
    return before[0], shown[0], shown[1]


def _fields(was: AnyFact, now: AnyFact) -> tuple[str, str]:
    if type(was) is not type(now):
        return _told(was), _told(now)
    names = [name for name in was.__struct_fields__ if getattr(was, name) != getattr(now, name)]
    return tuple(  # type: ignore[return-value]
        _cut(f"{_tag(each)}: " + ", ".join(f"{name} {_json(getattr(each, name))}" for name in names))
        for each in (was, now)
    )


def _told(fact: AnyFact) -> str:
    return _cut(f"{_tag(fact)}: " + ", ".join(f"{n} {_json(getattr(fact, n))}" for n in fact.__struct_fields__))


def _tag(fact: AnyFact) -> str:
    return str(fact.__struct_config__.tag)


def _json(value: object) -> str:
    return codec.unwrap(codec.encode_json(value)).decode()


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@final
class _Places:
    """Whose each fact is: element instances and waits by key, as far as the facts tell."""

    def __init__(self, steps: Iterable[Step], programs: Programs, carried: State | None) -> None:
        self._program: Program | None = None
        self._nodes: dict[int, int] = {}
        self._elements: dict[int, int] = {}
        tenant = ""
        if carried is not None:
            tenant = carried.tenant
            self._program = self._found(programs, tenant, carried.program)
            self._nodes = {key: element.node for key, element in carried.elements.items()}
            for waits in (carried.jobs, carried.timers, carried.subscriptions, carried.conditions, carried.incidents):
                self._elements.update((key, wait.element) for key, wait in waits.items())
        for fact in (fact for step in steps for fact in _facts(step)):
            if isinstance(fact, InstanceStarted):
                tenant = fact.tenant
                self._nodes.setdefault(fact.root, 0)
            if isinstance(fact, InstanceStarted | InstanceMigrated):
                self._program = self._found(programs, tenant, fact.program)
            element = _key(fact, "element")
            if element is None:
                continue
            node = _key(fact, "node")
            if node is not None:
                self._nodes.setdefault(element, node)
            for wait in _keys(fact):
                self._elements.setdefault(wait, element)

    def node(self, fact: AnyFact) -> tuple[str, str] | None:
        """(id of the element, the function that decides for its kind)"""
        flow = _key(fact, "flow")
        if flow is not None and self._program is not None and 0 <= flow < len(self._program.flows):
            return self._node(self._program.flows[flow].source)
        key = _key(fact, "element") or next((self._elements[k] for k in _keys(fact) if k in self._elements), None)
        return self.at(key or _key(fact, "scope") or _key(fact, "root") or 0)

    def at(self, element: int) -> tuple[str, str] | None:
        """As `node`, of an element instance."""
        index = self._nodes.get(element)
        return self._node(index) if index is not None else None

    def _node(self, index: int) -> tuple[str, str] | None:
        if self._program is None or not 0 <= index < len(self._program.nodes):
            return None
        node = self._program.nodes[index]
        enter = ENTER.get(node.kind)
        return node.id, f"{enter.__module__}.{enter.__qualname__}" if enter is not None else ""

    @staticmethod
    def _found(programs: Programs, tenant: str, hash: str) -> Program | None:
        try:
            return programs(tenant, hash).program
        except ProcessionError:
            return None


def _key(fact: AnyFact, name: str) -> int | None:
    return cast("int | None", getattr(cast("Any", fact), name, None))


def _keys(fact: AnyFact) -> Iterator[int]:
    for name in _WAITS:
        key = _key(fact, name)
        if key:
            yield key
