"""A cage: the process that runs scripts of one group, and what it can still do. It never sees another group's.

It has one socket, to the pool, and answers one frame at a time. No thread, no file, no network, no other process:
`confine` gives all of it away before the first script comes.
"""

from __future__ import annotations

import os
import resource
import select
from collections import OrderedDict
from time import process_time_ns
from typing import Final

from procession.scripts import seccomp, wire
from procession.scripts.realm import Realm

REALMS: Final = 16
"""Scripts that a cage keeps compiled."""
SPARES: Final = 4
"""Contexts that are ready, so that a new script waits for none: made before the fork, then while nothing is asked."""
_IDLE_S: Final = 0.002
_CHUNK: Final = 65536


def confine(ceiling: int) -> None:
    """Gives away what a script never needs. `ceiling` is how many bytes of addresses the process may add to its own."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: used + ceiling,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))
    os.environ.clear()
    seccomp.enter()


def serve(fd: int, spares: list[Realm]) -> None:
    """Answers frames until the pool closes its end."""
    realms: OrderedDict[bytes, Realm] = OrderedDict()
    while True:
        got = os.read(fd, _CHUNK)
        if len(got) < wire.ASK.size:
            got += _exactly(fd, wire.ASK.size - len(got))
        if len(got) < wire.ASK.size:
            return
        key, seconds, at, memory, output, said, seed, n_code, n_context, n_input, is_module = wire.ASK.unpack_from(got)
        missing = wire.ASK.size + n_code + n_context + n_input - len(got)
        body = (got + _exactly(fd, missing) if missing else got)[wire.ASK.size :]
        start = process_time_ns()
        realm = realms.get(key)
        status, value = wire.DONE, ""
        if realm is None:
            if n_code == 0:
                _answer(fd, wire.UNKNOWN, start, "", "")
                continue
            realm = spares.pop() if spares else Realm()
            status, value = realm.load(body[:n_code].decode("utf-8", "replace"), bool(is_module), seconds, memory)
            if status == wire.DONE:
                realms[key] = realm
        if status == wire.DONE:
            limits = {"seconds": seconds, "memory": memory, "output": output, "said": said}
            status, value = realm.run(
                body[n_code + n_context :].decode("utf-8", "replace"),
                body[n_code : n_code + n_context].decode("utf-8", "replace"),
                at,
                seed,
                **limits,
            )
        _answer(fd, status, start, value, realm.said())
        if status in wire.LAST:
            realms.pop(key, None)
        else:
            realms.move_to_end(key)
        while len(realms) > REALMS:
            realms.popitem(last=False)
        # Not at once: whoever waits for the answer may want this very processor.
        while len(spares) < SPARES and not select.select((fd,), (), (), _IDLE_S)[0]:
            spares.append(Realm())


def _answer(fd: int, status: int, start: int, value: str, said: str) -> None:
    out, heard = value.encode("utf-8", "replace"), said.encode("utf-8", "replace")
    spent = min((process_time_ns() - start) // 1000, 0xFFFFFFFF)
    frame = wire.ANSWER.pack(status, spent, len(out), len(heard)) + out + heard
    sent = os.write(fd, frame)
    while sent < len(frame):
        sent += os.write(fd, frame[sent:])


def _exactly(fd: int, size: int) -> bytes:
    """So many bytes; fewer, b"" in the end, when the other side has closed."""
    parts: list[bytes] = []
    while size:
        got = os.read(fd, min(size, _CHUNK))
        if not got:
            return b""
        parts.append(got)
        size -= len(got)
    return b"".join(parts)
