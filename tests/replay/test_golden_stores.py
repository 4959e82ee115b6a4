"""Golden stores: what earlier releases stored without Temporal is read again, step by step, by this version.

`record_stores.py` writes them. On Celery several processes took turns in one shard; what they stored is what one engine
stores, and stays so whatever befell their messages and whoever took the shard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
import zstandard

from flag_rig import know
from parity_rig import forms
from procession.core.context import Context
from procession.core.state import ElementInstance
from procession.core.tokens import leave
from procession.ir.kinds import Kind
from procession.ir.program import Ref
from procession.runtime.rows import ShardRow
from procession.services.rereading import KEPT, Reread, kept_stores, reread_kept
from procession.store.sqlite import SQLiteStore
from replay.golden import HISTORIES
from replay.record_stores import STORES, names

FILES: Final = kept_stores(HISTORIES)


def named(path: Path) -> str:
    return path.name.removesuffix(KEPT)


@cache
def again(path: Path) -> list[Reread]:
    return list(reread_kept(path))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SQLiteStore]]:
    """The stores of the release under way, by name, brought to this version's schema."""
    folder = tmp_path_factory.mktemp("stores")
    found: dict[str, SQLiteStore] = {}
    for path in FILES:
        target = folder / f"{named(path)}.db"
        with path.open("rb") as source, target.open("wb") as out:
            zstandard.ZstdDecompressor().copy_stream(source, out)
        found[named(path)] = SQLiteStore(target)
    yield found
    for store in found.values():
        store.close()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_what_a_release_stored_is_decided_again_as_it_was(path: Path) -> None:
    assert [each for each in again(path) if each.status != "ok"] == []
    assert sum(each.redecided for each in again(path)) > len(again(path)), "more than the starts"


def test_every_host_with_a_store_has_one_of_every_release() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        found[path.parent.name].add(named(path))
    assert found == {"release-1": set(STORES)}


def test_engine_and_celery_stored_the_same_of_every_scenario(unpacked: dict[str, SQLiteStore]) -> None:
    for name in names():
        wanted = forms(unpacked["embedded"], name)
        assert wanted, name
        assert forms(unpacked["celery"], name) == wanted, name


def test_on_celery_the_shard_had_turns_and_where_it_was_disturbed_several_owners(
    unpacked: dict[str, SQLiteStore],
) -> None:
    epoch, turn = owned(unpacked["celery"])
    assert epoch == 1, "all processes under one"
    assert turn > 300
    epoch, _ = owned(unpacked["disturbed"])
    assert epoch == 3, "the workers, another engine, and the workers again"


def owned(store: SQLiteStore) -> tuple[int, int]:
    """(epoch, turns) of the one shard."""
    [row] = store.read("shard_read", (0,), ShardRow)
    return row.epoch, row.turn


def test_what_was_disturbed_is_what_would_have_been_without(unpacked: dict[str, SQLiteStore]) -> None:
    """One whose messages came twice, one that was started without a broker and ended by another engine, one that failed
    at first: apart from what came out of the job they did the same, once. The fourth waits."""
    *ended, waits = sorted(forms(unpacked["disturbed"], "disturbed"), key=lambda form: '"completed"' not in form)
    alike = {form.replace(f"[12,{amount}]", "[]") for form, amount in zip(sorted(ended), (13, 14, 15), strict=True)}
    assert len(alike) == 1
    assert waits.endswith('"variables":{"amount":[12]}}')


# --- a deliberate change


def backwards(patch: pytest.MonkeyPatch, flag: int) -> None:
    """A fork takes its flows backwards, unless an instance has the flag: read the wrong way round."""

    def other(cx: Context, element: ElementInstance, flows: tuple[Ref, ...]) -> None:
        is_fork = cx.node_of(element).kind is Kind.PARALLEL_GATEWAY and not cx.state.flags >> flag & 1
        leave(cx, element, flows[::-1] if is_fork else flows)

    patch.setattr("procession.core.transitions.leave", other)


def test_another_behaviour_turns_a_store_red_and_the_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, 3, "a fork takes its flows backwards")
    backwards(monkeypatch, 3)
    [path] = [path for path in FILES if named(path) == "disturbed"]
    found = list(reread_kept(path))
    assert {(each.status, each.name, tuple(each.explains)) for each in found} == {("diverged", path.name, (3,))}


def test_the_stores_stay_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 400_000
