"""Traces of tokens as partial orders: two are equal if only the order of what is unrelated differs.

Every happening gets a number that stands for all that came before it on its own way: what it is, the section of the
trace, the scope that it is in, the flow or exit that it came from; for the exit of a scope, all that was entered in it.
Equal multisets of such numbers are equal partial orders. How scopes and tokens are named plays no part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from procession.services.play_trace import Happening

Order = Counter[int]


class Numbering:
    """Numbers for histories, the same for equal ones. Traces that are compared share one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self._shown: list[str] = []

    def number(self, what: str, element: str, section: int, *before: object) -> int:
        """The number of a history."""
        history = (what, element, section, *before)
        found = self._numbers.get(history)
        if found is None:
            found = self._numbers[history] = len(self._shown)
            self._shown.append(f"{what}:{element}")
        return found

    def shown(self, number: int) -> str:
        """What the last happening of a history was."""
        return self._shown[number]


def order_of(sections: Iterable[list[Happening]], numbering: Numbering) -> Order:
    """The happenings of a trace by their histories."""
    found: Order = Counter()
    entered: dict[int, int] = {0: -1}
    inside: dict[int, list[int]] = {}
    left: dict[int, int] = {}
    for section, happenings in enumerate(sections):
        for each in happenings:
            if each.what == "end":
                continue
            if each.what == "exit":
                if each.own[0] in left:
                    continue  # a scope that is compensated is shown to be left a second time
                before = sorted(entered[own] for own in each.own)
                held = sorted(number for own in each.own for number in inside.get(own, ()))
                number = numbering.number("exit", each.element, section, tuple(before), tuple(held))
                left.update(dict.fromkeys(each.own, number))
            elif each.what == "flow":
                source = left[each.by[0]] if each.by else -1
                number = numbering.number("flow", each.element, section, entered[each.scope], source)
                entered[each.own[0]] = number
            else:
                source = entered[each.by[0]] if each.by else -1
                number = numbering.number("enter", each.element, section, entered[each.scope], source)
                # What arrives at a join goes by the number of its token.
                entered[each.own[0]] = number
                inside.setdefault(each.scope, []).append(number)
            found[number] += 1
    return found


def difference(found: Order, expected: Order, numbering: Numbering) -> str:
    """In words, what the two orders do not share; "" if they are equal."""
    missing = [numbering.shown(number) for number in sorted((expected - found).elements())]
    more = [numbering.shown(number) for number in sorted((found - expected).elements())]
    parts = [f"missing or elsewhere: {', '.join(missing)}"] if missing else []
    parts += [f"not expected there: {', '.join(more)}"] if more else []
    return "; ".join(parts)
