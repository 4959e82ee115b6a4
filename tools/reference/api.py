"""The Python API: signatures and docstrings of the public classes, read from the source without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from tools.reference.text import class_of, code, documented, line, module_path, table, tree

from procession.hosts.embedded.door import DEFAULT_TENANT
from procession.hosts.embedded.engine import CALL_TIMEOUT_S
from procession.hosts.embedded.workers import TIMEOUT_S
from procession.services.views import LIMIT

Function: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"

CLASSES: Final = (
    ("Engine", "hosts.embedded.engine", "procession"),
    ("Instance", "hosts.embedded.instance", "procession"),
    ("AsyncEngine", "hosts.embedded.aio", "procession"),
    ("AsyncInstance", "hosts.embedded.aio_instance", "procession"),
    ("Changes", "hosts.embedded.changes", "procession"),
    ("AsyncChanges", "hosts.embedded.aio_changes", "procession"),
    ("Routing", "hosts.embedded.routed", "procession"),
    ("Rollouts", "hosts.embedded.rolling", "procession"),
    ("Flags", "hosts.embedded.flagged", "procession"),
    ("Impact", "hosts.embedded.impact", "procession"),
    ("CeleryHost", "hosts.celery.host", "procession"),
    ("Job", "base.job", "procession"),
    ("BpmnError", "base.job", "procession"),
    ("JobFailed", "base.job", "procession"),
    ("Denied", "base.job", "procession"),
)
STRUCTS: Final = (
    ("Deployment", "services.deploy"),
    ("Deployed", "services.deploy"),
    ("DeployedDecision", "services.deploy"),
    ("InstanceView", "services.views"),
    ("TaskView", "services.views"),
    ("JobView", "services.views"),
    ("IncidentView", "services.views"),
    ("DefinitionView", "services.views"),
    ("FaultView", "services.views"),
    ("Moment", "services.views"),
    ("Entry", "services.histories"),
    ("Activate", "core.instructions"),
    ("MigrationPlan", "core.plans"),
    ("MigrationChoice", "core.plans"),
    ("Proposal", "core.plans"),
    ("MigrationAction", "core.plans"),
    ("Filter", "runtime.batches"),
    ("BatchView", "services.batches"),
    ("BatchErrorView", "services.batches"),
    ("Rule", "services.routes"),
    ("Routes", "services.routes"),
    ("Decision", "services.routes"),
    ("Fate", "services.moving"),
    ("Plan", "services.rollouts.plan"),
    ("Gates", "services.rollouts.plan"),
    ("Standing", "hosts.embedded.rolling"),
    ("Measures", "services.rollouts.measures"),
    ("Judged", "services.rollouts.gates"),
    ("FlagView", "hosts.embedded.flagged"),
    ("Touched", "services.impact"),
    ("Reason", "services.impact"),
    ("Total", "services.impact"),
    ("ShadowReport", "services.shadows"),
    ("Counts", "services.shadows"),
    ("Shadowed", "rollout.shadow"),
    ("Difference", "rollout.comparing"),
    ("Diagnostic", "base.diagnostics"),
    ("Span", "base.diagnostics"),
    ("Result", "testing.runner"),
    ("InstanceResult", "testing.runner"),
)
ERRORS: Final = (
    ("ProcessionError", "base.failure"),
    ("Refused", "base.diagnostics"),
    ("BadValue", "base.failure"),
    ("NotFound", "base.failure"),
    ("Conflict", "base.failure"),
    ("StoreError", "base.failure"),
    ("HostLost", "rollout.shadow"),
)
FUNCTIONS: Final = (
    ("check_standard", "services.standard", "procession"),
    ("shadow_run", "rollout.running", "procession"),
    ("run_scenario", "testing.runner", "procession.testing"),
)
DEFAULTS: Final = {
    "DEFAULT_TENANT": DEFAULT_TENANT,
    "CALL_TIMEOUT_S": CALL_TIMEOUT_S,
    "TIMEOUT_S": TIMEOUT_S,
    "LIMIT": LIMIT,
}
"""Constants that stand in signatures, shown by their values."""
GIVEN: Final = frozenset({"Instance", "AsyncInstance", "Changes", "AsyncChanges", "Job"})
"""Made by the engine only, so how they are made is no one's business."""
_PRIVATE: Final = frozenset({("Engine", "reader"), ("Engine", "call"), ("Engine", "checked")})
"""What a class shows to the modules beside it only."""


def page() -> str:
    """The whole page."""
    parts = [
        "The public names are imported from `procession` (`from procession import Engine`) and loaded at first use;"
        " `run_scenario` from `procession.testing`. `feel` and `dmn` are the expression language and the decisions by"
        " themselves. Keys are integers, times Unix milliseconds, durations seconds or ISO 8601 texts.",
    ]
    for name, module, home in CLASSES:
        parts += [f"## {name}", f"From {code(home)}.", *class_parts(module, name)]
    parts += ["## Functions"]
    for name, module, home in FUNCTIONS:
        found = next(n for n in tree(module_path(module)).body if isinstance(n, ast.FunctionDef) and n.name == name)
        parts += [f"### `{name}`", f"`{signature(found)}`, from `{home}`.", doc(found)]
    parts += ["## Errors", "All of them are `ProcessionError`s, so one `except` catches whatever a call raises."]
    parts += [table(("error", "is also", "when"), [_error(name, module) for name, module in ERRORS])]
    parts += ["## Views", "Immutable structs; they tell what was stored when they were read."]
    for name, module in STRUCTS:
        found_class = class_of(module, name)
        parts += [f"### {name}", doc(found_class), table(("field", "type", "default"), fields(found_class))]
    return "\n\n".join(part for part in parts if part)


def class_parts(module: str, name: str) -> Iterator[str]:
    """A class: its docstring, its attributes, and its public methods with theirs."""
    found = class_of(module, name)
    yield doc(found)
    attributes = _attributes(found)
    if attributes:
        yield table(("attribute", "type", ""), attributes)
    for node in found.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_property(node):
            continue
        if node.name == "__init__" and name not in GIVEN:
            yield f"### `{name}({_arguments(node)})`"
            yield doc(node)
        elif not node.name.startswith("_") and (name, node.name) not in _PRIVATE:
            yield f"### `{signature(node)}`"
            yield doc(node)


def _attributes(found: ast.ClassDef) -> list[tuple[str, str, str]]:
    """Properties, and what the constructor sets on a plain object."""
    rows: list[tuple[str, str, str]] = []
    for node in found.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            types = {each.arg: each.annotation for each in node.args.args + node.args.kwonlyargs}
            rows += [_set(statement, types, text) for statement, text in documented(node.body) if _public(statement)]
        elif isinstance(node, ast.FunctionDef) and _is_property(node):
            rows.append((code(node.name), code(ast.unparse(node.returns) if node.returns else ""), line(doc(node))))
    return rows


def _public(statement: ast.stmt) -> bool:
    target = _target(statement)
    return isinstance(target, ast.Attribute) and not target.attr.startswith("_")


def _target(statement: ast.stmt) -> ast.expr | None:
    if isinstance(statement, ast.Assign):
        return statement.targets[0]
    return statement.target if isinstance(statement, ast.AnnAssign) else None


def _set(statement: ast.stmt, types: dict[str, ast.expr | None], text: str) -> tuple[str, str, str]:
    target = _target(statement)
    assert isinstance(target, ast.Attribute)
    if isinstance(statement, ast.AnnAssign):
        return code(target.attr), code(ast.unparse(statement.annotation)), text
    assert isinstance(statement, ast.Assign)
    value = statement.value
    annotation = types.get(value.id) if isinstance(value, ast.Name) else None
    if annotation is not None:
        return code(target.attr), code(ast.unparse(annotation)), text
    known = type(value.value).__name__ if isinstance(value, ast.Constant) else ""
    if isinstance(value, ast.Call):
        known = ast.unparse(value.func)
    return code(target.attr), code(known), text


def _is_property(node: Function) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list)


def signature(node: Function) -> str:
    """A function as it is called."""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    word = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{word}{node.name}({_arguments(node)}){returns}"


def _arguments(node: Function) -> str:
    text = ast.unparse(node.args).removeprefix("self").removeprefix(", ")
    for name, value in DEFAULTS.items():
        text = re.sub(rf"\b{name}\b", repr(value), text)
    return text


def doc(node: Function | ast.ClassDef) -> str:
    """A docstring, each paragraph on one line."""
    text = ast.get_docstring(node) or ""
    return "\n\n".join(line(part) for part in text.split("\n\n"))


def _error(name: str, module: str) -> tuple[str, str, str]:
    found = class_of(module, name)
    bases = [ast.unparse(base) for base in found.bases]
    also = ", ".join(code(base) for base in bases if base not in {"Exception", "ProcessionError"})
    return code(name), also, doc(found)


def fields(found: ast.ClassDef) -> list[tuple[str, str, str]]:
    """The fields of a struct: name, type, default."""
    rows: list[tuple[str, str, str]] = []
    for statement in found.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            default = ast.unparse(statement.value) if statement.value is not None else ""
            rows.append((code(statement.target.id), code(ast.unparse(statement.annotation)), code(default)))
    return rows
