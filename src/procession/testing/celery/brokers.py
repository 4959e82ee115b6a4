"""Brokers as commands: for whoever starts one of its own, kills it, and starts it again. They listen on this machine
alone, and keep what they have in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["redis", "rabbitmq"]
RABBIT: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's; the one on the PATH wants another user."""


def url_of(kind: Kind, port: int) -> str:
    """What Celery takes as its broker."""
    return f"redis://127.0.0.1:{port}/0" if kind == "redis" else f"amqp://guest:guest@127.0.0.1:{port}//"


def redis_command(port: int, folder: Path, *settings: str) -> list[str]:
    """Redis, with arguments of its own."""
    where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    return ["redis-server", *where, "--save", "", *settings]


def rabbit_environment(port: int, inner: int, folder: Path, settings: Sequence[str] = ()) -> dict[str, str]:
    """What `RABBIT` is told by its environment, and by files that this writes; `settings` are lines of rabbitmq.conf.
    `inner` is the port of its own daemon for names: one of another user, or an old one, may have the usual one."""
    (folder / "plugins").write_text("[].")
    lines = [f"listeners.tcp.default = 127.0.0.1:{port}", "log.file.level = warning", *settings]
    (folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
    return {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"procession{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(inner),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        # One of two cores, and none that spins.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            f"-start_epmd false -erl_epmd_port {inner} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
        ),
    }
