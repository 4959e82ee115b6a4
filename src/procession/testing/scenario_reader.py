"""Reading a scenario file: what is wrong with it is said with its line, and the name that was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar, cast, final

import msgspec

from procession.base.decoding import known
from procession.base.values import Json
from procession.parse.yaml_lines import Lines, read_yaml
from procession.testing.scenario import (
    EXPECTATIONS,
    STATES,
    VERBS,
    Answer,
    BadScenario,
    Expectation,
    Scenario,
    Step,
)

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
            return msgspec.convert(raw, known(type_))
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
