"""What the parts share: a PostgreSQL with fsync on, servers and workers as processes of their own, models."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, final

from bench.server.http import Line
from procession.testing.ports import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # the rig of PostgreSQL is the tests' own

_TASK: Final = """<serviceTask id="t{n}"><extensionElements><zeebe:taskDefinition type="{type}"/></extensionElements>
</serviceTask><sequenceFlow id="f{n}" sourceRef="{before}" targetRef="t{n}"/>"""


def model(process_id: str, tasks: int, type: str) -> bytes:
    """A process of service tasks, one after the other."""
    return in_a_row(
        process_id, tasks, _TASK, type, namespace='xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    ).encode()


def in_a_row(process_id: str, tasks: int, task: str, type: str, *, namespace: str, more: str = "") -> str:
    """A process of such tasks; `more` are other attributes of it."""
    names = ["s", *(f"t{n}" for n in range(tasks))]
    body = "".join(task.format(n=n, type=type, before=names[n]) for n in range(tasks))
    return (
        f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" {namespace} targetNamespace="bench">'
        f'<process id="{process_id}" isExecutable="true"{more}><startEvent id="s"/>{body}<endEvent id="e"/>'
        f'<sequenceFlow id="last" sourceRef="{names[-1]}" targetRef="e"/></process></definitions>'
    )


@final
class Process:
    """A process of the bench, until it is ended."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def end(self, seconds: float = 30) -> int:
        """SIGTERM, and waits for its end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def cpu_s(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Private memory."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) * 1024
        return 0


@contextmanager
def serving(folder: Path, url: str, **settings: str) -> Iterator[tuple[Process, int]]:
    """`procession serve` on loopback, open to everybody, as long as the block lasts: (process, port)."""
    port = free_port()
    process = start_server(folder, url, port, **settings)
    try:
        wait_ready(port, process)
        yield process, port
    finally:
        with suppress(subprocess.TimeoutExpired):
            process.end()


def start_server(folder: Path, url: str, port: int, **settings: str) -> Process:
    """Starts `procession serve`."""
    environment = {
        "PROCESSION_STORE__URL": url,
        "PROCESSION_SERVER__PORT": str(port),
        "PROCESSION_IDENTITY__OPEN": "true",
        "PROCESSION_GATEWAY__ENABLED": "off",
        "PROCESSION_TELEMETRY__LOG_REQUESTS": "false",
        "PROCESSION_TELEMETRY__LOG_LEVEL": "warning",
        **settings,
    }
    return Process([sys.executable, "-m", "procession.cli.main", "serve"], environment, folder / f"server-{port}.log")


def wait_ready(port: int, process: Process, seconds: float = 30, path: str = "/health/ready") -> None:
    """Waits until a server is ready."""
    begun = time.perf_counter()
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            if b" 200 " in connection.recv(200):
                return
        if time.perf_counter() - begun > seconds:
            raise SystemExit(f"the server is not ready: {process.log.read_text()[-3_000:]}")
        time.sleep(0.01)


def start_worker(
    folder: Path, port: int, type: str, *, pause_ms: int = 0, active: int = 64, tenant: str = ""
) -> Process:
    """A worker of the Python client, in a process of its own."""
    command = [sys.executable, "-m", "bench.server.worker", str(port), type, str(pause_ms), str(active), tenant]
    return Process(command, {}, folder / f"worker-{type}-{free_port()}.log")


async def deploy(port: int, *models: bytes, tenant: str = "") -> None:
    """Deploys models."""
    import base64

    line = Line(port, tenant)
    resources = [{"name": f"{n}.bpmn", "base64": base64.b64encode(each).decode()} for n, each in enumerate(models)]
    status, body = await line.post("/v1/deployments", json.dumps({"resources": resources}).encode())
    assert status in {200, 201}, (status, body)
    line.close()


def run(work: Any) -> Any:
    """Runs a coroutine on uvloop, as the server does."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
