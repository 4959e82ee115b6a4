"""Forms of a deployment: what a document holds, and the row of a new version. How all is taken: `deploy.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol, final

import msgspec

from procession.base.diagnostics import Diagnostic, Span
from procession.base.failure import NotFound
from procession.base.values import Json
from procession.compile.scripting import Scripting
from procession.ir.kinds import Binding
from procession.ir.program import Program
from procession.runtime.ports import Batch
from procession.runtime.rows import FormRow
from procession.services.catalog import Catalog
from procession.services.scripting import entry_of

ENDS: Final = (".form", ".json")
"""How the names of forms end."""


@final
class DeployedForm(msgspec.Struct, frozen=True, gc=False):
    """One form of a deployment. `new` is False when this very version was there already."""

    key: int
    form_id: str
    version: int
    name: str = ""
    new: bool = True


@final
class FormDraft(msgspec.Struct, frozen=True, gc=False):
    """A form and the document that it is."""

    id: str
    name: str
    version_tag: str
    resource: str
    digest: str


class FormDesk(Protocol):
    """What is needed of the desk of a deployment."""

    catalog: Catalog
    batch: Batch
    at: int


def is_form(name: str) -> bool:
    """Whether a document is a form, by the end of its name."""
    return name.lower().endswith(ENDS)


def form_drafts(name: str, data: bytes, scripting: Scripting, found: list[Diagnostic]) -> list[FormDraft]:
    """The form of a document; what is wrong with it goes to `found`."""
    from procession.forms import check_compiled, compile_form, read_form

    form, wrong = read_form(data, name)
    found.extend(wrong)
    if form is None:
        return []
    compiled, wrong = compile_form(form)
    found.extend(wrong)
    if not form.id:
        text = "a form without an id cannot be deployed: nothing could name it"
        found.append(Diagnostic(rule="form-id", message=text, span=Span(name, 1, 1), remedy="give it an id"))
        return []
    found.extend(check_compiled(compiled))
    found.extend(_script(name, form.extensions.get("script"), scripting))
    title = form.extensions.get("title")
    return [FormDraft(form.id, title if isinstance(title, str) else "", form.version_tag, name, form.digest)]


def _script(file: str, module: Json, scripting: Scripting) -> list[Diagnostic]:
    """What is wrong with the module that a form names (`procession.script`)."""
    if not isinstance(module, str):
        return []
    problems = scripting.read(entry_of(module), "javascript", file).problems
    return [
        Diagnostic(
            rule="form-script",
            message=f"the script of the form, {module!r:.80}: {each.message}",
            span=Span(file, 1, 1),
            remedy=each.remedy or "deploy the module together with the form, or before it",
        )
        for each in problems
    ]


def missing_forms(programs: Iterable[tuple[str, Program]], drafts: Sequence[FormDraft]) -> list[Diagnostic]:
    """Forms that tasks mean by deployment, and that are in none of these documents."""
    there = {draft.id for draft in drafts}
    return [
        Diagnostic(
            rule="user-task-form",
            message=f"the form {node.task.form_id!r} is meant by deployment, and does not come with the process",
            severity="warning",
            element=node.id,
            span=Span(resource, node.line, node.column),
            remedy="deploy the form together with the process, or bind it by latest or versionTag",
        )
        for resource, program in programs
        for node in program.nodes
        if node.task is not None and node.task.form_binding is Binding.DEPLOYMENT
        if node.task.form_id and node.task.form_id not in there
    ]


def known_form(catalog: Catalog, tenant: int, draft: FormDraft) -> FormRow | None:
    """The latest version, if it is this very document."""
    try:
        latest = catalog.form(tenant, draft.id, Binding.LATEST, "", 0)
    except NotFound:
        return None
    return latest if latest.digest == draft.digest else None


def same_form(catalog: Catalog, tenant: int, draft: FormDraft) -> DeployedForm:
    """A form that was there already."""
    known = catalog.form(tenant, draft.id, Binding.LATEST, "", 0)
    return DeployedForm(known.key, known.form_id, known.version, known.name, False)


def form_version(desk: FormDesk, tenant: int, deployment: int, draft: FormDraft, *, key: int) -> DeployedForm:
    """Writes the row of a new version."""
    try:
        version = desk.catalog.form(tenant, draft.id, Binding.LATEST, "", 0).version + 1
    except NotFound:
        version = 1
    row = FormRow(key, draft.id, version, draft.digest, deployment, draft.name, draft.version_tag, desk.at)
    desk.batch["form"].insert(row.key, (tenant, *msgspec.structs.astuple(row)))
    desk.catalog.form_deployed(tenant, row)
    return DeployedForm(row.key, row.form_id, version, row.name)
