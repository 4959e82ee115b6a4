"""Commands about tenants: what they may have, their keys, their environments, their way out."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar, cast

import msgspec
import typer

from procession.base.values import Json
from procession.cli.asking import asked, who
from procession.cli.console import USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY

if TYPE_CHECKING:
    from procession.services.backend import Backend
    from procession.services.tenancy.limits import Limits

group: Final = typer.Typer(name="tenant", help="Tenants: limits, keys, environments, export.", no_args_is_help=True)

_T = TypeVar("_T")

Name: TypeAlias = Annotated[str, typer.Argument(metavar="TENANT", help="Its name.", show_default=False)]
_NO_KEYS: Final = "name master keys with PROCESSION_ENCRYPTION__MASTER_KEYS (docs/tenants.md)"


@group.command("list")
def list_tenants(db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """The tenants of the store, with what they have now."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        records: list[dict[str, object]] = []
        for name in sorted(row.name for row in engine.store.read("tenants", EVERYBODY, NamedRow)):
            counts = engine.counts(tenant=name)
            weight = asked(engine, partial(_limits, tenant=name)).weight
            records.append({"tenant": name, "active": counts.get("active", 0), "weight": weight})
        output.records(records, {"tenant": "TENANT", "active": "ACTIVE", "weight": "WEIGHT"}, "no tenants")


@group.command("create")
def create(tenant: Name, db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Make a tenant known; `acme:test` is the environment `test` of `acme`."""
    from procession.cli.engines import engine_at
    from procession.runtime.requests import AddTenant
    from procession.services.tenancy.environments import SEPARATOR, add_environment

    output = Output(json)
    with errors(json), engine_at(db) as engine:
        parent, _, name = tenant.partition(SEPARATOR)
        if name:
            asked(engine, lambda backend: add_environment(backend, parent, name, who()))
        else:
            asked(engine, lambda backend: backend.ask(AddTenant(tenant), who()))
        output.document({"tenant": tenant})
        output.text(f"{tenant} is known")


@group.command("quota")
def quota(
    tenant: Name,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUOTA=N]...", help="Quotas to set; 0 is none.", show_default=False),
    ] = None,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Show what a tenant may have and has; or change its quotas."""
    from procession.cli.engines import engine_at
    from procession.services.tenancy.limits import QUOTAS
    from procession.services.tenancy.usage import usage_of

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        if changes:
            given = dict(_quota(each, QUOTAS) for each in changes)
            asked(engine, lambda backend: _change(backend, tenant, given))
        usage = asked(engine, lambda backend: backend.read(tenant, lambda reader: usage_of(reader, tenant)))
        output.document(msgspec.to_builtins(usage))
        for name in QUOTAS:
            most: int = getattr(usage.limits, name)
            output.text(f"{name:<20} {most or 'no limit'}")
        output.text(f"now: {usage.active_instances} active, {usage.definitions} definitions, {usage.bytes:,} bytes")


@group.command("weight")
def weight(
    tenant: Name,
    turns: Annotated[int, typer.Argument(metavar="N", help="Turns for one of everybody else's.", min=1, max=100)],
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Give a tenant more turns than others, while both have something to do."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        asked(engine, lambda backend: _change(backend, tenant, {"weight": turns}))
        output.document({"tenant": tenant, "weight": turns})
        output.text(f"{tenant} has {turns} turns for one of a tenant of weight 1")


@group.command("rotate-key")
def rotate_key(
    tenant: Annotated[str, typer.Argument(metavar="[TENANT]", help="Its name.", show_default=False)] = "",
    *,
    rewrap: Annotated[
        bool, typer.Option("--rewrap", help="Instead: wrap all keys anew with the active master key.")
    ] = False,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Give a tenant a new key for what is stored from now on; what was stored stays readable."""
    from procession.cli.engines import engine_with_keys

    output = Output(json)
    with errors(json), engine_with_keys(existing(db)) as (engine, keys):
        if keys is None:
            raise Problem("this store is opened without keys", _NO_KEYS, USAGE)
        if bool(tenant) == rewrap:
            raise Problem("name a tenant, or use --rewrap for the keys of all", "", USAGE)
        if rewrap:
            count = keys.rewrap_all()
            output.document({"rewrapped": count})
            output.text(f"{count} keys are wrapped with the active master key")
            return
        number = asked(engine, lambda backend: backend.read(tenant, lambda reader: reader.views.tenant_number(tenant)))
        generation = keys.rotate(number)
        output.document({"tenant": tenant, "generation": generation})
        output.text(f"{tenant}: key {generation} seals from now on")


@group.command("export")
def export(
    tenant: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="It must not exist.", show_default=False)],
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Write everything of a tenant into a file, a JSON object on each line; secrets are left out."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        lines = asked(engine, lambda backend: _write(backend, tenant, file))
        output.document({"tenant": tenant, "file": str(file), "lines": lines})
        output.text(f"{tenant}: {lines} lines in {file}")


@group.command("delete")
def delete(
    tenant: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Delete a tenant with everything that it has, for good, and destroy its keys."""
    from procession.cli.engines import documents_of, engine_with_keys
    from procession.services.tenancy.deleting import delete_tenant, scrub

    output = Output(json)
    with errors(json), engine_with_keys(existing(db)) as (engine, keys):
        if not yes and (json or not typer.confirm(f"Delete {tenant} and everything that it has?")):
            raise Problem(f"{tenant} was not deleted", "say so with --yes")
        shelf = documents_of(keys)
        deleted = asked(engine, lambda backend: delete_tenant(backend, tenant, who(), keys, shelf))
        if not deleted.shredded:
            scrub(engine.store)
        output.document(msgspec.to_builtins(deleted))
        output.text(f"{tenant} is gone: {deleted.rows} rows{', and its keys' if deleted.shredded else ''}")


@group.command("promote")
def promote(
    source: Annotated[str, typer.Option("--from", metavar="TENANT", help="The environment that has it.")],
    target: Annotated[str, typer.Option("--to", metavar="TENANT", help="The environment that gets it.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say only what would change.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also over what the source does not know.")] = False,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Deploy in one environment what is current in another one of the same tenant."""
    from procession.cli.engines import engine_at
    from procession.services.tenancy import promotion

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        done = asked(
            engine,
            lambda backend: promotion.promote(backend, source, target, who(), dry_run=dry_run, force=force),
        )
        output.document(msgspec.to_builtins(done))
        for each in done.changes:
            output.text(f"{each.state:<8} {each.what} {each.id}  {each.document}  version {each.source_version}")
        for name in done.only_there:
            output.text(f"only in {target}: {name}")
        output.text(f"{len(done.deployments)} deployments in {target}" if not dry_run else "nothing was deployed")


async def _limits(backend: Backend, tenant: str) -> Limits:
    from procession.services.tenancy.rates import limits_in

    return await backend.read(tenant, lambda reader: limits_in(reader, tenant))


async def _change(backend: Backend, tenant: str, changes: dict[str, int]) -> None:
    from procession.runtime.requests import PutRecord
    from procession.services.tenancy.limits import KIND

    limits = msgspec.structs.replace(await _limits(backend, tenant), **changes)
    await backend.ask(PutRecord(tenant, KIND, KIND, cast("Json", msgspec.to_builtins(limits))), who())


async def _write(backend: Backend, tenant: str, file: Path) -> int:
    from procession.services.tenancy.export import exported

    lines = 0
    chunks = exported(backend, tenant, time.time_ns() // 1_000_000)
    first = await anext(chunks)
    # A file that is there may be somebody's only copy.
    with file.open("xb") as target:
        target.write(first)
        lines += first.count(b"\n")
        async for chunk in chunks:
            target.write(chunk)
            lines += chunk.count(b"\n")
    return lines


def _quota(text: str, known: tuple[str, ...]) -> tuple[str, int]:
    name, sign, number = text.partition("=")
    if not sign or name not in known or not (number.isascii() and number.isdecimal()):
        raise Problem(f"{text!r} is no quota", f"write one of {', '.join(known)}, and =N", USAGE)
    return name, int(number)
