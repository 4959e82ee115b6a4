"""Reading and running the code blocks of documents. Which documents there are, and what must hold, is test_docs.py's.

One row of `RUN` a language. A block whose fence names a file (```` ```python workers.py ````) is written to that file
first; a python file is not run by itself, so something later in the document has to name it.
"""

from __future__ import annotations

import doctest
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from procession import Engine
from procession.forms import check_form, looks_like_form
from procession.hosts.temporal.cells.cell_reader import load_cell
from procession.hosts.temporal.cells.wanted import wanted as wanted_of
from procession.parse.yaml_lines import read_yaml
from procession.scripts.modules import prepared
from procession.services.rollouts.plan import read_plan
from procession.services.routes import read_routes
from procession.testing import run_scenario
from procession.testing.scenario_reader import parse_scenario
from procession.web.settings_reader import read_settings
from tidy.source_tree import place

COMMAND_SECONDS_MAX: Final = 60
_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<language>[\w-]*) ?(?P<file>\S*)[^\n]*$")
_EXIT: Final = re.compile(r"  # exit (?P<code>\d+)$")
"""A command that does not end well says so, in a comment of the shell."""
_FLAGS: Final = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_CELL: Final = re.compile(r"^cell:", re.MULTILINE)
"""The file of a Temporal cell: it must be read, and every schedule in it be possible."""
_RULES: Final = re.compile(r"^rules:", re.MULTILINE)
_PLAN: Final = re.compile(r"^to:", re.MULTILINE)
"""Routes: they must be read."""
_DEPLOYS: Final = re.compile(r"^deploy:", re.MULTILINE)
_MODEL: Final = re.compile(r"<(\w+:)?definitions\b")
_AROUND: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:docs" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:procession="http://procession.dev/schema/1.0">'
    '<process id="p" isExecutable="true">',
    "</process></definitions>",
)
"""What stands around elements that are shown without it."""


class Block(NamedTuple):
    """One fenced block: `line` is that of its first line of text, from 1; `file` the name on its fence, or ""."""

    path: Path
    line: int
    language: str
    file: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return place(self.path, self.line)


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a document, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    opening: re.Match[str] | None = None
    start = 0
    for number, line in enumerate(lines):
        if opening is None:
            opening, start = _FENCE.match(line), number + 1
        elif line.strip() == opening["fence"]:
            indent = len(opening["indent"])
            text = "\n".join(each[indent:] for each in lines[start:number]) + "\n"
            yield Block(path, start + 1, opening["language"], opening["file"], text)
            opening = None


def prose(path: Path) -> str:
    """A document without its blocks and without code spans: where links are looked for."""
    inside = False
    kept: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(re.sub(r"`[^`]*`", "``", line))
    return "\n".join(kept)


def run_document(path: Path) -> None:
    """Runs every block of a document in the current folder; its python blocks share one namespace."""
    namespace: dict[str, object] = {"__name__": "__docs__"}
    try:
        for block in blocks(path):
            RUN[block.language](block, namespace)
    finally:
        for value in namespace.values():
            if isinstance(value, Engine):
                value.close()
            elif isinstance(value, subprocess.Popen):
                value.kill()  # a document that failed must not leave its server behind
                value.wait()
                for pipe in (value.stdin, value.stdout, value.stderr):
                    if pipe is not None:
                        pipe.close()


def unused_files(path: Path) -> list[str]:
    """Python files that a document writes and nothing after them names."""
    found = list(blocks(path))
    return [
        f"{block.place}: {block.file}"
        for number, block in enumerate(found)
        if block.language == "python" and block.file
        if not any(Path(block.file).stem in later.text for later in found[number + 1 :])
    ]


def _python(block: Block, namespace: dict[str, object]) -> None:
    if block.file:
        Path(block.file).write_text(block.text, encoding="utf-8")
        return
    # The blank lines make a traceback name the line of the document; what this file imports from the future is its own.
    text = "\n" * (block.line - 1) + block.text
    exec(compile(text, str(block.path), "exec", dont_inherit=True), namespace)


def _pycon(block: Block, namespace: dict[str, object]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, namespace, block.path.name, str(block.path), block.line - 1)
    # The parser takes a copy; a function of a python block must see what an example changes.
    test.globs = namespace
    printed: list[str] = []
    runner = doctest.DocTestRunner(optionflags=_FLAGS, verbose=False)
    runner.run(test, out=printed.append, clear_globs=False)
    if runner.failures:
        pytest.fail(f"{block.place}: {''.join(printed)}", pytrace=False)


def _yaml(block: Block, _: dict[str, object]) -> None:
    if _CELL.search(block.text):
        file = Path(block.file or f"line-{block.line}.cell.yaml")
        file.write_text(block.text, encoding="utf-8")
        wanted_of(load_cell(file))
        return
    if _RULES.search(block.text):
        Path(block.file or f"line-{block.line}.routes.yaml").write_text(block.text, encoding="utf-8")
        read_routes(read_yaml(block.text)[0])
        return
    if _PLAN.search(block.text):
        Path(block.file or f"line-{block.line}.rollout.yaml").write_text(block.text, encoding="utf-8")
        read_plan(read_yaml(block.text)[0])
        return
    if not _DEPLOYS.search(block.text):
        # A part of a scenario, shown for its keys: it must be read, and cannot run.
        parse_scenario(f"deploy: []\n{block.text}", block.place)
        return
    file = Path(block.file or f"line-{block.line}.scenario.yaml")
    file.write_text(block.text, encoding="utf-8")
    result = run_scenario(file)
    assert result.passed, f"{block.place}: {result.error}"


def _xml(block: Block, _: dict[str, object]) -> None:
    text = block.text if _MODEL.search(block.text) else f"{_AROUND[0]}{block.text}{_AROUND[1]}"
    if block.file:
        Path(block.file).write_text(text, encoding="utf-8")
    with Engine() as engine:
        modules = [
            each for each in sorted(Path().iterdir()) if each.suffix in {".js", ".ts"} and ".test." not in each.name
        ]
        beside = [(each.name, each.read_bytes()) for each in modules]
        deployment = engine.deploy((block.file or "model.bpmn", text.encode()), *beside)
        assert not deployment.diagnostics, f"{block.place}: {deployment.diagnostics[0]}"


def _script(block: Block, _: dict[str, object]) -> None:
    """A source that can be read; a file of tests holds."""
    name = block.file or f"script.{block.language}"
    prepared(block.text, name, typescript=name.endswith(".ts"))
    if block.file:
        Path(block.file).write_text(block.text, encoding="utf-8")
    if ".test." in name:
        done = subprocess.run(["procession", "js", "test", name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block.place}: {done.stdout}{done.stderr}"


def _console(block: Block, _: dict[str, object]) -> None:
    for line, command, wanted in _commands(block):
        where = place(block.path, line)
        code = _EXIT.search(command)
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
        )
        ended = done.returncode if done.returncode >= 0 else 128 - done.returncode
        assert ended == (int(code["code"]) if code else 0), f"{where}: {command}: exit {ended}\n{done.stderr}"
        # Some shells say that a command was killed, others leave that to the exit code.
        printed = (done.stdout + done.stderr).removesuffix("Killed\n")
        if wanted and not doctest.OutputChecker().check_output(wanted, printed, _FLAGS):
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


def _picture(block: Block, _: dict[str, object]) -> None:
    assert not block.file, f"{block.place}: a text block is a picture or output, no file"


def _json(block: Block, _: dict[str, object]) -> None:
    """A form is sound, or says what of it is shown to be wrong; anything else is JSON at least."""
    json.loads(block.text)
    if block.file:
        Path(block.file).write_text(block.text, encoding="utf-8")
    if looks_like_form(block.text.encode()):
        wrong = check_form(block.text.encode(), block.file)
        assert not wrong, f"{block.place}: {wrong[0]}"


def _toml(block: Block, _: dict[str, object]) -> None:
    """Settings of a server: they can be used as they are, but for the secrets that they do not hold."""
    file = Path(block.file or f"line-{block.line}.toml")
    file.write_text(block.text, encoding="utf-8")
    problems = read_settings(file, {}).problems
    assert not problems, f"{block.place}: {problems[0]}"


def _html(block: Block, _: dict[str, object]) -> None:
    """A page, or a part of one, under a strict policy: no script, handler or style stands in it."""
    for found in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|\sstyle=|<style", block.text):
        pytest.fail(f"{block.place}: {found}", pytrace=False)


def _typescript(block: Block, _: dict[str, object]) -> None:
    """Its types are checked with those of the package, where Node is: tests/integration/test_player_package.py."""
    assert not block.file, f"{block.place}: nothing reads this file"


RUN: Final[dict[str, Callable[[Block, dict[str, object]], None]]] = {
    "console": _console,
    "js": _script,
    "html": _html,
    "json": _json,
    "pycon": _pycon,
    "python": _python,
    "text": _picture,
    "toml": _toml,
    "ts": _script,
    "typescript": _typescript,
    "xml": _xml,
    "yaml": _yaml,
}
"""What a block of each language means. A language that is not here fails the document."""
