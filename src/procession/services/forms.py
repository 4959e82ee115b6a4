"""Forms as they are read: versions, documents, and the form of a user task or of the start of a process.

A form is meant by id and binding, or it is kept inside the process (`zeebe:userTaskForm`). `latest` is the version that
is the newest when somebody asks. What must not live here: deploying, and what is shown of a form (the room `forms`).
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import NotFound
from procession.ir.kinds import Binding
from procession.model.bpmn import Definitions
from procession.model.events import Event
from procession.model.extension import Extension
from procession.runtime.ports import Reads
from procession.runtime.rows import DefinitionRow, FormRow
from procession.services.deployed import ByHash, DeployedViews, Which
from procession.services.searching import FoundTask
from procession.services.views import Views

EMBEDDED: Final = "camunda-forms:bpmn:"
"""How a form key begins that names a form kept inside the process."""
SOURCES_MAX: Final = 200
"""Documents of forms that a process keeps: every page of a journey reads its form."""
_SOURCES: Final[ByHash[bytes]] = ByHash(SOURCES_MAX)
_BINDINGS: Final = {"deployment": Binding.DEPLOYMENT, "versionTag": Binding.VERSION_TAG}


@final
class FoundForm(msgspec.Struct, frozen=True, gc=False):
    """The form of a task or start: `data` is its document. `row` is None for one that is kept inside its process, and
    `key` is what a task names that is shown by somebody else: then there are no data.
    """

    data: bytes
    row: FormRow | None = None
    key: str = ""


@final
class FormViews:
    """Reading the forms of one store."""

    __slots__ = ("_deployed", "_store", "_views")

    def __init__(self, store: Reads, views: Views, deployed: DeployedViews) -> None:
        self._store = store
        self._views = views
        self._deployed = deployed

    def forms(self, tenant: str, which: Which) -> list[FormRow]:
        """Versions of forms, by id and version."""
        return self._deployed.forms(tenant, which)

    def form(self, tenant: str, key: int) -> FormRow:
        """A version of a form; raises `NotFound`."""
        number = self._views.tenant(tenant)
        rows = self._store.read("form", (number, key), FormRow) if number is not None else []
        if not rows:
            raise NotFound(f"no form {key}")
        return rows[0]

    def chosen(self, tenant: str, form_id: str, version: int = 0, tag: str = "") -> FormRow:
        """The version of a form that is meant, the latest by default; raises `NotFound`."""
        number = self._views.tenant(tenant)
        query = "form_version" if version else "form_tagged" if tag else "form_latest"
        more: tuple[int | str, ...] = (version,) if version else (tag,) if tag else ()
        rows = self._store.read(query, (number, form_id, *more), FormRow) if number is not None else []
        if not rows:
            which = f" version {version}" if version else f" version tagged {tag!r:.80}" if tag else ""
            raise NotFound(f"no form {form_id!r:.80}{which} is deployed")
        return rows[0]

    def source(self, tenant: str, row: FormRow) -> bytes:
        """The document of a version, byte for byte."""
        return _SOURCES.get(row.digest, lambda: self._deployed.resource(tenant, row.deployment, row.digest))

    def of_task(self, tenant: str, task: FoundTask) -> FoundForm:
        """The form of an open task; raises `NotFound` where it has none, or none that is deployed."""
        definition = self._views.definition_of(tenant, task.instance)
        program = self._views.program(tenant, definition.program)
        spec = next((node.task for node in program.nodes if node.id == task.element_id and node.task is not None), None)
        if spec is None or not (spec.form_id or spec.form_key or task.attributes.get("external_form")):
            raise NotFound(f"user task {task.key} has no form")
        if spec.form_id:
            return self._bound(tenant, definition, spec.form_id, spec.form_binding, spec.form_version_tag)
        return self._by_key(tenant, definition, spec.form_key or str(task.attributes["external_form"]))

    def of_start(self, tenant: str, definition: DefinitionRow) -> FoundForm:
        """The form of the none start event of a process; raises `NotFound` where it has none."""
        for node in self._extensions(tenant, definition, starts=True):
            form = node.form
            if form is not None and form.form_id:
                binding = _BINDINGS.get(form.binding_type, Binding.LATEST)
                return self._bound(tenant, definition, form.form_id, binding, form.version_tag)
            if form is not None and (form.form_key or form.external_reference):
                return self._by_key(tenant, definition, form.form_key or form.external_reference)
        raise NotFound(f"the start of process {definition.process_id!r:.80} has no form")

    def properties(self, tenant: str, definition: DefinitionRow) -> dict[str, str]:
        """The properties (`zeebe:property`) of a process."""
        extensions = self._extensions(tenant, definition, starts=False)
        return {each.name: each.value for extension in extensions for each in extension.properties}

    def _bound(self, tenant: str, of: DefinitionRow, form_id: str, binding: Binding, tag: str) -> FoundForm:
        number = self._views.tenant(tenant)
        assert number is not None, "whoever asks has read something of this tenant"
        row = self._views.catalog.form(number, form_id, binding, tag, of.deployment)
        return FoundForm(self.source(tenant, row), row)

    def _by_key(self, tenant: str, definition: DefinitionRow, key: str) -> FoundForm:
        if not key.startswith(EMBEDDED):
            return FoundForm(b"", key=key)
        id = key[len(EMBEDDED) :]
        for extension in self._extensions(tenant, definition, starts=False):
            for form in extension.user_task_forms:
                if form.id == id:
                    return FoundForm(form.body.encode(), key=key)
        raise NotFound(f"the process {definition.process_id!r:.80} holds no form {id!r:.80}")

    def _extensions(self, tenant: str, definition: DefinitionRow, *, starts: bool) -> list[Extension]:
        """The extensions of the process, or of its none start events."""
        document = self._document(tenant, definition)
        found: list[Extension] = []
        for process in document.processes:
            if process.id == definition.process_id:
                events = [node for node in process.scope.nodes if isinstance(node, Event) and node.kind == "startEvent"]
                found += [node.extension for node in events if not node.definitions] if starts else [process.extension]
        return found

    def _document(self, tenant: str, definition: DefinitionRow) -> Definitions:
        from procession.parse import parse_bpmn

        document, _ = parse_bpmn(self._deployed.source(tenant, definition), definition.process_id)
        assert document is not None, "what was deployed was read before"
        return document
