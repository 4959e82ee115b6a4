"""The base of all facts. Data only."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="fact"):
    """Base of all facts (data inheritance only: no behaviour)."""
