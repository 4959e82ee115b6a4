"""Open jobs, to be looked at. Who works them stands elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from litestar import get
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.services.access import Caller
from procession.services.reading import Reader
from procession.services.views import JobView
from procession.web.asking import TheCaller, TheSite
from procession.web.filters import KeyQuery, NameQuery, optional_key
from procession.web.shapes import After, Key, KeyPath, Limit, Moment, cursor_of, cut, key_behind, key_of, moment

LOOKED_MAX: Final = 10_000
"""Jobs that are looked at for one page, by who may see those of some processes only."""


class OpenJob(msgspec.Struct):
    """An open job. `due` is when it may next be given out: null for now, or, where `retries` is 0, for not at all."""

    key: Key
    instance: Key
    process_id: str
    element: Key
    element_id: str
    type: str
    retries: int
    attempt: int
    due: Moment | None
    priority: int
    worker: str
    error: str


class OpenJobs(msgspec.Struct):
    """A page of open jobs."""

    items: list[OpenJob]
    next: str | None


@get("/jobs")
async def list_jobs(
    *,
    caller: TheCaller,
    site: TheSite,
    job_type: NameQuery = "",
    instance: KeyQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> OpenJobs:
    """Open jobs by key, those out of retries included."""
    caller.need("jobs:read")
    first, number = key_behind(after), optional_key(instance)

    def asked(reader: Reader) -> tuple[Sequence[OpenJob], str | None]:
        found: list[OpenJob] = []
        last, looked = first, 0
        while looked < LOOKED_MAX:
            page = reader.views.jobs(caller.tenant, instance=number, type=job_type, after=last, limit=limit + 1)
            found += [job for view in page if _sees(caller, job := _shaped(reader, caller, view))]
            if len(page) <= limit or len(found) > limit:
                return cut(found, limit, lambda job: (int(job.key),))
            looked += len(page)
            last = page[-1].key
        # Not all was looked at: a short page, or an empty one, that goes on.
        return found, cursor_of(last)

    rows, following = await site.backend.read(caller.tenant, asked)
    return OpenJobs(list(rows), following)


@get("/jobs/{key:str}")
async def get_job(key: KeyPath, caller: TheCaller, site: TheSite) -> OpenJob:
    """An open job."""
    caller.need("jobs:read")
    number = key_of(key, "job")

    def asked(reader: Reader) -> OpenJob:
        view = reader.views.job(caller.tenant, number)
        found = _shaped(reader, caller, view) if view is not None else None
        if found is None or not _sees(caller, found):
            raise NotFound(f"job {number} is not open")
        return found

    return await site.backend.read(caller.tenant, asked)


def _sees(caller: Caller, job: OpenJob) -> bool:
    return caller.may("jobs:read", job.process_id)


def _shaped(reader: Reader, caller: Caller, view: JobView) -> OpenJob:
    return OpenJob(
        key=str(view.key),
        instance=str(view.instance),
        process_id=reader.search.process_of(caller.tenant, view.instance),
        element=str(view.element),
        element_id=view.element_id,
        type=view.type,
        retries=view.retries,
        attempt=view.attempt,
        due=moment(view.due) if view.due else None,
        priority=view.priority,
        worker=view.worker,
        error=view.error,
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (list_jobs, get_job)
