"""What the engine says of an error, told in the customer's own files."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.scripts.library import link
from procession.scripts.modules import prepared
from procession.scripts.trace import FRAMES_MAX, Trace, trace
from script_rig import failure

LIBRARY: Final = {
    "bad": "export function fail(x) {\n  return x.y.z\n}\nexport class Deep { constructor() { fail({}) } }",
    "typed.ts": "export const fail =\n  (x: Array<{a: number}>): number => (x as any)\n    .a.b",
    "throws": "/* é */ throw new RangeError('at once')\nexport {}",
}


def told(source: str, *, typescript: bool = False) -> Trace:
    bundle = link(prepared(source, "task", typescript=typescript), LIBRARY.get)
    text, places = failure(bundle)
    return trace(text, bundle.sources(), places)


PLACES: Final = [
    ("input.x", ["task:1:1"]),
    ("\n\n  input.x", ["task:3:3"]),
    ("1; input.x", ["task:1:4"]),
    ("'é'; input.x", ["task:1:6"]),
    ("'😀😀'; 'é'; input.x", ["task:1:12"]),
    ("var é = 1; return input.x", ["task:1:19"]),
    ("function f() {\n  input.x }\nf()", ["f (task:2:3)", "task:3:1"]),
    ("[1].map(x => x.y.z)", ["task:1:14", "task:1:9"]),
    ('import {fail} from "bad"; fail({})', ["fail (bad:2:10)", "task:1:27"]),
    ('import * as everything from "bad"; new everything.Deep()', ["fail (bad:2:10)", "Deep (bad:4:37)", "task:1:40"]),
    ('import {fail} from "typed.ts"\nfail([])', ["fail (typed.ts:2:39)", "task:2:1"]),
    ('/* a */ import "throws"', ["throws:1:19", "task:1:9"]),
    ("1;\nimport 'throws'", ["throws:1:19", "task:1:1"]),
]


@pytest.mark.parametrize(("source", "frames"), PLACES)
def test_frames_are_places_in_the_customers_files(source: str, frames: list[str]) -> None:
    found = told(source)
    lines = [str(frame).rpartition(":")[0] for frame in found.frames]
    assert lines == [frame.rpartition(":")[0] for frame in frames], found
    assert [str(frame) for frame in found.frames] == frames


def test_a_place_that_the_engine_does_not_keep_is_where_the_source_begins() -> None:
    assert [str(frame) for frame in told("\n\nreturn null.x").frames] == ["task:1:1"]
    assert [str(frame) for frame in told("let f = () => {\n  let [a] = null }\n\nf()").frames][-1] == "task:4:1"


def test_the_message_is_the_engines_without_frames() -> None:
    assert told("input.x").message == "TypeError: cannot read property 'x' of null"
    assert told("throw new Error('a\\n    at b (c:1:2)\\nd')").message == "Error: a\n    at b (c:1:2)\nd"
    assert told("class Mine extends Error { name = 'Mine' }\nthrow new Mine('why')").message.endswith("why")


@pytest.mark.parametrize(
    ("source", "place"),
    [("let a = 1\nlet a = 2", "task:2:7"), ("let a\nlet a", "task:2:6"), ("let é\nlet é\n1", "task:3:1")],
)
def test_mistakes_that_only_the_engine_finds_have_a_place_too(source: str, place: str) -> None:
    found = told(source)
    assert found.message.startswith("SyntaxError: ")
    assert [str(frame) for frame in found.frames] == [place]


def test_files_are_found_by_their_names_where_the_engine_knows_them() -> None:
    sources = {"a": prepared("x\n  y", "a", typescript=False)}
    places = ["f (a:2:10)", "native (native)", "g (other:1:1)", "<eval> (a:1:1)", "h (a:9:1)\n"]
    text = "\n    at ".join(["TypeError: no", *places])
    assert str(trace(text, sources)) == "TypeError: no\n    at f (a:2:3)\n    at a:1:1"


def test_no_more_frames_than_can_be_read() -> None:
    assert len(told("function f(n) { if (n) f(n - 1); else input.x }\nf(60)").frames) <= FRAMES_MAX
    deep = told("function f() { f() }\nf()")
    assert deep.message
    assert len(deep.frames) <= FRAMES_MAX


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["    at f (a:1:1)", "    at a:2:9", "    at (", "x", " at é (a:1:99999)"])).map(
        "\n".join
    )
)
def test_any_text_is_told(text: str) -> None:
    found = trace(text, {"a": prepared("'é'\nb", "a", typescript=False)})
    assert len(found.frames) <= FRAMES_MAX
    assert all(frame.file == "a" and frame.line in {1, 2} and frame.column >= 1 for frame in found.frames)


def test_a_long_line_is_no_frame_and_costs_nothing() -> None:
    text = "x\n    at " + "( " * 30_000
    assert trace(text, {}).frames == ()
