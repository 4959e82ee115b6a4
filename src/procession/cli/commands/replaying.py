"""The command that does again what instances did, with the code of this version, before it runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, cast

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson, existing

if TYPE_CHECKING:
    from procession.hosts.temporal.replaying import Replayed
    from procession.services.rereading import Reread

Found: TypeAlias = "Replayed | Reread"

_NEEDED: Final = ("temporalio", "zstandard")


def replay(
    *,
    histories: Annotated[
        Path | None,
        typer.Option(
            "--histories", metavar="DIR", help="Histories and compressed stores in files.", show_default=False
        ),
    ] = None,
    temporal: Annotated[
        str, typer.Option("--temporal", metavar="ADDRESS", help="Histories of a cluster.", show_default=False)
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", metavar="NS", help="Of the cluster.")] = "default",
    query: Annotated[
        str, typer.Option("--query", metavar="Q", help="Which workflows, as Temporal lists them.", show_default=False)
    ] = "",
    sample: Annotated[int, typer.Option("--sample", metavar="N", min=0, help="About so many; 0 for all.")] = 0,
    db: Annotated[
        str,
        typer.Option(
            "--db",
            metavar="PATH",
            help="A store: programs and facts for --temporal; alone, its instances are read again.",
            show_default=False,
        ),
    ] = "",
    codec: Annotated[
        str, typer.Option("--codec", metavar="FILE", help="How payloads are sealed, TOML or JSON.", show_default=False)
    ] = "",
    json: AsJson = False,
) -> None:
    """Do again what instances did, with this version's code. Exits 1 if it would do anything else."""
    output = Output(json)
    with errors(json):
        if bool(histories) == bool(temporal) and (histories or not db):
            raise Problem("what is to be replayed?", "one of --histories DIR, --temporal ADDRESS, --db FILE", USAGE)
        missing = [name for name in _NEEDED if find_spec(name) is None] if histories or temporal else []
        if missing:
            raise Problem(f"missing: {', '.join(missing)}", "pip install 'procession[cli,temporal]'")
        if temporal and not db:
            raise Problem("programs come from the store of the engine", "name it with --db FILE", USAGE)
        if histories is not None:
            found = _of_files(histories, codec)
        elif temporal:
            found = _of_cluster(temporal, namespace, query, sample, existing(db), codec)
        else:
            found = _of_store(existing(db), sample)
        counts = {"ok": 0, "diverged": 0, "unreadable": 0}
        for result in found:
            told = _told(result)
            counts[result.status] += 1
            output.document(told)
            _show(told, output)
        output.text(", ".join(f"{count} {status}" for status, count in counts.items()))
        if not any(counts.values()):
            raise Problem("nothing was replayed", "look at --query, or at the store: procession list")
    if counts["diverged"] or counts["unreadable"]:
        raise typer.Exit(FAILED)


def _of_files(path: Path, codec: str) -> Iterator[Found]:
    from procession.hosts.temporal.histories import has_histories
    from procession.hosts.temporal.sampling import of_files
    from procession.services.rereading import kept_stores, reread_kept

    stores = kept_stores(path)
    for store in stores:
        yield from reread_kept(store)
    if not stores or has_histories(path):
        yield from of_files(path, sealed=codec)


def _of_cluster(address: str, namespace: str, query: str, sample: int, db: str, codec: str) -> Iterator[Found]:
    from procession.hosts.temporal.sampling import of_cluster

    yield from of_cluster(address, namespace, query, db=db, sample=sample, sealed=codec)


def _of_store(db: str, sample: int) -> Iterator[Found]:
    from procession.services.rereading import reread_file

    yield from reread_file(db, sample=sample)


def _told(result: Found) -> dict[str, object]:
    """The record of one instance: where it is, what became of it and, of a divergence, all that is known."""
    from procession.core.flags import KNOWN

    record: dict[str, object] = {name: getattr(result, name) for name in result.__struct_fields__}
    divergence = record.pop("divergence", None)
    if isinstance(divergence, msgspec.Struct):
        record |= {name: getattr(divergence, name) for name in divergence.__struct_fields__}
    if "instance" in record:
        record["instance"] = str(record["instance"])
    return record | {"flags_known": {str(number): str(flag) for number, flag in KNOWN.items()}}


def _show(told: dict[str, object], output: Output) -> None:
    """One line of what went well; of what did not, the instance, the event, and the flag or the code."""
    name = told.get("workflow") or f"{told['tenant']}/{told['instance']}"
    label = told.get("name")
    title = f"{name} ({label})" if label and label != name else str(name)
    if told["status"] == "ok":
        output.text(f"✓ {title}: {told['steps']} steps{_waits(told)}")
        return
    output.text(f"✗ {title}: {told['status']}", "bold red")
    for heading, value in _lines(told):
        output.text(f"    {heading:<9} {value}")


def _waits(told: dict[str, object]) -> str:
    waits = cast("dict[str, int]", told.get("waits") or {})
    return f", waits: {', '.join(f'{count} {name}' for name, count in waits.items())}" if waits else ""


def _lines(told: dict[str, object]) -> Iterator[tuple[str, object]]:
    if told["reason"]:
        yield "why", told["reason"]
    else:
        event = told.get("event")
        where = [f"event {event} {told.get('event_type', '')}".strip()] if event else []
        where += [f"step {told['step']}"] if told.get("step") else []
        where += [f"of instance {told['instance']}"] if told.get("instance") else []
        where += [f"at {told['element']}"] if told.get("element") else []
        yield "where", ", ".join(where)
        yield "recorded", told["recorded"]
        yield "now", told["made"]
        if told.get("commands"):
            yield "Temporal", told["commands"]
        if told.get("code"):
            yield "code", told["code"]
    known = cast("dict[str, str]", told["flags_known"])
    has = [str(number) for number in cast("list[int]", told["flags"])]
    yield "flags", f"the instance has {_numbers(has)}; this version knows {_numbers(known)}"
    for number in cast("list[int]", told.get("explains") or []):
        how = "with" if str(number) in has else "without"
        yield "flag", f"{number} is what differs: {known[str(number)]} (the instance was started {how} it)"


def _numbers(flags: Iterable[str]) -> str:
    return ", ".join(flags) or "none"
