"""The linters' fences stand: a planted breach is caught, so a green `make check` means something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tidy.source_tree import ROOT

NOW: Final = "import datetime\n\n\ndef f() -> object:\n    return datetime.datetime.now(datetime.UTC)\n"
RANDOM: Final = "import random\n\nX = random.random()\n"


@pytest.mark.parametrize(
    ("file", "code", "caught"),
    [
        ("src/procession/core/planted.py", NOW, True),
        ("src/procession/core/elements/planted.py", NOW, True),
        ("src/procession/core/planted.py", RANDOM, True),
        ("src/procession/runtime/planted.py", NOW, False),
    ],
)
def test_the_core_may_not_ask_for_the_time_or_for_chance(file: str, code: str, caught: bool) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run(
        [ruff, "check", "--select", "TID251", "--stdin-filename", file, "-"],
        cwd=ROOT, input=code, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ("TID251" in done.stdout) is caught, done.stdout + done.stderr
