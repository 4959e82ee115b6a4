"""Instructions: what a modification does to an instance, one struct a kind. Data only (docs/design/0010).

Elements are named by their id in the model, or by the key of an element instance where one of several is meant.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from procession.base.values import Json


class Activate(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="activate", tag_field="do"):
    """Begin an element, with `variables` of its own. `ancestor` is the key of an active scope around it; the scopes
    between the two are then made anew. 0: in the scope that is active, missing ones are made."""

    element: str
    ancestor: int = 0
    variables: dict[str, Json] = {}


class Terminate(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="terminate", tag_field="do"):
    """End all instances of an element, or the one element instance `key`."""

    element: str = ""
    key: int = 0


class Move(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="move", tag_field="do"):
    """End each instance of `source` (or the element instance `key`) and begin `target` in its place."""

    source: str
    target: str
    key: int = 0
    variables: dict[str, Json] = {}


class SetLocal(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="set", tag_field="do"):
    """Set variables in the scope of an active element (id or key), or of the process ("" and 0)."""

    variables: dict[str, Json]
    element: str = ""
    key: int = 0


class PutToken(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="put", tag_field="do"):
    """Put a token on a sequence flow of an active scope; `ancestor` names the scope where several are active."""

    flow: str
    ancestor: int = 0


class TakeToken(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="take", tag_field="do"):
    """Take a token away that waits at a join, on this flow."""

    flow: str
    ancestor: int = 0


Instruction: TypeAlias = Activate | Terminate | Move | SetLocal | PutToken | TakeToken
