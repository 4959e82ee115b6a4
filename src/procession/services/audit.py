"""The audit log: reading it, exporting it, and telling whether its chain of hashes still holds.

The chain shows that a row was changed, taken out, put in or moved, to whoever kept a `Head` of it from before: somebody
who can write the whole table could make the chain anew, but not with that head in it. It is over what is stored, so it
can be followed without the keys of the tenants. What must not live here: writing the log, which is its shard's commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue, NotFound, Unreadable
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads, Store
from procession.runtime.rows import REDACTED, AuditRow, ChainRow, IntRow
from procession.runtime.tenants import shard_of_number
from procession.services.views import LIMIT, Views

PAGE: Final = 1_000
SCAN_MAX: Final = 20_000
"""Rows that one question looks at; where to go on is told."""
STEP_BACK_MS: Final = 60_000
"""How far the clock of one owner of a shard may be behind that of the one before."""


@final
class Said(msgspec.Struct, frozen=True):
    """Who asked for what, from where; `on` are the fields of the request that the log may hold."""

    who: str
    what: str
    on: dict[str, Json] = {}
    origin: str = msgspec.field(name="from", default="")


@final
class AuditEntry(msgspec.Struct, frozen=True, gc=False):
    """A row of the log, at a time in Unix ms."""

    shard: int
    number: int
    at: int
    said: Said


@final
class Which(msgspec.Struct, frozen=True):
    """Entries by whom, of what, from `since` on and before `until` (Unix ms); "" and None are all."""

    subject: str = ""
    what: str = ""
    since: int | None = None
    until: int | None = None

    def means(self, entry: AuditEntry) -> bool:
        """Whether an entry is meant."""
        return (
            (not self.subject or entry.said.who == self.subject)
            and (not self.what or entry.said.what == self.what)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


@final
class AuditPage(msgspec.Struct, frozen=True):
    """Entries, and the number behind which there may be more; None at the end."""

    entries: list[AuditEntry]
    next: int | None


@final
class AuditViews:
    """Reading the log of one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def listed(self, tenant: str, which: Which, after: int = 0, limit: int = LIMIT) -> AuditPage:
        """Entries of a tenant, in order, behind a number."""
        number = self._views.tenant(tenant)
        if number is None:
            return AuditPage([], None)
        shard = shard_of_number(number)
        if which.since is not None:
            after = max(after, self._before(number, shard, which.since - STEP_BACK_MS))
        found: list[AuditEntry] = []
        for _ in range(0, SCAN_MAX, PAGE):
            rows = self._store.read("audit_tenant", (number, shard, after, PAGE), AuditRow)
            for row in rows:
                entry = _entry(row)
                if which.means(entry):
                    if len(found) == limit:
                        return AuditPage(found, found[-1].number)
                    found.append(entry)
                after = row.number
            over = which.until is not None and bool(rows) and rows[-1].at >= which.until + STEP_BACK_MS
            if len(rows) < PAGE or over:
                return AuditPage(found, None)
        return AuditPage(found, after)

    def _before(self, tenant: int, shard: int, at: int) -> int:
        """A number behind which all rows from a time on are: by halving, since numbers and times rise together."""
        last = self._store.read("audit_last", (shard,), ChainRow)
        low, high = 0, last[0].number if last else 0
        while low < high:
            middle = (low + high) // 2
            rows = self._store.read("audit_tenant", (tenant, shard, middle, 1), AuditRow)
            if not rows or rows[0].at >= at:
                high = middle
            else:
                low = rows[0].number
        return low


def _entry(row: AuditRow) -> AuditEntry:
    said = GONE if not row.body or row.body[:1] == REDACTED else codec.read(_SAID, row.body)
    return AuditEntry(row.shard, row.number, row.at, said)


GONE: Final = Said("", "")
"""What is left of what was said by or about a tenant that was deleted."""
_SAID: Final = msgspec.json.Decoder(known(Said))


def chained(before: bytes, cells: tuple[int, int, int, int], body: bytes) -> bytes:
    """The hash of a row of the audit log: of the hash before it, (tenant, shard, number, at), and the body as stored.

    A body whose key is destroyed is still the same bytes: the chain holds without anybody reading it."""
    return _linked(before, cells, _digest(body))


def _digest(body: bytes) -> bytes:
    # What was taken out of the log left its hash behind.
    return body[1:] if body[:1] == REDACTED else hashlib.sha256(body).digest()


def redacted(body: bytes) -> bytes:
    """What takes the place of a body that is forgotten: the chain goes over its hash, and holds."""
    return REDACTED + _digest(body)


def _linked(before: bytes, cells: tuple[int, int, int, int], body_digest: bytes) -> bytes:
    digest = hashlib.sha256(before)
    digest.update(":".join(map(str, cells)).encode())
    digest.update(body_digest)
    return digest.digest()


@final
class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the log as an export has it. `stored` is the SHA-256 of the body as it is stored, `chain` the hash of
    the chain up to here, both in hexadecimal digits. `said` is None where the key to it is not at hand."""

    tenant: int
    shard: int
    number: int
    at: int
    stored: str
    chain: str
    said: Json = None


@final
class Head(msgspec.Struct, frozen=True):
    """What the chain was at a number; hexadecimal digits. Keep it where the server cannot write."""

    number: int
    chain: str


@final
class Verdict(msgspec.Struct, frozen=True):
    """What became of checking a shard's chain. `broken` is why it does not hold, "" while it does, and `at` the number
    of the first row that does not fit. `head` is the end of what holds."""

    shard: int
    rows: int
    head: Head
    broken: str = ""
    at: int = 0


def verify(shard: int, links: Iterable[Link], known: Head | None = None) -> Verdict:
    """Recomputes the chain of a shard from its rows in order. `known` is a head that was kept from before: the chain
    has to pass through it, and may begin behind it."""
    head = Head(0, "")
    rows = 0
    for link in links:
        if not rows and known is not None and link.number == known.number + 1:
            head = known
        broken = _fault(shard, link, head, known)
        if broken:
            return Verdict(shard, rows, head, broken, link.number)
        head = Head(link.number, link.chain)
        rows += 1
    if known is not None and known.number > head.number:
        gone = f"the rows behind {head.number} are gone: {known.number} was there"
        return Verdict(shard, rows, head, gone, head.number + 1)
    return Verdict(shard, rows, head)


def _fault(shard: int, link: Link, head: Head, known: Head | None) -> str:
    if link.number != head.number + 1:
        return f"row {head.number + 1} is not there: {link.number} follows {head.number}"
    cells = (link.tenant, link.shard, link.number, link.at)
    try:
        chain = _linked(bytes.fromhex(head.chain), cells, bytes.fromhex(link.stored)).hex()
    except ValueError:
        return f"row {link.number} has a hash that is none"
    if link.shard != shard or chain != link.chain:
        return f"row {link.number} is not what was written, or not in its place"
    if known is not None and known.number == link.number and known.chain != link.chain:
        return f"row {link.number} is not the one whose head was kept: the chain was made anew"
    return ""


def links(store: Reads, shard: int, after: int = 0) -> Iterator[Link]:
    """The rows of a shard as they are stored. `store` is one that decrypts nothing: the chain is over what it holds."""
    while True:
        rows = store.read("audit_shard", (shard, after, PAGE), AuditRow)
        for row in rows:
            yield _link(row)
            after = row.number
        if len(rows) < PAGE:
            return


def shards(store: Reads) -> list[int]:
    """The shards that have a log."""
    return [row.value for row in store.read("audit_shards", (), IntRow) if row.value is not None]


def _link(row: AuditRow) -> Link:
    said: Json = None
    with suppress(Unreadable):
        said = codec.decode_json(row.body)
    digest = _digest(row.body).hex()
    return Link(row.tenant, row.shard, row.number, row.at, digest, row.chain.hex(), said)


_LINK: Final = msgspec.json.Decoder(known(Link))


def exported(lines: Iterable[bytes]) -> Iterator[Link]:
    """The rows of an export, one line a row (NDJSON). Raises `BadValue` for a line that is none."""
    for number, line in enumerate(lines, 1):
        try:
            yield _LINK.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadValue(f"line {number} of the export is no row of an audit log: {error}") from None


def opened(place: str) -> Store:
    """A store for `links`, by its path or URL. Raises `NotFound`, `StoreError`."""
    from procession.store.opening import is_postgres, open_store

    if not is_postgres(place) and not Path(place).is_file():
        raise NotFound(f"no store at {place!r:.200}")
    return open_store(place)
