"""Commands about shadows: instances of a store that are done again on another host (docs/how-to/shadow-a-host.md)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, as_text, errors, needed_by
from procession.cli.options import DEFAULT_DB, AsJson, Db, among, existing

if TYPE_CHECKING:
    from procession.rollout.comparing import Difference
    from procession.rollout.shadow import Shadowed
    from procession.runtime.ports import Store
    from procession.services.routes import Rule
    from procession.services.shadows import ShadowReport

group: Final = typer.Typer(
    name="shadow", help="Whether instances would do the same on another host.", no_args_is_help=True
)

TO: Final = ("here", "temporal", "celery")
NAME: Final = "shadow"
SHOWN: Final = 300
"""Characters of one side of a difference."""
PAUSE_S: Final = 2.0
"""Between two looks of a run that follows."""
_EXTRA: Final = {"here": "cli"}

To = Annotated[str, typer.Option("--to", metavar="|".join(TO), help="The other host.", autocompletion=among(TO))]
Name = Annotated[str, typer.Option("--name", help="Of the run, under which its report is kept.")]
OfRule = Annotated[
    str, typer.Option("--rule", metavar="NAME", help="Those that this rule of routes means.", show_default=False)
]
OfProcess = Annotated[
    list[str] | None,
    typer.Option("--process", metavar="ID", help="Only of this process; repeatable.", show_default=False),
]
OfTenant = Annotated[
    list[str] | None,
    typer.Option("--tenant-filter", metavar="T", help="Only of this tenant; repeatable.", show_default=False),
]
OfVersion = Annotated[int, typer.Option("--version", min=0, help="Only of this version; 0: of any.")]
Percent = Annotated[float, typer.Option("--percent", min=0, max=100, help="A share of them, always the same.")]
Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="Started then or later, ISO 8601.", show_default=False)
]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0: all.")]
MaxDifferent = Annotated[
    int, typer.Option("--max-different", min=0, help="So many may be different without exit code 1.")
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on with what ends from now on.")]
Anew = Annotated[bool, typer.Option("--anew", help="Forget the report of this name, and begin again.")]
Address = Annotated[
    str, typer.Option("--address", metavar="HOST:PORT", help="A Temporal server that runs; else one is started.")
]
Namespace = Annotated[str, typer.Option("--namespace", metavar="NS", help="Of that server.")]
Broker = Annotated[
    str,
    typer.Option("--broker", metavar="URL", envvar="CELERY_BROKER_URL", help="Celery's; else a Redis is started."),
]


@group.command("run")
def run(
    to: To = TO[0],
    db: Db = DEFAULT_DB,
    name: Name = NAME,
    rule: OfRule = "",
    process: OfProcess = None,
    tenant: OfTenant = None,
    version: OfVersion = 0,
    percent: Percent = 100,
    since: Since = "",
    limit: Limit = 0,
    max_different: MaxDifferent = 0,
    follow: Follow = False,
    anew: Anew = False,
    address: Address = "",
    namespace: Namespace = "default",
    broker: Broker = "",
    json: AsJson = False,
) -> None:
    """Do instances that have ended again on another host, without effects, and compare. Exits 1 above the threshold."""
    from procession.cli.engines import engine_at, store_at
    from procession.rollout.hosts import host_named
    from procession.rollout.running import kept_by, run_of

    output = Output(json)

    def keep(report: ShadowReport) -> None:
        with engine_at(db) as engine:
            kept_by(engine, report)

    with errors(json):
        if to not in TO:
            raise Problem(f"no host {to!r}", f"one of {', '.join(TO)}", USAGE)
        with needed_by(_EXTRA.get(to, to)):
            found = host_named(to, address=address, namespace=namespace, broker=broker)
        started = _moment(since)
        with store_at(existing(db)) as store, found as host:
            chosen = _rule(store, rule, name, to, (tenant or [], process or [], version, percent))
            shadow = run_of(
                store, chosen, host, keep=keep, since=started, anew=anew, told=lambda each: _told(each, output)
            )
            shadow.go(limit)
            while follow and shadow.report.different <= max_different:
                time.sleep(PAUSE_S)
                shadow.go(limit)
        _summed(shadow.report, output)
    if shadow.report.different > max_different:
        raise typer.Exit(FAILED)


@group.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Of one run; else all.", show_default=False)] = "",
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """What shadow runs found so far."""
    from procession.cli.engines import store_at
    from procession.services.shadows import find_shadow, shadows

    output = Output(json)
    with errors(json), store_at(existing(db)) as store:
        one = find_shadow(store, name) if name else None
        if name and one is None:
            raise Problem(f"no shadow run is called {name!r}", "see them all with: procession shadow show")
        found = [one] if one is not None else shadows(store)
        for report in found:
            _summed(report, output)
        if not found:
            output.text("nothing was shadowed", "dim")


def _moment(since: str) -> int:
    from procession.base.failure import Failure
    from procession.core.timers import date_time_ms

    try:
        return date_time_ms(since, "UTC") if since else 0
    except Failure as failure:
        raise Problem(f"--since {since!r}: {failure}", "write it as 2026-01-31T09:00:00Z", USAGE) from None


def _rule(store: Store, rule: str, name: str, to: str, wanted: tuple[list[str], list[str], int, float]) -> Rule:
    """The rule of a run: that of the routes, or what the options say."""
    from procession.runtime.tenants import PLATFORM
    from procession.services.records import Records
    from procession.services.routes import KIND, Routes, Rule
    from procession.services.views import Views

    tenants, processes, version, percent = wanted
    if not rule:
        return Rule(name, to, tuple(tenants), tuple(processes), (version, version), percent=percent)
    record = Records(store, Views(store)).find(PLATFORM, KIND, KIND)
    known = record.read(Routes).rules if record is not None else ()
    found = next((each for each in known if each.name == rule), None)
    if found is None:
        raise Problem(f"no rule is called {rule!r}", "see them with: procession routes show")
    # The share is drawn as the rule draws it, whatever the run is called.
    return msgspec.structs.replace(found, name=name, to=to, salt=found.salt or found.name)


def _told(shadowed: Shadowed, output: Output) -> None:
    """One instance: a line, and what is different in it with both sides."""
    output.document({**msgspec.to_builtins(shadowed), "instance": str(shadowed.instance)})
    if shadowed.status == "equal":
        return
    style = "bold red" if shadowed.status == "different" else "yellow"
    output.text(f"{shadowed.status}: {shadowed.tenant} {shadowed.instance} ({shadowed.process})", style)
    for reason in shadowed.reasons:
        output.text(f"    {reason}")
    for each in shadowed.differences:
        _differs(each, output)


def _differs(each: Difference, output: Output) -> None:
    output.text(f"    {each.place}: {each.part} at {each.path or each.process}")
    output.text(f"        here:  {_side(each.here)}")
    output.text(f"        there: {_side(each.there)}")


def _side(value: object) -> str:
    text = "nothing" if value is None else as_text(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _summed(report: ShadowReport, output: Output) -> None:
    output.document({**msgspec.to_builtins(report), "after": str(report.after)})
    counts = f"{report.equal} equal, {report.different} different, {report.untold} untold"
    output.text(f"{report.name}: {report.compared} shadowed on {report.host}: {counts}")
    for place, count in sorted(report.elements.items(), key=lambda item: (-item[1], item[0])):
        output.text(f"    {place}: {count}")
    if report.waiting:
        output.text(f"    {len(report.waiting)} were still active", "dim")
