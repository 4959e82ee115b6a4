"""Choice: what the worker of an ad-hoc sub-process answers. Data for callers; `core.events.Choice` is what travels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from procession.base.failure import BadValue
from procession.base.values import Variables, checked_all, checked_text
from procession.core import events as e


@final
class Choice:
    """Activities of an ad-hoc sub-process to begin, each an id or (id, variables of its own); or that it is `done`.

    `cancel_remaining` ends what is active in it. `variables` are the job's result, as a dict would be. Raises
    `BadValue` for what no choice can be.
    """

    __slots__ = ("activities", "cancel_remaining", "done", "variables")

    def __init__(
        self,
        *activities: str | tuple[str, Mapping[str, object]],
        done: bool = False,
        cancel_remaining: bool = False,
        variables: Mapping[str, object] | None = None,
    ) -> None:
        if done and activities:
            raise BadValue("a choice either begins activities or is done, not both")
        self.activities = activities
        self.done = done
        self.cancel_remaining = cancel_remaining
        self.variables = dict(variables or {})

    def event(self) -> e.Choice:
        """The choice as the instance is told of it, its values checked."""
        chosen: list[tuple[str, Variables]] = []
        for each in self.activities:
            name, variables = (each, None) if isinstance(each, str) else each
            chosen.append((checked_text("id of an activity", name), checked_all(variables)))
        return e.Choice(chosen, self.done, self.cancel_remaining)


def answered(result: Mapping[str, object] | Choice | None) -> tuple[Variables, e.Choice | None]:
    """The result of a job as variables, and the choice in it. Raises `BadValue`."""
    if isinstance(result, Choice):
        return checked_all(result.variables), result.event()
    return checked_all(result), None
