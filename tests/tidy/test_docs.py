"""Every code block of the documentation runs and every link leads somewhere, so the documentation cannot lie.

All blocks of a document run in order in one empty folder that holds `examples/`, `tests/scenarios/` and
`tests/replay/`: `python` blocks share a namespace, `pycon` blocks show what they print, `console` blocks run their `$ `
lines (`...` stands for anything in what they print, `  # exit 1` says how a command ends), `yaml` blocks are scenarios
that pass or files of cells and routes that can be read, `toml` blocks are settings of a server, `xml` blocks are
models, or what stands in a process, that deploy; `text` is for pictures.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import cli_forks
from broker_rig import Brokers
from temporal_rig import Servers
from tidy import doc_blocks
from tidy.source_tree import ROOT

DOCUMENTS: Final = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
LINKED: Final = sorted({*DOCUMENTS, *ROOT.glob("*.md")})
"""Documents whose links are followed: all there are."""
_LINK: Final = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ +(?P<text>.+?) *$", re.MULTILINE)


def _ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a `procession` that has not to import anything first: documents call it a hundred times."""
    if not hasattr(os, "pidfd_open"):
        # Not on Linux: the one that is installed does, too.
        yield Path(sys.executable).parent
        return
    with cli_forks.commands(tmp_path_factory.mktemp("commands")) as found:
        yield found


@pytest.mark.parametrize("path", DOCUMENTS, ids=_ids(DOCUMENTS))
def test_every_code_block_runs(
    path: Path, tmp_path: Path, commands: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    if "TEMPORAL_ADDRESS" in path.read_text(encoding="utf-8"):
        servers: Servers = request.getfixturevalue("temporal_servers")
        monkeypatch.setenv("TEMPORAL_ADDRESS", servers("server").address)
    if "CELERY_BROKER_URL" in path.read_text(encoding="utf-8"):
        found: Brokers = request.getfixturevalue("brokers")
        monkeypatch.setenv("CELERY_BROKER_URL", found("redis").url)
    monkeypatch.setenv("PATH", os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("PROCESSION_DB", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    if (ROOT / "examples").exists():
        (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "tests").mkdir()
    for folder in ("scenarios", "replay"):
        (tmp_path / "tests" / folder).symlink_to(ROOT / "tests" / folder)
    try:
        doc_blocks.run_document(path)
    finally:
        # Modules that this document wrote must not answer for those of the next one.
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
                del sys.modules[name]


@pytest.mark.parametrize("path", LINKED, ids=_ids(LINKED))
def test_no_block_is_of_an_unknown_language_and_no_file_is_left_unused(path: Path) -> None:
    for block in doc_blocks.blocks(path):
        assert block.language in doc_blocks.RUN, f"{block.place}: {block.language or 'no language'}"
    assert doc_blocks.unused_files(path) == []


@pytest.mark.parametrize("path", LINKED, ids=_ids(LINKED))
def test_every_link_leads_somewhere(path: Path) -> None:
    broken: list[str] = []
    for target, file, anchor in _links(path):
        if not file.exists():
            broken.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and file.exists() and anchor not in _anchors(file):
            broken.append(f"{target}: no such heading")
    assert broken == []


def test_every_page_is_found_from_the_index() -> None:
    seen = {ROOT / "docs/index.md"}
    waiting = list(seen)
    while waiting:
        for _, file, _ in _links(waiting.pop()):
            found = sorted(file.glob("*.md")) if file.is_dir() else [file]
            for page in found:
                if page.suffix == ".md" and page.exists() and page not in seen:
                    seen.add(page)
                    waiting.append(page)
    assert [str(path.relative_to(ROOT)) for path in DOCUMENTS if path not in seen] == []


def _links(path: Path) -> Iterator[tuple[str, Path, str]]:
    """(as written, the file, the heading) of each link to something of this repository."""
    for match in _LINK.finditer(doc_blocks.prose(path)):
        target = match["target"]
        if not target.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = target.partition("#")
            yield target, (path.parent / name).resolve() if name else path, anchor


def _anchors(path: Path) -> set[str]:
    """The headings of a document, as the usual renderers name them."""
    text = path.read_text(encoding="utf-8")
    words = (re.sub(r"[^\w\- ]", "", match["text"].lower()) for match in _HEADING.finditer(text))
    return {word.replace(" ", "-") for word in words}
