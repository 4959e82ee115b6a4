"""The line to the broker on which the host's messages go: a pool of connections of its own, which try once.

Celery's own connections wait for a broker that is away, 2 s and then 4 s, whatever a single call says of `retry`. Who
sends in the middle of a step, or on the timer of a worker's main process, has a store from which all is sent again.
"""

from __future__ import annotations

import os
from typing import Any, Final
from weakref import WeakKeyDictionary

from celery import Celery
from kombu import pools

ANSWERS_S: Final = 4.0
"""How long a broker may take to accept a connection or a message."""
_ONCE: Final = {"interval_start": 0, "interval_step": 0, "interval_max": 0}
_PATIENCE: Final[dict[str, dict[str, float]]] = {
    "redis": {"socket_connect_timeout": ANSWERS_S, "socket_timeout": ANSWERS_S},
    "amqp": {"read_timeout": ANSWERS_S, "write_timeout": ANSWERS_S},
}
"""By the driver: without it, a broker that accepts and then says nothing is waited for without an end."""
_POOLS: Final[WeakKeyDictionary[Celery, tuple[int, Any]]] = WeakKeyDictionary()


def producers(app: Celery) -> Any:
    """The pool of producers of this process: `with producers(app).acquire(block=True) as producer`. What the app says
    in `broker_transport_options` goes before what is said here."""
    process, pool = _POOLS.get(app, (0, None))
    if process != os.getpid():
        pool = _opened(app)
        _POOLS[app] = os.getpid(), pool
    return pool


def _opened(app: Celery) -> Any:
    first: Any = app.connection_for_write()
    kind = str(first.transport.driver_type)
    hosts = len(first.alt or [""])
    options = {**_PATIENCE.get(kind, {}), **dict(app.conf.broker_transport_options or {})}
    # Each host of several is tried, and none of them twice.
    options |= {**_ONCE, "max_retries": hosts - 1}
    timeout = min(ANSWERS_S, app.conf.broker_connection_timeout or ANSWERS_S)
    connection: Any = app.connection_for_write(connect_timeout=timeout, transport_options=options)
    pool: Any = pools.producers[connection]
    pool.limit = app.pool.limit
    return pool
