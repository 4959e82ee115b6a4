"""Evaluating a deployed decision without an instance, and telling what each decision in it did. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import msgspec

from procession.base.failure import Failure
from procession.base.values import Json, Variables
from procession.runtime.link import refuse_failed_assertions
from procession.runtime.rows import DecisionRow
from procession.services.reading import Reader

if TYPE_CHECKING:
    from procession.dmn import CompiledDecisions, Evaluation


@final
class Rule(msgspec.Struct, frozen=True):
    """A rule that matched. `number` counts from 1."""

    number: int
    id: str


@final
class Did(msgspec.Struct, frozen=True):
    """What one decision did: the inputs and the rules of its tables, and its output (null if it failed)."""

    id: str
    name: str
    output: Json
    inputs: tuple[tuple[str, Json], ...] = ()
    rules: tuple[Rule, ...] = ()


@final
class Evaluated(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation of a decision. `document` is the id of the document that it stands in, `deployment` the key of
    that which brought it. `failed` names the decision that had no result, "" for none, and `failure` says why."""

    key: int
    id: str
    name: str
    version: int
    document: str
    deployment: int
    output: Json = None
    decisions: tuple[Did, ...] = ()
    failed: str = ""
    failure: str = ""


def evaluate(reader: Reader, tenant: str, variables: Variables, *, id: str = "", key: int = 0) -> Evaluated:
    """The result of a decision by key, or of the latest version of the decision `id`. Raises `NotFound`."""
    deployed = reader.deployed
    row = deployed.decision(tenant, key) if key else deployed.chosen_decision(tenant, id)
    return _evaluated(row, deployed.document(tenant, row), variables)


def _evaluated(row: DecisionRow, document: CompiledDecisions, variables: Variables) -> Evaluated:
    from procession import feel
    from procession.dmn import DecisionError
    from procession.dmn.audit import evaluations

    runtime = feel.Runtime()
    trail: list[object] = []
    runtime.trail = trail
    output: Json = None
    failure = ""
    try:
        value = document.evaluate(row.decision_id, lambda name: variables.get(name, feel.MISSING), runtime)
        output = feel.to_json(value)
        refuse_failed_assertions(runtime, 0, repr(row.decision_id), "decision")
    except Failure as found:
        failure = found.message
    except (DecisionError, feel.BudgetExceeded) as error:
        failure = str(error)
    told = evaluations(trail)
    failed = next((each.id for each in told if not (each.done and each.held)), row.decision_id) if failure else ""
    return Evaluated(
        key=row.key,
        id=row.decision_id,
        name=row.name,
        version=row.version,
        document=document.id,
        deployment=row.deployment,
        output=None if failure else output,
        decisions=tuple(_did(each) for each in told if each.id),
        failed=failed,
        failure=failure,
    )


def _did(decision: Evaluation) -> Did:
    tables = [table for table in decision.tables if table.owner == decision.id]
    return Did(
        decision.id,
        decision.name,
        _plain(decision.output),
        tuple((name, _plain(value)) for table in tables for name, value in table.inputs),
        tuple(Rule(rule.number, rule.id) for table in tables for rule in table.rules),
    )


def _plain(value: object) -> Json:
    """A FEEL value as JSON; null where that would be larger than a decision's budget."""
    from procession import feel

    try:
        return feel.to_json(value)
    except feel.BudgetExceeded:
        return None
