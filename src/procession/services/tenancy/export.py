"""Everything of a tenant as a stream of lines, each a JSON object with a `type`. The format is in docs/tenants.md.

Written page by page, while the tenant goes on: each instance is consistent in itself, not all of them with each other.
Keys and secrets are not in it. What must not live here: who may have it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol, TypeAlias, cast

import msgspec

from procession.base.failure import NotFound
from procession.runtime import codec
from procession.runtime.rows import (
    REDACTED,
    AuditRow,
    DecisionRow,
    DefinitionRow,
    FactRow,
    FormRow,
    IncidentRow,
    InstanceRow,
    TaskRow,
)
from procession.runtime.rows_of_server import AnyRecordRow, BufferedRow, ContentRow, DataStoreRow
from procession.runtime.tenants import shard_of_number
from procession.services.backend import Backend
from procession.services.reading import Reader

FORMAT: Final = 1
"""The number of the format, in the first line."""
PAGE: Final = 100
STEPS: Final = 500
"""Steps of an instance in one line."""
SECRET: Final = frozenset(
    {"key", "session", "secret", "connection", "webhook", "journey-link", "journey-session", "journey-code"}
)
"""Kinds of records whose bodies stay here: they hold secrets, or what proves them."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


After: TypeAlias = "int | tuple[str, str] | tuple[int, int]"
Line: TypeAlias = dict[str, object]
Page: TypeAlias = "tuple[list[Line], After | None]"
"""Lines, and where to go on; None for the end."""
Section: TypeAlias = Callable[[Reader, int, After], Page]


async def exported(backend: Backend, tenant: str, at: int) -> AsyncIterator[bytes]:
    """The lines of a tenant, in chunks. `at` (Unix ms) is written into the first. Raises `NotFound` before it."""
    number = await backend.read(tenant, lambda reader: reader.views.tenant(tenant))
    if number is None:
        raise NotFound(f"no tenant {tenant!r}")
    digest, count = hashlib.sha256(), 0
    for section, start in _SECTIONS.items():
        after: After | None = start
        if not count:
            count = 1
            yield _chunk([{"type": "export", "format": FORMAT, "tenant": tenant, "at": at}], digest)
        while after is not None:
            lines, after = await backend.read(tenant, _page_of(section, number, after))
            count += len(lines)
            if lines:
                yield _chunk(lines, digest)
    # Without this line the stream was cut off.
    yield _ENCODER.encode({"type": "end", "lines": count, "sha256": digest.hexdigest()}) + b"\n"


def _page_of(section: Section, number: int, after: After) -> Callable[[Reader], Page]:
    return lambda reader: section(reader, number, after)


def _chunk(lines: list[Line], digest: _Digest) -> bytes:
    data = b"".join(_ENCODER.encode(line) + b"\n" for line in lines)
    digest.update(data)
    return data


def _documents(reader: Reader, number: int, after: After) -> Page:
    lines: list[Line] = []
    deployments = {row.deployment for row in reader.store.read("definitions", (number,), DefinitionRow)}
    deployments |= {row.deployment for row in reader.store.read("decisions", (number,), DecisionRow)}
    deployments |= {row.deployment for row in reader.store.read("forms", (number,), FormRow)}
    left = sorted(each for each in deployments if each > cast("int", after))
    for deployment in left[:PAGE]:
        for row in reader.store.read("contents", (number, deployment), ContentRow):
            data = base64.b64encode(codec.unwrap(row.data)).decode()
            line = {"deployment": str(deployment), "name": row.name, "sha256": row.digest, "base64": data}
            lines.append({"type": "document", **line})
    return lines, left[PAGE - 1] if len(left) > PAGE else None


def _definitions(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("definitions_all", (number, cast("int", after), PAGE), DefinitionRow)
    return [_line("definition", row) for row in rows], rows[-1].key if len(rows) == PAGE else None


def _decisions(reader: Reader, number: int, after: After) -> Page:
    return [_line("decision", row) for row in reader.store.read("decisions", (number,), DecisionRow)], None


def _forms(reader: Reader, number: int, after: After) -> Page:
    return [_line("form", row) for row in reader.store.read("forms", (number,), FormRow)], None


def _instances(reader: Reader, number: int, after: After) -> Page:
    """One instance a page: its row, then its steps, some in each line."""
    key, seq = cast("tuple[int, int]", after)
    lines: list[Line] = []
    if not seq:
        rows = reader.store.read("instances", (number, key, 1), InstanceRow)
        if not rows:
            return [], None
        key = rows[0].key
        lines.append(_line("instance", rows[0]))
    facts = reader.store.read("facts_page", (number, key, seq, STEPS), FactRow)
    if facts:
        steps = [{"seq": row.seq, "at": row.at, "facts": codec.decode_json(row.data)} for row in facts]
        lines.append({"type": "steps", "instance": str(key), "steps": steps})
    return lines, (key, facts[-1].seq) if len(facts) == STEPS else (key, 0)


def _tasks(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("tasks", (number, cast("int", after), PAGE), TaskRow)
    lines = [{**_line("task", row), "attributes": codec.decode_json(row.attributes)} for row in rows]
    return lines, rows[-1].key if len(rows) == PAGE else None


def _incidents(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("incidents", (number, cast("int", after), PAGE), IncidentRow)
    return [_line("incident", row) for row in rows], rows[-1].key if len(rows) == PAGE else None


def _messages(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("messages_all", (number, cast("int", after), PAGE), BufferedRow)
    lines = [{**_line("message", row), "variables": codec.decode_json(row.variables)} for row in rows]
    return lines, rows[-1].key if len(rows) == PAGE else None


def _data_stores(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("data_stores", (number,), DataStoreRow)
    return [{**_line("data_store", row), "value": codec.decode_json(row.value)} for row in rows], None


def _records(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("records_all", (number, *cast("tuple[str, str]", after), PAGE), AnyRecordRow)
    lines: list[Line] = []
    for row in rows:
        body = None if row.kind in SECRET else codec.decode_json(row.body)
        lines.append({**_line("record", row), "body": body, "withheld": row.kind in SECRET})
    return lines, (rows[-1].kind, rows[-1].id) if len(rows) == PAGE else None


def _audit(reader: Reader, number: int, after: After) -> Page:
    rows = reader.store.read("audit_tenant", (number, shard_of_number(number), cast("int", after), PAGE), AuditRow)
    lines: list[Line] = []
    for row in rows:
        body = codec.decode_json(row.body) if row.body and row.body[:1] != REDACTED else None
        lines.append({"type": "audit", "number": row.number, "at": row.at, "said": body, "chain": row.chain.hex()})
    return lines, rows[-1].number if len(rows) == PAGE else None


_SECTIONS: Final[dict[Section, After]] = {
    _documents: 0,
    _definitions: 0,
    _decisions: 0,
    _forms: 0,
    _instances: (0, 0),
    _tasks: 0,
    _incidents: 0,
    _messages: 0,
    _data_stores: 0,
    _records: ("", ""),
    _audit: 0,
}
"""What is written, in this order, and where each begins."""
_KEYS: Final = frozenset("key definition deployment instance element parent root message job home".split())
"""Fields that are keys: decimal texts, for a JSON number of 63 bits is read as another one by many."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def _line(type: str, row: msgspec.Struct) -> Line:
    line: Line = {"type": type}
    for name, value in msgspec.structs.asdict(row).items():
        if isinstance(value, bytes) or name == "tenant":
            continue
        line[name] = str(value) if name in _KEYS and isinstance(value, int) else value
    return line
