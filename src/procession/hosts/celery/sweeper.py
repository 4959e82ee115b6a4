"""The sweeper's clock: in the main process of each worker, on its timer. The sweep itself is a task like others.

So an idle installation asks its store once in `sweep` seconds for each worker, and nothing in between.
"""

from __future__ import annotations

import logging
from typing import Any, Final, final

from celery import bootsteps

from procession.hosts.celery.courier import FAULTS, send
from procession.hosts.celery.names import ATTRIBUTE, SWEEP

_LOG: Final = logging.getLogger("procession")


@final
class Sweeper(bootsteps.StartStopStep):
    """Sends a sweep when the worker starts, and then again and again."""

    requires = ("celery.worker.components:Timer", "celery.worker.components:Pool")

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._entry: Any = None

    def start(self, parent: Any) -> None:
        """Celery's: the worker starts."""
        host = getattr(parent.app, ATTRIBUTE, None)
        if host is None:
            return
        every = host.options.sweep_ms / 1000

        def sweep() -> None:
            try:
                # Nobody needs an old one: when it is not taken in time the next one is there.
                send(parent.app, host.options, SWEEP, expires=every)
            except FAULTS as error:
                _LOG.info("no sweep now: the broker takes no messages (%s)", error)

        sweep()
        self._entry = parent.timer.call_repeatedly(every, sweep)

    def stop(self, parent: Any) -> None:
        """Celery's: the worker stops."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
