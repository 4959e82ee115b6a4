"""What the whole engine does on SQLite, counted: a bound for each workload, no growth with size. No time is measured.

A change that costs more fails here. Where the cost is worth it, the bound is raised, and the commit says what for.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

import needs

needs.require("apsw", "make test installs it (requirements/dev.txt)")

from bench import loader, workloads  # noqa: E402  # these count by way of apsw
from bench.counting import Meter, Work  # noqa: E402
from bench.growth import items, steps, waiting  # noqa: E402

from procession import Engine  # noqa: E402
from procession.hosts.embedded.residents import Residents  # noqa: E402
from procession.runtime.ports import Store  # noqa: E402
from procession.services.catalog import Catalog  # noqa: E402
from procession.store.sqlite import SQLiteStore  # noqa: E402

# An instance of each workload, 100 in flight (W4: 20): what SQLite is asked to do. Its row names where it is run.
# The indexes of search take 25 steps of SQLite's machine when an instance starts and 44 when it ends, 109 for a task.
SQL_MAX: Final = {
    "w1": Work(statements=33.5, rows_read=0.2, rows_written=33.2, bytes=4_260, vm_steps=1_655, pages_written=6.5),
    "w2": Work(statements=21.2, rows_read=0.1, rows_written=21.1, bytes=3_740, vm_steps=961, pages_written=3.2),
    "w3": Work(statements=13.2, rows_read=3.1, rows_written=11.1, bytes=1_380, vm_steps=714, pages_written=1.33),
    "w4": Work(statements=3.3, rows_read=0.1, rows_written=3.1, bytes=20_400, vm_steps=229, pages_written=6.1),
}
# And what Python does, by version: each compiles the same source to other opcodes, later ones to fewer. Compensation,
# ad-hoc sub-processes, data, conditions and token quantities are asked for at each element: 7 to 10 % of it. Quotas at
# a start, what a task is searched by, and telling those who wait of a commit, are 2 % of W3. Flags of tenants at a
# start, and whether an instance was away at a step, are less than 1 %.
OPCODES: Final = {
    (3, 11): {"w1": 32_090, "w2": 28_800, "w3": 11_820, "w4": 194_310},
    (3, 12): {"w1": 29_370, "w2": 26_370, "w3": 10_790, "w4": 178_000},
    (3, 13): {"w1": 29_100, "w2": 26_210, "w3": 10_650, "w4": 179_240},
}
TOLERANCE: Final = 1.05
RUNS: Final = {
    "w1": (workloads.w1, 100),
    "w2": (workloads.w2, 100),
    "w3": (workloads.w3, 100),
    "w4": (workloads.w4, 20),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_instance_costs_no_more_than_its_bound(name: str, tmp_path: Path) -> None:
    work, n = RUNS[name]
    meter = Meter()
    store = SQLiteStore(tmp_path / "counted.db", connect=meter.connect)
    with closing(workloads.prepared(Engine(store=store), name)) as engine:
        work(engine, 20)
        each = meter.count(lambda: work(engine, n)).each(n)
    bound = SQL_MAX[name]
    over = {key: value for key, value in each.items() if 0 < getattr(bound, key) < value}
    newest = max(version for version in OPCODES if version <= sys.version_info[:2])
    if each.opcodes > OPCODES[newest][name] * TOLERANCE:
        over["opcodes"] = each.opcodes
    assert not over, f"{name} does more than its bound: {over}"


def _rows_are_equal(tmp_path: Path, n: int) -> None:
    loader.load(tmp_path / "loaded.db", n)
    loader.drive(tmp_path / "driven.db", n)
    loaded, driven = loader.rows(tmp_path / "loaded.db"), loader.rows(tmp_path / "driven.db")
    assert len(loaded["instance"]) == n
    for table, found in loaded.items():
        assert found == driven[table], table


def test_the_bulk_loader_writes_the_rows_of_the_engine(tmp_path: Path) -> None:
    _rows_are_equal(tmp_path, 45)


@pytest.mark.large
def test_the_bulk_loader_writes_a_thousand_instances_as_the_engine_does(tmp_path: Path) -> None:
    _rows_are_equal(tmp_path, 1_000)


def _steps_are_equal(tmp_path: Path, small: int, large: int) -> None:
    for name, n in (("empty", 0), ("small", small), ("large", large)):
        loader.load(tmp_path / name, n)
    new = steps.counted(tmp_path / "empty", 0, times=5), steps.counted(tmp_path / "large", large, times=5)
    old = (
        steps.counted(tmp_path / "small", small, times=5, old=True),
        steps.counted(tmp_path / "large", large, times=5, old=True),
    )
    _same("deploy", steps.deployed(tmp_path / "empty"), steps.deployed(tmp_path / "large"))
    for few, many in (new, old):
        assert few.keys() == many.keys()
        for step in few:
            _same(step, few[step], many[step])


def _same(step: str, few: Work, many: Work) -> None:
    """Everything but pages is equal: a tree of more rows has another level, and no step may cost more than that.

    A step that ends an instance writes to the trees of seven indexes."""
    for name, value in few.items():
        if name == "pages_read":
            assert getattr(many, name) <= 3 * value + 10, (step, name)
        elif name == "pages_written":
            assert getattr(many, name) <= value + 7, (step, name)
        else:
            # A few opcodes look at the one timer that is next, where there is one.
            assert getattr(many, name) == pytest.approx(value, rel=0.001 if name == "opcodes" else 1e-6), (step, name)


def test_a_step_costs_the_same_beside_many_instances(tmp_path: Path) -> None:
    _steps_are_equal(tmp_path, 165, 1_650)


@pytest.mark.large
def test_a_step_costs_the_same_beside_a_million_rows(tmp_path: Path) -> None:
    _steps_are_equal(tmp_path, 1_100, 330_000)


def _items_are_equal(tmp_path: Path, kind: str, n: int) -> None:
    few, many = items.each(tmp_path / "few.db", kind, 100), items.each(tmp_path / "many.db", kind, n)
    for name in ("statements", "rows_written", "opcodes"):
        assert getattr(many, name) <= getattr(few, name) * 1.02, name
    # Larger indexes have more digits, and a snapshot comes whenever the facts since the last one outweigh it.
    assert many.bytes <= few.bytes * 1.1
    # Jobs beyond the board's size are read when they are needed: at most one row more an item.
    assert many.rows_read <= few.rows_read + 1
    assert many.vm_steps <= few.vm_steps * 1.15


@pytest.mark.parametrize("kind", items.KINDS)
def test_an_item_of_a_longer_loop_costs_the_same(kind: str, tmp_path: Path) -> None:
    _items_are_equal(tmp_path, kind, 400)


@pytest.mark.large
@pytest.mark.parametrize("kind", items.KINDS)
def test_an_item_of_ten_thousand_costs_the_same(kind: str, tmp_path: Path) -> None:
    _items_are_equal(tmp_path, kind, 10_000)


def test_residents_beyond_the_limit_leave_the_memory(tmp_path: Path) -> None:
    loader.load(tmp_path / "some.db", 330)
    store: Store = SQLiteStore(tmp_path / "some.db")
    catalog = Catalog(store)
    residents = Residents(store, catalog, limit=10)
    for i in range(0, 330, 11):
        found = residents.get(0, loader.key_of(i))
        assert found is not None
        residents.settle()
        # What the last commit used stays, whatever the limit is.
        assert len(residents) <= 11
    assert {key for key, _ in residents.items()} >= {loader.key_of(i) for i in range(330 - 11 * 9, 330, 11)}
    store.close()


def _disk(tmp_path: Path, n: int) -> float:
    for _ in waiting.memory(tmp_path / "waiting.db", (n,)):
        continue
    return waiting.disk_each(tmp_path / "waiting.db", n)


def test_an_instance_that_waits_takes_less_than_a_page(tmp_path: Path) -> None:
    assert _disk(tmp_path, 1_000) <= 1_024


@pytest.mark.large
def test_a_hundred_thousand_that_wait_take_less_than_a_page_each(tmp_path: Path) -> None:
    assert _disk(tmp_path, 100_000) <= 1_024
