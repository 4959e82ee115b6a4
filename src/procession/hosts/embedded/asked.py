"""What a server asks: requests of somebody who is known, carried out once by their key, and written down.

All of it is part of the commit of what was asked. What must not live here: who may ask for what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated
from procession.base.values import Json
from procession.hosts.embedded.shard import Shard
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import AnsweredRow, RecordRow
from procession.runtime.tenants import PLATFORM
from procession.services.routes import KIND as ROUTES
from procession.services.routes import Compiled, read_routes
from procession.services.tenancy.limits import KIND as LIMITS
from procession.services.tenancy.limits import Limits, limits_of
from procession.services.tenancy.usage import USAGE

Answer: TypeAlias = Callable[[Shard, msgspec.Struct], object]

_NAMES: Final = {"InstallCompiled": "DeployResources"}
"""What a request is called in the log, where it was made ready before it came here."""
UNSAID: Final = frozenset({"variables", "body", "resources", "compiled"})
"""Fields of a request that are not written into the log: what a process holds is not the log's business."""


def foresee(shard: Shard, asked: Iterable[q.Asked]) -> None:
    """Reads what was answered before under the idempotency keys of a batch: one question for all of them."""
    numbers = shard.catalog.tenants
    places = [(numbers[each.tenant], each.key) for each in asked if each.key and each.tenant in numbers]
    rows = shard.store.read("answered", (msgspec.json.encode(places).decode(),), AnsweredRow) if places else ()
    shard.books.answered = {(row.tenant, row.key): row for row in rows}


def carry_out(shard: Shard, request: q.Asked, answer: Answer) -> object:
    """Answers a request of somebody; `answer` is what carries out the plain one."""
    what = request.what
    number = shard.catalog.tenants.get(what.tenant)
    if request.key and number is not None:
        known = shard.books.answered.get((number, request.key))
        if known is not None:
            return again(request.key, request.digest, known)
    if number is not None:
        if (number, 0) in shard.suspended and not isinstance(what, q.ForgetTenant):
            raise Conflict("this tenant is being deleted")
        shard.quotas.admit(number, what, shard.batch)
    result = answer(shard, what)
    if number is None:
        number = shard.catalog.tenant(what.tenant)
    if request.key:
        told = codec.encode_json(result)
        place = (number, request.key)
        shard.batch["answered"].insert(place, (*place, shard.at, request.digest, told))
        # The second one of a key may be in the same commit.
        shard.books.answered[place] = AnsweredRow(*place, request.digest, told)
    if _worth_a_word(what, result):
        _write_down(shard, number, request)
    return result


def _worth_a_word(what: q.Plain, result: object) -> bool:
    """A worker that looks for jobs and finds none changes nothing, however often it looks; and of the many portions of
    a tenant's end the last one is what happened."""
    if isinstance(what, q.ActivateJobs):
        return bool(result)
    return not (isinstance(result, q.TenantForgotten) and result.left)


def again(key: str, digest: bytes, known: AnsweredRow) -> Json:
    """What a key's request was answered. Raises `Conflict` when the key was another request's."""
    if known.digest != digest:
        raise Conflict(f"the idempotency key {key!r:.60} was used for another request: take a new one")
    return codec.decode_json(known.result)


def _write_down(shard: Shard, tenant: int, request: q.Asked) -> None:
    what = request.what
    name, fields = _said(what)
    said = {"who": request.subject, "from": request.origin, "what": name, "on": fields}
    shard.books.audit(shard.batch, tenant, shard.at, codec.encode_json(said))


def _said(what: q.Plain) -> tuple[str, Mapping[str, object]]:
    """What a request is called in the log, and what is said of it."""
    if isinstance(what, q.CarriedOut):
        return what.what, what.on
    return _NAMES.get(type(what).__name__, type(what).__name__), told_of(what)


def told_of(what: q.Plain) -> dict[str, str | int]:
    """The fields of a request that are written into the log."""
    return {
        field: value
        for field, value in msgspec.structs.asdict(what).items()
        if field not in UNSAID and isinstance(value, str | int) and field != "tenant" and value
    }


def add_tenant(shard: Shard, request: q.AddTenant) -> int:
    """See `requests.AddTenant`."""
    number = shard.catalog.tenants.get(request.tenant)
    if number is None:
        number = shard.catalog.add_tenant(request.tenant)
        shard.batch["tenant"].insert(number, (number, request.tenant))
    return number


def put_record(shard: Shard, request: q.PutRecord) -> int:
    """See `requests.PutRecord`."""
    tenant = shard.catalog.tenant(request.tenant)
    version = _version(shard, tenant, request.kind, request.id)
    _expect(request, version)
    if not version:
        shard.quotas.admit_record(tenant, request.kind, shard.batch)
    _heed(shard, tenant, request)
    row = (tenant, request.kind, request.id, version + 1, shard.at, codec.encode_json(request.body))
    shard.batch["record"].replace((tenant, request.kind, request.id), row)
    return version + 1


def delete_record(shard: Shard, request: q.DeleteRecord) -> None:
    """See `requests.DeleteRecord`."""
    tenant = shard.catalog.tenant(request.tenant)
    version = _version(shard, tenant, request.kind, request.id)
    if not version:
        raise NotFound(f"no {request.kind} {request.id!r:.80}")
    _expect(request, version)
    if request.kind == LIMITS:
        _limit(shard, tenant, request.tenant, None)
    elif request.kind == ROUTES and request.tenant == PLATFORM:
        shard.routes = None
    place = (tenant, request.kind, request.id)
    shard.batch["record"].delete(place, place)


def _heed(shard: Shard, tenant: int, request: q.PutRecord) -> None:
    """What the writer itself goes by. Raises `BadValue` for limits that are none."""
    if request.kind == LIMITS:
        _limit(shard, tenant, request.tenant, limits_of(request.body))
    elif request.kind == ROUTES and request.tenant == PLATFORM:
        shard.routes = Compiled(read_routes(request.body))
    elif request.kind == USAGE and isinstance(request.body, dict):
        size = request.body.get("bytes")
        shard.quotas.measured(tenant, size if isinstance(size, int) else 0)


def _limit(shard: Shard, tenant: int, name: str, limits: Limits | None) -> None:
    weight = limits.weight if limits is not None else 1
    if weight == 1:
        shard.batch["weight"].delete(tenant, (tenant,))
    else:
        shard.batch["weight"].replace(tenant, (tenant, weight))
    shard.weights.set(tenant, name, weight)
    shard.quotas.changed(tenant, limits)


def _version(shard: Shard, tenant: int, kind: str, id: str) -> int:
    """The version of a document, with what this commit has done to it; 0 for none."""
    place = (tenant, kind, id)
    changes = shard.batch["record"]
    if place in changes.gone:
        return 0
    written = changes.new.get(place)
    if written is not None:
        version = written[3]
        assert isinstance(version, int)
        return version
    rows = shard.store.read("record", place, RecordRow)
    return rows[0].version if rows else 0


def _expect(request: q.PutRecord | q.DeleteRecord, version: int) -> None:
    if request.version not in {-1, version}:
        state = f"has version {version}" if version else "is not there"
        raise Outdated(f"{request.kind} {request.id!r:.80} {state}, not version {request.version}")
