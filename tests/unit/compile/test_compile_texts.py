"""Texts in a model: languages, names of several words, equal expressions, and the syntax of times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from procession.base.failure import Failure
from procession.compile import LANGUAGES, compile_definitions
from procession.compile.names import quoted
from procession.compile.time_syntax import duration_problem, problem_of
from procession.core.timers import first_due, parse_duration
from procession.feel.lexer import Names
from procession.ir.kinds import Kind, TimerKind
from unit.compile.snippets import FEEL_URI, compiled, definitions_of, document, flow, flow_of, found, node, text_of

XPATH: Final = "http://www.w3.org/1999/XPath"


def conditional(condition: str, own: str = "") -> str:
    drawn = flow("x", "a", condition)
    if own:
        drawn = drawn.replace("<conditionExpression>", f'<conditionExpression language="{own}">')
    return (
        '<startEvent id="s"/><exclusiveGateway id="x" default="x-b"/><task id="a"/><task id="b"/>'
        + flow("s", "x")
        + drawn
        + flow("x", "b")
    )


@pytest.mark.parametrize(
    ("condition", "own", "whole", "text"),
    [
        ("=a > 1", "", "", "a > 1"),
        ("= a > 1 ", "", XPATH, "a > 1"),
        ("=a > 1", "", FEEL_URI, "a > 1"),
        ("a > 1", "", FEEL_URI, "a > 1"),
        ("a > 1", "feel", "", "a > 1"),
        ("a > 1", FEEL_URI, "urn:other", "a > 1"),
        ("a > 1", "http://www.omg.org/spec/FEEL/20140401", "", "a > 1"),
        ("a > 1", "https://www.omg.org/spec/DMN/20230324/FEEL/", "", "a > 1"),
    ],
)
def test_an_expression_is_feel_by_itself_by_its_document_or_after_the_sign(
    condition: str, own: str, whole: str, text: str
) -> None:
    attributes = f'expressionLanguage="{whole}"' if whole else ""
    program = compiled(document(conditional(condition, own), attributes=attributes))
    expression = program.expressions[flow_of(program, "x-a").condition]
    assert (expression.text, expression.language) == (text, "feel")
    assert (expression.element, expression.attribute) == ("x-a", "condition")
    assert expression.line > 0


@pytest.mark.parametrize(
    ("condition", "own", "whole"),
    [
        ("a > 1", "", ""),
        ("a > 1", "", XPATH),
        ("a > 1", "juel", ""),
        ("a > 1", "", "urn:groovy"),
        ("a > 1", "javascript", ""),
    ],
)
def test_an_expression_in_no_registered_language_is_refused(condition: str, own: str, whole: str) -> None:
    attributes = f'expressionLanguage="{whole}"' if whole else ""
    refused = found(document(conditional(condition, own), attributes=attributes))
    assert [(d.rule, d.element) for d in refused] == [("expression-language", "x-a")]
    assert refused[0].remedy


def test_a_registered_language_is_kept_as_drawn_and_can_be_the_fallback() -> None:
    definitions = definitions_of(document(conditional("test.contains('a')")))
    programs, diagnostics = compile_definitions(definitions, languages=LANGUAGES | {"words"}, fallback_language="words")
    assert diagnostics == []
    assert [(e.text, e.language) for e in programs[0].expressions] == [("test.contains('a')", "words")]


def test_a_fault_in_feel_is_shown_with_its_place_in_the_expression() -> None:
    refused = found(document(conditional("=a and and b")))
    assert [(d.rule, d.element) for d in refused] == [("feel", "x-a")]
    assert "character 7" in refused[0].message
    assert "`a and and b`" in refused[0].message
    assert refused[0].span.line > 0


def test_equal_texts_share_one_row() -> None:
    body = conditional("=a = 1").replace('<task id="a"/>', "")
    body += """<scriptTask id="a"><extensionElements><zeebe:script expression="= a = 1 " resultVariable="r"/>
      </extensionElements></scriptTask>"""
    program = compiled(document(body))
    assert [e.text for e in program.expressions] == ["a = 1"]


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Credit Score > 600", "`Credit Score` > 600"),
        ("Credit  Score + Credit Score Limit", "`Credit Score` + `Credit Score Limit`"),
        ('"Credit Score" + Credit Score', '"Credit Score" + `Credit Score`'),
        ("`Credit Score` > 1 // Credit Score\n", "`Credit Score` > 1 // Credit Score\n"),
        ("Credit Scores", "Credit Scores"),
        ("myCredit Score", "myCredit Score"),
        ("Credit Score.value[Credit Score > 1]", "`Credit Score`.value[`Credit Score` > 1]"),
        ("pre-tax + 1", "`pre-tax` + 1"),
        ('"open', '"open'),
    ],
)
def test_declared_names_of_several_words_are_put_in_back_ticks(text: str, expected: str) -> None:
    assert quoted(text, Names(["Credit Score", "Credit Score Limit", "pre-tax"])) == expected


@given(st.text(alphabet='ab Cd"`/*-\\\n', max_size=40))
def test_quoting_names_twice_changes_nothing_more(text: str) -> None:
    names = Names(["a b", "C-d"])
    once = quoted(text, names)
    assert quoted(once, Names()) == once
    if "`" not in text and '"' not in text and "/" not in text:
        assert quoted(once, names) == once
        assert "".join(once.split()).replace("`", "") == "".join(text.split())


def test_a_drawn_data_object_with_a_word_of_the_language_changes_no_expression() -> None:
    body = conditional("=terms and conditions") + '<dataObject id="o" name="terms and conditions"/>'
    program = compiled(document(body))
    assert program.expressions[0].text == "terms and conditions"
    mapped = """<task id="a"><extensionElements><zeebe:ioMapping><zeebe:output source="=1" target="net price"/>
      </zeebe:ioMapping></extensionElements></task>"""
    program = compiled(document(conditional("=net price = 1").replace('<task id="a"/>', mapped)))
    assert "`net price` = 1" in [e.text for e in program.expressions]


# --- times ------------------------------------------------------------------------------------------------------------

GOOD: Final = [
    (TimerKind.DATE, "2026-01-31T09:00:00Z"),
    (TimerKind.DATE, "2026-01-31T09:00:00+02:00"),
    (TimerKind.DATE, "2026-01-31T09:00:00[Europe/Berlin]"),
    (TimerKind.DATE, "2026-01-31"),
    (TimerKind.DURATION, "P1Y2M3DT4H5M6.5S"),
    (TimerKind.DURATION, "P2W"),
    (TimerKind.DURATION, "PT0S"),
    (TimerKind.DURATION, "-PT1H"),
    (TimerKind.CYCLE, "R/PT1H"),
    (TimerKind.CYCLE, "R3/PT1H"),
    (TimerKind.CYCLE, "R-1/P1D"),
    (TimerKind.CYCLE, "R5/2026-01-01T00:00:00Z/P1D"),
    (TimerKind.CYCLE, "0 9 * * MON-FRI"),
    (TimerKind.CYCLE, "*/5 0 9-17 ? JAN,JUL L"),
    (TimerKind.CYCLE, "0 0 9 L-3 * ?"),
    (TimerKind.CYCLE, "0 0 9 15W * ?"),
    (TimerKind.CYCLE, "0 0 9 ? * MON#2"),
    (TimerKind.CYCLE, "@daily"),
]
BAD: Final = [
    (TimerKind.DATE, "2026-13-31T09:00:00Z"),
    (TimerKind.DATE, "2026-01-31T09:00:00[Middle/Earth]"),
    (TimerKind.DATE, "PT1H"),
    (TimerKind.DURATION, "P"),
    (TimerKind.DURATION, "PT"),
    (TimerKind.DURATION, "P1DT"),
    (TimerKind.DURATION, "1h"),
    (TimerKind.DURATION, ""),
    (TimerKind.CYCLE, "R3"),
    (TimerKind.CYCLE, "R3/PT0S"),
    (TimerKind.CYCLE, "R3/-PT1H"),
    (TimerKind.CYCLE, "R/a/PT1H"),
    (TimerKind.CYCLE, "R/2026-01-01/x/PT1H"),
    (TimerKind.CYCLE, "60 9 * * *"),
    (TimerKind.CYCLE, "0 9 * * FUN"),
    (TimerKind.CYCLE, "0 9 * *"),
    (TimerKind.CYCLE, "0 9 5-3 * *"),
    (TimerKind.CYCLE, "*/0 9 * * *"),
    (TimerKind.CYCLE, "@sometimes"),
]


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_a_time_that_comes_due_is_accepted(kind: TimerKind, text: str) -> None:
    assert problem_of(kind, text) == ""


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_a_time_that_means_nothing_is_refused(kind: TimerKind, text: str) -> None:
    assert text[:5] in problem_of(kind, text) or problem_of(kind, text)


@given(
    st.sampled_from(list(TimerKind)),
    st.one_of(
        st.from_regex(r"\A-?P([0-9]{1,3}[YMWD])*(T([0-9]{1,3}[HMS])*)?\Z"),
        st.from_regex(r"\AR(-1|[1-9]?)/(2026-0[0-9]-01/)?P(T?[0-9]{1,2}[HMD])\Z"),
        st.lists(
            st.from_regex(r"\A(\*|\?|[0-9]{1,2}(-[0-9]{1,2})?|L|LW|[0-9]{1,2}W|[0-9]#[0-9]|MON|JAN)(/[0-9])?\Z"),
            min_size=5,
            max_size=6,
        ).map(" ".join),
        st.from_regex(r"\A20[0-9]{2}-[01][0-9]-[0-3][0-9](T[012][0-9]:[0-5][0-9](Z|\+0[0-9]:00)?)?\Z"),
    ),
)
@example(TimerKind.CYCLE, "R0/PT1H")
@example(TimerKind.DURATION, "P1M1W")
def test_what_deploys_is_what_the_interpreter_can_read(kind: TimerKind, text: str) -> None:
    """The two readers of times, here and in the interpreter, agree; only never coming due is known later."""
    problem = problem_of(kind, text)
    if problem:
        with pytest.raises(Failure):
            first_due(kind, text, 1_767_225_600_000, "UTC")
        return
    with suppress_later_faults():
        first_due(kind, text, 1_767_225_600_000, "UTC")


@contextmanager
def suppress_later_faults() -> Iterator[None]:
    """What only the calendar knows: that a date lies beyond the years, or that no day fits."""
    try:
        yield
    except Failure as failure:
        if "never comes due" not in failure.message and "outside the years" not in failure.message:
            raise


@given(st.text(alphabet="PT0123456789YMWDHS.-", max_size=12))
def test_durations_agree_too(text: str) -> None:
    if duration_problem(text):
        with pytest.raises(Failure):
            parse_duration(text)
    else:
        parse_duration(text)


def test_a_fallback_language_makes_no_time_of_a_text_that_is_none() -> None:
    body = "<timerEventDefinition><timeDuration>soon</timeDuration></timerEventDefinition>"
    definitions = definitions_of(document(f'<startEvent id="s">{body}</startEvent>'))
    refused = compile_definitions(definitions, languages=LANGUAGES | {"words"}, fallback_language="words")[1]
    assert [(d.rule, d.element) for d in refused] == [("timer", "s")]


@pytest.mark.parametrize(
    ("drawn", "whole", "text"),
    [("PT1H", FEEL_URI, ""), ("=wait", "", "wait"), ('duration("PT1H")', FEEL_URI, 'duration("PT1H")')],
)
def test_a_time_is_literal_where_it_reads_as_one(drawn: str, whole: str, text: str) -> None:
    body = f"""<startEvent id="s"/><intermediateCatchEvent id="x"><timerEventDefinition>
      <timeDuration>{drawn}</timeDuration></timerEventDefinition></intermediateCatchEvent>{flow("s", "x")}"""
    program = compiled(document(body, attributes=f'expressionLanguage="{whole}"' if whole else ""))
    caught = node(program, "x")
    assert caught.kind is Kind.INTERMEDIATE_CATCH_EVENT
    assert [text_of(program, ref) for ref in range(len(program.expressions))] == ([text] if text else [])
