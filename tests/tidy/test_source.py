"""The source obeys STYLE.md where a linter cannot count: sizes, names, leftovers, stubs and dead modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from tidy.source_tree import ROOT, SRC, Function, functions, place, python_files, text_files, tree

FUNCTION_LINES_MAX: Final = 60
MODULE_LINES_MAX: Final = 500
PARAMETERS_MAX: Final = 5
BANNED_NAMES: Final = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
# Written so that this file does not match itself.
LEFTOVER: Final = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")
MACHINE_PATH: Final = re.compile(r"(?<![\w.:/*}])/(?:home|root|Users|work)/\w|\b[A-Z]:\\Users\b")
# Nothing in the package imports these: a console script starts the first, users import the test kit.
ENTRIES: Final = (
    "procession",
    "procession.cli.main",
    "procession.testing",
    "procession.core.pending",
    "procession.hosts.temporal.deployments",
    "procession.runtime.canonical",
    "procession.scripts.zygote",
    "procession.store.sealed",
)
"""What nobody in the tree imports: public names, the command, the test kit, a process that is started by its name,
and what later hosts are held to."""


def test_no_function_is_longer_than_a_screen() -> None:
    _none(
        f"{place(path, f.lineno)} {f.name}: {length} lines, at most {FUNCTION_LINES_MAX}"
        for path in python_files()
        for f in functions(path)
        if (length := (f.end_lineno or f.lineno) - f.lineno + 1) > FUNCTION_LINES_MAX
    )


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    _none(
        f"{place(path)}: {length} lines, at most {MODULE_LINES_MAX}"
        for path in python_files()
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES_MAX
    )


def test_no_call_needs_more_than_five_positions() -> None:
    _none(
        f"{place(path, f.lineno)} {f.name}: {count} positional, at most {PARAMETERS_MAX}; use keyword-only"
        for path in python_files()
        # The command line's functions are called by keyword, by the library that reads their signatures; a helper
        # inside one test module is read beside its calls.
        if "commands" not in path.parts and "tests" not in path.parts
        for f in functions(path)
        if (count := _positional(f)) > PARAMETERS_MAX
    )


def test_every_module_says_what_lives_in_it() -> None:
    _none(
        f"{place(path)}: no module docstring"
        for path in python_files()
        if tree(path).body and not ast.get_docstring(tree(path))
    )


def test_no_file_has_a_name_that_says_nothing() -> None:
    _none(
        f"{place(path)}: a name such as {path.stem!r} says nothing"
        for path in python_files()
        if BANNED_NAMES.intersection({*path.relative_to(ROOT).with_suffix("").parts})
    )


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (LEFTOVER, "a leftover mark: do it, or open an issue"),
        (MACHINE_PATH, "a path of one machine"),
    ],
)
def test_no_text_holds_a_leftover(pattern: re.Pattern[str], why: str) -> None:
    _none(
        f"{place(path, number)}: {why}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(_lines(path), 1)
        if pattern.search(line)
    )


def test_nothing_is_left_unbuilt() -> None:
    stubs = [
        f"{place(path, f.lineno)} {f.name}: an empty body"
        for path in python_files("src")
        for f in functions(path)
        if _is_empty(f) and f not in _declared(path)
    ]
    unbuilt = "NotImplemented" + "Error"
    raised = [
        f"{place(path, node.lineno)}: {unbuilt}"
        for path in python_files("src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and node.id == unbuilt
    ]
    _none(stubs + raised)


def test_no_thread_decodes_by_a_type_that_another_one_looks_into() -> None:
    """See `base.decoding`: with threads, msgspec takes the process down by a type that did not pass `known`."""
    _none(
        f"{place(path, call.lineno)}: {ast.unparse(type)} is given to msgspec as it is, not known({ast.unparse(type)})"
        for path in python_files()
        if path.is_relative_to(SRC) and path.name != "decoding.py"
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and (type := _decoded(call)) is not None
        if not (isinstance(type, ast.Call) and ast.unparse(type.func) == "known")
    )


def _decoded(call: ast.Call) -> ast.expr | None:
    """The type that a call has msgspec decode by."""
    format, _, name = ast.unparse(call.func).removeprefix("msgspec.").rpartition(".")
    if not ast.unparse(call.func).startswith("msgspec.") or format not in {"", "json", "msgpack"}:
        return None
    named = {each.arg: each.value for each in call.keywords}
    at = {"Decoder": 0, "convert": 1, "decode": 1}.get(name)
    return named.get("type") or (call.args[at] if at is not None and len(call.args) > at else None)


def test_no_module_is_dead() -> None:
    """Each module is imported by another, named as a string in a table, or is an entry."""
    modules = {_module_name(path): path for path in python_files("src")}
    used = {name for importer, path in modules.items() for name in _mentioned(path) if name != importer}
    _none(
        f"{place(path)}: nothing imports {name}"
        for name, path in modules.items()
        if name not in used and not name.startswith("procession.testing.") and path.name != "__init__.py"
        if name not in ENTRIES
    )


def _none(findings: Iterable[str]) -> None:
    if found := list(findings):
        pytest.fail("\n".join(found), pytrace=False)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _positional(f: Function) -> int:
    arguments = [a.arg for a in (*f.args.posonlyargs, *f.args.args)]
    return len(arguments) - (arguments[:1] in (["self"], ["cls"]))


def _is_empty(f: Function) -> bool:
    # What does nothing on purpose (a row of a table) says so in its docstring.
    if ast.get_docstring(f):
        return False
    return all(
        isinstance(s, ast.Pass)
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) and s.value.value is Ellipsis)
        for s in f.body
    )


def _declared(path: Path) -> set[Function]:
    """Functions that rightly have no body: members of a Protocol, and overloads."""
    found = {f for f in functions(path) if any(ast.unparse(d).endswith("overload") for d in f.decorator_list)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases):
            found |= {s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)}
    return found


def _module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _mentioned(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return names
