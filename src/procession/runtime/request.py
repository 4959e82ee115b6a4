"""The base of all requests (`runtime.requests`). Data only."""

from __future__ import annotations

import msgspec


class Request(msgspec.Struct, frozen=True, gc=False, tag=True, tag_field="request", omit_defaults=True):
    """Base of all requests (data inheritance only: no behaviour)."""

    tenant: str
