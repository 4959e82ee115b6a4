"""Scripts in JavaScript of Camunda 7: what they become here does what they did there."""

from __future__ import annotations

from typing import Any

import pytest

from procession import Engine
from procession.convert import convert
from procession.scripts.free import uses
from procession.scripts.trusted import Trusted
from procession.services.scripting import has_reader

if not has_reader():
    pytest.skip("needs the extra js: pip install 'procession[js]'", allow_module_level=True)

MODEL = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><process id="p" isExecutable="true">
  <startEvent id="s"/><scriptTask id="t" scriptFormat="{format}"{more}><script><![CDATA[{text}]]></script></scriptTask>
  <endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="t"/><sequenceFlow id="b" sourceRef="t" targetRef="e"/>
  </process></definitions>"""


def converted(text: str, result: str = "", format: str = "javascript") -> Any:
    more = f' camunda:resultVariable="{result}"' if result else ""
    return convert(MODEL.format(text=text, more=more, format=format).encode(), "p.bpmn", uses)


@pytest.mark.parametrize(
    ("text", "result", "given", "left"),
    [
        ("amount * 2", "double", {"amount": 21}, {"double": 42}),
        ("var sum = 0;\nfor (var i = 0; i < items.length; i++) { sum += items[i].price; }\nsum", "total",
         {"items": [{"price": 1}, {"price": 2}]}, {"total": 3}),
        ('execution.setVariable("b", execution.getVariable("a") + 1);', "", {"a": 1}, {"b": 2}),
        ('execution.setVariable("a", 5); execution.setVariable("b", execution.getVariable("a"));', "", {"a": 1},
         {"a": 5, "b": 5}),
        ('if (!execution.hasVariable("x")) execution.setVariables({x: 1, y: null});', "", {}, {"x": 1, "y": None}),
        ('execution.setVariable("all", Object.keys(execution.getVariables()).sort());', "", {"a": 1, "b": 2},
         {"all": ["a", "b"]}),
        ("amount = amount + 1; amount", "more", {"amount": 1}, {"amount": 1, "more": 2}),
        ("nothing", "found", {}, {"found": None}),
        ("1 + 1", "", {}, {}),
        ('print("hello"); const {name, tags: [first]} = person; `${name} ${first}`', "text",
         {"person": {"name": "Ada", "tags": ["x"]}}, {"text": "Ada x"}),
        ("const f = (a, {b = other}) => a + b; f(1, {})", "n", {"other": 2}, {"n": 3}),
        ("const amount = 7; ({amount})", "o", {"amount": 1}, {"o": {"amount": 7}}),
    ],
)  # fmt: skip
def test_a_script_does_what_it_did(text: str, result: str, given: dict[str, Any], left: dict[str, Any]) -> None:
    made = converted(text, result)
    [entry] = [each for each in made.report.entries if each.attribute == "script"]
    assert (entry.outcome, entry.target) == ("changed", "script"), entry.note
    with Engine(scripts=Trusted()) as engine:
        engine.deploy(("p.bpmn", made.data))
        instance = engine.start("p", given)
        engine.run_until_idle()
        assert instance.state == "completed", engine.incidents()
        assert instance.variables == {**given, **left}


@pytest.mark.parametrize("format", ["JavaScript", "ecmascript", "graal.js", "text/javascript"])
def test_the_language_goes_by_many_names(format: str) -> None:
    assert b'scriptFormat="javascript"' in converted("1", "x", format).data


@pytest.mark.parametrize(
    ("text", "result", "says"),
    [
        ("var L = java.util.ArrayList; new L()", "x", "`java` is Java's"),
        ("Java.type('x')", "x", "`Java` is Java's"),
        ("S(order).prop('id')", "x", "`S` is Java's"),
        ("execution.getProcessEngineServices()", "x", "`execution.getProcessEngineServices` is Java's"),
        ("helper(execution)", "x", "`execution` as a whole is Java's"),
        ("execution.setVariable('a', 1); 2", "x", "can give one of them"),
        ("input + 1", "x", "`input` is what a script is given here"),
        ("try { missing.thing } catch (error) { 'caught' }", "x", "let it end with an expression"),
        ("this is no script", "x", "cannot be read as JavaScript"),
    ],
)
def test_what_asks_for_java_stays_a_job_and_says_why(text: str, result: str, says: str) -> None:
    made = converted(text, result)
    [entry] = [each for each in made.report.entries if each.attribute == "script"]
    assert entry.outcome == "needs-work"
    assert says in entry.note or says.replace("can give one of them", "of which it can give one") in entry.note
    assert b"script:javascript" in made.data


def test_an_error_has_the_line_of_the_author() -> None:
    made = converted("1;\n\nundefinedThing.x.y")
    with Engine(scripts=Trusted()) as engine:
        engine.deploy(("p.bpmn", made.data))
        engine.start("p", {})
        engine.run_until_idle()
        [incident] = engine.incidents()
    assert "t:3:" in incident.message, incident.message
