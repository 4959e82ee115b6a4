"""The command that runs worker functions for a server, over its API."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from procession.cli.console import USAGE, Problem, errors
from procession.cli.options import AsJson, Workers
from procession.cli.workers import register_workers


def remote(
    *,
    url: Annotated[
        str,
        typer.Option("--url", envvar="PROCESSION_URL", metavar="URL", help="The server, such as https://host:8080."),
    ],
    workers: Workers = None,
    token: Annotated[
        str,
        typer.Option(
            "--token", envvar="PROCESSION_TOKEN", help="An API key, or a token; rather by PROCESSION_TOKEN than here."
        ),
    ] = "",
    tenant: Annotated[
        str, typer.Option("--tenant", help="The tenant, where the credentials do not say.", show_default=False)
    ] = "",
    ca: Annotated[
        str, typer.Option("--ca", metavar="FILE", help="Authorities of TLS to trust, in PEM.", show_default=False)
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="What operators see; default: host and process.", show_default=False)
    ] = "",
    grace: Annotated[
        float, typer.Option("--grace", metavar="SECONDS", min=0.0, help="How long jobs may go on at the end.")
    ] = 30.0,
    json: AsJson = False,
) -> None:
    """Do jobs of a server until it is interrupted (Ctrl-C or SIGTERM)."""
    with errors(json):
        if find_spec("httpx") is None:
            raise Problem("httpx is missing", "pip install 'procession[client]'")
        from procession.client import Worker

        if not workers:
            raise Problem("nothing to work with", "add --workers module:object", USAGE)
        worker = Worker(url, token=token or None, tenant=tenant, name=name, grace=grace, verify=ca or True)
        register_workers(worker, workers)
        worker.run()
