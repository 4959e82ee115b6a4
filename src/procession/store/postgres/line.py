"""A line: the connection on which one shard's commits go, each in one round trip.

A commit whose answer is lost is settled before anything else is said of it: the shard's row counts commits (`turn`), so
the server tells whether that one is stored, and from then on refuses it should it still be on its way. What must not
live here: which statements a commit has (store.py).
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Final, final

import psycopg

from procession.base.failure import StoreError
from procession.runtime.ports import Doubtful, Fence, Fenced
from procession.store.faults import armed, reached
from procession.store.postgres.dialect import Statement, load
from procession.store.postgres.errors import FAULTS, FENCED, STALE, UNIQUE, explained, lost
from procession.store.postgres.session import Connection, Sessions, closed, run, usable
from procession.store.postgres.wire import Work

PATIENCE_S: Final = 10.0
"""How long it is tried to learn what became of a commit, while the server does not answer."""
STRIDE: Final = 1 << 20
"""What settling adds to the turn: however often it is repeated, the rest still says whether the commit is in it."""

_SHARD: Final = load("shard.sql")
_BEGIN: Final = Statement("BEGIN")
_COMMIT: Final = Statement("COMMIT")


@final
class Line:
    """One shard's. `commit` is called by one thread at a time, the shard's owner."""

    __slots__ = ("_connection", "_doubtful", "_lock", "_patience", "_sessions", "_shard", "_turn")

    def __init__(self, sessions: Sessions, shard: int, patience_s: float) -> None:
        self._sessions = sessions
        self._shard = shard
        self._patience = patience_s
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._turn: int | None = None
        self._doubtful = False

    def commit(self, fence: Fence, work: Work) -> None:
        """See `Store.commit`."""
        with self._lock:
            alone = fence.turn < 0
            if self._doubtful and alone:
                raise Fenced(f"{self._sessions.name}: what became of the last commit is not known: take the shard anew")
            # What is certain not to be stored is sent once more: a server that was restarted costs nobody anything.
            # Not where others write, too: what they committed meanwhile has not been seen.
            refused = self._sent(fence, work)
            if refused and alone:
                refused = self._sent(fence, work)
            if refused:
                raise refused

    def taken(self) -> None:
        """The shard is under a new epoch: what was doubtful can happen no more."""
        with self._lock:
            self._turn = None
            self._doubtful = False

    def enter(self) -> None:
        """See `Gate.enter`. Who cannot wait, or loses the connection, goes in all the same: the turn is what counts."""
        self._gate("gate_enter")

    def leave(self) -> None:
        """See `Gate.leave`."""
        self._gate("gate_leave")

    def _gate(self, statement: str) -> None:
        with self._lock, suppress(*FAULTS):
            run(self._ready().cursor(binary=True), _SHARD[statement], (self._shard,))

    def close(self) -> None:
        """Lets the connection go; another commit would make a new one."""
        with self._lock:
            if self._connection is not None:
                closed(self._connection)
            self._connection = None
            self._turn = None

    def _sent(self, fence: Fence, work: Work) -> StoreError | None:
        """None when it is stored. An error is given, not raised, when nothing is and it may go well another time."""
        name = self._sessions.name
        try:
            connection, turn = self._begun()
            # Who is not alone says himself what he saw last; should the shard be further, nothing is stored.
            turn = turn if fence.turn < 0 else fence.turn
        except FAULTS as error:
            raise explained(name, error) from error  # nothing was sent
        try:
            self._send(connection, fence, turn, work)
        except FAULTS as error:
            if lost(error):
                return self._settle(fence, turn, error)
            usable(connection)
            return self._refused(error, fence, turn)
        except BaseException:
            # The thread was interrupted: it may be stored or not, but not any more when the state is read anew.
            with suppress(StoreError):
                self._settle(fence, turn, InterruptedError())
            raise
        self._turn = turn + 1
        return None

    def _send(self, connection: Connection, fence: Fence, turn: int, work: Work) -> None:
        claim = (fence.last_key, fence.expires, fence.shard, fence.epoch, turn)
        rows = [(_BEGIN, ()), (_SHARD["shard_fence"], claim), *work]
        if armed("in-commit"):
            connection.exchange(rows)
            reached("in-commit")
            rows = []
        connection.exchange([*rows, (_COMMIT, ())])

    def _refused(self, error: Exception, fence: Fence, turn: int) -> StoreError:
        """What the server said, if that is about the turn alone; anything else is raised."""
        name = self._sessions.name
        state = getattr(error, "sqlstate", "")
        if state == FENCED:
            try:
                self._turn, epoch = self._read(self._ready())
            except FAULTS as again:
                raise explained(name, again) from again
            if epoch == fence.epoch and self._turn != turn:
                return Fenced(f"{name}: somebody else writes shard {fence.shard} under the same epoch")
            self._turn = None
            raise Fenced(f"{name}: another process took over shard {fence.shard}") from error
        if state == STALE:
            raise Fenced(f"{name}: an instance is not where its owner left it") from error
        if state == UNIQUE and isinstance(error, psycopg.Error):
            table = error.diag.table_name or ""
            if table.startswith("procession_fact"):
                raise Fenced(f"{name}: an instance was written by somebody else ({error})") from error
        raise explained(name, error) from error

    def _settle(self, fence: Fence, turn: int, error: Exception) -> StoreError | None:
        """None if the commit is stored, an error if it is not. Raises `Doubtful` when nobody can tell."""
        self._doubtful = True
        settled = self._settled(fence, error)
        if settled is None or (settled - turn) % STRIDE > 1:
            # Somebody else has the shard, and may have committed since.
            raise self._doubt(error) from error
        after = (settled - turn) % STRIDE
        self._turn = settled
        self._doubtful = False
        return None if after else StoreError(f"{explained(self._sessions.name, error)}; nothing was stored")

    def _settled(self, fence: Fence, error: Exception) -> int | None:
        """The turn from which on nothing comes any more that was sent before; None under another epoch."""
        deadline = time.monotonic() + self._patience
        pause = 0.02
        while True:
            try:
                cursor = self._ready(anew=True).cursor(binary=True)
                row = run(cursor, _SHARD["shard_settle"], (STRIDE, fence.shard, fence.epoch)).fetchone()
                return None if row is None else int(row[0])
            except FAULTS as again:
                if time.monotonic() > deadline:
                    # What the server said last tells more than that it is gone.
                    raise self._doubt(error if getattr(error, "sqlstate", None) else again) from error
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def _doubt(self, error: Exception) -> Doubtful:
        return Doubtful(
            f"{explained(self._sessions.name, error)}; whether the last commit was stored is not known: look before "
            "you repeat what you asked for"
        )

    def _ready(self, *, anew: bool = False) -> Connection:
        connection = self._connection
        if connection is not None and (anew or not usable(connection)):
            closed(connection)
            connection = self._connection = None
        if connection is None:
            connection = self._connection = self._sessions.engine(f"{{{self._shard}}}")
        return connection

    def _begun(self) -> tuple[Connection, int]:
        """The connection, and the turn of the next commit: asked for again if the connection turns out to be gone."""
        connection = self._ready()
        if self._turn is not None:
            return connection, self._turn
        try:
            return connection, self._read(connection)[0]
        except FAULTS as error:
            if not lost(error):
                raise
        connection = self._ready(anew=True)
        return connection, self._read(connection)[0]

    def _read(self, connection: Connection) -> tuple[int, int]:
        """The turn and the epoch of the shard."""
        row = run(connection.cursor(binary=True), _SHARD["shard_turn"], (self._shard,)).fetchone()
        if row is None:
            raise StoreError(f"{self._sessions.name}: the store has no shard {self._shard}")
        return int(row[0]), int(row[1])
