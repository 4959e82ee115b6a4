"""The modules of a tenant's library: every source that was deployed, by name, in its versions.

A module is asked for as `name`, which is the latest, as `name@2`, the second that differs from the one before, or as
`name@digest`, by the beginning of its SHA-256 (eight digits at least): what was deployed never changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import BlobRow, ResourceRow

Found: TypeAlias = "tuple[str, bool] | None"
"""A source, and whether it has types."""
FindModule: TypeAlias = Callable[[str], Found]

_DIGEST: Final = re.compile(r"[0-9a-f]{8,64}", re.ASCII)
SUFFIXES: Final = (".js", ".mjs", ".ts")
"""What files of modules end with."""
TESTS: Final = tuple(f".test{suffix}" for suffix in SUFFIXES)
"""What files of their tests end with."""
NO_MODULES: Final = (*TESTS, ".d.ts")
"""What files of tests and of declarations end with: no script imports them."""


def nobody(specifier: str) -> Found:
    """The library of who has none."""
    return None


def library(store: Reads, tenant: int | None, upto: int = 0) -> FindModule:
    """The library of a tenant, by its number in the store; as it was when a deployment was made, where one is named."""

    def found(specifier: str) -> Found:
        name, version = _asked(specifier)
        if tenant is None or not name:
            return None
        names = tuple(f"{name}{suffix}" for suffix in SUFFIXES)
        rows = store.read("modules", (tenant, *names), ResourceRow)
        chosen = _chosen([row for row in rows if not upto or row.deployment <= upto], version)
        if chosen is None:
            return None
        [blob] = store.read("resource", (tenant, chosen.deployment, chosen.digest), BlobRow)
        return codec.unwrap(blob.value).decode("utf-8", "replace"), chosen.name.endswith(".ts")

    return found


def _asked(specifier: str) -> tuple[str, str]:
    """Name and version; a scope (`@acme/money`) begins with the same character."""
    name, at, version = specifier[1:].partition("@")
    name = specifier[:1] + name
    head, slash, rest = version.partition("/")
    return (name + slash + rest, head) if at else (name, "")


def _chosen(rows: list[ResourceRow], version: str) -> ResourceRow | None:
    """The row that is meant; those of a version that was deployed again count once."""
    versions = [
        row for before, row in zip([None, *rows], rows, strict=False) if before is None or before.digest != row.digest
    ]
    if not version:
        return versions[-1] if versions else None
    if version.isdecimal() and len(version) < 8:
        return versions[int(version) - 1] if 1 <= int(version) <= len(versions) else None
    if _DIGEST.fullmatch(version) is None:
        return None
    return next((row for row in versions if row.digest.startswith(version)), None)
