"""What is under way while a process is lowered, and where a node will stand."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.compile.expressions import Expressions
from procession.compile.findings import Findings
from procession.compile.resolve import Resolved, ScopeView
from procession.ir.program import Ref
from procession.model.extension import Header

RETRIES: Final = "3"
"""How often a job is tried unless the model says otherwise."""


@final
class Lowering(msgspec.Struct, frozen=True):
    """The process that is lowered, its expressions so far, and where faults go."""

    resolved: Resolved
    expressions: Expressions
    findings: Findings


@final
class Place(msgspec.Struct, frozen=True):
    """Where a node will stand: its index, the index of its scope, and that scope as drawn."""

    index: Ref
    scope: Ref
    view: ScopeView


def headers(drawn: tuple[Header, ...]) -> dict[str, str]:
    """Task headers: literal texts for the worker."""
    return {each.key: each.value for each in drawn}
