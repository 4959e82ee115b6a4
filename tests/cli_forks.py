"""The command line in processes that are forked, not started: what it imports is there already.

`commands` gives a folder with a `procession` that hands its arguments, folder, environment and streams to a process
that has the command line loaded; passes on signals; and ends as the command did. One that is killed takes the command
with it a moment later, so tests of that start theirs as usual.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shlex
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

LOADED: Final = (
    "procession.cli.app",
    "procession.compile.compiler",
    "procession.hosts.embedded.engine",
    "procession.testing.scenario_reader",
    "procession.web.app",
    "typer._adapters",
)
_SIZE: Final = struct.Struct("<I")
_STATUS: Final = struct.Struct("<i")
_CLIENT: Final = """
import json, os, signal, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
asked = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [struct.pack("<I", len(asked))], [0, 1, 2])
server.sendall(asked)
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: server.send(bytes([number])))
code = os.waitstatus_to_exitcode(struct.unpack("<i", server.recv(4))[0])
if code < 0:
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextmanager
def commands(folder: Path) -> Iterator[Path]:
    """The folder with the command, as long as the block lasts."""
    client, at = folder / "client.py", folder / "socket"
    client.write_text(_CLIENT, encoding="utf-8")
    (folder / "bin").mkdir()
    command = folder / "bin" / "procession"
    words = shlex.join([sys.executable, "-IS", str(client), str(at), "procession"])
    command.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    server = subprocess.Popen(
        [sys.executable, __file__, str(at)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        assert server.stdout.readline() == "ready\n"
        yield folder / "bin"
        # It ends when nobody holds its input any more.
        server.stdin.close()


def _serve(at: str) -> None:
    """Forks a keeper for each command that comes, until the input ends. Comes back in the process of a command."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(at)
    listening.listen(64)
    for name in LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        if sys.stdin in select.select([listening, sys.stdin], [], [])[0]:
            os._exit(0)
        asked, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _begin(asked)
            return
        asked.close()


def _begin(asked: socket.socket) -> None:
    """Forks the command, which this comes back in, and keeps it."""
    head, streams, _, _ = socket.recv_fds(asked, _SIZE.size, 3)
    text = asked.recv(_SIZE.unpack(head)[0], socket.MSG_WAITALL)
    command = os.fork()
    if command:
        for stream in (0, 1, 2, *streams):
            os.close(stream)
        _keep(asked, command)
    asked.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv[:], folder, environment = json.loads(text)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()


def _keep(asked: socket.socket, command: int) -> NoReturn:
    """Passes on signals until the command ends, and tells how it did."""
    ends = os.pidfd_open(command)
    while ends not in select.select([asked.fileno(), ends], [], [])[0]:
        numbers = asked.recv(1)
        signal.pidfd_send_signal(ends, numbers[0] if numbers else signal.SIGKILL)
        if not numbers:
            os._exit(0)
    asked.sendall(_STATUS.pack(os.waitpid(command, 0)[1]))
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
    from procession.cli.main import main

    main()
