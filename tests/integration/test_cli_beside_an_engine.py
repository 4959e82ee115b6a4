"""The command line beside a running engine: another process owns the store, and everything works nevertheless."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from unit.cli.models import CHARGE, PAID, process, saved

SECONDS_MAX: Final = 20.0
WORKERS: Final = """
def register(engine):
    @engine.worker("charge-card")
    def charge(job):
        return {"charged": True, "by": job.key > 0}
"""


def _procession(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "procession.cli.main", *arguments, "--json"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "the_workers.py").write_text(WORKERS)
    models = (saved(tmp_path, CHARGE), saved(tmp_path, PAID.replace('id="p"', 'id="q"'), "q.bpmn"))
    deploys = [part for model in models for part in ("--deploy", model)]
    server = subprocess.Popen(
        [sys.executable, "-m", "procession.cli.main", "serve", "--no-api", "--workers", "the_workers", *deploys],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("serving"):
            break
    else:
        assert server.stderr is not None
        pytest.fail(server.stderr.read())
    yield server
    if server.poll() is None:
        server.kill()
    server.communicate()


def test_commands_go_to_the_engine_that_runs(tmp_path: Path, serving: subprocess.Popen[str]) -> None:
    (started,) = _procession(tmp_path, "start", "p")
    _soon(lambda: _procession(tmp_path, "show", started["instance"])[0]["state"] == "completed")
    assert _procession(tmp_path, "show", started["instance"])[0]["variables"] == {"by": True, "charged": True}

    (waiting,) = _procession(tmp_path, "start", "q", "--var", "order=A-1")
    _procession(tmp_path, "message", "payment", "--key", "A-1")
    _soon(lambda: _procession(tmp_path, "show", waiting["instance"])[0]["state"] == "completed")

    (deployed,) = _procession(tmp_path, "deploy", saved(tmp_path, process(), "r.bpmn"))
    assert (deployed["process"], deployed["version"]) == ("p", 2)
    owner = next(each for each in _procession(tmp_path, "doctor") if each["name"] == "shard 0")
    assert f"process {serving.pid} " in owner["detail"]


def test_an_interrupt_ends_the_engine_in_order(tmp_path: Path, serving: subprocess.Popen[str]) -> None:
    serving.send_signal(signal.SIGTERM)
    _, stderr = serving.communicate(timeout=SECONDS_MAX)
    assert (serving.returncode, stderr) == (0, "")
    owner = next(each for each in _procession(tmp_path, "doctor") if each["name"] == "shard 0")
    assert owner["detail"] == "owned by nobody"
