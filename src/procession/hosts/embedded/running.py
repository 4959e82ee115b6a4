"""Running: how an engine goes on, in the thread of a caller or served by threads of its own (serving.py)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from procession.base.failure import Conflict
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.pumps import Pumps
from procession.hosts.embedded.serving import Serving, asked_to_end

REST_S: Final = 0.05
"""Longest sleep before it is looked again whether something is due."""


LOOK_S_MIN: Final = 0.002
"""Shortest pause before it is looked again whether workers elsewhere are done."""


@final
class Running:
    """One engine's going on. With a `virtual` clock nothing is waited for: only who moves the clock makes it pass."""

    __slots__ = ("_crew", "_pumps", "_serving", "_virtual")

    def __init__(self, pumps: Pumps, crew: Crew, *, virtual: bool) -> None:
        self._pumps = pumps
        self._crew = crew
        self._virtual = virtual
        self._serving: Serving | None = None

    def until_idle(self, timeout: float | None, until: Callable[[], bool] | None) -> bool:
        """See `Engine.run_until_idle`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if until is not None and until():
                return True
            self._pumps.keep()
            busy = self._pumps.turn()
            busy = self._crew.round() or busy
            if deadline is not None and time.monotonic() > deadline:
                return False
            if not busy and not self._rest(deadline):
                return until is None

    def _rest(self, deadline: float | None) -> bool:
        """Sleeps until something may be due. False when nothing will be, or the clock is not the machine's."""
        if deadline is None or self._virtual:
            return False
        due = self._pumps.next_due()
        left = deadline - time.monotonic()
        # What goes on elsewhere comes back without being due here.
        if left <= 0 or (due is None and self._pumps.owned and self._pumps.placement is None):
            return False
        pause = REST_S if due is None else max(0.001, (due - self._pumps.clock()) / 1000)
        time.sleep(min(left, pause, REST_S))
        return True

    def serve(self, threads: int, *, foreground: bool) -> None:
        """See `Engine.serve`."""
        if self._serving is not None:
            raise Conflict("the engine is serving already")
        if not foreground:
            serving = self._serving = Serving(self._pumps, self._crew, threads)
            serving.start()
            return
        with asked_to_end() as asked:
            serving = self._serving = Serving(self._pumps, self._crew, threads, asked)
            serving.start()
            # A wait without an end cannot be interrupted on every system.
            while not asked.wait(0.5):
                continue
        self.stop()

    def stop(self) -> None:
        """See `Engine.stop`."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.stop()

    def wait_until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """See `Engine.wait_until`."""
        if self._pumps.together:
            return self._looked_for(condition, timeout)
        if self._serving is None and self._pumps.owned:
            return self.until_idle(timeout, condition) and condition()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._pumps.bell.generation
            if condition():
                return True
            if self._serving is None and self._pumps.turn():
                continue  # the owner is gone, and this process took its place
            if deadline is not None and time.monotonic() >= deadline:
                return False
            # Another process may be the one that moves it on, so never longer than this.
            self._pumps.bell.wait(seen, 0.02)

    def _looked_for(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Waits for what workers elsewhere do: this process takes no turn of theirs."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = LOOK_S_MIN
        while not condition():
            left = pause if deadline is None else min(pause, deadline - time.monotonic())
            if left <= 0:
                return False
            self._pumps.bell.wait(self._pumps.bell.generation, left)
            pause = min(1.2 * pause, REST_S)
        return True
