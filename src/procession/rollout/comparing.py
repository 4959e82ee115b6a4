"""Comparing two trees in canonical form: what is different, by element, with both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final, TypedDict, cast, final

import msgspec

from procession.base.values import Json
from procession.rollout.trees import Member, Tree
from procession.runtime.canonical import canonical

PARTS: Final = ("history", "variables", "flows")
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@final
class Difference(msgspec.Struct, frozen=True):
    """One element instance that is not the same on both sides. `element` is its id, `path` leads to it from the root.

    `part` is its history, variables or flows; `instance`, that only one side has it; `answer`, that what it was told on
    host A was not taken. `here` is host A's side, `there` the shadow's; None where that has nothing."""

    process: str
    element: str
    path: str
    part: str
    here: Json = None
    there: Json = None

    @property
    def place(self) -> str:
        """What differences are counted by."""
        return f"{self.process}/{self.element}"


class _Form(TypedDict):
    element: str
    history: Json
    variables: Json
    flows: Json
    inside: list[_Form]


def compare(one: Tree, other: Tree) -> list[Difference]:
    """What is different, the outermost first."""
    found: list[Difference] = []
    here = {one.locate(each) or "": each for each in one.members.values()}
    there = {other.locate(each) or "": each for each in other.members.values()}
    for place in sorted(here.keys() | there.keys()):
        member, twin = here.get(place), there.get(place)
        found += _members(place, member, twin)
    return found


def _members(place: str, one: Member | None, other: Member | None) -> list[Difference]:
    mine, yours = _elements(place, one), _elements(place, other)
    known = one or other
    assert known is not None
    assert known.linked is not None
    process = known.linked.program.process_id
    found: list[Difference] = []
    for path in sorted(mine.keys() | yours.keys()):
        found += _runs(process, path, mine.get(path, []), yours.get(path, []))
    return found


def _elements(place: str, member: Member | None) -> dict[str, list[_Form]]:
    """The forms of all element instances by their path, those of one path in the order of the canonical form."""
    if member is None or member.started is None:
        return {}
    program = member.programs(member.started.program).program
    root = cast("_Form", canonical(program, member.facts, lambda hash: member.programs(hash).program))
    found: dict[str, list[_Form]] = defaultdict(list)
    stack = [(place, root)]
    while stack:
        above, form = stack.pop()
        path = f"{above}/{form['element']}" if above else form["element"]
        found[path].append(form)
        stack += [(path, each) for each in reversed(form["inside"])]
    return found


def _runs(process: str, path: str, mine: list[_Form], yours: list[_Form]) -> list[Difference]:
    """Those of one path that have no equal on the other side, two by two."""
    left, right = (Counter(_text(each) for each in forms) for forms in (mine, yours))
    ours = _unmatched(mine, left - right)
    theirs = _unmatched(yours, right - left)
    element = path.rpartition("/")[2].partition("[")[0]
    found: list[Difference] = []
    for n in range(max(len(ours), len(theirs))):
        if n >= len(ours) or n >= len(theirs):
            here, there = (_whole(forms[n]) if n < len(forms) else None for forms in (ours, theirs))
            found.append(Difference(process, element, path, "instance", here, there))
            continue
        for part in PARTS:
            here, there = (cast("dict[str, Json]", forms[n])[part] for forms in (ours, theirs))
            if here != there:
                found.append(Difference(process, element, path, part, here, there))
    return found


def _unmatched(forms: list[_Form], left: Counter[bytes]) -> list[_Form]:
    found: list[_Form] = []
    for form in forms:
        text = _text(form)
        if left[text]:
            left[text] -= 1
            found.append(form)
    return found


def _text(form: _Form) -> bytes:
    return _ENCODE(_whole(form))


def _whole(form: _Form) -> Json:
    return cast("Json", {part: cast("dict[str, Json]", form)[part] for part in PARTS})
