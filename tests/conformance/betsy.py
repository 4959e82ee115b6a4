"""Runs betsy's models: `python -m tests.conformance.betsy DIR [--json]`.

DIR holds `manifest.json` and `models/`; the formats are told in the README beside it. Every file runs as it is: what
its scripts and conditions mean is registered here, as a host registers any other language. One line a case; with
`--json` it is one JSON object, and the totals go to stderr.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, cast

from procession.base.diagnostics import Refused
from procession.base.failure import ProcessionError
from procession.base.values import Json
from procession.compile import compile_definitions
from procession.core.linked import Environment, Evaluate, Lookup
from procession.feel import Dialect
from procession.parse import parse_bpmn
from procession.runtime import link
from procession.runtime import requests as q
from procession.services.deploy import Compiled, Draft
from procession.testing.driver import Driver

from .outcomes import Outcome, run_suite  # noqa: TID252 (run as `tests.conformance`, imported as `conformance`)

LANGUAGE: Final = "betsy"
SCRIPT: Final = "script"
"""The type of the jobs that a script task of no named format becomes."""
CLOCK: Final = 1_767_225_600_000
TEN_SECONDS: Final = 10_000
TIMED: Final = re.compile(r"CREATE_TIMESTAMP_LOG_\d+")
IGNORED: Final = frozenset({"CREATE_LOG_FILE", "dummyScript"})
ERRORS: Final = frozenset({"ERROR", "ERROR_runtime", "ERROR_thrownErrorEvent"})


# --- the language of the conditions ----------------------------------------------------------------------------------

_CONTAINS: Final = re.compile(r'(!?)\s*(\w+)\.contains\(\s*"([^"]*)"\s*\)')
_COMPARED: Final = re.compile(r"(\w+)\s*(<=|>=|==|!=|<|>)\s*(-?\d+)")
_LITERAL: Final = re.compile(r"-?\d+|true|false")
_ORDER: Final[dict[str, Callable[[int, int], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def compile_condition(text: str, dialect: Dialect) -> Evaluate:
    """A condition, a number, or a name, as the models write them."""
    del dialect
    text = text.strip()
    if match := _CONTAINS.fullmatch(text):
        negated, name, part = match.groups()
        return lambda lookup, env: (part in str(_value(lookup, name) or "")) is not bool(negated)
    if match := _COMPARED.fullmatch(text):
        name, order, number = match.groups()
        return lambda lookup, env: _ORDER[order](int(cast("int", _value(lookup, name) or 0)), int(number))
    if _LITERAL.fullmatch(text):
        return lambda lookup, env: cast("Json", json.loads(text))
    if text.isidentifier():
        return lambda lookup, env: _value(lookup, text)
    raise ProcessionError(f"{text!r} is none of the forms of a condition")


def _value(lookup: Lookup, name: str) -> Json:
    value = lookup(name)
    return cast("Json", value) if isinstance(value, str | int | bool | Decimal | list | dict) else None


def _checked(text: str, dialect: Dialect) -> Evaluate:
    evaluate = compile_condition(text, dialect)

    def run(lookup: Lookup, environment: Environment) -> Json:
        return evaluate(lookup, environment)

    return run


@contextmanager
def registered() -> Iterator[None]:
    """The language is known while a case runs, and not to anything else in the same Python."""
    link.LANGUAGES[LANGUAGE] = _checked
    try:
        yield
    finally:
        del link.LANGUAGES[LANGUAGE]


# --- one case ---------------------------------------------------------------------------------------------------------


class Log:
    """What the scripts of a case wrote, and the intervals of those that take their time."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.intervals: dict[str, tuple[int, int]] = {}

    def finish(self) -> list[str]:
        """The tokens, that of parallel execution among them."""
        spans = list(self.intervals.values())
        overlap = len(spans) == 2 and spans[0][0] < spans[1][1] and spans[1][0] < spans[0][1]
        return self.tokens + (["EXECUTION_parallel"] if overlap else [])


class Run:
    """One case in an engine of its own, in memory, on a virtual clock."""

    def __init__(self, document: Path) -> None:
        self.driver = Driver(":memory:", clock=CLOCK, zone="UTC")
        self.log = Log()
        self._busy: dict[int, tuple[int, q.AnyRequest]] = {}
        data = document.read_bytes()
        definitions, found = parse_bpmn(data, document.name)
        if definitions is None:
            raise Refused(found)
        # The script throws the error of the model; there is one.
        self._error = next((each.code for each in definitions.errors if each.code), "ERR-1")
        programs, more = compile_definitions(
            definitions,
            languages=frozenset({"feel", LANGUAGE}),
            fallback_language=LANGUAGE,
            scripts={"": SCRIPT},
        )
        errors = [each for each in (*found, *more) if each.severity == "error"]
        if errors:
            raise Refused(errors)
        self._programs = programs
        drafts = tuple([Draft(program, document.name, definitions.digest) for program in programs])
        self.driver.install(Compiled(((document.name, data),), drafts, (), ()))

    def start(self, process: str, variables: dict[str, Json]) -> None:
        """Starts a process, and lets happen what happens at once. One without a none start event begins by its
        condition, or when what it waits for happens."""
        tenant = self.driver.tenant
        programs = {each.process_id: each for each in self._programs}
        if programs[process].nodes[0].starts:
            self.driver.call(q.StartProcess(tenant, process, variables))
        else:
            self.driver.call(q.EvaluateConditions(tenant, variables, process))
        self._work()

    def until(self, end: int) -> None:
        """Moves the clock from one thing that is due to the next."""
        while True:
            timer = self.driver.next_timer(end)
            due = [at for at in (timer, *(at for at, _ in self._busy.values())) if at is not None and at <= end]
            if not due:
                return
            self.driver.move(min(due))
            self._work()

    def _work(self) -> None:
        while True:
            request = q.ActivateJobs(self.driver.tenant, SCRIPT, 100, "betsy", 1_000_000_000)
            jobs = cast("list[dict[str, Json]]", self.driver.call(request))
            for job in jobs:
                self._do(job)
            due = [key for key, (at, _) in self._busy.items() if at <= self.driver.now]
            for key in due:
                self._answer(self._busy.pop(key)[1])
            if not jobs and not due:
                return

    def _do(self, job: dict[str, Json]) -> None:
        key = int(cast("str", job["key"]))
        variables = cast("dict[str, Json]", job["variables"])
        changes: dict[str, Json] = {}
        ready = self.driver.now
        for word in str(cast("dict[str, Json]", job["headers"])["script"]).split():
            if word == "THROW_ERROR":
                self._answer(q.ThrowJob(self.driver.tenant, key, self._error, "thrown by the script"))
                return
            ready += self._act(word, variables, changes)
        done = q.FinishJob(self.driver.tenant, key, changes)
        if ready > self.driver.now:
            self._busy[key] = (ready, done)
        else:
            self._answer(done)

    def _act(self, word: str, variables: dict[str, Json], changes: dict[str, Json]) -> int:
        """Carries out one word of a script; how long it takes, in ms."""
        log = self.log.tokens
        if word == "CREATE_MARKER_FILE":
            log.append("MARKER_exists")
        elif word == "SET_STRING_DATA":
            changes["data"] = "String"
        elif word == "LOG_DATA":
            log.append("DATA_correct" if variables.get("data") == "String" else "DATA_wrong")
        elif word in {"INCREMENT_INTEGER_VARIABLE", "INCREMENT_INTEGER_VARIABLE_AND_LOG"}:
            changes["integerVariable"] = int(cast("int", variables.get("integerVariable") or 0)) + 1
            if word.endswith("LOG"):
                log.append("INCREMENT_correct")
        elif word == "WAIT_TEN_SECONDS":
            return TEN_SECONDS
        elif TIMED.fullmatch(word):
            self.log.intervals[word] = (self.driver.now, self.driver.now + TEN_SECONDS)
            return TEN_SECONDS
        elif word not in IGNORED:
            log.append(word)
        return 0

    def _answer(self, request: q.AnyRequest) -> None:
        try:
            self.driver.call(request)
        except ProcessionError:
            return  # its activity was interrupted meanwhile

    def failures(self) -> list[tuple[str, str]]:
        """The open incidents: code and message."""
        return [
            (incident.code, incident.message)
            for case in self.driver.cases.values()
            for incident in case.state.incidents.values()
        ]


_FAILED: Final[dict[str, str]] = {"no-flow": "ERROR_runtime", "unhandled-error": "ERROR_thrownErrorEvent"}


def run_case(document: Path, case: dict[str, Json], number: int) -> tuple[list[str], str]:
    """The tokens that a case logged, and what went wrong."""
    try:
        run = Run(document)
    except Refused as refused:
        return ["ERROR"], "; ".join(f"{each.rule}: {each.message}" for each in refused.diagnostics)
    try:
        if case.get("parallel"):
            run.start("ParallelProcess", {})
        variables: dict[str, Json] = {"integerVariable": case.get("integerVariable") or 0, "testCaseNumber": number}
        variables["test"] = case.get("input")
        run.start(document.stem, variables)
        run.until(run.driver.now + int(cast("int", case.get("delay") or 0)))
        failures = run.failures()
        tokens = run.log.finish() + [_FAILED.get(code, "ERROR") for code, _ in failures]
        return tokens, "; ".join(f"{code}: {message}" for code, message in failures)
    finally:
        run.driver.close()


class Case(NamedTuple):
    """One case of the suite; `number` counts those of a model from 1."""

    name: str
    document: Path
    number: int
    given: dict[str, Json]


def cases(folder: Path) -> list[Case]:
    """Every case of a folder that counts."""
    return [
        Case(f"{row['name']}/{number}", folder / row["file"], number, case)
        for row in json.loads((folder / "manifest.json").read_text())
        for number, case in enumerate(row["cases"], 1)
        if not row.get("defective") and not case.get("defective")
    ]


def outcome_of(case: Case) -> Outcome:
    """Runs a case and compares what it logged."""
    expected = Counter(cast("list[str]", case.given["trace"]))
    try:
        with registered():
            tokens, why = run_case(case.document, case.given, case.number)
    except ProcessionError as error:
        tokens, why = ["ERROR"], str(error)
    passed = _is_met(Counter(tokens), expected)
    said = "" if passed else f"expected {sorted(expected.elements())}, got {sorted(tokens)} {why}".strip()
    return Outcome(case.name, passed, said)


def _is_met(found: Counter[str], expected: Counter[str]) -> bool:
    if found == expected:
        return True
    # A refusal, or an incident, is the error of a trace that names none of its own.
    return set(expected) == {"ERROR"} and set(found) <= ERRORS and bool(found)


def main(arguments: list[str]) -> int:
    """Prints a line a case; 0 if all passed."""
    return run_suite(arguments, __doc__, lambda folder: [outcome_of(case) for case in cases(folder)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
