"""Batches that move instances between hosts: to a real cluster and back, paused, stopped, reverted, and killed."""

from __future__ import annotations

from procession import Filter, Routing
from moving_rig import KINDS, MODELS, Hands, finished, host_of, until
from temporal_rig import Engines


def test_all_kinds_there_and_back(temporal_engines: Engines) -> None:
    engine = temporal_engines(*MODELS)
    hands = Hands(engine)
    Routing(engine).set({"default": "here"})
    started = [engine.start(KINDS[n % 6], {"k": f"k{n}", "wait": "PT5S"}) for n in range(36)]
    called = 6
    there = finished(engine, engine.changes.move_each(Filter(), "temporal"))
    print(there)
    assert (there.done, there.failed, there.awaited) == (36, 0, 0)
    assert {host_of(engine, each.key) for each in started} == {"temporal"}
    back = finished(engine, engine.changes.move_each(Filter(host="temporal"), "here"))
    print(back)
    assert (back.done, back.failed) == (36, 0)
    assert {host_of(engine, each.key) for each in started} == {""}
    hands.let.set()
    for n in range(36):
        engine.publish("go", f"k{n}", ttl=60)
    for each in started:
        until(engine, lambda: each.state == "completed", (each.state, each.tokens, engine.incidents()))
    assert set(hands.effects.values()) <= {1}, hands.effects
