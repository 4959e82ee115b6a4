"""Webhooks: subscribing to what happens, and looking after what is told (web.webhooks)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.decoding import known
from procession.base.failure import BadValue, Conflict, NotFound
from procession.runtime import requests as q
from procession.runtime.rows_of_server import DeliveryRow
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.deliveries import FOLLOWER
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.documents import known_tenant
from procession.web.filters import instant
from procession.web.openapi import EXAMPLE
from procession.web.shapes import KEY_MAX, After, Limit, Moment, cut, moment, place_of
from procession.web.site import Site
from procession.web.webhooks import signing
from procession.web.webhooks.delivering import now_ms, replay, told
from procession.web.webhooks.happenings import PING, TYPES, ping
from procession.web.webhooks.subscriptions import KIND, WEBHOOKS_MAX, Secret, Webhook
from procession.web.webhooks.wall import checked_url

STATES: Final = ("waiting", "delivered", "given-up")
NAMES_MAX: Final = 100
GRACE_S_MAX: Final = 30 * 86_400

IdPath = Annotated[str, PathParameter(pattern="^[a-z0-9_]{1,80}$", description="The id of the webhook.")]
MessagePath = Annotated[str, PathParameter(pattern="^msg_[0-9_]{1,80}$", description="The id of the message.")]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The ETag that it must still have: another one is refused (412)."),
]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Names = Annotated[list[Name], msgspec.Meta(max_length=NAMES_MAX)]


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook to make. Without `types` or `processes` all are meant."""

    url: Url
    types: Names = []
    processes: Names = []
    description: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class WebhookChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    types: Names | msgspec.UnsetType = msgspec.UNSET
    processes: Names | msgspec.UnsetType = msgspec.UNSET
    description: Annotated[str, msgspec.Meta(max_length=1_000)] | msgspec.UnsetType = msgspec.UNSET
    disabled: bool | msgspec.UnsetType = msgspec.UNSET


class Hook(msgspec.Struct, omit_defaults=True):
    """A webhook. `secret` is shown to who made it or changed it, and never again."""

    id: str
    url: str
    types: list[str]
    processes: list[str]
    description: str
    disabled: bool
    reason: str
    changed: Moment
    secret: str | None = None


class Hooks(msgspec.Struct):
    """The webhooks of the tenant."""

    items: list[Hook]
    next: str | None = None


class Rotating(msgspec.Struct, forbid_unknown_fields=True):
    """For how long the old secret signs beside the new one, in seconds."""

    grace_s: Annotated[int, msgspec.Meta(ge=0, le=GRACE_S_MAX)] = 86_400


class Tried(msgspec.Struct):
    """What became of a test: the status of the answer, 0 where there was none, and how long it took."""

    delivered: bool
    status: int
    error: str
    ms: int


class Replaying(msgspec.Struct, forbid_unknown_fields=True):
    """From when on to tell everything again: a time, or the `next` of a replay before. Up to a time, or now."""

    since: datetime | None = None
    after: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,19}$")] | None = None
    until: datetime | None = None


class Replayed(msgspec.Struct):
    """How many events are told again. `next` is where to go on, null when that is all."""

    events: int
    next: str | None


class Delivery(msgspec.Struct):
    """A message. `state` is `waiting`, `delivered` or `given-up`; `due` is when a waiting one is tried next. `status`
    and `error` are those of the last attempt."""

    id: str
    type: str
    at: Moment
    state: str
    attempts: int
    due: Moment | None
    status: int
    error: str
    body: msgspec.Raw


class DeliveryPage(msgspec.Struct):
    """A page of messages, the last first."""

    items: list[Delivery]
    next: str | None


@post(
    "/webhooks",
    status_code=201,
    opt={EXAMPLE: {"url": "https://hooks.example.com/in", "types": ["instance.completed"]}},
)
async def make_webhook(
    data: JSONBody[NewWebhook], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[Hook]:
    """Subscribes an address to what happens from now on. The answer holds the secret that signs (Standard Webhooks)."""
    _need(caller, "webhooks:write")
    _check(data.types)
    url = checked_url(data.url, site.webhooks.reach)
    there = await site.backend.read(caller.tenant, lambda reader: reader.records.listed(caller.tenant, KIND))
    if len(there) >= WEBHOOKS_MAX:
        raise Conflict(f"a tenant has at most {WEBHOOKS_MAX} webhooks")
    number = await known_tenant(site.backend, caller.tenant, Who(caller.subject, caller.origin))
    since = await site.backend.read(caller.tenant, lambda reader: reader.views.last_news(caller.tenant))
    hook = Webhook(
        url, (Secret(signing.new_secret()),), since, tuple(data.types), tuple(data.processes), data.description
    )
    # The same key means the same webhook; its secret and its beginning are those of the first time.
    asks = who(caller, idempotency_key, q.PutRecord(caller.tenant, KIND, "", msgspec.to_builtins(data)))
    seed = asks.key or signing.new_secret()
    id = f"wh_{hashlib.sha256(f'{caller.tenant}:{seed}'.encode()).hexdigest()[:24]}"
    await site.backend.ask(q.PutRecord(caller.tenant, KIND, id, hook.body(), 0), asks)
    await site.backend.write(caller.tenant, "follower_begin", [(number, FOLLOWER, since)])
    site.webhooks.watch(caller.tenant)
    return _answer(await _one(site, caller, id), secret=True)


@get("/webhooks")
async def list_webhooks(caller: TheCaller, site: TheSite) -> Hooks:
    """The webhooks of the tenant."""
    _need(caller, "webhooks:read")
    found = await site.backend.read(
        caller.tenant, lambda reader: reader.records.listed(caller.tenant, KIND, limit=WEBHOOKS_MAX)
    )
    return Hooks([_shaped(record) for record in found])


@get("/webhooks/{id:str}")
async def get_webhook(id: IdPath, caller: TheCaller, site: TheSite) -> Response[Hook]:
    """A webhook."""
    _need(caller, "webhooks:read")
    return _answer(await _one(site, caller, id))


@patch("/webhooks/{id:str}", opt={EXAMPLE: {"disabled": True}})
async def change_webhook(
    id: IdPath,
    data: JSONBody[WebhookChanges],
    *,
    caller: TheCaller,
    site: TheSite,
    if_match: IfMatch = None,
    idempotency_key: Idempotent = None,
) -> Response[Hook]:
    """Changes a webhook. One that is enabled again is told what happens from then on; what it missed is replayed."""
    _need(caller, "webhooks:write")
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    if isinstance(data.url, str):
        checked_url(data.url, site.webhooks.reach)
    if isinstance(data.types, list):
        _check(data.types)
    record = await _one(site, caller, id)
    hook = msgspec.convert({**msgspec.to_builtins(record.read(Webhook)), **changes}, known(Webhook))
    if not hook.disabled:
        hook = msgspec.structs.replace(hook, reason="")
    asks = who(caller, idempotency_key, q.PutRecord(caller.tenant, KIND, id, msgspec.to_builtins(changes)))
    version = _version(if_match, record)
    await site.backend.ask(q.PutRecord(caller.tenant, KIND, id, hook.body(), version), asks)
    site.webhooks.watch(caller.tenant)
    return _answer(await _one(site, caller, id))


@delete("/webhooks/{id:str}", status_code=204)
async def drop_webhook(
    id: IdPath, *, caller: TheCaller, site: TheSite, if_match: IfMatch = None, idempotency_key: Idempotent = None
) -> None:
    """Deletes a webhook, and what was told."""
    _need(caller, "webhooks:write")
    version = _version(if_match, None)
    request = q.DeleteRecord(caller.tenant, KIND, id, version)
    await site.backend.ask(request, who(caller, idempotency_key, request))
    number = await site.backend.read(caller.tenant, lambda reader: reader.views.tenant(caller.tenant))
    await site.backend.write(caller.tenant, "deliveries_drop", [(number, id)])


@post("/webhooks/{id:str}/rotate", status_code=200, opt={EXAMPLE: {"grace_s": 3_600}})
async def rotate_secret(
    id: IdPath, data: JSONBody[Rotating], *, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[Hook]:
    """Gives a webhook a new secret. For a while messages are signed with the old one, too."""
    _need(caller, "webhooks:write")
    record = await _one(site, caller, id)
    hook, now = record.read(Webhook), now_ms()
    until = now + data.grace_s * 1000
    kept = [Secret(each, until) for each in hook.signing(now)[:1] if data.grace_s]
    hook = msgspec.structs.replace(hook, secrets=(Secret(signing.new_secret()), *kept))
    asks = who(caller, idempotency_key, q.PutRecord(caller.tenant, KIND, id, {"rotate": data.grace_s}))
    await site.backend.ask(q.PutRecord(caller.tenant, KIND, id, hook.body(), record.version), asks)
    return _answer(await _one(site, caller, id), secret=True)


@post("/webhooks/{id:str}/test", status_code=200)
async def test_webhook(id: IdPath, caller: TheCaller, site: TheSite) -> Tried:
    """Sends a `webhook.ping` at once, and tells what became of it."""
    _need(caller, "webhooks:write")
    hook = (await _one(site, caller, id)).read(Webhook)
    now = now_ms()
    row = DeliveryRow(id, f"msg_{now}", PING, 0, now, 0, 0, now, 0, "", ping(now))
    sent = await told(row, hook, site.webhooks.reach)
    return Tried(sent.good, sent.status, sent.error, sent.ms)


@post("/webhooks/{id:str}/replay", status_code=200, opt={EXAMPLE: {"since": "2026-01-01T00:00:00Z"}})
async def replay_webhook(id: IdPath, data: JSONBody[Replaying], caller: TheCaller, site: TheSite) -> Replayed:
    """Tells a webhook everything of a time again, under the ids of the first time, as far as the feed is kept. Of many
    events not all are taken at once: ask again with `next` as `after`."""
    _need(caller, "webhooks:write")
    await _one(site, caller, id)
    since, until = instant(data.since), instant(data.until)
    if (since is None) == (data.after is None):
        raise BadValue("a replay needs either `since` or `after`")
    given = int(data.after or 0)
    if given > KEY_MAX:
        raise BadValue("`after` must be the `next` of a replay")

    after = given or await site.backend.read(
        caller.tenant, lambda reader: reader.deliveries.number_at(caller.tenant, since or 0)
    )
    upto = await site.backend.read(caller.tenant, lambda reader: reader.views.last_news(caller.tenant))
    if until is not None:
        upto = min(
            upto,
            await site.backend.read(
                caller.tenant, lambda reader: reader.deliveries.number_at(caller.tenant, until + 1)
            ),
        )
    count, done = await replay(site.backend, caller.tenant, id, after, upto)
    site.webhooks.watch(caller.tenant)
    return Replayed(count, str(done) if done < upto else None)


@get("/webhooks/{id:str}/deliveries")
async def list_deliveries(
    id: IdPath, *, caller: TheCaller, site: TheSite, limit: Limit = 100, after: After = None
) -> DeliveryPage:
    """What the webhook is and was told, the last first, for as long as it is kept."""
    _need(caller, "webhooks:read")
    await _one(site, caller, id)
    place = place_of(after, int, str)
    before = (int(place[0]), str(place[1])) if place is not None else (KEY_MAX, "")
    rows = await site.backend.read(
        caller.tenant, lambda reader: reader.deliveries.listed(caller.tenant, id, before, limit + 1)
    )
    shown, following = cut(rows, limit, lambda row: (row.number, row.id))
    return DeliveryPage([_delivery(row) for row in shown], following)


@post("/webhooks/{id:str}/deliveries/{message:str}/retry", status_code=202)
async def retry_delivery(id: IdPath, message: MessagePath, caller: TheCaller, site: TheSite) -> Delivery:
    """Tells a message again, whatever became of it."""
    _need(caller, "webhooks:write")
    await _one(site, caller, id)
    number = await site.backend.read(caller.tenant, lambda reader: reader.views.tenant(caller.tenant))
    await site.backend.write(caller.tenant, "delivery_retry", [(now_ms(), number, id, message)])
    row = await site.backend.read(caller.tenant, lambda reader: reader.deliveries.one(caller.tenant, id, message))
    if row is None:
        raise NotFound(f"no message {message!r}")
    site.webhooks.watch(caller.tenant)
    return _delivery(row)


def _need(caller: Caller, permission: str) -> None:
    """Raises `Forbidden` also for who may see some processes only: a webhook is told of all that it names."""
    caller.need_everywhere(permission)


def _check(types: list[str]) -> None:
    unknown = [each for each in types if each not in TYPES]
    if unknown:
        raise BadValue(f"there are no events of the type {unknown[0]!r:.60}; there are {', '.join(TYPES)}")


async def _one(site: Site, caller: Caller, id: str) -> Record:
    return await site.backend.read(caller.tenant, lambda reader: reader.records.one(caller.tenant, KIND, id))


def _version(if_match: str | None, record: Record | None) -> int:
    if if_match is None:
        return record.version if record is not None else -1
    named = if_match.strip().removeprefix("W/").strip('"')
    if named == "*":
        return -1
    if not named.isascii() or not named.isdigit() or len(named) > 18:
        raise BadValue("If-Match must be an ETag of this webhook")
    return int(named)


def _shaped(record: Record, *, secret: bool = False) -> Hook:
    hook = record.read(Webhook)
    return Hook(
        id=record.id,
        url=hook.url,
        types=list(hook.types),
        processes=list(hook.processes),
        description=hook.description,
        disabled=hook.disabled,
        reason=hook.reason,
        changed=moment(record.at),
        secret=hook.secrets[0].secret if secret else None,
    )


def _answer(record: Record, *, secret: bool = False) -> Response[Hook]:
    return Response(_shaped(record, secret=secret), headers={"etag": f'"{record.version}"'})


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        type=row.type,
        at=moment(row.at),
        state=STATES[row.state],
        attempts=row.attempt,
        due=moment(row.due) if not row.state else None,
        status=row.status,
        error=row.error,
        body=msgspec.Raw(row.body),
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    make_webhook,
    list_webhooks,
    get_webhook,
    change_webhook,
    drop_webhook,
    rotate_secret,
    test_webhook,
    replay_webhook,
    list_deliveries,
    retry_delivery,
)
