"""The shape that Celery gives a canvas before it runs: nested chains and groups are one, a group of one is no group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

import msgspec

from procession.convert.canvas.tree import NO_EXTRAS, Call, Chain, Chord, Each, Given, Group, Map, Node, Unread

_NAMES: Final = {"chain": "chain", "group": "group", "chord": "chord", "unread": "canvas"}


def name_of(node: Node) -> str:
    """What a node is called in ids and in the report: by its task where it has one."""
    match node:
        case Call() | Map():
            return node.task.rpartition(".")[2] or node.task
        case Each():
            return f"each_{node.name}"
        case _:
            return _NAMES[str(node.__struct_config__.tag)]


def expanded(node: Node, *, frozen: bool = False) -> Node:
    """The tree as Celery runs it. `frozen`: it is a part of another one, where groups in groups stand backwards."""
    match node:
        case Chain():
            steps = tuple(_steps(node))
            if len(steps) == 1 and node.extras == NO_EXTRAS:
                return expanded(steps[0], frozen=True)
            return msgspec.structs.replace(node, steps=tuple(expanded(step, frozen=True) for step in steps))
        case Group():
            group = _group(node, frozen=frozen)
            # Celery gives the results of one member alone that ends in a group as if they were the group's own.
            plain = not frozen and group.extras == NO_EXTRAS
            alone = plain and len(group.members) == 1 and ends_in_group(group.members[0])
            return group.members[0] if alone else group
        case Chord():
            return msgspec.structs.replace(
                node, header=_group(node.header, frozen=True), body=expanded(node.body, frozen=True)
            )
        case Each():
            return msgspec.structs.replace(node, member=expanded(node.member, frozen=True))
        case Call() | Map() | Unread():
            return node
        case _:
            assert_never(node)


def _group(node: Group, *, frozen: bool) -> Group:
    members = tuple(expanded(member, frozen=True) for member in _members(node, frozen=frozen))
    return msgspec.structs.replace(node, members=members)


def ends_in_group(node: Node) -> bool:
    """Whether the result of a node is that of a group at its end."""
    match node:
        case Group():
            return True
        case Chain():
            return bool(node.steps) and ends_in_group(node.steps[-1])
        case Chord():
            return ends_in_group(node.body)
        case _:
            return False


def _steps(chain: Chain) -> Iterator[Node]:
    """Steps of a chain in a chain are its own; a group of one is that one; a group of none is nothing."""
    flat = list(_flat(chain))
    for step in flat:
        if isinstance(step, Group) and len(step.members) == 1 and not isinstance(step.members[0], Each):
            yield from _steps(Chain((step.members[0],)))
        elif not isinstance(step, Group) or step.members or len(flat) == 1:
            yield step


def _flat(chain: Chain) -> Iterator[Node]:
    for step in chain.steps:
        if isinstance(step, Chain) and step.extras == NO_EXTRAS:
            yield from _flat(step)
        else:
            yield step


def _members(group: Group, *, frozen: bool) -> Iterator[Node]:
    for member in group.members:
        if isinstance(member, Group):
            yield from _laid_out(member, backwards=frozen)
        elif not isinstance(member, Chain) or member.steps:
            yield member


def _laid_out(group: Group, *, backwards: bool) -> Iterator[Node]:
    for member in reversed(group.members) if backwards else group.members:
        if isinstance(member, Group):
            yield from _laid_out(member, backwards=backwards)
        elif not isinstance(member, Chain) or member.steps:
            yield member


def variables_in(node: Node) -> Iterator[str]:
    """All variables that the arguments in a tree read, and those of its loops."""
    for link in node.extras.links:
        yield from variables_in(link)
    match node:
        case Call():
            for argument in (*node.args, *node.kwargs.values()):
                yield from argument.reads if isinstance(argument, Given) else ()
        case Chain():
            for step in node.steps:
                yield from variables_in(step)
        case Group():
            for member in node.members:
                yield from variables_in(member)
        case Chord():
            yield from variables_in(node.header)
            yield from variables_in(node.body)
        case Each():
            yield node.name
            yield from node.items.reads if isinstance(node.items, Given) else ()
            yield from variables_in(node.member)
        case Map():
            yield from node.items.reads if isinstance(node.items, Given) else ()
        case Unread():
            return
        case _:
            assert_never(node)
