"""Decisions, evaluated without an instance."""

from __future__ import annotations

from collections.abc import Sequence

from procession.services.evaluation import Evaluated, evaluate
from procession.web.zeebe import gateway_pb2 as pb
from procession.web.zeebe.calls import Call, text_of, variables_in
from procession.web.zeebe.statuses import invalid


async def evaluate_decision(call: Call, request: pb.EvaluateDecisionRequest) -> pb.EvaluateDecisionResponse:
    """The result of a decision, by key or of the latest version by id. One that fails is an answer, too."""
    caller = await call.caller(request.tenantId)
    caller.need("decisions:evaluate")
    key, id = max(0, request.decisionKey), request.decisionId
    if not key and not id:
        raise invalid("a decision is named by a decisionKey or a decisionId")
    variables = variables_in(request.variables)
    found = await call.read(caller, lambda reader: evaluate(reader, caller.tenant, variables, id=id, key=key))
    return pb.EvaluateDecisionResponse(
        decisionKey=found.key,
        decisionId=found.id,
        decisionName=found.name,
        decisionVersion=found.version,
        decisionRequirementsId=found.document,
        decisionRequirementsKey=found.deployment,
        decisionOutput=text_of(found.output),
        evaluatedDecisions=_told(found, caller.tenant),
        failedDecisionId=found.failed,
        failureMessage=found.failure,
        tenantId=caller.tenant,
    )


def _told(found: Evaluated, tenant: str) -> Sequence[pb.EvaluatedDecision]:
    return [
        pb.EvaluatedDecision(
            decisionKey=found.key if each.id == found.id else 0,
            decisionId=each.id,
            decisionName=each.name,
            decisionVersion=found.version,
            decisionType="DECISION_TABLE" if each.rules or each.inputs else "LITERAL_EXPRESSION",
            decisionOutput=text_of(each.output),
            matchedRules=[pb.MatchedDecisionRule(ruleId=rule.id, ruleIndex=rule.number) for rule in each.rules],
            evaluatedInputs=[
                pb.EvaluatedDecisionInput(inputName=name, inputValue=text_of(value)) for name, value in each.inputs
            ],
            tenantId=tenant,
        )
        for each in found.decisions
    ]
