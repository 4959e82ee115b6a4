"""The command that moves an instance to another host, and back (docs/how-to/move-instances.md)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from procession.cli.commands.changes import Key
from procession.cli.console import Output, errors, needed_by
from procession.cli.options import DEFAULT_DB, DEFAULT_TENANT, AsJson, Db, Tenant, existing

if TYPE_CHECKING:
    from procession import Engine

COLUMNS = {"instance": "INSTANCE", "element_id": "ELEMENT", "what": "WAITS FOR", "becomes": "BECOMES"}


def move(
    instance: Key,
    *,
    to: Annotated[
        str,
        typer.Option("--to", metavar="HOST", help="`temporal`, or `here`: the store's own host.", show_default=False),
    ],
    jobs: Annotated[
        str, typer.Option("--jobs", metavar="carry|wait", help="What becomes of jobs that are under way.")
    ] = "carry",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would become of what it waits for.")
    ] = False,
    address: Annotated[str, typer.Option("--address", metavar="HOST:PORT", help="Of the Temporal cluster.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", metavar="NS", help="Its namespace.")] = "default",
    queue: Annotated[str, typer.Option("--queue", metavar="NAME", help="The task queue of workflows.")] = "",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Let an instance, with all that it called, go on on another host. Repeat it if anything ends it half-way."""
    from procession.cli.engines import engine_at, key_of

    output = Output(json)
    with errors(json):
        key = key_of(instance, "an instance")
        if dry_run:
            with engine_at(existing(db)) as engine:
                fates = [msgspec.to_builtins(each) for each in engine.changes.move_fates(key, to, tenant=tenant)]
                output.records(fates, COLUMNS, "it waits for nothing")
            return
        with _engine(existing(db), address, namespace, queue) as engine:
            moved = engine.changes.move(key, to, jobs=jobs, tenant=tenant)
        output.document({"instance": str(key), "to": to, "moved": moved})
        output.text(f"{moved} instances moved to {to}" if moved else f"instance {key} is {to} already")


@contextmanager
def _engine(db: str, address: str, namespace: str, queue: str) -> Generator[Engine]:
    """An engine that knows the cluster, and runs no workflows itself."""
    from procession import Engine

    with needed_by("temporal"):
        from procession import Temporal
    host = Temporal(address, namespace=namespace, queue=queue, work=False)
    with Engine(db, host=host) as engine:
        yield engine
