"""The commands by name, and the program around them: completion, help, interrupts, closed pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
import typer

from procession.cli.commands import (
    audit,
    batches,
    care,
    celery,
    changes,
    config,
    decisions,
    dev,
    documents,
    expressions,
    flags,
    impact,
    importing,
    instances,
    js,
    moving,
    papers,
    remote,
    replaying,
    rollout,
    routes,
    running,
    scenarios,
    serve,
    shadowing,
    temporal,
    tenant,
    work,
    worker,
)
from procession.cli.console import USAGE

HELP: Final = """Runs business processes that people draw.

Exit codes: 0 done · 1 an error, an incident or a failed scenario · 2 wrong usage · 3 (run) still waiting.
The store is --db, else $PROCESSION_DB, else ./procession.db."""

app: Final = typer.Typer(
    name="procession", help=HELP, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False
)

_RUNNING: Final = "Run"
_MODELS: Final = "Models"
_LOOKING: Final = "Look"
_WORK: Final = "Work"
_CHANGE: Final = "Change"
_CARE: Final = "Care"

_COMMANDS: Final[tuple[tuple[str, Callable[..., None], str], ...]] = (
    ("run", running.run, _RUNNING),
    ("dev", dev.dev, _RUNNING),
    ("serve", serve.serve, _RUNNING),
    ("start", running.start, _RUNNING),
    ("check", documents.check, _MODELS),
    ("deploy", documents.deploy, _MODELS),
    ("draw", documents.draw, _MODELS),
    ("import", importing.import_models, _MODELS),
    ("test", scenarios.run_scenarios, _MODELS),
    ("feel", expressions.feel, _MODELS),
    ("list", instances.list_things, _LOOKING),
    ("show", instances.show, _LOOKING),
    ("complete", work.complete, _WORK),
    ("message", work.message, _WORK),
    ("signal", work.signal, _WORK),
    ("evaluate", work.evaluate, _WORK),
    ("resolve", work.resolve, _WORK),
    ("set", work.set_variables, _WORK),
    ("trigger", work.trigger, _WORK),
    ("cancel", work.cancel, _WORK),
    ("modify", changes.modify, _CHANGE),
    ("migrate", changes.migrate, _CHANGE),
    ("plan", changes.plan, _CHANGE),
    ("suspend", changes.suspend, _CHANGE),
    ("resume", changes.resume, _CHANGE),
    ("restart", changes.restart, _CHANGE),
    ("move", moving.move, _CHANGE),
    ("impact", impact.impact, _CHANGE),
    ("backup", care.backup, _CARE),
    ("doctor", care.doctor, _CARE),
    ("replay", replaying.replay, _CARE),
    ("version", care.version, _CARE),
)
for _name, _command, _panel in _COMMANDS:
    app.command(_name, rich_help_panel=_panel)(_command)
app.add_typer(decisions.group, name="dmn", rich_help_panel=_MODELS)
app.add_typer(js.group, name="js", rich_help_panel=_MODELS)
worker.group.command("remote")(remote.remote)
app.add_typer(audit.group, name="audit", rich_help_panel=_CARE)
app.add_typer(worker.group, name="worker", rich_help_panel=_RUNNING)
app.add_typer(celery.group, name="celery", rich_help_panel=_MODELS)
app.add_typer(batches.group, name="batch", rich_help_panel=_CHANGE)
app.add_typer(config.group, name="config", rich_help_panel=_CARE)
app.add_typer(flags.group, name="flags", rich_help_panel=_CARE)
app.add_typer(papers.group, name="papers", rich_help_panel=_MODELS)
app.add_typer(rollout.group, name="rollout", rich_help_panel=_CARE)
app.add_typer(routes.group, name="routes", rich_help_panel=_CARE)
app.add_typer(shadowing.group, name="shadow", rich_help_panel=_CARE)
app.add_typer(tenant.group, name="tenant", rich_help_panel=_CARE)
app.add_typer(temporal.group, name="temporal", rich_help_panel=_CARE)


def _version(wanted: bool) -> None:
    if wanted:
        care.version()
        raise typer.Exit


@app.callback()
def _of_all_commands(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Options that come before the command."""


def run(arguments: list[str]) -> None:
    """Runs one command line and ends the process."""
    if arguments[:1] == ["import"]:
        arguments = importing.spelled(arguments)
    try:
        if "--json" in arguments:
            _run_for_scripts(arguments)
        else:
            app(arguments)
    except BrokenPipeError:
        # Whoever reads us (head, less) has seen enough; Python must not complain about it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _run_for_scripts(arguments: list[str]) -> None:
    """As `app`, but wrong usage is a JSON document on stderr like every other error, not a page of help."""
    try:
        code: object = app(arguments, standalone_mode=False)
    except typer.Abort:
        raise SystemExit(_INTERRUPTED) from None
    except Exception as error:
        # Typer keeps the base class of its usage errors to itself; this method is what they have in common.
        told: Callable[[], str] | None = getattr(error, "format_message", None)
        if told is None:
            raise
        record = {"error": told(), "remedy": "see: procession --help, or procession COMMAND --help"}
        sys.stderr.write(msgspec.json.encode(record).decode() + "\n")
        raise SystemExit(USAGE) from None
    raise SystemExit(code if isinstance(code, int) else 0)


_INTERRUPTED: Final = 130
"""What a shell expects of a program that Ctrl-C ended."""
