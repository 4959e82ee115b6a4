"""The command that shows sealed payloads to Temporal's user interface and command line, to those who may see them."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from procession.cli.console import Problem, errors

DEFAULT_PORT: Final = 8081
_NEEDED: Final = ("temporalio", "zstandard", "cryptography", "obstore", "uvicorn", "jwt")


def codec_server(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="Its configuration, TOML or JSON.", show_default=False)
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Listen here.")] = DEFAULT_PORT,
) -> None:
    """Decode payloads for Temporal's user interface and command line, for callers whose token grants the tenant."""
    with errors(False):
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise Problem(f"missing: {', '.join(missing)}", "pip install 'procession[cli,temporal,codec-server]'")
        import uvicorn

        from procession.hosts.temporal.codec.server import CodecServer, read_config

        settings = read_config(config)
        # Uvicorn has types of its own for what is the same protocol.
        server = cast("Any", CodecServer(settings))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        uvicorn.run(
            server,
            host=settings.host,
            port=port,
            lifespan="off",
            # The server tells of each request itself: who asked, and what was shown.
            access_log=False,
            log_config=None,
            server_header=False,
            limit_concurrency=100,
            timeout_graceful_shutdown=10,
            ssl_certfile=settings.tls_certificate_file or None,
            ssl_keyfile=settings.tls_key_file or None,
        )
