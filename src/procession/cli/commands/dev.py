"""The command for who draws and writes processes: everything in one process, with what is in a folder."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from procession.cli.configured import Config, LogFormat, need_server, settings_of
from procession.cli.console import Output, Problem, errors
from procession.cli.options import MEMORY, AsJson

if TYPE_CHECKING:
    from procession.web.settings import Settings


def dev(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Models, workers.py, seed.yaml.", show_default=".")
    ] = Path(),
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Listen at this port of 127.0.0.1; 0: a free one.")
    ] = 8080,
    gateway_port: Annotated[
        int, typer.Option("--gateway-port", min=0, max=65_535, help="The same for clients of Zeebe.")
    ] = 26_500,
    memory: Annotated[bool, typer.Option("--memory", help="Keep nothing; default: .procession/dev.db there.")] = False,
    config: Config = None,
    log_format: LogFormat = "text",
    json: AsJson = False,
) -> None:
    """Run a server on this machine alone, and deploy the models of a folder whenever they change.

    Everybody of this machine is an admin. Functions of worker.py or workers.py do jobs; they are loaded anew when they
    change. seed.yaml or seed.json says what is started in a new store.
    """
    output = Output(json)
    with errors(json):
        need_server()
        if not folder.is_dir():
            raise Problem(f"no folder {folder}", "name the one that holds the models")
        store = MEMORY if memory else str(folder / ".procession" / "dev.db")
        settings = settings_of(
            config,
            {
                "server.port": port,
                "server.drain_seconds": 3.0,
                "gateway.port": gateway_port,
                "store.url": store,
                "identity.open": True,
                "telemetry.log_format": log_format,
                "telemetry.metrics": "loopback",
            },
        )
        from procession.cli.commands.serve import told_by
        from procession.cli.developing import Developing
        from procession.cli.serving import Serving, logging_of, serve_settings
        from procession.web.start_page import PAGE

        if not memory:
            Path(store).parent.mkdir(exist_ok=True)
            # What is kept there is of this machine.
            (Path(store).parent / ".gitignore").write_text("*\n", encoding="utf-8")
        logging_of(settings)
        say = told_by(output)
        with TemporaryDirectory(prefix="procession-dev-") as passing:
            settings = _sealing(settings, Path(passing) if memory else Path(store).parent)
            code = serve_settings(Serving(settings, say, page=PAGE, tasks=(Developing(folder, say),)))
        raise typer.Exit(code)


def _sealing(settings: Settings, folder: Path) -> Settings:
    """With a certificate for papers where none is set: what is signed here is sealed as it will be elsewhere."""
    if settings.papers.certificate_file:
        return settings
    from procession.cli.dev_seal import seal_files

    certificate, key = seal_files(folder)
    papers = msgspec.structs.replace(settings.papers, certificate_file=certificate, key_file=key)
    return msgspec.structs.replace(settings, papers=papers)
