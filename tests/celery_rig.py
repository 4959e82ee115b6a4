"""Real Celery workers for tests: `celery worker` in processes of their own, on the app of `celery_shop`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias, final

import pytest

import broker_rig
from broker_rig import Broker
from procession import Engine
from procession.hosts.celery import CeleryHost

PATIENCE_S: Final = 150.0
TESTS: Final = Path(__file__).parent
HEAD: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x">
  <error id="none" errorCode="NO_STOCK"/>
  <message id="paid" name="paid"><extensionElements><zeebe:subscription correlationKey="=order"/></extensionElements>
  </message>
  <process id="{0}" isExecutable="true">"""


def model(name: str, *types: str, more: str = "") -> tuple[str, bytes]:
    """A process of service tasks of these types, one after the other; `timer:` and `message` are what they say."""
    parts = [HEAD.format(name), '<startEvent id="s"/>']
    before = "s"
    for n, type in enumerate(types, 1):
        id = f"t{n}"
        parts.append(f'<sequenceFlow id="f{n}" sourceRef="{before}" targetRef="{id}"/>')
        kind, _, rest = type.partition(":")
        if kind == "timer":
            timer = f"<timerEventDefinition><timeDuration>{rest}</timeDuration></timerEventDefinition>"
            parts.append(f'<intermediateCatchEvent id="{id}">{timer}</intermediateCatchEvent>')
        elif kind == "message":
            event = '<messageEventDefinition messageRef="paid"/>'
            parts.append(f'<intermediateCatchEvent id="{id}">{event}</intermediateCatchEvent>')
        else:
            task = f'<zeebe:taskDefinition type="{kind}" retries="{rest or 3}"/>'
            parts.append(f'<serviceTask id="{id}"><extensionElements>{task}</extensionElements></serviceTask>')
        before = id
    parts.append(f'<sequenceFlow id="fe" sourceRef="{before}" targetRef="e"/><endEvent id="e"/>{more}')
    return f"{name}.bpmn", ("".join(parts) + "</process></definitions>").encode()


@final
class Shop:
    """The app over one broker and store, as this process sees it; and its workers."""

    def __init__(self, broker: Broker, folder: Path, store: str = "", **settings: str) -> None:
        self.broker = broker
        self.folder = folder
        self.effects_file = folder / "effects"
        self.effects_file.touch()
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
            "SHOP_BROKER": broker.url,
            "SHOP_QUEUE": broker_rig.queue(),
            "SHOP_STORE": store or str(folder / "shop.db"),
            "SHOP_EFFECTS": str(self.effects_file),
            **{f"SHOP_{name.upper()}": value for name, value in settings.items()},
        }
        self._workers: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._watching: list[threading.Thread] = []
        from celery import Celery

        self.app = Celery("shop-client", broker=broker.url, set_as_current=False)
        self.app.conf.task_default_queue = self.environment["SHOP_QUEUE"]
        self.host = CeleryHost(
            self.app,
            self.environment["SHOP_STORE"],
            lost=float(settings.get("lost", "2")),
            sweep=float(settings.get("sweep", "0.5")),
            queues=settings.get("queues", ""),
        )
        self.log = (folder / "worker.log").open("ab")

    @property
    def engine(self) -> Engine:
        """The engine of this process, which asks."""
        return self.host.engine()

    def work(self, pool: str = "prefork", processes: int = 2, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a worker; it takes jobs as soon as it can."""
        command = ["-m", "celery", "-A", "celery_shop", "worker", "-P", pool, "-c", str(processes), "-l", "INFO"]
        quiet = ["--without-gossip", "--without-mingle", "-n", f"w{len(self._workers)}-{os.getpid()}@%h"]
        worker = subprocess.Popen(
            [*broker_rig.leash(), sys.executable, *command, *quiet, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self._workers.append(worker)
        return worker

    def supervised(self, pool: str, processes: int) -> threading.Thread:
        """A worker that is started again whenever it ends by itself, as whoever runs workers does. Until `close`."""

        def watch() -> None:
            worker = self.work(pool, processes)
            while not self._over.wait(0.2):
                if worker.poll() is not None:
                    worker = self.work(pool, processes)

        watching = threading.Thread(target=watch)
        watching.start()
        self._watching.append(watching)
        return watching

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Ends a worker and its processes as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(30)
        self._workers.remove(worker)

    def effects(self) -> Counter[str]:
        """What the world saw, and how often."""
        return Counter(self.effects_file.read_text().splitlines())

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Waits until something holds."""
        if not self.engine.wait_until(condition, seconds):
            pytest.fail(f"it did not come to pass in {seconds:g} s; {self._state()}", pytrace=False)

    def ends(self, *instances: Any, seconds: float = PATIENCE_S) -> None:
        """Waits until instances have completed."""
        deadline = time.monotonic() + seconds
        for instance in instances:
            state = instance.wait(max(0.1, deadline - time.monotonic()))
            if state != "completed":
                pytest.fail(f"instance {instance.key} is {state}; {self._state()}", pytrace=False)

    def _state(self) -> str:
        jobs, incidents = self.engine.jobs(limit=5), self.engine.incidents(limit=5)
        return f"jobs {jobs}, incidents {incidents}\n{self.worker_log()[-6000:]}"

    def worker_log(self) -> str:
        """What the workers wrote."""
        return (self.folder / "worker.log").read_text(errors="replace")

    def close(self) -> None:
        """Ends everything."""
        self._over.set()
        for watching in self._watching:
            watching.join()
        for worker in list(self._workers):
            self.kill(worker)
        self.host.close()
        self.app.close()
        self.log.close()


Shops: TypeAlias = Callable[..., Shop]


@pytest.fixture
def shops(tmp_path: Path) -> Generator[Shops]:
    """Shops of this test."""
    made: list[Shop] = []

    def shop(broker: Broker, store: str = "", **settings: str) -> Shop:
        folder = tmp_path / f"shop{len(made)}"
        folder.mkdir()
        found = Shop(broker, folder, store, **settings)
        made.append(found)
        return found

    yield shop
    for each in made:
        each.close()
