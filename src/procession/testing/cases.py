"""Tables of cases: CSV and XLSX files whose rows are inputs of a decision and what it must give (docs/cases.md).

`run_cases` never raises for what a file does wrong: the result says it, with file, row and column. What must not live
here: how a decision is evaluated (`procession.dmn`), and the files of whole processes (`scenario.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, cast, final

import msgspec

from procession.base.diagnostics import Refused
from procession.base.failure import ProcessionError
from procession.dmn import Explanation, Model, load
from procession.feel import Dialect, FeelSyntaxError, compile_expression, string, to_json
from procession.feel import nodes as n
from procession.feel.ops import same_item
from procession.feel.runtime import MISSING, Runtime

ROWS_MAX: Final = 100_000
"""Most rows of a file of cases."""
COLUMNS_MAX: Final = 1_000
"""Most columns of a file of cases."""
SUFFIXES: Final = (".cases.csv", ".cases.xlsx")
SETTINGS: Final = ("model", "decision", "import", "dialect")
_COLUMN: Final = re.compile(r"(in|out)\s*:\s*(.*\S)|(out|case|note|rules)", re.DOTALL)


@final
class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a case; `error` is "" if it passed, else `file:row:column: text`. `row` counts from 1.

    A file that cannot be read is one result, with the row 0.
    """

    file: str
    row: int
    case: str
    passed: bool
    error: str = ""

    def to_json(self) -> bytes:
        """The line that `procession test --json` prints."""
        return msgspec.json.encode(self)


@final
class BadCases(ProcessionError, ValueError):
    """A file of cases that cannot be read; the text starts with `file:row:column:`."""


@final
class _Column(msgspec.Struct, frozen=True):
    """A column: what it is for (in, out, case, note, rules), and the path of its name."""

    role: str
    path: tuple[str, ...]


@final
class _Sheet(msgspec.Struct, frozen=True):
    """One table: its name in messages, its settings, columns and cases with the numbers of their rows."""

    name: str
    settings: dict[str, list[str]]
    columns: list[_Column]
    cases: list[tuple[int, list[object]]]


def run_cases(file: str | Path) -> list[CaseResult]:
    """The results of all cases of a `*.cases.csv` or `*.cases.xlsx` file, in order; of a workbook, of each sheet."""
    path = Path(file)
    results: list[CaseResult] = []
    try:
        for name, rows in _tables(path):
            sheet = _read(name, rows)
            results += _run(sheet, _model(sheet, path.parent))
    except (BadCases, Refused) as error:
        results.append(CaseResult(file=str(path), row=0, case="", passed=False, error=str(error)))
    return results


# --- files


def _tables(path: Path) -> Iterator[tuple[str, list[list[object]]]]:
    """(name for messages, rows) of each table of a file."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise BadCases(f"{path}:1:1: cases are *{' or *'.join(SUFFIXES)}")
    try:
        yield from reader(path)
    except OSError as error:
        raise BadCases(f"{path}:1:1: {error.strerror or error}") from None


def _csv(path: Path) -> Iterator[tuple[str, list[list[object]]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadCases(f"{path}:1:1: byte {error.start} is not UTF-8: save the file as CSV in UTF-8") from None
    # Where a comma is a decimal sign, spreadsheets part columns with semicolons; the first row tells.
    delimiter = ";" if re.match(r'\s*"?[\w ]+"?\s*;', text) else ","
    rows: list[list[object]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            rows.append(list[object](row))
            _bounded(str(path), rows)
    except csv.Error as error:
        raise BadCases(f"{path}:{len(rows) + 1}:1: {error}") from None
    yield str(path), rows


def _xlsx(path: Path) -> Iterator[tuple[str, list[list[object]]]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise BadCases(f"{path}:1:1: XLSX files need openpyxl: pip install 'procession[xlsx]'") from None
    data = path.read_bytes()
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:
        # A broken workbook raises whatever the reader of zip files or of XML happens to raise.
        raise BadCases(f"{path}:1:1: this is no XLSX workbook: {error}") from None
    for sheet in book.worksheets:
        name = f"{path}[{sheet.title}]"
        rows: list[list[object]] = []
        for row in sheet.iter_rows(values_only=True):
            rows.append([_cell(value) for value in row])
            _bounded(name, rows)
        if any(_filled(row) for row in rows):
            yield name, rows


def _cell(value: object) -> object:
    """A cell of a workbook: numbers and booleans as they are, dates as their texts, all else as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, bool | int):
        return value
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


READERS: Final[dict[str, Callable[[Path], Iterator[tuple[str, list[list[object]]]]]]] = {".csv": _csv, ".xlsx": _xlsx}


def _bounded(name: str, rows: list[list[object]]) -> None:
    if len(rows) > ROWS_MAX or len(rows[-1]) > COLUMNS_MAX:
        raise BadCases(f"{name}:{len(rows)}:1: more than {ROWS_MAX} rows or {COLUMNS_MAX} columns: split the file")


def _filled(row: Sequence[object]) -> bool:
    return any(not isinstance(cell, str) or cell.strip() for cell in row)


# --- the table


def _read(name: str, rows: list[list[object]]) -> _Sheet:
    settings: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        first = str(row[0]).strip().rstrip(":") if row else ""
        if not _filled(row):
            continue
        if first.lower() in SETTINGS and not any(_is_column(cell) for cell in row[1:]):
            _set(settings, first.lower(), (name, number), row)
            continue
        columns = [_column(name, number, at, cell) for at, cell in enumerate(row, 1)]
        _check(name, number, columns, settings)
        cases = [(at, each) for at, each in enumerate(rows[number:], number + 1) if _filled(each)]
        for at, each in cases:
            if _filled(each[len(columns) :]):
                raise BadCases(f"{name}:{at}:{len(columns) + 1}: a cell without a heading: give it one, or empty it")
        if not cases:
            raise BadCases(f"{name}:{number}:1: there are no cases below the headings: add a row")
        return _Sheet(name, settings, columns, cases)
    raise BadCases(f"{name}:1:1: there are no headings: write a row such as `in: amount`, `out`")


def _set(settings: dict[str, list[str]], key: str, place: tuple[str, int], row: Sequence[object]) -> None:
    name, number = place
    if len(row) < 2 or not str(row[1]).strip():
        raise BadCases(f"{name}:{number}:2: `{key}` has no value: write it into the second column")
    if _filled(row[2:]):
        raise BadCases(f"{name}:{number}:3: `{key}` has one value: empty the other cells")
    if key in settings and key != "import":
        raise BadCases(f"{name}:{number}:1: `{key}` is given twice: remove one of the two")
    settings.setdefault(key, []).append(str(row[1]).strip())


def _is_column(cell: object) -> bool:
    return isinstance(cell, str) and _COLUMN.fullmatch(cell.strip()) is not None


def _column(name: str, row: int, at: int, cell: object) -> _Column:
    match = _COLUMN.fullmatch(str(cell).strip())
    if match is None:
        known = "`in: NAME`, `out`, `out: NAME`, `rules`, `case`, `note`; before them a row `model` and one `decision`"
        raise BadCases(f"{name}:{row}:{at}: {str(cell)[:60]!r} is no heading: there are {known}")
    path = tuple([part.strip() for part in match[2].split(".")]) if match[2] else ()
    if "" in path:
        raise BadCases(f"{name}:{row}:{at}: {str(cell)[:60]!r} has an empty name: write names with dots between")
    return _Column(match[1] or match[3], path)


def _check(name: str, row: int, columns: Sequence[_Column], settings: Mapping[str, object]) -> None:
    for at, column in enumerate(columns, 1):
        before = columns[: at - 1]
        if column.role != "note" and column in before:
            raise BadCases(f"{name}:{row}:{at}: the heading stands in column {before.index(column) + 1} already")
        for other in before:
            shorter, longer = sorted((other.path, column.path), key=len)
            if column.role == other.role == "in" and longer[: len(shorter)] == shorter:
                raise BadCases(f"{name}:{row}:{at}: `{'.'.join(longer)}` is a part of `{'.'.join(shorter)}`: give one")
    if not any(column.role in {"out", "rules"} for column in columns):
        raise BadCases(f"{name}:{row}:1: nothing is expected: add a column `out`, `out: NAME` or `rules`")
    for key in ("model", "decision"):
        if key not in settings:
            raise BadCases(f"{name}:{row}:1: there is no row `{key}` before the headings: add one")


# --- running


def _model(sheet: _Sheet, folder: Path) -> Model:
    dialect = sheet.settings.get("dialect", [""])[0]
    if dialect not in {"", "feel", "camunda"}:
        raise BadCases(f"{sheet.name}:1:1: {dialect!r} is no dialect: feel or camunda")
    chosen = cast("Dialect | None", dialect or None)
    imports = [folder / each for each in sheet.settings.get("import", [])]
    try:
        return load(folder / sheet.settings["model"][0], imports=imports, dialect=chosen)
    except OSError as error:
        raise BadCases(f"{sheet.name}:1:2: {error.filename}: {error.strerror}") from None


def _run(sheet: _Sheet, model: Model) -> Iterator[CaseResult]:
    titles = [at for at, column in enumerate(sheet.columns) if column.role == "case"]
    file = sheet.name
    for row, cells in sheet.cases:
        title = str(cells[titles[0]]) if titles and titles[0] < len(cells) else ""
        try:
            told = model.evaluate(sheet.settings["decision"][0], _inputs(sheet, row, cells), explain=True)
            error = _wrong(sheet, row, cells, told)
        except ProcessionError as failed:
            error = str(failed) if isinstance(failed, BadCases) else f"{file}:{row}:1: {failed}"
        yield CaseResult(file=file, row=row, case=title, passed=not error, error=error)


def _inputs(sheet: _Sheet, row: int, cells: Sequence[object]) -> dict[str, object]:
    inputs: dict[str, object] = {}
    for at, (column, cell) in enumerate(zip(sheet.columns, cells, strict=False), 1):
        value = value_of(cell) if column.role == "in" else MISSING
        if value is MISSING:
            continue
        target = inputs
        for name in column.path[:-1]:
            inner = target.setdefault(name, {})
            if not isinstance(inner, dict):
                raise BadCases(f"{sheet.name}:{row}:{at}: `{name}` is no context")
            target = cast("dict[str, object]", inner)
        target[column.path[-1]] = value
    return inputs


def _wrong(sheet: _Sheet, row: int, cells: Sequence[object], told: Explanation) -> str:
    """What is not as it was written, or ""."""
    if told.error:
        return f"{sheet.name}:{row}:1: {told.error}"
    because = "".join(f"\n{note.code}: {note.message}" for note in told.diagnostics)
    for at, (column, cell) in enumerate(zip(sheet.columns, cells, strict=False), 1):
        expected = value_of(cell)
        if expected is MISSING or column.role not in {"out", "rules"}:
            continue
        if column.role == "rules":
            wanted = sorted(int(part) for part in re.findall(r"\d+", str(cell)))
            tables = told.evaluations[-1].tables if told.evaluations else ()
            matched = sorted(rule.number for table in tables[-1:] for rule in table.rules)
            if wanted != matched:
                return f"{sheet.name}:{row}:{at}: the rules {wanted} were expected to match, but {matched} did"
            continue
        value = _at(told.value, column.path)
        if not same_item(to_json(value), to_json(expected)):
            name = ".".join(column.path) or "the result"
            shown = string(value, quoted=True)[:400]
            return f"{sheet.name}:{row}:{at}: {name} is {shown}, not {string(expected, quoted=True)[:400]}{because}"
    return ""


def _at(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None
    return value


def value_of(cell: object) -> object:
    """The value of a cell: a FEEL literal (`12`, `true`, `null`, `"12"`, `@"P1D"`, `[1, 2]`, `{a: 1}`), else its text.

    An empty cell is `MISSING`. `2026-01-31` is a text, which an input of the type date reads as a date.
    """
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if not text:
        return MISSING
    try:
        expression = compile_expression(text, dialect="feel")
    except FeelSyntaxError:
        return text
    return expression.function(lambda name: MISSING, Runtime()) if _is_literal(expression.node) else text


def _is_literal(node: n.Node) -> bool:
    match node:
        case n.Literal():
            return True
        case n.Negation():
            return isinstance(node.operand, n.Literal)
        case n.ListNode():
            return all(map(_is_literal, node.items))
        case n.ContextNode():
            return all(_is_literal(value) for _, value in node.entries)
        case _:
            return False
