"""The package of the component: its types, its tests in Node, and the scripts that are made of it."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools import player

import npm
from player_rig import CLAIM, Journey, serving
from procession.forms.languages import BUILT_IN
from tidy.doc_blocks import blocks

SCRIPT_MAX: Final = 60 * 1024
DOCUMENT: Final = player.ROOT / "docs" / "player-component.md"
TEXTS: Final = player.PACKAGE / "src" / "texts"


def test_the_scripts_are_what_the_sources_give(tmp_path: Path) -> None:
    for made in player.build(npm.installed(player.PACKAGE) / "node_modules", tmp_path):
        assert made.read_bytes() == (player.STATIC / made.name).read_bytes(), "run `python -m tools.player`"


def test_all_scripts_of_a_page_are_small_and_make_no_code_of_texts() -> None:
    scripts = [(player.STATIC / name).read_bytes() for name in player.SCRIPTS]
    assert sum(len(gzip.compress(each, 9)) for each in scripts) <= SCRIPT_MAX
    for each in scripts:
        assert re.search(rb"\beval\(|new Function|\.innerHTML|insertAdjacentHTML|document\.write", each) is None


def test_the_lock_file_names_no_addresses() -> None:
    assert "resolved" not in (player.PACKAGE / "package-lock.json").read_text(encoding="utf-8")


def test_every_language_has_every_text_with_its_parameters() -> None:
    tables = {name: json.loads((TEXTS / f"{name}.json").read_text(encoding="utf-8")) for name in BUILT_IN}
    assert {each.stem for each in TEXTS.glob("*.json")} == set(BUILT_IN)
    for table in tables.values():
        assert list(table) == list(tables["en"])
        for name, text in table.items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", tables["en"][name])), name


def test_it_keeps_its_types_and_does_what_its_tests_say(tmp_path: Path) -> None:
    modules = npm.installed(player.PACKAGE) / "node_modules"
    place = tmp_path / "player"
    shutil.copytree(player.PACKAGE, place, ignore=shutil.ignore_patterns("dist", "node_modules"))
    (place / "node_modules").symlink_to(modules)
    for number, block in enumerate(each for each in blocks(DOCUMENT) if each.language == "typescript"):
        text = block.text.replace('"@procession/player"', '"../src/index.js"')
        (place / "test" / f"document{number}.ts").write_text(f"{text}export {{}};\n", encoding="utf-8")
    compiler = modules / "typescript" / "bin" / "tsc"
    subprocess.run(["node", str(compiler), "-p", "."], cwd=place, check=True)
    subprocess.run(["node", str(compiler), "-p", "tsconfig.types.json"], cwd=place, check=True)
    assert (place / "dist" / "types" / "index.d.ts").is_file()
    tests = sorted((player.PACKAGE / "test").glob("*.test.ts"))
    assert tests
    for test in tests:
        # Beside its packages, of which happy-dom is not bundled.
        made = place / "dist" / test.with_suffix(".mjs").name
        options = ("--platform=node", "--external:happy-dom")
        subprocess.run(player.command(modules, test, made, *options), check=True)
        journey = Journey(CLAIM)
        with serving(journey) as address:
            environment = {**os.environ, "PLAYER_URL": f"{address}/play/-/J"}
            subprocess.run(["node", "--test", str(made)], cwd=place, env=environment, check=True, timeout=60)
