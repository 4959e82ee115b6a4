"""Imports a module and says which canvases, tasks and schedules are in it: `python -m …scanning MODULE`.

It runs in a process of its own, for nobody knows what a module does when it is imported. Its stdout belongs to whoever
started it; what the module prints goes to stderr. Nothing of the module is called.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MethodType, ModuleType
from typing import Any, Final, cast

import msgspec
from celery import Celery
from celery.app.task import Task as CeleryTask
from celery.canvas import Signature
from celery.schedules import crontab, schedule

from procession.convert.canvas.expressions import linked, prepended
from procession.convert.canvas.literals import constant, duration, listed
from procession.convert.canvas.names import replaces
from procession.convert.canvas.report import OF_TASKS
from procession.convert.canvas.tree import (
    NO_EXTRAS,
    Call,
    Canvas,
    Chain,
    Chord,
    Extras,
    Group,
    Kind,
    Map,
    Node,
    Parameter,
    Scanned,
    Schedule,
    Task,
    Unread,
    Wait,
)

OURS: Final = ("celery.", "procession.")
"""What the names of tasks begin with that are no application's."""
_KINDS: Final[Mapping[Any, Kind]] = {
    inspect.Parameter.POSITIONAL_ONLY: "positional-only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "plain",
    inspect.Parameter.VAR_POSITIONAL: "var-positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword-only",
    inspect.Parameter.VAR_KEYWORD: "var-keyword",
}
CANVASES: Final = ("celery.chain", "celery.group", "celery.chord")
_REFERENCE: Final = "procession.reference"


def main() -> None:
    """Prints what is in the module, or why it could not be imported."""
    channel = os.dup(1)
    os.dup2(2, 1)
    name = sys.argv[1]
    sys.argv = [name]
    sys.path.insert(0, os.getcwd())
    try:
        found = scanned(importlib.import_module(name))
    except BaseException as error:  # a module may raise what it wants, SystemExit too
        found = Scanned(problem=f"{type(error).__name__}: {error}".strip(": ")[:500])
    data = msgspec.json.encode(found)
    while data:
        data = data[os.write(channel, data) :]
    # Threads that the module has started, and what it does at its end, are not waited for.
    os._exit(0)


def scanned(module: ModuleType) -> Scanned:
    """The canvases that names of a module hold, the schedules of its apps, and the tasks that these know."""
    space = dict(vars(module))
    apps = _apps(space)
    for app in apps:
        with suppress(Exception):  # the tasks of other modules may be missing: the report says so
            app.loader.import_default_modules()
    canvases = [Canvas(name, node_of(value)) for name, value in _signatures(space)]
    for app in apps:
        canvases.extend(_scheduled(app))
    tasks = {task.name: task for app in apps for task in _tasks(app)}
    return Scanned(tuple(canvases), tuple(tasks.values()), dict(_names(space)))


def _signatures(space: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The signatures that names hold; those in dicts; and those in lists that are more than one task."""
    for name, value in space.items():
        if _is(value, Signature):
            yield name, value
        elif name.startswith("__"):
            continue
        elif isinstance(value, dict):
            inner = cast("dict[object, object]", value).items()
            yield from ((f"{name}_{key}", each) for key, each in inner if _is(each, Signature))
        elif isinstance(value, list | tuple):
            many = enumerate(cast("list[Any]", value), 1)
            canvases = [(number, each) for number, each in many if _is(each, Signature)]
            yield from ((f"{name}_{number}", each) for number, each in canvases if each["task"] in CANVASES)


def _is(value: object, kind: type) -> bool:
    with suppress(Exception):  # objects of others may say what they want of their class
        return isinstance(value, kind)
    return False


def _apps(space: Mapping[str, Any]) -> list[Any]:
    """The apps that names hold, and those of tasks and signatures that they hold, also behind names of modules."""
    found: dict[int, Any] = {}
    modules = [vars(each).values() for each in space.values() if isinstance(each, ModuleType)]
    for value in [*space.values(), *(task for each in modules for task in list(each) if _is(task, CeleryTask))]:
        if _is(value, Celery):
            found[id(value)] = value
        elif _is(value, CeleryTask) or _is(value, Signature):
            with suppress(Exception):  # a signature of nothing has no app
                found[id(value.app)] = value.app
    return list(found.values())


def _names(space: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tasks by the names that the module's code has for them, also behind those of modules."""
    for name, value in space.items():
        if _is(value, CeleryTask):
            yield name, value.name
        elif isinstance(value, ModuleType):
            inner = [(each, task) for each, task in list(vars(value).items()) if _is(task, CeleryTask)]
            yield from ((f"{name}.{each}", task.name) for each, task in inner)


def node_of(signature: object) -> Node:
    """A signature of Celery, which is a dict too, as a node."""
    said = cast("Mapping[str, Any]", signature)
    kwargs: Mapping[str, Any] = said["kwargs"] or {}
    task = str(said["task"])
    match task:
        case "celery.chain":
            node: Node = Chain(_nodes(kwargs["tasks"]))
        case "celery.group":
            node = Group(_nodes(kwargs["tasks"]))
        case "celery.chord":
            node = _chord(kwargs)
        case "celery.map" | "celery.starmap" | "celery.chunks":
            node = _mapped(task, kwargs)
        case _:
            args = tuple(constant(each) for each in said["args"] or ())
            named = {name: constant(value) for name, value in kwargs.items()}
            node = Call(task, args, named, bool(said["immutable"]))
    if said["args"] and not isinstance(node, Call):
        node = prepended(node, tuple(constant(each) for each in said["args"]), {})
    return _with_options(node, said["options"] or {})


def _nodes(signatures: Iterable[object]) -> tuple[Node, ...]:
    return tuple(node_of(each) for each in signatures)


def _chord(kwargs: Mapping[str, Any]) -> Node:
    header, body = kwargs["header"], kwargs.get("body")
    members: Any = header["kwargs"]["tasks"] if _is(header, Signature) else header
    if body is None:
        return Unread("a chord without a body")
    node: Node = Chord(Group(_nodes(members)), node_of(body))
    partial: Mapping[str, object] = kwargs.get("kwargs") or {}
    return prepended(node, (), {name: constant(each) for name, each in partial.items()}) if partial else node


def _mapped(kind: str, kwargs: Mapping[str, Any]) -> Node:
    inner = kwargs["task"]
    task = str(inner["task"] if _is(inner, Signature) else getattr(inner, "name", inner))
    items = [cast("object", each) for each in kwargs["it"]]
    if kind == "celery.map":
        return Map(task, listed(tuple(constant(each) for each in items)))
    if kind == "celery.starmap":
        return _starred(task, items)
    size = int(kwargs["n"])
    return Group(tuple(_starred(task, items[at : at + size]) for at in range(0, len(items), size)))


def _starred(task: str, items: list[object]) -> Map:
    widths = {len(cast("list[object]", each)) if isinstance(each, list | tuple) else None for each in items}
    width = widths.pop() if len(widths) == 1 else None
    return Map(task, listed(tuple(constant(each) for each in items)), width, star=True)


def _with_options(node: Node, options: Mapping[str, Any]) -> Node:
    extras: Extras = NO_EXTRAS
    for name, value in options.items():
        wait = _wait(name, value)
        if wait is not None:
            extras = msgspec.structs.replace(extras, wait=wait)
        elif name != "link" and value is not None:
            extras = msgspec.structs.replace(extras, options={**extras.options, name: _text(value)})
    node = msgspec.structs.replace(node, extras=extras)
    links: Any = options.get("link") or ()
    return linked(node, _nodes([links] if _is(links, dict) else links)) if links else node


def _wait(name: str, value: object) -> Wait | None:
    if name == "countdown" and isinstance(value, int | float):
        return Wait("timeDuration", duration(value))
    if name == "eta" and isinstance(value, datetime):
        return Wait("timeDate", (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat())
    return None


def _text(value: object) -> str:
    """A value for the report; a signature shows what it calls."""
    if isinstance(value, list):
        return ", ".join(_text(each) for each in cast("list[object]", value))
    return repr(value)[:200]


def _tasks(app: Any) -> Iterator[Task]:
    """The tasks of an app, with what they say beyond its settings."""

    def nothing() -> None:
        """Does nothing."""

    app.task(name=_REFERENCE, shared=False)(nothing)
    reference: Any = app.tasks[_REFERENCE]
    for name, task in sorted(app.tasks.items()):
        if not name.startswith(OURS):
            yield Task(name, _parameters(task), dict(_options(task, reference)), _replaces(task))


def _replaces(task: Any) -> bool:
    """Whether the code of a task puts another signature in its place."""
    with suppress(OSError, TypeError, SyntaxError):  # a task that was made without a text
        [function] = ast.parse(textwrap.dedent(inspect.getsource(task.run))).body
        return isinstance(function, ast.FunctionDef) and _is_bound(task) and replaces(function)
    return False


def _is_bound(task: Any) -> bool:
    return isinstance(getattr(task, "_orig_run", task.run), MethodType)


def _parameters(task: Any) -> tuple[Parameter, ...]:
    try:
        found = inspect.signature(task.run).parameters.values()
    except (TypeError, ValueError):
        return (Parameter("arguments", "var-positional", False), Parameter("named", "var-keyword", False))
    return tuple(Parameter(each.name, _KINDS[each.kind], each.default is inspect.Parameter.empty) for each in found)


def _options(task: Any, reference: Any) -> Iterator[tuple[str, str]]:
    for name in OF_TASKS:
        value: object = getattr(task, name, None)
        if name in ("bind", "base", "replace"):
            continue
        if value != getattr(reference, name, None):
            yield name, _text(value)
    if _is_bound(task):
        yield "bind", "True"
    base = type(task).__mro__[1]
    if base.__name__ != type(reference).__mro__[1].__name__:
        yield "base", base.__name__


def _scheduled(app: Any) -> Iterator[Canvas]:
    """The entries of `beat_schedule`, each a canvas of one task."""
    entries: Mapping[str, Mapping[str, Any]] = app.conf.beat_schedule or {}
    zone = str(app.conf.timezone or "UTC")
    for name, entry in entries.items():
        positions: Iterable[object] = entry.get("args") or ()
        args = tuple(constant(each) for each in positions)
        given: Mapping[str, object] = entry.get("kwargs") or {}
        named = {key: constant(value) for key, value in given.items()}
        node = _with_options(Call(str(entry["task"]), args, named), entry.get("options") or {})
        yield Canvas(f"beat_{name}", node, schedule=_cycle(entry["schedule"], "" if zone == "UTC" else zone))


def _cycle(when: object, zone: str) -> Schedule:
    text = str(when)
    if isinstance(when, crontab):
        fields = cast("Any", when)
        minute, hour = _field(fields.minute, 60), _field(fields.hour, 24)
        day, month = _field(fields.day_of_month, 31), _field(fields.month_of_year, 12)
        return Schedule(f"0 {minute} {hour} {day} {month} {_field(fields.day_of_week, 7)}", text, zone=zone)
    if type(when) is schedule:
        when = cast("Any", when).run_every
    if isinstance(when, timedelta):
        when = when.total_seconds()
    if isinstance(when, int | float):
        return Schedule(f"R/{duration(when)}", text)
    return Schedule("", text, f"{type(when).__name__} is no timer: start the process from code at these times")


def _field(values: Iterable[int], count: int) -> str:
    found = sorted(values)
    return "*" if len(found) == count else ",".join(map(str, found))


if __name__ == "__main__":
    main()
