"""The two faces of the engine hold together: what one can do, the other can, with the same names and defaults."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import threading
from pathlib import Path
from typing import Final

import pytest

import drawn as d
from procession import AsyncEngine, Engine, Instance
from procession.hosts.embedded.aio_changes import AsyncChanges
from procession.hosts.embedded.aio_instance import AsyncInstance
from procession.hosts.embedded.changes import Changes

# Public names of one face that the other does not have, and why.
ONLY_THREADED: Final = {
    "clock": "an argument that is kept; reached by `engine`",
    "store": "an argument that is kept; reached by `engine`",
    "reader": "for the modules beside the engine",
    "call": "for the modules beside the engine",
    "wait_unless": "what the twin of `wait` uses, so that a cancelled task leaves no thread behind",
}
PARAMETERS_ONLY_THREADED: Final = {
    ("serve", "foreground"): "a coroutine that waits for signals would take them from the loop's owner",
}
FACES: Final = [(Engine, AsyncEngine), (Instance, AsyncInstance), (Changes, AsyncChanges)]
NAMES: Final = [
    (sync, twin, name)
    for sync, twin in FACES
    for name in sorted(vars(sync))
    if not name.startswith("_") and name not in ONLY_THREADED
]


@pytest.mark.parametrize(("sync", "twin", "name"), NAMES, ids=[f"{row[0].__name__}.{row[2]}" for row in NAMES])
def test_each_public_name_has_its_twin(sync: type, twin: type, name: str) -> None:
    assert hasattr(twin, name)
    here, there = getattr(sync, name), getattr(twin, name)
    if not callable(here):
        # A property that asks the store is a coroutine function; one that is at hand is a property.
        assert there is not None
        return
    expected = {
        parameter.name: (parameter.default, parameter.kind)
        for parameter in inspect.signature(here).parameters.values()
        if (name, parameter.name) not in PARAMETERS_ONLY_THREADED
    }
    found = {each.name: (each.default, each.kind) for each in inspect.signature(there).parameters.values()}
    assert found == expected


def test_both_are_made_of_the_same_arguments() -> None:
    here, there = (
        {name: parameter.default for name, parameter in inspect.signature(each).parameters.items()}
        for each in (Engine, AsyncEngine)
    )
    assert here == there


def test_the_exceptions_are_names_that_exist() -> None:
    assert all(hasattr(Engine, name) or hasattr(Instance, name) or name in {"clock", "store"} for name in ONLY_THREADED)


def test_a_process_is_driven_from_an_event_loop(tmp_path: Path) -> None:
    async def drive() -> None:
        async with AsyncEngine(tmp_path / "e.db") as engine:
            await engine.deploy(
                ("p.bpmn", d.document(d.process("p", "a -> b, b -> c", a=d.start(), b=d.user(), c=d.end()))),
                d.one_task("q"),
            )
            await engine.serve(threads=1)
            instance = await engine.start("p", {"x": 1}, business_key="A-1")
            assert [each.key for each in await engine.instances(business_key="A-1")] == [instance.key]
            assert (await instance.info()).process_id == "p"
            await instance.set_variables({"y": 2}, element="b", local=True)
            assert await instance.variables_at("b") == {"x": 1, "y": 2}
            task = await engine.task_of(instance.key, "b")
            await engine.assign_task(task.key, "ada")
            assert [each.key for each in await engine.tasks(assignee="ada")] == [task.key]
            await instance.complete_task("b", {"z": 3})
            assert await instance.wait(20) == "completed"
            assert await instance.variables() == {"x": 1, "z": 3}

            other = await engine.start("q")
            [job] = await engine.activate_jobs("work")
            await engine.complete_job(job, {"done": True})
            assert await other.wait(20) == "completed"
            assert await engine.counts() == {"completed": 2}

    asyncio.run(drive())


def test_a_start_in_the_applications_transaction_is_made_from_an_event_loop_too(tmp_path: Path) -> None:
    async def drive() -> None:
        async with AsyncEngine(tmp_path / "e.db") as engine:
            await engine.deploy(d.one_task())
            connection = sqlite3.connect(tmp_path / "e.db")
            with connection:
                instance = await engine.start("p", {"n": 1}, connection=connection)
            connection.close()
            await engine.run_until_idle()
            assert await instance.state() == "active"

    asyncio.run(drive())


def test_a_wait_that_is_cancelled_leaves_no_thread_behind(tmp_path: Path) -> None:
    async def drive() -> None:
        async with AsyncEngine(tmp_path / "e.db") as engine:
            await engine.deploy(d.one_task())
            await engine.serve(threads=1)
            instance = await engine.start("p")
            never = (instance.wait(), engine.wait_until(lambda: False), engine.run_until_idle(until=lambda: False))
            for waiting in never[:2]:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(waiting, 0.05)
            await asyncio.wait_for(never[2], 20)  # without work it is idle at once

    # It would not return before the threads of the waits did.
    before = threading.active_count()
    asyncio.run(drive())
    assert threading.active_count() == before
