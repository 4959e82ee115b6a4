"""Decisions, evaluated without an instance."""

from __future__ import annotations

from collections.abc import Sequence

from procession.base.values import Json
from procession.services.evaluation import Did, Evaluated, evaluate
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
            matchedRules=_rules(each),
            evaluatedInputs=[
                pb.EvaluatedDecisionInput(inputName=name, inputValue=text_of(value)) for name, value in each.inputs
            ],
            tenantId=tenant,
        )
        for each in found.decisions
    ]


def _rules(decision: Did) -> list[pb.MatchedDecisionRule]:
    """The rules that matched. What each of them gave is told where the result says it: of one rule, or of a list."""
    outputs: list[Json] = [decision.output]
    if len(decision.rules) > 1:
        outputs = decision.output if isinstance(decision.output, list) else []
    found: list[pb.MatchedDecisionRule] = []
    for at, rule in enumerate(decision.rules):
        given: list[pb.EvaluatedDecisionOutput] = []
        if len(outputs) == len(decision.rules):
            given = [pb.EvaluatedDecisionOutput(outputName=decision.name, outputValue=text_of(outputs[at]))]
        found.append(pb.MatchedDecisionRule(ruleId=rule.id, ruleIndex=rule.number, evaluatedOutputs=given))
    return found
