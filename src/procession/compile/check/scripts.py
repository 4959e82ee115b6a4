"""Scripts: of script tasks, and those around an element. What stands in them is read while they are lowered."""

from __future__ import annotations

from procession.base.diagnostics import Span
from procession.base.script_job import ENGINES, FORMATS
from procession.compile.check.ends import ends_otherwise
from procession.compile.check.names import check_variable
from procession.compile.findings import Findings
from procession.compile.lower.scripts import WHEN
from procession.compile.resolve import Resolved
from procession.model.bpmn import Activity, FlowNode
from procession.model.extension import ScriptMapping


def check_script_task(resolved: Resolved, node: Activity, findings: Findings) -> None:
    """What does a script task: FEEL, a script of ours or of the host's, or a job."""
    extension = node.extension
    script = extension.script
    if script is not None:
        if extension.task_definition is not None:
            text = "the script task has a script and a job; it can do one of them"
            findings.report("implementation", node, text, "remove zeebe:script or zeebe:taskDefinition")
        if not script.expression.strip().removeprefix("="):
            findings.report("implementation", node, "the script is empty", "write it", span=script.span)
        if script.result_variable:
            check_variable(node, script.result_variable, findings, script.span)
    elif extension.task_definition is None:
        language = node.script_format.strip()
        if node.script is not None and language in resolved.scripts:
            return
        if node.script is not None and language.lower() in FORMATS:
            _drawn_script(node, node.script, node.script_engine, findings, node.span)
            if node.result_variable.strip():
                check_variable(node, node.result_variable, findings, node.span)
        elif node.script is not None:
            text = f"a script in {language or 'no named language'} is not executed"
            remedy = "write it in JavaScript and say so in scriptFormat, as FEEL in zeebe:script, or as a job"
            findings.report("element-type", node, text, remedy)
        else:
            text = "nobody does this scriptTask"
            findings.report("implementation", node, text, "give it a zeebe:script or a zeebe:taskDefinition")


def _drawn_script(node: FlowNode, source: str, engine: str, findings: Findings, span: Span) -> None:
    """A script of ours: it says something, and there is what is to run it."""
    if not source.strip():
        findings.report("script", node, "the script is empty", "write it", span=span)
    if engine.strip() not in ENGINES:
        known = " or ".join(name for name in ENGINES if name)
        findings.report("script", node, f"there is no engine {engine.strip()!r} for scripts", f"say {known}", span=span)


def check_scripts(node: FlowNode, scripts: tuple[ScriptMapping, ...], findings: Findings) -> None:
    """What `procession:script` says of an element, or of all instances of it."""
    for each in scripts:
        if each.when not in WHEN:
            text = f"a script runs before or after its element, not {each.when!r}" if each.when else "when does it run?"
            findings.report("script", node, text, 'say when="before" or when="after"', span=each.span)
        if each.format and each.format.strip().lower() not in FORMATS:
            text = f"a script in {each.format!r} is not executed"
            findings.report("script", node, text, "write it in JavaScript or TypeScript", span=each.span)
        if each.target.strip():
            check_variable(node, each.target, findings, each.span)
        if each.when == "after" and ends_otherwise(node):
            text = f"the script after this {node.kind} would never run"
            findings.report("script", node, text, "run it before, or at another element", span=each.span)
        _drawn_script(node, each.body, each.engine, findings, each.span)
