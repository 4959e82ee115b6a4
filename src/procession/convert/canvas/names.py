"""What the text of a module says of names: imports, constants, tasks by their decorators, entries of the schedule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias, cast, final

import msgspec

from procession.convert.canvas.literals import duration
from procession.convert.canvas.tree import Kind, Parameter, Schedule, Task

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

PRIMITIVES: Final = frozenset({"chain", "group", "chord", "signature", "subtask", "xmap", "xstarmap", "chunks"})
SIGNATURES: Final = frozenset({"s", "si", "signature", "subtask", "map", "starmap", "chunks"})
"""The methods of tasks that make signatures."""
SHARED_TASK: Final = "shared_task"
SCHEDULE: Final = "beat_schedule"
_CRON: Final = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
"""The arguments of `crontab`, in their order."""
_REPLACING: Final = frozenset({"replace", "add_to_chord"})


@final
class Names(msgspec.Struct):
    """`primitives`: names to those of `celery.canvas`; `tasks`: names as the code has them to tasks; `modules`: names
    to modules; `constants`: names to literals; `known`: tasks that the text itself declares; `seen`: what was read."""

    primitives: dict[str, str] = {}
    tasks: dict[str, str] = {}
    modules: dict[str, str] = {}
    constants: dict[str, ast.expr] = {}
    known: dict[str, Task] = {}
    seen: set[ast.expr] = set()

    def builds(self, call: ast.Call) -> bool:
        """Whether a call makes a signature or a canvas."""
        made = isinstance(call.func, ast.Attribute) and call.func.attr in SIGNATURES and self.task(call.func.value)
        return bool(made or self.primitive(call.func))

    def primitive(self, function: ast.expr) -> str:
        """The name in `celery.canvas` of what is called, '' for anything else."""
        name = dotted(function)
        head, _, rest = name.rpartition(".")
        if head and self.modules.get(head, "").partition(".")[0] == "celery" and rest in PRIMITIVES:
            return rest
        return self.primitives.get(name, "")

    def task(self, expression: ast.expr) -> str:
        """The name of the task that an expression is, '' for anything else."""
        name = dotted(expression)
        if name in self.tasks:
            return self.tasks[name]
        head, _, rest = name.rpartition(".")
        module = self.modules.get(head, "")
        return f"{module}.{rest}" if module and module.partition(".")[0] != "celery" else ""


def names_of(tree: ast.Module, module: str) -> Names:
    """The names of a module by its text."""
    names = Names()
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom():
                _import_from(node, module, names)
            case ast.Import():
                names.modules.update({each.asname or each.name: each.name for each in node.names})
            case _:
                pass
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            with suppress(ValueError, TypeError):
                ast.literal_eval(statement.value)
                names.constants[statement.targets[0].id] = statement.value
    for node in tree.body:
        if isinstance(node, Function):
            task = _task(node, module, names)
            if task is not None:
                names.tasks[node.name] = task.name
                names.known[task.name] = task
    return names


def dotted(expression: ast.expr) -> str:
    """`a.b.c`; '' for what is no name."""
    match expression:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            before = dotted(value)
            return f"{before}.{attribute}" if before else ""
        case _:
            return ""


def schedules(tree: ast.Module) -> Iterator[tuple[str, int, dict[str, ast.expr], Schedule]]:
    """The entries of `beat_schedule`: name, line, what it says, when."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
            continue
        if not dotted(node.targets[0]).endswith(SCHEDULE):
            continue
        for key, value in zip(node.value.keys, node.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Dict):
                entry = {
                    str(each.value): said
                    for each, said in zip(value.keys, value.values, strict=True)
                    if isinstance(each, ast.Constant)
                }
                yield str(key.value), key.lineno, entry, _schedule(entry.get("schedule"))


def _import_from(node: ast.ImportFrom, module: str, names: Names) -> None:
    parts = module.split(".")
    source = node.module or ""
    if node.level:
        source = ".".join([*parts[: len(parts) - node.level], *([source] if source else [])])
    for each in node.names:
        name = each.asname or each.name
        if source.partition(".")[0] == "celery":
            if each.name in PRIMITIVES or each.name == SHARED_TASK:
                names.primitives[name] = each.name
            else:
                names.modules[name] = f"{source}.{each.name}"
        else:
            names.tasks.setdefault(name, f"{source}.{each.name}")
            names.modules.setdefault(name, f"{source}.{each.name}")


def _task(function: Function, module: str, names: Names) -> Task | None:
    """The task that a decorator makes of a function."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = dotted(called)
        if names.primitives.get(name) != SHARED_TASK and name.rpartition(".")[2] not in ("task", SHARED_TASK):
            continue
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        said = {each.arg: each.value for each in keywords if each.arg}
        named = said.pop("name", None)
        options = {key: ast.unparse(value) for key, value in said.items()}
        parameters = list(_parameters(function.args))
        bound = options.get("bind") == "True"
        if bound:
            parameters = parameters[1:]
        task_name = str(named.value) if isinstance(named, ast.Constant) else f"{module}.{function.name}"
        return Task(task_name, tuple(parameters), options, bound and replaces(function))
    return None


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = len(plain) - len(arguments.defaults)
    for number, each in enumerate(plain):
        kind: Kind = "positional-only" if number < len(arguments.posonlyargs) else "plain"
        yield Parameter(each.arg, kind, number < defaults)
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, "var-positional", False)
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(each.arg, "keyword-only", default is None)
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, "var-keyword", False)


def replaces(function: Function) -> bool:
    """Whether a bound task puts another signature in its place."""
    first = next((each.arg for each in [*function.args.posonlyargs, *function.args.args]), "")
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    methods = [each for each in calls if isinstance(each, ast.Attribute) and each.attr in _REPLACING]
    return any(dotted(each.value) == first for each in methods)


def _schedule(value: ast.expr | None) -> Schedule:
    text = ast.unparse(value) if value is not None else ""
    with suppress(ValueError, TypeError):
        if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
            return Schedule(f"R/{duration(value.value)}", text)
        if isinstance(value, ast.Call):
            said = {each.arg or "": ast.literal_eval(each.value) for each in value.keywords}
            kind = dotted(value.func).rpartition(".")[2]
            if kind == "timedelta" and not value.args:
                units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1, "weeks": 604_800}
                return Schedule(f"R/{duration(sum(units[unit] * each for unit, each in said.items()))}", text)
            if kind == "crontab" and set(said) <= {*_CRON}:
                fields = [ast.literal_eval(each) for each in value.args]
                cron = dict.fromkeys(_CRON, "*") | dict(zip(_CRON, fields, strict=False)) | said
                minute, hour, weekday, day, month = (_field(cron[field]) for field in _CRON)
                return Schedule(f"0 {minute} {hour} {day} {month} {weekday}", text)
    return Schedule("", text, "no timer says this: start the process from code at these times, or write it as a cycle")


def _field(value: object) -> str:
    if isinstance(value, list | set | tuple):
        return ",".join(str(each) for each in sorted(cast("list[int]", value)))
    return str(value).replace(" ", "")
