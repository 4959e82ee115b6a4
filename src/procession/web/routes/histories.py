"""What happened in an instance and where it is: its history, its elements, its incidents, its picture."""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from litestar import Response, get
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.base.values import Json
from procession.services.elements import ElementView, elements_of
from procession.services.histories import Entry, WarningView
from procession.services.reading import Reader
from procession.services.views import IncidentView, InstanceView
from procession.services.views import Moment as MomentView
from procession.web.asking import TheCaller, TheSite, visible
from procession.web.routes.definitions import SVG, picture
from procession.web.shapes import (
    PAGE,
    After,
    Key,
    KeyPath,
    Limit,
    Moment,
    cut,
    key_behind,
    key_of,
    moment,
    place_of,
    plain_fields,
)


@final
class EntryOut(msgspec.Struct, frozen=True):
    """A fact of a history: step `seq` at a time, about an element, or a sequence flow, or ("") the instance. What
    stands in `fact` is told by docs/reference/facts.md, by `kind`."""

    seq: int
    at: Moment
    kind: str
    element: Key | None
    element_id: str
    fact: dict[str, Json]


@final
class HistoryPage(msgspec.Struct, frozen=True):
    """Facts, in the order in which they were decided."""

    items: list[EntryOut]
    next: str | None


@final
class ElementOut(msgspec.Struct, frozen=True):
    """An element instance. `scope` is the key of the one around it, null for the process; `type` the BPMN element's
    name; `called` the instance that a call activity waits for; `index` its number, from 1, among the repetitions of a
    multi-instance activity; `arrived` are tokens that wait at a join, by their sequence flow."""

    key: Key
    element_id: str
    name: str
    type: str
    scope: Key | None
    stage: str
    index: int
    called: Key | None
    arrived: dict[str, int]
    has_incident: bool


@final
class ElementPage(msgspec.Struct, frozen=True):
    """Element instances that are active, by key; the process itself is the first of them."""

    items: list[ElementOut]
    next: str | None


@final
class InstanceIncident(msgspec.Struct, frozen=True):
    """An open incident of an instance. `job` is the job that is out of retries, null for another cause."""

    key: Key
    element: Key | None
    element_id: str
    code: str
    message: str
    job: Key | None
    at: Moment


@final
class InstanceIncidentPage(msgspec.Struct, frozen=True):
    """Open incidents, by key."""

    items: list[InstanceIncident]
    next: str | None


@final
class WarningOut(msgspec.Struct, frozen=True):
    """A warning of an expression: why a part of it became null. `attribute` says what the expression is of its element;
    `start` and `end` count characters of it."""

    element: Key | None
    element_id: str
    at: Moment
    code: str
    message: str
    attribute: str
    expression: str
    start: int
    end: int


@final
class WarningPage(msgspec.Struct, frozen=True):
    """Warnings, in order."""

    items: list[WarningOut]
    next: str | None


@final
class MomentOut(msgspec.Struct, frozen=True):
    """An instance as it was after the step `seq` of its history. `tokens` are the active element instances by element,
    `variables` those of the process's own scope."""

    seq: int
    at: Moment
    state: str
    tokens: dict[str, int]
    variables: dict[str, Json]


@get("/instances/{key:str}/history")
async def get_instance_history(
    key: KeyPath, caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None
) -> HistoryPage:
    """Gives the history of an instance: every fact, in order."""
    number = key_of(key, "instance")
    place = place_of(after, int, int)

    def found(reader: Reader, _: InstanceView) -> HistoryPage:
        numbered = _numbered(reader.history(caller.tenant, number))
        rows = [each for each in numbered if place is None or each[:2] > place][: limit + 1]
        shown, following = cut(rows, limit, lambda row: row[:2])
        return HistoryPage([_entry(row[2]) for row in shown], following)

    return await visible(site, caller, number, found)


def _numbered(entries: list[Entry]) -> list[tuple[int, int, Entry]]:
    """(step, which fact of it, the fact): what forgetting the oldest steps does not change."""
    result: list[tuple[int, int, Entry]] = []
    for entry in entries:
        at = result[-1][1] + 1 if result and result[-1][0] == entry.seq else 0
        result.append((entry.seq, at, entry))
    return result


def _entry(entry: Entry) -> EntryOut:
    element = str(entry.element) if entry.element else None
    return EntryOut(entry.seq, moment(entry.at), entry.kind, element, entry.element_id, plain_fields(entry.fact))


@get("/instances/{key:str}/elements")
async def list_instance_elements(
    key: KeyPath, caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None
) -> ElementPage:
    """Lists the element instances that are active: where the tokens are."""
    number, behind = key_of(key, "instance"), key_behind(after)

    def found(reader: Reader, _: InstanceView) -> ElementPage:
        active = elements_of(reader.views.load(caller.tenant, number))
        rows = [each for each in active if each.key > behind][: limit + 1]
        shown, following = cut(rows, limit, lambda row: (row.key,))
        return ElementPage([_element(each) for each in shown], following)

    return await visible(site, caller, number, found)


def _element(view: ElementView) -> ElementOut:
    return ElementOut(
        str(view.key),
        view.element_id,
        view.name,
        view.type,
        str(view.scope) if view.scope else None,
        view.stage,
        view.index,
        str(view.called) if view.called else None,
        view.arrived,
        view.has_incident,
    )


@get("/instances/{key:str}/incidents")
async def list_instance_incidents(
    key: KeyPath, caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None
) -> InstanceIncidentPage:
    """Lists the open incidents of an instance."""
    number, behind = key_of(key, "instance"), key_behind(after)

    def found(reader: Reader, _: InstanceView) -> InstanceIncidentPage:
        rows = reader.views.incidents(caller.tenant, instance=number, after=behind, limit=limit + 1)
        shown, following = cut(rows, limit, lambda row: (row.key,))
        return InstanceIncidentPage([_incident(each) for each in shown], following)

    return await visible(site, caller, number, found)


def _incident(view: IncidentView) -> InstanceIncident:
    element, job = (str(each) if each else None for each in (view.element, view.job))
    return InstanceIncident(str(view.key), element, view.element_id, view.code, view.message, job, moment(view.at))


@get("/instances/{key:str}/warnings")
async def list_instance_warnings(
    key: KeyPath, caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None
) -> WarningPage:
    """Lists what expressions of an instance had to say: a value that was missing, operands of the wrong type."""
    number, behind = key_of(key, "instance"), key_behind(after)

    def found(reader: Reader, _: InstanceView) -> WarningPage:
        numbered = list(enumerate(reader.warnings(caller.tenant, number), 1))
        shown, following = cut([row for row in numbered if row[0] > behind][: limit + 1], limit, lambda row: (row[0],))
        return WarningPage([_warning(each) for _, each in shown], following)

    return await visible(site, caller, number, found)


def _warning(view: WarningView) -> WarningOut:
    return WarningOut(
        str(view.element) if view.element else None,
        view.element_id,
        moment(view.at),
        view.code,
        view.message,
        view.attribute,
        view.expression,
        view.start,
        view.end,
    )


@get("/instances/{key:str}/diagram", media_type=SVG)
async def get_instance_diagram(key: KeyPath, caller: TheCaller, site: TheSite) -> Response[bytes]:
    """Draws an instance on its process as SVG: tokens, incidents, what was completed and taken how often."""
    number = key_of(key, "instance")

    def found(reader: Reader, _: InstanceView) -> str:
        from procession.services.diagram import NoDiagram, render_svg
        from procession.services.progress import progress_of

        seen = progress_of(reader.views, caller.tenant, number)
        try:
            return render_svg(seen.definitions, seen.marks)
        except NoDiagram:
            raise NotFound(f"the process of instance {number} holds nothing that could be drawn") from None

    return picture(await visible(site, caller, number, found))


@get("/instances/{key:str}/moments/{seq:int}")
async def get_instance_moment(
    key: KeyPath,
    seq: Annotated[int, PathParameter(ge=1, lt=1 << 31, description="A step of its history.")],
    caller: TheCaller,
    site: TheSite,
) -> MomentOut:
    """Gives an instance as it was after a step of its history."""
    number = key_of(key, "instance")

    def found(reader: Reader, _: InstanceView) -> MomentView:
        return reader.moment(caller.tenant, number, seq)

    was = await visible(site, caller, number, found)
    return MomentOut(was.seq, moment(was.at), was.state, was.tokens, was.variables)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    get_instance_history,
    list_instance_elements,
    list_instance_incidents,
    list_instance_warnings,
    get_instance_diagram,
    get_instance_moment,
)
