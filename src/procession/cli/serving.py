"""What `procession serve` and `procession dev` run: store, engine, workers, API and gateway.

The only place that knows all of them. What must not live here: options (commands/serve.py), and what settings mean.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

import msgspec

from procession import Engine, __version__
from procession.base.failure import StoreError
from procession.cli.composing import Composed, keep_documents, keep_measured, quotas_of, site_of, sweep_journeys
from procession.cli.console import FAILED, OK, Problem
from procession.cli.looks import checks_of
from procession.cli.silos import Silos
from procession.cli.stores import engine_on, open_sealed, threads_of
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.counters import Counters, Tally
from procession.runtime import tracing
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY
from procession.services.backend import Backend
from procession.services.records import Records
from procession.services.rollouts.state import listed as listed_rollouts
from procession.services.shadows import shadows
from procession.services.tenancy.deleting import Keys
from procession.services.tenancy.rates import LimitedBackend
from procession.services.views import Views
from procession.web.app import create_app
from procession.web.draining import DrainingBackend
from procession.web.front import Front
from procession.web.health import Health
from procession.web.settings import Gateway, Settings
from procession.web.site import Gate, OpenGate
from procession.web.telemetry import logs
from procession.web.telemetry.backend import MeasuredBackend
from procession.web.telemetry.metrics import Measures
from procession.web.telemetry.observing import Observing
from procession.web.telemetry.redaction import Redactor
from procession.web.telemetry.seen import SeeingGate
from procession.web.turns import Turns

if TYPE_CHECKING:
    from uvicorn import Server

    from procession.web.zeebe.server import Tls

BACKLOG: Final = 2_048
"""Connections that wait to be taken."""
WAIT_S: Final = 5.0
"""How long who waits for something may go on waiting when the process is about to end."""
JOBS_S: Final = 5.0
"""How long jobs may go on at least, when requests took all of the time."""
FUNNEL_S: Final = 5.0
"""How often what happened on pages of journeys is added to the store: so much a crash takes."""
DAY_S: Final = 86_400

_LOG: Final = logging.getLogger("procession.serve")

Say: TypeAlias = Callable[[str, Mapping[str, object]], None]
"""Takes a line for the person who started the process, and the same for a script. It is not logged."""
Closing: TypeAlias = Callable[[float], Awaitable[None]]
"""Ends something, which has so many seconds for it."""
Task: TypeAlias = Callable[["Running"], Awaitable[None]]
"""Something that goes on as long as the server does."""


@final
class Running:
    """A server that runs: its engine, its site, and where it listens (`gateway`: "" for nowhere)."""

    __slots__ = (
        *("close_gateway", "draining", "engine", "gateway", "health", "settings", "silos", "site", "storage", "url"),
    )

    def __init__(
        self, settings: Settings, engine: Engine, composed: Composed, *, draining: DrainingBackend, silos: Silos
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.silos = silos
        self.site = composed.site
        self.storage = composed.storage
        self.draining = draining
        self.health = Health(checks_of(engine, settings.store.url), self._degraded)
        self.url = ""
        self.gateway = ""
        self.close_gateway: Closing | None = None

    async def _degraded(self) -> dict[str, str]:
        """What is not well, though the process is: silos, and what documents need."""
        silos, documents = await asyncio.gather(self.silos.troubles(), self.site.archive.troubles())
        return {**silos, **documents}


@final
class Serving(msgspec.Struct, frozen=True):
    """What is to run. `page` is shown at `/`; `tasks` go on beside the server, which drains when one of them fails."""

    settings: Settings
    say: Say
    deploy: tuple[Path, ...] = ()
    page: bytes = b""
    tasks: tuple[Task, ...] = ()


def logging_of(settings: Settings) -> None:
    """Sets up the logs of this process; secrets of the settings are known to them, to be hidden."""
    of = settings.telemetry
    secrets = [settings.store.password, settings.store.reader_password]
    secrets += [settings.identity.admin_key, settings.encryption.master_key, settings.papers.password]
    secrets += [settings.mail.password, settings.sms.secret]
    secrets += [tenant.password for tenant in settings.tenants.values()]
    logs.configure(of.log_level, of.log_format, Redactor(tuple(secrets)))


def serve_settings(plan: Serving) -> int:
    """Runs a server until SIGTERM or SIGINT; gives the exit code. A second signal ends the process at once.

    Raises `Problem` for what cannot be used as it is set, `StoreError` for the store."""
    factory = None
    if find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(_serve(plan))


async def _serve(plan: Serving) -> int:
    settings = plan.settings
    ending = _Ending()
    ending.listen()
    listening = _listening(settings)
    try:
        async with AsyncExitStack() as open_:
            tracing.configure("procession-server")
            open_.callback(tracing.flush)
            of = settings.store
            engine, keys = _opened(settings)
            open_.enter_context(engine)
            if plan.deploy:
                engine.deploy(*plan.deploy)
            running, server = await _composed(plan, engine, keys, open_)
            running.url = _url(settings, listening)
            running.close_gateway = await _open_gateway(running, plan.say)
            engine.serve(threads=threads_of(settings, engine, tasks=bool(plan.tasks)))
            going = [asyncio.ensure_future(task(running)) for task in (*plan.tasks, *TASKS)]
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            record = {"serving": of.url, "url": running.url, "gateway": running.gateway}
            _calm_collector()
            listening.listen(BACKLOG)
            plan.say(f"serving {of.url} at {running.url}; stop with Ctrl-C", record)
            _LOG.info("serving", extra={**record, "version": __version__})
            code = await _until_told(ending, [serving, *going])
            if not await _drain(running, server, serving, going):
                # Threads that work cannot be ended; what they do is done again by who gets the job next.
                os._exit(FAILED)
            return code
    finally:
        listening.close()
        ending.close()


def _opened(settings: Settings) -> tuple[Engine, Keys | None]:
    of, sealing = settings.store, settings.encryption
    store, keys = open_sealed(
        of.url,
        of.password,
        # Another host needs a store of one shard.
        shards=of.shards or int(settings.temporal.is_set),
        reader_url=of.reader_url,
        reader_password=of.reader_password,
        master_keys=sealing.master_keys,
        master_key=sealing.master_key,
        tenant_keys=sealing.tenant_keys,
    )
    return engine_on(store, settings, quotas_of(settings), shared=True), keys


def _url(settings: Settings, listening: socket.socket) -> str:
    scheme = "https" if settings.server.tls_certificate_file else "http"
    host, port = listening.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _calm_collector() -> None:
    """What is there now stays, and what requests make is acyclic but for some failures: a collection finds next to
    nothing, and holds up everybody for as long as it looks. So it looks at little at a time, and very seldom at all of
    it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000, 2, 60_000)


async def _composed(plan: Serving, engine: Engine, keys: Keys | None, open_: AsyncExitStack) -> tuple[Running, Server]:
    settings = plan.settings
    measures = Measures(tenants_top=settings.telemetry.tenants_top)
    used, tally = measures.shares["steps"].add, Tally()
    counters = Counters(engine.pumps, used, tally)
    open_.callback(counters.close)
    backend = EngineBackend(engine)
    open_.push_async_callback(backend.close)
    silos = Silos(backend, keys, settings, quotas_of(settings), lambda of: Counters(of.pumps, used, tally))
    open_.push_async_callback(silos.close)
    measures.read = lambda: silos.figures(counters.read())
    limited = LimitedBackend(silos.backends, defaults=quotas_of(settings))
    measures.neighbours = silos.neighbours
    draining = DrainingBackend(limited)
    measured = MeasuredBackend(draining, measures)
    if settings.identity.open:
        gate = SeeingGate(OpenGate())
    else:
        gate = SeeingGate(await _known_callers(measured, settings, plan.say))
    composed = site_of(settings, measured, gate, engine, limited=limited, silos=silos)
    measures.journeys = composed.site.playing.funnel.totals
    measures.shadows = lambda: shadows(engine.store)
    measures.rollouts = lambda: listed_rollouts(Records(engine.store, Views(engine.store)))
    composed.site.webhooks.start()
    open_.push_async_callback(composed.site.webhooks.close)
    open_.push_async_callback(composed.site.archive.close)
    running = Running(settings, engine, composed, draining=draining, silos=silos)
    app: Any = create_app(composed.site)
    front = Front(
        Turns(app), running.health, measures, gate,
        metrics=settings.telemetry.metrics, page=plan.page, open=settings.identity.open,
    )  # fmt: skip
    if settings.telemetry.metrics_port:
        open_.callback(_metrics_port(settings.telemetry.metrics_port, measures))
    observed = Observing(cast("Any", front), measures, log=settings.telemetry.log_requests)
    return running, _server(settings, observed)


async def _until_told(ending: _Ending, others: Sequence[asyncio.Future[None]]) -> int:
    """Until the process is told to end, or something ends that must not: then the exit code says so."""
    told = asyncio.create_task(ending.asked.wait())
    everything: list[asyncio.Future[Any]] = [told, *others]
    await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        return OK
    told.cancel()
    for each in others:
        if each.done() and each.exception() is not None:
            _LOG.error("a part of the server ended: %s", each.exception())
    return FAILED


async def _drain(
    running: Running, server: Server, serving: asyncio.Task[None], going: Sequence[asyncio.Future[None]]
) -> bool:
    """Ends everything in order; False when jobs under way did not end within their time."""
    of = running.settings.server
    running.health.draining = True
    _LOG.info("draining")
    if not serving.done():
        await asyncio.sleep(of.drain_delay_seconds)
    for each in going:
        each.cancel()
    running.draining.drain(min(WAIT_S, of.drain_seconds / 2))
    await running.site.desk.close()
    server.should_exit = True
    closing = [running.close_gateway(of.drain_seconds)] if running.close_gateway is not None else []
    for found in await asyncio.gather(serving, *closing, return_exceptions=True):
        if isinstance(found, Exception):
            _LOG.error("while draining: %s", found)
    # Nobody does anything any more; what was done is counted to the last.
    await running.site.playing.funnel.flush()
    # Functions under way are finished; whose answer does not come in time is asked again under a new lease.
    try:
        ending = asyncio.gather(asyncio.to_thread(running.engine.stop), running.silos.stop())
        await asyncio.wait_for(ending, max(JOBS_S, of.drain_seconds))
    except TimeoutError:
        _LOG.error("jobs under way did not end within the time of server.drain_seconds: they will be done again")
        return False
    _LOG.info("ended")
    return True


@final
class _Ending:
    """SIGTERM and SIGINT: the first asks for the end, the second is the end."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._told = False
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        # Not the loop's own way: the second signal has to be heard by a loop that is stuck.
        self._earlier = {number: signal.signal(number, self._tell) for number in (signal.SIGTERM, signal.SIGINT)}

    def close(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def _tell(self, number: int, frame: FrameType | None) -> None:
        if self._told:
            # What is stored is whole at every moment; nothing else is worth waiting for.
            os._exit(FAILED)
        self._told = True
        self._loop.call_soon_threadsafe(self.asked.set)


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.server.host, settings.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio turns Nagle's wait off for nothing else, and small answers would be held back.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port whose connections are just closing can be taken at once.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        remedy = "choose another with --port or server.port"
        raise Problem(f"{host}:{port} cannot be listened at: {error.strerror or error}", remedy) from None
    listening.setblocking(False)
    return listening


def _server(settings: Settings, app: Observing) -> Server:
    import uvicorn

    of = settings.server
    config = uvicorn.Config(
        cast("Any", app),
        http=_http(),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(of.trusted_proxies),
        forwarded_allow_ips=list(of.trusted_proxies),
        limit_concurrency=of.concurrency_max or None,
        timeout_keep_alive=of.keep_alive_seconds,
        timeout_graceful_shutdown=max(1, round(of.drain_seconds)),
        ssl_certfile=of.tls_certificate_file or None,
        ssl_keyfile=of.tls_key_file or None,
    )
    server = uvicorn.Server(config)
    # Signals are heard here: readiness has to be withdrawn before the server closes its door.
    cast("Any", server).capture_signals = nullcontext
    return server


def _http() -> Any:
    """How HTTP is read: with httptools where it is there, and never a head without an end."""
    if find_spec("httptools") is None:
        return "h11"  # which has a bound of its own
    from procession.cli.http_protocol import BoundedProtocol

    return BoundedProtocol


def _metrics_port(port: int, measures: Measures) -> Callable[[], None]:
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=measures.registry)
    except OSError as error:
        raise Problem(f"metrics cannot be shown at port {port}: {error.strerror}", "choose another") from None

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return close


async def _open_gateway(running: Running, say: Say) -> Closing | None:
    """The gateway for clients of Zeebe, where it is wanted and its libraries are there: what ends it."""
    of = running.settings.gateway
    missing = [name for name in ("grpc", "google.protobuf") if not _there(name)]
    if of.enabled == "off" or (of.enabled == "auto" and missing):
        return None
    if missing:
        raise Problem(f"the gateway needs {' and '.join(missing)}", "pip install 'procession[zeebe]'")
    from procession.web.zeebe.server import serve_gateway

    try:
        gateway = await serve_gateway(running.site, of.host, of.port, tls=_tls(of))
    except StoreError as error:
        if of.enabled == "on":
            raise
        say(f"no gateway for clients of Zeebe: {error}", {"no_gateway": str(error)})
        return None
    running.gateway = f"{of.host}:{gateway.port}"
    return gateway.stop


def _tls(of: Gateway) -> Tls | None:
    from procession.web.zeebe.server import Tls

    if not of.tls_certificate_file:
        return None
    return Tls(Path(of.tls_certificate_file).read_bytes(), Path(of.tls_key_file).read_bytes())


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


async def _known_callers(backend: Backend, settings: Settings, say: Say) -> Gate:
    """The gate of callers with keys and tokens. The first start of a store makes an admin key, and says it once."""
    from procession.web.identity import ensure_admin, gate_of

    key = await ensure_admin(backend, settings.identity.admin_key)
    if key:
        say(f"the key of the first administrator, shown this once: {key}", {"admin_key": key})
    return await gate_of(backend, settings.identity)


async def _retention(running: Running) -> None:
    """Forgets, now and then, what is older than the settings keep."""
    of = running.settings.retention

    async def forget(engine: Engine) -> None:
        await asyncio.to_thread(forget_old, engine, of.history_days, of.instances_days)

    while True:
        await asyncio.sleep(of.every_minutes * 60)
        if of.history_days or of.instances_days:
            await forget(running.engine)
            await running.silos.each(forget)


async def _silos(running: Running) -> None:
    await running.silos.keep(running.site.webhooks.look)


async def _measuring(running: Running) -> None:
    await keep_measured(running.storage, running.engine.store, running.silos)


async def _documents(running: Running) -> None:
    await keep_documents(running.site.archive, running.engine.store, running.silos)


async def _journeys(running: Running) -> None:
    of = running.settings.retention
    await sweep_journeys(running.site, of.every_minutes * 60, of.history_days)


async def _counting(running: Running) -> None:
    await running.site.playing.funnel.keep(FUNNEL_S)


TASKS: Final[tuple[Task, ...]] = (_retention, _silos, _measuring, _documents, _journeys, _counting)
"""What goes on beside every server."""


def forget_old(engine: Engine, history_days: int, instances_days: int) -> None:
    """Forgets of each tenant what ended so many days ago; 0 days keep it."""
    for tenant in engine.store.read("tenants", EVERYBODY, NamedRow):
        try:
            engine.forget(
                (history_days or instances_days) * DAY_S,
                instances_days * DAY_S if instances_days else None,
                tenant=tenant.name,
            )
        except Exception:  # one tenant's trouble is not the next one's, and not the server's
            _LOG.exception("what is over could not be forgotten")
