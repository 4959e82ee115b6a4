"""Definitions: versions of processes, their documents and drawings, and whether they may be started."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast, final

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.runtime.rows import DefinitionRow
from procession.services.access import Caller
from procession.services.deployed import Which, place
from procession.services.reading import Reader
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE
from procession.web.routes.deployments import download
from procession.web.shapes import PAGE, After, Key, KeyPath, Limit, Moment, cut, key_of, moment, place_of
from procession.web.site import Site

SVG: Final = "image/svg+xml"

ProcessId = Annotated[str | None, QueryParameter(max_length=4_000, description="The id of the process.")]
VersionTag = Annotated[str | None, QueryParameter(max_length=4_000, description="The version tag of the model.")]
Latest = Annotated[bool, QueryParameter(description="Of each only the latest version.")]


@final
class DefinitionOut(msgspec.Struct, frozen=True):
    """A version of a process. `digest` is the SHA-256 of its document; `suspended` tells that starts are refused."""

    key: Key
    process_id: str
    version: int
    name: str
    version_tag: str
    deployment: Key
    digest: str
    at: Moment
    suspended: bool


@final
class DefinitionPage(msgspec.Struct, frozen=True):
    """Versions of processes, by id and version."""

    items: list[DefinitionOut]
    next: str | None


@final
class SteerIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`all_versions`: of the process, all versions that are deployed now."""

    all_versions: bool = False


@final
class Steered(msgspec.Struct, frozen=True):
    """How many versions that changed."""

    changed: int


def which(id: str | None, tag: str | None, latest: bool, after: str | None, limit: int) -> Which:
    """What a caller asks of a list of versions: one more than a page, which tells whether there is another."""
    begin = cast("tuple[str, int]", place_of(after, str, int) or ("", 0))
    return Which(id or "", tag or "", latest, begin, limit + 1)


@get("/definitions")
async def list_definitions(
    caller: TheCaller,
    site: TheSite,
    *,
    process_id: ProcessId = None,
    version_tag: VersionTag = None,
    latest: Latest = False,
    limit: Limit = PAGE,
    after: After = None,
) -> DefinitionPage:
    """Lists versions of processes, by id and version."""
    caller.need("definitions:read")
    first = which(process_id, version_tag, latest, after, limit)

    def found(reader: Reader) -> list[tuple[DefinitionRow, bool]]:
        rows: list[DefinitionRow] = []
        asked = first
        while len(rows) <= limit:
            page = reader.deployed.definitions(caller.tenant, asked)
            rows += [row for row in page if caller.may("definitions:read", row.process_id)]
            if len(page) < asked.limit:
                break
            asked = msgspec.structs.replace(asked, after=place(page[-1]))
        return [(row, reader.deployed.is_suspended(caller.tenant, row.key)) for row in rows[: limit + 1]]

    rows, following = cut(await site.backend.read(caller.tenant, found), limit, lambda pair: place(pair[0]))
    return DefinitionPage([shown(*pair) for pair in rows], following)


@get("/definitions/{key:str}")
async def get_definition(key: KeyPath, caller: TheCaller, site: TheSite) -> DefinitionOut:
    """Gives a version of a process."""
    caller.need("definitions:read")
    number = key_of(key, "definition")

    def found(reader: Reader) -> DefinitionOut:
        row = theirs(reader, caller, number, "definitions:read")
        return shown(row, reader.deployed.is_suspended(caller.tenant, number))

    return await site.backend.read(caller.tenant, found)


@get("/definitions/{key:str}/xml", media_type="application/bpmn+xml")
async def get_definition_xml(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[bytes]:
    """Gives the document that a version came from, byte for byte."""
    caller.need("definitions:read")
    number = key_of(key, "definition")

    def found(reader: Reader) -> tuple[DefinitionRow, bytes]:
        row = theirs(reader, caller, number, "definitions:read")
        return row, reader.deployed.source(caller.tenant, row)

    row, data = await site.backend.read(caller.tenant, found)
    return download(f"{row.process_id}.bpmn", data, row.digest)


@get("/definitions/{key:str}/diagram", media_type=SVG)
async def get_definition_diagram(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[bytes]:
    """Draws a version of a process as SVG."""
    caller.need("definitions:read")
    number = key_of(key, "definition")

    def found(reader: Reader) -> str:
        from procession.parse import parse_bpmn
        from procession.services.diagram import NoDiagram, render_svg

        row = theirs(reader, caller, number, "definitions:read")
        definitions, _ = parse_bpmn(reader.deployed.source(caller.tenant, row), row.process_id)
        try:
            if definitions is not None:
                return render_svg(definitions)
        except NoDiagram:
            pass
        raise NotFound(f"definition {number} holds nothing that could be drawn")

    return picture(await site.backend.read(caller.tenant, found))


@post("/definitions/{key:str}/suspend", status_code=200, opt={EXAMPLE: {"all_versions": True}})
async def suspend_definition(
    key: KeyPath,
    caller: TheCaller,
    site: TheSite,
    data: JSONBody[SteerIn | None] = None,
    idempotency_key: Idempotent = None,
) -> Steered:
    """Refuses new starts of a version, or of all versions of its process. Instances under way go on."""
    return await _steer(site, caller, key, data, idempotency_key, on=True)


@post("/definitions/{key:str}/resume", status_code=200, opt={EXAMPLE: {"all_versions": True}})
async def resume_definition(
    key: KeyPath,
    caller: TheCaller,
    site: TheSite,
    data: JSONBody[SteerIn | None] = None,
    idempotency_key: Idempotent = None,
) -> Steered:
    """Allows starts of a version again, or of all versions of its process."""
    return await _steer(site, caller, key, data, idempotency_key, on=False)


async def _steer(
    site: Site, caller: Caller, key: str, data: SteerIn | None, idempotency_key: str | None, *, on: bool
) -> Steered:
    permission = "definitions:suspend"
    caller.need(permission)
    number = key_of(key, "definition")
    row = await site.backend.read(caller.tenant, lambda reader: theirs(reader, caller, number, permission))
    version = 0 if data is not None and data.all_versions else row.version
    request = q.SuspendDefinition(caller.tenant, row.process_id, version, on)
    changed = await site.backend.ask(request, who(caller, idempotency_key, request))
    assert isinstance(changed, int)
    return Steered(changed)


def theirs(reader: Reader, caller: Caller, key: int, permission: str) -> DefinitionRow:
    """A definition of a process with which the caller may do this; raises `NotFound`."""
    row = reader.deployed.definition(caller.tenant, key)
    if not caller.may(permission, row.process_id):
        raise NotFound(f"no definition {key}")
    return row


def shown(row: DefinitionRow, suspended: bool) -> DefinitionOut:
    """A definition as JSON shows it."""
    return DefinitionOut(
        str(row.key),
        row.process_id,
        row.version,
        row.name,
        row.version_tag,
        str(row.deployment),
        row.digest,
        moment(row.at),
        suspended,
    )


def picture(svg: str) -> Response[bytes]:
    """A drawing. Opened by itself, nothing in it may run."""
    headers: dict[str, Any] = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(svg.encode(), media_type=SVG, headers=headers)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    list_definitions,
    get_definition,
    get_definition_xml,
    get_definition_diagram,
    suspend_definition,
    resume_definition,
)
