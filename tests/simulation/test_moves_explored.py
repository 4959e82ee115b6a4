"""All that can happen to an instance that moves, within bounds: every state holds, and every one leads to the end.

And that it is worth something: what is left out of the protocol, the explorer finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeAlias

import msgspec
import pytest

from procession.core import commands as c
from procession.core.pending import pending
from procession.hosts.embedded import handover, routing
from procession.hosts.embedded.handlers import HANDLERS
from procession.hosts.embedded.routing import Router
from procession.hosts.temporal import taking
from procession.hosts.temporal.leaving import Leaving
from procession.hosts.temporal.workflow import Machine
from procession.runtime import requests as q
from procession.runtime.rows import OutboxRow
from procession.testing.temporal.exploring.explore import Counterexample, Explored, explore
from procession.testing.temporal.exploring.models import MODELS

Change: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "procession")


def there_and_back(name: str, /, **budget: int) -> Explored:
    """Movers carry jobs, and never go where it is."""
    return by("carry", name, **budget)


def by(policy: str, name: str, /, **budget: int) -> Explored:
    """The same with another policy for jobs."""
    ways = ("temporal", "here") * budget.get("moves", 0)
    return explore(replace(MODELS[name], budget=budget, policies=(policy,), ways=ways))


def request(patch: pytest.MonkeyPatch, kind: type[Any], change: Callable[[Any, Any], Any]) -> None:
    """What a request means, when it comes changed."""
    does = HANDLERS[kind]
    patch.setitem(HANDLERS, kind, lambda shard, asked: does(shard, change(shard, asked)))


def early(patch: pytest.MonkeyPatch) -> None:
    def shown(shard: Any, asked: Any) -> Any:
        tree = handover.tree(shard, shard.residents.get(0, asked.instance), "temporal")
        return msgspec.structs.replace(asked, seqs={each.key: each.state.seq for each in tree})

    patch.setattr(Router, "shows", lambda *_: True)
    request(patch, q.TakeBack, shown)


def stale(patch: pytest.MonkeyPatch) -> None:
    def forgetful(shard: Any, asked: Any) -> Any:
        shard.residents.get(0, asked.instance).handed = 0
        return asked

    request(patch, q.TakeBack, forgetful)


def forgets(kind: type[Any]) -> Change:
    def change(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(
            handover, "pending", lambda linked, state: [x for x in pending(linked, state) if not isinstance(x, kind)]
        )

    return change


def twice(patch: pytest.MonkeyPatch) -> None:
    def deliver(machine: Any, deliveries: list[Any]) -> None:
        machine._seen = 0
        for each in deliveries:
            seen(machine, [msgspec.structs.replace(each, number=0)])
            machine._seen = each.number

    seen = Machine.deliver
    patch.setattr(Machine, "deliver", deliver)


def lost(patch: pytest.MonkeyPatch) -> None:
    def only_deletes(shard: Any, asked: Any, root: Any, batch: int) -> None:
        for row in shard.store.read("outbox_home_all", (root.tenant, root.key), OutboxRow):
            shard.batch["outbox"].delete((root.tenant, row.number), (root.tenant, row.number))

    patch.setattr(handover, "_readdress", only_deletes)


def unseen(patch: pytest.MonkeyPatch) -> None:
    readdress = handover._readdress
    patch.setattr(
        handover,
        "_readdress",
        lambda shard, asked, *rest: readdress(shard, msgspec.structs.replace(asked, seen=0), *rest),
    )


def started_again(patch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> int:
        return 0

    patch.setattr(taking, "_took", never)


def given_up(patch: pytest.MonkeyPatch) -> None:
    request(
        patch,
        q.Arrived,
        lambda _, asked: msgspec.structs.replace(asked, lost=asked.lost or asked.left, left=False),
    )


def still_offered(patch: pytest.MonkeyPatch) -> None:
    def leave(shard: Any, resident: Any, placed: Any, home: int) -> None:
        resident.host, resident.home = placed.host, home
        shard.batch["instance"].change("instance_placed", (placed.host, home, resident.tenant, resident.key))

    patch.setattr(handover, "_leave", leave)


def alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handover, "tree", lambda shard, root, host: [root])


def unwritten(patch: pytest.MonkeyPatch) -> None:
    arrive = handover._arrive

    def in_memory(shard: Any, resident: Any, *given: Any) -> None:
        arrive(shard, resident, *given)
        shard.batch["instance"].changed.clear()

    patch.setattr(handover, "_arrive", in_memory)


def late(patch: pytest.MonkeyPatch) -> None:
    leased = routing._leased
    patch.setattr(routing, "_leased", lambda r, t, asked: leased(r, t, msgspec.structs.replace(asked, token=0)))


def not_there(patch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> bool:
        return False

    patch.setattr(Leaving, "was_let_go", gone)


FAR: Final = "what was taken in there comes here again"
"""What takes minutes to be found."""
MUTATIONS: Final[dict[str, tuple[Change, str, dict[str, int]]]] = {
    "it is taken back before all is told": (early, "undo", {"moves": 2}),
    "a mover who slept takes back what went there again": (stale, "timer", {"moves": 3, "sleep": 1}),
    "timers are not set again": (forgets(c.SetTimer), "timer", {"moves": 2}),
    "jobs are not offered again": (forgets(c.CreateJob), "job", {"moves": 2}),
    "what was seen is taken in again": (twice, "set", {"moves": 1, "send-and-die": 1}),
    "what was on its way is lost": (lost, "message", {"moves": 2}),
    FAR: (unseen, "set", {"moves": 2, "send-slowly": 1}),
    "what was handed over is started again": (started_again, "timer", {"moves": 1, "send-and-die": 1}),
    "a message to who let go is given up": (given_up, "message", {"moves": 2}),
    "who let go counts as ended": (not_there, "message", {"moves": 2}),
    "jobs and timers stay here": (still_offered, "job", {"moves": 1}),
    "what was called stays behind": (alone, "call", {"moves": 1}),
    "the row does not say where it is": (unwritten, "timer", {"moves": 2}),
    "a lease that is gone counts": (late, "job", {"moves": 1}),
}


@pytest.mark.parametrize(
    "mutation", [pytest.param(each, marks=pytest.mark.large) if each == FAR else each for each in MUTATIONS]
)
def test_what_is_left_out_is_found(mutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, model, budget = MUTATIONS[mutation]
    change(monkeypatch)
    with pytest.raises(Counterexample, match="--- after"):
        there_and_back(model, **budget)


FEW: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "there, with a fault of each kind": ("job", {"moves": 1, "faults": 1}),
    "there and back, with what it called": ("call", {"moves": 2}),
    "there and back, over its timer": ("timer", {"moves": 2}),
    "there and back by batches": ("timer", {"batches": 2}),
}


@pytest.mark.parametrize("about", FEW)
def test_every_state_of_a_move_leads_to_the_end(about: str) -> None:
    model, budget = FEW[about]
    found = there_and_back(model, **budget)
    assert found.states > 100
    assert found.ends


@pytest.mark.large
@pytest.mark.parametrize("model", MODELS)
def test_two_movers_anywhere_by_every_policy(model: str) -> None:
    found = explore(replace(MODELS[model], budget={"moves": 2}))
    assert set(found.kinds) >= {"move", "go-on", "send", "task", "complete"}


ANEW: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "there and back": ("job", {"moves": 2}),
    "there, with a fault of each kind": ("job", {"moves": 1, "faults": 1}),
    "by batches": ("job", {"batches": 2}),
    "of what it called": ("call", {"moves": 2}),
    "beside a message": ("both", {"moves": 1}),
    "of several": ("loop", {"moves": 1}),
    "of what undoes": ("undo", {"moves": 1}),
    "while it is cancelled": ("cancel", {"moves": 1}),
}


@pytest.mark.parametrize(
    "about", [pytest.param(each, marks=pytest.mark.large) if at else each for at, each in enumerate(ANEW)]
)
def test_jobs_that_are_issued_anew_lead_to_the_end(about: str) -> None:
    model, budget = ANEW[about]
    found = by("reissue", model, **budget)
    assert found.states > 100
    assert found.ends


@pytest.mark.large
@pytest.mark.parametrize("model", ["job", "timer"])
def test_batches_that_wait_for_jobs_lead_to_the_end(model: str) -> None:
    assert set(by("wait", model, batches=2).kinds) >= {"batch", "turn", "send"}


@pytest.mark.large
@pytest.mark.parametrize("model", MODELS)
def test_there_and_back_with_a_fault_of_each_kind(model: str) -> None:
    found = there_and_back(model, moves=2, faults=1)
    assert set(found.kinds) >= {"die", "sleep", "send-slowly", "send-and-die", "task-twice", "worker-dies"}


@pytest.mark.large
@pytest.mark.parametrize("budget", [{"batches": 2, "faults": 1}, {"batches": 2, "moves": 1}], ids=str)
def test_there_and_back_by_batches(budget: dict[str, int]) -> None:
    found = there_and_back("timer", **budget)
    assert set(found.kinds) >= {"batch", "turn", "send"}


@pytest.mark.large
def test_a_mover_who_sleeps_while_others_move_it_once_more() -> None:
    assert there_and_back("timer", moves=3, sleep=1).states > 1_000
