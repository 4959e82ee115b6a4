"""Workers on a real Temporal server: `procession worker temporal` in processes of its own, and faulty parts of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from fault_models import catch, document, message, process, service, user
from procession.hosts.temporal.place import Place
from procession.testing.temporal import DevServer

CHILD: Final = Path(__file__).with_name("temporal_worker_child.py")
PATIENCE_S: Final = 90.0
"""Several times what is needed: tests of other kinds may share the machine."""
_NAP: Final = (
    '<bpmn:intermediateCatchEvent id="nap"><bpmn:timerEventDefinition><bpmn:timeDuration '
    'xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>'
    "</bpmn:intermediateCatchEvent>"
)
MODELS: Final = (
    ("chain.bpmn", document(process("chain", service("first"), service("second")))),
    ("long.bpmn", document(process("long", service("slow")))),
    ("desk.bpmn", document(process("desk", user("approve")))),
    ("letter.bpmn", document(process("letter", catch("answer")), more=message("answer", "order"))),
    ("both.bpmn", document(process("both", service("first"), catch("answer")), more=message("answer", "order"))),
    ("sleep.bpmn", document(process("sleep", _NAP))),
    ("blink.bpmn", document(process("blink"))),
)

FUNCTIONS: Final = '''
"""Jobs of the tests. What they did is a line in a file, before they answer."""

import json
import os
import time

from procession import Job

EFFECTS = os.environ["EFFECTS"]


def _note(job: Job, what: str) -> None:
    line = json.dumps([what, job.instance, job.element_id, job.idempotency_key, job.attempt]).encode() + b"\\n"
    handle = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line)
    os.close(handle)


def first(job: Job) -> dict:
    print("said by a function")
    _note(job, "done")
    return {"first": True}


async def second(job: Job) -> dict:
    _note(job, "done")
    return {"second": True}


def slow(job: Job) -> dict:
    _note(job, "begun")
    time.sleep(float(os.environ.get("SLOW_S", "1")))
    _note(job, "done")
    return {"slow": True}
'''


class Running:
    """The command in a process of its own, in an empty folder. Its functions write into `effects`."""

    def __init__(self, server: DevServer, folder: Path, *options: str, **environment: str) -> None:
        (folder / "worker_jobs.py").write_text(FUNCTIONS)
        self.folder, self.database, self.effects_path = folder, folder / "engine.db", folder / "effects"
        words = ["worker", "temporal", "--db", str(self.database), "--address", server.address, "--json"]
        words += ["--workers", "worker_jobs", *options]
        words += ["--namespace", server.namespace] if "--cell" not in options else []
        self.events: list[dict[str, Any]] = []
        self.began = time.monotonic()
        self._log = (folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "procession.cli.main", *words],
            cwd=folder, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, "EFFECTS": str(self.effects_path), **environment},
        )  # fmt: skip

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "log").read_text()

    def until(self, event: str) -> dict[str, Any]:
        """Reads what it says until it says this."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            self.events.append(said)
            if said["event"] == event:
                return dict(said)
        raise AssertionError(f"it ended without {event}: {self.events}\n{self.log}")

    def pid_of(self, name: str) -> int:
        """The process with this name that was started last."""
        return int([each["pid"] for each in self.events if each["event"] == "started" and each["process"] == name][-1])

    def effects(self, what: str = "done") -> list[tuple[int, str, str]]:
        """Instance, element and key of what functions did, in order."""
        if not self.effects_path.exists():
            return []
        lines = [json.loads(line) for line in self.effects_path.read_text().splitlines()]
        return [(instance, element, key) for done, instance, element, key, _ in lines if done == what]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tells it to end; gives the exit code."""
        self.process.send_signal(number)
        for line in self.process.stdout or ():
            self.events.append(json.loads(line))
        return self.process.wait(60)


class Faulty:
    """One workflow process alone, that dies where `fault` says, or with "" never."""

    def __init__(self, server: DevServer, database: Path, fault: str = "never:0") -> None:
        place = Place(
            db=str(database), address=server.address, namespace=server.namespace, queue="procession", identity=fault
        )
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), fault, msgspec.json.encode(place).decode()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Faulty:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def died(self) -> None:
        """Waits until it died as it should."""
        assert self.process.stdout is not None
        for _ in self.process.stdout:
            continue
        assert self.process.wait(20) == -signal.SIGKILL


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Asks until it holds."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        time.sleep(0.02)


def free_port(count: int = 1) -> int:
    """The first of so many ports that nobody listens at just now."""
    while True:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = int(found.getsockname()[1])
        if port < 60_000 and all(_is_free(port + n) for n in range(count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) != 0


def page(port: int, path: str) -> tuple[int, str]:
    """Status and text of a page on this machine; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""
