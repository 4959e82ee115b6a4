"""AsyncEngine: every name and parameter of `Engine`, as coroutines that share the same engine."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from pathlib import Path

import pytest

import drawn as d
from procession import AsyncEngine, AsyncInstance, BadValue, Engine, Instance

NOT_ASYNC = frozenset({"reader", "call", "checked"})
"""What `Engine` shows to the modules beside it only."""


def _public(owner: type) -> dict[str, object]:
    return {name: member for name, member in vars(owner).items() if not name.startswith("_")}


@pytest.mark.parametrize(("plain", "asynchronous"), [(Engine, AsyncEngine), (Instance, AsyncInstance)])
def test_the_async_names_and_parameters_are_those_of_the_engine(plain: type, asynchronous: type) -> None:
    for name, member in _public(plain).items():
        if name in NOT_ASYNC or not (callable(member) or isinstance(member, property)):
            continue
        other = getattr(asynchronous, name, None)
        assert other is not None, f"{asynchronous.__name__} has no {name}"
        if callable(member):
            assert list(inspect.signature(other).parameters) == list(inspect.signature(member).parameters), name
    if plain is Engine:
        assert list(inspect.signature(AsyncEngine).parameters) == list(inspect.signature(Engine).parameters)


def test_a_process_runs_to_its_end_in_an_event_loop(tmp_path: Path) -> None:
    async def main() -> dict[str, object]:
        async with AsyncEngine(tmp_path / "a.db") as engine:
            await engine.deploy(d.one_task())

            @engine.worker("work")
            async def work(n: int) -> dict[str, object]:
                await asyncio.sleep(0)
                return {"doubled": 2 * n}

            await engine.serve()
            instance = await engine.start("p", {"n": 4})
            assert await instance.wait(20) == "completed"
            return dict(await instance.variables())

    assert asyncio.run(main()) == {"n": 4, "doubled": 8}


def test_an_async_start_can_be_part_of_the_applications_transaction(tmp_path: Path) -> None:
    async def main() -> str:
        async with AsyncEngine(tmp_path / "a.db") as engine:
            await engine.deploy(d.one_task())
            engine.worker("work")(lambda: None)
            application = sqlite3.connect(tmp_path / "a.db")
            await engine.start("p", connection=application)
            application.rollback()
            kept = await engine.start("p", connection=application)
            application.commit()
            application.close()
            await engine.run_until_idle()
            assert [each.key for each in await engine.instances()] == [kept.key]
            return await kept.state()

    assert asyncio.run(main()) == "completed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"ttl": "soon"}, "no ISO 8601 duration"), ({"variables": {"x": object()}}, "JSON cannot hold")],
)
def test_a_message_that_cannot_be_is_a_bad_value(arguments: dict[str, object], said: str) -> None:
    with Engine() as engine, pytest.raises(BadValue, match=said):
        engine.publish("paid", "A-1", **arguments)  # type: ignore[arg-type]


def test_a_numbers_digits_are_a_correlation_key() -> None:
    paid = d.message("m", "paid", "order")
    drawn = d.process("p", "a -> w, w -> e", a=d.start(), w=d.catch(d.on_message("m")), e=d.end())
    with Engine() as engine:
        engine.deploy(("p.bpmn", d.document(drawn, roots=paid)))
        instance = engine.start("p", {"order": 7})
        engine.publish("paid", 7)
        engine.run_until_idle()
        assert instance.state == "completed"


def test_a_state_that_no_instance_can_have_is_refused() -> None:
    with Engine() as engine, pytest.raises(BadValue, match="completed"):
        engine.instances(state="done")
