"""Documents to programs, in passes: resolve, check, lower, link. Each pass is a pure function."""

from __future__ import annotations

from procession.compile.compiler import check_definitions, compile_definitions
from procession.compile.expressions import LANGUAGES

__all__ = ["LANGUAGES", "check_definitions", "compile_definitions"]
