"""Facts of called decisions."""

from __future__ import annotations

from procession.base.values import Json
from procession.core.fact import Fact


class DecisionEvaluated(Fact, frozen=True, array_like=True, gc=False, tag="decided"):
    """What a called decision did: of it and each decision that it required, in the order of their results, [id, name,
    inputs, output, tables, omitted].

    `inputs` are the values of its requirements by name. A table is [owner, hit policy, inputs, rules], an input
    [text, value], a rule [number, id]: one that matched, counted from 1. `omitted` names what was too large to be kept
    and stands there as null; `left_out` counts the decisions that were.
    """

    element: int
    decision: str
    evaluations: list[Json]
    left_out: int = 0


class DecisionFailed(Fact, frozen=True, array_like=True, gc=False, tag="undecided"):
    """What a called decision did that has no result; warnings and an incident of the same element follow.

    `evaluations` and `left_out` are as in `decided`; those that have no output come last and have null there. `failed`
    is the id of the decision in which it failed, '' if none was begun. `code` says why: `unique` or `any` (a hit
    policy), `assert`, `budget` (too many steps), `unknown-decision`, `document` (it cannot be read).
    """

    element: int
    decision: str
    evaluations: list[Json]
    left_out: int
    failed: str
    code: str
