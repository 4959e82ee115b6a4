"""The keys of a scenario file, from the structs that read it and the table of the verbs that run."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from tools.reference.text import code, line, table

from procession.testing import runner, scenario

BODIES: Final[dict[str, type[msgspec.Struct]]] = {
    "start": scenario.Start,
    "waiting": scenario.Waiting,
    "complete": scenario.Complete,
    "fail": scenario.FailJob,
    "throw": scenario.ThrowJob,
    "message": scenario.Message,
    "signal": scenario.Signal,
    "evaluate": scenario.Evaluate,
    "set": scenario.SetVariables,
    "resolve": scenario.Resolve,
    "cancel": scenario.Cancel,
    "modify": scenario.Modify,
    "migrate": scenario.Migrate,
    "trigger": scenario.TriggerActivity,
    "suspend": scenario.Suspend,
    "resume": scenario.Resume,
    "restart": scenario.Restart,
}
TEXTS: Final = {
    "deploy": "Deploy documents, by paths relative to the file: a name or a list of names.",
    "after": "Move the virtual clock by an ISO 8601 duration, from due time to due time, and fire what is due.",
}


def page() -> str:
    """The whole page."""
    parts = [
        "A scenario file is YAML and tests processes on a virtual clock, in milliseconds and without a server. How to"
        " write one is told in [Test with scenario files](../how-to/test-with-scenarios.md). A key that is not listed"
        " is refused with its line and the nearest known name.",
        "## The file",
        table(("key", "type", "default"), [row for row in _fields(scenario.Scenario) if row[0] not in _INNER]),
        "## `jobs`: what jobs answer",
        "By job type: one answer, or a list of answers by attempt whose last repeats. An answer is exactly one of:",
        table(("key", "type", "default"), _fields(scenario.Answer)),
        "`fail` takes "
        + _listed(scenario.Fail)
        + ". `throw` takes "
        + _listed(scenario.Throw)
        + ". `choose` takes "
        + _listed(scenario.Choose)
        + ".",
        "## `steps`",
        "A step has exactly one verb, and `instance: NAME` where the last instance started is not meant.",
    ]
    for verb in scenario.VERBS:
        parts += [f"### {verb}", *_verb(verb)]
    parts += [
        "## `expect`",
        "Of the last instance started, or of several by name: `expect: {o1: {…}, o2: {…}}`. Instead of all this,"
        " `rejected: RULE` says that the deployment must be refused by that rule.",
        table(("key", "type", "default"), [row for row in _fields(scenario.Expectation) if row[0] != "`line`"]),
    ]
    return "\n\n".join(parts)


_INNER: Final = frozenset({"`file`", "`rejected`", "`expect`"})


def _verb(verb: str) -> list[str]:
    body = BODIES.get(verb)
    parts = [TEXTS[verb] if body is None else line(body.__doc__)]
    if runner.VERBS[verb] is runner.VERBS["migrate"]:
        parts.append("**Not in this version**: the step is read, and fails with that text.")
    if body is not None:
        parts.append(table(("key", "type", "default"), _fields(body)))
    return parts


def _fields(struct: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    return [(code(f.encode_name), code(_type(f.type)), _default(f)) for f in msgspec.structs.fields(struct)]


def _listed(struct: type[msgspec.Struct]) -> str:
    return ", ".join(f"`{f.encode_name}`" for f in msgspec.structs.fields(struct))


def _default(field: Any) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return code(value) if value not in (None, "") else ""


def _type(type_: Any) -> str:
    return str(getattr(type_, "__name__", type_) if not hasattr(type_, "__args__") else type_).replace(
        "procession.testing.scenario.", ""
    )
