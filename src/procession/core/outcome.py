"""What a step gives back to its host. Data only."""

from __future__ import annotations

from typing import final

from procession.core.commands import AnyCommand
from procession.core.facts import AnyFact


@final
class Outcome:
    """Facts to store, commands to carry out after the commit, and the last key taken.

    `rejected` is a code (`not-found`, `conflict`, `denied`) with `reason` when the event was not accepted: then
    there are no facts and the state is unchanged.
    """

    __slots__ = ("commands", "facts", "last_key", "reason", "rejected")

    def __init__(
        self,
        facts: list[AnyFact],
        commands: list[AnyCommand],
        last_key: int,
        rejected: str = "",
        reason: str = "",
    ) -> None:
        self.facts = facts
        self.commands = commands
        self.last_key = last_key
        self.rejected = rejected
        self.reason = reason
