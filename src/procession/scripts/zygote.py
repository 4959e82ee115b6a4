"""The process that cages are forked from: it has the engine and a few contexts ready, and runs no script itself.

`w` on its socket gives a cage that is ready, with its socket and its process id. `r` and a process id ends a cage,
reaps it and answers how it ended (as of wait(2)): until then the id belongs to nobody else, so the pool may kill by it.
It ends when the pool does.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import struct
import sys

from procession.scripts import seccomp
from procession.scripts.cage import SPARES, confine, serve
from procession.scripts.realm import Realm

PID = struct.Struct("<i")


def main() -> None:
    """Serves the pool: `python -c ... FD SPARE CEILING`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    keep, ceiling = int(sys.argv[2]), int(sys.argv[3])
    realms = [Realm() for _ in range(SPARES)]
    gc.collect()
    gc.freeze()
    ready: list[tuple[int, socket.socket]] = []
    while True:
        while len(ready) < keep:
            ready.append(_forked(ceiling, realms))
        asked = control.recv(1)
        if not asked:
            for pid, _ in ready:
                os.kill(pid, signal.SIGKILL)
            return
        if asked == b"w":
            pid, near = ready.pop() if ready else _forked(ceiling, realms)
            socket.send_fds(control, [PID.pack(pid)], [near.fileno()])
            near.close()
        else:
            (pid,) = PID.unpack(control.recv(PID.size, socket.MSG_WAITALL))
            os.kill(pid, signal.SIGKILL)
            control.sendall(PID.pack(os.waitpid(pid, 0)[1]))


def _forked(ceiling: int, realms: list[Realm]) -> tuple[int, socket.socket]:
    """A cage: its process id, and the pool's end of its socket."""
    near, far = socket.socketpair()
    pid = os.fork()
    if pid:
        far.close()
        return pid, near
    try:
        fd = far.detach()
        os.dup2(fd, 0)
        os.closerange(1, 4096)
        seccomp.die_with_parent(signal.SIGKILL)
        confine(ceiling)
        serve(0, realms)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
