"""`explore`: every moment that a model can come to, each once, breadth first; what must hold is looked at in each.

From each of them what somebody does sooner or later leads to the end: that is followed along the way of whoever does
one thing after the other. The first action list that breaks something is a shortest one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from procession.testing.temporal.exploring.actions import PROGRESS, Action, act, enabled
from procession.testing.temporal.exploring.client import Died
from procession.testing.temporal.exploring.holds import Broken, forms, hold, hold_at_rest, memory_holds
from procession.testing.temporal.exploring.models import Model
from procession.testing.temporal.exploring.world import Moment, World, digest

Place: TypeAlias = bytes
"""What tells a moment apart."""


@final
class Counterexample(AssertionError):
    """Something does not hold. The text has the shortest list of actions that leads there."""


@final
@dataclass(frozen=True)
class Explored:
    """How much there was. `kinds` counts transitions by the kind of their action."""

    states: int
    transitions: int
    depth: int
    ends: int
    kinds: Mapping[str, int]


@final
class Exploration:
    """One model's."""

    def __init__(self, model: Model, states_max: int) -> None:
        self.model = model
        self.world = World(model)
        self._states_max = states_max
        self._from: dict[Place, tuple[Place, Action] | None] = {}
        self._fair: dict[Place, Place | None] = {}
        self._depth: dict[Place, int] = {}
        self._waiting: deque[tuple[Place, Moment]] = deque()
        self._kinds: Counter[str] = Counter()
        self._wanted: frozenset[tuple[str, ...]] = frozenset()

    def run(self) -> Explored:
        """Explores. Raises `Counterexample`."""
        self.world.begin()
        first = self.world.moment()
        self._wanted = frozenset(self._unmoved(first))
        self.world.restore(first)
        self._reached(None, (), None, first)
        while self._waiting:
            if len(self._from) > self._states_max:
                raise Counterexample(f"there are more than {self._states_max} states: bound the model")
            place, moment = self._waiting.popleft()
            self._expand(place, moment)
        self._all_end()
        return Explored(
            len(self._from),
            self._kinds.total(),
            max(self._depth.values()),
            sum(each is None for each in self._fair.values()),
            dict(self._kinds),
        )

    def _unmoved(self, first: Moment) -> set[tuple[str, ...]]:
        """The ends of an instance that never moves: without and, where somebody may ask for something, with that."""
        found: set[tuple[str, ...]] = set()
        for asked in (False, True) if self.model.asked else (False,):
            self.world.restore(first)
            while steps := [
                action for action, _ in enabled(self.world) if action[0] in PROGRESS and (asked or action[0] != "ask")
            ]:
                chosen = ("ask",) if asked and ("ask",) in steps else steps[0]
                act(self.world, chosen)
            found.add(forms(self.world))
        return found

    def _expand(self, place: Place, moment: Moment) -> None:
        world = self.world
        world.restore(moment)
        try:
            memory_holds(world, moment)
        except Broken as broken:
            raise self._told(place, broken) from broken
        fair: Place | None = None
        fresh = True
        for action, _ in enabled(world):
            if not fresh:
                world.restore(moment)
            fresh = False
            commits = self._done(place, action)
            reached = self._reached(place, action, moment, world.moment())
            if fair is None and action[0] in PROGRESS and reached != place:
                fair = reached
            for commit in range(1, commits):
                world.restore(moment)
                world.dies_at = commit
                self._done(place, action)
                after = world.moment()
                after.memory = {}
                self._reached(place, (*action, f"the engine dies after commit {commit}"), moment, after)
        self._fair[place] = fair
        if fair is None:
            world.restore(moment)
            try:
                hold_at_rest(world, self._wanted)
            except Broken as broken:
                raise self._told(place, broken) from broken

    def _done(self, place: Place, action: Action) -> int:
        """Lets an action happen; how many commits it had."""
        try:
            act(self.world, action)
        except Died:
            pass
        except AssertionError as broken:
            raise self._told(place, broken, action) from broken
        self._kinds[str(action[0])] += 1
        return self.world.commits

    def _reached(self, before: Place | None, action: Action, was: Moment | None, moment: Moment) -> Place:
        place = digest(self.world, moment)
        if place not in self._from:
            self._from[place] = (before, action) if before is not None else None
            self._depth[place] = self._depth[before] + 1 if before is not None else 0
            try:
                hold(self.world, was, moment)
            except Broken as broken:
                raise self._told(place, broken) from broken
            self._waiting.append((place, moment))
        return place

    def _all_end(self) -> None:
        """Whoever does one thing after the other comes to an end, from everywhere."""
        ended: set[Place] = set()
        for start in self._fair:
            way: dict[Place, None] = {}
            place: Place | None = start
            while place is not None and place not in ended:
                if place in way:
                    raise self._told(start, Broken("from here on it goes round in circles"))
                way[place] = None
                place = self._fair[place]
            ended.update(way)

    def _told(self, place: Place, broken: BaseException, *last: Action) -> Counterexample:
        actions: list[Action] = list(last)
        while (step := self._from[place]) is not None:
            place, action = step
            actions.append(action)
        lines = [f"model {self.model.name!r}: {broken}", "--- after"]
        lines += [" ".join(map(str, action)) for action in reversed(actions)]
        return Counterexample("\n".join(lines))


STATES_MAX: Final = 2_000_000


def explore(model: Model, states_max: int = STATES_MAX) -> Explored:
    """Explores all of a model. Raises `Counterexample`."""
    return Exploration(model, states_max).run()
