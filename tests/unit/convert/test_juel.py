"""JUEL, row by row: what is read, what each expression is in FEEL, and where what is broken is broken."""

from __future__ import annotations

from typing import Final

import pytest

from procession.convert.juel import DEPTH_MAX, OPERATORS_MAX, TEXT_MAX, JuelError, parse_template
from procession.convert.juel_feel import Place, translate
from procession.feel import compile_expression, evaluate

MAPPED: Final = [
    ("plain text", '"plain text"'),
    ("", '""'),
    ("${x}", "x"),
    ("#{x}", "x"),
    ("${ x }", "x"),
    ("\\${x}", '"${x}"'),
    ("a ${b} c", 'string join(["a ", string(b), " c"])'),
    ("${a}${b}", "string join([string(a), string(b)])"),
    ("${12}", "12"),
    ("${1.50}", "1.50"),
    ("${1e3}", "1000"),
    ("${.5}", "0.5"),
    ("${'it\\'s'}", '"it\'s"'),
    ('${"a\\\\b"}', '"a\\\\b"'),
    ("${true}", "true"),
    ("${null}", "null"),
    ("${a + b * c - d}", "a + b * c - d"),
    ("${(a + b) * c}", "(a + b) * c"),
    ("${a div b}", "a / b"),
    ("${7 mod 4}", "modulo(7, 4)"),
    ("${a % 4}", "a - 4 * round down(a / 4)"),
    ("${-a}", "-a"),
    ("${a == b}", "a = b"),
    ("${a eq 'x'}", 'a = "x"'),
    ("${a ne null}", "a != null"),
    ("${1 == '1'}", 'string(1) = "1"'),
    ("${a lt 1}", "a < 1"),
    ("${a le 1}", "a <= 1"),
    ("${a gt 1}", "a > 1"),
    ("${a ge 1}", "a >= 1"),
    ("${a > 1 and b < 2 or c == 3}", "a > 1 and b < 2 or c = 3"),
    ("${a && b}", "a = true and b = true"),
    ("${a == 1 || b == 1 || c == 1}", "a = 1 or b = 1 or c = 1"),
    ("${!a}", "a != true"),
    ("${not (a == 1)}", "not(a = 1)"),
    ("${empty a}", 'list contains([null, "", [], {}], a)'),
    ("${!empty a}", 'not(list contains([null, "", [], {}], a))'),
    ("${a ? b : c}", "if a then b else c"),
    ("${a == 1 ? 'x' : b == 2 ? 'y' : 'z'}", 'if a = 1 then "x" else if b = 2 then "y" else "z"'),
    ("${a.b.c}", "a.b.c"),
    ("${a['b c']}", "a.`b c`"),
    ("${a[0]}", "a[1]"),
    ("${a[i + 1]}", "sublist(a, i + 1 + 1, 1)[1]"),
    ("${a.get(0)}", "a[1]"),
    ("${a.get('k')}", "a.k"),
    ("${a.contains('x')}", 'if a instance of string then contains(a, "x") else list contains(a, "x")'),
    ("${'abc'.contains(a)}", 'contains("abc", a)'),
    ("${a.equals('x')}", 'a = "x"'),
    ("${a.equalsIgnoreCase('x')}", 'lower case(a) = lower case("x")'),
    ("${a.size()}", "count(a)"),
    ("${a.size() > 2}", "count(a) > 2"),
    ("${a.isEmpty()}", 'list contains([null, "", [], {}], a)'),
    ("${a.toString()}", "string(a)"),
    ("${a.length()}", "string length(a)"),
    ("${a.toUpperCase().trim()}", "trim(upper case(a))"),
    ("${a.startsWith('x')}", 'starts with(a, "x")'),
    ("${a.substring(2)}", "substring(a, 3)"),
    ("${a.substring(1, 3)}", "substring(a, 2, 2)"),
    ("${a.concat('x')}", 'a + "x"'),
    ("${a.replace('.', '-')}", 'replace(a, "\\\\.", "-")'),
    ("${a.containsKey('k')}", 'list contains(get entries(a).key, "k")'),
    ("${a.intValue()}", "round down(a)"),
    ("${execution.getVariable('x')}", "x"),
    ("${task.getVariableLocal('x')}", "x"),
    ("${execution.getVariable('x').a}", "x.a"),
    ("${execution.currentActivityId}", '"here"'),
    ("${nrOfCompletedInstances / nrOfInstances >= 0.5}", "numberOfCompletedInstances / numberOfInstances >= 0.5"),
    ("${loopCounter}", "loopCounter - 1"),
    ("${now()}", "now()"),
    ("${dateTime().plusDays(3).toDate()}", 'now() + duration("P3D")'),
    ("${S(order).prop('id').stringValue()}", "order.id"),
    ("${JSON(order).prop('lines').elements().size()}", "count(order.lines)"),
    ("${variables:get(x)}", "x"),
    ("${vars:equals('x', 1)}", "x = 1"),
    ("${variables:getOrDefault('x', 1)}", "get or else(x, 1)"),
    ("${variables:contains(xs, 'a')}", 'if xs instance of string then contains(xs, "a") else list contains(xs, "a")'),
    ("${KieFunctions.equalsTo(x, 'a')}", 'x = "a"'),
    ("${if}", "`if`"),
]
CHANGED: Final = [
    ("${a[i]}", "sublist(a, i + 1, 1)[1]", "place in a list"),
    ("${a.get(k)}", "get value(a, k)", "that of a map"),
    ("${a.getTotal()}", "a.total", "the entry `total`"),
    ("${'1' + 2}", '"1" + 2', "a text is no number"),
    ("${a.matches('[a-z]+')}", 'matches(a, "^([a-z]+)$")', "of XPath"),
    ("${a.split(',')}", 'split(a, ",")', "of XPath"),
    ("${execution.hasVariable('x')}", "x != null", "not there"),
    ("${execution.processBusinessKey}", "businessKey", "the variable `businessKey`"),
    ("${result.getSingleEntry()}", "result", "what the decision gives"),
    ("${result.singleResult.discount}", "result.discount", "what the decision gives"),
    ("${xs.contains(3)}", "list contains(xs, 3)", "of the same class"),
    ("${(a + 1) % b}", "modulo(a + 1, b)", "sign of the divisor"),
]
NEEDS_WORK: Final = [
    ("${bean.doIt(x)}", "doIt() at character 8 is Java"),
    ("${x > 1 && rules.check(order)}", "check() at character 18 is Java"),
    ("${execution.setVariable('x', 1)}", "`execution.setVariable` at character 13"),
    ("${execution.id}", "`execution.id` at character 13"),
    ("${execution}", "`execution` at character 3"),
    ("${currentUser()}", "currentUser() at character 3 is Java"),
]
BROKEN: Final = [
    ("${", "expected a value, found the end at character 3"),
    ("${}", "expected a value, found '}' at character 3"),
    ("${x", "expected '}', found the end at character 4"),
    ("${x + }", "expected a value, found '}' at character 7"),
    ("${x ==}", "expected a value, found '}' at character 7"),
    ("${x = 1}", "unexpected '=' at character 5"),
    ("${(x}", "expected ')', found '}' at character 5"),
    ("${x y}", "expected '}', found 'y' at character 5"),
    ("${'x}", 'unexpected "\'" at character 3'),
    ("${x.}", "expected a name after the point, found '}' at character 5"),
    ("${x ? y}", "expected ':', found '}' at character 8"),
    ("${f(a b)}", "expected ',', found 'b' at character 7"),
    ("${x instanceof y}", "`instanceof` is reserved at character 5"),
    ("${x ; y}", "unexpected ';' at character 5"),
    ("ok ${a} then ${b +}", "expected a value, found '}' at character 19"),
]
TOO_MUCH: Final = [
    ("a" * (TEXT_MAX + 1), f"more than {TEXT_MAX} characters"),
    ("${" + "(" * (DEPTH_MAX + 1) + "x" + ")" * (DEPTH_MAX + 1) + "}", f"nested deeper than {DEPTH_MAX}"),
    ("${" + "!" * 5_000 + "x}", f"nested deeper than {DEPTH_MAX}"),
    ("${x" + "+x" * (OPERATORS_MAX + 1) + "}", f"more than {OPERATORS_MAX} operators"),
    ("${x" + ".x" * 5_000 + "}", f"more than {OPERATORS_MAX} operators"),
    ("${x" + "%x" * 5_000 + "}", f"more than {OPERATORS_MAX} operators"),
]
PLACE: Final = Place("here", "Here")


@pytest.mark.parametrize(("text", "feel"), MAPPED)
def test_what_means_the_same_is_mapped(text: str, feel: str) -> None:
    done = translate(text, PLACE)
    assert (done.feel, done.outcome) == (feel, "mapped"), done
    compile_expression(feel, dialect="camunda")


@pytest.mark.parametrize(("text", "feel", "note"), CHANGED)
def test_what_means_something_else_is_said(text: str, feel: str, note: str) -> None:
    done = translate(text, PLACE)
    assert (done.feel, done.outcome) == (feel, "changed"), done
    assert note in done.note
    compile_expression(feel, dialect="camunda")


@pytest.mark.parametrize(("text", "note"), NEEDS_WORK)
def test_what_needs_java_is_left_to_a_worker_and_its_place_is_named(text: str, note: str) -> None:
    done = translate(text, PLACE)
    assert (done.feel, done.outcome) == (None, "needs-work")
    assert note in done.note


@pytest.mark.parametrize(("text", "message"), [*BROKEN, *TOO_MUCH], ids=lambda text: text[:30])
def test_what_is_broken_names_its_place(text: str, message: str) -> None:
    with pytest.raises(JuelError) as broken:
        parse_template(text)
    assert message in str(broken.value)
    assert 1 <= broken.value.at <= len(text) + 1
    done = translate(text)
    assert done.outcome == "needs-work"
    assert message in done.note


def test_a_chain_that_repeats_its_operands_does_not_grow_without_bound() -> None:
    for text in ("${a" + "%a" * 100 + "}", "${a" + ".contains('x')" * 100 + "}"):
        assert len(translate(text).feel or "") < 5_000


@pytest.mark.parametrize(
    ("text", "variables", "wanted"),
    [
        ("${x > 5}", {"x": 7}, True),
        ("Dear ${name}, ${n} left", {"name": "Ada", "n": 3}, "Dear Ada, 3 left"),
        ("Dear ${name}", {"name": None}, "Dear "),
        ("${!approved}", {"approved": None}, True),
        ("${a && b}", {"a": None, "b": True}, False),
        ("${-7 % 4}", {}, -3),
        ("${xs[i + 0].k}", {"xs": [{"k": 1, "i": 9}, {"k": 2, "i": 9}], "i": 1}, 2),
        ("${empty x}", {"x": 0}, False),
        ("${x.contains('a')}", {"x": ["a"]}, True),
        ("${x.contains('a')}", {"x": "banana"}, True),
    ],
)
def test_a_translation_is_evaluated_as_there(text: str, variables: dict[str, object], wanted: object) -> None:
    assert evaluate(translate(text).feel or "", variables, dialect="camunda") == wanted
