"""The source as data for the tidy tests: which files there are, and their syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).resolve().parents[2]
SRC: Final = ROOT / "src"
CODE_FOLDERS: Final = ("src", "tests", "tools", "bench", "examples")
_NOT_OURS: Final = {".git", ".venv", "node_modules", "build", "dist", "__pycache__"}
_TEXT: Final = {
    "", ".bpmn", ".cfg", ".css", ".dmn", ".html", ".ini", ".js", ".json", ".md", ".py", ".sh", ".sql",
    ".toml", ".ts", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Every Python file under the folders of the repository (default: all that hold code), sorted."""
    found = (path for folder in folders or CODE_FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return tuple(sorted(path for path in found if not _NOT_OURS.intersection(path.parts)))


@cache
def text_files() -> tuple[Path, ...]:
    """Every text file of the repository, caches and environments left out, sorted."""
    return tuple(sorted(_walk(ROOT)))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def place(path: Path, line: int = 1) -> str:
    """`path:line`, relative to the repository, as a terminal can open it."""
    return f"{path.relative_to(ROOT)}:{line}"


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _NOT_OURS or (path.name.startswith(".") and path.name.endswith("_cache")):
            continue
        if path.is_dir():
            if not path.name.endswith(".egg-info") and path.name not in {".hypothesis", "demo-run"}:
                yield from _walk(path)
        elif path.suffix in _TEXT:
            yield path
