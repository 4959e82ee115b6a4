"""Commands that care for the store and the machine: backup, doctor, version."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, DEFAULT_TENANT, MEMORY, AsJson, Db, Tenant, existing

_SIGNS: Final = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}
_SEVERITIES: Final = {
    "broken": ("✗", "red"),
    "stuck": ("✗", "red"),
    "retrying": ("!", "yellow"),
    "waiting": ("·", "cyan"),
    "healthy": ("✓", "green"),
}
_TOGETHER: Final = "of an instance: procession doctor INSTANCE --temporal HOST:PORT; of this machine: procession doctor"


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist.", show_default=False)],
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Copy the store to a new file while engines run on it. The copy is consistent."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(existing(db)) as engine:
        engine.backup(file)
        size = file.stat().st_size
        output.document({"file": str(file), "bytes": size})
        output.text(f"copied {db} to {file}: {size // 1024:,} KB")


def doctor(
    instance: Annotated[
        str, typer.Argument(metavar="[INSTANCE]", help="Why does this one not go on?", show_default=False)
    ] = "",
    *,
    temporal: Annotated[
        str,
        typer.Option("--temporal", metavar="ADDRESS", help="The Temporal cluster that runs it.", show_default=False),
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", help="The namespace there.")] = "default",
    db: Db = DEFAULT_DB,
    tenant: Tenant = DEFAULT_TENANT,
    json: AsJson = False,
) -> None:
    """Look at the machine and the store for what is known to cause trouble; or, of an instance on Temporal, say why it
    does not go on, and what to do. Changes nothing. Exits 1 on an error, or for an instance that is stuck or broken.
    """
    output = Output(json)
    with errors(json):
        if bool(instance) != bool(temporal):
            raise Problem("--temporal and INSTANCE come together", _TOGETHER, USAGE)
        bad = _instance(instance, (temporal, namespace), db, tenant, output) if instance else _machine(db, output)
    if bad:
        raise typer.Exit(FAILED)


def _machine(db: str, output: Output) -> bool:
    from procession.services.doctor import examine

    found = list(examine(None if db == MEMORY or "://" in db else Path(db)))
    for check in found:
        output.document(msgspec.to_builtins(check))
        _finding(output, _SIGNS[check.status], f"{check.name}: {check.detail}", check.remedy)
    return any(check.status == "error" for check in found)


def _instance(instance: str, cluster: tuple[str, str], db: str, tenant: str, output: Output) -> bool:
    from procession.cli.engines import key_of

    if find_spec("temporalio") is None:
        raise Problem("the Temporal SDK is missing", "pip install 'procession[cli,temporal]'")
    from procession.hosts.temporal.doctor.diagnosis import diagnosed
    from procession.hosts.temporal.doctor.verdicts import BAD, worst

    # Without a store the cluster alone is asked; but one that was named must be there.
    file = existing(db) if db != DEFAULT_DB or Path(db).exists() else ""
    found = diagnosed(*cluster, file, tenant, key_of(instance, "an instance"))
    severity = worst(found.verdicts)
    output.document({"severity": severity, **msgspec.to_builtins(found)})
    output.text(f"instance {instance} is {severity}", "bold")
    for verdict in found.verdicts:
        _finding(output, _SEVERITIES[verdict.severity], f"{verdict.code}: {verdict.cause}", verdict.remedy)
    for missing in found.facts.unavailable:
        output.text(f"· {missing}", "dim")
    if not file:
        output.text("· no store was asked: name it with --db", "dim")
    return severity in BAD


def _finding(output: Output, sign: tuple[str, str], text: str, remedy: str) -> None:
    mark, color = sign
    output.text(f"{mark} {text}", color if color != "green" else "")
    if remedy:
        output.text(f"    {remedy}", "dim")


def version(json: AsJson = False) -> None:
    """Say which version this is."""
    import procession

    output = Output(json)
    output.document({"version": procession.__version__})
    output.text(f"procession {procession.__version__}")
