"""Commands about documents: check, deploy, draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from procession.base.diagnostics import Diagnostic
from procession.cli.console import FAILED, Output, Problem, as_record, errors
from procession.cli.options import DEFAULT_DB, DEFAULT_TENANT, AsJson, Db, Tenant

if TYPE_CHECKING:
    from procession.runtime.decisions import ReadDecisions

Files: TypeAlias = Annotated[
    list[Path],
    typer.Argument(metavar="MODEL", help="BPMN and DMN files, forms, or folders of them.", show_default=False),
]
SUFFIXES: Final = (".bpmn", ".dmn", ".form")
FORMS: Final = (".form", ".json")
"""How the names of forms end. A file that ends in .json has to be named: in a folder it may be anything."""


def check(
    models: Files,
    standard: Annotated[
        bool, typer.Option("--standard", help="Apply every constraint of BPMN 2.0.2 instead of what this engine needs.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Say what is wrong with models that belong together, by line and rule, with the remedy. Exits 1 on an error."""
    output = Output(json)
    with errors(json):
        models = named(models)
        found = _by_the_standard(models) if standard else _checked(models)
        output.diagnostics(found)
        bad = sum(each.severity == "error" for each in found)
        warnings = sum(each.severity == "warning" for each in found)
        for each in found:
            output.document(as_record(each))
        output.text(f"{len(models)} checked: {_counted(bad, 'error')}, {_counted(warnings, 'warning')}")
        if bad:
            raise typer.Exit(FAILED)


def deploy(files: Files, db: Db = DEFAULT_DB, tenant: Tenant = DEFAULT_TENANT, json: AsJson = False) -> None:
    """Deploy models: each process, decision and form gets a new version if its document changed."""
    from procession.cli.engines import engine_at

    output = Output(json)
    with errors(json), engine_at(db) as engine:
        deployment = engine.deploy(*named(files), tenant=tenant)
        output.remarks(deployment.diagnostics)
        for each in deployment.processes:
            output.document(
                {
                    "definition": str(each.key),
                    "process": each.process_id,
                    "version": each.version,
                    "name": each.name,
                    "new": each.new,
                }
            )
            state = "deployed" if each.new else "unchanged"
            output.text(f"{each.process_id} version {each.version} {state}")
        for decision in deployment.decisions:
            output.document(
                {
                    "definition": str(decision.key),
                    "decision": decision.decision_id,
                    "version": decision.version,
                    "name": decision.name,
                    "new": decision.new,
                }
            )
            state = "deployed" if decision.new else "unchanged"
            output.text(f"decision {decision.decision_id} version {decision.version} {state}")
        for form in deployment.forms:
            output.document(
                {
                    "definition": str(form.key),
                    "form": form.form_id,
                    "version": form.version,
                    "name": form.name,
                    "new": form.new,
                }
            )
            output.text(f"form {form.form_id} version {form.version} {'deployed' if form.new else 'unchanged'}")
        if not deployment.processes and not deployment.decisions and not deployment.forms:
            output.text("nothing to deploy: no process of these models is executable")


def draw(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A BPMN file.", show_default=False)],
    svg: Annotated[
        str, typer.Option("--svg", metavar="FILE", help="Write an SVG picture here; - for stdout.", show_default=False)
    ] = "",
    process: Annotated[str, typer.Option("--process", help="Only this process.", show_default=False)] = "",
    json: AsJson = False,
) -> None:
    """Draw a model: as text in the order of its flow, or as an SVG picture from its diagram."""
    from procession.services.diagram import outline, render_svg

    output = Output(json)
    with errors(json):
        from procession.parse import parse_bpmn

        definitions, found = parse_bpmn(model.read_bytes(), str(model))
        if definitions is None:
            raise Problem("\n".join(str(each) for each in found))
        if svg:
            written = write_svg(render_svg(definitions), svg)
            output.document({"file": str(model), "svg": svg})
            output.text(written)
        else:
            drawn = outline(definitions, process_id=process, width=min(output.console.width, 100))
            output.document({"file": str(model), "outline": drawn.splitlines()})
            output.picture(drawn)


def write_svg(picture: str, target: str) -> str:
    """Writes a picture to a file, or to stdout for `-`; answers with what to tell about it."""
    if target == "-":
        typer.echo(picture, nl=False)
        return ""
    Path(target).write_text(picture, encoding="utf-8")
    return f"wrote {target}"


def named(paths: list[Path]) -> list[Path]:
    """The models that are meant: files, and those in folders."""
    return [file for path in paths for file in (_inside(path) if path.is_dir() else [path])]


def _inside(folder: Path) -> list[Path]:
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        raise Problem(f"no *.bpmn, *.dmn or *.form under {folder}", "name a file, or another folder")
    return found


def _checked(models: list[Path]) -> list[Diagnostic]:
    """All that is wrong with models that are deployed together."""
    from procession.compile import check_definitions
    from procession.forms import check_form
    from procession.parse import parse_bpmn
    from procession.runtime.decisions import read_together
    from procession.services.modules import nobody
    from procession.services.scripting import reader_of

    resources = [(str(model), model.read_bytes()) for model in models]
    read = iter(read_together([each for each in resources if each[0].lower().endswith(".dmn")]))
    found: list[Diagnostic] = []
    for name, data in resources:
        if name.lower().endswith(".dmn"):
            found += _checked_decisions(next(read))
            continue
        if name.lower().endswith(FORMS):
            found += check_form(data, name)
            continue
        definitions, wrong = parse_bpmn(data, name)
        scripting = reader_of(_modules_beside(Path(name)), nobody)
        found += wrong if definitions is None else [*wrong, *check_definitions(definitions, scripting=scripting)]
    return found


def _modules_beside(model: Path) -> list[tuple[str, bytes]]:
    """What the scripts of a model may import: the modules in its folder."""
    from procession.services.scripting import module_name

    files = [each for each in sorted(model.parent.iterdir()) if module_name(each.name) and each.is_file()]
    return [(each.name, each.read_bytes()) for each in files]


def _by_the_standard(models: list[Path]) -> list[Diagnostic]:
    """The breaches of BPMN by each model; decisions and forms, of which it says nothing, are checked as ever."""
    from procession.services.standard import check_standard

    others = [model for model in models if model.suffix.lower() in {".dmn", *FORMS}]
    processes = [model for model in models if model not in others]
    return [*(each for model in processes for each in check_standard(model)), *_checked(others)]


def _checked_decisions(read: ReadDecisions) -> list[Diagnostic]:
    from procession.dmn import check_tables

    # A table that is wrong by itself is corrected first: what its rules leave out would be noise.
    wrong = read.document is None or any(each.severity == "error" for each in read.found)
    return read.found if wrong or read.document is None else [*read.found, *check_tables(read.document)]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
