"""Places: where each element instance and each wait of an instance is, in words that mean the same on another host.

A key is drawn by a host, so what one instance waits for is found in another one by its place in the tree: the element's
id, which item or occurrence of it, in which scope; of a wait its kind, its catch and its number there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias, final

from procession.core import facts as f
from procession.ir.program import NONE, Program


@final
class Places:
    """Those of one instance, as far as its facts were read."""

    __slots__ = ("_counts", "_program", "_programs", "happened", "keys", "of")

    def __init__(self, programs: Callable[[str], Program]) -> None:
        self._programs = programs
        self._program: Program | None = None
        self._counts: Counter[str] = Counter()
        self.of: dict[int, str] = {}
        """The place of each key."""
        self.keys: dict[str, int] = {}
        """The key at each place."""
        self.happened: Counter[str] = Counter()
        """How often what was waited for happened, by place."""

    def read(self, facts: Iterable[f.AnyFact]) -> None:
        """Goes on with the facts of one more step."""
        for fact in facts:
            read = _READ.get(type(fact))
            if read is not None:
                read(self, fact)

    def begin(self, fact: f.InstanceStarted) -> None:
        """The instance starts: its process is at ""."""
        self._program = self._programs(fact.program)
        self.of[fact.root] = ""
        self.keys[""] = fact.root

    def switch(self, hash: str) -> None:
        """Numbers mean another program from here on."""
        self._program = self._programs(hash)

    def put(self, key: int, at: str) -> None:
        """A key at a place, or at the next one if there was such a place already."""
        self._counts[at] += 1
        number = self._counts[at]
        place = f"{at}#{number}" if number > 1 else at
        self.of[key] = place
        self.keys[place] = key

    def enter(self, key: int, node: int, scope: int, index: int = 0) -> None:
        """An element instance in a scope."""
        item = f"[{index}]" if index else ""
        self.put(key, f"{self.of.get(scope, '?')}/{self._id(node)}{item}")

    def wait(self, key: int, element: int, kind: str, node: int = NONE) -> None:
        """Something that an element waits for."""
        self.put(key, f"{self.of.get(element, '?')}:{kind} {self._id(node)}".rstrip())

    def replace(self, key: int, again: int) -> None:
        """What was open under a key is open under another one, at the same place."""
        place = self.of.get(key, "?")
        self.of[again] = place
        self.keys[place] = again

    def note(self, key: int, what: str = "") -> None:
        """What was waited for under a key happened."""
        self.happened[f"{self.of.get(key, '?')}{what}"] += 1

    def _id(self, node: int) -> str:
        return "" if node == NONE or self._program is None else self._program.nodes[node].id


_Read: TypeAlias = Callable[[Places, Any], None]

_READ: Final[dict[type[f.AnyFact], _Read]] = {
    f.InstanceStarted: lambda p, x: p.begin(x),
    f.InstanceMigrated: lambda p, x: p.switch(x.program),
    f.ElementEntered: lambda p, x: p.enter(x.element, x.node, x.scope),
    f.ItemEntered: lambda p, x: p.enter(x.element, x.node, x.scope, x.index),
    f.ActivationEntered: lambda p, x: p.enter(x.element, x.node, x.scope),
    f.CompensationEntered: lambda p, x: p.enter(x.element, x.node, x.scope),
    f.CompensationOpened: lambda p, x: p.enter(x.element, x.node, x.scope),
    f.JobCreated: lambda p, x: p.wait(x.job, x.element, f"job {x.listener}"),
    f.TimerCreated: lambda p, x: p.wait(x.timer, x.element, "timer", x.node),
    f.SubscriptionOpened: lambda p, x: p.wait(x.subscription, x.element, "subscription", x.node),
    f.ConditionOpened: lambda p, x: p.wait(x.condition, x.element, "condition", x.node),
    f.IncidentRaised: lambda p, x: p.wait(x.incident, x.element, f"incident {x.code}"),
    f.ChildStarted: lambda p, x: p.put(x.child, f"{p.of.get(x.element, '?')}>") if x.child else None,
    f.TimerFired: lambda p, x: p.note(x.timer),
    f.MessageCorrelated: lambda p, x: p.note(x.subscription),
    f.JobCompleted: lambda p, x: p.note(x.job),
    f.JobDenied: lambda p, x: p.note(x.job),
    f.JobThrew: lambda p, x: p.note(x.job),
    f.JobReissued: lambda p, x: p.replace(x.job, x.again),
    f.IncidentResolved: lambda p, x: p.note(x.incident),
}
"""One row a fact type that makes a place, or lets happen what is waited for there."""
