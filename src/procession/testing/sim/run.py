"""One simulated run as data: its plans, its clock, what is on its way, what was promised. Nothing here acts."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal, TypeAlias, final

from procession.runtime.requests import AnyRequest
from procession.testing.sim.faults import Dice, Fault
from procession.testing.sim.ledger import Case, Ledger
from procession.testing.sim.plans import Plan
from procession.testing.sim.store import Disk

START_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z, when every run begins."""
FAR_MS: Final = START_MS + 9 * 365 * 86_400_000
"""No run lasts so long: what is due later is there to be cancelled."""

Kind: TypeAlias = Literal[
    "start",
    "publish",
    "signal",
    "task",
    "resolve",
    "repair",
    "set",
    "cancel",
    "job",
    "lease",
    "timer",
    "deploy",
    "suspend",
    "resume",
    "move",
    "migrate",
    "batch",
]
About: TypeAlias = tuple[Kind, str, int]
"""(kind, tenant, what number): equal for letters that want the same."""


@final
class Letter:
    """A request on its way to an engine. `hold` and `deadline` in Unix ms; `engine` is where a job was leased, and
    `board` the memory that knows of the lease."""

    __slots__ = ("about", "board", "deadline", "engine", "hold", "label", "request")

    def __init__(self, about: About, request: AnyRequest, label: str = "") -> None:
        self.about = about
        self.request = request
        self.label = label
        self.hold = 0
        self.deadline = 0
        self.engine = 0
        self.board: object = None

    def copy(self) -> Letter:
        """The same once more."""
        letter = Letter(self.about, self.request, self.label)
        letter.deadline = self.deadline
        letter.engine = self.engine
        letter.board = self.board
        return letter


@final
class Run:
    """The state of one simulated run."""

    def __init__(self, plans: dict[str, Plan], dice: Dice, faults: frozenset[Fault], *, file: bool) -> None:
        self.plans: Final = plans
        """Tenant -> its part."""
        self.dice: Final = dice
        self.faults: Final = faults
        self.disk: Final = Disk(file=file)
        self.ledger: Final = Ledger(self.disk)
        self.now = START_MS
        self.latest = START_MS
        """The highest time that ever was; the clock may have been set back since."""
        self.unsafe = False
        """Whether faults may happen just now."""
        self.letters: list[Letter] = []
        self.mail: dict[int, Letter] = {}
        """Number of a row of the inbox -> what it asks, until it is answered."""
        self.posted = 0
        self.numbers = 0
        self.deployed: set[str] = set()
        self.published: set[tuple[str, int]] = set()
        """(tenant, place in the plan) of messages that are known to have arrived."""
        self.message_keys: dict[tuple[str, int], int] = {}
        self.cancelled: set[int] = set()
        """Instances that somebody tried to cancel."""
        self.tokens: dict[int, int] = {}
        """Job -> the newest lease."""
        self.leased_by: dict[int, int] = {}
        """Job -> the engine that gave the newest lease."""
        self.spent: set[int] = set()
        """Leases under which something was answered already: a second answer may be refused."""
        self.accepted: Counter[int] = Counter()
        """Job -> results that were accepted."""
        self.effects: dict[tuple[int, str], str] = {}
        """(element instance, job type) -> the idempotency key under which its worker acted."""
        self.fired: Counter[Fault] = Counter()
        self.crashes = 0
        self.actions = 0
        self.trace: list[str] = []

    def on(self, fault: Fault, one_in: int = 1) -> bool:
        """Whether a fault happens now; counted if it does."""
        if not self.unsafe or fault not in self.faults or not self.dice.chance(one_in):
            return False
        self.fired[fault] += 1
        return True

    def note(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.actions:>4} {self.now - START_MS:>12} {text}")

    def number(self) -> int:
        """The next number that nobody had."""
        self.numbers += 1
        return self.numbers

    def under_way(self) -> set[About]:
        """What is asked for already."""
        return {each.about for each in (*self.letters, *self.mail.values())}

    def tenant(self, case: Case) -> str:
        """The name of an instance's tenant."""
        return self.ledger.catalog.names[case.tenant]

    def plan(self, case: Case) -> Plan:
        """The plan that an instance belongs to."""
        return self.plans[self.tenant(case)]

    def move_to(self, at: int) -> None:
        """Sets the clock."""
        self.now = at
        self.latest = max(self.latest, at)
