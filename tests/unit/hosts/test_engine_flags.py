"""Behaviour flags in two phases: a store is switched, instances keep what they were started with (DESIGN 4a.18)."""

from __future__ import annotations

from pathlib import Path

import pytest

import drawn as d
from host_rig import opened
from procession import Engine
from procession.base.failure import Conflict, StoreError
from procession.core import flags


def flags_of(engine: Engine, instance: int) -> int:
    return engine.reader().views.load("<default>", instance).state.flags


def test_a_flag_that_this_version_does_not_know_cannot_be_switched_on() -> None:
    with opened() as engine, pytest.raises(Conflict, match="knows no behaviour flags"):
        engine.switch(7)


def test_a_switched_flag_is_recorded_by_what_starts_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(flags.KNOWN, 3, "a behaviour of a test")
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        before = engine.start("p").key
        engine.switch(3)
        after = engine.start("p").key
    with opened(tmp_path / "e.db") as engine:
        later = engine.start("p").key
        engine.switch()
        last = engine.start("p").key
        assert [flags_of(engine, key) for key in (before, after, later, last)] == [0, 8, 8, 0]


def test_after_a_rollback_new_instances_start_without_the_flag_and_old_ones_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as next_release:
        next_release.setitem(flags.KNOWN, 3, "a behaviour of the next release")
        with opened(tmp_path / "e.db") as engine:
            engine.deploy(d.one_task())
            engine.switch(3)
            ahead = engine.start("p").key
            job = engine.jobs()[0].key
    with opened(tmp_path / "e.db") as engine:
        here = engine.start("p").key
        assert flags_of(engine, here) == 0
        with pytest.raises(StoreError, match="newer version"):
            flags_of(engine, ahead)
        with pytest.raises(StoreError, match="newer version"):
            engine.complete_job(job)
        assert [each.instance for each in engine.jobs()] == [ahead, here]
