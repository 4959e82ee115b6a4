"""Whether a worker is well, for whoever asks over HTTP: `/livez` of its supervisor, `/readyz` of all that it is for.

A process that runs is not enough: it is ready when the cluster shows that our own processes poll each of its queues.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from procession.base.failure import ProcessionError, StoreError
from procession.hosts.temporal.cells.cell_reader import load_cell
from procession.hosts.temporal.cluster import Loop, connect, explained
from procession.hosts.temporal.place import Place
from procession.hosts.temporal.supervisor import Supervisor

SEEN_S: Final = 150.0
"""Age at which a poller counts no more: a poll lasts up to a minute."""
CALL_S: Final = 5.0
CACHED_S: Final = 0.5
"""How long an answer is good for whoever asks next."""


@final
class Health:
    """One worker's. Answers from any thread."""

    def __init__(self, supervisor: Supervisor, place: Place) -> None:
        self._supervisor = supervisor
        self._loop = Loop()
        self._place = place
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._answer: tuple[float, dict[str, object]] = (0.0, {})

    def live(self) -> bool:
        """Whether the supervisor goes on."""
        return self._supervisor.steady

    def ready(self) -> dict[str, object]:
        """All that is looked at, and under `ready` whether it is well."""
        with self._lock:
            at, answer = self._answer
            if time.monotonic() - at > CACHED_S:
                answer = self._look()
                self._answer = (time.monotonic(), answer)
            return answer

    def close(self) -> None:
        """Lets the connection go."""
        self._loop.close()

    def _look(self) -> dict[str, object]:
        processes = self._supervisor.fresh
        identities: dict[str, set[str]] = {}
        for child in self._supervisor.children:
            for queue in child.queues if child.fresh else ():
                identities.setdefault(queue, set()).add(child.identity)
        queues: dict[str, bool] = {}
        text = ""
        try:
            for queue, ours in identities.items():
                queues[queue] = bool(ours & self._pollers(queue))
        except (ProcessionError, TimeoutError) as error:
            text = str(error) or "Temporal does not answer"
        well = not text and all(processes.values()) and bool(queues) and all(queues.values())
        found: dict[str, object] = {"ready": well, "processes": processes, "queues": queues}
        return {**found, "error": text} if text else found

    def _pollers(self, queue: str) -> set[str]:
        return self._loop.run(self._asked(queue), CALL_S)

    async def _asked(self, queue: str) -> set[str]:
        if self._client is None:
            place = self._place
            cell = load_cell(Path(place.cell)) if place.cell else None
            self._client = await connect(place.address, place.namespace, cell=cell)
        kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        if queue != self._place.queue:
            kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
        )
        try:
            answer = await self._client.workflow_service.describe_task_queue(request)
        except RPCError as error:
            raise explained(error) from error
        since = time.time() - SEEN_S
        return {each.identity for each in answer.pollers if each.last_access_time.ToSeconds() >= since}


@final
class HealthServer:
    """The two pages, on an address of this machine."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """Raises `StoreError` when the address cannot be listened at."""
        pages: Mapping[str, Callable[[], tuple[bool, dict[str, object]]]] = {
            "/livez": lambda: (health.live(), {"live": health.live()}),
            "/readyz": lambda: _with_state(health.ready()),
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path.partition("?")[0])
                if page is None:
                    self.send_error(404)
                    return
                well, answer = page()
                body = json.dumps(answer).encode() + b"\n"
                self.send_response(200 if well else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Probes come all the time: they are nobody's news."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise StoreError(f"health cannot be shown at {host}:{port}: {error.strerror or error}") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="procession-health", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def _with_state(answer: dict[str, object]) -> tuple[bool, dict[str, object]]:
    return answer["ready"] is True, answer
