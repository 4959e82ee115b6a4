"""Who plays: a session of a tenant, from an address. It is no caller of the API, and has no permission there."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.services.backend import Who
from procession.services.journeys.kept import Session

STRANGER: Final = "journey:-"
"""What somebody is called in the audit log who has no session yet."""


@final
class Player(msgspec.Struct, frozen=True):
    """A session that was found: `id` is that of its document."""

    tenant: str
    id: str
    session: Session
    origin: str = ""

    @property
    def who(self) -> Who:
        """As the audit log names them."""
        return Who(f"journey:{self.session.journey}", self.origin)
