"""What a session is shown: where its journey is, the task that it may play, the form of it with what was answered.

Reads only, in one look at the store. A customer is given what the fields that are seen hold, and no other variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast, final

import msgspec

from procession.base.failure import BadValue, NotFound
from procession.base.values import Json, Variables
from procession.core.variables import visible
from procession.forms import Compiled, Setting, View, compile_form, path_of, read_form, view
from procession.forms.scope import put_at
from procession.forms.submit import merged
from procession.runtime.rows import DefinitionRow, FormRow
from procession.services.journeys.drafts import Draft, Fields
from procession.services.journeys.files import attached, ids_in
from procession.services.journeys.kept import BRAND, DRAFT, SESSION, Brand, Session, place_of
from procession.services.journeys.ports import Over
from procession.services.journeys.rules import Rules, rules_of
from procession.services.journeys.scripted import FormScript, script_of
from procession.services.reading import Reader
from procession.services.searching import FoundTask, Page, TaskFilter

CALLED_MAX: Final = 200
"""Instances that an instance called, directly or not, in which tasks are looked for."""
TASKS_MAX: Final = 200
FORMS_MAX: Final = 200
"""Compiled forms that are in memory."""

State: TypeAlias = Literal["task", "working", "others", "completed", "terminated"]
"""There is something to play; the process works; it waits for another party; it is over, of itself or not."""


@final
class Spot(msgspec.Struct, frozen=True, gc=False):
    """Where a journey is for one party. `task` is the one that is played; `steps` changes when anything did."""

    state: State
    task: FoundTask | None = None


@final
class Form(msgspec.Struct, frozen=True, gc=False):
    """A compiled form, and which of its fields drafts hold."""

    compiled: Compiled
    fields: Fields


@final
class Filling(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A form that is being filled in: `held` is what the server has, `draft` what was answered, `record` the version
    of the record that holds it (0: none does), `script` what judges beside the form."""

    form: Form
    held: Mapping[str, Json]
    draft: Draft
    setting: Setting
    record: int = 0
    script: FormScript | None = None

    def view(self, sent: Mapping[str, Json] | None = None) -> View:
        """What is seen with the answers of the draft, or with other ones."""
        answers = self.draft.sent() if sent is None else sent
        return view(self.form.compiled, merged(self.form.compiled, answers, self.held, self.setting), self.setting)

    def answered(self) -> frozenset[str]:
        """The ids of documents that the draft names."""
        return frozenset(ids_in(cast("Json", self.draft.sent())))


def session_of(reader: Reader, tenant: str, journey: str, token: str, now: int) -> Session:
    """The session of a token. Raises `NotFound` for none of this journey, `Over` for one that is."""
    record = reader.records.find(tenant, SESSION, place_of(token)) if token else None
    session = record.read(Session) if record is not None else None
    if session is None or session.journey != journey:
        raise NotFound("no journey that you may play is here")
    if now >= session.expires:
        raise Over("session-over", "the time of this journey is over")
    return session


def definition_of(reader: Reader, tenant: str, session: Session) -> DefinitionRow:
    """The version of the process that a session's instance is of. Raises `NotFound`."""
    return reader.views.definition_of(tenant, session.instance)


def rules_at(reader: Reader, tenant: str, session: Session) -> Rules:
    """The rules of a session's journey."""
    return rules_of(reader, tenant, definition_of(reader, tenant, session))


def brand_of(reader: Reader, tenant: str, name: str) -> Brand:
    """A brand of a tenant; a plain one where it has none of that name."""
    record = reader.records.find(tenant, BRAND, name) if name else None
    return record.read(Brand) if record is not None else Brand()


def spot_of(reader: Reader, tenant: str, session: Session) -> Spot:
    """Where the journey is. The tasks of instances that it called are its own."""
    state = reader.views.state(tenant, session.instance)
    if state in {"completed", "terminated"}:
        return Spot("completed" if state == "completed" else "terminated")
    waits = False
    for task in _tasks(reader, tenant, session.instance):
        if plays(session.party, task):
            return Spot("task", task)
        waits = True
    return Spot("others" if waits else "working")


def task_of(reader: Reader, tenant: str, session: Session, key: int) -> FoundTask:
    """An open task of the journey that the session may play. Raises `NotFound`."""
    for task in _tasks(reader, tenant, session.instance):
        if task.key == key and plays(session.party, task):
            return task
    raise NotFound("this page is not open: it was submitted, or it is somebody else's")


def plays(party: str, task: FoundTask) -> bool:
    """Whether a party plays a task: it is a candidate, or the task is meant for nobody by name."""
    groups = task.names("candidate_groups")
    if task.assignee:
        return False
    return party in groups if groups else not task.names("candidate_users")


def filling_of(
    reader: Reader, tenant: str, task: FoundTask, setting: Setting, *, owner: str = "", variant: str = ""
) -> Filling:
    """The form of a task, as far as it is filled in, with the files of an owner; its expressions see the journey's
    variant as `journey.variant`. Raises `NotFound` for a task that has none."""
    found = reader.forms.of_task(tenant, task)
    if not found.data:
        raise NotFound(f"the form of this task, {found.key!r:.80}, is shown by somebody else")
    loaded = reader.views.load(tenant, task.instance)
    element = loaded.state.elements.get(task.key)
    if element is None:
        raise NotFound("this page is not open any more")
    draft, record = draft_of(reader, tenant, str(task.key))
    held: Variables = dict(visible(element))
    if variant:
        # What the process itself calls so is not hidden.
        held.setdefault("journey", {"variant": variant})
    form = form_of(found.data)
    files = attached(reader, tenant, (owner, str(task.key)), form.compiled, held, now=setting.now_ms)
    setting = msgspec.structs.replace(setting, files=files)
    script = form_script(reader, tenant, form, found.row)
    return Filling(form=form, held=held, draft=draft, setting=setting, record=record, script=script)


def form_script(reader: Reader, tenant: str, form: Form, row: FormRow | None) -> FormScript | None:
    """The script of a form that was deployed on its own; None for one that has none. Raises `BadValue`."""
    name = form.compiled.form.extensions.get("script")
    if not isinstance(name, str):
        return None
    if row is None:
        raise BadValue("a form that is kept inside its process has no script: deploy it on its own")
    return script_of(reader, tenant, row.form_id, name, row.deployment)


def draft_of(reader: Reader, tenant: str, id: str) -> tuple[Draft, int]:
    """A draft, and the version of its record; an empty one and 0 where nothing was answered yet."""
    record = reader.records.find(tenant, DRAFT, id)
    return (record.read(Draft), record.version) if record is not None else (Draft(0), 0)


@lru_cache(maxsize=FORMS_MAX)
def form_of(data: bytes) -> Form:
    """The form in a document that was deployed. Raises `BadValue` where it stands in a process and is none."""
    form, problems = read_form(data)
    if form is None:
        raise BadValue(f"the form cannot be read: {problems[0].message if problems else 'it is empty'}")
    compiled, problems = compile_form(form)
    if any(each.severity == "error" for each in problems):
        raise BadValue(f"the form cannot be used: {problems[0].message}")
    return Form(compiled, Fields(compiled))


def told(view: View) -> View:
    """The view as somebody outside may have it: of all data what the fields that are seen hold."""
    data: Variables = {}
    for page in view.pages:
        for item in page.walk():
            path = path_of(item.path) if item.path and item.visible else ()
            if path:
                put_at(data, path, item.value)
    return msgspec.structs.replace(view, data=cast("Mapping[str, Json]", data))


def _tasks(reader: Reader, tenant: str, instance: int) -> list[FoundTask]:
    """Open tasks of an instance and of those that it called, the oldest first."""
    found: list[FoundTask] = []
    instances = [instance]
    for each in instances:
        if len(instances) < CALLED_MAX:
            called = reader.views.instances(tenant, parent=each, limit=CALLED_MAX)
            instances += [child.key for child in called if child.ended is None]
        found += reader.search.tasks(tenant, TaskFilter(instance=each), Page(order="created", limit=TASKS_MAX))
    return sorted(found, key=lambda task: (task.created, task.key))
