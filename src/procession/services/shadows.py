"""Shadows: what became of instances of a store that were done again on another host, kept as records of the platform.

A report is a record by the name of its run. Who promotes a host asks for it; how it is made stands in `rollout`.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime import requests as q
from procession.runtime.ports import Reads
from procession.runtime.tenants import PLATFORM
from procession.services.records import Record, Records
from procession.services.views import Views

KIND: Final = "shadow"
"""The kind of the records; the id is the name of the run. They belong to the platform."""
NAME_MAX: Final = 100
ELEMENTS_MAX: Final = 1_000
"""Elements of which one report counts the differences."""
PROCESSES_MAX: Final = 1_000
LISTED: Final = 100


@final
class Counts(msgspec.Struct, frozen=True):
    """Of one process: how many trees were compared, and what came of it."""

    compared: int = 0
    equal: int = 0
    different: int = 0
    untold: int = 0


@final
class ShadowReport(msgspec.Struct, frozen=True):
    """What became of one run so far. `since` (Unix ms) is the first start that counts, `at` the last update.

    `compared` are instances with all that they called: `equal`, `different`, or `untold` where their facts do not say
    all that the outside told them. `elements` counts differences by "process/element id". `after` is the key looked
    at last, `marks` the same by shard, `waiting` (tenant, key) who was active then."""

    name: str
    host: str
    since: int
    at: int
    compared: int
    equal: int
    different: int
    untold: int
    after: int
    elements: dict[str, int]
    processes: dict[str, Counts] = {}
    marks: dict[str, int] = {}
    waiting: tuple[tuple[str, int], ...] = ()

    def counted(self, process: str, status: str, places: list[str], at: int) -> ShadowReport:
        """The report with one tree more, of a process, in which these elements are different."""
        known = self.processes.get(process, Counts())
        one = {status: getattr(known, status) + 1, "compared": known.compared + 1}
        processes = self.processes
        if process in processes or len(processes) < PROCESSES_MAX:
            processes = {**processes, process: msgspec.structs.replace(known, **one)}
        elements = dict(self.elements)
        for place in places:
            if place in elements or len(elements) < ELEMENTS_MAX:
                elements[place] = elements.get(place, 0) + 1
        changed = {status: getattr(self, status) + 1, "compared": self.compared + 1}
        return msgspec.structs.replace(self, processes=processes, elements=elements, at=at, **changed)


def begun(name: str, host: str, since: int, at: int) -> ShadowReport:
    """The report of a run that has not compared anything. Raises `BadValue` for a name that is none."""
    if not 1 <= len(name) <= NAME_MAX:
        raise BadValue(f"a shadow run has a name of 1 to {NAME_MAX} characters, not {name!r:.120}")
    return ShadowReport(name, host, since, at, 0, 0, 0, 0, 0, {})


def find_shadow(store: Reads, name: str) -> ShadowReport | None:
    """The report of a run; None if there is none of this name."""
    found = Records(store, Views(store)).find(PLATFORM, KIND, name)
    return found.read(ShadowReport) if found is not None else None


def shadows(store: Reads) -> list[ShadowReport]:
    """The reports of all runs, by name."""
    records = Records(store, Views(store))
    found: list[Record] = []
    while page := records.listed(PLATFORM, KIND, found[-1].id if found else "", LISTED):
        found += page
    return [each.read(ShadowReport) for each in found]


def stored(report: ShadowReport) -> q.PutRecord:
    """The request that keeps a report."""
    body: Json = msgspec.to_builtins(report)
    return q.PutRecord(PLATFORM, KIND, report.name, body)
