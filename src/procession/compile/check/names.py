"""Names of variables, wherever an element gives one."""

from __future__ import annotations

import re
from typing import Final

from procession.base.diagnostics import Span
from procession.compile.findings import Findings
from procession.feel.lexer import KEYWORDS, is_regular
from procession.model.bpmn import FlowNode

_NAME: Final = re.compile(r"[^\W\d][^`\x00-\x1f]*")


def check_variable(node: FlowNode, name: str, findings: Findings, span: Span) -> None:
    """The name of a variable: an expression must be able to use it."""
    name = name.strip()
    if is_regular(name):
        return
    if not _NAME.fullmatch(name) or name in KEYWORDS:
        text = f"no expression could use a variable of the name {name!r}"
        findings.report("variable-name", node, text, "use letters, digits and _, starting with a letter", span=span)
    else:
        text = f"the variable name {name!r} is more than one word"
        remedy = "use letters, digits and _, or write it in back-ticks"
        findings.report("variable-name", node, text, remedy, span=span, severity="warning")
