"""Files of a journey: documents of the tenant whose owner is the journey, and which of them came for a task.

What is never submitted goes with the journey; what is submitted stays as other documents do. What must not live here:
how bytes come, which is for `web`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, final

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated
from procession.base.values import Json
from procession.forms import Compiled
from procession.forms.settling import Attached
from procession.runtime import requests as q
from procession.runtime.rows import HELD
from procession.services.backend import Backend, Who
from procession.services.documents import CLEAN, KIND, Document
from procession.services.journeys.kept import FILES, body_of
from procession.services.reading import Reader

TRIES: Final = 20
FIELD_MAX: Final = 100
"""Files of one field that came and are no answer yet, where the field itself takes more."""
TASK_MAX: Final = 500
"""Files that came for one task."""
HELD_MAX: Final = 1_000
"""Files in variables that are looked up for one form."""
_ID: Final = re.compile(r"doc_[0-9a-f]{32}", re.ASCII)


@final
class Files(msgspec.Struct, frozen=True):
    """Which files came for a task: the path of the field by the id of the document, the oldest first."""

    expires: int
    paths: Mapping[str, str] = {}


def files_of_task(reader: Reader, tenant: str, task: str) -> Files:
    """What came for a task."""
    record = reader.records.find(tenant, FILES, task)
    return record.read(Files) if record is not None else Files(0)


def attached(
    reader: Reader, tenant: str, of: tuple[str, str], compiled: Compiled, held: Mapping[str, Json], *, now: int
) -> dict[str, Attached]:
    """The files that answers to a form may name: those that an (owner, task) has, and those in the variables that its
    fields show. Nobody else's."""
    owner, task = of
    if not any(node.value == "files" for node in compiled.walk()):
        return {}
    found: dict[str, Attached] = {}
    heads = {
        (*node.component.path, *node.component.key)[0]
        for node in compiled.walk()
        if node.component.path or node.component.key
    }
    shown = {id for name in heads if name in held for id in ids_in(held[name])}
    for id in (*files_of_task(reader, tenant, task).paths, *sorted(shown)[:HELD_MAX]):
        try:
            _, document = reader.documents.one(tenant, id, now)
        except NotFound:
            continue
        if id in shown or document.by == owner:
            scan = "" if document.scan == CLEAN else document.scan
            found[id] = Attached(document.name, document.size, document.content_type, scan)
    return found


def ids_in(value: Json) -> Iterator[str]:
    """The ids of documents that a value names."""
    if isinstance(value, str):
        if _ID.fullmatch(value):
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from ids_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from ids_in(each)


async def noted(
    backend: Backend, place: tuple[str, str, int], change: Callable[[dict[str, str]], list[str]], who: Who
) -> list[str]:
    """Changes which files a task has; `place` is its tenant, its key, and when they go. Gives what `change` gave: those
    that are given up."""
    tenant, task, expires = place
    for _ in range(TRIES):
        record = await backend.read(tenant, lambda reader: reader.records.find(tenant, FILES, task))
        before = record.read(Files) if record is not None else Files(expires)
        paths = dict(before.paths)
        gone = change(paths)
        if paths == before.paths:
            return gone
        body = body_of(Files(before.expires, paths))
        try:
            await backend.ask(q.PutRecord(tenant, FILES, task, body, record.version if record else 0), who)
        except Outdated:
            continue
        return gone
    raise Conflict("files of this page come from many places at the same time: send it again")


async def keep(backend: Backend, tenant: str, of: tuple[str, str], data: Mapping[str, Json], who: Who) -> None:
    """Lets the files of an (owner, task) that became data stay when the journey goes."""
    owner, task = of
    mine = (await backend.read(tenant, lambda reader: files_of_task(reader, tenant, task))).paths
    for id in {each for value in data.values() for each in ids_in(value)} & set(mine):
        await _keep(backend, tenant, (owner, id), who)


async def _keep(backend: Backend, tenant: str, of: tuple[str, str], who: Who) -> None:
    owner, id = of
    for _ in range(TRIES):
        record = await backend.read(tenant, lambda reader: reader.records.find(tenant, KIND, id))
        document = record.read(Document) if record is not None else None
        if record is None or document is None or document.by != owner or not document.expires:
            return
        body = msgspec.structs.replace(document, expires=0).body()
        try:
            await backend.ask(q.PutRecord(tenant, KIND, id, body, record.version), who)
        except Outdated:
            continue
        number = await backend.read(tenant, lambda reader: reader.views.tenant_number(tenant))
        await backend.write(tenant, "document_due", [(HELD, number, document.parts)])
        return
    raise Conflict("a file of this page is written from many places at the same time: send it again")
