"""Canvases as data: what an import of a module and a reading of its text have in common. Data only.

The shape is Celery's own (`celery.canvas`), but arguments are FEEL already.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

Kind: TypeAlias = Literal["positional-only", "plain", "keyword-only", "var-positional", "var-keyword"]


@final
class Given(msgspec.Struct, frozen=True, tag="given"):
    """A value, as FEEL; `reads` are the variables in it, `note` is what differs from Python's."""

    feel: str
    reads: tuple[str, ...] = ()
    note: str = ""


@final
class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """A value that FEEL has no words for, and why."""

    reason: str


Argument: TypeAlias = Given | Unknown


@final
class Wait(msgspec.Struct, frozen=True):
    """A pause: `countdown` as a duration, `eta` as a date; `text` is ISO 8601, or FEEL after an equals sign."""

    kind: Literal["timeDuration", "timeDate"]
    text: str


@final
class Extras(msgspec.Struct, frozen=True):
    """What a signature says beside its task: a pause, callbacks, and other options by name, their values as text."""

    options: dict[str, str] = {}
    wait: Wait | None = None
    links: tuple[Node, ...] = ()


NO_EXTRAS = Extras()


@final
class Call(msgspec.Struct, frozen=True, tag="call"):
    """One task with its arguments. What came before is put before `args`, unless it is immutable."""

    task: str
    args: tuple[Argument, ...] = ()
    kwargs: dict[str, Argument] = {}
    immutable: bool = False
    extras: Extras = NO_EXTRAS


@final
class Chain(msgspec.Struct, frozen=True, tag="chain"):
    """One step after the other, each with the result of the one before."""

    steps: tuple[Node, ...]
    extras: Extras = NO_EXTRAS


@final
class Group(msgspec.Struct, frozen=True, tag="group"):
    """All members at the same time; the result is the list of theirs."""

    members: tuple[Node, ...]
    extras: Extras = NO_EXTRAS


@final
class Chord(msgspec.Struct, frozen=True, tag="chord"):
    """A group, and what follows it with the list of its results."""

    header: Group
    body: Node
    extras: Extras = NO_EXTRAS


@final
class Map(msgspec.Struct, frozen=True, tag="map"):
    """A task for each item, one after the other; `width` of a starmap is how many arguments an item holds, where known,
    and None for a plain map."""

    task: str
    items: Argument
    width: int | None = None
    star: bool = False
    extras: Extras = NO_EXTRAS


@final
class Each(msgspec.Struct, frozen=True, tag="each"):
    """Members of a group by a comprehension: one for each item, which is the variable `name`."""

    name: str
    items: Argument
    member: Node
    extras: Extras = NO_EXTRAS


@final
class Unread(msgspec.Struct, frozen=True, tag="unread"):
    """A part of a canvas that cannot be read, and why."""

    reason: str
    extras: Extras = NO_EXTRAS


Node: TypeAlias = Call | Chain | Group | Chord | Map | Each | Unread


@final
class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a task's function, without `self` of a bound one."""

    name: str
    kind: Kind = "plain"
    required: bool = True


@final
class Task(msgspec.Struct, frozen=True):
    """A Celery task: its parameters, and the options that differ from Celery's defaults, with their values as text.

    `replaces` says that its code puts another signature in its place."""

    name: str
    parameters: tuple[Parameter, ...]
    options: dict[str, str] = {}
    replaces: bool = False


@final
class Schedule(msgspec.Struct, frozen=True):
    """When Celery's beat sends it: a cycle of a timer, or why there is none. `zone` is the time zone of its clock."""

    cycle: str
    value: str
    problem: str = ""
    zone: str = ""


@final
class Canvas(msgspec.Struct, frozen=True):
    """A canvas with a name. `parameters` are those of the function that builds it: variables of the process.

    `line` counts from 1 and is 0 where it was imported; `notes` tell what somebody has to see to."""

    name: str
    tree: Node
    line: int = 0
    parameters: tuple[str, ...] = ()
    schedule: Schedule | None = None
    notes: tuple[str, ...] = ()


@final
class Scanned(msgspec.Struct, frozen=True):
    """What is in a module. `names` are tasks by the names that its code has for them.

    `problem` says why it could not be imported, '' where it was; `notes` are of no canvas that could be read."""

    canvases: tuple[Canvas, ...] = ()
    tasks: tuple[Task, ...] = ()
    names: dict[str, str] = {}
    problem: str = ""
    notes: tuple[tuple[str, int, str], ...] = ()
    """(the function, its line, what is the matter)"""
