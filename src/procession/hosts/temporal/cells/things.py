"""What a cell is made of, as data: things with fields, wanted or found. The tables of kinds stand here."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, final

import msgspec

Kind: TypeAlias = Literal[
    "namespace", "search attribute", "task queue", "nexus endpoint", "schedule", "deployment", "dynamic config"
]
Value: TypeAlias = object
"""Plain data as JSON has it; numbers may be floats here, since servers keep such."""
Key: TypeAlias = tuple[Kind, str, str]
"""(kind, namespace or "", name)."""

ORDER: Final[tuple[Kind, ...]] = (
    "namespace",
    "search attribute",
    "task queue",
    "nexus endpoint",
    "schedule",
    "deployment",
    "dynamic config",
)
"""In which order things are made; they are removed the other way round."""
REMOVABLE_FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "task queue": (
        "activity.rps",
        "activity.fairness_key_rps",
        "activity.fairness_weights.",
        "workflow.fairness_weights.",
    ),
}
"""Fields that a thing need not have: found and not wanted, they are left unless removals are asked for. A name that
ends with a dot means all that begin so. Any other field that is not wanted is nobody's business."""
UNCHANGEABLE: Final[dict[tuple[Kind, str], str]] = {
    ("namespace", "global"): "a namespace is made global, or not: promote it by hand",
    ("search attribute", "type"): "a type stays: with --prune the attribute is removed and made anew, and what is"
    " indexed under it is lost",
    ("dynamic config", "value"): "no API sets it: write it into the server's dynamic config file"
    " (procession temporal plan --dynamic-config)",
}
"""Fields that cannot be changed where the thing is there already, and what to do instead."""
DESTRUCTIVE: Final[dict[Kind, str]] = {
    "namespace": "its history is gone",
    "search attribute": "what is indexed under it is gone",
    "nexus endpoint": "its callers fail",
    "schedule": "it fires no more",
}
"""What is lost with a thing of a kind."""
SHORTER: Final = ("namespace", "retention")
"""The one change of a field that loses something: histories that are older than the new retention."""


@final
class Thing(msgspec.Struct, frozen=True):
    """Something of a cell: wanted, with the fields that matter, or found, with all that can be seen."""

    kind: Kind
    namespace: str
    name: str
    fields: dict[str, Value]

    @property
    def key(self) -> Key:
        """What it is recognised by."""
        return self.kind, self.namespace, self.name


@final
class Found(msgspec.Struct, frozen=True):
    """What a cluster holds, as far as it was asked.

    `server` is its version. `refused` says of a kind, or of the beginning of a field (`task queue.activity.rps`), why
    this cluster cannot hold it. `limits` is how many search attributes of a type a namespace may have, empty without
    a limit. `removable` are the things that may go if nobody wants them: they carry the cell's mark, or are of a
    namespace that does; `held` says of one of them why it must not.
    """

    server: str
    things: dict[Key, Thing]
    refused: dict[str, str] = {}
    limits: dict[str, int] = {}
    removable: frozenset[Key] = frozenset()
    held: dict[Key, str] = {}
