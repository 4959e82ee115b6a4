"""Logs: one JSON document a line on stderr (or text for people), of our loggers and of those of libraries.

What a request says, its headers and its body, is never logged; what is, goes through the redactor.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import IO, Any, Final

from procession.web.settings import LogFormat, LogLevel
from procession.web.telemetry.redaction import Redactor

NOISY: Final = ("uvicorn", "httpx", "httpcore", "litestar", "asyncio", "grpc")
"""Libraries whose everyday news are nobody's; some hold whole URLs."""


def configure(level: LogLevel, format: LogFormat, redactor: Redactor, stream: IO[str] | None = None) -> None:
    """Sets up logging of this process, once, for `stream` (default: stderr)."""
    import structlog

    def redacted(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: redactor.value(value) for key, value in event.items() if not key.startswith("_")} | {
            key: value for key, value in event.items() if key.startswith("_")
        }

    last: structlog.types.Processor
    if format == "json":
        last = structlog.processors.JSONRenderer()
    else:
        last = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty(), pad_event_to=0)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redacted,
            last,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("procession").setLevel(level.upper())
    if level != "debug":
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.WARNING)
    # Warnings of Python are lines as well.
    logging.captureWarnings(True)
