"""A dialect: its namespace, its table, and how it takes what the standard leaves open. And actions of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import msgspec

from procession.convert.languages import juel
from procession.convert.standard import Habits
from procession.convert.work import Action, Row, Step, Translate, Work


@final
class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One dialect. `rows` is its table; `after` are passes over the whole document behind it."""

    name: str
    title: str
    namespace: str
    rows: tuple[Row, ...]
    translate: Translate = juel
    habits: Habits = Habits()
    loop_counter_from: int = 0
    after: tuple[Callable[[Work], None], ...] = ()


def template(step: Step) -> bool:
    """`modelerTemplate` and its version: the name stays; the template has to exist for the native namespace."""
    step.work.attribute(step.element, step.name, step.value)
    step.tell("changed", f"zeebe:{step.name}", "write the element template anew for the native namespace")
    return True


def native(tag: str, attribute: str) -> Action:
    """A row's action for a value that one native attribute holds."""

    def action(step: Step) -> bool:
        done = step.feel(step.value)
        if not step.told(done, f"zeebe:{tag}@{attribute}"):
            return False
        step.work.put(step.element, tag, {attribute: done.value})
        return True

    return action


def error_code(step: Step) -> bool:
    """`errorCodeVariable`, `escalationCodeVariable`: the code that is drawn, as an output mapping of the event."""
    reference = step.element.get("errorRef") or step.element.get("escalationRef") or ""
    found = step.work.ids.get(reference.rpartition(":")[2])
    code = (found.get("errorCode") or found.get("escalationCode") or "") if found is not None else ""
    if not code or code.startswith(("=", "$", "#")):
        step.tell("needs-work", "", "let the worker throw with a variable that holds the code, and read that one")
        return False
    step.work.output(step.owner, f'="{code}"', step.value)
    step.tell("changed", "zeebe:output", "the code that is drawn; what else the error brings needs a mapping too")
    return True
