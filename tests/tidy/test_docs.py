"""Every code block in README.md and docs/ runs, so the documentation cannot lie.

`python` blocks of one file share a namespace. In a `console` block the lines that start with `$ ` run; the
lines below, where given, are what they print (`...` stands for anything). A `yaml` block that deploys something is a
scenario and must pass, any other is a part of one. All run in a folder that holds `examples/` and nothing else.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import pytest

from procession.testing import run_scenario
from procession.testing.scenario import parse_scenario
from tidy.source_tree import ROOT, place

COMMAND_SECONDS_MAX: Final = 60
_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<language>[\w-]*)[^\n]*$")


class Block(NamedTuple):
    """One fenced block: `line` is that of its first line of text, from 1."""

    path: Path
    line: int
    language: str
    text: str


def blocks(path: Path) -> Iterator[Block]:
    lines = path.read_text(encoding="utf-8").splitlines()
    opening: re.Match[str] | None = None
    start = 0
    for number, line in enumerate(lines):
        if opening is None:
            opening, start = _FENCE.match(line), number + 1
        elif line.strip() == opening["fence"]:
            indent = len(opening["indent"])
            text = "\n".join(each[indent:] for each in lines[start:number]) + "\n"
            yield Block(path, start + 1, opening["language"], text)
            opening = None


DOCUMENTS: Final = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_code_block_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "120")
    if (ROOT / "examples").exists():
        (tmp_path / "examples").symlink_to(ROOT / "examples")
    # A module like any other: dataclasses and annotations look their names up in it.
    module = ModuleType("__docs__")
    monkeypatch.setitem(sys.modules, "__docs__", module)
    namespace = vars(module)
    for block in blocks(path):
        if block.language == "python":
            # The blank lines make a traceback name the line of the document.
            exec(compile("\n" * (block.line - 1) + block.text, str(path), "exec"), namespace)
        elif block.language == "console":
            _run_console(block)
        elif block.language == "yaml":
            _run_scenario(block)


def _run_scenario(block: Block) -> None:
    where = place(block.path, block.line)
    if "deploy:" not in block.text:
        parse_scenario(f"deploy: []\n{block.text}", where)
        return
    file = Path("of_the_document.scenario.yaml")
    file.write_text(block.text, encoding="utf-8")
    result = run_scenario(file)
    assert result.passed, f"{where}: {result.error}"


def _run_console(block: Block) -> None:
    for line, command, wanted in _commands(block):
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
        )
        where = place(block.path, line)
        # A command that shows an error says so: what it prints is then part of the document.
        assert done.returncode == 0 or wanted, f"{where}: {command}: exit {done.returncode}\n{done.stderr}"
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        printed = done.stdout + done.stderr
        if wanted and not doctest.OutputChecker().check_output(wanted, printed, flags):
            pytest.fail(f"{where}: {command} printed\n{printed}\ninstead of\n{wanted}", pytrace=False)


def _commands(block: Block) -> Iterator[tuple[int, str, str]]:
    """(line, command, what it prints) of a console block; a trailing backslash continues a command."""
    joined = re.sub(r"\\\n\s*", "", block.text)
    parts = re.split(r"^\$ ", joined, flags=re.MULTILINE)
    line = block.line
    for part in parts[1:]:
        command, _, wanted = part.partition("\n")
        yield line, command, wanted.strip("\n") and wanted
        line += part.count("\n")
