"""Which parts of a form are seen for some data, and what its expressions compute: until nothing changes any more.

What is hidden counts as not there, also for the conditions of others, and what comes into sight again brings its value
back. Conditions that contradict each other have no such end; then what was hidden once stays so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, final

import msgspec

from procession.base.values import Json, Variables
from procession.feel import BudgetExceeded, Expression, Runtime, to_json
from procession.forms.compiled import Compiled, Given, Node
from procession.forms.scope import Path, Scope, copied, lookup, put_at, remove_at, value_at

ROUNDS_MAX: Final = 64
"""Most rounds in which conditions find their end."""
PLACED_MAX: Final = 20_000
"""Most components of one form on a page, those of all rows together."""
ROWS_MAX: Final = 1_000
"""Most rows of one dynamic list."""
CONDITION_STEPS: Final = 8
"""What asking a condition, or computing a value, costs of `STEPS_MAX` beside its own steps."""
STEPS_MAX: Final = 5_000_000
"""Most steps that all expressions of a form may take for one answer."""


@final
class Attached(msgspec.Struct, frozen=True, gc=False):
    """A file that the server has: its name, size in bytes and media type. `scan` is "" for one that may be used, else
    why it may not: `infected`, or `waiting` or `failed` while nobody found it clean."""

    name: str
    size: int
    type: str = ""
    scan: str = ""


@final
class Setting(msgspec.Struct, frozen=True, gc=False):
    """What a form is shown in. `now_ms` is Unix time; `sources` are the options of `optionsFrom`, by its name;
    `files` what the server has, by id: None where nobody knows, so what the value says of itself counts. `scanned`: it
    is sent now, so files that were not found clean yet are refused.
    """

    language: str = "en"
    now_ms: int = 0
    zone: str = "UTC"
    sources: Mapping[str, Sequence[Json]] = {}
    files: Mapping[str, Attached] | None = None
    scanned: bool = False

    def runtime(self) -> Runtime:
        """The clock and budget of one answer."""
        return Runtime(now_ms=self.now_ms, zone=self.zone, budget=STEPS_MAX)


@final
class Placed(msgspec.Struct, gc=False):
    """A component at one place of the data. `path` is where its value stands; `rows` those of a dynamic list."""

    node: Node
    scope: Scope
    path: Path
    visible: bool
    children: list[Placed]
    rows: list[list[Placed]]

    def walk(self) -> Iterator[Placed]:
        """It and all inside it."""
        yield self
        for each in self.children:
            yield from each.walk()
        for row in self.rows:
            for each in row:
                yield from each.walk()


@final
class Settled(msgspec.Struct, frozen=True, gc=False):
    """The end: what stands where, and the data as conditions see it, without what is hidden, with what is computed."""

    placed: tuple[Placed, ...]
    data: Variables
    rounds: int

    def walk(self) -> Iterator[Placed]:
        """Everything that is placed."""
        for each in self.placed:
            yield from each.walk()


NOW: Final = Setting()
"""A setting of nothing: English, UTC, the beginning of 1970."""
_Nodes: TypeAlias = "Sequence[Node]"


def settle(compiled: Compiled, data: Mapping[str, Json], rt: Runtime, *, final: bool = False) -> Settled:
    """What is seen for these data. `final` computes what is computed before submitting, too.

    Raises `BudgetExceeded` when the expressions, rows or components are more than one page bears.
    """
    original = _own(compiled, data)
    _prepare(compiled, original)
    while True:
        settled = _converged(compiled, original, rt, final)
        if settled is not None:
            return settled
        settled = _monotone(compiled, original, rt, final)
        # What is left may have an end of its own: who sends it again must get the same.
        left = _own(compiled, settled.data)
        _forget_computed(settled.placed, left)
        _forget_computed(settled.placed, original)
        if left == original:
            return settled
        original = left


def _converged(compiled: Compiled, original: Variables, rt: Runtime, final: bool) -> Settled | None:
    """The end, where there is one: each round begins with all values, so what is in sight again has its own."""
    current = original
    for number in range(ROUNDS_MAX):
        placed = _place(compiled.nodes, original, current, rt)
        following = _following(compiled, original, placed, rt, final=final, before=current)
        if following == current:
            return Settled(placed, following, number + 1)
        current = following
    return None


def _forget_computed(placed: Sequence[Placed], data: Variables) -> None:
    for each in _all(placed):
        if each.node.compute is not None:
            remove_at(data, each.path)


def evaluated(expression: Expression, data: Mapping[str, Json], scope: Scope, rt: Runtime) -> Json:
    """The value of an expression at a place of the data, as JSON."""
    return to_json(expression.function(lookup(data, scope), rt))


def given(value: Given | None, data: Mapping[str, Json], scope: Scope, rt: Runtime) -> Json:
    """The value of a property that may be an expression."""
    if value is None:
        return None
    return evaluated(value.expression, data, scope, rt) if value.expression is not None else value.value


def _own(compiled: Compiled, data: Mapping[str, Json]) -> Variables:
    """The data, of which that which the form may change is a copy."""
    heads = {
        (*node.component.path, *node.component.key)[0]
        for node in compiled.walk()
        if node.component.path or node.component.key
    }
    return {name: copied(value) if name in heads else value for name, value in data.items()}


def _prepare(compiled: Compiled, data: Variables) -> None:
    """Default values where there is none, and nothing where the form computes the value itself."""
    for placed in _all(_place(compiled.nodes, data, data, None)):
        node = placed.node
        if node.compute is not None and node.component.text("computeOn") != "presubmit":
            remove_at(data, placed.path)
        elif node.is_field and "defaultValue" in node.component.raw and not _has(data, placed.path):
            default = node.component.raw["defaultValue"]
            if default is not None:
                put_at(data, placed.path, copied(default))


def _has(data: Variables, path: Path) -> bool:
    around = value_at(data, path[:-1])
    return isinstance(around, dict) and path[-1] in around


def _following(
    compiled: Compiled,
    original: Variables,
    placed: tuple[Placed, ...],
    rt: Runtime,
    *,
    final: bool,
    before: Variables,
) -> Variables:
    """The data without what is hidden, and with what is computed."""
    data = _own(compiled, original)
    for each in _all(placed):
        if not each.visible and each.path:
            remove_at(data, each.path)
        elif each.visible and each.node.compute is not None and _has(before, each.path):
            # What is computed may stand behind what reads it.
            put_at(data, each.path, value_at(before, each.path))
    _compute(placed, data, rt, final)
    return data


def _compute(
    placed: tuple[Placed, ...], data: Variables, rt: Runtime, final: bool, gone: Collection[Path] = ()
) -> bool:
    """Puts what expressions compute where it belongs; whether that changed anything."""
    changed = False
    for each in _all(placed):
        node = each.node
        if each.visible and node.compute is not None and each.path not in gone:
            if node.component.text("computeOn") == "presubmit" and not final:
                continue
            there, old = _has(data, each.path), value_at(data, each.path)
            rt.charge(CONDITION_STEPS)
            # No value depends on itself.
            remove_at(data, each.path)
            value = evaluated(node.compute, data, each.scope, rt)
            changed = changed or not there or old != value
            put_at(data, each.path, value)
    return changed


def _monotone(compiled: Compiled, original: Variables, rt: Runtime, final: bool) -> Settled:
    """One condition after the other, and nothing comes back: each round but the last drops a value, so there is an end.

    Computed values alone may go on for ever; they are let be after as many rounds as there are components.
    """
    data = _own(compiled, original)
    rounds = ROUNDS_MAX
    gone: set[Path] = set()
    _compute(_place(compiled.nodes, data, data, None), data, rt, final)
    while True:
        rounds += 1
        placed = _place(compiled.nodes, data, data, None)
        dropped = _hide_in_order(placed, data, rt)
        # What is computed and hides itself would come back for ever.
        gone |= {each.path for each in _all(placed) if each.node.compute is not None and not each.visible}
        changed = _compute(placed, data, rt, final, gone)
        if not (dropped or changed) or rounds > 2 * ROUNDS_MAX + len(_all(placed)):
            return Settled(placed, data, rounds)


def _hide_in_order(placed: Sequence[Placed], data: Variables, rt: Runtime, shown: bool = True) -> bool:
    dropped = False
    for each in placed:
        each.visible = shown and not _hidden(each.node, data, each.scope, rt)
        if not each.visible and each.path and _has(data, each.path):
            remove_at(data, each.path)
            dropped = True
        for inner in (each.children, *each.rows):
            dropped = _hide_in_order(inner, data, rt, each.visible) or dropped
    return dropped


def _hidden(node: Node, data: Variables, scope: Scope, rt: Runtime) -> bool:
    if node.hide is None:
        return False
    # A condition without a loop costs nothing by itself, but a form may ask very many, very often.
    rt.charge(CONDITION_STEPS)
    return node.hide.function(lookup(data, scope), rt) is True


def _all(placed: Sequence[Placed]) -> list[Placed]:
    """Everything, in the order of the document: as a list, because what stands in it is changed meanwhile."""
    return [inner for each in placed for inner in each.walk()]


def _place(nodes: _Nodes, shape: Variables, seen: Variables, rt: Runtime | None) -> tuple[Placed, ...]:
    """The components over the rows of one set of data, their conditions asked of another; nobody asks without `rt`."""
    return tuple(_Placing(shape, seen, rt).nodes(nodes, Scope(), True))


@final
class _Placing:
    """One walk over the form."""

    __slots__ = ("_count", "_rt", "_seen", "_shape")

    def __init__(self, shape: Variables, seen: Variables, rt: Runtime | None) -> None:
        self._shape = shape
        self._seen = seen
        self._rt = rt
        self._count = 0

    def nodes(self, nodes: _Nodes, scope: Scope, shown: bool) -> list[Placed]:
        return [self._node(node, scope, shown) for node in nodes]

    def _node(self, node: Node, scope: Scope, shown: bool) -> Placed:
        self._count += 1
        if self._count > PLACED_MAX:
            raise BudgetExceeded(f"the form has more than {PLACED_MAX} components with those of all its rows")
        visible = shown and not self._hides(node, scope)
        path = (*scope.path, *node.component.key) if node.component.key else ()
        placed = Placed(node, scope, path, visible, [], [])
        inner = Scope((*scope.path, *node.component.path), scope.rows)
        if node.value == "rows":
            placed.path = inner.path
            for number in range(_row_count(node, value_at(self._shape, inner.path))):
                at = (*inner.path, number)
                placed.rows.append(self.nodes(node.children, Scope(at, (*scope.rows, at)), visible))
        else:
            placed.children = self.nodes(node.children, inner, visible)
        return placed

    def _hides(self, node: Node, scope: Scope) -> bool:
        return self._rt is not None and _hidden(node, self._seen, scope, self._rt)


def _row_count(node: Node, value: Json) -> int:
    if isinstance(value, list):
        if len(value) > ROWS_MAX:
            raise BudgetExceeded(f"a list has {len(value)} rows; the limit is {ROWS_MAX}")
        return len(value)
    default = node.component.raw.get("defaultRepetitions")
    if not node.component.flag("isRepeating", True) or not isinstance(default, int):
        return 1
    return min(default, ROWS_MAX)
