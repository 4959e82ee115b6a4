"""Commands that look: list and show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
import typer

from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, DEFAULT_TENANT, AsJson, Db, Tenant, among, existing

if TYPE_CHECKING:
    from procession import Engine

COLUMNS: Final = {
    "instances": ("key", "process_id", "version", "state", "started", "business_key"),
    "tasks": ("key", "instance", "element_id", "assignee", "created"),
    "jobs": ("key", "instance", "element_id", "type", "retries", "attempt", "due", "error"),
    "incidents": ("key", "instance", "element_id", "code", "message", "at"),
    "definitions": ("process_id", "version", "name", "version_tag", "at", "key"),
}
"""What `list` shows of each kind; `--json` has all there is."""
STATES: Final = ("active", "incident", "suspended", "completed", "terminated")


def list_things(
    what: Annotated[
        str, typer.Argument(metavar="|".join(COLUMNS), help="What to list.", autocompletion=among(COLUMNS))
    ] = "instances",
    *,
    state: Annotated[
        str,
        typer.Option(
            "--state", metavar="|".join(STATES), help="Of instances.", show_default=False, autocompletion=among(STATES)
        ),
    ] = "",
    process: Annotated[str, typer.Option("--process", help="The process's id.", show_default=False)] = "",
    business_key: Annotated[
        str, typer.Option("--business-key", help="The instances that were started with it.", show_default=False)
    ] = "",
    instance: Annotated[str, typer.Option("--instance", help="Its tasks, jobs, incidents.", show_default=False)] = "",
    after: Annotated[str, typer.Option("--after", metavar="KEY", help="Go on behind this.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 100,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """List instances, tasks, jobs, incidents or definitions."""
    from procession.cli.engines import engine_at, key_of
    from procession.cli.records import record

    output = Output(json)
    with errors(json):
        if what not in COLUMNS:
            raise Problem(f"nothing is called {what!r}", f"one of {', '.join(COLUMNS)}", USAGE)
        if state and state not in STATES:
            raise Problem(f"no state {state!r}", f"one of {', '.join(STATES)}", USAGE)
        where = _Where(
            state=state,
            process=process,
            business_key=business_key,
            instance=key_of(instance, "an instance") if instance else 0,
            after=key_of(after, "anything") if after else 0,
            limit=limit,
            tenant=tenant,
        )
        with engine_at(existing(db)) as engine:
            found = [record(view) for view in _found(engine, what, where)]
        output.records(found, {name: name.replace("_", " ") for name in COLUMNS[what]}, f"no {what}")
        if len(found) == limit:
            output.text(f"there may be more: --after {found[-1]['key']}", "dim")


def show(
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="Its key.", show_default=False)],
    *,
    svg: Annotated[
        str, typer.Option("--svg", metavar="FILE", help="Draw its tokens as SVG; - for stdout.", show_default=False)
    ] = "",
    history: Annotated[bool, typer.Option("--history", help="Every fact, in order.")] = False,
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Show an instance: state, variables, its tokens on the process, what it waits for."""
    from procession.cli.commands.documents import write_svg
    from procession.cli.engines import engine_at, key_of
    from procession.cli.records import history_record, instance_record, progress, show_history, show_instance
    from procession.services.diagram import render_svg

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        handle = engine.instance(key_of(instance, "an instance"), tenant=tenant)
        seen = progress(engine, handle, tenant)
        if svg:
            written = write_svg(render_svg(seen.definitions, seen.marks), svg)
            if svg == "-":
                return
            output.text(written)
        entries = handle.history if history else []
        document = instance_record(handle, seen)
        if history:
            document["history"] = [history_record(entry) for entry in entries]
        output.document(document)
        if not svg:
            show_instance(handle, seen, output)
        if history:
            show_history(entries, output)


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them."""

    state: str
    process: str
    business_key: str
    instance: int
    after: int
    limit: int
    tenant: str


_Views: TypeAlias = Sequence[msgspec.Struct]


def _instances(engine: Engine, w: _Where) -> _Views:
    found = engine.instances(
        process_id=w.process,
        state=w.state,
        business_key=w.business_key,
        after=w.after,
        limit=w.limit,
        tenant=w.tenant,
    )
    return [each.info for each in found]


def _found(engine: Engine, what: str, w: _Where) -> _Views:
    if what == "instances":
        return _instances(engine, w)
    if what == "definitions":
        found = engine.definitions(tenant=w.tenant)
        return [each for each in found if w.process in ("", each.process_id) and each.key > w.after][: w.limit]
    if what == "tasks":
        return engine.tasks(instance=w.instance, after=w.after, limit=w.limit, tenant=w.tenant)
    if what == "jobs":
        return engine.jobs(instance=w.instance, after=w.after, limit=w.limit, tenant=w.tenant)
    return engine.incidents(instance=w.instance, after=w.after, limit=w.limit, tenant=w.tenant)
