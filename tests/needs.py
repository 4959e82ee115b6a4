"""What a test needs beyond Python: if missing, a developer sees a skip, continuous integration a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

import pytest

from procession.testing.temporal.binaries import find_server

# A component that is not listed here is a program on the PATH.
_PRESENT: Final[dict[str, Callable[[], bool]]] = {
    "apsw": lambda: find_spec("apsw") is not None,
    "atheris": lambda: find_spec("atheris") is not None,
    "yaml": lambda: find_spec("yaml") is not None,
    "celery": lambda: find_spec("celery") is not None,
    "flower": lambda: find_spec("flower") is not None,
    "cli": lambda: find_spec("typer") is not None and find_spec("rich") is not None,
    "playwright": lambda: find_spec("playwright") is not None,
    "player": lambda: find_spec("jinja2") is not None and find_spec("babel") is not None,
    "opentelemetry": lambda: find_spec("opentelemetry") is not None,
    "postgresql": lambda: find_spec("psycopg") is not None and _postgres() is not None,
    "server": lambda: find_spec("litestar") is not None and find_spec("uvicorn") is not None,
    "temporalio": lambda: find_spec("temporalio") is not None,
    "temporal-cli": lambda: find_server("cli", build=False) is not None,
    "temporal-server": lambda: find_server("server", build=False) is not None,
}


def _postgres() -> object:
    from postgres_rig import binaries

    return binaries()


def require(component: str, remedy: str) -> None:
    """Skip the test when `component` is missing; with CI=true fail it. `remedy` tells how to get it."""
    present = _PRESENT.get(component, lambda: shutil.which(component) is not None)
    if present():
        return
    text = f"{component} is missing: {remedy}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(text, pytrace=False)
    pytest.skip(text, allow_module_level=True)
