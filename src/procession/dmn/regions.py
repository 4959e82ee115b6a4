"""Rules as boxes of segments: what no box covers, which boxes meet, and which lie in others. Sets are bits of an int.

Pure arithmetic: neither FEEL nor documents are known here. All work is counted, and ends with `TooMuch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, final

STEPS_MAX: Final = 200_000
"""Parts of a table that one question looks at before it is given up."""

Box: TypeAlias = tuple[int, ...]
"""Of each column, the set of segments in which a rule matches."""


@final
class TooMuch(Exception):
    """A question that needs more than `STEPS_MAX`."""


@final
class Space:
    """All values of a table's inputs: how many segments each column has, and how much may still be looked at."""

    __slots__ = ("_left", "widths")

    def __init__(self, widths: Sequence[int]) -> None:
        self.widths = tuple(widths)
        self._left = STEPS_MAX

    @property
    def whole(self) -> Box:
        """Everything."""
        return tuple([(1 << width) - 1 for width in self.widths])

    def outside(self, boxes: Sequence[Box], inside: Box) -> Iterator[tuple[int, ...]]:
        """Places (a segment of each column) of a box that none of the boxes covers, each in another part."""
        columns = [self._parts(boxes, column, inside[column]) for column in range(len(self.widths))]
        # Of each column, the boxes that cover all that is asked for from there on.
        rest = [(1 << len(boxes)) - 1]
        for column in reversed(range(len(self.widths))):
            full = _set(i for i, box in enumerate(boxes) if box[column] & inside[column] == inside[column])
            rest.append(rest[-1] & full)
        rest.reverse()
        if all(inside):
            yield from self._search(columns, rest, (1 << len(boxes)) - 1)

    def _search(self, columns: list[dict[int, int]], rest: list[int], everything: int) -> Iterator[tuple[int, ...]]:
        seen: set[tuple[int, int]] = set()
        waiting: list[tuple[int, int, tuple[int, ...]]] = [(0, everything, ())]
        while waiting:
            column, active, path = waiting.pop()
            if active & rest[column] or (column, active) in seen:
                continue
            seen.add((column, active))
            self._step()
            if not active:
                yield (*path, *(min(parts.values()) for parts in columns[column:]))
                continue
            parts = columns[column]
            waiting += [(column + 1, active & covering, (*path, at)) for covering, at in reversed(parts.items())]

    def _parts(self, boxes: Sequence[Box], column: int, inside: int) -> dict[int, int]:
        """The segments of a column by the set of boxes that cover them: one segment for each such set."""
        found: dict[int, int] = {}
        covering = self._covering(boxes, column)
        for at in _bits(inside):
            found.setdefault(covering[at], at)
        return found

    def meetings(self, boxes: Sequence[Box]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """(i, j, place) of each two boxes that meet, i < j, with a place in both."""
        columns = [self._covering(boxes, column) for column in range(len(self.widths))]
        for i, box in enumerate(boxes):
            others = (1 << i) - 1
            for column, covering in enumerate(columns):
                self._step()
                reached = 0
                for at in _bits(box[column]):
                    reached |= covering[at]
                others &= reached
            for j in _bits(others):
                self._step()
                yield j, i, tuple([_lowest(a & b) for a, b in zip(boxes[j], box, strict=True)])

    def _covering(self, boxes: Sequence[Box], column: int) -> list[int]:
        """Of each segment, the boxes that cover it."""
        whole = self.whole[column]
        everywhere = _set(i for i, box in enumerate(boxes) if box[column] == whole)
        found = [everywhere] * self.widths[column]
        for i, box in enumerate(boxes):
            if box[column] != whole:
                for at in _bits(box[column]):
                    found[at] |= 1 << i
        return found

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooMuch


def _bits(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _set(members: Iterator[int]) -> int:
    found = 0
    for member in members:
        found |= 1 << member
    return found
