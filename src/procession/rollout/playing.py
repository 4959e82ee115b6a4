"""Playing the shadow of one tree: what the outside told the instances of host A is told to their shadow on host B.

Step by step, in the order in which A stored them. What an answer is for is found by its place; where it is not there
yet, what other instances of the tree were told comes first. Whatever B did by itself already is not told again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, cast, final

import msgspec

from procession.base.failure import BadValue, Conflict, NotFound, Unreadable
from procession.base.values import Json
from procession.core import events as e
from procession.core import facts as f
from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.rollout.answers import Step, Told, told
from procession.rollout.comparing import Difference, compare
from procession.rollout.stage import Stage
from procession.rollout.telling import WAITS, Absent, Pair, request_for, start_request
from procession.rollout.trees import Member, Tree, guarded
from procession.runtime.rows import FactRow, InstanceRow
from procession.services.copies import Copied
from procession.testing.driver import MakeEngines

REASONS_MAX: Final = 20
"""Doubts of one tree that are kept."""
_CLOCK: Final = ("now(", "today(")


@final
class Played(msgspec.Struct, frozen=True):
    """What became of one tree, `equal`, `different` or `untold`; what is different, and what its facts do not tell."""

    status: str
    differences: tuple[Difference, ...] = ()
    reasons: tuple[str, ...] = ()


@final
class _Queue:
    """The steps of one member that were not taken yet."""

    __slots__ = ("member", "steps", "told")

    def __init__(self, member: Member, steps: list[tuple[FactRow, list[f.AnyFact]]]) -> None:
        self.member = member
        self.steps = deque(steps)
        self.told: Told | None = None

    @property
    def order(self) -> tuple[int, int]:
        row, facts = self.steps[0]
        keys = [key for fact in facts if (key := getattr(fact, "element", 0))]
        return row.at, max(keys, default=0)


def play(tree: Tree, root: InstanceRow, copied: Copied, make: MakeEngines) -> Played:
    """Plays the tree of a root that has ended, and compares. Raises what says that the other host is not there."""
    queues: list[_Queue] = []
    unread = guarded(lambda: queues.extend(_queues(tree, root)))
    if unread:
        return Played("untold", reasons=(unread,))
    run = _Run(tree, copied, make, queues)
    # A host that fails is left as it is: nothing there can be ended any more.
    try:
        run.play()
        played = run.result()
    except Unreadable as error:
        played = Played("untold", reasons=(str(error),))
    run.close()
    return played


def _queues(tree: Tree, root: InstanceRow) -> list[_Queue]:
    """Every member with its steps, which are read to the end once, so that damage shows before anything is played."""
    found: list[_Queue] = []
    rows = [root]
    for row in rows:
        rows += tree.called(row.key)
        whole = Tree(tree.store, tree.tenant, tree.programs)
        whole.catch_up(iter([row]))
        member = tree.add(row)
        steps = tree.steps(member)
        if not steps:
            raise Unreadable(f"instance {row.key}: nothing is kept of its history")
        found.append(_Queue(member, steps))
    return found


@final
class _Run:
    """One tree under way."""

    def __init__(self, tree: Tree, copied: Copied, make: MakeEngines, queues: list[_Queue]) -> None:
        self._tree = tree
        self._copied = copied
        self._queues = queues
        first = cast("f.InstanceStarted", queues[0].steps[0][1][0])
        self._facts = [fact for queue in queues for _, facts in queue.steps for fact in facts]
        self._published = {fact.message for fact in self._facts if isinstance(fact, f.MessagePublished)}
        self._reasons: list[str] = []
        self._hints: list[str] = []
        self._found: list[Difference] = []
        self._at = queues[0].steps[0][0].at
        self._late = 0
        self._installed: set[int] = set()
        self._called_off = _called_off(queues)
        self.stage = Stage(make, clock=self._at, zone=first.zone)
        self._root = queues[0].member.key
        held = self._new(lambda at, key: (at, key) < (self._at, self._root) or key == queues[0].member.row.definition)
        stores, others = _stores(queues)
        self._reasons += [f"somebody else wrote the data store {name} meanwhile" for name in others]
        self.stage.install(msgspec.structs.replace(held, stores=stores))

    def close(self) -> None:
        self.stage.close()

    def play(self) -> None:
        """Takes every step of the tree."""
        while waiting := sorted((each for each in self._queues if each.steps), key=lambda each: each.order):
            for queue in waiting:
                if self._take(queue, force=False):
                    break
            else:
                self._take(waiting[0], force=True)

    def _take(self, queue: _Queue, *, force: bool) -> bool:
        """Takes the next step of a member, if what it answers can be told now; with `force` it is said what cannot."""
        row, facts = queue.steps[0]
        member = queue.member
        self._deployed(row.at)
        if queue.told is None:
            linked = member.linked or member.programs(cast("f.InstanceStarted", facts[0]).program)
            queue.told = told(Step(row, facts, member.state, linked, member.programs))
        answer = queue.told
        if member.linked is None:
            member.started = cast("f.InstanceStarted", facts[0])
        why = self._tell(member, answer.event, row) if answer.event is not None else self._known(member)
        if why and not force:
            return False
        if why:
            self._refused(member, answer.event, why)
        if answer.untold or answer.otherwise:
            self._note(self._reasons if answer.untold else self._hints, answer.untold or answer.otherwise)
        member.read(row, facts)
        queue.steps.popleft()
        queue.told = None
        return True

    def _known(self, member: Member) -> str:
        return "" if self._tree.locate(member) is not None else "the element that called it is not there"

    def _deployed(self, until: int) -> None:
        """What was deployed meanwhile is deployed here, too."""
        if self.stage.tree.members:
            self.stage.install(self._new(lambda at, key: at <= until))

    def _new(self, deployed: Callable[[int, int], bool]) -> Copied:
        """What was deployed by then, by (time, key), and is not here yet."""
        found = self._copied.where(lambda at, key: key not in self._installed and deployed(at, key))
        self._installed |= {row.key for row in found.definitions} | {row.key for row in found.decisions}
        return found

    def _tell(self, member: Member, event: AnyEvent, row: FactRow) -> str:
        """Tells one event; why it cannot be told, "" if it is done."""
        if isinstance(event, e.Start):
            return self._start(event)
        if isinstance(event, e.OfferMessage) and event.message in self._published:
            return ""
        if isinstance(event, e.Cancel) and member.row.parent and member.key not in self._called_off:
            return ""
        place = self._tree.locate(member)
        twin = self.stage.tree.at(place) if place is not None else None
        if twin is None:
            return "the instance is not there"
        if self._happened(member, twin, event):
            return ""
        self._clock(event, member, row.at)
        if isinstance(event, e.FireTimer) or self._happened(member, twin, event):
            return "" if self._happened(member, twin, event) else "the timer did not fire"
        try:
            self.stage.call(request_for(Pair(self.stage.tenant, member, twin), event))
        except Absent as absent:
            return str(absent)
        except (NotFound, Conflict, BadValue) as error:
            return str(error)
        return ""

    def _start(self, event: e.Start) -> str:
        definitions = [each for each in self._copied.definitions if each.program == event.program]
        if not definitions:
            raise Unreadable(f"the program {event.program} is deployed no more")
        definition = next((each for each in definitions if each.version == event.version), definitions[0])
        key = 0
        if any(isinstance(fact, f.Drew) for fact in self._facts):
            # The key of an instance is the seed of its random numbers.
            self.stage.past_now()
            key = event.instance
        try:
            self.stage.switch(event.flags)
            self.stage.call(start_request(self.stage.tenant, event, definition=definition.key, key=key))
        except (NotFound, Conflict, BadValue) as error:
            return str(error)
        return ""

    def _happened(self, member: Member, twin: Member, event: AnyEvent) -> bool:
        """Whether the shadow has had what this event is for already, as often as the instance."""
        field = WAITS.get(type(event))
        if field is None:
            return False
        place = member.places.of.get(getattr(event, field))
        if place is None:
            return False
        return twin.places.happened[place] > member.places.happened[place]

    def _clock(self, event: AnyEvent, member: Member, at: int) -> None:
        """Moves the clock to the time of a step, but not beyond timers that had not fired by then."""
        until, own = at, 0
        place = member.places.of.get(event.timer) if isinstance(event, e.FireTimer) else None
        for twin in self.stage.tree.members.values():
            where = self.stage.tree.locate(twin)
            mine = self._tree.at(where) if where is not None else None
            if mine is None or twin.state.suspended:
                continue
            for timer in twin.state.timers.values():
                there = twin.places.of[timer.key]
                if mine is member and there == place:
                    own = timer.due
                elif not mine.places.happened[there] and timer.due <= until:
                    until = timer.due - 1
        # Of several timers of one moment it is the host that says which one fires first.
        until = max(until, min(own, at))
        self._late = max(self._late, at - until)
        self.stage.move(until)

    def _refused(self, member: Member, event: AnyEvent | None, why: str) -> None:
        linked = member.linked
        assert linked is not None or member.started is not None
        program = (linked or member.programs(cast("f.InstanceStarted", member.started).program)).program
        key = next((k for name in _NAMED if (k := getattr(event, name, 0))), 0)
        place = member.places.of.get(key, "")
        element = place.partition(":")[0].rpartition("/")[2].partition("[")[0].partition("#")[0] or program.process_id
        here: Json = {"told": type(event).__name__ if event is not None else "", "at": place}
        self._found.append(Difference(program.process_id, element, place, "answer", here, {"refused": why}))

    def _note(self, into: list[str], text: str) -> None:
        if len(into) < REASONS_MAX:
            into.append(text)

    def result(self) -> Played:
        """What is different, and whether that can be said."""
        found = (*self._found, *compare(self._tree, self.stage.tree))
        if not found:
            return Played("equal", reasons=tuple(self._reasons))
        untold = (*self._reasons, *self._uncertain())
        return Played("untold" if untold else "different", found, (*untold, *self._hints))

    def _uncertain(self) -> list[str]:
        """Why a difference may be no fault of the other host."""
        found: list[str] = []
        programs = [each.linked.program for each in self._tree.members.values() if each.linked is not None]
        asks = any(word in each.text for program in programs for each in program.expressions for word in _CLOCK)
        if asks and self._late:
            found.append(f"expressions ask for the time, and timers fired {self._late} ms late")
        called = [each for each in self._tree.members.values() if each.row.parent]
        if any(isinstance(fact, f.Drew) for each in called for fact in each.facts):
            found.append("a called process drew random numbers, which its key seeds")
        return found


_NAMED: Final = ("job", "timer", "subscription", "incident", "element")


def _called_off(queues: list[_Queue]) -> set[int]:
    """The called instances whose callers heard of their end: nobody but the outside cancels those. The others go with
    the element that called them."""
    found: set[int] = set()
    for queue in queues:
        child: dict[int, int] = {}
        for _, facts in queue.steps:
            for fact in facts:
                if isinstance(fact, f.ChildStarted):
                    if not fact.child:
                        found.add(child.get(fact.element, 0))
                    child[fact.element] = fact.child
    return found


def _stores(queues: list[_Queue]) -> tuple[dict[str, Json], list[str]]:
    """What data stores held before the tree wrote them, as far as it read them; and which others wrote after that."""
    held: dict[str, Json] = {}
    first: dict[str, Json] = {}
    others: dict[str, None] = {}
    steps = [(row.at, n, row.seq, facts) for n, queue in enumerate(queues) for row, facts in queue.steps]
    entered = [_Entered(queue.member.programs) for queue in queues]
    for _, n, _, facts in sorted(steps, key=lambda each: each[:3]):
        for fact in facts:
            entered[n].read(fact)
            if isinstance(fact, f.StoreWritten):
                held[fact.store] = fact.value
                first.setdefault(fact.store, None)
            elif isinstance(fact, f.StoresRead):
                for store, value in entered[n].values(fact):
                    first.setdefault(store, value)
                    if held.setdefault(store, value) != value:
                        others[store] = None
                        held[store] = value
    return {name: value for name, value in first.items() if value is not None}, list(others)


@final
class _Entered:
    """Of which node each element is, for who only wants to know which data stores it reads."""

    def __init__(self, programs: Callable[[str], Linked]) -> None:
        self._programs = programs
        self._nodes: dict[int, int] = {}
        self._linked: Linked | None = None

    def read(self, fact: f.AnyFact) -> None:
        if isinstance(fact, f.InstanceStarted | f.InstanceMigrated):
            self._linked = self._programs(fact.program)
        if isinstance(fact, f.InstanceMigrated):
            numbers = dict(fact.nodes)
            self._nodes = {key: numbers.get(node, node) for key, node in self._nodes.items()}
        elif isinstance(fact, f.ElementEntered | f.ItemEntered | f.CompensationEntered | f.ActivationEntered):
            self._nodes[fact.element] = fact.node

    def values(self, fact: f.StoresRead) -> list[tuple[str, Json]]:
        """What was read, by data store."""
        assert self._linked is not None
        data = self._linked.nodes[self._nodes.get(fact.element, 0)].data
        return [(store, fact.values[name]) for name, store in (data.reads if data is not None else ())]
