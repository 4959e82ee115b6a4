"""Following what happens: the entries of steps as they are stored, one after another. Reads only.

An entry tells the element that a fact is about, and only the facts before tell which that is. What they told is kept
for the instances that were heard of last; of others all is read once more.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Final, final

import msgspec

from procession.base.failure import NotFound, Unreadable
from procession.ir.kinds import Kind
from procession.services.histories import Entry, Known, entries_after, first_hash
from procession.services.reading import Reader

KNOWN_MAX: Final = 1_000
"""Instances of which something is kept."""


@final
class Heard(msgspec.Struct, frozen=True, gc=False):
    """What steps of an instance of a process say; `tasks` are the ids of the user tasks of its program."""

    process_id: str
    entries: list[Entry]
    tasks: frozenset[str] = frozenset()


@final
class Following:
    """One follower of one tenant. Belongs to whoever follows; never used by two threads at once."""

    __slots__ = ("_known", "_tasks", "_tenant")

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._known: OrderedDict[int, tuple[int, Known, str]] = OrderedDict()
        self._tasks: dict[str, frozenset[str]] = {}

    def entries(self, reader: Reader, instance: int, first: int, last: int) -> Heard:
        """What the steps of an instance from `first` to `last` say; nothing of steps that are no longer kept, or that
        this version cannot read."""
        seq, known, process_id = self._known.pop(instance, (0, None, ""))
        try:
            if known is None or seq >= first:
                seq, known = 0, None
                process_id = reader.instance(self._tenant, instance).process_id
            steps = reader.views.steps(self._tenant, instance, seq, last)
            if known is None:
                said = first_hash(fact for _, facts in steps for fact in facts)
                known = Known(said or reader.views.load(self._tenant, instance).state.program)
            found = entries_after(steps, known, partial(reader.views.program, self._tenant))
        except (NotFound, Unreadable):
            return Heard("", [])
        self._known[instance] = (last, known, process_id)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        tasks = self._tasks.get(known.program)
        if tasks is None:
            nodes = reader.views.program(self._tenant, known.program).nodes
            tasks = self._tasks[known.program] = frozenset(node.id for node in nodes if node.kind is Kind.USER_TASK)
        return Heard(process_id, [entry for entry in found if entry.seq >= first], tasks)
