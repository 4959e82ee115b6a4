"""Verdicts: which symptoms hold, the worst first. Pure: the table is all that it knows.

A row's `found` gives the words of its sentences for each time that the symptom is found. Several may hold; the worst
comes first. What none of them explains is said to be unknown, with the facts.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import islice
from typing import Final, final

import msgspec

from procession.hosts.temporal.doctor.facts import Facts
from procession.hosts.temporal.doctor.symptoms import SEVERITIES, SYMPTOMS, UNKNOWN, Severity, Symptom

BAD: Final = frozenset({"broken", "stuck"})
SHOWN_MAX: Final = 3
"""Times that one symptom is told; a fan-out may have it two thousand times."""


@final
class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What holds of an instance. `source` says where the row is explained."""

    code: str
    severity: Severity
    cause: str
    remedy: str
    source: str


def judge(facts: Facts) -> list[Verdict]:
    """Everything that holds, the worst first; never empty."""
    common = _common(facts)
    held = {row.code: list(islice(row.found(facts), 10_000)) for row in SYMPTOMS}
    verdicts = [
        verdict
        for row in SYMPTOMS
        if not any(held.get(code) for code in row.unless)
        for verdict in _told(row, held[row.code], common)
    ]
    if not verdicts:
        verdicts = [_verdict(UNKNOWN, {}, common)]
    return sorted(verdicts, key=lambda verdict: SEVERITIES.index(verdict.severity))


def worst(verdicts: list[Verdict]) -> Severity:
    """How bad it is altogether."""
    for severity in SEVERITIES:
        if any(verdict.severity == severity for verdict in verdicts):
            return severity
    return "healthy"


def _told(row: Symptom, found: list[Mapping[str, object]], common: Mapping[str, object]) -> list[Verdict]:
    told = [_verdict(row, words, common) for words in found[:SHOWN_MAX]]
    more = len(found) - SHOWN_MAX
    if more > 0:
        told[-1] = msgspec.structs.replace(told[-1], cause=f"{told[-1].cause}; and {more:,} more like this")
    return told


def _verdict(row: Symptom, words: Mapping[str, object], common: Mapping[str, object]) -> Verdict:
    said = {**common, **words}
    return Verdict(row.code, row.severity, row.cause.format_map(said), row.remedy.format_map(said), row.source)


def _common(facts: Facts) -> dict[str, object]:
    """Words that every row may use; `where` and `at` make a command of Temporal's whole, `db` one of ours."""
    place = facts.place
    at = f"--address {place.address} --namespace {shlex.quote(place.namespace)}"
    tenant = "" if place.tenant == "<default>" else f" --tenant {shlex.quote(place.tenant)}"
    return {
        "at": at,
        "where": f"{at} --workflow-id {shlex.quote(place.workflow)}",
        "db": (f" --db {shlex.quote(place.db)}" if place.db else "") + tenant,
        "instance": place.instance,
        "workflow": place.workflow,
        "namespace": place.namespace,
        "address": place.address,
        "tokens": facts.tokens if facts.tokens is not None else "not told",
        "status": facts.execution.status if facts.execution is not None else "not found",
    }
