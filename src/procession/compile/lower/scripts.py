"""Scripts: the job that a script task is, and those that run before and after an element.

A script is code that is not pure, so it never runs in a step (docs/design/0015): what is drawn as a mapping in
JavaScript is a job of its own, as a listener's is, and its result a fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from procession.base import script_job as words
from procession.base.diagnostics import Span
from procession.compile.lower.lowering import RETRIES, Lowering, headers
from procession.ir.kinds import ListenerEvent
from procession.ir.program import JobSpec, Listener, Text
from procession.model.bpmn import Activity, FlowNode
from procession.model.extension import ScriptMapping

WHEN: Final[dict[str, ListenerEvent]] = {"before": ListenerEvent.START, "after": ListenerEvent.END}
"""What `when` of `procession:script` can say."""


def task_job(low: Lowering, drawn: Activity) -> JobSpec | None:
    """The job of a script task whose script is JavaScript or TypeScript; None for any other."""
    language = words.FORMATS.get(drawn.script_format.strip().lower())
    type_ = words.ENGINES.get(drawn.script_engine.strip())
    if language is None or type_ is None or drawn.script is None:
        return None
    spec = _job(low, drawn, (drawn.script, language, type_), drawn.result_variable.strip(), drawn.span)
    return JobSpec(spec.type, spec.retries, {**headers(drawn.extension.headers), **spec.headers})


def around(low: Lowering, node: FlowNode, drawn: Sequence[ScriptMapping]) -> tuple[Listener, ...]:
    """The scripts before and after an element, in their order. What cannot be run has been refused."""
    made: list[Listener] = []
    for each in drawn:
        language = words.FORMATS.get(each.format.strip().lower() or "javascript")
        type_ = words.ENGINES.get(each.engine.strip())
        event = WHEN.get(each.when)
        if event is not None and language is not None and type_ is not None:
            spec = _job(low, node, (each.body, language, type_), each.target.strip(), each.span)
            made.append(Listener(event, spec))
    return tuple(made)


def _job(low: Lowering, node: FlowNode, script: tuple[str, str, str], target: str, span: Span) -> JobSpec:
    source, language, type_ = script
    texts = {words.SOURCE: source, words.FORMAT: language}
    if target:
        texts[words.TARGET] = target
    if low.resolved.scripting is not None:
        read = low.resolved.scripting.read(source, language, node.id)
        for problem in read.problems:
            where = f"line {problem.line}, column {problem.column} of the script: " if problem.line else ""
            low.findings.report("script", node, f"{where}{problem.message}", problem.remedy, span=span)
        if read.modules:
            texts[words.MODULES] = read.modules
    return JobSpec(Text(type_), Text(RETRIES), texts)
