"""Any text is prepared, or refused with a line and a column: nothing else comes out."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.diagnostics import Refused
from procession.scripts.declared import declared
from procession.scripts.modules import prepared
from procession.scripts.syntax import READ_S_MAX, SOURCE_BYTES_MAX

WORDS: Final = (
    "import export default from as type interface enum class extends implements abstract declare namespace function"
    " async await return const let var this private readonly static get set new for of in if else => ... ?. ?: : ; , ."
    " ( ) { } [ ] < > = + * ! ? @ ` ${ \" ' // /* */ / a b é 😀 1 1n \"m\" 'm' `t` \n \r\n \t #p satisfies keyof is"
    " asserts import( import.meta"
).split(" ")
SOURCES: Final = st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


def made(source: str, typescript: bool) -> None:
    try:
        found = prepared(source, "any", typescript=typescript)
    except Refused as refused:
        for one in refused.diagnostics:
            assert one.message
            assert one.span.file == "any"
            assert one.span.line >= 1
            assert one.span.column >= 1
        return
    assert found.code.count("\n") - found.source.count("\n") in {0, 1}
    declared(found)


@given(SOURCES, st.booleans())
def test_any_text_is_prepared_or_refused(source: str, typescript: bool) -> None:
    made(source, typescript)


DEEP: Final = [
    "(",
    "[",
    "{",
    "`${",
    "a(",
    "!",
    "a.",
    "a=",
    "a?b:",
    "x=>",
    "(a:b=>",
    "class A{a=",
    "if(a)",
    "new ",
    "@a ",
    "<",
    "f<",
    "let a:{b:",
    "let a:A<",
    "a as b as ",
    "[a as ",
    "a!",
    "({a:",
    "function f(){",
    "async()=>",
    "typeof ",
    "a+",
    "a,",
    "import{",
    "export{",
    "type A=",
    "//",
    "/*",
    '"',
]


@pytest.mark.parametrize("typescript", [False, True])
@pytest.mark.parametrize("start", DEEP)
def test_deep_sources_do_not_exhaust_the_stack(start: str, typescript: bool) -> None:
    for source in (start * 3_000, start * 900 + "a" + ")" * 900, start * 400 + "a" + "]" * 200 + "}" * 200):
        made(source, typescript)


def test_balanced_sources_are_read_up_to_the_limit() -> None:
    for opened, closed in [
        ("(", ")"),
        ("[", "]"),
        ("({a:", "})"),
        ("`${", "}`"),
        ("f(", ")"),
        ("(x as ", ")"),
        ("(x=>", ")"),
    ]:
        for times in (100, 5_000):
            made(opened * times + "a" + closed * times, typescript=True)
    made("let a: " + "{b: " * 300 + "1" + "}" * 300, typescript=True)
    made("let a = b" + " as c" * 1_900, typescript=True)
    made("a" + "!" * 1_900, typescript=True)
    made("export const " + "{a: " * 500 + "b" + "}" * 500 + " = c", typescript=False)


WORST: Final = ["x!", "f<T>(", *(pytest.param(text, marks=pytest.mark.large) for text in ('"', "[a as "))]
"""Each takes all the time that it is given."""


@pytest.mark.parametrize("text", WORST)
def test_the_worst_sources_are_given_up_in_time(text: str) -> None:
    before = time.thread_time()
    with pytest.raises(Refused):
        prepared(text * (SOURCE_BYTES_MAX // len(text)), "any", typescript=True)
    # What is read until then is looked at, too.
    assert time.thread_time() - before < 4 * READ_S_MAX


def test_threads_read_at_the_same_time() -> None:
    sources = [f"let {name}: number = {'[' * 50}{at}{']' * 50};\n" * 100 for at, name in enumerate("abcd")]
    alone = [prepared(source, "any", typescript=True) for source in sources]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda source: prepared(source, "any", typescript=True), sources))
    assert together == alone
