"""A real Temporal server for the time of a test: started on a free port, waited for, stopped, killed, started again.

`dev_server` is the door; a server is a process of its own, and answers as a cluster does. It belongs to no event loop,
so one server can serve tests that each run a loop of their own.

**Time** (kind `server`; measured, and mostly held by `tests/integration/test_temporal_time.py`). Server 1.32.1 can skip
time per workflow: `TimeSkipper(client).client` of `temporalio.testing` starts workflows whose clock the server moves.

- A workflow's clock is the wall clock plus what was skipped. It cannot be held: between two skips it runs in real time.
- `TimeSkippingConfig()` skips whenever nothing is in flight, to the next timer, retry, start delay or timeout of the
  run: a timer of a day fires after some 20 ms. A workflow that only waits for a signal stays where it is, **unless it
  has a run or execution timeout: then it is timed out at once**.
- `TimeSkippingConfig(enabled=False)`, then `fast_forward(handle, duration)`, is the way to move time by hand: the
  target is the clock's time at the call plus `duration`; what is due before it fires in order, one skip each, and the
  call returns when the workflow is idle, its clock at the target, and skipping off again. It returns False if the
  workflow ended first. So a step of a timer's length, made after the timer was set, always fires it. Give it a handle
  without a run id: it then follows a workflow that continues as new.
- `workflow.now()` is the skipped clock at the start of the current workflow task, in a query that of the last task.
  `TimeSkipper.get_current_time(handle)` is the clock now. The history's timestamps are the skipped clock, and so are
  the times in `activity.info()`; `datetime.now()` in an activity is not.
- In flight means: a workflow task, an activity (until it is done, or waits for its next attempt), a child, a Nexus
  operation, a signal or cancellation to another workflow, a pause. Meanwhile the clock runs in real time, so the
  timeout of an attempt is real. A signal or an update stops nothing; it sees the clock as it is when it arrives.
- A child that starts while its parent's skipping is on skips without a limit, on a clock of its own that runs ahead of
  the parent's; one that started before does not skip, and its parent waits for it in real time.
- Continue-as-new takes the clock, the switch and a pending target along. With the usual limit of one a second (lifted
  for servers of this module) the run after the next one starts hours late: its delay is counted on both clocks.
- A session has at most 200 skips (10,000 here), then skipping is off, without a word. Each skip is an event.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

from procession.base.failure import ProcessionError
from procession.testing.ports import free_port
from procession.testing.temporal.binaries import SERVER_VERSIONS, Kind, ServerMissing, cache_folder, find_server, remedy

if TYPE_CHECKING:
    from temporalio.client import Client, Interceptor, Plugin
    from temporalio.converter import DataConverter

_HOST: Final = "127.0.0.1"
_STOP_S: Final = 20.0
_POLL_S: Final = 0.02
_TRIES: Final = 3
_LINES_SHOWN: Final = 15
# One machine has one clock: without these a timer shorter than a second takes a second, a chain of tasks is held to
# twenty a second, and a workflow continues as new once a second. Our own program has them already.
_QUICK: Final[dict[str, object]] = {
    "history.timerProcessorMaxTimeShift": "1ms",
    "history.timerProcessorMaxPollRPS": 10000,
    "history.transferProcessorMaxPollRPS": 10000,
    "history.visibilityProcessorMaxPollRPS": 10000,
    "history.workflowIdReuseMinimalInterval": "0s",
}


@final
class ServerFailed(ProcessionError):
    """A server did not start, did not answer, or was asked what only a server of this process can do."""


def dev_server(
    kind: Kind | None = None,
    *,
    address: str = "",
    namespaces: Sequence[str] = ("default",),
    search_attributes: Mapping[str, str] | None = None,
    dynamic_config: Mapping[str, object] | None = None,
    db_filename: Path | None = None,
    patience_s: float = 60.0,
) -> DevServer:
    """A server for the time of an `async with`; with `address` the one that runs there, and is left as it is.

    `kind` promises a version (see `find_server`); without one, whatever there is is taken, and at last the program
    that the SDK downloads. `namespaces` are created, the first is the default of `connect`. `search_attributes` are
    name -> type ("Keyword", "Int", "Datetime", ...). `dynamic_config` are the server's settings, with JSON values.
    Without `db_filename` everything is in memory, and lost when the server ends. `patience_s` is how long it may take
    to answer.
    """
    options = _Options(
        kind, tuple(namespaces), search_attributes or {}, dynamic_config or {}, db_filename, patience_s
    )  # fmt: skip
    return DevServer(options, address, elsewhere=bool(address))


@dataclass(frozen=True)
class _Options:
    """How to start a server; see `dev_server`."""

    kind: Kind | None
    namespaces: tuple[str, ...]
    search_attributes: Mapping[str, str]
    dynamic_config: Mapping[str, object]
    db_filename: Path | None
    patience_s: float


@final
@dataclass
class DevServer:
    """A server and its process; made by `dev_server`.

    `address` is "host:port", known once it was started, and the same after a `restart`. `elsewhere`: it was not
    started here, and is not stopped here.
    """

    options: _Options
    address: str = ""
    elsewhere: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _leash: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log: Path | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        # By force: the database is whole after a kill, and a good end costs a second that nobody watches.
        self.kill()
        if isinstance(error, Exception) and self._log:
            error.add_note(f"the log of the Temporal server: {self._log}")
        else:
            self.forget_log()

    @property
    def namespace(self) -> str:
        """The first of the namespaces it was asked for."""
        return self.options.namespaces[0]

    @property
    def pid(self) -> int | None:
        """The process, if it runs and is this process's child."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it, unless it runs, and wait until it answers.

        Raises `ServerMissing` if there is no program, `ServerFailed` if it does not come up; its log stays then.
        """
        chosen, tries = bool(self.address), _TRIES
        while True:
            if not self.elsewhere and not self._process:
                self.address = self.address or f"{_HOST}:{free_port()}"
                self._spawn(await _program(self.options.kind))
            try:
                return await self._answers()
            except ServerFailed as failed:
                self.kill()
                tries -= 1
                # A port that was free a moment ago may be somebody's by now.
                if not tries or "already in use" not in str(failed):
                    self._log = None
                    raise
            self.address = self.address if chosen else ""

    async def stop(self) -> None:
        """End it as an operator would (SIGTERM); after a while, by force."""
        if process := self._process:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, _STOP_S)
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL): it finishes nothing."""
        for process in (self._process, self._leash):
            if process is None:
                continue
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()
        self._process = self._leash = None

    async def restart(self) -> None:
        """Stop it, unless it is dead already, and start it at the same address, on the same database if it has one."""
        if self.elsewhere:
            raise ServerFailed(f"the server at {self.address} was not started here: restart it where it was started")
        await self.stop()
        await self.start()

    def forget_log(self) -> None:
        """Delete the log of a server that did what it should."""
        if self._log:
            self._log.unlink(missing_ok=True)
            self._log = None

    async def connect(
        self,
        namespace: str = "",
        *,
        data_converter: DataConverter | None = None,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
    ) -> Client:
        """A client of the SDK, for the running event loop."""
        from temporalio.client import Client
        from temporalio.converter import DataConverter

        return await Client.connect(
            self.address,
            namespace=namespace or self.namespace,
            data_converter=data_converter or DataConverter.default,
            interceptors=interceptors,
            plugins=plugins,
        )

    async def create_namespace(self, name: str, search_attributes: Mapping[str, str] | None = None) -> None:
        """A namespace more, with search attributes of its own (name -> type). It can be used at once."""
        from google.protobuf.duration_pb2 import Duration
        from temporalio.api.enums.v1 import IndexedValueType
        from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
        from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest

        client = await self.connect()
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=Duration(seconds=86_400)),
            retry=True,  # a server takes twenty a second
        )
        if search_attributes:
            types = {key: IndexedValueType.Value(_indexed(kind)) for key, kind in search_attributes.items()}
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=name, search_attributes=types)
            )

    async def version(self) -> str:
        """What the server says its version is, "1.32.1"."""
        from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

        client = await self.connect()
        return (await client.workflow_service.get_system_info(GetSystemInfoRequest())).server_version

    def in_namespace(self, name: str) -> DevServer:
        """The same server, seen from another namespace; it cannot be stopped through this view."""
        return DevServer(replace(self.options, namespaces=(name,)), self.address, elsewhere=True)

    def _spawn(self, program: Path) -> None:
        if not self._log:
            handle, name = tempfile.mkstemp(prefix="procession-temporal-", suffix=".log")
            os.close(handle)
            self._log = Path(name)
        with self._log.open("ab") as log:
            # A session of its own: an interrupt at the terminal is for the tests, which then stop the server.
            self._process = subprocess.Popen(
                [program, *_arguments(self.options, self.address)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        if os.name == "posix":
            # When this process is gone, however it went, the shell's input ends, and so does the server.
            self._leash = subprocess.Popen(
                ["sh", "-c", 'read -r _; kill -9 "$1"', "sh", str(self._process.pid)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    async def _answers(self) -> None:
        """Wait until every namespace is served. Raises `ServerFailed`."""
        deadline = time.monotonic() + self.options.patience_s
        for namespace in self.options.namespaces:
            while (problem := await _problem(self.address, namespace)) is not None:
                if self._process and self._process.poll() is not None:
                    raise ServerFailed(f"the Temporal server ended with {self._process.returncode}{self._told()}")
                if time.monotonic() > deadline:
                    raise ServerFailed(f"no Temporal server answers at {self.address}: {problem}{self._told()}")
                await asyncio.sleep(_POLL_S)

    def _told(self) -> str:
        if not self._log:
            return "; is the address right, and does the namespace exist?"
        lines = self._log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:]
        return f"; its log is {self._log}:\n" + "\n".join(lines)


async def _program(kind: Kind | None) -> Path:
    # A build takes minutes, during which others of this event loop go on.
    if found := await asyncio.to_thread(find_server, kind):
        return found
    if kind is None:
        return await _downloaded()
    raise ServerMissing(f"there is no Temporal server {SERVER_VERSIONS[kind]}: {remedy(kind)}")


async def _downloaded() -> Path:
    """The program that the SDK downloads for itself, in a folder of ours, so that it can be run like any other."""
    from temporalio.testing import WorkflowEnvironment

    folder = cache_folder() / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]  # the SDK's
            download_dest_dir=str(folder)
        )
    except RuntimeError as error:
        raise ServerMissing(
            f"there is no Temporal server here, and the SDK could not download one ({error}): {remedy('server')}"
        ) from error
    await environment.shutdown()
    # Another version of the SDK leaves its own; the newest is this one's.
    return max(folder.glob("temporal-*"), key=lambda path: path.stat().st_mtime)


def _arguments(options: _Options, address: str) -> list[str]:
    arguments = ["server", "start-dev", "--headless", "--ip", _HOST, "--port", address.rpartition(":")[2]]
    arguments += ["--log-format", "text", "--log-level", "warn"]
    for namespace in options.namespaces:
        arguments += ["--namespace", namespace]
    for key, value in (_QUICK | dict(options.dynamic_config)).items():
        arguments += ["--dynamic-config-value", f"{key}={json.dumps(value)}"]
    for name, kind in options.search_attributes.items():
        arguments += ["--search-attribute", f"{name}={kind}"]
    return arguments + (["--db-filename", str(options.db_filename)] if options.db_filename else [])


async def _problem(address: str, namespace: str) -> str | None:
    """Why the namespace is not served there; None if it is."""
    from datetime import timedelta

    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError

    try:
        client = await Client.connect(address, lazy=True)
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=timedelta(seconds=2)
        )
    except (RPCError, RuntimeError) as error:
        return str(error)
    return None


def _indexed(kind: str) -> str:
    """The protocol's name of a search attribute's type: KeywordList -> INDEXED_VALUE_TYPE_KEYWORD_LIST."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in kind)
    return f"INDEXED_VALUE_TYPE{words.upper()}"
