"""`procession celery scan`: what it writes does on the host what the canvas does on Celery."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from celery import chain, chord, group

import celery_canvases
from broker_rig import Broker, Brokers
from celery_rig import TESTS, Shop
from procession import Engine
from procession.convert.canvas import Canvas, write
from procession.convert.canvas.tree import Parameter, Task
from procession.hosts.celery.scanning import node_of

STARTS: Final[dict[str, tuple[list[Any], dict[str, Any]]]] = {
    "three": ([], {}),
    "side_by_side": ([], {}),
    "over_a_list": ([], {}),
    "fan_out_and_in": ([], {}),
    "groups_in_a_row": ([], {}),
    "immutable": ([], {}),
    "nothing_is_given_on": ([], {}),
    "odd_texts": ([], {}),
    "group_of_one_in_a_chain": ([], {}),
    "chord_of_one": ([], {}),
    "group_alone": ([], {}),
    "groups_in_groups": ([], {}),
    "groups_in_a_group": ([], {}),
    "chord_in_chord": ([], {}),
    "group_as_body": ([], {}),
    "many_in_a_header": ([], {}),
    "pipe_of_a_chord": ([], {}),
    "mapped": ([], {}),
    "starmapped": ([], {}),
    "chunked": ([], {}),
    "delayed": ([], {}),
    "linked": ([], {}),
    "retried": ([], {}),
    "partial": ([2], {"x": 2}),
    "partial_group": ([2], {"x": 2}),
    "says_more": ([], {}),
    "for_each": ([[1, 2, 3], 10], {"xs": [1, 2, 3], "plus": 10}),
    "swapped": ([2, 5], {"x": 2, "y": 5}),
    "filled": (
        [[{"price": 5, "fee": 1}, {"price": 7, "fee": 2}], "z"],
        {"orders": [{"price": 5, "fee": 1}, {"price": 7, "fee": 2}], "mark": "z"},
    ),
    "ignores": ([5], {"x": 5}),
    "parts": ([[[1, 2], [3, 4], [5, 6]], 2], {"rows": [[1, 2], [3, 4], [5, 6]], "size": 2}),
}
"""Canvases by name: what Celery starts them with, and the variables of the process."""


TRACE: Final = Task("celery_canvases.trace", (Parameter("before"), Parameter("name")))
SEEDS: Final = range(60)
WAYS: Final = ("imported", "read")
"""How the command sees a module; each is a tenant."""


def scan(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "procession.cli.main", "celery", "scan", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the command writes of the app: by importing it, and by its text alone."""
    folder = tmp_path_factory.mktemp("models")
    for way, *options in (("imported",), ("read", "--no-import")):
        done = scan("celery_canvases", "--output", way, *options, folder=folder, CANVASES_SAY="yes")
        assert done.returncode == 0, done.stderr
        assert "this is said" not in done.stdout
    return {way: folder / way for way in WAYS}


@contextmanager
def worker(shop: Shop) -> Iterator[None]:
    """A worker on the app of the canvases."""
    quiet = ["--without-gossip", "--without-mingle", "-P", "threads", "-c", "8", "-l", "INFO"]
    child = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_canvases", "worker", *quiet],
        cwd=shop.folder,
        env=shop.environment,
        stdout=shop.log,
        stderr=shop.log,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(30)


@pytest.fixture(scope="module")
def shop(brokers: Brokers, tmp_path_factory: pytest.TempPathFactory, models: dict[str, Path]) -> Generator[Shop]:
    """A running app with all processes deployed; the app of this process asks the same broker."""
    found = Shop(brokers("redis"), tmp_path_factory.mktemp("shop"), lost="300")
    celery_canvases.app.conf.update(
        broker_url=found.broker.url,
        result_backend=found.broker.url.replace("/0", "/1"),
        task_default_queue=found.environment["SHOP_QUEUE"],
    )
    for way, folder in models.items():
        found.engine.deploy(*((file.name, file.read_bytes()) for file in sorted(folder.glob("*.bpmn"))), tenant=way)
    with worker(found):
        yield found
    found.close()


def calls(shop: Shop, by: str) -> Counter[str]:
    """What tasks were given."""
    lines = shop.effects_file.read_text().splitlines()
    return Counter(line.partition(" ")[2] for line in lines if line.partition(" ")[0] == by)


@pytest.mark.parametrize("name", STARTS)
def test_a_process_does_what_its_canvas_does(shop: Shop, name: str) -> None:
    given, variables = STARTS[name]
    canvas: Any = getattr(celery_canvases, name)
    before = {by: calls(shop, by) for by in ("celery", "process")}
    started = canvas(*given) if callable(canvas) and not isinstance(canvas, dict) else canvas.apply_async(tuple(given))
    instances = [shop.engine.start(name, variables, tenant=way) for way in WAYS]
    shop.ends(*instances)
    expected = json.loads(json.dumps(started.get(timeout=60)))
    assert [each.variables["result"] for each in instances] == [expected, expected]

    def made(by: str) -> Counter[str]:
        return calls(shop, by) - before[by]

    # What is linked runs beside what is waited for.
    shop.until(lambda: made("celery") + made("celery") == made("process"))


def drawn(chance: random.Random, names: Iterator[int], depth: int, first: bool) -> Any:
    """A canvas by chance; `first`: nothing comes before it."""

    def inner(first: bool) -> Any:
        return drawn(chance, names, depth - 1, first)

    def several() -> list[Any]:
        return [inner(first) for _ in range(chance.randint(1, 3))]

    kind = chance.choice(["task", "task", "chain", "pipe", "group", "chord"]) if depth else "task"
    trace: Any = celery_canvases.trace
    match kind:
        case "chain":
            return chain(*[inner(first and not number) for number in range(chance.randint(1, 3))])
        case "pipe":
            return inner(first) | inner(False)
        case "group":
            return group(several())
        case "chord":
            return chord(several(), inner(False))
        case _ if first:
            return trace.s(None, next(names))
        case _:
            return chance.choice([trace.s, trace.s, trace.s, partial(trace.si, None)])(next(names))


def test_canvases_by_chance_are_processes_that_do_the_same(shop: Shop) -> None:
    tasks = {TRACE.name: TRACE}
    started: dict[int, tuple[Any, Any]] = {}
    for seed in SEEDS:
        canvas = drawn(random.Random(seed), count(1), 3, True)
        process = f"drawn{seed}"
        shop.engine.deploy((f"{process}.bpmn", write(Canvas(process, node_of(canvas)), tasks).data))
        started[seed] = shop.engine.start(process), canvas.apply_async()
    shop.ends(*[instance for instance, _ in started.values()])
    different = {
        seed: (expected, instance.variables["result"])
        for seed, (instance, result) in started.items()
        if (expected := json.loads(json.dumps(result.get(timeout=30)))) != instance.variables["result"]
    }
    assert different == {}


@pytest.mark.parametrize("way", WAYS)
def test_every_canvas_of_the_app_is_written_and_tried(models: dict[str, Path], way: str) -> None:
    assert {file.stem for file in models[way].glob("*.bpmn")} == STARTS.keys()


TASKS: Final = """
from celery import Celery, chain
app = Celery("m", broker="memory://", set_as_current=False)
@app.task
def add(x, y):
    return x + y
flow = chain(add.s(1, 2), add.s(3))
def built(x):
    return chain(add.s(x, 2), add.s(3)).delay()
"""


def report(done: subprocess.CompletedProcess[str]) -> Any:
    """The report of a scan that went well."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_module_that_cannot_be_imported_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(f"{TASKS}\nimport nothing_of_this_name\n")
    found = report(scan("m", "--output", "out", "--json", folder=tmp_path))
    assert not found["imported"]
    assert "nothing_of_this_name" in found["problem"]
    assert [each["process"] for each in found["processes"]] == ["flow", "built"]
    assert json.loads((tmp_path / "out/report.json").read_text()) == found
    shown = scan("m", folder=tmp_path)
    assert "not imported, only read" in shown.stdout


def test_the_import_and_the_text_of_a_module_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(TASKS)
    imported = report(scan("m.py", "--output", "a", "--json", folder=tmp_path))
    read = report(scan("m", "--output", "b", "--no-import", "--json", folder=tmp_path))
    assert imported["imported"]
    assert not read["imported"]
    for name in ("flow.bpmn", "built.bpmn"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_a_module_prints_is_no_part_of_the_answer(tmp_path: Path) -> None:
    said = 'import os\nprint("loud")\nos.write(1, b"louder")\nos.system("echo loudest")\n'
    (tmp_path / "m.py").write_text(said + TASKS)
    assert report(scan("m", "--json", folder=tmp_path))["imported"]


def test_what_tasks_of_other_modules_say_is_told(tmp_path: Path) -> None:
    tasks = """@app.task(bind=True, queue="slow", expires=30, autoretry_for=(OSError,))
def late(self, x):
    return self.replace(add.s(x, 1))
"""
    (tmp_path / "tasks.py").write_text(TASKS + tasks)
    (tmp_path / "m.py").write_text("from celery import chain\nimport tasks\nflow = chain(tasks.late.s(1))\n")
    [flow] = report(scan("m", "--json", folder=tmp_path))["processes"]
    rows = {row["attribute"]: row["outcome"] for row in flow["rows"]}
    assert rows == {
        "task": "mapped",
        "bind": "kept",
        "queue": "kept",
        "autoretry_for": "kept",
        "expires": "needs-work",
        "replace": "needs-work",
    }


def test_canvases_in_a_dict_are_found_by_importing_and_told_by_reading(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(f"{TASKS}\nFLOWS = {{'one': chain(add.s(1, 1), add.s(2)), 'none': 3}}\n")
    imported = report(scan("m", "--json", folder=tmp_path))
    assert [each["process"] for each in imported["processes"]] == ["flow", "FLOWS_one", "built"]
    read = report(scan("m", "--no-import", "--json", folder=tmp_path))
    assert [each["process"] for each in read["processes"]] == ["flow", "built"]
    assert ["it is not seen" in each["note"] for each in read["unread"]] == [True]


def test_a_module_that_never_ends_its_import_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(f"{TASKS}\nimport threading\nthreading.Event().wait()\n")
    done = scan("m", "--timeout", "3", "--json", folder=tmp_path)
    assert done.returncode == 1
    said = json.loads(done.stderr)
    assert said["error"] == "importing m took more than 3 s"
    assert "--no-import" in said["remedy"]
    assert report(scan("m", "--no-import", "--json", folder=tmp_path))["processes"]


def test_a_module_that_takes_its_process_along_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(f"{TASKS}\nimport os\nos._exit(7)\n")
    assert "ended with 7" in report(scan("m", "--json", folder=tmp_path))["problem"]


@pytest.mark.parametrize("arguments", [("m",), ("m", "--no-import")])
def test_a_module_with_an_error_of_syntax_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "m.py").write_text("from celery import chain\nflow = chain(\n")
    done = scan(*arguments, folder=tmp_path)
    assert done.returncode == 1
    assert "m.py:2" in done.stderr
    assert "this is no Python" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("nothing_here", "cannot be imported", 1),
        ("no-name", "is no name of a module", 2),
        ("missing.py", "does not exist", 2),
        ("json", "has no canvases", 1),
    ],
)
def test_what_is_no_module_with_canvases_is_said(tmp_path: Path, name: str, text: str, code: int) -> None:
    done = scan(name, folder=tmp_path)
    assert (done.returncode, text in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_every_process_of_the_app_is_taken_without_a_word(models: dict[str, Path], way: str) -> None:
    with Engine() as engine:
        for file in models[way].glob("*.bpmn"):
            assert engine.deploy(file).diagnostics == (), file


SCHEDULES: Final = """
from datetime import timedelta
from celery import Celery
from celery.schedules import crontab, schedule
class Tides(schedule):
    pass
app = Celery("m", broker="memory://", set_as_current=False)
app.conf.timezone = "Europe/Berlin"
@app.task
def add(x, y):
    return x + y
app.conf.beat_schedule = {
    "number": {"task": "m.add", "schedule": 30.0, "args": (1, 2)},
    "delta": {"task": "m.add", "schedule": timedelta(minutes=5), "kwargs": {"x": 1, "y": 2}},
    "cron": {"task": "m.add", "schedule": crontab(minute="*/20", hour="8-10", day_of_week="mon,fri"), "args": (1, 2)},
    "tide": {"task": "m.add", "schedule": Tides(30), "args": (1, 2), "options": {"countdown": 5}},
}
"""


def test_entries_of_the_schedule_start_processes(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SCHEDULES)
    found = report(scan("m", "--output", "a", "--json", folder=tmp_path))
    assert found["imported"]
    report(scan("m", "--output", "b", "--no-import", "--json", folder=tmp_path))
    cycles = {
        name: [
            re.findall("<timeCycle>(.*)</timeCycle>", (tmp_path / way / f"beat_{name}.bpmn").read_text())
            for way in "ab"
        ]
        for name in ("number", "delta", "cron", "tide")
    }
    assert cycles == {
        "number": [["R/PT30S"], ["R/PT30S"]],
        "delta": [["R/PT300S"], ["R/PT300S"]],
        "cron": [["0 0,20,40 8,9,10 * * 1,5"], ["0 */20 8-10 * * mon,fri"]],
        "tide": [[], []],
    }
    rows = {each["process"]: {row["attribute"]: row for row in each["rows"]} for each in found["processes"]}
    assert rows["beat_tide"]["schedule"]["outcome"] == "needs-work"
    assert rows["beat_tide"]["countdown"]["outcome"] == "mapped"
    assert "zone='Europe/Berlin'" in rows["beat_cron"]["timezone"]["note"]
    with Engine() as engine:
        assert engine.deploy(*sorted((tmp_path / "a").glob("*.bpmn"))).diagnostics == ()


EXAMPLE: Final = TESTS.parent / "examples/celery_orders"


def test_the_example_is_what_the_command_writes(tmp_path: Path) -> None:
    done = scan("examples.celery_orders.before", "--output", str(tmp_path), "--json", folder=TESTS.parent)
    assert done.returncode == 0, done.stderr
    written = {file.name: file.read_bytes() for file in tmp_path.glob("*.bpmn")}
    assert written == {file.name: file.read_bytes() for file in (EXAMPLE / "after").glob("*.bpmn")}


def test_the_example_runs(own_brokers: Callable[..., Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = own_brokers("redis")
    environment = {"CELERY_BROKER_URL": broker.url, "ORDERS_STORE": str(tmp_path / "orders.db")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(TESTS.parent))
    app = import_module("examples.celery_orders.after.app")
    app.app.conf.update(broker_url=broker.url)
    app.deploy()
    order = {"id": "A1", "items": [{"sku": "tea", "price": 4, "count": 3}]}
    placed, sent = app.place_order(order), app.send("A1", [{"weight": 1.5}, {"weight": 2}])
    command = [sys.executable, "-m", "celery", "-A", "examples.celery_orders.after.app", "worker", "-P", "threads"]
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=TESTS.parent, stdout=log, stderr=log, start_new_session=True)
        try:
            assert sent.wait(60) == "completed"
            assert app.host.engine().wait_until(lambda: placed.tokens == {"before_thank": 1}, 60)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(30)
    assert sent.variables["result"] == {"order": "A1", "parcels": 2, "weight": 3.5}
    assert {"order": "A1", "receipt": "12 EUR for A1", "goods": ["tea"]} in placed.variables.values()
    app.host.close()
