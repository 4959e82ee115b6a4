"""Commands about the audit log of a store: `audit verify` follows its chain of hashes, `audit export` writes it out."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from procession.cli.console import FAILED, USAGE, Output, Problem, errors
from procession.cli.options import DEFAULT_DB, AsJson, Db, existing

if TYPE_CHECKING:
    from procession.runtime.ports import Reads
    from procession.services.audit import Head, Link, Verdict

group: Final = typer.Typer(name="audit", help="Check and export the audit log of a server.", no_args_is_help=True)

_HEAD: Final = "a head is NUMBER:HASH, as `procession audit verify` prints it"


@group.command("verify")
def verify(
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="An export to check, instead of the store.", show_default=False),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            "--head",
            metavar="NUMBER:HASH",
            help="A head of an earlier check, to be in there.",
            show_default=False,
        ),
    ] = "",
    shard: Annotated[
        int | None, typer.Option("--shard", metavar="N", help="This shard alone.", show_default=False, min=0)
    ] = None,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Follow the chain of hashes of each shard's log, and tell the first row that does not fit; then exit 1.

    Keep the head that it prints where the server cannot write: whoever could change the whole store could otherwise
    make the chain anew. Needs no key of a tenant.
    """
    output = Output(json)
    with errors(json):
        known = _head(head)
        if known is not None and shard is None:
            raise Problem("--head is of one shard", "name it: --shard N", USAGE)
        found = list(_of_export(export, shard, known) if export is not None else _of_store(db, shard, known))
        for each in found:
            output.document(msgspec.to_builtins(each))
            _tell(each, output)
        if not found:
            output.text("nothing is in the audit log")
        failed = any(each.broken for each in found)
    if failed:
        raise typer.Exit(FAILED)


@group.command("export")
def export_log(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; `-` is stdout.", show_default=False)],
    shard: Annotated[int, typer.Option("--shard", metavar="N", help="Whose log.", min=0)] = 0,
    after: Annotated[int, typer.Option("--after", metavar="NUMBER", help="Only rows behind this one.", min=0)] = 0,
    db: Db = DEFAULT_DB,
    json: AsJson = False,
) -> None:
    """Write the log of a shard as NDJSON, a row a line, with what is needed to follow its chain elsewhere."""
    with errors(json), _store(db) as store:
        from procession.services.audit import links

        encoded = (msgspec.json.encode(each) + b"\n" for each in links(store, shard, after))
        if str(file) == "-":
            _write(encoded)
            return
        if file.exists():
            raise Problem(f"{file} exists", "name a file that does not", USAGE)
        with file.open("xb") as target:
            rows = 0
            for line in encoded:
                target.write(line)
                rows += 1
        output = Output(json)
        output.document({"file": str(file), "rows": rows})
        output.text(f"wrote {rows:,} rows of shard {shard} to {file}")


def _write(lines: Iterable[bytes]) -> None:
    for line in lines:
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _of_store(db: str, shard: int | None, known: Head | None) -> Iterator[Verdict]:
    from procession.services.audit import links, shards, verify

    with _store(db) as store:
        for each in shards(store) if shard is None else [shard]:
            yield verify(each, links(store, each), known)


def _of_export(export: Path, shard: int | None, known: Head | None) -> Iterator[Verdict]:
    from procession.services.audit import exported, verify

    with export.open("rb") as lines:
        rows: Iterator[Link] = exported(lines)
        first = next(rows, None)
        if first is not None:
            yield verify(first.shard if shard is None else shard, _behind(first, rows), known)


def _behind(first: Link, rest: Iterator[Link]) -> Iterator[Link]:
    yield first
    yield from rest


@contextmanager
def _store(db: str) -> Generator[Reads]:
    from procession.services.audit import opened

    with closing(opened(existing(db))) as store:
        yield store


def _head(text: str) -> Head | None:
    from procession.services.audit import Head

    if not text:
        return None
    number, _, chain = text.partition(":")
    if not (number.isascii() and number.isdecimal()) or len(chain) != 64 or set(chain) - set("0123456789abcdef"):
        raise Problem(f"{text!r} is no head", _HEAD, USAGE)
    return Head(int(number), chain)


def _tell(verdict: Verdict, output: Output) -> None:
    if verdict.broken:
        output.text(f"✗ shard {verdict.shard}: {verdict.broken}", "red")
        return
    output.text(f"✓ shard {verdict.shard}: {verdict.rows:,} rows hold", "green")
    output.text(f"  head {verdict.head.number}:{verdict.head.chain}")
