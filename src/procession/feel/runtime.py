"""What one evaluation carries: clock, seed, budget, notes and the functions of the host. No semantics of operators.

`Runtime` is the only object here with state. Randomness is a hash of (seed, counter): the same everywhere, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context
from typing import Final, TypeAlias, final

from procession.feel.errors import BudgetExceeded, Note
from procession.feel.weight import weight


@final
class Missing:
    """The type of `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""What a lookup returns for a name that it does not know."""

Lookup: TypeAlias = Callable[[str], object]
"""A variable's value by name, `MISSING` for a name that nobody has. It is asked once a name, and only when needed."""

AT_BITS: Final = 17
"""A place in a text is one int, `start << AT_BITS | end`: a text has at most 64 Ki characters."""
NOTES_MAX: Final = 100
"""More notes than this are counted by nobody; a loop over a million wrong items must not fill the memory."""
TRAIL_MAX: Final = 10_000
"""Most entries of a trail: what a table that a loop asks a million times did is not kept a million times."""
CALLS_MAX: Final = 60
"""Deepest nesting of calls of user-defined functions, well below what Python's stack bears."""


@final
class Runtime:
    """What evaluations share: the clock, the seed, the budget, the notes. Not thread-safe; cheap to make.

    `now_ms` is the moment of `now()` in Unix milliseconds, `zone` the IANA name of its zone, and that of local times
    where one is needed. `seed` and the number of `draws` so far decide what `uuid()` and `random number()` give.
    `budget` is how many steps all evaluations together may take. `functions` are Python functions that expressions call
    by name.
    """

    __slots__ = ("calls", "functions", "left", "notes", "now_ms", "outside", "random_used", "seed", "trail", "zone")

    def __init__(
        self,
        *,
        now_ms: int = 0,
        zone: str = "UTC",
        seed: int = 0,
        budget: int = 1_000_000,
        functions: Mapping[str, Callable[..., object]] | None = None,
        draws: int = 0,
    ) -> None:
        self.now_ms = now_ms
        self.zone = zone
        self.seed = seed
        self.left = budget
        self.functions: Mapping[str, Callable[..., object]] = functions or {}
        self.random_used = draws
        self.notes: list[Note] = []
        self.calls = 0
        self.trail: list[object] | None = None
        """Where who uses expressions leaves what it did, in order; None where nobody asks, which is the fast way."""
        self.outside: Context | None = None
        """The decimal context of the caller, which its functions reckon in."""

    def note(self, code: str, message: str, at: int) -> None:
        """Records why something is null. `at` is a packed place."""
        if len(self.notes) < NOTES_MAX:
            self.notes.append(Note(code, message, at >> AT_BITS, at & (1 << AT_BITS) - 1))

    def leave(self, entry: object) -> None:
        """Adds an entry to the trail, if there is one and it is not full."""
        trail = self.trail
        if trail is not None and len(trail) < TRAIL_MAX:
            trail.append(entry)

    def charge(self, steps: int) -> None:
        """Takes steps from the budget; raises `BudgetExceeded` when it is spent."""
        self.left -= steps
        if self.left < 0:
            raise BudgetExceeded("the expression needs more steps than it was given")

    def weigh(self, value: object, times: int = 1) -> None:
        """Takes the size of a value, so many times, from the budget before it is walked."""
        kind = type(value)
        if kind is list or kind is dict or kind is str:
            self.charge(weight(value, max(0, self.left)) * times)

    def draw(self) -> bytes:
        """The next 32 random bytes of this evaluation; a function of (seed, how many were drawn before)."""
        from hashlib import sha256  # loads OpenSSL, which few expressions need

        data = sha256(f"{self.seed}:{self.random_used}".encode()).digest()
        self.random_used += 1
        return data


def pack(start: int, end: int) -> int:
    """A place as one int."""
    return start << AT_BITS | end
