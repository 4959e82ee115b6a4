"""The store on PostgreSQL (docs/design/0014): shards commit side by side, each on a line of its own.

Nothing here knows what a row means. What must not live here: how a connection is made (session.py), what becomes of a
commit whose answer is lost (line.py), and SQL.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar, cast, final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from procession.base.failure import Conflict, StoreError
from procession.runtime.ports import TABLES, Batch, Cells, Fence, ForeignTransaction, Gate, Moved, Reads, Tenants
from procession.runtime.search import Search
from procession.store.answers import only_number, rows_of
from procession.store.faults import reached
from procession.store.postgres.arrays import plain
from procession.store.postgres.dialect import Statement, fragments, load
from procession.store.postgres.errors import FAULTS, explained, lost, plain_errors
from procession.store.postgres.line import PATIENCE_S, Line
from procession.store.postgres.schema import has_roles, prepare
from procession.store.postgres.session import ALL, API, LOCK_MS, Connection, Pool, Sessions, closed, run
from procession.store.postgres.watch import QUIET_S, Watch
from procession.store.postgres.wire import Rows, Statements
from procession.store.search import statements_of

READERS: Final = 8
"""Connections of questions at a time; as many again where tenants' questions have a user of their own."""
DESKS: Final = 2
"""Connections of what is written without owning a shard."""

_Row = TypeVar("_Row")
_READS: Final = load("reads.sql")
_WRITES: Final = load("writes.sql")
_SHARD: Final = load("shard.sql")
_FREE: Final = load("free.sql")
_SEARCH: Final = fragments("search.sql")
_ORDER: Final = {table: number for number, table in enumerate(TABLES)}
_INSERTS: Final = {table: _WRITES[f"{table}_insert"] for table in TABLES}
_DELETES: Final = {table: _WRITES[f"{table}_delete"] for table in TABLES if f"{table}_delete" in _WRITES}
_BEGIN: Final = Statement("BEGIN")
_COMMIT: Final = Statement("COMMIT")


@final
class PostgresStore:
    """A `runtime.ports.Store` on a PostgreSQL database. Opening creates or migrates the schema."""

    def __init__(
        self,
        url: str,
        *,
        api_url: str = "",
        readers: int = READERS,
        patience_s: float = PATIENCE_S,
        lock_ms: int = LOCK_MS,
        setup: bool = True,
        shards: int = 1,
    ) -> None:
        """`url` is what libpq takes (`postgresql://user@host/database`). With an `api_url` what a tenant sees is read
        by the user it names, who should have the role procession_api and nothing else. `patience_s` is how long the
        fate of a commit is asked for when the server is gone, `lock_ms` how long a statement waits for others. Without
        `setup` the schema is taken as it is; a new one is divided in so many `shards`.

        Raises `StoreError` when the database cannot be used, or was made by a newer version.
        """
        self._sessions = Sessions(url, lock_ms)
        self._url = url
        name = self._sessions.name
        with plain_errors(name):
            connection = self._sessions.plain()
            try:
                if setup:
                    prepare(connection, name, shards=shards)
                self._sessions.roles = has_roles(connection)
            finally:
                closed(connection)
        self._readers = Pool(name, self._sessions.reader, readers)
        self._desks = Pool(name, self._desk, DESKS)
        self._seers = Pool(name, Sessions(api_url).api, readers) if api_url else None
        self._patience = patience_s
        self._lines: dict[int, Line] = {}
        self._lock = threading.Lock()
        self._closed = False
        self.watch = Watch(self._sessions)
        self._notified: dict[int, float] = {}
        """Shard -> when this process last woke its owner."""

    @property
    def name(self) -> str:
        """The URL, without its password."""
        return self._sessions.name

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """See `Store.read`."""
        return rows_of(self._asked_of_all(_SHARD.get(query) or _READS[query], args), row, self.name, query)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """See `Reads.search`."""
        return self._found(question, row, self._asked_of_all)

    def seen_by(self, tenant: str) -> Reads:
        """See `Store.seen_by`. Where the roles are missing the statements alone keep tenants apart."""
        return _Seen(self, tenant) if self._sessions.roles or self._seers is not None else self

    def read_as(self, tenant: str, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """`read`, of what the database shows to the role `procession_api` for this tenant."""
        return rows_of(self._asked_as(tenant, _READS[query], args), row, self.name, query)

    def search_as(self, tenant: str, question: Search, row: type[_Row]) -> list[_Row]:
        """`search`, of what the database shows to the role `procession_api` for this tenant."""
        return self._found(question, row, partial(self._asked_as, tenant))

    def _found(self, question: Search, row: type[_Row], asked: Callable[[Statement, Cells], Rows]) -> list[_Row]:
        found: list[_Row] = []
        for sql, args in statements_of(question, _SEARCH):
            # Every combination is another text: kept ones would only fill the server's memory.
            rows = asked(Statement(sql, kept=False), args)
            found += rows_of(rows, row, self.name, f"the search of {question.kind}")
        return found

    def _asked_of_all(self, statement: Statement, args: Cells) -> Rows:
        return self._asked(self._readers, lambda connection: connection.exchange([(statement, plain(args))])[0])

    def _asked_as(self, tenant: str, statement: Statement, args: Cells) -> Rows:
        seers = self._seers
        begun = (_SHARD["seen_tenant"], (tenant,)) if seers is not None else (_SHARD["seen_as"], (API, tenant))
        # What is sent together outside of a transaction is one: whose rows are seen ends with it, also behind a pooler.
        work = [begun, (statement, plain(args))]
        return self._asked(seers or self._readers, lambda connection: connection.exchange(work)[1])

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Store.write`."""
        self._many(_FREE[statement], rows)

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """See `Store.sealed`."""
        return data

    def commit(self, fence: Fence, batch: Batch) -> None:
        """See `Store.commit`. Shards commit side by side."""
        reached("before-commit")
        self._line(fence.shard).commit(fence, _work(batch))
        reached("after-commit")

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        """See `Store.take`."""
        args = plain((owner, expires, shard, epoch))
        # Asked twice, it is not given twice: then it is ours, and will be taken once more.
        taken = bool(self._asked(self._desks, lambda desk: run(desk.cursor(), _SHARD["shard_take"], args).fetchall()))
        if taken:
            self._line(shard).taken()
        return taken

    def renew(self, owner: str, expires: int) -> None:
        """See `Store.renew`."""
        with plain_errors(self.name), self._desks.borrow() as desk:
            run(desk.cursor(), _SHARD["shards_renew"], (expires, owner))

    def release(self, shard: int, epoch: int) -> None:
        """See `Store.release`."""
        with self._lock:
            line = self._lines.pop(shard, None)
        if line is not None:
            line.close()
        self._many(_SHARD["shard_release"], [(shard, epoch)])

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        """See `Store.post`. The owner of the shard is woken, unless this process just did that."""
        if transaction is not None:
            with plain_errors(self.name):
                for row in rows:
                    transaction.execute(_WRITES["inbox_post_one"].foreign, plain(row))
                    transaction.execute(_SHARD["notify"].foreign, (str(row[1]),))
            return
        self._many(_WRITES["inbox_post"], rows, wake={cast("int", row[1]) for row in rows})

    def hold(self, rows: Sequence[Cells]) -> None:
        """See `Store.hold`."""
        self._many(_WRITES["inbox_hold"], rows)

    def confirm(self, places: Sequence[Cells]) -> None:
        """See `Store.confirm`."""
        self._many(_WRITES["inbox_confirm"], places)

    def withdraw(self, places: Sequence[Cells]) -> None:
        """See `Store.withdraw`."""
        self._many(_WRITES["inbox_withdraw"], places)

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        """See `Store.reserve`."""
        self._same_database(shard, transaction)
        with plain_errors(self.name):
            for row in transaction.execute(_SHARD["shard_reserve"].foreign, (floor, shard)):
                return only_number(row)
        raise StoreError(f"{self.name}: the store has no shard {shard}")

    def gate(self, shard: int) -> Gate:
        """See `Store.gate`: a lock of the session in which the shard is written, so it ends with that."""
        return self._line(shard)

    def changed(self) -> bool:
        """See `Store.changed`. Costs no statement: the watch hears of changes, and looks itself now and then."""
        return self.watch.changed()

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """See `Store.listen`. What it calls returns at once, and raises nothing."""
        self.watch.listen(asked, moved)

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """See `Store.tell`."""
        with plain_errors(self.name), self._desks.borrow() as desk:
            run(desk.cursor(), _SHARD["tell"], (self.watch.words(moved),))

    def backup(self, target: Path) -> None:
        """See `Store.backup`: `pg_dump` writes its custom format, which `pg_restore` reads."""
        if target.exists():
            raise StoreError(f"{target} exists already; a backup never overwrites")
        program = shutil.which("pg_dump")
        if program is None:
            raise StoreError(
                f"{self.name}: a database is backed up by PostgreSQL's own programs: install pg_dump, or run "
                "pg_basebackup on the server"
            )
        password = conninfo_to_dict(self._url).get("password")
        part = target.with_name(f"{target.name}.part")
        command = [program, "--format=custom", f"--file={part}", f"--dbname={_without_password(self._url)}"]
        done = subprocess.run(
            command,
            env={**os.environ, **({"PGPASSWORD": str(password)} if password else {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            part.unlink(missing_ok=True)
            raise StoreError(f"{self.name}: pg_dump failed: {done.stderr.strip() or done.returncode}")
        part.rename(target)

    def close(self) -> None:
        """See `Store.close`."""
        self.watch.close()
        with self._lock:
            self._closed = True
            lines, self._lines = self._lines, {}
        for line in lines.values():
            line.close()
        for pool in (self._readers, self._desks, self._seers):
            if pool is not None:
                pool.close()

    # --- private

    def _desk(self) -> Connection:
        return self._sessions.engine(ALL)

    def _line(self, shard: int) -> Line:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.name}: the store is closed, and the engine that used it")
            line = self._lines.get(shard)
            if line is None:
                line = self._lines[shard] = Line(self._sessions, shard, self._patience)
            return line

    def _asked(self, pool: Pool, ask: Callable[[Connection], Rows]) -> Rows:
        """Asks; once more if the connection turns out to be gone, for nothing was changed."""
        try:
            try:
                with pool.borrow() as connection:
                    return ask(connection)
            except FAULTS as error:
                if not lost(error):
                    raise
            pool.forget()
            with pool.borrow() as connection:
                return ask(connection)
        except FAULTS as error:
            raise explained(self.name, error) from error

    def _many(self, statement: Statement, rows: Sequence[Cells], wake: set[int] | None = None) -> None:
        """One statement for many rows, in a transaction of its own that needs no ownership. Its statements may be
        repeated, so that a lost connection is no more than that."""
        if not rows:
            return

        def tell(connection: Connection) -> Rows:
            woken = [shard for shard in sorted(wake or ()) if self._is_quiet(shard)]
            work = [(statement, args) for args in _calls(statement, rows)]
            work += [(_SHARD["notify"], (str(shard),)) for shard in woken]
            connection.exchange([(_BEGIN, ()), *work, (_COMMIT, ())])
            return []

        self._asked(self._desks, tell)

    def _is_quiet(self, shard: int) -> bool:
        """Whether the owner of a shard may be asleep: after a notification he looks by himself for a while."""
        now = time.monotonic()
        quiet = now - self._notified.get(shard, -1.0) >= QUIET_S
        if quiet:
            self._notified[shard] = now
        return quiet

    def _same_database(self, shard: int, transaction: ForeignTransaction) -> None:
        try:
            for _ in transaction.execute(_SHARD["shard_there"].foreign, (shard,)):
                return
        except psycopg.Error as error:
            if error.sqlstate != "42P01":
                raise explained(self.name, error) from error
        except Exception as error:  # a connection of another library, to another kind of database
            raise Conflict(f"{self.name}: the connection is no psycopg connection to this database: {error}") from error
        raise Conflict(f"{self.name}: the connection is one to another database: give one to this one")


@final
class _Seen:
    """What a tenant sees of the store."""

    __slots__ = ("_store", "_tenant")

    def __init__(self, store: PostgresStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    @property
    def name(self) -> str:
        return self._store.name

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        return self._store.read_as(self._tenant, query, args, row)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        return self._store.search_as(self._tenant, question, row)


def _work(batch: Batch) -> Statements:
    """The statements of a commit, in the order of `TABLES`; facts first."""
    work: Statements = []
    if batch.first:
        statement = _WRITES["fact_insert"]
        work.append((statement, statement.arrays(batch.first)))
    if batch.next:
        statement = _WRITES["fact_append"]
        work.append((statement, [*statement.arrays(batch.next), len(batch.next)]))
    for table in sorted(batch.tables, key=_ORDER.__getitem__):
        changes = batch.tables[table]
        if changes.new:
            _add(work, _INSERTS[table], list(changes.new.values()))
        for name, group in groupby(changes.changed, _first):
            for rows in _apart([row for _, row in group]):
                _add(work, _WRITES[name], rows)
        if changes.gone:
            _add(work, _DELETES[table], list(changes.gone.values()))
    return work


def _add(work: Statements, statement: Statement, rows: Sequence[Cells]) -> None:
    work += [(statement, args) for args in _calls(statement, rows)]


def _apart(rows: list[Cells]) -> list[list[Cells]]:
    """The same rows in groups in which none changes what another one changes: a statement changes a row once.

    What a row is found by stands at its end."""
    places = {row[-2:] for row in rows}
    if len(places) == len(rows):
        return [rows]
    groups: list[list[Cells]] = []
    seen: set[Cells] = set()
    for row in rows:
        if not groups or row[-2:] in seen:
            groups.append([])
            seen = set()
        groups[-1].append(row)
        seen.add(row[-2:])
    return groups


def _calls(statement: Statement, rows: Sequence[Cells]) -> list[Sequence[object]]:
    """The parameters of each execution: one for all rows where the statement takes columns."""
    if statement.columns:
        return [statement.arrays(rows)]
    return [plain(row) for row in rows]


def _first(change: tuple[str, Cells]) -> str:
    return change[0]


def _without_password(url: str) -> str:
    parts = {name: value for name, value in conninfo_to_dict(url).items() if name != "password"}
    return make_conninfo("", **parts)
