"""The TypeScript client: built from the committed sources, and its own tests in front of a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tools.typescript import FILE, generated

import npm
from procession.hosts.embedded.engine import Engine
from served import served

PACKAGE: Final = Path(__file__).resolve().parents[2] / "clients" / "typescript"


def test_its_types_are_those_of_the_api() -> None:
    assert FILE.read_text(encoding="utf-8") == generated(), "run `python -m tools.typescript`"


def test_it_is_built_and_does_what_its_tests_say(tmp_path: Path) -> None:
    modules = npm.installed(PACKAGE) / "node_modules"
    place = tmp_path / "client"
    shutil.copytree(PACKAGE, place, ignore=shutil.ignore_patterns("dist", "node_modules"))
    (place / "node_modules").symlink_to(modules)
    compiler = modules / "typescript" / "bin" / "tsc"
    subprocess.run(["node", str(compiler), "-p", "."], cwd=place, check=True)
    with Engine(tmp_path / "store.db") as engine:
        engine.serve(threads=1)
        with served(engine) as running:
            environment = {**os.environ, "PROCESSION_URL": running.url}
            subprocess.run(["node", "--test", "dist/test/"], cwd=place, env=environment, check=True)
