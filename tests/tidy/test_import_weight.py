"""`import procession` stays light: what a door needs is loaded when the door is opened."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

HEAVY: Final = ("asyncio", "httpx", "lxml", "rich", "typer")


@pytest.mark.parametrize("statement", ["import procession", "from procession import Engine"])
def test_an_import_loads_no_heavy_library(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    import procession

    assert not hasattr(procession, "nothing")
    assert set(procession.__all__) == set(dir(procession))
