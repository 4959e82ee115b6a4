"""Tenants and shards: a tenant lives in one shard, and its number says in which (docs/design/0013)."""

from __future__ import annotations

from typing import Final, TypeAlias
from zlib import crc32

DEFAULT_TENANT: Final = "<default>"
PLATFORM: Final = "<platform>"
"""The tenant that holds what belongs to the whole server: its tenants' settings, its own keys."""

SHARD_SHIFT: Final = 32
SHARDS_MAX: Final = 256

Span: TypeAlias = tuple[int, int]
"""Numbers of tenants, from the first to the one behind the last."""

EVERYBODY: Final[Span] = (0, SHARDS_MAX << SHARD_SHIFT)


def span_of(shard: int) -> Span:
    """The numbers of the tenants of a shard."""
    return shard << SHARD_SHIFT, (shard + 1) << SHARD_SHIFT


def shard_of_number(number: int) -> int:
    """The shard of a tenant."""
    return number >> SHARD_SHIFT


def shard_of_name(name: str, shards: int) -> int:
    """The shard of a tenant, known or not, in a store of so many: any process tells it without asking."""
    # The default tenant has the number 0 from the first migration.
    return 0 if shards == 1 or name == DEFAULT_TENANT else crc32(name.encode("utf-8", "surrogatepass")) % shards
