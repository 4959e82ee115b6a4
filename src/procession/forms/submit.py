"""The final submit: what a client sent becomes data, or is refused. Nothing of it is trusted.

Only fields of the form are taken; a field that is read only or disabled keeps what the server has; conditions are asked
anew until nothing changes; hidden values are dropped; and every visible page is judged, whatever the client saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast, final

import msgspec

from procession.base.values import Json, Variables, checked_all
from procession.feel import BudgetExceeded, Runtime
from procession.forms.coercion import coerced
from procession.forms.compiled import Compiled, Node
from procession.forms.scope import Path, copied, put_at, remove_at, value_at
from procession.forms.settling import NOW, ROWS_MAX, Placed, Setting, Settled, given, settle
from procession.forms.verdict import Fault, judge
from procession.forms.view import View, view


@final
class Submitted(msgspec.Struct, frozen=True, gc=False):
    """What became of a submit: `data` to be given to the task where there are no `faults`; the view in any case."""

    data: Variables
    faults: tuple[Fault, ...]
    view: View

    @property
    def accepted(self) -> bool:
        """Whether the data are taken."""
        return not self.faults


def submit(
    compiled: Compiled, sent: Mapping[str, Json], held: Mapping[str, Json] | None = None, setting: Setting = NOW
) -> Submitted:
    """The data of an answer, judged whole. `held` is what the server has: variables, and what was saved before.

    Raises `BadValue` for what no variable may hold, `BudgetExceeded` when the answer is more than a form bears.
    """
    sent = checked_all(sent)
    before: Mapping[str, Json] = held or {}
    rt = setting.runtime()
    data = merged(compiled, sent, before, setting)
    settled, data = _kept(compiled, data, before, rt)
    shown = view(compiled, data, setting, final=True)
    faults = judge(shown, setting)
    return Submitted(_contributed(settled, rt), tuple(faults), shown)


def merged(compiled: Compiled, sent: Mapping[str, Json], held: Mapping[str, Json], setting: Setting) -> Variables:
    """What the server has, with what was sent for fields of the form in front of it, made into their kinds."""
    data: Variables = {name: copied(value) for name, value in held.items()}
    for node, path, value in _taken(compiled, sent):
        if node.value == "rows":
            put_at(data, path, [copied(each) for each in _matching(value_at(data, path), value)])
        else:
            made = coerced(node, value, setting.zone)
            put_at(data, path, _described(made, setting) if node.value == "files" else made)
    return data


def _described(value: Json, setting: Setting) -> Json:
    """Files as the server knows them, whatever was said of them; one that it does not have is left for the verdict."""
    if isinstance(value, list):
        return [_described(each, setting) for each in value]
    id = value.get("id") if isinstance(value, dict) else value
    file = (setting.files or {}).get(id) if isinstance(id, str) else None
    if file is None:
        return value
    known: dict[str, Json] = {"id": id, "name": file.name, "size": file.size, "type": file.type}
    return {**known, "scan": file.scan} if file.scan else known


def _taken(compiled: Compiled, sent: Mapping[str, Json]) -> Iterator[tuple[Node, Path, Json]]:
    """What was sent for fields, with where it goes; lists come before what is in their rows."""
    for node in compiled.nodes:
        yield from _of_node(node, (), cast("Json", sent))


def _of_node(node: Node, at: Path, sent: Json) -> Iterator[tuple[Node, Path, Json]]:
    """`at` is where the component stands; `sent` is all that was sent."""
    inner = (*at, *node.component.path)
    if node.value == "rows":
        rows = value_at(sent, inner)
        if not isinstance(rows, list):
            return
        if len(rows) > ROWS_MAX:
            raise BudgetExceeded(f"a list has {len(rows)} rows; the limit is {ROWS_MAX}")
        yield node, inner, rows
        for number in range(len(rows)):
            for child in node.children:
                yield from _of_node(child, (*inner, number), sent)
        return
    if node.is_field and node.compute is None:
        path = (*at, *node.component.key)
        around = value_at(sent, path[:-1])
        if isinstance(around, dict) and path[-1] in around:
            yield node, path, around[path[-1]]
    for child in node.children:
        yield from _of_node(child, inner, sent)


def _matching(held: Json, rows: Json) -> list[Json]:
    """As many rows as were sent, each with what the server had in it."""
    before = held if isinstance(held, list) else []
    given = len(rows) if isinstance(rows, list) else 0
    return [
        before[number] if number < len(before) and isinstance(before[number], dict) else {} for number in range(given)
    ]


def _kept(compiled: Compiled, data: Variables, held: Mapping[str, Json], rt: Runtime) -> tuple[Settled, Variables]:
    """The data in which every field that was ever read only or disabled has the server's value again."""
    kept: set[Path] = set()
    while True:
        settled = settle(compiled, data, rt, final=True)
        fresh = [each.path for each in settled.walk() if each.path not in kept and _is_kept(each, settled, rt)]
        if not fresh:
            return settled, data
        for path in fresh:
            kept.add(path)
            _restore(data, path, held)


def _is_kept(placed: Placed, settled: Settled, rt: Runtime) -> bool:
    if not placed.path or not placed.node.is_field or not placed.visible:
        return False
    return any(
        given(each, settled.data, placed.scope, rt) is True for each in (placed.node.readonly, placed.node.disabled)
    )


def _restore(data: Variables, path: Path, held: Mapping[str, Json]) -> None:
    around = value_at(cast("Json", held), path[:-1])
    if isinstance(around, dict) and path[-1] in around:
        put_at(data, path, copied(around[path[-1]]))
    else:
        remove_at(data, path)


def _contributed(settled: Settled, rt: Runtime) -> Variables:
    """The values of visible fields that are not disabled, at their places."""
    data: Variables = {}
    for each in settled.walk():
        if not each.visible or not each.path:
            continue
        if each.node.value == "rows":
            if isinstance(value_at(settled.data, each.path), list):
                put_at(data, each.path, [{} for _ in each.rows])
            continue
        around = value_at(settled.data, each.path[:-1])
        if not isinstance(around, dict) or each.path[-1] not in around:
            continue
        if given(each.node.disabled, settled.data, each.scope, rt) is not True:
            put_at(data, each.path, around[each.path[-1]])
    return data
