"""What the server asks of the engines behind it. One contract, whichever process owns the shard of a tenant.

The server's rooms know this and the requests (`runtime.requests`); which host carries them out is chosen by `cli`.
Data and contracts only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol, TypeVar, final

import msgspec

from procession.runtime import tenants
from procession.runtime.ports import Cells
from procession.runtime.requests import Plain
from procession.services.reading import Reader

_T = TypeVar("_T")

PLATFORM: Final = tenants.PLATFORM


@final
class Who(msgspec.Struct, frozen=True, gc=False):
    """Who asks: a `subject` (`user:…`, `key:…`, `service:…`) from `origin` (an address), as the audit log names them.

    `key` is the idempotency key that they chose, "" for none, `digest` the hash of what they asked under it."""

    subject: str
    origin: str = ""
    key: str = ""
    digest: bytes = b""


@final
class News(msgspec.Struct, frozen=True, gc=False):
    """Steps that one commit stored: of `instance`, from `first` to `last`. `number` is where to go on in the feed."""

    number: int
    at: int
    instance: int
    first: int
    last: int


class Backend(Protocol):
    """The engines of this process. All calls are for an event loop; none blocks it."""

    async def ask(self, request: Plain, who: Who) -> object:
        """Carries out a request, in whichever process; raises `ProcessionError`. With `who.key` it happens once, and
        a repeated one gives the first answer (as JSON: structs have become dicts)."""
        ...

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """Carries out requests that share commits. In the place of a result stands the `ProcessionError` of it."""
        ...

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """What `question` gives of a reader that sees this tenant alone; it runs in a thread."""
        ...

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """Runs a named statement of store/sql/free.sql, which no shard has to own, where a tenant's rows are."""
        ...

    def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """What is stored for a tenant behind the number `after`, in order, as long as it is iterated."""
        ...

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """Waits until something may have happened for a tenant since `seen`, at most so long; gives what is seen now.

        Begin with 0, which gives the present at once."""
        ...

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """Job type -> about how many are ready, of those types of which this process's memory knows. It costs nothing;
        of types that are not there only the store knows. `moved` tells when a job becomes ready."""
        ...

    def runs(self, tenant: str, instance: int) -> bool:
        """Whether this process has an instance in memory, active: it costs nothing. Otherwise only the store knows;
        `moved` tells when that becomes so."""
        ...
