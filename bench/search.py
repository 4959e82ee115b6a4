"""Search in a large store: every documented filter by itself, and many combinations, drawn anew from a seed.

    python -m bench.search [--instances N] [--tasks N] [--facts N] [--rounds N] [--store PATH | --postgresql]

The rows are written by SQL: what is measured is reading. Targets: p95 of task lists and of instance searches ≤ 50 ms.
On PostgreSQL it is measured as the server reads for callers: in the role that sees one tenant.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import HELD
from procession.services.reading import Reader
from procession.services.searching import InstanceFilter, Page, Sight, TaskFilter
from procession.store.sqlite import SQLiteStore

TENANT: Final = "<default>"
BEGIN: Final = 1_767_225_600_000
STEP_MS: Final = 500
"""Between two starts."""
PROCESSES: Final = 20
VERSIONS: Final = 3
USERS: Final = 500
GROUPS: Final = 40
TARGET_MS: Final = 50.0
OFTEN: Final = 20
"""Searches of one combination from which on it has a percentile of its own."""

Write = Callable[[str, Iterable[tuple[Any, ...]]], Any]


def key_of(number: int) -> int:
    """The key of the nth instance."""
    return (number * STEP_MS << 12) + 1


def fill(write: Write, instances: int, tasks: int, facts: int) -> None:
    """Instances of which the last ones are active, with open tasks; and facts, as many as are asked for."""
    definitions = [
        (0, n + 1, f"process-{n // VERSIONS}", n % VERSIONS + 1, "x", "x", 1, "x", "", 0)
        for n in range(PROCESSES * VERSIONS)
    ]
    write("INSERT INTO procession_definition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", definitions)
    columns = ", ".join("?" * 12)
    write(f"INSERT INTO procession_instance VALUES ({columns}, 0)", _instances(instances, tasks))
    write("INSERT INTO procession_fact VALUES (?, ?, ?, ?, ?)", _facts(instances, facts))
    write("INSERT INTO procession_task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _tasks(instances, tasks))
    write("INSERT INTO procession_task_candidate VALUES (?, ?, ?, ?)", _candidates(instances, tasks))
    stopped = range(instances - tasks, instances, 53)
    write(
        "INSERT INTO procession_incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((0, key_of(n) + 9, key_of(n), 1, "work", f"code-{n % 5}", "text", 0, BEGIN) for n in stopped),
    )
    write(
        "INSERT INTO procession_suspended VALUES (?, ?)",
        ((0, key_of(n)) for n in range(instances - tasks, instances, 97)),
    )


def _instances(count: int, open_tasks: int) -> Iterator[tuple[Any, ...]]:
    for n in range(count):
        # Every tenth belongs to a process of its own: one of them is rare.
        definition = (n * 7919) % (PROCESSES * VERSIONS - 3) + 1 if n % 1000 else PROCESSES * VERSIONS
        started = BEGIN + n * STEP_MS
        active = n >= count - open_tasks
        state, ended = (0, None) if active else (2 if n % 200 == 0 else 1, started + (n * 104_729) % 86_400_000)
        parent = key_of(n - 1) if n % 10 == 1 else 0
        business = f"order-{n}" if n % 2 else ""
        yield (0, key_of(n), definition, state, started, ended, business, parent, parent or key_of(n), 0, "", 0)


def _facts(instances: int, count: int) -> Iterator[tuple[Any, ...]]:
    data = b"x" * 120
    for n in range(count):
        yield (0, key_of(n // 5 % instances), n % 5 + 1 + 5 * (n // 5 // instances), BEGIN + n, data)


def _tasks(instances: int, count: int) -> Iterator[tuple[Any, ...]]:
    draw = random.Random(1)
    for n in range(count):
        instance = instances - count + n
        candidates = {
            kind: [name] for kind, name in zip(("candidate_groups", "candidate_users"), _names(n), strict=True)
        }
        attributes = {"assignee": f"user-{n % USERS}", **candidates, "form_id": "f" * 60}
        assignee = f"user-{n % USERS}" if n % 3 == 0 else ""
        created = BEGIN + instance * STEP_MS + 20
        due = created + draw.randrange(10**8) if n % 2 else HELD
        follow_up = created + draw.randrange(10**8) if n % 4 == 0 else HELD
        row = (0, key_of(instance) + 5, key_of(instance), 3, f"task-{n % 12}", created, assignee)
        yield (*row, codec.encode_json(attributes), f"process-{n % PROCESSES}", draw.randrange(101), due, follow_up, 0)


def _candidates(instances: int, count: int) -> Iterator[tuple[Any, ...]]:
    for n in range(count):
        task = key_of(instances - count + n) + 5
        for kind, name in zip((1, 0), _names(n), strict=True):
            yield (0, kind, name, task)


def _names(n: int) -> tuple[str, str]:
    """The group and the user that are candidates for the nth task."""
    return "everybody" if n % 2 else f"group-{n % GROUPS}", f"user-{(n * 31) % USERS}"


def task_filters(draw: random.Random, instances: int, tasks: int) -> dict[str, dict[str, Any]]:
    """Filter -> fields of a `TaskFilter`, with values that are drawn."""
    begin = BEGIN + (instances - tasks) * STEP_MS
    span = tasks * STEP_MS
    low = begin + draw.randrange(span)
    user = f"user-{draw.randrange(USERS)}"
    groups = ("everybody", f"group-{draw.randrange(GROUPS)}")
    return {
        "assignee": {"assignee": user},
        "unassigned": {"unassigned": True},
        "candidate_user": {"candidate_user": user},
        "candidate_groups": {"candidate_groups": groups[draw.randrange(2) :]},
        "element_id": {"element_id": f"task-{draw.randrange(14)}"},
        "process_id": {"process_id": f"process-{draw.randrange(PROCESSES + 2)}"},
        "instance": {"instance": key_of(instances - 1 - draw.randrange(tasks))},
        "priority": {"priority": (draw.choice([None, 20, 99]), draw.choice([None, 50, 99]))},
        "created": {"created": (low, draw.choice([None, low + span // 100]))},
        "due": {"due": (draw.choice([None, low]), draw.choice([low + 10_000, low + 10**7]))},
        "follow_up": {"follow_up": (draw.choice([None, low]), draw.choice([low + 10_000, low + 10**7]))},
        "sight": {"sight": Sight(user, groups[draw.randrange(2) :])},
    }


def instance_filters(draw: random.Random, instances: int, tasks: int) -> dict[str, dict[str, Any]]:
    """Filter -> fields of an `InstanceFilter`, with values that are drawn."""
    low = BEGIN + draw.randrange(instances * STEP_MS)
    other = BEGIN + draw.randrange(instances * STEP_MS)
    number = draw.randrange(instances)
    return {
        "process_id": {"process_id": f"process-{draw.randrange(PROCESSES + 1)}"},
        "version": {"process_id": f"process-{draw.randrange(PROCESSES)}", "version": draw.randrange(1, VERSIONS + 1)},
        "state": {"state": draw.choice(["active", "incident", "suspended", "completed", "terminated"])},
        "business_key": {"business_key": f"order-{number | 1}"},
        "parent": {"parent": key_of(number // 10 * 10)},
        "root": {"root": key_of(number // 10 * 10)},
        "has_incident": {"has_incident": draw.random() < 0.5},
        "started": {"started": (draw.choice([None, low]), draw.choice([None, low + 10**6, low + 10**8]))},
        "ended": {"ended": (draw.choice([None, other]), draw.choice([None, other + 10**6, other + 10**8]))},
    }


Times = list[tuple[float, str, str]]


def measured(store: Reads, options: argparse.Namespace) -> dict[str, Times]:
    """(ms, filters, what they are) of each search, by kind."""
    reader = Reader(store)
    draw = random.Random(options.seed)
    found: dict[str, Times] = {"tasks": [], "instances": []}
    for kind, filters in (("tasks", task_filters), ("instances", instance_filters)):
        names = list(filters(draw, options.instances, options.tasks))
        combinations = [(), *((name,) for name in names), *itertools.combinations(names, 2)] * options.draws
        combinations += [tuple(draw.sample(names, draw.randrange(3, 6))) for _ in range(options.rounds)]
        for chosen in combinations:
            fields: dict[str, Any] = {}
            for name in chosen:
                fields.update(filters(draw, options.instances, options.tasks)[name])
            found[kind].append((_asked(reader, kind, fields, draw), "+".join(chosen), _text(fields)))
    return found


def _asked(reader: Reader, kind: str, fields: dict[str, Any], draw: random.Random) -> float:
    descending = draw.random() < 0.5
    begin = time.perf_counter()
    if kind == "tasks":
        order = draw.choice(["created", "created", "priority", "due", "follow_up"])
        reader.search.tasks(TENANT, TaskFilter(**fields), Page(order=order, descending=descending))
    else:
        over = fields.get("ended", (None, None)) != (None, None)
        page = Page(order="ended" if over else "started", descending=descending)
        reader.search.instances(TENANT, InstanceFilter(**fields), page)
    return (time.perf_counter() - begin) * 1000


def _text(fields: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r:.40}" for name, value in fields.items()) or "no filter"


def _p95(ordered: list[float]) -> float:
    return ordered[-(-len(ordered) * 95 // 100) - 1]


def shown(kind: str, times: Times) -> bool:
    """Prints a row of the table, and the slowest; tells whether the target is met."""
    ordered = sorted(ms for ms, _, _ in times)
    p95 = _p95(ordered)
    print(
        f"{kind}: {len(times)} searches, p50 {statistics.median(ordered):.1f} ms, p95 {p95:.1f} ms (≤ {TARGET_MS:.0f})"
    )
    for ms, _, text in sorted(times, reverse=True)[:8]:
        print(f"    {ms:7.1f} ms  {text}")
    by_filters: dict[str, list[float]] = {}
    for ms, filters, _ in times:
        by_filters.setdefault(filters, []).append(ms)
    often = {name: sorted(each) for name, each in by_filters.items() if len(each) >= OFTEN}
    over = {name: p for name, each in often.items() if (p := _p95(each)) > TARGET_MS}
    if often:
        print(f"  {len(often)} combinations, each {OFTEN} times or more; p95 over {TARGET_MS:.0f} ms of {len(over)}:")
    for name, ms in sorted(over.items(), key=lambda each: -each[1]):
        print(f"    {ms:7.1f} ms  {name}")
    return p95 <= TARGET_MS


@contextmanager
def sqlite_store(options: argparse.Namespace) -> Generator[Reads]:
    """A filled file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(options.store or os.path.join(folder, "search.db"))
        filled = path.exists()
        store = SQLiteStore(path)
        if not filled:
            with sqlite3.connect(path) as connection:
                fill(connection.executemany, options.instances, options.tasks, options.facts)
            connection.close()
        try:
            yield store
        finally:
            store.close()


@contextmanager
def postgresql_store(options: argparse.Namespace) -> Generator[Reads]:
    """A filled database: at a URL, where it stays, or of a server of its own."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the rig of PostgreSQL is the tests' own
    import postgres_rig
    from procession.store.postgres.store import PostgresStore

    server = None
    url = filling = options.url
    if not url:
        server = postgres_rig.Server(settings=["shared_buffers=256MB", "max_wal_size=4GB"])
        url = server.database()
        filling = server.url(url.rpartition("/")[2], "postgres")
    store = PostgresStore(url)
    try:
        fill_postgresql(filling, options)
        yield store.seen_by(TENANT)
    finally:
        store.close()
        if server is not None:
            server.remove()


def fill_postgresql(url: str, options: argparse.Namespace) -> None:
    """The same rows, unless there are some."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        if cursor.execute("SELECT 1 FROM procession_instance LIMIT 1").fetchone():
            return

        def write(sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
            table = sql.split()[2]
            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for part in iter(lambda: list(itertools.islice(rows, 10_000)), []):
                    copy.write("".join(map(_line, part)))

        fill(lambda sql, rows: write(sql, iter(rows)), options.instances, options.tasks, 0)
        cursor.execute(
            "INSERT INTO procession_fact SELECT 0, key, k % 5 + 1 + 5 * (k / 5 / %s), %s + k, data, "
            "procession_period(key) FROM (SELECT k, (k / 5 %% %s * %s << 12) + 1 AS key, convert_to(repeat('x', 120), "
            "'UTF8') AS data FROM generate_series(0::bigint, %s - 1) AS k) AS f".replace("k % 5", "k %% 5"),
            (options.instances, BEGIN, options.instances, STEP_MS, options.facts),
        )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def _line(row: tuple[Any, ...]) -> str:
    cells = ("\\N" if c is None else f"\\\\x{c.hex()}" if isinstance(c, bytes) else str(c) for c in row)
    return "\t".join(cells) + "\n"


def main() -> int:
    """Fills a store, unless it is there, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--facts", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1, help="how often each filter and pair of filters is drawn")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--store", default="", help="a file to keep; without one it is made and deleted")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server, not a SQLite file")
    parser.add_argument("--url", default="", help="of a database to keep, as a superuser; without it one is made")
    options = parser.parse_args()
    begun = time.perf_counter()
    with (postgresql_store if options.postgresql else sqlite_store)(options) as store:
        print(f"filled in {time.perf_counter() - begun:.0f} s")
        found = measured(store, options)
        return 0 if all([shown(kind, times) for kind, times in found.items()]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
