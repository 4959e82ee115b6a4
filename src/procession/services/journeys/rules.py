"""What a journey may do: the properties `journey.*` of its process, read from the deployed document."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, final

import msgspec

from procession.base.failure import BadValue, Failure
from procession.core.timers import parse_duration
from procession.runtime.rows import DefinitionRow
from procession.services.reading import Reader

STARTS: Final = frozenset({"public", "personal", "api"})
PROOFS: Final = frozenset({"none", "email", "sms"})
DAY_MS: Final = 86_400_000
EXPIRES_MS_MAX: Final = 3_660 * DAY_MS
ATTEMPTS_MAX: Final = 20
VARIANTS_MAX: Final = 20
VARIANT_MAX: Final = 60
"""Longest name of a variant, in characters."""
SHARE_DIGITS_MAX: Final = 4
KEPT_MAX: Final = 1_000
"""Processes whose properties are in memory."""
PREFIX: Final = "journey."
_KNOWN: Final[dict[tuple[str, str], Rules]] = {}


@final
class Rules(msgspec.Struct, frozen=True, gc=False):
    """The properties of one version of a process. Without `start` nobody starts it by a link."""

    start: frozenset[str] = frozenset()
    expires_ms: int = 28 * DAY_MS
    attempts: int = 5
    identify: str = ""
    contact: str = ""
    brand: str = ""
    languages: tuple[str, ...] = ()
    party: str = ""
    """The party of who starts it by a public link."""
    variants: tuple[tuple[str, int], ...] = ()
    """Names of variants, and their shares of all journeys."""


def rules_of(reader: Reader, tenant: str, row: DefinitionRow) -> Rules:
    """The rules of a deployed version. Raises `BadValue` for a property that cannot be read."""
    place = (row.digest, row.process_id)
    found = _KNOWN.get(place)
    if found is None:
        if len(_KNOWN) >= KEPT_MAX:
            _KNOWN.clear()
        # What a document says is the same for every tenant that has the very same one.
        found = _KNOWN[place] = read_rules(reader.forms.properties(tenant, row))
    return found


def read_rules(given: Mapping[str, str]) -> Rules:
    """The rules in properties. Raises `BadValue`."""
    said = {name.removeprefix(PREFIX): text.strip() for name, text in given.items() if name.startswith(PREFIX)}
    start = frozenset(_listed(said.get("start", "")))
    identify = said.get("identify", "") or "none"
    if not start <= STARTS:
        raise BadValue(f"journey.start is {said['start']!r:.60}; it lists {', '.join(sorted(STARTS))}")
    if identify not in PROOFS:
        raise BadValue(f"journey.identify is {identify!r:.60}; it is {', '.join(sorted(PROOFS))}")
    if identify != "none" and not said.get("contact"):
        raise BadValue("journey.identify needs journey.contact: the variable that holds the address")
    return Rules(
        start=start,
        expires_ms=_expires(said.get("expires", "P28D")),
        attempts=_attempts(said.get("attempts", "5")),
        identify="" if identify == "none" else identify,
        contact=said.get("contact", ""),
        brand=said.get("brand", ""),
        languages=tuple(_listed(said.get("languages", ""))),
        party=said.get("party", ""),
        variants=_variants(said.get("variants", "")),
    )


def variant_of(rules: Rules, journey: str) -> str:
    """The variant of a journey: by the hash of its id, so that it is the same whoever asks. "" where there are none."""
    total = sum(share for _, share in rules.variants)
    if not total:
        return ""
    place = int.from_bytes(hashlib.sha256(f"variant\0{journey}".encode()).digest()[:8], "big") % total
    for name, share in rules.variants:
        if place < share:
            return name
        place -= share
    return ""


def _listed(text: str) -> list[str]:
    return [each for each in text.replace(",", " ").split() if each]


def _expires(text: str) -> int:
    try:
        months, ms = parse_duration(text)
    except Failure as failure:
        raise BadValue(f"journey.expires: {failure}") from None
    found = months * 30 * DAY_MS + ms
    if not 0 < found <= EXPIRES_MS_MAX:
        raise BadValue(f"journey.expires is {text!r:.40}; it must be more than nothing and at most ten years")
    return found


def _variants(text: str) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for part in text.split(",") if text else ():
        name, colon, share = (each.strip() for each in part.partition(":"))
        good = share.isascii() and share.isdigit() and len(share) <= SHARE_DIGITS_MAX
        if not name or name in found or len(name) > VARIANT_MAX or (colon and not good):
            raise BadValue(f"journey.variants is {text!r:.60}; it lists names with shares, as `a:50, b:50`")
        found[name] = int(share) if colon else 1
    if found and not sum(found.values()):
        raise BadValue("journey.variants gives no variant a share")
    if len(found) > VARIANTS_MAX:
        raise BadValue(f"journey.variants lists more than {VARIANTS_MAX} variants")
    return tuple(found.items())


def _attempts(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= ATTEMPTS_MAX:
        raise BadValue(f"journey.attempts is {text!r:.40}; it is a number from 1 to {ATTEMPTS_MAX}")
    return int(text)
