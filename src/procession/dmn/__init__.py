"""Decisions: tables, graphs and hit policies, on top of FEEL. Pure; it reads no files and no clock.

`compile_decisions` makes functions of a parsed document once; `CompiledDecisions.evaluate` runs them. XML is read by
`procession.parse`, and results become process variables by `procession.feel.to_json`: both are the caller's.
"""

from __future__ import annotations

from procession.dmn.compiler import compile_decisions
from procession.dmn.decisions import CompiledDecisions, DecisionInfo, ServiceInfo
from procession.dmn.errors import DecisionError

__all__ = ["CompiledDecisions", "DecisionError", "DecisionInfo", "ServiceInfo", "compile_decisions"]
