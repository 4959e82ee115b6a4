"""The command that runs a server: the API, its workers and the gateway; or the engine and its workers alone."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from procession.cli.configured import Config, LogFormat, need_server, settings_of
from procession.cli.console import Output, errors
from procession.cli.options import DEFAULT_DB, AsJson, Workers

if TYPE_CHECKING:
    from procession import Engine
    from procession.cli.serving import Say

THREADS: Final = 4


def serve(
    *,
    config: Config = None,
    host: Annotated[str, typer.Option("--host", help="Listen at this address.", show_default="127.0.0.1")] = "",
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="Listen at this port; 0: a free one.", show_default="8080"),
    ] = None,
    workers: Workers = None,
    deploy: Annotated[
        list[Path] | None,
        typer.Option("--deploy", metavar="FILE", help="Deploy this first; repeatable.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Jobs done at the same time.", show_default="4")
    ] = None,
    db: Annotated[
        str,
        typer.Option(
            "--db",
            envvar="PROCESSION_DB",
            metavar="STORE",
            help="The SQLite file, or postgresql://…; it stands above the setting store.url.",
            show_default="./procession.db",
        ),
    ] = "",
    no_api: Annotated[bool, typer.Option("--no-api", help="The engine and its workers alone; no settings.")] = False,
    log_format: LogFormat = "",
    json: AsJson = False,
) -> None:
    """Run a server until it is told to end (Ctrl-C or SIGTERM): it drains first, a second time ends it at once.

    Its settings come from --config, from the environment (PROCESSION_SERVER__PORT=8080), and from these options.
    """
    output = Output(json)
    with errors(json):
        if no_api:
            _without_api(db or DEFAULT_DB, workers or [], deploy or [], threads or THREADS, output)
            return
        need_server()
        settings = settings_of(
            config,
            {
                "server.host": host or None,
                "server.port": port,
                "store.url": db or None,
                "workers.functions": workers or None,
                "workers.threads": threads,
                "telemetry.log_format": log_format or None,
            },
        )
        from procession.cli.serving import Serving, logging_of, serve_settings

        logging_of(settings)
        code = serve_settings(Serving(settings, told_by(output), deploy=tuple(deploy or ())))
        raise typer.Exit(code)


def told_by(output: Output) -> Say:
    """What tells a person, or a script, what happens: on stdout, at once."""

    def say(text: str, record: Mapping[str, object]) -> None:
        output.document(record)
        output.text(text)
        sys.stdout.flush()

    return say


def _without_api(db: str, workers: list[str], deploy: list[Path], threads: int, output: Output) -> None:
    from procession.cli.engines import engine_at

    with engine_at(db, workers) as engine:
        deployed(engine, deploy, output)
        stopped = threading.Event()

        def stop(_: int, __: FrameType | None) -> None:
            stopped.set()

        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, stop)
        engine.serve(threads=threads)
        output.document({"serving": db, "workers": workers})
        output.text(f"serving {db}; stop with Ctrl-C")
        sys.stdout.flush()
        if not engine.owner:
            output.text("another process owns the store; this one takes over when that one ends", "yellow")
        # A wait without an end cannot be interrupted on every system.
        while not stopped.wait(0.5):
            continue
        engine.stop()
        output.text("stopped")


def deployed(engine: Engine, files: list[Path], output: Output) -> None:
    """Deploys files, and says which versions they are."""
    if files:
        for each in engine.deploy(*files).processes:
            output.text(f"{each.process_id} version {each.version}")
