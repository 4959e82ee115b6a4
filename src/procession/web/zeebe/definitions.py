"""Keys of definitions by process and version: they never change, and each job that is handed out names its own."""

from __future__ import annotations

from typing import Final, final

from procession.services.backend import Backend

KEYS_MAX: Final = 10_000
"""Most keys that are remembered; the oldest goes first."""


@final
class Definitions:
    """Those that one server has met."""

    __slots__ = ("_backend", "_keys")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._keys: dict[tuple[str, str, int], int] = {}

    async def key(self, tenant: str, process_id: str, version: int) -> int:
        """The key of a version of a process; raises `NotFound`."""
        place = (tenant, process_id, version)
        found = self._keys.get(place)
        if found is None:
            row = await self._backend.read(tenant, lambda reader: reader.deployed.version(tenant, process_id, version))
            found = row.key
            if len(self._keys) >= KEYS_MAX:
                del self._keys[next(iter(self._keys))]
            self._keys[place] = found
        return found
