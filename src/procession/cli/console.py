"""What the command line prints: results on stdout as text or JSON, errors on stderr as one line, exit codes.

No command prints by itself, so that `--json` holds everywhere and nothing but the result is on stdout.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn, final

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError, StoreError

OK: Final = 0
FAILED: Final = 1
"""An error, an incident, a scenario that failed."""
USAGE: Final = 2
"""The command line itself is wrong; typer's own."""
WAITING: Final = 3
"""`run`: the instance waits for something that is not there."""

_HIGHLIGHTS: Final = (
    (r"●\d+", "bold green"),
    (r"!\d+", "bold red"),
    (r"✓\d+", "dim"),
    (r"  · [^→]*", "dim"),
)
_REMEDIES: Final = (
    (NotFound, r"is deployed|no version", "deploy it first; what is there: procession list definitions"),
    (NotFound, "", "list what is there with: procession list"),
    (BadValue, "not JSON", "values are text or JSON; docs/cli.md has the limits"),
    (StoreError, r"malformed|damaged|not a database|locked|disk", "look at the file with: procession doctor"),
    (Conflict, "", "look at its state with: procession show"),
)
"""By the kind of error and what its text says; a text that says already what to do needs no other."""


@final
class Problem(Exception):
    """An error of the command line's own, with what to do about it."""

    def __init__(self, message: str, remedy: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code


@final
class Output:
    """Where one command writes its result. With `as_json` everything that is not the document is left out."""

    __slots__ = ("as_json", "console")

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True)

    def document(self, value: object) -> None:
        """One JSON document on a line; nothing in text mode."""
        if self.as_json:
            sys.stdout.write(_ENCODER.encode(value).decode() + "\n")

    def text(self, line: str = "", style: str = "") -> None:
        """A line of text; nothing in JSON mode."""
        if not self.as_json:
            self.console.print(Text(line, style=style))

    def picture(self, drawn: str) -> None:
        """An outline with its tokens in colour."""
        if not self.as_json:
            text = Text(drawn.rstrip("\n"))
            for pattern, style in _HIGHLIGHTS:
                text.highlight_regex(pattern, style)
            self.console.print(text)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
        """Rows under their headings, or the line `empty`."""
        if self.as_json:
            return
        lines = [list(columns), *([str(cell) for cell in row] for row in rows)]
        if len(lines) == 1:
            self.text(empty, "dim")
            return
        # Keys are for copying: nothing is cut, whatever the width of the terminal.
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for number, line in enumerate(lines):
            padded = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
            self.text(padded.rstrip(), "" if number else "bold")

    def records(self, records: Sequence[Mapping[str, object]], columns: Mapping[str, str], empty: str) -> None:
        """Records as JSON lines or as a table of the named columns (key to heading)."""
        for record in records:
            self.document(record)
        self.table(
            tuple(columns.values()),
            [[_brief(record.get(name)) for name in columns] for record in records],
            empty,
        )

    def diagnostics(self, found: Iterable[Diagnostic]) -> None:
        """Findings in text mode, coloured by severity."""
        colors = {"error": "red", "warning": "yellow", "info": "cyan"}
        if not self.as_json:
            for each in found:
                line = Text(str(each))
                line.highlight_regex(rf"\b{each.severity}\b(?= \[)", colors[each.severity])
                self.console.print(line)

    def remarks(self, found: Sequence[Diagnostic]) -> None:
        """Findings beside a result: in JSON mode a line each on stderr, so that stdout is the result alone."""
        self.diagnostics(found)
        if self.as_json:
            sys.stderr.write("".join(_ENCODER.encode(as_record(each)).decode() + "\n" for each in found))


def as_record(diagnostic: Diagnostic) -> dict[str, object]:
    """A finding as JSON, the span opened up."""
    span = diagnostic.span
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "severity": diagnostic.severity,
        "rule": diagnostic.rule,
        "element": diagnostic.element,
        "message": diagnostic.message,
        "remedy": diagnostic.remedy,
        "path": diagnostic.path,
    }


def as_text(value: object) -> str:
    """A value in one line: text as it is, nothing as nothing, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _ENCODER.encode(value).decode()


def _brief(value: object) -> str:
    """As a table shows it: a time without its fractions and letters."""
    text = as_text(value)
    return f"{text[:10]} {text[11:19]}" if _MOMENT.fullmatch(text) else text


_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@contextmanager
def errors(as_json: bool) -> Generator[None]:
    """Turns every expected error into one line on stderr and exit code 1; the rest is a bug and shows its trace."""
    try:
        yield
    except Problem as problem:
        _fail(str(problem), problem.remedy, as_json, problem.code)
    except Refused as refused:
        if as_json:
            record = {"error": "refused", "diagnostics": [as_record(d) for d in refused.diagnostics]}
            sys.stderr.write(_ENCODER.encode(record).decode() + "\n")
        else:
            sys.stderr.write("".join(f"{each}\n" for each in refused.diagnostics))
        raise typer.Exit(FAILED) from None
    except ProcessionError as error:
        remedy = _remedy(error)
        _fail(str(error), remedy, as_json, FAILED)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", "", as_json, FAILED)


@contextmanager
def needed_by(host: str) -> Generator[None]:
    """Around the imports of a host that is an extra of the package of the same name: which part of it is missing."""
    try:
        yield
    except ImportError as error:
        raise Problem(f"the host {host} needs {error.name}", f'pip install "procession[{host}]"') from error


def _remedy(error: ProcessionError) -> str:
    text = str(error)
    return next(
        (remedy for kind, pattern, remedy in _REMEDIES if isinstance(error, kind) and re.search(pattern, text)), ""
    )


def write_error(as_json: bool, text: str, record: Mapping[str, object]) -> None:
    """An error with fields of its own on stderr: the text for people, the record for scripts."""
    sys.stderr.write((_ENCODER.encode(record).decode() if as_json else f"procession: {text}") + "\n")


def _fail(message: str, remedy: str, as_json: bool, code: int) -> NoReturn:
    if as_json:
        sys.stderr.write(_ENCODER.encode({"error": message, "remedy": remedy}).decode() + "\n")
    else:
        sys.stderr.write(f"procession: {message}{f' ({remedy})' if remedy else ''}\n")
    raise typer.Exit(code) from None


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
