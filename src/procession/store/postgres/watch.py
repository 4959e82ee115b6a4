"""The watch: hears from the database when somebody asked a shard for something, and looks itself now and then.

What is true are the rows of the inbox. A notification wakes; should it be lost, the next look finds the row: soon after
a notification, within a second while there is traffic, and more and more seldom when there is none. What must not live
here: what is asked.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.runtime.ports import Moved, Tenants
from procession.store.postgres.dialect import load
from procession.store.postgres.errors import FAULTS, explained
from procession.store.postgres.schema import look_after_partitions
from procession.store.postgres.session import Connection, Sessions, closed, run

LOOK_S: Final = 1.0
"""Longest time until a row is found whose notification was lost, while there is traffic."""
LOOK_IDLE_S: Final = 5.0
"""The same when nothing was asked for a while."""
LOOK_AGAIN_S: Final = 0.15
"""Who asks again within `QUIET_S` does not notify again: so it is looked once more after this time."""
QUIET_S: Final = 0.05
LINGER_S: Final = 0.1
"""So long after a notification everybody looks without being told."""
RETRY_S: Final = 1.0
HOUSE_S: Final = 6 * 3_600.0
"""How often the partitions are looked after."""

PAYLOAD_MAX: Final = 7_900
"""What a notification holds, in bytes."""

_SHARD: Final = load("shard.sql")
_TOLD: Final = msgspec.json.Decoder(known(tuple[str, dict[int, list[str] | None]]))
_LOG: Final = logging.getLogger("procession")


@final
class Watch:
    """One process's, on a connection and a thread of its own; both begin when somebody first asks."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.name: Final = uuid.uuid4().hex[:12]
        """What this process tells others is told to it, too: by this it is known."""
        self._asked: list[Callable[[int], None]] = []
        self._others_moved: list[Moved] = []
        self._moved = 1
        """How often something came, or may have come."""
        self._linger = 0.0
        self._seen = 0
        self.statements = 0
        """How many statements it sent, for who counts them."""
        self._wake_out, self._wake_in = os.pipe()

    def changed(self) -> bool:
        """Whether something may have come for any shard since the last call."""
        self._begin()
        moved = self._moved
        news, self._seen = moved != self._seen, moved
        return news or time.monotonic() < self._linger

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """Calls back with the number of a shard for which something came (-1: any), or in which another process
        committed something; from another thread."""
        self._asked.append(asked)
        self._others_moved.append(moved)
        self._begin()

    def close(self) -> None:
        """Ends the thread. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        os.write(self._wake_in, b".")
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _begin(self) -> None:
        if self._begun():
            return
        with self._lock:
            if not self._closed and not self._begun():
                self._thread = threading.Thread(target=self._keep, name="procession-watch", daemon=True)
                self._thread.start()

    def _begun(self) -> bool:
        return self._thread is not None

    def _ended(self) -> bool:
        return self._closed

    def _keep(self) -> None:
        said = False
        while not self._closed:
            try:
                connection = self._sessions.reader()
            except FAULTS as error:
                if not said:
                    said = True
                    _LOG.warning("nobody is told of new requests: %s", explained(self._sessions.name, error))
                self._rest(RETRY_S)
                continue
            said = False
            try:
                self._attend(connection)
            except FAULTS:
                self._rest(0.05)
            finally:
                closed(connection)

    def _attend(self, connection: Connection) -> None:
        run(connection.cursor(), _SHARD["listen"])
        run(connection.cursor(), _SHARD["listen_moved"])
        # What came while nobody listened.
        self._tell(-1)
        pause, house = LOOK_S, time.monotonic() + HOUSE_S
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._wake_out, selectors.EVENT_READ)
            while not self._closed:
                ready = selector.select(pause)
                if self._ended():
                    return
                told = self._heard(connection) if ready else set[int]()
                if told is None:
                    continue  # only what others committed: nobody was asked for anything
                if told:
                    self._linger = time.monotonic() + LINGER_S
                    pause = LOOK_AGAIN_S
                else:
                    self.statements += 1
                    rows = run(connection.cursor(binary=True), _SHARD["inbox_shards"]).fetchall()
                    told = {shard for (shard,) in rows}
                    pause = LOOK_S if told or pause < LOOK_S else min(2 * pause, LOOK_IDLE_S)
                for shard in told:
                    self._tell(shard)
                if time.monotonic() > house:
                    house = time.monotonic() + HOUSE_S
                    self._look_after()

    def words(self, moved: Mapping[int, Tenants]) -> str:
        """What other processes are told of commits; where the tenants are too many to name, it is any."""
        told = {shard: sorted(tenants) if tenants is not None else None for shard, tenants in moved.items()}
        text = msgspec.json.encode((self.name, told)).decode()
        if len(text.encode()) > PAYLOAD_MAX:
            text = msgspec.json.encode((self.name, dict.fromkeys(told))).decode()
        return text

    def _heard(self, connection: Connection) -> set[int] | None:
        """The shards that were asked for something. What others committed is told at once; None if it was no more."""
        asked: set[int] = set()
        moved = False
        for note in connection.notifies(timeout=0):
            if note.channel == "procession_inbox":
                asked.add(int(note.payload))
                continue
            moved = True
            name, told = _TOLD.decode(note.payload)
            for shard, tenants in told.items() if name != self.name else ():
                for callback in self._others_moved:
                    callback(shard, frozenset(tenants) if tenants is not None else None)
        return asked or (None if moved else asked)

    def _look_after(self) -> None:
        connection = self._sessions.engine("*")
        try:
            look_after_partitions(connection)
        except FAULTS as error:
            _LOG.warning("partitions: %s", explained(self._sessions.name, error))
        finally:
            closed(connection)

    def _tell(self, shard: int) -> None:
        self._moved += 1
        for callback in self._asked:
            callback(shard)

    def _rest(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            selector.select(seconds)
