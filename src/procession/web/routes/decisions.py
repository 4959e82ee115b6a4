"""Decisions: their versions, their documents, and deciding."""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime.rows import DecisionRow
from procession.services.deployed import place
from procession.services.reading import Reader
from procession.web.asking import TheCaller, TheSite
from procession.web.openapi import EXAMPLE
from procession.web.routes.definitions import Latest, VersionTag, which
from procession.web.routes.deployments import download
from procession.web.routes.instances import Version
from procession.web.shapes import (
    PAGE,
    After,
    Key,
    KeyPath,
    Limit,
    Moment,
    Text,
    VariablesBody,
    cut,
    key_of,
    moment,
    variables_in,
)


@final
class DecisionOut(msgspec.Struct, frozen=True):
    """A version of a decision. `digest` is the SHA-256 of its document."""

    key: Key
    decision_id: str
    version: int
    name: str
    version_tag: str
    deployment: Key
    digest: str
    at: Moment


@final
class DecisionPage(msgspec.Struct, frozen=True):
    """Versions of decisions, by id and version."""

    items: list[DecisionOut]
    next: str | None


@final
class DecideIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to decide with; by default in the latest version."""

    variables: VariablesBody = {}
    version: Version | None = None
    version_tag: Text | None = None


@final
class DecidedOut(msgspec.Struct, frozen=True):
    """The result, and the version that gave it."""

    result: Json
    decision: DecisionOut


@get("/decisions")
async def list_decisions(
    caller: TheCaller,
    site: TheSite,
    *,
    decision_id: Annotated[str | None, QueryParameter(max_length=4_000, description="The id of the decision.")] = None,
    version_tag: VersionTag = None,
    latest: Latest = False,
    limit: Limit = PAGE,
    after: After = None,
) -> DecisionPage:
    """Lists versions of decisions, by id and version."""
    caller.need("definitions:read")
    asked = which(decision_id, version_tag, latest, after, limit)
    found = await site.backend.read(caller.tenant, lambda reader: reader.deployed.decisions(caller.tenant, asked))
    rows, following = cut(found, limit, place)
    return DecisionPage([_shown(row) for row in rows], following)


@get("/decisions/{key:str}")
async def get_decision(key: KeyPath, caller: TheCaller, site: TheSite) -> DecisionOut:
    """Gives a version of a decision."""
    caller.need("definitions:read")
    number = key_of(key, "decision")
    return _shown(
        await site.backend.read(caller.tenant, lambda reader: reader.deployed.decision(caller.tenant, number))
    )


@get("/decisions/{key:str}/xml", media_type="application/dmn+xml")
async def get_decision_xml(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[bytes]:
    """Gives the document that a version came from, byte for byte."""
    caller.need("definitions:read")
    number = key_of(key, "decision")

    def found(reader: Reader) -> tuple[DecisionRow, bytes]:
        row = reader.deployed.decision(caller.tenant, number)
        return row, reader.deployed.source(caller.tenant, row)

    row, data = await site.backend.read(caller.tenant, found)
    return download(f"{row.decision_id}.dmn", data, row.digest)


@post(
    "/decisions/{decision_id:str}/evaluate", status_code=200, opt={EXAMPLE: {"variables": {"amount": 120, "vip": True}}}
)
async def evaluate_decision(
    decision_id: Annotated[str, PathParameter(min_length=1, max_length=4_000, description="The id of the decision.")],
    data: JSONBody[DecideIn],
    caller: TheCaller,
    site: TheSite,
) -> DecidedOut:
    """Decides, and stores nothing. A decision that has no result for the variables is a problem, 422."""
    caller.need("decisions:evaluate")
    values = variables_in(data.variables)
    if data.version is not None and data.version_tag is not None:
        raise BadValue("name either a version or a version_tag")

    def decided(reader: Reader) -> DecidedOut:
        row = reader.deployed.chosen_decision(caller.tenant, decision_id, data.version or 0, data.version_tag or "")
        return DecidedOut(reader.deployed.decide(caller.tenant, row, values), _shown(row))

    return await site.backend.read(caller.tenant, decided)


def _shown(row: DecisionRow) -> DecisionOut:
    return DecisionOut(
        str(row.key),
        row.decision_id,
        row.version,
        row.name,
        row.version_tag,
        str(row.deployment),
        row.digest,
        moment(row.at),
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    list_decisions,
    get_decision,
    get_decision_xml,
    evaluate_decision,
)
