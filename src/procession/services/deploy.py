"""Deploying: documents become versions, programs and start subscriptions, all rows of one commit.

Everything is checked before the first row: a deployment is taken whole or refused with its diagnostics.
What must not live here: how the rows are stored, and who may deploy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, final

import msgspec

from procession.base.diagnostics import Diagnostic, Refused, Span
from procession.base.failure import Failure, NotFound
from procession.base.script_job import MODULES
from procession.compile.scripting import Scripting
from procession.core.linked import Linked
from procession.core.timers import first_due
from procession.ir.kinds import Binding
from procession.ir.program import (
    ConditionalTrigger,
    MessageTrigger,
    Program,
    SignalTrigger,
    Text,
    TimerTrigger,
    hash_of,
    jobs_of,
    to_bytes,
)
from procession.runtime import codec
from procession.runtime.decisions import ReadDecisions, read_together
from procession.runtime.link import link
from procession.runtime.ports import Batch
from procession.runtime.requests import DeployResources
from procession.runtime.rows import CONDITION_START, MESSAGE_START, SIGNAL_START, DecisionRow, DefinitionRow
from procession.services.catalog import Catalog
from procession.services.deploy_forms import (
    DeployedForm,
    FormDraft,
    form_drafts,
    form_version,
    is_form,
    known_form,
    missing_forms,
    same_form,
)
from procession.services.modules import FindModule, nobody
from procession.services.scripting import module_name, reader_of

RESOURCE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Largest document."""

NewKey: TypeAlias = Callable[[], int]


@final
class Deployed(msgspec.Struct, frozen=True, gc=False):
    """One process of a deployment. `new` is False when this very version was there already."""

    key: int
    process_id: str
    version: int
    name: str = ""
    new: bool = True


@final
class DeployedDecision(msgspec.Struct, frozen=True, gc=False):
    """One decision of a deployment. `new` is False when this very version was there already."""

    key: int
    decision_id: str
    version: int
    name: str = ""
    new: bool = True


@final
class Deployment(msgspec.Struct, frozen=True, gc=False):
    """What a deployment made. `key` is 0 when nothing was new. `diagnostics` are warnings."""

    key: int
    processes: tuple[Deployed, ...]
    decisions: tuple[DeployedDecision, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    forms: tuple[DeployedForm, ...] = ()


@final
class Draft(msgspec.Struct, frozen=True, gc=False):
    """A compiled process and the document that it came from."""

    program: Program
    resource: str
    digest: str


@final
class DecisionDraft(msgspec.Struct, frozen=True, gc=False):
    """A decision and the document that it is in. `hash` is that of `program`, what instances decide by.

    The program holds the documents that are imported too, so that a change of one of them is a new version.
    """

    id: str
    name: str
    version_tag: str
    resource: str
    digest: str
    hash: str
    program: bytes


@final
class Compiled(msgspec.Struct, frozen=True, gc=False):
    """What documents hold, and what was found in them (no errors)."""

    resources: tuple[tuple[str, bytes], ...]
    processes: tuple[Draft, ...]
    decisions: tuple[DecisionDraft, ...]
    findings: tuple[Diagnostic, ...]
    forms: tuple[FormDraft, ...] = ()


@final
class InstallCompiled(msgspec.Struct, frozen=True, gc=False):
    """`DeployResources` whose documents were compiled already, by the caller and without anybody waiting."""

    tenant: str
    compiled: Compiled
    name: str = ""

    def as_documents(self) -> DeployResources:
        """What is sent to another process."""
        return DeployResources(self.tenant, list(self.compiled.resources), self.name)


@final
class Desk:
    """Where a deployment writes: the catalog that learns of it, the rows, the source of keys, and the time (ms)."""

    __slots__ = ("at", "batch", "catalog", "new_key", "zone")

    def __init__(self, catalog: Catalog, batch: Batch, new_key: NewKey, *, at: int, zone: str) -> None:
        self.catalog = catalog
        self.batch = batch
        self.new_key = new_key
        self.at = at
        self.zone = zone


def compile_resources(resources: Sequence[tuple[str, bytes]], modules: FindModule = nobody) -> Compiled:
    """What is in documents. Modules of scripts among them (`.js`, `.mjs`, `.ts`) are what those scripts may import,
    then `modules`, the tenant's library. Raises `Refused` with all findings when any of them is an error.
    """
    processes: list[Draft] = []
    decisions: list[DecisionDraft] = []
    forms: list[FormDraft] = []
    found: list[Diagnostic] = []
    resources = _distinct(resources, found)
    libraries: list[str] = []
    scripting = reader_of(resources, modules)
    read = iter(read_together([each for each in resources if _is_dmn(each[0]) and len(each[1]) <= RESOURCE_BYTES_MAX]))
    for name, data in resources:
        if len(data) > RESOURCE_BYTES_MAX:
            found.append(_too_large(name, len(data)))
        elif module_name(name):
            libraries.append(name)
            found.extend(scripting.check(name))
        elif _is_dmn(name):
            decisions.extend(_decisions(name, data, next(read), found))
        elif is_form(name):
            forms.extend(form_drafts(name, data, scripting, found))
        else:
            processes.extend(_processes(name, data, scripting, found))
    found.extend(_twice([(draft.program.process_id, draft.resource, draft.digest) for draft in processes], "process"))
    found.extend(_twice([(draft.id, draft.resource, draft.digest) for draft in decisions], "decision"))
    found.extend(_twice([(draft.id, draft.resource, draft.digest) for draft in forms], "form"))
    found.extend(missing_forms([(draft.resource, draft.program) for draft in processes], forms))
    if not (processes or decisions or forms or libraries or found):
        text = "no executable process, decision, form or module in what was given"
        remedy = 'mark a process with isExecutable="true"'
        found.append(Diagnostic(rule="no-process", message=text, remedy=remedy))
    if any(each.severity == "error" for each in found):
        raise Refused(found)
    return Compiled(tuple(resources), tuple(processes), tuple(decisions), tuple(found), tuple(forms))


def _processes(name: str, data: bytes, scripting: Scripting, found: list[Diagnostic]) -> list[Draft]:
    from procession.compile import compile_definitions
    from procession.parse import parse_bpmn

    definitions, diagnostics = parse_bpmn(data, name)
    found.extend(diagnostics)
    if definitions is None:
        return []
    programs, diagnostics = compile_definitions(definitions, scripting=scripting)
    found.extend(diagnostics)
    return [Draft(program, name, definitions.digest) for program in programs]


def _is_dmn(name: str) -> bool:
    return name.lower().endswith(".dmn")


def _decisions(name: str, data: bytes, read: ReadDecisions, found: list[Diagnostic]) -> list[DecisionDraft]:
    found.extend(read.found)
    program = read.program
    if len(program) > RESOURCE_BYTES_MAX:
        found.append(_too_large(name, len(program), "the document with what it imports"))
    if read.decisions is None:
        return []
    digest = read.decisions.digest
    hash = digest if program is data else hash_of(program)
    infos = read.decisions.decisions.values()
    return [DecisionDraft(d.id, d.name, d.version_tag, name, digest, hash, program) for d in infos]


def install(desk: Desk, tenant_name: str, compiled: Compiled, name: str = "") -> Deployment:
    """Writes the rows of compiled documents. What is the latest version already stays, and is named so.

    Raises `Refused` when a start event's expression fails, before the first row.
    """
    tenant = tenant_in(desk, tenant_name)
    # By digest: two documents of one deployment may have the same name, in different folders.
    fresh = {draft.digest for draft in compiled.processes if _known(desk, tenant, draft) is None}
    fresh |= {draft.digest for draft in compiled.decisions if _known_decision(desk, tenant, draft) is None}
    fresh |= {draft.digest for draft in compiled.forms if known_form(desk.catalog, tenant, draft) is None}
    if fresh and any(_bound_to_deployment(draft.program) for draft in compiled.processes):
        # What is called by deployment must be found in this deployment, so all of it becomes new.
        fresh = {hashlib.sha256(data).hexdigest() for _, data in compiled.resources}
    fresh |= _new_modules(desk, tenant, compiled, all_=bool(fresh))
    starts = {d.program.process_id: _starts(desk, d) for d in compiled.processes if d.digest in fresh}
    key = desk.new_key() if fresh else 0
    if fresh:
        desk.batch["deployment"].insert(key, (tenant, key, name, desk.at))
    for resource, data in compiled.resources:
        digest = hashlib.sha256(data).hexdigest()
        if digest in fresh:
            desk.batch["resource"].insert((key, digest), (tenant, key, digest, resource, codec.wrap(data)))
    for hash, program in {d.hash: d.program for d in compiled.decisions if d.digest in fresh}.items():
        _add_program(desk, tenant, hash, program)
    processes = tuple(
        _version(desk, tenant, key, draft, starts[draft.program.process_id])
        if draft.digest in fresh
        else _same(desk, tenant, draft)
        for draft in compiled.processes
    )
    decisions = tuple(
        _decision_version(desk, tenant, key, draft) if draft.digest in fresh else _same_decision(desk, tenant, draft)
        for draft in compiled.decisions
    )
    forms = tuple(
        form_version(desk, tenant, key, draft, key=desk.new_key())
        if draft.digest in fresh
        else same_form(desk.catalog, tenant, draft)
        for draft in compiled.forms
    )
    return Deployment(key, processes, decisions, compiled.findings, forms)


def tenant_in(desk: Desk, name: str) -> int:
    """The number of a tenant, which gets one if it had nothing yet."""
    number = desk.catalog.tenants.get(name)
    if number is None:
        number = desk.catalog.add_tenant(name)
        desk.batch["tenant"].insert(number, (number, name))
    return number


def _known(desk: Desk, tenant: int, draft: Draft) -> DefinitionRow | None:
    try:
        latest = desk.catalog.latest(tenant, draft.program.process_id)
    except NotFound:
        return None
    if latest.digest != draft.digest:
        return None
    # A script's modules are files of their own: the document alone does not say that nothing changed.
    return latest if not _imports(draft.program) or latest.program == hash_of(to_bytes(draft.program)) else None


def _new_modules(desk: Desk, tenant: int, compiled: Compiled, *, all_: bool) -> set[str]:
    """The digests of modules that are to be stored: with `all_` each, else those that the library does not have."""
    given = {
        hashlib.sha256(data).hexdigest(): module_name(name) for name, data in compiled.resources if module_name(name)
    }
    find = desk.catalog.modules(tenant)
    return {digest for digest, name in given.items() if all_ or find(f"{name}@{digest}") is None}


def _imports(program: Program) -> bool:
    return any(MODULES in job.headers for job in jobs_of(program))


def _known_decision(desk: Desk, tenant: int, draft: DecisionDraft) -> DecisionRow | None:
    try:
        latest = desk.catalog.decision(tenant, draft.id, Binding.LATEST, "", 0)
    except NotFound:
        return None
    return latest if latest.hash == draft.hash else None


def _same(desk: Desk, tenant: int, draft: Draft) -> Deployed:
    known = desk.catalog.latest(tenant, draft.program.process_id)
    return Deployed(known.key, known.process_id, known.version, known.name, False)


def _same_decision(desk: Desk, tenant: int, draft: DecisionDraft) -> DeployedDecision:
    known = desk.catalog.decision(tenant, draft.id, Binding.LATEST, "", 0)
    return DeployedDecision(known.key, known.decision_id, known.version, known.name, False)


@final
class _Start(msgspec.Struct, frozen=True, gc=False):
    """A triggered start event, its expressions evaluated: a subscription by name, or a timer."""

    node: int
    name: str = ""
    kind: int = MESSAGE_START
    due: int = 0
    cycle: str = ""
    left: int = 0


def _starts(desk: Desk, draft: Draft) -> list[_Start]:
    """Start events are evaluated at deployment, without variables (contract: row "Timers")."""
    program = draft.program
    if not program.triggered_starts:
        return []
    linked = link(program, "")
    found: list[_Start] = []
    for index in program.triggered_starts:
        node = program.nodes[index]
        try:
            match node.trigger:
                case MessageTrigger(name=name):
                    found.append(_Start(index, _text(desk, linked, name)))
                case SignalTrigger(name=name):
                    found.append(_Start(index, _text(desk, linked, name), SIGNAL_START))
                case TimerTrigger(kind=kind, value=value):
                    first = first_due(kind, _text(desk, linked, value), desk.at, desk.zone)
                    if first is not None:
                        found.append(_Start(index, due=first[0], cycle=first[1], left=first[2]))
                case ConditionalTrigger():
                    found.append(_Start(index, kind=CONDITION_START))
                case _:
                    continue
        except Failure as failure:
            span = Span(draft.resource, node.line, node.column)
            remedy = "write it as plain text, or compute it from constants: there are no variables before the start"
            raise Refused(
                [Diagnostic(rule="start-event", message=failure.message, element=node.id, span=span, remedy=remedy)]
            ) from None
    return found


def _text(desk: Desk, linked: Linked, text: Text) -> str:
    if text.expression < 0:
        return text.literal
    environment = linked.environment(desk.at, desk.zone, 0, 0)
    value = linked.expressions[text.expression](lambda _: linked.missing, environment)
    if not isinstance(value, str):
        raise Failure("expression", f"the expression of a start event gives {value!r}, which is no text")
    return value


def _version(desk: Desk, tenant: int, deployment: int, draft: Draft, starts: Sequence[_Start]) -> Deployed:
    program = draft.program
    try:
        version = desk.catalog.latest(tenant, program.process_id).version + 1
    except NotFound:
        version = 1
    data = to_bytes(program)
    hash = hash_of(data)
    row = DefinitionRow(
        desk.new_key(),
        program.process_id,
        version,
        hash,
        draft.digest,
        deployment,
        program.name,
        program.version_tag,
        desk.at,
    )
    _add_program(desk, tenant, hash, data)
    desk.batch["definition"].insert(row.key, (tenant, *msgspec.structs.astuple(row)))
    desk.catalog.deployed(tenant, row)
    _subscribe(desk, tenant, row, starts)
    return Deployed(row.key, row.process_id, version, row.name)


def _add_program(desk: Desk, tenant: int, hash: str, data: bytes) -> None:
    desk.batch["program"].insert((tenant, hash), (tenant, hash, codec.wrap(data)))
    desk.catalog.program_added(tenant, hash, data)


def _decision_version(desk: Desk, tenant: int, deployment: int, draft: DecisionDraft) -> DeployedDecision:
    try:
        version = desk.catalog.decision(tenant, draft.id, Binding.LATEST, "", 0).version + 1
    except NotFound:
        version = 1
    row = DecisionRow(
        desk.new_key(),
        draft.id,
        version,
        draft.hash,
        draft.digest,
        deployment,
        draft.name,
        draft.version_tag,
        desk.at,
    )
    desk.batch["decision"].insert(row.key, (tenant, *msgspec.structs.astuple(row)))
    desk.catalog.decision_deployed(tenant, row)
    return DeployedDecision(row.key, row.decision_id, version, row.name)


def _subscribe(desk: Desk, tenant: int, row: DefinitionRow, starts: Sequence[_Start]) -> None:
    """The start events of this version replace those of the one before."""
    subscriptions = desk.batch["start_subscription"]
    subscriptions.change("start_subscription_clear", (tenant, row.process_id, row.key))
    timers = desk.batch["timer"]
    timers.change("timer_starts_delete", (tenant, row.process_id, row.version))
    for start in starts:
        if start.due:
            key = desk.new_key()
            timers.insert(key, (tenant, key, start.due, 0, row.key, start.node, start.cycle, start.left))
        else:
            cells = (tenant, start.kind, start.name, row.process_id, start.node, row.key)
            subscriptions.insert(cells[:5], cells)


def _bound_to_deployment(program: Program) -> bool:
    return any(
        (node.call is not None and node.call.binding is Binding.DEPLOYMENT)
        or (node.decision is not None and node.decision.binding is Binding.DEPLOYMENT)
        or (node.task is not None and node.task.form_binding is Binding.DEPLOYMENT and node.task.form_id)
        for node in program.nodes
    )


def _too_large(name: str, size: int, what: str = "the document") -> Diagnostic:
    return Diagnostic(
        rule="document-size",
        message=f"{what} is {size} bytes; the limit is {RESOURCE_BYTES_MAX}",
        span=Span(name),
        remedy="split it",
    )


def _distinct(resources: Sequence[tuple[str, bytes]], found: list[Diagnostic]) -> list[tuple[str, bytes]]:
    """Each document once: a version is its bytes, whatever the files are called."""
    first: dict[str, str] = {}
    distinct: list[tuple[str, bytes]] = []
    for name, data in resources:
        digest = hashlib.sha256(data).hexdigest()
        if digest in first:
            message = f"{name} and {first[digest]} are the same document; it is deployed once"
            found.append(Diagnostic(rule="document-twice", severity="warning", message=message, span=Span(name)))
            continue
        first[digest] = name
        distinct.append((name, data))
    return distinct


def _twice(drafts: Sequence[tuple[str, str, str]], what: str) -> list[Diagnostic]:
    seen: dict[str, tuple[str, str]] = {}
    found: list[Diagnostic] = []
    for id, resource, digest in drafts:
        first = seen.setdefault(id, (resource, digest))
        if first[1] != digest:
            message = f"{what} {id!r} is in {first[0]} already"
            span = Span(resource)
            found.append(
                Diagnostic(rule=f"{what}-id", message=message, element=id, span=span, remedy="deploy one of the two")
            )
    return found
