"""Migration plans, and what a plan means for one instance. Data only (docs/design/0010)."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

KeepOrNew: TypeAlias = Literal["keep", "new"]


class MigrationChoice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What becomes of what an element instance waits for. `new`: a new job in place of the open one, the timer's due
    time, the subscription's name and key, the user task's attributes computed anew."""

    job: KeepOrNew = "keep"
    timer: KeepOrNew = "keep"
    subscription: KeepOrNew = "keep"
    task: KeepOrNew = "keep"


class Proposal(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An element without a target that may have got another id, and why. Put it into the plan if it is right."""

    source: str
    target: str
    why: str


class MigrationPlan(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Where each element of one version goes in another. What is not named has no target.

    `flows` are needed for tokens that wait at joins. `choices` have a `MigrationChoice` by element id of the source,
    or by the key of an element instance, which wins; what is not named is kept. `proposals` say what might be
    meant, and do nothing.
    """

    from_process: str = ""
    from_version: int = 0
    to_process: str = ""
    to_version: int = 0
    elements: dict[str, str] = {}
    flows: dict[str, str] = {}
    choices: dict[str, MigrationChoice] = {}
    proposals: tuple[Proposal, ...] = ()


What: TypeAlias = Literal[
    "move",
    "keep-job",
    "new-job",
    "keep-timer",
    "new-timer",
    "close-timer",
    "keep-subscription",
    "new-subscription",
    "close-subscription",
    "close-condition",
    "open",
    "keep-task",
    "new-task",
    "keep-incident",
    "token",
]
"""What a migration does: an element instance goes on at its target; each thing that it waits for is kept, made anew or
closed; a catch that is new at the target is opened; a token waits at the target's join."""


class MigrationAction(msgspec.Struct, frozen=True, gc=False):
    """One thing that a migration does to one element instance. `target` is the id at the target, `wait` the key of the
    job, timer, subscription or incident; for `open` and `token` `node` is the catch or flow there."""

    element: int
    element_id: str
    what: What
    target: str
    wait: int = 0
    node: str = ""
    catch: int = -1
    """Of what is opened: its node in the target's program."""
