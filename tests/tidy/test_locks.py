"""The lock files pin and hash everything, agree with each other and pyproject.toml, and hold no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from tidy.source_tree import ROOT

LOCKS: Final = sorted((ROOT / "requirements").glob("*.txt"))
_PIN: Final = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;]+)", re.MULTILINE)
_NAME: Final = re.compile(r"^[A-Za-z0-9._-]+")


@pytest.mark.parametrize("path", LOCKS, ids=[path.name for path in LOCKS])
def test_a_lock_file_holds_no_address_and_hashes_every_pin(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries or path.name == "base.txt"
    assert not [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]


def test_the_lock_files_agree_on_every_version() -> None:
    dev = _pins("dev.txt")
    for name in ("base.txt", "demo.txt"):
        assert _pins(name).items() <= dev.items(), f"requirements/{name} differs from dev.txt: run `make lock`"


def test_everything_that_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {
        "base.txt": project["project"]["dependencies"],
        "demo.txt": project["project"]["optional-dependencies"]["cli"] + groups["build"],
        "dev.txt": groups["build"] + groups["test"] + groups["lint"],
        "lock.txt": groups["lock"],
    }
    missing = [
        f"{file} lacks {name}: run `make lock`"
        for file, requirements in asked.items()
        for name in map(_name, requirements)
        if name not in _pins(file)
    ]
    assert not missing


def _pins(file: str) -> dict[str, str]:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    return {match["name"]: match["version"] for match in _PIN.finditer(text)}


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match is not None, requirement
    return match[0].lower().replace("_", "-")
