"""Deployments: documents become versions of what is in them; what that would change; what was deployed."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Final, final

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State, UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler, Empty

from procession.base.decoding import taken
from procession.base.diagnostics import Diagnostic
from procession.base.failure import BadValue, NotFound
from procession.base.values import checked_text
from procession.core.plans import Proposal
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.deploy import Compiled, Deployment
from procession.services.deployed import DeploymentView
from procession.services.differences import Change, Difference, Differences, differences
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.body import JSON, ExactRequest, check_media_type
from procession.web.openapi import BODY
from procession.web.problems import BadBody
from procession.web.shapes import PAGE, After, Key, KeyPath, Limit, Moment, cut, key_behind, key_of, moment

MULTIPART: Final = "multipart/form-data"
DEPLOYMENT_BYTES_MAX: Final = 100_000_000
"""Largest body of a deployment."""
DOCUMENTS_MAX: Final = 1_000
TYPES: Final = {
    ".bpmn": "application/bpmn+xml",
    ".dmn": "application/dmn+xml",
    ".form": "application/json",
    ".json": "application/json",
    ".xml": "application/xml",
}
"""Media types by the end of a document's name."""


@final
class DocumentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document: its name, and its content as `text` or in `base64`."""

    name: str
    text: str | None = None
    base64: str | None = None


@final
class DeploymentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Documents to deploy together."""

    resources: Annotated[list[DocumentIn], msgspec.Meta(min_length=1, max_length=DOCUMENTS_MAX)]
    name: str = ""


@final
class DeployedProcess(msgspec.Struct, frozen=True):
    """A process of a deployment. `new` is false when this very version was there already; `key` is null where nothing
    was stored."""

    key: Key | None
    process_id: str
    version: int | None
    name: str
    new: bool


@final
class DeployedDecision(msgspec.Struct, frozen=True):
    """A decision of a deployment; see `DeployedProcess`."""

    key: Key | None
    decision_id: str
    version: int | None
    name: str
    new: bool


@final
class DeployedForm(msgspec.Struct, frozen=True):
    """A form of a deployment; see `DeployedProcess`."""

    key: Key | None
    form_id: str
    version: int | None
    name: str
    new: bool


@final
class DeploymentMade(msgspec.Struct, frozen=True):
    """What a deployment made. `key` is null when nothing was new, or for a dry run. `diagnostics` are warnings."""

    key: Key | None
    processes: list[DeployedProcess]
    decisions: list[DeployedDecision]
    diagnostics: list[Diagnostic]
    dry_run: bool = False
    forms: list[DeployedForm] = []


@final
class ElementDifferences(msgspec.Struct, frozen=True):
    """What a document would make of a process, decision or form; the elements of a form are not compared.

    `version` is the one that it would have, or has where it stays the same. `added`, `removed` and `changed` are ids of
    elements, against the latest version. `unmapped` are elements of that whose instances a migration by equal ids would
    have no place for; `proposals` say which may have got another id."""

    id: str
    resource: str
    change: Change
    version: int
    added: list[str]
    removed: list[str]
    changed: list[str]
    unmapped: list[str]
    proposals: list[Proposal]


@final
class DeploymentDifferences(msgspec.Struct, frozen=True):
    """What a deployment would change. `diagnostics` are warnings."""

    processes: list[ElementDifferences]
    decisions: list[ElementDifferences]
    diagnostics: list[Diagnostic]
    forms: list[ElementDifferences] = []


@final
class ResourceOut(msgspec.Struct, frozen=True):
    """A document of a deployment; `digest` is the SHA-256 of its bytes."""

    name: str
    digest: str


@final
class DeploymentShort(msgspec.Struct, frozen=True):
    """A deployment in a list."""

    key: Key
    name: str
    at: Moment


@final
class DeploymentOut(msgspec.Struct, frozen=True):
    """A deployment with all that was new in it."""

    key: Key
    name: str
    at: Moment
    resources: list[ResourceOut]
    processes: list[DeployedProcess]
    decisions: list[DeployedDecision]
    forms: list[DeployedForm]


@final
class DeploymentPage(msgspec.Struct, frozen=True):
    """Deployments, the newest first."""

    items: list[DeploymentShort]
    next: str | None


_SCHEMA: Final = {
    "type": "object",
    "required": ["resources"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "description": "A name of the deployment."},
        "resources": {
            "type": "array",
            "minItems": 1,
            "maxItems": DOCUMENTS_MAX,
            "items": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "description": "The file's name: *.bpmn, *.dmn, *.form or *.json."},
                    "text": {"type": "string", "description": "Its content."},
                    "base64": {"type": "string", "description": "Its bytes, where it is not in UTF-8."},
                },
                "oneOf": [{"required": ["text"]}, {"required": ["base64"]}],
            },
        },
    },
}
_FORM: Final = {
    "type": "object",
    "required": ["resources"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "description": "A name of the deployment."},
        "resources": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"},
        },
    },
}
_EXAMPLE: Final = {"resources": [{"name": "invoice.bpmn", "text": "<definitions …>…</definitions>"}]}
DOCUMENTS: Final = {
    "required": True,
    "content": {JSON: {"schema": _SCHEMA, "example": _EXAMPLE}, MULTIPART: {"schema": _FORM}},
}
"""The body of a deployment, for the OpenAPI document."""


@post(
    "/deployments",
    status_code=201,
    opt={BODY: DOCUMENTS},
    request_max_body_size=DEPLOYMENT_BYTES_MAX,
    responses={200: ResponseSpec(DeploymentMade, description="Nothing was stored: a dry run, or nothing is new.")},
)
async def deploy(
    request: Request[Any, Any, State],
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
    dry_run: Annotated[bool, QueryParameter(description="Check all, and store nothing.")] = False,
) -> Response[DeploymentMade]:
    """Deploys documents together, all of them or none.

    What is the latest version already stays. With errors it is refused by 422 with every diagnostic."""
    caller.need("definitions:check" if dry_run else "definitions:deploy")
    resources, name = await _given(request)
    compiled = await site.backend.read(caller.tenant, lambda reader: reader.compiled(caller.tenant, resources))
    _need_each(caller, compiled, "definitions:check" if dry_run else "definitions:deploy")
    if dry_run:
        found = await site.backend.read(caller.tenant, lambda reader: differences(reader, caller.tenant, compiled))
        return Response(_tried(found, compiled), status_code=200)
    asked = q.DeployResources(caller.tenant, resources, name)
    answer = await site.backend.ask(asked, who(caller, idempotency_key, asked))
    made = taken(answer, Deployment)
    return Response(_made(made), status_code=201 if made.key else 200)


@post("/deployments/diff", status_code=200, opt={BODY: DOCUMENTS}, request_max_body_size=DEPLOYMENT_BYTES_MAX)
async def compare_deployment(
    request: Request[Any, Any, State], caller: TheCaller, site: TheSite
) -> DeploymentDifferences:
    """Tells what a deployment would change, element by element, and what a migration would find. Nothing is stored."""
    caller.need("definitions:check")
    caller.need("definitions:read")
    resources, _ = await _given(request)
    compiled = await site.backend.read(caller.tenant, lambda reader: reader.compiled(caller.tenant, resources))
    _need_each(caller, compiled, "definitions:read")
    found = await site.backend.read(caller.tenant, lambda reader: differences(reader, caller.tenant, compiled))
    return DeploymentDifferences(
        [_differences(each) for each in found.processes],
        [_differences(each) for each in found.decisions],
        list(compiled.findings),
        [_differences(each) for each in found.forms],
    )


@get("/deployments")
async def list_deployments(
    caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None
) -> DeploymentPage:
    """Lists deployments, the newest first."""
    caller.need("definitions:read")
    before = key_behind(after)
    found = await site.backend.read(
        caller.tenant, lambda reader: reader.deployed.deployments(caller.tenant, before, limit + 1)
    )
    rows, following = cut(found, limit, lambda row: (row.key,))
    return DeploymentPage([DeploymentShort(str(row.key), row.name, moment(row.at)) for row in rows], following)


@get("/deployments/{key:str}")
async def get_deployment(key: KeyPath, caller: TheCaller, site: TheSite) -> DeploymentOut:
    """Gives a deployment with its documents, processes, decisions and forms."""
    caller.need("definitions:read")
    number = key_of(key, "deployment")
    found = await site.backend.read(caller.tenant, lambda reader: reader.deployed.deployment(caller.tenant, number))
    return _shown(found, caller)


@get(
    "/deployments/{key:str}/resources/{digest:str}",
    media_type="application/octet-stream",
)
async def get_deployment_resource(
    key: KeyPath,
    digest: Annotated[str, PathParameter(pattern="^[0-9a-f]{64}$", description="The SHA-256 of its bytes.")],
    caller: TheCaller,
    site: TheSite,
) -> Response[bytes]:
    """Gives a document as it was deployed, byte for byte."""
    caller.need("definitions:read")
    number = key_of(key, "deployment")

    def found(deployment: DeploymentView) -> str:
        names = {row.digest: row.name for row in deployment.resources}
        theirs = _digests(deployment, caller)
        return names.get(digest, "") if theirs is None or digest in theirs else ""

    name, data = await site.backend.read(
        caller.tenant,
        lambda reader: (
            found(reader.deployed.deployment(caller.tenant, number)),
            reader.deployed.resource(caller.tenant, number, digest),
        ),
    )
    if not name:
        raise NotFound(f"deployment {number} has no document {digest!r}")
    return download(name, data, digest)


def download(name: str, data: bytes, digest: str) -> Response[bytes]:
    """A document as a file of its name. A browser saves it, and never shows it as a page of this server."""
    kind = next((TYPES[end] for end in TYPES if name.lower().endswith(end)), "application/octet-stream")
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name)[:100]
    headers = {
        "ETag": f'"{digest}"',
        "Content-Disposition": f'attachment; filename="{safe or "document"}"',
        "Content-Security-Policy": "sandbox",
    }
    return Response(data, media_type=kind, headers=headers)


async def _given(request: Request[Any, Any, State]) -> tuple[list[tuple[str, bytes]], str]:
    """The documents of a request, and the name of the deployment."""
    if check_media_type(request, JSON, MULTIPART) == JSON:
        assert isinstance(request, ExactRequest)
        given = await request.exactly(DeploymentIn)
        if given is Empty:
            raise BadBody("the body is missing", "")
        return [_document(at, each) for at, each in enumerate(given.resources)], checked_text("name", given.name)
    resources: list[tuple[str, bytes]] = []
    name = ""
    for field, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            resources.append((checked_text("name of a document", value.filename or field), await value.read()))
        elif field == "name":
            name = checked_text("name", value)
        else:
            raise BadBody(f"the form has a field {field[:80]!r} that is no file", field[:80])
    if not 0 < len(resources) <= DOCUMENTS_MAX:
        raise BadBody(f"a deployment has 1 to {DOCUMENTS_MAX} files, not {len(resources)}", "resources")
    return resources, name


def _document(at: int, given: DocumentIn) -> tuple[str, bytes]:
    place = f"resources[{at}]"
    name = checked_text("name of a document", given.name)
    if (given.text is None) is (given.base64 is None):
        raise BadBody("a document has either `text` or `base64`", place)
    if given.text is not None:
        try:
            return name, given.text.encode()
        except UnicodeEncodeError:
            raise BadValue(f"{place}.text holds a lone surrogate, which no UTF-8 text can carry") from None
    try:
        return name, base64.b64decode(given.base64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise BadValue(f"{place}.base64 is no base64") from None


def _need_each(caller: Caller, compiled: Compiled, permission: str) -> None:
    for draft in compiled.processes:
        caller.need(permission, draft.program.process_id)


def _tried(found: Differences, compiled: Compiled) -> DeploymentMade:
    names = {draft.program.process_id: draft.program.name for draft in compiled.processes}
    titles = {draft.id: draft.name for draft in compiled.decisions}
    forms = {draft.id: draft.name for draft in compiled.forms}
    return DeploymentMade(
        None,
        [DeployedProcess(None, d.id, d.version, names.get(d.id, ""), d.change != "same") for d in found.processes],
        [DeployedDecision(None, d.id, d.version, titles.get(d.id, ""), d.change != "same") for d in found.decisions],
        list(compiled.findings),
        dry_run=True,
        forms=[DeployedForm(None, d.id, d.version, forms.get(d.id, ""), d.change != "same") for d in found.forms],
    )


def _made(made: Deployment) -> DeploymentMade:
    return DeploymentMade(
        str(made.key) if made.key else None,
        [DeployedProcess(str(p.key), p.process_id, p.version, p.name, p.new) for p in made.processes],
        [DeployedDecision(str(d.key), d.decision_id, d.version, d.name, d.new) for d in made.decisions],
        list(made.diagnostics),
        forms=[DeployedForm(str(f.key), f.form_id, f.version, f.name, f.new) for f in made.forms],
    )


def _differences(found: Difference) -> ElementDifferences:
    return ElementDifferences(**msgspec.structs.asdict(found))


def _digests(found: DeploymentView, caller: Caller) -> set[str] | None:
    """The documents that a caller of some processes may see; None for all."""
    within = caller.within("definitions:read")
    if within is None:
        return None
    mine = {row.digest for row in found.processes if row.process_id in within}
    others = {row.digest for row in found.processes if row.process_id not in within}
    return mine | ({row.digest for row in found.resources} - others)


def _shown(found: DeploymentView, caller: Caller) -> DeploymentOut:
    theirs = _digests(found, caller)
    processes = [p for p in found.processes if caller.may("definitions:read", p.process_id)]
    return DeploymentOut(
        str(found.row.key),
        found.row.name,
        moment(found.row.at),
        [ResourceOut(row.name, row.digest) for row in found.resources if theirs is None or row.digest in theirs],
        [DeployedProcess(str(p.key), p.process_id, p.version, p.name, True) for p in processes],
        [DeployedDecision(str(d.key), d.decision_id, d.version, d.name, True) for d in found.decisions],
        [DeployedForm(str(f.key), f.form_id, f.version, f.name, True) for f in found.forms],
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    deploy,
    compare_deployment,
    list_deployments,
    get_deployment,
    get_deployment_resource,
)
