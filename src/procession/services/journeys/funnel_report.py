"""What the counts of journeys say: starts, pages, faults, resumed ones, by variant. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import msgspec

from procession.runtime.rows_of_server import JourneyCountRow
from procession.services.reading import Reader

COUNTS_READ_MAX: Final = 20_000
"""Counts that one report reads."""
_VERSION_MAX: Final = (1 << 31) - 1


@final
class FieldFaults(msgspec.Struct, frozen=True):
    """How often an answer to a field was refused by a rule. `field` "" is the page; `rule` "" is that of a sensitive
    field, which is not told."""

    field: str
    rule: str
    count: int


@final
class PageCounts(msgspec.Struct, frozen=True):
    """A page of a form: by how many it was `shown`, how many `left` it by going on, the share of those who have not,
    the mean time at it in seconds (null where nobody left it), how often it was saved, and what was refused there."""

    form: str
    page: str
    shown: int
    left: int
    drop_off: float
    seconds: float | None
    saved: int
    faults: list[FieldFaults]


@final
class Numbers(msgspec.Struct, frozen=True):
    """What happened, in all or for one variant. `resume_rate` is the share of starts that were resumed; `submitted`
    counts forms, and the others journeys."""

    variant: str
    started: int
    resumed: int
    resume_rate: float
    handed_over: int
    submitted: int
    ended: int
    stopped: int
    pages: list[PageCounts]


def counts_of(reader: Reader, tenant: str, process_id: str, version: int, days: tuple[int, int]) -> list[Numbers]:
    """The numbers of a process, of all its versions for 0, from a day to a day (since 1970): of everything, then those
    of each variant."""
    versions = (version, version) if version else (0, _VERSION_MAX)
    args = (reader.views.tenant(tenant), process_id, *days, *versions, COUNTS_READ_MAX)
    rows = reader.store.read("journey_counts", args, JourneyCountRow)
    variants = sorted({row.variant for row in rows if row.variant})
    return [_numbers("", rows), *(_numbers(name, [row for row in rows if row.variant == name]) for name in variants)]


def _numbers(variant: str, rows: Sequence[JourneyCountRow]) -> Numbers:
    said = {what: sum(row.n for row in rows if row.what == what) for what in {row.what for row in rows}}
    started, resumed = said.get("started", 0), said.get("resumed", 0)
    pages = dict.fromkeys((row.form, row.page) for row in rows if row.what in {"shown", "left", "fault", "saved"})
    return Numbers(
        variant=variant,
        started=started,
        resumed=resumed,
        resume_rate=_share(min(resumed, started), started),
        handed_over=said.get("handed-over", 0),
        submitted=said.get("submitted", 0),
        ended=said.get("ended", 0),
        stopped=said.get("stopped", 0),
        pages=[_page(place, [row for row in rows if (row.form, row.page) == place]) for place in sorted(pages)],
    )


def _page(place: tuple[str, str], rows: Sequence[JourneyCountRow]) -> PageCounts:
    said: dict[str, list[int]] = {}
    faults: dict[tuple[str, str], int] = {}
    for row in rows:
        found = said.setdefault(row.what, [0, 0])
        found[0] += row.n
        found[1] += row.ms
        if row.what == "fault":
            faults[row.field, row.rule] = faults.get((row.field, row.rule), 0) + row.n
    shown, left = (said.get(what, [0, 0])[0] for what in ("shown", "left"))
    stays, ms = said.get("stayed", [0, 0])
    return PageCounts(
        form=place[0],
        page=place[1],
        shown=shown,
        left=left,
        drop_off=_share(max(0, shown - left), shown),
        seconds=round(ms / stays / 1000, 1) if stays else None,
        saved=said.get("saved", [0, 0])[0],
        faults=[FieldFaults(field, rule, count) for (field, rule), count in sorted(faults.items())],
    )


def _share(part: int, of: int) -> float:
    return round(part / of, 4) if of else 0.0
