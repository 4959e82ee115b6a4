"""Who may do what: permissions, the roles that hold them, and a caller. Data and one question; no transport, no store.

A permission is `resource:verb`. A caller acts for one tenant at a time; what belongs to the server as a whole is the
tenant `<platform>`'s.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import ProcessionError

ROLES: Final[dict[str, frozenset[str]]] = {
    "viewer": frozenset(
        "definitions:read instances:read tasks:read incidents:read jobs:read batches:read documents:read".split()
    ),
    "task-worker": frozenset("definitions:read tasks:read tasks:work documents:read documents:write".split()),
    "worker": frozenset("jobs:read jobs:work messages:send documents:read documents:write".split()),
    "operator": frozenset(
        "definitions:read instances:read instances:start instances:change tasks:read tasks:work tasks:assign "
        "incidents:read incidents:resolve jobs:read jobs:work batches:read batches:write messages:send "
        "decisions:evaluate documents:read documents:write webhooks:read metrics:read".split()
    ),
    "builder": frozenset(
        "definitions:read definitions:check instances:read instances:start tasks:read tasks:work incidents:read "
        "jobs:read messages:send decisions:evaluate documents:read".split()
    ),
    "deployer": frozenset("definitions:read definitions:check definitions:deploy definitions:suspend".split()),
    "admin": frozenset({"*"}),
}
"""Role -> its permissions. `*` is all of them."""


class Forbidden(ProcessionError):
    """The caller may not do this. The text names the permission, never what it was asked of."""


class Unauthorized(ProcessionError):
    """Nobody is known by what was presented: no credentials, or none that hold."""


@final
class Caller(msgspec.Struct, frozen=True):
    """Somebody who is known. `subject` is `user:…`, `key:…` or `service:…`, as the audit log names them."""

    tenant: str
    subject: str
    origin: str = ""
    permissions: frozenset[str] = frozenset()
    user: str = ""
    """The name under which user tasks are assigned to them; "" for who is no person."""
    groups: tuple[str, ...] = ()
    """Candidate groups they belong to."""
    processes: frozenset[str] | None = None
    """The process ids that they may see and touch; None for all."""

    def may(self, permission: str, process_id: str = "") -> bool:
        """Whether they may do this, with this process where it is about one."""
        held = self.permissions
        if permission not in held and "*" not in held:
            return False
        return not process_id or self.processes is None or process_id in self.processes

    def need(self, permission: str, process_id: str = "") -> None:
        """Raises `Forbidden` when they may not."""
        if not self.may(permission, process_id):
            raise Forbidden(f"this needs the permission {permission!r}")
