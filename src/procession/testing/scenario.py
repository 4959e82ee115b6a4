"""Scenario files: the document (docs/reference/scenarios.md) as structs, and reading it strictly from YAML.

What is not known is refused with its line and the nearest known name. Driving an engine lives in `runner`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, cast, final

import msgspec

from procession.base.failure import ProcessionError
from procession.base.values import Json
from procession.core.plans import Choice
from procession.testing.answers import Answer
from procession.testing.answers import Choose as ChooseActivities
from procession.testing.yaml_lines import Lines, read_yaml


@final
class BadScenario(ProcessionError, ValueError):
    """A scenario file that cannot be read; the text starts with `file:line:`."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what a scenario file holds (data inheritance only: no behaviour)."""


@final
class Start(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Start a process by its id; `as` names the instance."""

    process: str
    variables: dict[str, object] = {}
    name: str = msgspec.field(default="it", name="as")
    version: int | None = None
    business_key: str = ""


@final
class Waiting(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the instance and the processes it called wait for: element ids, each kind an exact multiset."""

    jobs: list[str] | None = None
    tasks: list[str] | None = None
    messages: list[str] | None = None
    timers: list[str] | None = None
    signals: list[str] | None = None
    conditions: list[str] | None = None
    incidents: list[str] | None = None


@final
class Complete(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete an open job or user task, named by element, by job type, or by order of creation (from 1)."""

    element: str = ""
    type: str = ""
    index: int | None = None
    variables: dict[str, object] = {}
    choose: ChooseActivities | None = None


@final
class FailJob(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fail an open job."""

    element: str = ""
    type: str = ""
    index: int | None = None
    message: str = "failed by the scenario"
    retries: int = 0


@final
class ThrowJob(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Throw a BPMN error from an open job."""

    element: str = ""
    type: str = ""
    index: int | None = None
    code: str
    message: str = ""
    variables: dict[str, object] = {}


@final
class Message(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Publish a message; `ttl` is an ISO 8601 duration, `id` its identity while it is buffered."""

    name: str
    key: str | int = ""
    variables: dict[str, object] = {}
    ttl: str = "PT1H"
    id: str = ""


@final
class Signal(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Broadcast a signal."""

    name: str
    variables: dict[str, object] = {}


@final
class SetVariables(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set variables from outside, in the scope of an element or, without one, of the process."""

    variables: dict[str, object]
    scope: str = ""


@final
class Resolve(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Resolve the incident of an element; a job gets `retries` anew."""

    incident: str
    retries: int = 1


@final
class Cancel(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cancel the instance."""

    reason: str = ""


@final
class Begin(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An element to begin, with variables of its own. `ancestor` is an active scope around it, by id or path."""

    element: str
    ancestor: str = ""
    variables: dict[str, object] = {}


@final
class Modify(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change the instance by hand, all of it or nothing. Elements to end are ids, or paths such as `order/items[3]`.

    `put` and `take` are sequence flows: a token on one, or one taken that waits at its join. `variables` are set in the
    process, or in `scope`. `refused` is a part of the reason for which it must be refused.
    """

    activate: list[str | Begin] = []
    terminate: list[str] = []
    move: dict[str, str] = {}
    put: list[str] = []
    take: list[str] = []
    variables: dict[str, object] = {}
    scope: str = ""
    refused: str = ""


@final
class Target(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a process; the latest, if none is named."""

    process: str
    version: int | None = None


@final
class Migrate(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the instance go over to another version. `map` and `flows` are put over the default plan; a target "" takes
    an element out of it. `choices` say what is made anew. `refused` is a part of the reason to be refused for."""

    to: Target
    map: dict[str, str] = {}
    flows: dict[str, str] = {}
    choices: dict[str, Choice] = {}
    refused: str = ""


@final
class Suspend(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the instance stand still."""

    reason: str = ""
    refused: str = ""


@final
class Resume(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let a suspended instance go on."""

    refused: str = ""


@final
class Restart(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin at these elements: a new instance with the variables of this one, named `as`, or `in_place` this one."""

    at: list[str | Begin]
    variables: dict[str, object] = {}
    in_place: bool = False
    name: str = msgspec.field(default="again", name="as")
    refused: str = ""


@final
class TriggerActivity(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Begin an activity of an ad-hoc sub-process, or several `elements`; `within` names the sub-process where more than
    one active has it."""

    element: str = ""
    elements: list[str] = []
    within: str = ""
    variables: dict[str, object] = {}


@final
class Step(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step: exactly one verb, and the `instance` that it is about (default: the last one started)."""

    start: Start | None = None
    deploy: list[str] | None = None
    waiting: Waiting | None = None
    complete: Complete | None = None
    fail: FailJob | None = None
    throw: ThrowJob | None = None
    message: Message | None = None
    signal: Signal | None = None
    after: str | None = None
    set: SetVariables | None = None
    resolve: Resolve | None = None
    cancel: Cancel | None = None
    modify: Modify | None = None
    migrate: Migrate | None = None
    trigger: TriggerActivity | None = None
    suspend: Suspend | None = None
    resume: Resume | None = None
    restart: Restart | None = None
    instance: str = ""
    line: int = 0


@final
class Expectation(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of an instance at the end."""

    state: str | None = None
    path: list[str] | None = None
    order: bool = False
    variables: dict[str, object] | None = None
    exactly: bool = False
    line: int = 0


@final
class Scenario(Document, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file. `expect` is by instance name; the name "" stands for the last instance started.

    `lines` are those of the keys at the top, for messages about what is found out only when it runs.
    """

    file: str = ""
    lines: dict[str, int] = {}
    deploy: list[str]
    jobs: dict[str, list[Answer]] = {}
    clock: str = "1970-01-01T00:00:00Z"
    zone: str = "UTC"
    steps: list[Step] = []
    expect: dict[str, Expectation] = {}
    rejected: str = ""

    def at(self, key: str) -> str:
        """`file:line`, of a key at the top."""
        return f"{self.file}:{self.lines.get(key, 1)}"


StepBody: TypeAlias = (
    Start
    | Waiting
    | Complete
    | FailJob
    | ThrowJob
    | Message
    | Signal
    | SetVariables
    | Resolve
    | Cancel
    | Modify
    | Migrate
    | TriggerActivity
    | Suspend
    | Resume
    | Restart
)
STATES: Final = ("active", "completed", "terminated", "incident")
VERBS: Final = tuple(f.name for f in msgspec.structs.fields(Step) if f.name not in {"instance", "line"})
EXPECTATIONS: Final = frozenset(f.name for f in msgspec.structs.fields(Expectation) if f.name != "line")

_T = TypeVar("_T")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_PLACE: Final = re.compile(r" - at `(.*)`$")
_FIELDS: Final = ("deploy", "jobs", "clock", "zone", "steps", "expect")


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises `BadScenario` with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(f"{path}:1: cannot be read: {error}") from None
    return parse_scenario(text, str(path))


def parse_scenario(text: str, file: str) -> Scenario:
    """The scenario in a YAML text; `file` is for messages and for finding the models."""
    try:
        raw, lines = read_yaml(text)
    except ValueError as error:
        raise BadScenario(f"{file}:{error}") from None
    reader = _Reader(file, lines)
    return reader.scenario(raw)


@final
class _Reader:
    """Turns plain data into structs and every error into `file:line: text`."""

    __slots__ = ("file", "lines")

    def __init__(self, file: str, lines: Lines) -> None:
        self.file = file
        self.lines = lines

    def scenario(self, raw: Json) -> Scenario:
        top = self.mapping(raw, "$", "a scenario")
        self.known(top, "$", _FIELDS)
        if "deploy" not in top:
            raise self.error("$", "a scenario needs `deploy`, a list of models")
        expect, rejected = self.expect(top.get("expect"))
        return Scenario(
            file=self.file,
            lines={name: self.line(f"$.{name}") for name in top},
            deploy=self.convert(self.listed(top["deploy"]), "$.deploy", list[str]),
            jobs=self.jobs(top.get("jobs")),
            clock=self.convert(top.get("clock", "1970-01-01T00:00:00Z"), "$.clock", str),
            zone=self.convert(top.get("zone", "UTC"), "$.zone", str),
            steps=self.steps(top.get("steps")),
            expect=expect,
            rejected=rejected,
        )

    def jobs(self, raw: Json) -> dict[str, list[Answer]]:
        result: dict[str, list[Answer]] = {}
        for type_, answers in self.mapping(raw or {}, "$.jobs", "`jobs`").items():
            place = f"$.jobs.{type_}"
            if isinstance(answers, list):
                if not answers:
                    raise self.error(place, "a list of answers must not be empty")
                result[type_] = [self.answer(each, f"{place}[{n}]") for n, each in enumerate(answers)]
            else:
                result[type_] = [self.answer(answers, place)]
        return result

    def answer(self, raw: Json, place: str) -> Answer:
        answer = self.convert(raw, place, Answer)
        if sum(each is not None for each in (answer.complete, answer.fail, answer.throw, answer.choose)) != 1:
            raise self.error(place, "an answer is exactly one of complete, fail, throw, choose")
        return answer

    def steps(self, raw: Json) -> list[Step]:
        if raw is None:
            return []
        if not isinstance(raw, list):
            raise self.error("$.steps", "`steps` must be a list")
        return [self.step(each, f"$.steps[{index}]") for index, each in enumerate(raw)]

    def step(self, raw: Json, place: str) -> Step:
        fields = dict(self.mapping(raw, place, "a step"))
        self.known(fields, place, (*VERBS, "instance"))
        verbs = [verb for verb in VERBS if verb in fields]
        if len(verbs) != 1:
            raise self.error(place, f"a step has exactly one verb ({', '.join(VERBS)}), not {len(verbs)}")
        verb = verbs[0]
        body = fields[verb]
        if isinstance(body, dict) and "instance" in body:
            fields["instance"] = body["instance"]
            body = {name: value for name, value in body.items() if name != "instance"}
        fields[verb] = self.listed(body) if verb == "deploy" else {} if body is None else body
        fields["line"] = self.lines.get(place, 0)
        step = self.convert(fields, place, Step)
        named = step.complete or step.fail or step.throw
        if named is not None and named.index is not None and named.index < 1:
            raise self.error(f"{place}.{verb}.index", "an index counts from 1")
        return step

    def expect(self, raw: Json) -> tuple[dict[str, Expectation], str]:
        fields = self.mapping(raw or {}, "$.expect", "`expect`")
        if "rejected" in fields:
            self.known(fields, "$.expect", ("rejected",))
            return {}, self.convert(fields["rejected"], "$.expect.rejected", str)
        if not fields:
            return {}, ""
        if EXPECTATIONS & fields.keys() or not all(isinstance(each, dict) for each in fields.values()):
            return {"": self.expectation(raw, "$.expect")}, ""
        return {name: self.expectation(each, f"$.expect.{name}") for name, each in fields.items()}, ""

    def expectation(self, raw: Json, place: str) -> Expectation:
        fields = self.mapping(raw, place, "an expectation")
        self.known(fields, place, EXPECTATIONS)
        expectation = self.convert({**fields, "line": self.line(place)}, place, Expectation)
        if expectation.state is not None and expectation.state not in STATES:
            text = f"unknown state {expectation.state!r}{_nearest(expectation.state, STATES)}"
            raise self.error(f"{place}.state", text)
        return expectation

    def mapping(self, raw: Json, place: str, what: str) -> Mapping[str, Json]:
        if not isinstance(raw, dict):
            raise self.error(place, f"{what} must be a mapping")
        return raw

    def known(self, fields: Iterable[str], place: str, names: Iterable[str]) -> None:
        for name in fields:
            if name not in names:
                raise self.error(f"{place}.{name}", f"unknown key `{name}`{_nearest(name, names)}")

    def listed(self, raw: Json) -> Json:
        return [raw] if isinstance(raw, str) else raw

    def convert(self, raw: Json, place: str, type_: type[_T]) -> _T:
        try:
            return msgspec.convert(raw, type_)
        except msgspec.ValidationError as error:
            raise self.invalid(str(error), place, type_) from None

    def invalid(self, text: str, place: str, type_: type[object]) -> BadScenario:
        found = _PLACE.search(text)
        inner = found.group(1) if found else "$"
        text = _PLACE.sub("", text)
        unknown = _UNKNOWN.match(text)
        path = place + inner[1:]
        if unknown is not None:
            name = unknown.group(1)
            return self.error(f"{path}.{name}", f"unknown key `{name}`{_nearest(name, _names_at(type_, inner))}")
        return self.error(path, text.replace("Object missing required field", "missing key"))

    def error(self, place: str, text: str) -> BadScenario:
        return BadScenario(f"{self.file}:{self.line(place)}: {text}")

    def line(self, place: str) -> int:
        """The line of a place, or of the nearest place around it."""
        while place and place not in self.lines:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return self.lines.get(place, 1)


def _nearest(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    close = [each for each in known if each.startswith(name) or name.startswith(each)]
    close = close or difflib.get_close_matches(name, known, 1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(known)}"


def _names_at(type_: type[object], place: str) -> list[str]:
    """The keys that the struct at a place inside `type_` knows."""
    current: object = type_
    for part in re.findall(r"\.([A-Za-z_]+)", place):
        found = [f for f in msgspec.structs.fields(cast("type[msgspec.Struct]", current)) if f.encode_name == part]
        types = (found[0].type, *getattr(found[0].type, "__args__", ())) if found else ()
        inner = [each for each in types if _is_struct(each)]
        if not inner:
            break
        current = inner[0]
    return [f.encode_name for f in msgspec.structs.fields(cast("type[msgspec.Struct]", current)) if f.name != "line"]


def _is_struct(type_: object) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)
