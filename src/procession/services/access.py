"""Who may do what: permissions, the roles that hold them, a caller, and which tasks are theirs. No transport, no store.

A permission is `resource:verb`. A caller acts for one tenant at a time; what belongs to the server as a whole is the
tenant `<platform>`'s, and nobody else's, whatever role they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol, final

import msgspec

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json
from procession.runtime.tenants import PLATFORM

PERMISSIONS: Final[dict[str, str]] = {
    "definitions:read": "see definitions, their documents and diagrams",
    "definitions:check": "check documents without deploying them",
    "definitions:deploy": "deploy documents",
    "definitions:suspend": "suspend and resume definitions",
    "instances:read": "see instances, their variables and history",
    "instances:start": "start instances",
    "instances:change": "set variables, modify, migrate, restart, suspend and cancel instances",
    "tasks:read": "see user tasks that are theirs, or could become theirs",
    "tasks:oversee": "see all user tasks, whoever they are meant for",
    "tasks:work": "claim, change and complete user tasks that are theirs",
    "tasks:assign": "assign, change and complete any user task",
    "incidents:read": "see incidents",
    "incidents:resolve": "resolve incidents",
    "jobs:read": "see jobs",
    "jobs:work": "take, complete and fail jobs",
    "batches:read": "see batch operations",
    "batches:write": "start and steer batch operations",
    "messages:send": "publish messages and broadcast signals",
    "decisions:evaluate": "evaluate decisions",
    "documents:read": "read documents that belong to processes",
    "documents:write": "store documents that belong to processes",
    "webhooks:read": "see webhooks and what was sent",
    "webhooks:write": "set up webhooks, and send again",
    "journeys:read": "see links of journeys, never their tokens, and in numbers how journeys go",
    "journeys:write": "start journeys, make and revoke links to them, set how they look",
    "metrics:read": "see the tenant's figures",
    "keys:read": "see the tenant's API keys, never their secrets",
    "keys:write": "make, rotate and revoke API keys",
    "members:read": "see who belongs to the tenant, and its service accounts",
    "members:write": "change who belongs to the tenant, and its service accounts",
    "audit:read": "read and export the tenant's audit log",
    "settings:read": "see the tenant's settings and quotas",
    "settings:write": "change the tenant's settings",
    "tenants:read": "see the tenants of the server",
    "tenants:write": "make, change and delete tenants",
    "tenants:enter": "act in any tenant, as its admin",
}
"""Every permission, and what it allows. A route may ask for no other (tests/unit/web/test_access_matrix.py)."""

PLATFORM_RESOURCES: Final = frozenset({"tenants"})
"""What is the server's: these permissions count in the tenant `<platform>` alone, `*` or not."""

ROLES: Final[dict[str, frozenset[str]]] = {
    "viewer": frozenset(
        "definitions:read instances:read tasks:read tasks:oversee incidents:read jobs:read batches:read "
        "documents:read journeys:read".split()
    ),
    "task-worker": frozenset("definitions:read tasks:read tasks:work documents:read documents:write".split()),
    "worker": frozenset("jobs:read jobs:work messages:send documents:read documents:write".split()),
    "operator": frozenset(
        "definitions:read instances:read instances:start instances:change tasks:read tasks:oversee tasks:work "
        "tasks:assign incidents:read incidents:resolve jobs:read jobs:work batches:read batches:write messages:send "
        "decisions:evaluate documents:read documents:write webhooks:read metrics:read journeys:read "
        "journeys:write".split()
    ),
    "builder": frozenset(
        "definitions:read definitions:check instances:read instances:start tasks:read tasks:oversee tasks:work "
        "incidents:read jobs:read messages:send decisions:evaluate documents:read journeys:read "
        "journeys:write".split()
    ),
    "deployer": frozenset("definitions:read definitions:check definitions:deploy definitions:suspend".split()),
    "admin": frozenset({"*"}),
}
"""Role -> its permissions. `*` is all of them. `worker` is for job workers and service accounts."""


class Forbidden(ProcessionError):
    """The caller may not do this. The text names the permission, never what it was asked of."""


class Unauthorized(ProcessionError):
    """Nobody is known by what was presented: no credentials, or none that hold."""


class Expired(Unauthorized):
    """What was presented held once: a caller of before, who does not guess."""


class Unavailable(ProcessionError):
    """What is needed to answer cannot be reached now: ask again after `seconds`."""

    def __init__(self, text: str, seconds: int = 5) -> None:
        super().__init__(text)
        self.seconds = seconds


class TooMany(ProcessionError):
    """Too many requests of a kind: ask again after `seconds`."""

    def __init__(self, text: str, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


@final
class Scope(msgspec.Struct, frozen=True):
    """Permissions that count for some processes alone; None: for all."""

    permissions: frozenset[str]
    processes: frozenset[str] | None


@final
class Caller(msgspec.Struct, frozen=True):
    """Somebody who is known. `subject` is `user:…`, `key:…` or `service:…`, as the audit log names them."""

    tenant: str
    subject: str
    origin: str = ""
    permissions: frozenset[str] = frozenset()
    """All that they hold, whichever processes it is for."""
    user: str = ""
    """The name under which user tasks are assigned to them; "" for who is no person."""
    groups: tuple[str, ...] = ()
    """Candidate groups they belong to."""
    processes: frozenset[str] | None = None
    """The process ids that they may see and touch; None for all."""
    scopes: tuple[Scope, ...] | None = None
    """Which permission counts for which processes, where that differs; None: each for all of `processes`."""
    roles: tuple[str, ...] = ()

    def may(self, permission: str, process_id: str = "") -> bool:
        """Whether they may do this, with this process where it is about one."""
        if not _holds(self.permissions, permission) or not _is_here(self.tenant, permission):
            return False
        processes = self.within(permission)
        return not process_id or processes is None or process_id in processes

    def need(self, permission: str, process_id: str = "") -> None:
        """Raises `Forbidden` when they may not."""
        if not self.may(permission, process_id):
            raise Forbidden(f"this needs the permission {permission!r}")

    def need_everywhere(self, permission: str) -> None:
        """Raises `Forbidden` unless they may do this with every process: for what cannot be held to one."""
        self.need(permission)
        if self.within(permission) is not None:
            raise Forbidden(f"this needs the permission {permission!r} for all processes")

    def within(self, permission: str) -> frozenset[str] | None:
        """The processes with which they may do this, None for all: what a list has to be held to."""
        if self.scopes is None:
            return self.processes
        return _together(scope.processes for scope in self.scopes if _holds(scope.permissions, permission))


def _holds(held: frozenset[str], permission: str) -> bool:
    return permission in held or "*" in held


def _is_here(tenant: str, permission: str) -> bool:
    return tenant == PLATFORM or permission.partition(":")[0] not in PLATFORM_RESOURCES


@final
class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Roles in a tenant, for some processes (None: all)."""

    roles: tuple[str, ...]
    processes: tuple[str, ...] | None = None


def checked(grant: Grant) -> Grant:
    """The grant, if its roles exist. Raises `BadValue`."""
    unknown = [role for role in grant.roles if role not in ROLES]
    if unknown:
        raise BadValue(f"there is no role {unknown[0]!r:.40}; roles are {', '.join(ROLES)}")
    return grant


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What roles allow together. One that no longer exists allows nothing."""
    return frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))


def granted(caller: Caller, grants: Iterable[Grant]) -> Caller:
    """The caller with what is granted to them, and nothing else."""
    given = list(grants)
    roles = tuple(dict.fromkeys(role for grant in given for role in grant.roles))
    scopes = tuple(Scope(permissions_of(grant.roles), _named(grant)) for grant in given)
    permissions = frozenset[str]().union(*(scope.permissions for scope in scopes))
    processes = _together(scope.processes for scope in scopes)
    return msgspec.structs.replace(
        caller,
        permissions=permissions,
        roles=roles,
        processes=processes,
        # One for all is the common case, and needs no looking up.
        scopes=None if all(scope.processes is None for scope in scopes) else scopes,
    )


def away(subject: str) -> str:
    """What somebody of the platform is called in the log of another tenant."""
    kind, _, name = subject.partition(":")
    return f"{kind}:{PLATFORM}/{name}"


def _named(grant: Grant) -> frozenset[str] | None:
    return None if grant.processes is None else frozenset(grant.processes)


def _together(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found = frozenset[str]()
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def narrowed(caller: Caller, grant: Grant) -> Caller:
    """The caller with what they hold and the grant allows too: a key never does more than its service account."""
    allowed, named = permissions_of(grant.roles), _named(grant)
    scopes = caller.scopes or (Scope(caller.permissions, caller.processes),)
    cut = tuple(Scope(_common(scope.permissions, allowed), _both(scope.processes, named)) for scope in scopes)
    return msgspec.structs.replace(
        caller,
        permissions=frozenset[str]().union(*(scope.permissions for scope in cut)),
        roles=tuple(role for role in grant.roles if role in caller.roles) or caller.roles,
        processes=_together(scope.processes for scope in cut),
        scopes=cut,
    )


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    if "*" in one:
        return other
    return one if "*" in other else one & other


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def need_covering(caller: Caller, grant: Grant) -> None:
    """Raises `Forbidden` when the grant allows what the caller may not do: nobody gives away more than they hold."""
    for permission in permissions_of(grant.roles):
        within = caller.within(permission)
        covered = within is None or (grant.processes is not None and within.issuperset(grant.processes))
        if not _holds(caller.permissions, permission) or not covered:
            raise Forbidden("nobody can give away more than they hold: these roles or processes are not yours")


class TaskLike(Protocol):
    """A task, as far as it tells whose it is."""

    @property
    def assignee(self) -> str: ...

    @property
    def attributes(self) -> dict[str, Json]: ...


def works_task(caller: Caller, task: TaskLike, process_id: str) -> bool:
    """Whether they may work a task: theirs, or nobody's that they are a candidate for. Who assigns may work all."""
    if caller.may("tasks:assign", process_id):
        return True
    if not caller.may("tasks:work", process_id):
        return False
    return _is_assigned(caller, task) if task.assignee else _is_candidate(caller, task)


def _is_assigned(caller: Caller, task: TaskLike) -> bool:
    return bool(caller.user) and task.assignee == caller.user


def _is_candidate(caller: Caller, task: TaskLike) -> bool:
    """A task without candidates is for everybody, as long as nobody has it."""
    users, groups = names_in(task.attributes, "candidate_users"), names_in(task.attributes, "candidate_groups")
    if not users and not groups:
        return not task.assignee
    return (bool(caller.user) and caller.user in users) or not groups.isdisjoint(caller.groups)


def names_in(attributes: Mapping[str, Json], attribute: str) -> frozenset[str]:
    """The names in an attribute of a task that is a list of them."""
    given = attributes.get(attribute)
    return frozenset(name for name in given if isinstance(name, str)) if isinstance(given, list) else frozenset()
