"""`procession worker remote`: functions of a module do the jobs of a server, until a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from procession.cli.app import app
from procession.hosts.embedded.engine import Engine
from served import served
from web_rig import XML

FUNCTIONS = """
from procession.client import BpmnError, Job

def work(n: int, job: Job) -> dict[str, int]:
    return {"m": n + 1}
"""


def test_functions_of_a_module_work_for_a_server_until_a_signal(tmp_path: Path) -> None:
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    with Engine() as engine:
        engine.deploy(("p.bpmn", XML.encode()))
        engine.serve(threads=1)
        instance = engine.start("p", {"n": 1})
        with served(engine) as running:
            command = [sys.executable, "-m", "procession.cli.main", "worker", "remote", "--workers", "functions"]
            environment = {**os.environ, "PROCESSION_URL": running.url}
            with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
                try:
                    engine.wait_until(lambda: instance.state == "completed" or process.poll() is not None, 60)
                finally:
                    process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
        assert instance.variables["m"] == 2


def test_without_functions_it_says_what_to_add() -> None:
    result = CliRunner().invoke(app, ["worker", "remote", "--url", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "--workers" in result.output
