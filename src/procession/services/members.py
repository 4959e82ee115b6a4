"""Who belongs to a tenant: people and groups that an identity provider knows, and service accounts. Data only.

Each is a record of the tenant. Somebody's record is found by what they are called, without their name being in its id.
"""

from __future__ import annotations

import hashlib
from typing import Final, final

import msgspec

from procession.services.access import Grant

MEMBER: Final = "member"
SERVICE: Final = "service"
"""The kinds of the records."""


@final
class MemberBody(msgspec.Struct, frozen=True):
    """`subject` is `user:<provider>|<sub>`, or `group:<provider>|<group>` for all whom the provider puts in a group."""

    subject: str
    grant: Grant
    user: str = ""
    """The name under which tasks are assigned to them; "" for what their token says."""
    groups: tuple[str, ...] = ()
    """Candidate groups that they belong to, with those of their token."""


@final
class ServiceBody(msgspec.Struct, frozen=True):
    """A service account. Its keys do no more than it may."""

    grant: Grant
    description: str = ""
    disabled: bool = False


NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$(?!\n)"
"""What a service account, and a tenant, may be called. `$` alone would let a line end through."""


def member_id(subject: str) -> str:
    """The id of the record of a subject."""
    return hashlib.sha256(subject.encode()).hexdigest()[:32]
