"""Commands that care for the store and the machine: backup, doctor, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from procession.cli.console import FAILED, Output, errors
from procession.cli.options import DEFAULT_DB, MEMORY, AsJson, Db, existing

_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}


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


def doctor(db: Db = DEFAULT_DB, json: AsJson = False) -> None:
    """Look at the machine and the store for what is known to cause trouble. Exits 1 on an error."""
    from procession.services.doctor import examine

    output = Output(json)
    with errors(json):
        found = list(examine(None if db == MEMORY else Path(db)))
    for check in found:
        output.document(msgspec.to_builtins(check))
        sign, color = _SIGNS[check.status]
        output.text(f"{sign} {check.name}: {check.detail}", color if check.status != "ok" else "")
        if check.remedy:
            output.text(f"    {check.remedy}", "dim")
    if any(check.status == "error" for check in found):
        raise typer.Exit(FAILED)


def version(json: AsJson = False) -> None:
    """Say which version this is."""
    import procession

    output = Output(json)
    output.document({"version": procession.__version__})
    output.text(f"procession {procession.__version__}")
