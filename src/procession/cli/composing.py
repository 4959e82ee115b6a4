"""The site of a server, made of its settings: what the API takes, who is told of what, where tenants live."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from procession import __version__
from procession.base.failure import ProcessionError
from procession.cli.silos import Silos
from procession.hosts.embedded.engine import Engine
from procession.runtime.ports import Store
from procession.runtime.rows import NamedRow, TextRow
from procession.runtime.tenants import EVERYBODY
from procession.services.backend import Backend
from procession.services.deliveries import FOLLOWER
from procession.services.journeys.funnel import DAY_MS
from procession.services.journeys.sweeping import sweep
from procession.services.papers.jail import Bounds as JailBounds
from procession.services.papers.jail import Jail
from procession.services.papers.orders import Certificate
from procession.services.shelves.opening import shelf_at
from procession.services.tenancy.directory import Directory, Listed, page_of
from procession.services.tenancy.limits import Limits
from procession.services.tenancy.rates import LimitedBackend
from procession.services.tenancy.storage import Storage
from procession.web.documents import Archive, Rules
from procession.web.file_types import TYPES
from procession.web.limits import RatesOfTenants
from procession.web.papers import Papers
from procession.web.playing import Bounds as PlayingBounds
from procession.web.playing import Playing, now_ms
from procession.web.post.sending import Gateway, Mail, Sending
from procession.web.scanning import Clamd
from procession.web.settings import Settings
from procession.web.site import Bounds, Gate, Site
from procession.web.webhooks.delivering import BACKOFF_S, Webhooks
from procession.web.webhooks.wall import Reach, checked_url

PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
"""What webhooks reach beside the public internet where the settings allow private networks."""
DOCUMENTS_S: Final = 15.0
"""How often it is looked which documents have to be looked after."""
DUE_MAX: Final = 1_000
MEASURE_S: Final = 300.0
"""How often it is measured what tenants store that have a quota of it."""

SWEPT: Final = 100
"""Tenants that are listed at a time, when what is over is deleted."""

_LOG: Final = logging.getLogger("procession.serve")


class Composed(NamedTuple):
    """A site, and what has to be done for its tenants now and then."""

    site: Site
    storage: Storage


def quotas_of(settings: Settings) -> Limits:
    """What a tenant may have whose own limits do not say."""
    of = settings.limits
    return Limits(
        active_instances=of.instances_max,
        requests_per_second=of.requests_per_second,
        starts_per_second=of.starts_per_second,
        jobs_per_second=of.jobs_per_second,
        storage_bytes=of.storage_bytes_max,
        payload_bytes=of.variables_bytes_max,
    )


def site_of(
    settings: Settings,
    backend: Backend,
    gate: Gate,
    engine: Engine,
    *,
    limited: LimitedBackend,
    silos: Silos,
) -> Composed:
    """The site of a server; its webhooks are not started. `limited` knows the limits of tenants."""
    limits, store = settings.limits, engine.store

    async def followed() -> Iterable[str]:
        return await _names((store, *silos.stores()), _followed)

    async def reading(silo: str, behind: str, limit: int) -> list[str]:
        return await (silos.names(silo, behind, limit) if silo else asyncio.to_thread(page_of, store, behind, limit))

    hooks = settings.webhooks
    reach = Reach(
        http=hooks.allow_private, networks=PRIVATE if hooks.allow_private else (), answer_s=hooks.timeout_seconds
    )
    storage = Storage(backend, limited.limits)
    archive = archive_of(settings, backend, storage, silos)
    site = Site(
        backend,
        gate,
        version=__version__,
        bounds=Bounds(body_bytes_max=limits.body_bytes_max, origins=tuple(settings.cors.origins)),
        rates=RatesOfTenants(limited.limits, limits.requests_per_second, limits.requests_burst),
        webhooks=Webhooks(backend, reach, backoff_s=BACKOFF_S[: hooks.attempts_max - 1], followed=followed),
        archive=archive,
        papers=papers_of(settings, archive),
        keys=silos.keys_of,
        directory=Directory(reading, settings.tenants, silos.backends.silo),
        neighbours=silos.neighbours,
        playing=Playing(backend, _playing_bounds(settings), _post(settings, reach), scripts=engine.scripts),
    )
    return Composed(site, storage)


def archive_of(settings: Settings, backend: Backend, storage: Storage, silos: Silos) -> Archive:
    """The documents of a server. Raises `BadValue` for a place or a scanner that cannot be."""
    of = settings.documents
    rules = Rules(
        bytes_max=of.bytes_max,
        types=frozenset(of.types or TYPES),
        admit=storage.admit,
        stored=storage.stored,
        uploads_max=of.uploads_max,
        upload_ms=of.upload_hours * 3_600_000,
    )
    return Archive(
        backend,
        rules,
        elsewhere=shelf_at(of.url, silos.keys_of) if of.url else None,
        scanner=Clamd(of.scanner) if of.scanner else None,
    )


def papers_of(settings: Settings, archive: Archive) -> Papers:
    """The papers of a server. What seals is read now: a file that is missing is told at the start."""
    of = settings.papers
    jail = Jail(JailBounds(seconds=of.seconds, memory=of.memory_megabytes << 20))
    roots = [Path(of.roots_file).read_bytes()] if of.roots_file else []
    if not of.certificate_file:
        return Papers(archive, jail, None, roots)
    data = Path(of.certificate_file).read_bytes()
    if of.key_file:
        key = Path(of.key_file).read_bytes()
        certificate = Certificate(key=key, chain=data, password=of.password, timestamps=of.timestamps_url)
        return Papers(archive, jail, certificate, [*roots, data])
    return Papers(archive, jail, Certificate(bundle=data, password=of.password, timestamps=of.timestamps_url), roots)


async def keep_documents(archive: Archive, store: Store, silos: Silos) -> None:
    """Looks after documents: those that are over go, those that wait for the scanner are scanned. Goes on for ever."""
    while True:
        try:
            for tenant in await _names((store, *silos.stores()), _with_documents_due):
                await archive.sweep(tenant)
        except ProcessionError as error:
            _LOG.warning("documents could not be looked after: %s", error)
        await asyncio.sleep(DOCUMENTS_S)


def _playing_bounds(settings: Settings) -> PlayingBounds:
    of = settings.player
    return PlayingBounds(
        url=of.url.rstrip("/"),
        frame_ancestors=of.frame_ancestors,
        requests_per_second=of.requests_per_second,
        starts_per_minute=of.starts_per_minute,
        zone=settings.store.zone,
    )


def _post(settings: Settings, reach: Reach) -> Sending:
    mail, sms = settings.mail, settings.sms
    return Sending(
        Mail(
            host=mail.host, port=mail.port, sender=mail.sender, user=mail.user, password=mail.password, tls=mail.tls,
            seconds=mail.timeout_seconds,
        )
        if mail.host
        else None,
        Gateway(
            url=checked_url(sms.url, reach),
            secret=sms.secret,
            reach=msgspec.structs.replace(reach, answer_s=sms.timeout_seconds),
        )
        if sms.url
        else None,
    )  # fmt: skip


async def sweep_journeys(site: Site, every_s: float, history_days: int) -> None:
    """Deletes now and then what of journeys is over, of every tenant, and counts of them that are older than so many
    days; 0 keeps those. Goes on for ever."""
    while True:
        await asyncio.sleep(every_s)
        behind, more = Listed("", ""), True
        while more:
            page = await site.directory.page(behind, SWEPT)
            more = page.more
            for each in page.found:
                behind = each
                try:
                    await sweep(site.backend, each.name, now_ms())
                    if history_days:
                        await site.playing.funnel.forget(each.name, now_ms() - history_days * DAY_MS)
                except ProcessionError as error:
                    _LOG.warning("journeys that are over could not be forgotten: %s", error)


async def keep_measured(storage: Storage, store: Store, silos: Silos) -> None:
    """Measures tenants with a quota now and then. Goes on for ever."""
    while True:
        try:
            await storage.measure(await _names((store, *silos.stores()), _tenants))
        except ProcessionError as error:
            _LOG.warning("what tenants store could not be measured: %s", error)
        await asyncio.sleep(MEASURE_S)


def _followed(store: Store) -> list[str]:
    return [row.value for row in store.read("followed", (FOLLOWER,), TextRow)]


def _with_documents_due(store: Store) -> list[str]:
    return [row.value for row in store.read("documents_whose", (now_ms(), DUE_MAX), TextRow)]


def _tenants(store: Store) -> list[str]:
    return [row.name for row in store.read("tenants", EVERYBODY, NamedRow)]


async def _names(stores: Iterable[Store], read: Callable[[Store], list[str]]) -> list[str]:
    """The names of tenants that are read from several stores, the pool's first, each once."""
    found: dict[str, None] = {}
    for number, store in enumerate(list(stores)):
        try:
            found.update(dict.fromkeys(await asyncio.to_thread(read, store)))
        except ProcessionError:
            # A silo may be closing just now; the pool is never.
            if not number:
                raise
    return list(found)
