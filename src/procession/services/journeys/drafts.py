"""The draft of a task: what was answered before it is submitted, one value a path, each with the write that set it.

The last write to arrive wins, field by field, and says what it won over. No store, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json, Variables, encode
from procession.forms import Compiled, path_of
from procession.forms.compiled import Node
from procession.forms.scope import Path, copied, put_at
from procession.forms.settling import ROWS_MAX
from procession.forms.verdict import same

PATHS_MAX: Final = 5_000
"""Most paths of one draft."""
PATH_MAX: Final = 500
"""Longest path, in characters."""
BYTES_MAX: Final = 2_000_000
"""Largest draft, as JSON."""
DEVICES_MAX: Final = 20
"""Devices whose last answers are remembered; the one that wrote longest ago goes first."""
DEVICE_MAX: Final = 64
"""Longest name of a device, in characters."""


@final
class Clash(msgspec.Struct, frozen=True, gc=False):
    """A field that another device had changed since: what stood there from it, and what was sent and stands now."""

    path: str
    theirs: Json
    mine: Json


@final
class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An answer: its value, the number of the write, and the device."""

    value: Json
    number: int
    device: str


@final
class Told(msgspec.Struct, frozen=True):
    """What a device was told last: the write `seq` of its own count, the version that it made, and the clashes."""

    seq: int
    version: int
    conflicts: tuple[Clash, ...] = ()


@final
class Write(msgspec.Struct, frozen=True):
    """What a device sends: `base` is the version that it had seen, `seq` its own count (0: it does not count)."""

    sets: Mapping[str, Json]
    base: int = 0
    seq: int = 0
    device: str = ""


@final
class Draft(msgspec.Struct, frozen=True):
    """The draft of a task. `page` is where it was left."""

    expires: int
    version: int = 0
    entries: Mapping[str, Entry] = {}
    devices: Mapping[str, Told] = {}
    page: str = ""

    def sent(self) -> Variables:
        """The answers at their places, older ones first: a list that was set whole stands before what is in it."""
        data: Variables = {}
        for path, entry in sorted(self.entries.items(), key=lambda each: each[1].number):
            put_at(data, path_of(path), copied(entry.value))
        return data


def written(draft: Draft, write: Write, kept: Fields) -> tuple[Draft, Told]:
    """The draft after a write, and what its device is told. Raises `BadValue` for what is no answer to a form."""
    if len(write.device) > DEVICE_MAX:
        raise BadValue(f"the name of a device has at most {DEVICE_MAX} characters")
    before = draft.devices.get(write.device)
    if before is not None and write.seq and write.seq <= before.seq:
        return draft, before if write.seq == before.seq else Told(write.seq, draft.version)
    sets = {path: value for path, value in write.sets.items() if kept.takes(path)}
    number = draft.version + 1 if sets else draft.version
    clashes = tuple(_clashes(draft, write, sets))
    entries = {path: entry for path, entry in draft.entries.items() if not _covered(path, sets)}
    entries |= {path: Entry(value, number, write.device) for path, value in sets.items()}
    told = Told(write.seq, number, clashes)
    devices = {name: each for name, each in draft.devices.items() if name != write.device}
    if write.seq:
        devices[write.device] = told
    while len(devices) > DEVICES_MAX:
        del devices[next(iter(devices))]
    found = msgspec.structs.replace(draft, version=number, entries=entries, devices=devices)
    if len(entries) > PATHS_MAX or len(encode({path: entry.value for path, entry in entries.items()})) > BYTES_MAX:
        raise BadValue(f"the answers to a form are at most {PATHS_MAX} fields and {BYTES_MAX} bytes")
    return found, told


def _clashes(draft: Draft, write: Write, sets: Mapping[str, Json]) -> list[Clash]:
    found: list[Clash] = []
    for path, value in sets.items():
        there = draft.entries.get(path)
        newer = there is not None and there.number > write.base and there.device != write.device
        if there is not None and newer and not same(there.value, value):
            found.append(Clash(path, there.value, value))
    return found


def _covered(path: str, sets: Mapping[str, Json]) -> bool:
    """Whether an older answer stands in something that is set whole now."""
    return path in sets or any(path[: len(each)] == each and path[len(each)] in ".[" for each in sets if path != each)


@final
class Fields:
    """The fields of a form that a draft may hold: none that is not there, and none that is kept nowhere."""

    __slots__ = ("_fields", "whole")

    def __init__(self, compiled: Compiled) -> None:
        self._fields: set[tuple[str, ...]] = set()
        self.whole = compiled.form.extensions.get("drafts") is not False
        for node in compiled.nodes:
            self._add(node, (), self.whole)

    def _add(self, node: Node, at: tuple[str, ...], kept: bool) -> None:
        kept = kept and node.extensions.get("drafts") is not False
        inner = (*at, *node.component.path)
        if kept and node.value == "rows":
            self._fields.add(inner)
        elif kept and node.is_field and node.compute is None:
            self._fields.add((*at, *node.component.key))
        for child in node.children:
            self._add(child, inner, kept)

    def takes(self, path: str) -> bool:
        """Whether a draft keeps what stands at a path. Raises `BadValue` for what is no path."""
        return tuple(step for step in checked_path(path) if isinstance(step, str)) in self._fields


def checked_path(path: str) -> Path:
    """The steps of a path. Raises `BadValue` for what is none."""
    steps = path_of(path) if len(path) <= PATH_MAX else ()
    if not steps or not isinstance(steps[0], str):
        raise BadValue(f"{path[:80]!r} is no path of a field")
    if any(isinstance(step, int) and step >= ROWS_MAX for step in steps):
        raise BadValue(f"{path[:80]!r} names more rows than a list has")
    return steps
