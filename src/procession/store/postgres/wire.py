"""A connection on which several statements are one exchange: all are sent, then all answers are read.

psycopg's own pipeline does for each statement what this does once (its cursor, its transformations, a look at the
socket, for which every other thread of the process gets its turn): a commit's statements were half of what a commit
cost the process. What must not live here: SQL, and what an error means.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias, final

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait

from procession.store.postgres.arrays import packed
from procession.store.postgres.dialect import Statement

Statements: TypeAlias = "list[tuple[Statement, Sequence[object]]]"
Work: TypeAlias = "Sequence[tuple[Statement, Sequence[object]]]"
Rows: TypeAlias = "list[tuple[Any, ...]]"

_BINARY: Final = pq.Format.BINARY
_DONE: Final = pq.ExecStatus.COMMAND_OK
_FATAL: Final = pq.ExecStatus.FATAL_ERROR


@final
class _Call:
    """One statement on its way: its parameters as the server takes them."""

    __slots__ = ("formats", "kept", "name", "new", "sql", "types", "values")

    def __init__(self, statement: Statement, args: Sequence[object]) -> None:
        pairs = [packed(arg) for arg in args]
        self.sql = statement.sql
        self.kept = statement.kept
        self.types = tuple(oid for oid, _ in pairs)
        self.values = [value for _, value in pairs]
        self.formats = [_BINARY] * len(pairs)
        self.name = b""
        self.new = False


@final
class Wire(psycopg.Connection[tuple[Any, ...]]):
    """A connection, and the statements that are prepared on it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._rows = Transformer(self)

    def exchange(self, work: Work) -> list[Rows]:
        """Sends statements together, and gives the rows of each. The first that fails is raised, as psycopg's error;
        those behind it are not carried out.

        Outside of a transaction they are one: nothing is stored unless the last has gone well.
        """
        # All that Python itself refuses it refuses before anything is sent.
        calls = [_Call(statement, args) for statement, args in work]
        self._named(calls)
        try:
            results, error = self.wait(self._sent(calls))
        except BaseException:
            # Answers may be on their way that nobody reads any more.
            with suppress(psycopg.Error):
                self.close()
            raise
        if error is not None:
            raise error
        return [self._rows_of(result) for result in results]

    def _named(self, calls: Sequence[_Call]) -> None:
        new: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        for call in calls:
            if not call.kept:
                continue
            key = (call.sql, call.types)
            known = self._names.get(key) or new.get(key)
            if known is None:
                call.new = True
                known = new[key] = b"p%d" % (len(self._names) + len(new))
            call.name = known

    def _sent(self, calls: Sequence[_Call]) -> PQGen[tuple[list[pq.abc.PGresult], psycopg.Error | None]]:
        server = self.pgconn
        server.enter_pipeline_mode()
        for call in calls:
            if call.new:
                server.send_prepare(call.name, call.sql, call.types)
            if call.name:
                server.send_query_prepared(call.name, call.values, call.formats, _BINARY)
            else:
                server.send_query_params(call.sql, call.values, call.types, call.formats, _BINARY)
        server.pipeline_sync()
        while server.flush():
            if (yield Wait.RW) & Ready.R:
                # A server that cannot get rid of its answers reads no more.
                server.consume_input()
        failed: list[psycopg.Error] = []
        try:
            results = yield from self._read(calls, failed)
        except psycopg.OperationalError as gone:
            # A server that ends itself says why before it closes the connection.
            if failed:
                raise failed[0] from gone
            raise
        return results, failed[0] if failed else None

    def _read(self, calls: Sequence[_Call], failed: list[psycopg.Error]) -> PQGen[list[pq.abc.PGresult]]:
        """The results of statements. Adds what failed: behind one that did, all others are said to be aborted."""
        results: list[pq.abc.PGresult] = []
        for call in calls:
            if call.new and (yield from self._answer(failed)).status == _DONE:
                self._names[call.sql, call.types] = call.name
            results.append((yield from self._answer(failed)))
        while (yield from self._answer(failed)).status == _FATAL:
            pass  # found only when all was carried out; that it was comes behind it
        self.pgconn.exit_pipeline_mode()
        return results

    def _answer(self, failed: list[psycopg.Error]) -> PQGen[pq.abc.PGresult]:
        """The next answer of the server. Raises `OperationalError` when there will be none."""
        server = self.pgconn
        while True:
            while server.is_busy():
                if (yield Wait.R) & Ready.R:
                    server.consume_input()
            result = server.get_result()
            if result is None:
                continue  # stands between the answers to two statements
            if server.status == pq.ConnStatus.BAD:
                raise _error(result)
            if result.status == _FATAL:
                failed.append(_error(result))
            return result

    def _rows_of(self, result: pq.abc.PGresult) -> Rows:
        if not result.ntuples:
            return []
        self._rows.set_pgresult(result)
        return self._rows.load_rows(0, result.ntuples, tuple)


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    if result.error_field(pq.DiagnosticField.SQLSTATE):
        return error_from_result(result)
    # libpq's own words: the connection is gone.
    return psycopg.OperationalError(result.get_error_message())
