"""The base of all facts. What facts there are stands in `core.facts`, which is what everybody imports."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="fact"):
    """Base of all facts (data inheritance only: no behaviour)."""
