"""FEEL, the expression language of DMN 1.5 (chapter 10): compiled to Python functions, with exact decimals.

What the other rooms use is re-exported here. FEEL knows no process and no decision table; it imports `base` only.
"""

from __future__ import annotations

from procession.feel.builtins import Dialect, describe
from procession.feel.compiler import Expression, compile_expression, compile_unary_tests
from procession.feel.errors import BudgetExceeded, FeelSyntaxError, Note
from procession.feel.hints import hint
from procession.feel.library import (
    Outcome,
    builtin_names,
    compile,
    evaluate,
    evaluate_full,
    pointed,
    unary_tests,
)
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
    "Outcome",
    "Range",
    "Runtime",
    "Time",
    "YearsMonthsDuration",
    "builtin_names",
    "compile",
    "compile_expression",
    "compile_unary_tests",
    "describe",
    "evaluate",
    "evaluate_full",
    "hint",
    "pointed",
    "string",
    "to_json",
    "unary_tests",
    "unparse",
]
