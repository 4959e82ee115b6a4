"""Golden histories: what earlier releases stored is read, replayed and started as it was then (decisions 7 and 18).

`tests/golden/record.py` makes the files; none is ever made anew.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from procession.core.events import Start
from procession.core.facts import AnyFact, InstanceStarted
from procession.core.linked import Linked
from procession.core.state import State
from procession.core.step import step
from procession.ir.program import foreign, from_bytes, hash_of
from procession.runtime import codec
from procession.runtime.decisions import decide_by_hash
from procession.runtime.link import link
from procession.runtime.replay import replay
from procession.runtime.rows import FactRow
from store_audit import outcome

FOLDER: Final = Path(__file__).parents[2] / "golden"
FILES: Final = sorted(FOLDER.glob("*.json"))


@cache
def golden(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(path: Path, instance: str) -> list[FactRow]:
    steps = golden(path)["instances"][instance]
    return [FactRow(seq, at, base64.b64decode(data)) for seq, (at, data) in enumerate(steps, 1)]


def started(rows: list[FactRow]) -> InstanceStarted:
    fact = codec.decode_facts(rows[0].data)[0]
    assert isinstance(fact, InstanceStarted)
    return fact


def linked(path: Path, hash: str) -> Linked:
    def document(digest: str) -> bytes:
        return codec.unwrap(base64.b64decode(golden(path)["programs"][digest]))

    data = document(hash)
    assert hash_of(data) == hash
    program = from_bytes(data)
    assert foreign(program) == ""
    return link(program, hash, decide_by_hash(document))


CASES: Final = [(path, instance) for path in FILES for instance in golden(path)["instances"]]


def named(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(value)


def test_there_is_a_history_of_every_release() -> None:
    assert [path.stem for path in FILES] == ["release-1"]


@pytest.mark.parametrize(("path", "instance"), CASES, ids=named)
def test_a_history_replays_to_what_became_of_it(path: Path, instance: str) -> None:
    rows = rows_of(path, instance)
    state = State()
    replay(linked(path, started(rows).program), state, rows)
    assert outcome(state) == golden(path)["outcomes"][instance]


@pytest.mark.parametrize(("path", "instance"), CASES, ids=named)
def test_an_old_program_starts_with_the_facts_that_it_started_with_then(path: Path, instance: str) -> None:
    rows = rows_of(path, instance)
    expected: list[AnyFact] = codec.decode_facts(rows[0].data)
    fact = started(rows)
    start = Start(
        instance=fact.instance,
        tenant=fact.tenant,
        program=fact.program,
        version=fact.version,
        variables=fact.variables,
        start_node=fact.start_node,
        business_key=fact.business_key,
        parent_instance=fact.parent_instance,
        parent_element=fact.parent_element,
        root_instance=fact.root_instance,
        zone=fact.zone,
        tz_release=fact.tz_release,
        seed=fact.seed,
        epoch=fact.epoch,
        depth=fact.depth,
        flags=fact.flags,
        message=fact.message,
    )
    assert step(linked(path, fact.program), State(), start, rows[0].at, fact.root).facts == expected
