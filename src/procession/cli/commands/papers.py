"""The commands on papers: whether a seal holds, which fields a form has, filling one, a page as PDF. Files alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import msgspec
import typer

from procession.base.decoding import known
from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import AsJson

if TYPE_CHECKING:
    from procession.services.papers.orders import Field, Order, Seal

_T = TypeVar("_T")

group: Final = typer.Typer(no_args_is_help=True, help="Look at seals, fill forms, make PDF of HTML.")

File: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="A PDF.", show_default=False)]
Target: TypeAlias = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The new file.")]
Values: TypeAlias = Annotated[
    Path | None, typer.Option("--values", metavar="FILE", help="A JSON object.", show_default=False)
]


@group.callback()
def _of_all() -> None:
    """Look at seals, fill forms, make PDF of HTML."""


@group.command("verify")
def verify(
    file: File,
    *,
    root: Annotated[
        list[Path] | None,
        typer.Option("--root", metavar="FILE", help="Certificates that are believed; repeatable.", show_default=False),
    ] = None,
    json: AsJson = False,
) -> None:
    """Tell who sealed a PDF, and whether it was changed since; exits 1 if it was, or if nothing seals it.

    With --root it exits 1, too, when none of those certificates stands behind a seal."""
    from procession.services.papers.asking import seals_of
    from procession.services.papers.jail import Jail

    output = Output(json)
    with errors(json):
        roots = [_read(each) for each in root or ()]

        async def look() -> list[Seal]:
            return await seals_of(Jail(), _read(file), roots)

        import asyncio

        seals = asyncio.run(look())
        for seal in seals:
            output.document(msgspec.to_builtins(seal))
            state = "nothing was changed" if seal.good else "it was CHANGED since"
            trusted = "" if not roots else ", believed" if seal.trusted else ", by nobody who is believed"
            output.text(f"sealed by {seal.sealed_by} at {seal.at}: {state}{trusted}")
        if not seals:
            raise Problem(f"nothing seals {file}")
        if not all(seal.good and (seal.trusted or not roots) for seal in seals):
            raise typer.Exit(FAILED)


@group.command("fields")
def fields(file: File, *, json: AsJson = False) -> None:
    """List the fields of a form, with what can be chosen."""
    from procession.services.papers.asking import fields_of
    from procession.services.papers.jail import Jail

    output = Output(json)
    with errors(json):

        async def look() -> list[Field]:
            return await fields_of(Jail(), _read(file))

        import asyncio

        for each in asyncio.run(look()):
            output.document(msgspec.to_builtins(each))
            output.text(f"{each.name}  {each.kind}  {', '.join(each.options)}".rstrip())


@group.command("fill")
def fill(
    file: File,
    *,
    values: Values = None,
    flatten: Annotated[bool, typer.Option("--flatten", help="Nobody can fill it afterwards.")] = False,
    target: Target,
    json: AsJson = False,
) -> None:
    """Fill a form with the values of a JSON object: texts, true or false, options."""
    from procession.services.papers.orders import Fill

    output = Output(json)
    with errors(json):
        given = _values(values, dict[str, str | bool | list[str]])
        _write(Fill(pdf=_read(file), values=given, flatten=flatten), target, output)


@group.command("print")
def print_page(
    template: Annotated[Path, typer.Argument(metavar="TEMPLATE", help="HTML with {{ values }}.", show_default=False)],
    *,
    values: Values = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option("--attach", metavar="FILE", help="Shown as attachment:NAME; repeatable.", show_default=False),
    ] = None,
    form: Annotated[bool, typer.Option("--form", help="Inputs become fields of a form.")] = False,
    target: Target,
    json: AsJson = False,
) -> None:
    """Make a PDF of HTML. Nothing is fetched for it but what is attached."""
    from procession.services.papers.orders import Page

    output = Output(json)
    with errors(json):
        shown = {each.name: _read(each) for each in attach or ()}
        text = _read(template).decode("utf-8", "replace")
        given = _values(values, dict[str, object])
        _write(Page(template=text, values=given, attachments=shown, forms=form), target, output)


def _write(order: Order, target: Path, output: Output) -> None:
    from procession.services.papers.jail import Jail

    async def make() -> bytes:
        return await Jail().make(order)

    import asyncio

    made = asyncio.run(make())
    target.write_bytes(made)
    output.document({"file": str(target), "bytes": len(made)})
    output.text(f"{target}: {len(made):,} bytes")


def _values(file: Path | None, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(_read(file) if file is not None else b"{}", type=known(kind))
    except msgspec.MsgspecError as error:
        raise Problem(f"{file}: {error}", 'write a JSON object, as {"name": "Ann"}', USAGE) from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror or error}", "", USAGE) from None
