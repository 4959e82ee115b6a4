"""A document to its programs: the passes in their order, for each process on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from procession.base.diagnostics import Diagnostic
from procession.compile.check import (
    ad_hoc,
    compensation,
    data,
    details,
    drawing,
    extensions,
    references,
    structure,
    support,
)
from procession.compile.expressions import LANGUAGES, Expressions, Languages
from procession.compile.findings import Findings
from procession.compile.global_tasks import called_in, process_of
from procession.compile.link import link
from procession.compile.lower.lowering import Lowering
from procession.compile.lower.parts import EXECUTION_EVENTS
from procession.compile.lower.process import Lowered, lower_process
from procession.compile.names import irregular_names
from procession.compile.resolve import Resolved, ScopeView, profile_of, resolve
from procession.compile.scripting import Scripting
from procession.feel.builtins import Dialect
from procession.ir.kinds import Binding
from procession.ir.program import Node, Program
from procession.model.bpmn import Definitions, Process

Rule: TypeAlias = Callable[[Resolved, ScopeView, Findings], None]

NO_SCRIPTS: Final[Mapping[str, str]] = MappingProxyType({})
RULES: Final[tuple[Rule, ...]] = (
    support.check_scope,
    data.check_scope,
    *structure.RULES,
    references.check_scope,
    details.check_scope,
    extensions.check_scope,
    compensation.check_scope,
    ad_hoc.check_scope,
)
"""Every rule sees every scope of a process."""


def compile_definitions(
    definitions: Definitions,
    *,
    strict: bool = False,
    languages: frozenset[str] = LANGUAGES,
    fallback_language: str = "",
    scripts: Mapping[str, str] = NO_SCRIPTS,
    scripting: Scripting | None = None,
    resources: frozenset[str] | None = None,
) -> tuple[list[Program], list[Diagnostic]]:
    """One program for each executable process, and all that was found; no program at all if an error was.

    `strict` makes warnings errors. `languages` are the expression languages that the host can run, and
    `fallback_language` is that of an expression that names none. `scripts` are the script formats that the host has a
    worker for, with the type of its jobs: the text travels in the header `script`. `scripting` reads scripts of
    JavaScript. `resources` are the ids of the processes and decisions deployed together with this document; None if
    that is not known.
    """
    known = _languages(definitions, languages, fallback_language, scripts, scripting)
    programs: list[Program] = []
    diagnostics = _document(definitions)
    for process in definitions.processes:
        if not process.is_executable:
            diagnostics += _drawn(definitions, process)
            continue
        findings = Findings(is_strict=strict)
        resolved, lowered, expressions = _lowered(definitions, process, known, findings)
        if resources is not None:
            _deployed_together(lowered, resources, findings)
        if not findings.has_error():
            programs.append(link(resolved, lowered, expressions))
        diagnostics += findings.in_order()
    tasks, found = _global_tasks(definitions, known, strict=strict)
    programs += tasks
    diagnostics += found
    if any(diagnostic.severity == "error" for diagnostic in diagnostics):
        return [], diagnostics
    return programs, diagnostics


def _global_tasks(
    definitions: Definitions, known: Languages, *, strict: bool
) -> tuple[list[Program], list[Diagnostic]]:
    """The programs of global tasks. One that nothing here calls may be a drawing: its errors are warnings then."""
    needed = called_in(definitions)
    programs: list[Program] = []
    diagnostics: list[Diagnostic] = []
    for task in definitions.global_tasks:
        findings = Findings(is_strict=strict)
        resolved, lowered, expressions = _lowered(definitions, process_of(task), known, findings)
        if not findings.has_error():
            programs.append(link(resolved, lowered, expressions))
        elif definitions.processes and task.id not in needed:
            findings = Findings(is_drawing=True)
            _lowered(definitions, process_of(task), known, findings)
        diagnostics += findings.in_order()
    return programs, diagnostics


def check_definitions(
    definitions: Definitions,
    *,
    strict: bool = False,
    languages: frozenset[str] = LANGUAGES,
    fallback_language: str = "",
    scripting: Scripting | None = None,
) -> list[Diagnostic]:
    """What `compile_definitions` would find, and of processes that are only drawn the same as warnings; and what is
    unsound about the flow of a process in which nothing else is wrong (`compile.soundness`)."""
    known = _languages(definitions, languages, fallback_language, scripting=scripting)
    diagnostics = _document(definitions)
    for process in definitions.processes:
        findings = Findings(is_drawing=not process.is_executable, is_strict=strict)
        resolved, lowered, expressions = _lowered(definitions, process, known, findings)
        if findings.is_runnable():
            _explored(resolved, lowered, expressions, findings)
        diagnostics += findings.in_order()
    return diagnostics + _global_tasks(definitions, known, strict=strict)[1]


def _explored(resolved: Resolved, lowered: Lowered, expressions: Expressions, findings: Findings) -> None:
    """What the flow of a process without errors can do. Only checking asks for it, deploying never loads it."""
    from procession.compile.soundness import check_soundness

    drawn = lowered.drawn
    check_soundness(link(resolved, lowered, expressions), lambda node: drawn[node.index] or resolved.process, findings)


def _languages(
    definitions: Definitions,
    known: frozenset[str],
    fallback: str,
    scripts: Mapping[str, str] = NO_SCRIPTS,
    scripting: Scripting | None = None,
) -> Languages:
    dialect: Dialect = "feel" if profile_of(definitions) == "standard" else "camunda"
    document = definitions.expression_language
    return Languages(
        known=known, fallback=fallback, document=document, dialect=dialect, scripts=scripts, scripting=scripting
    )


def _drawn(definitions: Definitions, process: Process) -> list[Diagnostic]:
    """A process that is only drawn, beside one that is executable: said, because nobody can start it."""
    findings = Findings()
    if any(each.is_executable for each in definitions.processes):
        text = f"the process {process.id!r} is drawn only, and is not deployed"
        findings.report("executable-process", process, text, severity="info")
    return findings.diagnostics


def _document(definitions: Definitions) -> list[Diagnostic]:
    """What is said of a whole document. A drawing alone is no fault: nothing of it can be started, and that is said."""
    findings = Findings()
    for unknown in definitions.unknown:
        text = f"<{unknown.tag}> has no effect: only processes are executed"
        findings.report("element-type", unknown, text, severity="info")
    if any(process.is_executable for process in definitions.processes) or (
        definitions.global_tasks and not definitions.processes
    ):
        return findings.diagnostics
    remedy = 'mark one with isExecutable="true"'
    if definitions.processes:
        text = "no process of the document is executable, so nothing of it can be started"
        findings.report("executable-process", definitions.processes[0], text, remedy, severity="warning")
    else:
        findings.report("executable-process", definitions, "the document has no process", remedy)
    return findings.diagnostics


def _lowered(
    definitions: Definitions, process: Process, languages: Languages, findings: Findings
) -> tuple[Resolved, Lowered, Expressions]:
    """All passes but the last: they run on faulty processes too, so that all faults are found at once."""
    resolved = resolve(definitions, process, languages.scripts, languages.scripting)
    support.check_process(resolved, findings)
    data.check_process(resolved, findings)
    drawing.check_process(resolved, findings)
    listeners = process.extension.execution_listeners
    details.check_listeners(process, ("execution", EXECUTION_EVENTS), listeners, findings)
    details.check_roles(process, process.resources, findings)
    extensions.check_foreign(process, process.extension, findings)
    for view in resolved.scopes:
        for rule in RULES:
            rule(resolved, view, findings)
    expressions = Expressions(findings, languages, irregular_names(resolved))
    return resolved, lower_process(Lowering(resolved, expressions, findings)), expressions


def _deployed_together(lowered: Lowered, resources: frozenset[str], findings: Findings) -> None:
    for node, drawn in zip(lowered.nodes, lowered.drawn, strict=True):
        called = _bound_to_deployment(node)
        if drawn is not None and called and called not in resources:
            text = f"{called!r} is bound to this deployment, but not a part of it"
            findings.report("called-element", drawn, text, "deploy both together, or bind to latest")


def _bound_to_deployment(node: Node) -> str:
    """The id of the process or decision that a node wants from its own deployment; '' for none."""
    call, decision = node.call, node.decision
    if call is not None and call.binding is Binding.DEPLOYMENT:
        return call.process.literal
    if decision is not None and decision.binding is Binding.DEPLOYMENT:
        return decision.decision.literal
    return ""
