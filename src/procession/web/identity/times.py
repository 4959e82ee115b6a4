"""Times that callers write, as the store has them."""

from __future__ import annotations

from datetime import UTC, datetime

from procession.base.failure import BadValue


def moment_in(text: str | None, field: str) -> int | None:
    """A time of RFC 3339 in Unix ms; None for none. Raises `BadValue`, also for a time without an offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError
        return int(found.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadValue(f"{field!r} is no time of RFC 3339, as 2026-01-31T12:00:00Z is one") from None
