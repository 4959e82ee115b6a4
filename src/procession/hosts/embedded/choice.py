"""What the worker of an ad-hoc sub-process answers, as the instance is told of it."""

from __future__ import annotations

from collections.abc import Mapping

from procession.base.job import Choice
from procession.base.values import Variables, checked_all, checked_text
from procession.core import events as e


def answered(result: Mapping[str, object] | Choice | None) -> tuple[Variables, e.Choice | None]:
    """The result of a job as variables, and the choice in it. Raises `BadValue`."""
    if isinstance(result, Choice):
        return checked_all(result.variables), _event(result)
    return checked_all(result), None


def _event(choice: Choice) -> e.Choice:
    chosen: list[tuple[str, Variables]] = []
    for each in choice.activities:
        name, variables = (each, None) if isinstance(each, str) else each
        chosen.append((checked_text("id of an activity", name), checked_all(variables)))
    return e.Choice(chosen, choice.done, choice.cancel_remaining)
