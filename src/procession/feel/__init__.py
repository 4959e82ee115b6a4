"""FEEL, the expression language of DMN 1.5 (chapter 10): compiled to Python functions, with exact decimals.

What the other rooms use is re-exported here. FEEL knows no process and no decision table; it imports `base` only.
"""

from __future__ import annotations

from procession.feel.builtins import Dialect
from procession.feel.compiler import Expression, compile_expression, compile_unary_tests, evaluate
from procession.feel.errors import BudgetExceeded, FeelSyntaxError, Note
from procession.feel.hints import hint
from procession.feel.runtime import MISSING, Lookup, Runtime
from procession.feel.temporal import Date, DateTime, DaysTimeDuration, Time, YearsMonthsDuration
from procession.feel.unparse import unparse
from procession.feel.values import Function, Range, string, to_json

__all__ = [
    "MISSING",
    "BudgetExceeded",
    "Date",
    "DateTime",
    "DaysTimeDuration",
    "Dialect",
    "Expression",
    "FeelSyntaxError",
    "Function",
    "Lookup",
    "Note",
    "Range",
    "Runtime",
    "Time",
    "YearsMonthsDuration",
    "compile_expression",
    "compile_unary_tests",
    "evaluate",
    "hint",
    "string",
    "to_json",
    "unparse",
]
