"""The broker of a storm, as a command that may be killed and started again: what it was told it keeps in files."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

RABBIT: Final = "/usr/lib/rabbitmq/bin/rabbitmq-server"
KINDS: Final = ("redis", "rabbitmq")


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def broker(kind: str, folder: Path) -> tuple[str, list[str], dict[str, str]]:
    """What Celery takes as its broker, the command, and what its environment has besides."""
    port = free_port()
    if kind == "redis":
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
        return f"redis://127.0.0.1:{port}/0", ["redis-server", *where, "--save", "", "--appendonly", "yes"], {}
    inner = free_port()
    (folder / "plugins").write_text("[].")
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{port}\nlog.file.level = warning\n")
    # Without the daemon for names, which would outlive it, and on one of two cores.
    erlang = f"-start_epmd false -erl_epmd_port {inner} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
    names = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"storm{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(inner),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
    }
    return f"amqp://guest:guest@127.0.0.1:{port}//", [RABBIT], names
