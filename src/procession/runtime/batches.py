"""Batches: which instances a batch operation means, and what it does to each. Data only (docs/design/0010).

Who walks over the instances is `hosts.embedded.batches`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.core.instructions import Instruction
from procession.core.plans import MigrationPlan

STATES: Final = ("running", "paused", "finished", "cancelled", "running")
"""What a batch is in, by the number in its row. In the last one nothing is left to send, and outcomes are awaited."""


@final
class Filter(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Active instances for which all of this holds; what is left out does not matter.

    `state` is `incident` or `suspended`; `element` the id of an active element, `incident` the code of an open one.
    `host` is `here`, for those that this store's own host runs, or `temporal`.
    `started_from` and `started_to` are Unix ms, the latter excluded; `instances` names some by key.
    """

    process_id: str = ""
    version: int = 0
    state: Literal["", "incident", "suspended"] = ""
    element: str = ""
    incident: str = ""
    business_key: str = ""
    started_from: int = 0
    started_to: int = 0
    instances: tuple[int, ...] = ()
    host: Literal["", "here", "temporal"] = ""


class Action(msgspec.Struct, frozen=True, gc=False, tag=True, tag_field="action", omit_defaults=True):
    """Base of all actions (data inheritance only: no behaviour)."""


@final
class CancelEach(Action, frozen=True, gc=False, tag="cancel", tag_field="action", omit_defaults=True):
    """Cancel the instance."""

    reason: str = ""


@final
class ResolveEach(Action, frozen=True, gc=False, tag="resolve", tag_field="action", omit_defaults=True):
    """Resolve the open incidents that the filter means (all, if it names none)."""

    retries: int = 1


@final
class RetryEach(Action, frozen=True, gc=False, tag="retry", tag_field="action", omit_defaults=True):
    """Give the jobs that are out of retries so many anew; other incidents stay."""

    retries: int = 1


@final
class MigrateEach(Action, frozen=True, gc=False, tag="migrate", tag_field="action", omit_defaults=True):
    """Let the instance go over by a plan. One that runs the target already is left alone."""

    plan: MigrationPlan


@final
class SuspendEach(Action, frozen=True, gc=False, tag="suspend", tag_field="action", omit_defaults=True):
    """Suspend the instance, unless it is."""


@final
class ResumeEach(Action, frozen=True, gc=False, tag="resume", tag_field="action", omit_defaults=True):
    """Resume the instance, if it is suspended."""


@final
class ModifyEach(Action, frozen=True, gc=False, tag="modify", tag_field="action", omit_defaults=True):
    """Carry out a modification."""

    instructions: tuple[Instruction, ...]


@final
class MoveEach(Action, frozen=True, gc=False, tag="move", tag_field="action", omit_defaults=True):
    """Let the instance, with all that it called, go on on the host `to`, or `here`. One that is there is left alone,
    and so is one that was called: it moves with its caller. `jobs` says what becomes of those under way.

    `reverts` is the batch whose moves are taken back: then the filter is that they are its own; 0 for none."""

    to: str
    jobs: str = "carry"
    reverts: int = 0


AnyAction: TypeAlias = (
    CancelEach | ResolveEach | RetryEach | MigrateEach | SuspendEach | ResumeEach | ModifyEach | MoveEach
)


@final
class Unknown(Action, frozen=True, gc=False, tag="unknown", tag_field="action"):
    """What a newer version of the engine wrote: this one shows it, and does not carry it out."""


@final
class Body(msgspec.Struct, frozen=True, gc=False):
    """What a batch is, as its row holds it."""

    which: Filter
    action: AnyAction
