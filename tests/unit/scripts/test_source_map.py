"""Source maps: places in what an author wrote, from maps that esbuild and tsc made; bad maps hide nothing."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import npm
from procession.base.failure import BadValue
from procession.scripts.library import link
from procession.scripts.modules import prepared
from procession.scripts.source_map import MAP_BYTES_MAX, carried, read
from procession.scripts.trace import trace
from script_rig import failure

PACKAGE: Final = Path(__file__).parent / "npm"
NONE: Final[dict[str, str]] = {}
WRITTEN: Final = {
    "order.ts": """\
interface Line { price: number; tags?: string[] }
enum Size { Small, Large }

/* é😀 */ const name = "日本"; function deepest(line: Line): number {
  const label = "é😀"; return (line as any)
    .missing.x + line.price;
}

function total(lines: Line[]): number {
  return lines.map(line => deepest(line)).reduce((a, b) => a + b, Size.Small);
}

total([{ price: 1 }]);
""",
}


def makers() -> dict[str, dict[str, str]]:
    folder = npm.installed(PACKAGE, "maps.cjs")
    done = subprocess.run(
        ["node", "maps.cjs"], cwd=folder, input=json.dumps(WRITTEN), capture_output=True, text=True, check=True
    )
    found: dict[str, dict[str, dict[str, str]]] = json.loads(done.stdout)
    return found["order.ts"]


def test_errors_are_told_in_what_was_written_whoever_made_the_map() -> None:
    for maker, made in makers().items():
        source = prepared(made["code"], "order", typescript=False, source_map=made["map"])
        assert source.notes == (), maker
        assert source.source_map, maker
        assert "sourceMappingURL" not in source.code or made["map"], maker
        bundle = link(source, NONE.get)
        text, places = failure(bundle)
        found = trace(text, bundle.sources(), places)
        assert found.message.startswith("TypeError: "), maker
        frames = [(frame.file.removeprefix("/"), frame.line) for frame in found.frames]
        assert all(frame.mapped for frame in found.frames), maker
        # Where the text is broken over lines, the compilers differ in what they call the place of the access.
        assert frames[0] in {("order.ts", 5), ("order.ts", 6)}, maker
        assert [line for _, line in frames[1:]] == [10, 10, 13], (maker, found)


def inline(document: object) -> str:
    data = base64.b64encode(json.dumps(document).encode()).decode()
    return f"a\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,{data}\n"


GOOD: Final[dict[str, Any]] = {"version": 3, "sources": ["a.ts"], "names": ["total"], "mappings": "AAAA;AACA,IAAIA"}


def test_the_fields_of_segments_are_differences() -> None:
    found = read(json.dumps(GOOD))
    assert str(found.original(1, 1)) == str(found.original(1, 99))
    first, second = found.original(2, 1), found.original(2, 5)
    assert first is not None
    assert second is not None
    assert (first.file, first.line, first.column, first.name) == ("a.ts", 2, 1, "")
    assert (second.file, second.line, second.column, second.name) == ("a.ts", 2, 5, "total")
    assert found.original(3, 1) is None
    silent = read(json.dumps({**GOOD, "mappings": "EAAA,E"}))
    assert silent.original(1, 2) is None
    assert silent.original(1, 5) is None


def test_sections_begin_where_they_say() -> None:
    sections = [
        {"offset": {"line": 0, "column": 0}, "map": GOOD},
        {"offset": {"line": 1, "column": 10}, "map": {**GOOD, "sources": ["b.ts"], "sourceRoot": "src/"}},
    ]
    found = read(")]}'\n" + json.dumps({"version": 3, "sections": sections}))
    assert [place.file for column in (1, 10, 11, 50) if (place := found.original(2, column))] == [
        "a.ts",
        "a.ts",
        "src/b.ts",
        "src/b.ts",
    ]
    third = found.original(3, 1)
    assert third is not None
    assert (third.file, third.line) == ("src/b.ts", 2)


BAD: Final = [
    {},
    [],
    {**GOOD, "version": 2},
    {**GOOD, "sources": "a"},
    {**GOOD, "names": None},
    {**GOOD, "mappings": 1},
    {**GOOD, "mappings": "A!"},
    {**GOOD, "mappings": "AA"},
    {**GOOD, "mappings": "AC"},
    {**GOOD, "mappings": "ACAA"},
    {**GOOD, "mappings": "ADAA"},
    {**GOOD, "mappings": "AAAAE"},
    {**GOOD, "mappings": "AAAA,,"},
    {**GOOD, "mappings": "ggggggggggggggggA"},
    {**GOOD, "mappings": "AAA" + "g"},
    {**GOOD, "mappings": "A," * 300_001},
    {"version": 3, "sections": 1},
    {"version": 3, "sections": [1]},
    {"version": 3, "sections": [{"offset": {"line": -1, "column": 0}, "map": GOOD}]},
    {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": {"sections": []}}]},
    {"version": 3, "sections": [{"offset": {"line": 1e99, "column": True}, "map": GOOD}]},
]


@pytest.mark.parametrize("document", BAD, ids=range(len(BAD)))
def test_a_bad_map_is_not_used_and_a_note_says_so(document: object) -> None:
    made = prepared(inline(document), "m", typescript=False)
    assert made.source_map == ""
    assert made.notes[0].startswith("the source map is not used: ")
    assert made.code == "return a\n\n"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("//# sourceMappingURL=app.js.map", "only a map inside"),
        ("//# sourceMappingURL=https://example.org/app.js.map", "only a map inside"),
        ("//# sourceMappingURL=data:application/json;base64,***", "no base64"),
        ("//# sourceMappingURL=data:application/json;base64,/w==", "no base64 of UTF-8"),
        ("//# sourceMappingURL=data:application/json;base64,e30=x", "no base64"),
        ("//@ sourceMappingURL=data:application/json;base64,W10=", "it is no object"),
        (f"//# sourceMappingURL=data:application/json;base64,{'A' * (MAP_BYTES_MAX * 2)}", "larger than"),
    ],
)
def test_what_is_no_map_is_not_used_either(line: str, note: str) -> None:
    made = prepared(f"1\n{line}", "m", typescript=False)
    assert note in made.notes[0]
    assert made.code == "return 1\n"


@pytest.mark.parametrize(
    "source",
    [
        "`\n//# sourceMappingURL=data:application/json;base64,e30=\n`",
        "//# sourceMappingURL=data:application/json;base64,e30=\n1",
        "'//# sourceMappingURL=x'",
    ],
)
def test_what_only_looks_like_a_map_stays(source: str) -> None:
    assert carried(source) == (source, "", ())


@given(st.text(max_size=200) | st.text("AEgCD,;", max_size=50).map(lambda text: json.dumps({**GOOD, "mappings": text})))
def test_any_text_is_a_map_or_a_bad_value(text: str) -> None:
    try:
        found = read(text)
    except BadValue:
        return
    found.original(1, 1)
