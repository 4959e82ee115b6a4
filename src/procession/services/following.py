"""Following what happens: the entries of steps as they are stored, one after another. Reads only.

An entry tells the element that a fact is about, and only the facts before tell which that is. What they told is kept
for the instances that were heard of last; of others all is read once more.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Final, final

from procession.base.failure import NotFound, Unreadable
from procession.services.histories import Entry, Known, entries_after, first_hash
from procession.services.reading import Reader

KNOWN_MAX: Final = 1_000
"""Instances of which something is kept."""


@final
class Following:
    """One follower of one tenant. Belongs to whoever follows; never used by two threads at once."""

    __slots__ = ("_known", "_tenant")

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._known: OrderedDict[int, tuple[int, Known, str]] = OrderedDict()

    def entries(self, reader: Reader, instance: int, first: int, last: int) -> tuple[str, list[Entry]]:
        """The process id of an instance, and what its steps from `first` to `last` say; nothing of steps that are no
        longer kept, or that this version cannot read."""
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
            return "", []
        self._known[instance] = (last, known, process_id)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return process_id, [entry for entry in found if entry.seq >= first]
