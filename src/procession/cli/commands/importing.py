"""The command that imports models of other platforms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson, among

if TYPE_CHECKING:
    from procession.convert import Entry, Report

STDOUT: Final = "-"
SUFFIXES: Final = frozenset({".bpmn", ".bpmn2", ".xml"})
FORMATS: Final = ("text", "json", "html")
_STYLES: Final = {"mapped": "green", "changed": "yellow", "dropped": "dim", "needs-work": "bold red"}


def import_models(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL", help="BPMN files of another platform.", show_default=False)
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write the native models here.", show_default=False)
    ] = None,
    report: Annotated[
        str,
        typer.Option("--report", metavar="[FILE]", help="Write the report here, else to stdout.", show_default=False),
    ] = "",
    style: Annotated[
        str,
        typer.Option("--format", metavar="|".join(FORMATS), help="Of the report.", autocompletion=among(FORMATS)),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if something needs work.")] = False,
    json: AsJson = False,
) -> None:
    """Make native models of those of Camunda 7, Operaton, Flowable, Activiti, SpiffWorkflow and jBPM.

    Without --to nothing is written but the report.
    """
    output = Output(json)
    with errors(json):
        from procession.convert import convert
        from procession.services.scripting import has_reader, uses_of

        chosen = style or ("json" if json else _format_of(report))
        if chosen not in FORMATS:
            raise Problem(f"no format {chosen!r}", f"one of {', '.join(FORMATS)}", USAGE)
        targets = _targets(models, to) if to is not None else {}
        uses = uses_of if has_reader() else None
        converted = [(model, convert(model.read_bytes(), str(model), uses)) for model in models]
        reports = [conversion.report for _, conversion in converted]
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            for model, conversion in converted:
                targets[model].write_bytes(conversion.data)
        if report or to is None:
            _write(reports, report or STDOUT, chosen, output)
        for model, conversion in converted:
            output.text(_told(conversion.report, targets.get(model)))
        if strict and any(each.needs_work for each in reports):
            raise typer.Exit(FAILED)


def spelled(arguments: list[str]) -> list[str]:
    """The arguments with `-` behind a `--report` that names no file; the library's options always take a value."""
    found: list[str] = []
    for number, argument in enumerate(arguments):
        found.append(argument)
        following = arguments[number + 1] if number + 1 < len(arguments) else "--"
        is_bare = following.startswith("--") or Path(following).suffix.lower() in SUFFIXES
        if argument == "--report" and is_bare:
            found.append(STDOUT)
    return found


def _format_of(report: str) -> str:
    """By the name of the file, unless one is asked for."""
    suffix = Path(report).suffix.lower()
    return {".json": "json", ".html": "html", ".htm": "html"}.get(suffix, "text")


def _targets(models: list[Path], to: Path) -> dict[Path, Path]:
    """Where each model goes. Raises `Problem` where two would be one file, or a model would be overwritten."""
    found: dict[Path, Path] = {}
    for model in models:
        target = to / f"{model.stem}.bpmn"
        if target in found.values():
            raise Problem(f"two models would be written to {target}", "import them into folders of their own", USAGE)
        if target.exists() and target.samefile(model):
            raise Problem(f"{target} would be overwritten", "name another folder with --to", USAGE)
        found[model] = target
    return found


def _write(reports: list[Report], file: str, chosen: str, output: Output) -> None:
    """The report to where it is wanted; to the terminal where nothing is said."""
    if chosen == "text" and file == STDOUT:
        for each in reports:
            _show(each, output)
    elif output.as_json and file == STDOUT:
        for each in reports:
            output.document(record(each))
    else:
        text = _text(reports, chosen)
        if file == STDOUT:
            typer.echo(text, nl=False)
        else:
            Path(file).write_text(text, encoding="utf-8")
            output.text(f"wrote {file}")


def _text(reports: list[Report], chosen: str) -> str:
    if chosen == "html":
        from procession.convert.html import report_html

        return report_html(reports)
    if chosen == "json":
        return msgspec.json.format(msgspec.json.encode([record(each) for each in reports])).decode() + "\n"
    return "".join(f"{line}\n" for each in reports for entry in each.entries for line in _lines(entry))


def record(report: Report) -> dict[str, object]:
    """A report as JSON: the schema is stable, new keys may be added."""
    return {
        "file": report.file,
        "dialects": list(report.dialects),
        "counts": report.counts,
        "entries": [msgspec.structs.asdict(entry) for entry in report.entries],
    }


def _show(report: Report, output: Output) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if output.as_json or not report.entries:
        return
    table = Table(title=report.file, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for head in ("line", "element", "attribute", "outcome", "becomes", "note"):
        table.add_column(head, overflow="fold")
    for entry in _without_repeats(report):
        texts = [str(entry.line), entry.element, f"{entry.attribute} {entry.value}".strip()]
        outcome = Text(entry.outcome, style=_STYLES[entry.outcome])
        table.add_row(*map(Text, texts), outcome, Text(entry.target), Text(entry.note))
    output.console.print(table)


def _without_repeats(report: Report) -> Iterator[Entry]:
    """The entries, those of other tools' extensions once for each kind: a drawing may have thousands of them."""
    from procession.convert.report import FOREIGN

    times = Counter(entry.attribute for entry in report.entries if entry.note == FOREIGN)
    for entry in report.entries:
        count = times.pop(entry.attribute, 0) if entry.note == FOREIGN else 1
        if count > 1:
            yield msgspec.structs.replace(entry, value="", note=f"{entry.note} ({count} times)")
        elif count:
            yield entry


def _lines(entry: Entry) -> list[str]:
    becomes = f" -> {entry.target}" if entry.target else ""
    note = f" ({entry.note})" if entry.note else ""
    place = f"{entry.file}:{entry.line}: {entry.outcome} {entry.element}"
    return [f"{place}: {entry.attribute} {entry.value}{becomes}{note}"]


def _told(report: Report, target: Path | None) -> str:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items() if count)
    written = f" -> {target}" if target is not None else ""
    return f"{report.file} ({', '.join(report.dialects)}): {counts or 'nothing to convert'}{written}"
