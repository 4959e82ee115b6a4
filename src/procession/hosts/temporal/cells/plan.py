"""The difference between what a cell's file wants and what is there, as an ordered list of changes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias, cast, final

import msgspec

from procession.hosts.temporal.cells.cell import CellError
from procession.hosts.temporal.cells.things import (
    DESTRUCTIVE,
    ORDER,
    REMOVABLE_FIELDS,
    SHORTER,
    UNCHANGEABLE,
    Found,
    Key,
    Kind,
    Thing,
    Value,
)

Action: TypeAlias = Literal["create", "change", "remove"]


@final
class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `field` is "" for a whole thing; then `before` or `after` holds its fields.

    `by_hand` says why this program cannot make it and what to do, "" if it can. `loses` says what is lost with it, ""
    if nothing is.
    """

    action: Action
    kind: Kind
    namespace: str
    name: str
    field: str = ""
    before: Value = None
    after: Value = None
    by_hand: str = ""
    loses: str = ""

    @property
    def key(self) -> Key:
        """The thing that it is about."""
        return self.kind, self.namespace, self.name

    def __str__(self) -> str:
        where = f" of namespace {self.namespace}" if self.namespace else ""
        what = f"{self.action} {self.kind} {self.name}{where}"
        if self.field:
            what += f": {self.field} {_shown(self.before)} → {_shown(self.after)}"
        elif self.action == "create":
            shown = [f"{name} {_shown(value)}" for name, value in _fields(self.after)]
            what += f" ({', '.join(shown[:_FIELDS_SHOWN_MAX])}{', …' if shown[_FIELDS_SHOWN_MAX:] else ''})"
        notes = [f"by hand: {self.by_hand}"] if self.by_hand else []
        notes += [f"destructive: {self.loses}"] if self.loses else []
        return f"{what} [{'; '.join(notes)}]" if notes else what


def plan(wanted: Iterable[Thing], found: Found, *, prune: bool = False, force: bool = False) -> list[Change]:
    """The changes that make what is found what is wanted, in the order in which they can be made.

    With `prune` also removals; with `force` new versions of a deployment get work though no worker of theirs is known.
    Raises `CellError` if a namespace would hold more search attributes of a type than the cluster can.
    """
    things = list(wanted)
    _check_limits(things, found, prune)
    rank = {kind: place for place, kind in enumerate(ORDER)}
    made = [
        change
        for thing in sorted(things, key=lambda thing: rank[thing.kind])
        for change in _of_thing(thing, found, prune, force)
    ]
    if prune:
        removed = sorted(extras(things, found), key=lambda key: -rank[key[0]])
        # What is removed makes room: a namespace has few search attributes of a type.
        return [_removal(key, found) for key in removed] + made
    return made


def extras(wanted: Iterable[Thing], found: Found) -> list[Key]:
    """What the file once made, or what stands in its namespaces, and the file does not name."""
    named = {thing.key for thing in wanted}
    return sorted(key for key in found.removable if key not in named)


def _of_thing(thing: Thing, found: Found, prune: bool, force: bool) -> Iterator[Change]:
    there = found.things.get(thing.key)
    kind, namespace, name = thing.key
    if there is None and kind == "dynamic config":
        return  # this cluster does not show it: neither right nor wrong
    if there is None and kind == "task queue":
        there = Thing(kind, namespace, name, {})  # any queue is there as soon as it is named, without limits
    if there is None:
        refused = found.refused.get(kind, "") or _unknown_build(thing, None, force)
        after: Value = dict(thing.fields)
        yield Change(action="create", kind=kind, namespace=namespace, name=name, after=after, by_hand=refused)
        return
    for field, after in thing.fields.items():
        before = there.fields.get(field)
        if before == after:
            continue
        replaced = prune and (kind, field) == ("search attribute", "type")
        yield Change(
            action="change",
            kind=kind,
            namespace=namespace,
            name=name,
            field=field,
            before=before,
            after=after,
            by_hand="" if replaced else _by_hand(thing, there, field, found) or _unknown_build(thing, there, force),
            loses=DESTRUCTIVE[kind] if replaced else _lost(kind, field, before, after),
        )
    for field in _extra_fields(thing, there) if prune else ():
        yield Change(
            action="remove", kind=kind, namespace=namespace, name=name, field=field, before=there.fields[field]
        )


def _by_hand(thing: Thing, there: Thing, field: str, found: Found) -> str:
    told = UNCHANGEABLE.get((thing.kind, field), "")
    whole = found.refused.get(thing.kind, "")
    part = next((why for part, why in found.refused.items() if f"{thing.kind}.{field}".startswith(part)), "")
    return told or whole or part


def _unknown_build(thing: Thing, there: Thing | None, force: bool) -> str:
    """Why a deployment's versions cannot get work: nobody has seen a worker of one."""
    if thing.kind != "deployment" or force:
        return ""
    known = there.fields.get("builds") if there is not None else None
    named = [str(text).split(" at ")[0] for text in thing.fields.values() if text is not None]
    strange = [build for build in named if not isinstance(known, list) or build not in cast("list[Value]", known)]
    return f"no worker of {', '.join(strange)} has polled: start one, or use --force" if strange else ""


def _extra_fields(thing: Thing, there: Thing) -> list[str]:
    removable = REMOVABLE_FIELDS.get(thing.kind, ())
    return [
        field
        for field, value in there.fields.items()
        if value is not None and field not in thing.fields
        if any(field == each or (each.endswith(".") and field.startswith(each)) for each in removable)
    ]


def _removal(key: Key, found: Found) -> Change:
    kind, namespace, name = key
    return Change(
        action="remove",
        kind=kind,
        namespace=namespace,
        name=name,
        before=dict(found.things[key].fields),
        by_hand=found.held.get(key, ""),
        loses=DESTRUCTIVE[kind],
    )


def _lost(kind: Kind, field: str, before: Value, after: Value) -> str:
    """What a shorter retention loses."""
    if (kind, field) != SHORTER or not isinstance(before, str) or not isinstance(after, str):
        return ""
    shorter = float(after.split()[0]) < float(before.split()[0])
    return "closed histories older than this are gone" if shorter else ""


def _check_limits(wanted: list[Thing], found: Found, prune: bool) -> None:
    """Raises `CellError` if the attributes wanted, and those that stay, are too many for a namespace."""
    removed = set(extras(wanted, found)) if prune else set[Key]()
    types = {
        **{key: thing.fields["type"] for key, thing in found.things.items() if key[0] == "search attribute"},
        **{thing.key: thing.fields["type"] for thing in wanted if thing.kind == "search attribute"},
    }
    counted = Counter((key[1], str(type_)) for key, type_ in types.items() if key not in removed)
    for (namespace, type_), count in sorted(counted.items()):
        limit = found.limits.get(type_, count)
        if count > limit:
            of_type = sorted(key[2] for key, each in types.items() if key[1] == namespace and each == type_)
            raise CellError(
                f"namespace {namespace} would hold {count} search attributes of type {type_}, and this cluster's store"
                f" has room for {limit}: {', '.join(of_type)}. Leave some out, or remove what is there with --prune"
            )


def _fields(fields: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(fields, dict):
        yield from cast("dict[str, Value]", fields).items()


def _shown(value: Value) -> str:
    """A value in a line, a long one cut."""
    text = "nothing" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


_SHOWN_MAX: Final = 120
_FIELDS_SHOWN_MAX: Final = 4
