"""Who the caller is, as the server sees them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import get
from litestar.types import ControllerRouterHandler

from procession.services.access import PERMISSIONS
from procession.web.asking import TheCaller


class WhoamiOut(msgspec.Struct):
    """The caller. `processes` null is all of them."""

    tenant: str
    subject: str
    user: str
    groups: list[str]
    roles: list[str]
    permissions: list[str]
    processes: list[str] | None


@get("/whoami")
async def whoami(caller: TheCaller) -> WhoamiOut:
    """Who asks, for which tenant, and what they may do there."""
    processes = None if caller.processes is None else sorted(caller.processes)
    permissions = [each for each in PERMISSIONS if caller.may(each)]
    return WhoamiOut(
        caller.tenant, caller.subject, caller.user, list(caller.groups), list(caller.roles), permissions, processes
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (whoami,)
