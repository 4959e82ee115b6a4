"""Forms: their versions, their documents, and the form of a task or of the start of a process."""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, NotFound
from procession.base.values import Json, decode
from procession.runtime.rows import FormRow
from procession.services.deployed import place
from procession.services.forms import FoundForm
from procession.services.reading import Reader
from procession.web.asking import TheCaller, TheSite
from procession.web.routes.definitions import Latest, VersionTag, theirs, which
from procession.web.routes.deployments import download
from procession.web.routes.tasks import seen_task
from procession.web.shapes import PAGE, After, Key, KeyPath, Limit, Moment, cut, key_of, moment


@final
class FormOut(msgspec.Struct, frozen=True):
    """A version of a form. `digest` is the SHA-256 of its document."""

    key: Key
    form_id: str
    version: int
    name: str
    version_tag: str
    deployment: Key
    digest: str
    at: Moment


@final
class FormPage(msgspec.Struct, frozen=True):
    """Versions of forms, by id and version."""

    items: list[FormOut]
    next: str | None


@final
class FormFound(msgspec.Struct, frozen=True):
    """The form of a task or a start. `form` is null for one that is kept inside its process; `reference` is what names
    a form there, or one that somebody else shows, whose `document` is null."""

    form: FormOut | None
    reference: str | None
    document: Json


@get("/forms")
async def list_forms(
    caller: TheCaller,
    site: TheSite,
    *,
    form_id: Annotated[str | None, QueryParameter(max_length=4_000, description="The id of the form.")] = None,
    version_tag: VersionTag = None,
    latest: Latest = False,
    limit: Limit = PAGE,
    after: After = None,
) -> FormPage:
    """Lists versions of forms, by id and version."""
    caller.need("definitions:read")
    asked = which(form_id, version_tag, latest, after, limit)
    found = await site.backend.read(caller.tenant, lambda reader: reader.forms.forms(caller.tenant, asked))
    rows, following = cut(found, limit, place)
    return FormPage([_shown(row) for row in rows], following)


@get("/forms/{key:str}")
async def get_form(key: KeyPath, caller: TheCaller, site: TheSite) -> FormOut:
    """Gives a version of a form."""
    caller.need("definitions:read")
    number = key_of(key, "form")
    return _shown(await site.backend.read(caller.tenant, lambda reader: reader.forms.form(caller.tenant, number)))


@get("/forms/{key:str}/document", media_type="application/json")
async def get_form_document(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[bytes]:
    """Gives the document of a version, byte for byte."""
    caller.need("definitions:read")
    number = key_of(key, "form")

    def found(reader: Reader) -> tuple[FormRow, bytes]:
        row = reader.forms.form(caller.tenant, number)
        return row, reader.forms.source(caller.tenant, row)

    row, data = await site.backend.read(caller.tenant, found)
    return download(f"{row.form_id}.form", data, row.digest)


@get("/tasks/{key:str}/form")
async def get_task_form(key: KeyPath, caller: TheCaller, site: TheSite) -> FormFound:
    """Gives the form of an open user task, in the version that its binding means."""
    caller.need("tasks:read")
    task = await seen_task(site, caller, key)
    return _found(await site.backend.read(caller.tenant, lambda reader: reader.forms.of_task(caller.tenant, task)))


@get("/definitions/{key:str}/form")
async def get_start_form(key: KeyPath, caller: TheCaller, site: TheSite) -> FormFound:
    """Gives the form that a process is started with."""
    caller.need("definitions:read")
    number = key_of(key, "definition")

    def found(reader: Reader) -> FoundForm:
        return reader.forms.of_start(caller.tenant, theirs(reader, caller, number, "definitions:read"))

    return _found(await site.backend.read(caller.tenant, found))


def _found(found: FoundForm) -> FormFound:
    try:
        document = decode(found.data) if found.data else None
    except BadValue as error:
        raise NotFound(f"the form inside the process is no JSON: {error}") from None
    return FormFound(_shown(found.row) if found.row is not None else None, found.key or None, document)


def _shown(row: FormRow) -> FormOut:
    return FormOut(
        str(row.key),
        row.form_id,
        row.version,
        row.name,
        row.version_tag,
        str(row.deployment),
        row.digest,
        moment(row.at),
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    list_forms,
    get_form,
    get_form_document,
    get_task_form,
    get_start_form,
)
