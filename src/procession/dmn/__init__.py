"""Decisions: tables, graphs and hit policies, on top of FEEL. Pure; but for `load`, it reads no files and no clock.

`load` and `Model` are what an application uses.

`compile_decisions` makes functions of a parsed document once; `CompiledDecisions.evaluate` runs them. XML is read by
`procession.parse`, and results become process variables by `procession.feel.to_json`: both are the caller's.
"""

from __future__ import annotations

from procession.dmn.audit import Evaluation, MatchedRule, TableEvaluation
from procession.dmn.compiler import compile_decisions
from procession.dmn.decisions import CompiledDecisions, DecisionInfo, ServiceInfo
from procession.dmn.errors import DecisionError
from procession.dmn.library import Explanation, Model, load
from procession.dmn.table_analysis import check_tables

__all__ = [
    "CompiledDecisions",
    "DecisionError",
    "DecisionInfo",
    "Evaluation",
    "Explanation",
    "MatchedRule",
    "Model",
    "ServiceInfo",
    "TableEvaluation",
    "check_tables",
    "compile_decisions",
    "load",
]
