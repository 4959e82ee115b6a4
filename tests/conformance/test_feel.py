"""FEEL clause by clause: the tables in `feel/*.yaml`, one expression a line.

    expression ==> result            the result as FEEL writes it; nothing was noted
    expression ==> result !code      the same, and a note of that code was made
    expression ==> error             a text that is not FEEL

In `unary tests` the line begins with the value of `?` and a bar. A null needs its note: `null` alone means a quiet one.
"""

from __future__ import annotations

from typing import Final

import pytest

from conformance.clauses import Row, rows
from procession import feel


def outcome(row: Row) -> tuple[str, list[str]]:
    """The result as text, and the codes of the notes."""
    source = row.source
    runtime = feel.Runtime(now_ms=1_795_478_400_000)
    try:
        if row.mode == "expressions":
            value = feel.evaluate(source, row.variables, runtime=runtime, dialect="feel")
        else:
            given, _, tests = source.partition(" | ")
            scope = {**row.variables, "?": feel.evaluate(given, row.variables, dialect="feel")}
            compiled = feel.compile_unary_tests(tests, names=scope, dialect="feel")
            value = compiled.evaluate(scope, runtime)
    except feel.FeelSyntaxError:
        return "error", []
    return feel.string(value, quoted=True), [note.code for note in runtime.notes]


ROWS: Final = rows()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.file}: {row.text[:60]}" for row in ROWS])
def test_feel_means_what_the_clause_says(row: Row) -> None:
    expected, _, code = row.text.rpartition(" ==> ")[2].strip().partition(" !")
    value, codes = outcome(row)
    assert value == expected.strip()
    assert (code.strip() in codes) if code else not codes, codes


def test_the_tables_are_large_and_have_no_row_twice() -> None:
    seen = [(row.file, row.text) for row in ROWS]
    assert len(seen) > 500
    assert len(set(seen)) == len(seen)
