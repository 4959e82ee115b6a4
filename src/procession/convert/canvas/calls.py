"""The arguments of a call: which parameter of the task takes which value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from procession.convert.canvas.literals import variable
from procession.convert.canvas.report import Rows
from procession.convert.canvas.shape import name_of
from procession.convert.canvas.tree import Argument, Call, Given, Parameter, Task, Unknown

_BY_POSITION: Final = ("positional-only", "plain")
_NULL: Final = Given("null")
_NOT_HERE: Final = (
    "this module does not say what the task takes: scan it where it can be imported, or use keyword arguments"
)


class Inputs(NamedTuple):
    """What a task is given: a value for each parameter, and the parameters that are variables of the process."""

    values: dict[str, Given]
    asked: tuple[str, ...]


def inputs_of(call: Call, before: Given | None, task: Task | None, rows: Rows) -> Inputs:
    """The values of a call's parameters; `before` is the result that Celery puts before its arguments.

    Where nothing came before, what is missing at the front is what Celery is given when the canvas is called: it is
    asked of the process.
    """
    positional: list[Argument] = list(call.args)
    if before is not None and not call.immutable:
        positional.insert(0, before)
    if task is None:
        names = _unknown(call, len(positional), rows)
        asked: tuple[str, ...] = ()
    else:
        asked = () if call.immutable or before is not None else _missing(call, task)
        positional[:0] = [variable(name) for name in asked]
        names = _names(call, task, len(positional), rows)
        _required(call, task, names, rows)
    for name in asked:
        rows.tell(name_of(call), name, "changed", "start the process with this variable", target=name)
    values = {name: _given(call, name, each, rows) for name, each in zip(names, positional, strict=False)}
    values |= {name: _given(call, name, each, rows) for name, each in call.kwargs.items()}
    return Inputs(values, asked)


def _given(call: Call, name: str, argument: Argument, rows: Rows) -> Given:
    if isinstance(argument, Unknown):
        note = f"{argument.reason}: the process gives null; make it a variable, or a task of its own"
        rows.tell(name_of(call), name, "needs-work", note, target="null")
        return _NULL
    if argument.note:
        rows.tell(name_of(call), name, "changed", argument.note, target=argument.feel)
    return argument


def _missing(call: Call, task: Task) -> tuple[str, ...]:
    """The parameters at the front that nothing is given for."""
    plain = [each for each in task.parameters if each.kind == "plain"]
    required = [each for each in plain if each.required and each.name not in call.kwargs]
    return tuple(each.name for each in plain[: max(0, len(required) - len(call.args))])


def _names(call: Call, task: Task, count: int, rows: Rows) -> list[str]:
    """The parameters of so many positional arguments; made up, and told, where there are none."""
    takes = [each for each in task.parameters if each.kind in _BY_POSITION]
    if any(each.kind == "positional-only" for each in task.parameters):
        _told(call, "a job gives arguments by name: the task's positional-only parameters must lose their `/`", rows)
    names = [each.name for each in takes[:count]]
    if count > len(takes):
        if any(each.kind == "var-positional" for each in task.parameters):
            _told(call, "a job gives arguments by name: the task must take a list instead of its `*arguments`", rows)
        else:
            _told(call, f"it is given {count} positional arguments, and takes {len(takes)}", rows)
        names.extend(f"argument_{number}" for number in range(len(takes) + 1, count + 1))
    twice = sorted(set(names) & call.kwargs.keys())
    if twice:
        _told(call, f"{', '.join(twice)}: given by position and by name", rows)
    return names


def _required(call: Call, task: Task, names: list[str], rows: Rows) -> None:
    known = {each.name: each for each in task.parameters}
    any_name = any(each.kind == "var-keyword" for each in task.parameters)
    lost = [name for name, each in known.items() if _must(each) and name not in names and name not in call.kwargs]
    if lost:
        _told(call, f"nothing is given for {', '.join(lost)}", rows)
    foreign = [name for name in call.kwargs if name not in known]
    if foreign and not any_name:
        _told(call, f"it takes no {', '.join(foreign)}", rows)


def _must(parameter: Parameter) -> bool:
    return parameter.required and parameter.kind not in ("var-positional", "var-keyword")


def _unknown(call: Call, count: int, rows: Rows) -> list[str]:
    if count:
        _told(call, _NOT_HERE, rows)
    else:
        rows.tell(name_of(call), "task", "changed", "it is not known here: a worker must have it under this name")
    return [f"argument_{number}" for number in range(1, count + 1)]


def _told(call: Call, note: str, rows: Rows) -> None:
    rows.tell(name_of(call), "arguments", "needs-work", note)


def staged(values: Mapping[str, Given]) -> list[tuple[str, Given]] | None:
    """The inputs in their order; None where one would read what another one of the same task has changed already.

    Inputs are made one after the other, and each sees those before it.
    """
    made: set[str] = set()
    for name, given in values.items():
        if made & set(given.reads):
            return None
        made.add(name)
    return list(values.items())
