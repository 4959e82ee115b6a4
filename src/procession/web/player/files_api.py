"""Files of journeys piece by piece, by the protocol tus 1.0: to a field of an open task of the session."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Response, delete, head, patch, post
from litestar.exceptions import HTTPException
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue, NotFound
from procession.services.journeys.players import Player
from procession.web.asking import TheSite
from procession.web.player.filing import UNKNOWN, Filing, Named, field_at
from procession.web.player.guards import CSRF_HEADER, Asking, addresses_of, check_session, player_of
from procession.web.player.journey_pages import OPTIONS, Journey, Tenant
from procession.web.player.moves import seen
from procession.web.site import Site
from procession.web.tus import (
    PIECE,
    At,
    Metadata,
    Tus,
    Whole,
    check_version,
    checked_digest,
    metadata_of,
    told,
)

FileId = Annotated[str, PathParameter(pattern="^doc_[0-9a-f]{32}$")]


@post("/{tenant:str}/{journey:str}/api/files", status_code=201, opt=OPTIONS, request_max_body_size=None)
async def begin_file(
    *,
    request: Asking,
    site: TheSite,
    tenant: Tenant,
    journey: Journey,
    tus: Tus,
    length: Whole,
    metadata: Metadata,
) -> Response[None]:
    """Begins a file for the field at `path` of the metadata. `Location` is where its pieces go; the first may come with
    this request."""
    player = await _writing(request, site, tenant, journey)
    check_version(tus)
    given = metadata_of(metadata)
    task = _task(given.get("task", ""))
    scene = await seen(site, player, "", task=task)
    if scene.filling is None or scene.spot.task is None:
        raise NotFound("no page that files may be sent to is open")
    item = field_at(scene.filling.view(), given.get("path", ""))
    filing = Filing(site, player, scene.spot.task.key)
    file = Named(given.get("filename", ""), given.get("filetype", "") or UNKNOWN, length)
    progress = await filing.begin(item, file, checked_digest(given))
    id = _id(progress.id)
    if request.content_type[0] == PIECE and not progress.document:
        progress = await filing.append(id, progress.offset, request.stream())
    where = f"{addresses_of(player).api('files')}/{id}?task={scene.spot.task.key}"
    return told(progress, 201, {"location": where})


@head("/{tenant:str}/{journey:str}/api/files/{id:str}", media_type="application/json", opt=OPTIONS)
async def head_file(
    *, request: Asking, site: TheSite, tenant: Tenant, journey: Journey, id: FileId, tus: Tus
) -> Response[None]:
    """How far a file is: `Upload-Offset` is where it goes on."""
    player = await player_of(request, site, tenant, journey)
    check_version(tus)
    progress = await (await _filing(request, site, player)).progress(id)
    return told(progress, 200, {"cache-control": "no-store", "upload-length": str(progress.length)})


@patch("/{tenant:str}/{journey:str}/api/files/{id:str}", status_code=204, opt=OPTIONS, request_max_body_size=None)
async def go_on_with_file(
    *, request: Asking, site: TheSite, tenant: Tenant, journey: Journey, id: FileId, tus: Tus, offset: At
) -> Response[None]:
    """Takes a piece of a file. What comes of one that breaks off is kept."""
    player = await _writing(request, site, tenant, journey)
    check_version(tus)
    if request.content_type[0] != PIECE:
        raise HTTPException(status_code=415, detail=f"a piece has the Content-Type {PIECE}")
    progress = await (await _filing(request, site, player)).append(id, offset, request.stream())
    return told(progress, 204, {})


@delete("/{tenant:str}/{journey:str}/api/files/{id:str}", status_code=204, opt=OPTIONS)
async def end_file(
    *, request: Asking, site: TheSite, tenant: Tenant, journey: Journey, id: FileId, tus: Tus
) -> Response[None]:
    """Takes a file away, finished or not."""
    player = await _writing(request, site, tenant, journey)
    check_version(tus)
    await (await _filing(request, site, player)).give_up(id)
    return Response(None, status_code=204, headers={"tus-resumable": tus})


async def _writing(request: Asking, site: Site, tenant: str, journey: str) -> Player:
    player = await player_of(request, site, tenant, journey)
    check_session(request, site, request.headers.get(CSRF_HEADER, ""))
    return player


async def _filing(request: Asking, site: Site, player: Player) -> Filing:
    """Of the task that the address names, else of the one that is open."""
    task = _task(request.query_params.get("task", ""))
    if not task:
        scene = await seen(site, player, "")
        if scene.spot.task is None:
            raise NotFound("no page that files may be sent to is open")
        task = scene.spot.task.key
    return Filing(site, player, task)


def _task(text: Any) -> int:
    if text and (not text.isascii() or not text.isdigit() or len(text) > 19):
        raise BadValue("`task` is no key")
    return int(text or 0)


def _id(upload: str) -> str:
    return f"doc_{upload.removeprefix('upl_')}"


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (begin_file, head_file, go_on_with_file, end_file)
