"""Trees: an instance with all that it called, as their facts tell them, step by step. One side of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, final

from procession.base.failure import ProcessionError, Unreadable
from procession.core import facts as f
from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.rollout.places import Places
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.replay import replay
from procession.runtime.rows import FactRow, InstanceRow

PAGE: Final = 500

Programs = Callable[[str], Linked]


@final
class Member:
    """One instance of a tree: its row, its state so far, and where what is in it."""

    __slots__ = ("facts", "key", "linked", "place", "places", "programs", "row", "started", "state")

    def __init__(self, row: InstanceRow, programs: Programs) -> None:
        self.row = row
        self.key = row.key
        self.programs = programs
        self.state = State()
        self.places = Places(lambda hash: programs(hash).program)
        self.linked: Linked | None = None
        self.started: f.InstanceStarted | None = None
        self.facts: list[f.AnyFact] = []
        self.place: str | None = None
        """Where it is in the tree, "" for the root; None as long as that is not known."""

    @property
    def active(self) -> bool:
        """Whether it has begun and has not ended."""
        return self.linked is not None and self.state.status is Status.ACTIVE

    def read(self, step: FactRow, facts: list[f.AnyFact]) -> None:
        """Goes on by one step."""
        first = facts[0]
        if self.linked is None:
            if not isinstance(first, f.InstanceStarted):
                raise Unreadable(f"instance {self.key}: what is kept of its history does not begin with its start")
            self.started = first
            self.linked = self.programs(first.program)
        self.linked = replay(self.linked, self.state, [step], self.programs)
        self.places.read(facts)
        self.facts += facts


@final
class Tree:
    """All members of one tree, by key; the first is the root."""

    __slots__ = ("members", "programs", "store", "tenant")

    def __init__(self, store: Reads, tenant: int, programs: Programs) -> None:
        self.store = store
        self.tenant = tenant
        self.programs = programs
        self.members: dict[int, Member] = {}

    def add(self, row: InstanceRow) -> Member:
        """A member of which nothing was read yet."""
        found = self.members[row.key] = Member(row, self.programs)
        return found

    def steps(self, member: Member) -> list[tuple[FactRow, list[f.AnyFact]]]:
        """The steps of a member that were not read yet."""
        rows = self.store.read("facts", (self.tenant, member.key, member.state.seq), FactRow)
        return [(row, codec.decode_facts(row.data)) for row in rows]

    def called(self, parent: int) -> list[InstanceRow]:
        """The instances that one called."""
        found: list[InstanceRow] = []
        after = 0
        while rows := self.store.read("instances_called", (self.tenant, parent, after, PAGE), InstanceRow):
            found += rows
            after = rows[-1].key
        return found

    def locate(self, member: Member) -> str | None:
        """The place of a member; None where the element that called it is not known yet."""
        if member.place is None and member.started is not None:
            parent = self.members.get(member.started.parent_instance)
            if parent is None:
                member.place = ""
            else:
                above = self.locate(parent)
                inside = parent.places.of.get(member.key)
                member.place = None if above is None or inside is None else f"{above}{inside}"
        return member.place

    def at(self, place: str) -> Member | None:
        """The member at a place."""
        return next((each for each in self.members.values() if self.locate(each) == place), None)

    def catch_up(self, rows: Iterator[InstanceRow]) -> None:
        """Reads what is new of these instances, the callers before those whom they called."""
        for row in rows:
            member = self.members.get(row.key) or self.add(row)
            if member.linked is not None and not member.active:
                continue
            for step, facts in self.steps(member):
                member.read(step, facts)


def guarded(what: Callable[[], None]) -> str:
    """Why something stored cannot be read; "" if it can. Damage that still decodes makes facts with any consequence."""
    try:
        what()
    except ProcessionError as error:
        return str(error)
    except Exception as error:
        return f"it cannot be restored from what is stored of it ({type(error).__name__}: {error})"
    return ""
