"""What is given to an import and is no model, or a bad one: refused with a reason, or converted as far as it goes."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.miwg import canonical
from procession.base.diagnostics import Refused
from procession.convert import convert
from procession.convert.html import report_html
from procession.convert.tree import read_document, write_document
from procession.parse import parse_bpmn

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
OPEN: Final = (
    f'<definitions xmlns="{BPMN}" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" targetNamespace="t">'
    '<process id="p" isExecutable="true">'
)
CLOSE: Final = "</process></definitions>"
REFUSED: Final = [
    ("empty", b"", "xml"),
    ("white space", b" \n ", "xml"),
    ("no XML", b"process: order", "xml"),
    ("cut off", f"{OPEN}<task id='a'".encode(), "xml"),
    ("unclosed", f"{OPEN}<task>{CLOSE}".encode(), "xml"),
    ("prefix that nobody declares", f"{OPEN}<task y:a='1' id='t'/>{CLOSE}".encode(), "xml"),
    ("external entity", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>', "xml-doctype"),
    (
        "billion laughs",
        b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><d>&c;</d>',
        "xml-doctype",
    ),
    ("parameter entity", b'<!DOCTYPE d [<!ENTITY % x SYSTEM "http://example.org/x.dtd"> %x;]><d/>', "xml-doctype"),
    ("entity without a type", f"{OPEN}<task id='a' name='&nbsp;'/>{CLOSE}".encode(), "xml"),
    ("too deep", f"{OPEN}{'<subProcess>' * 200}{'</subProcess>' * 200}{CLOSE}".encode(), "document-size"),
    ("too large", b" " * (17 * 1024 * 1024), "document-size"),
    ("not UTF-8", f"{OPEN}<task id='\u00e4'/>{CLOSE}".encode("latin-1"), "encoding"),
    ("decisions", b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>', "namespace"),
    ("another root", f'<process xmlns="{BPMN}"/>'.encode(), "namespace"),
]


@pytest.mark.parametrize(("name", "data", "rule"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_model_is_refused_with_a_reason(name: str, data: bytes, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        convert(data, "m.bpmn")
    found = refused.value.diagnostics[0]
    assert found.rule == rule
    assert found.span.file == "m.bpmn"
    assert found.remedy


def test_a_prefix_is_taken_by_its_namespace_and_not_by_its_name() -> None:
    head = f'<definitions xmlns="{BPMN}" xmlns:camunda="urn:mine" targetNamespace="t">'
    text = f'{head}<process id="p"><task id="t" camunda:class="a"/></process></definitions>'
    done = convert(text.encode(), "m")
    assert done.report.dialects == ("bpmn",)
    assert [(each.attribute, each.outcome) for each in done.report.entries] == [("camunda:class", "dropped")]
    assert 'camunda:class="a"' in done.data.decode()


def test_elements_of_one_id_are_converted_each() -> None:
    tasks = '<serviceTask id="t" camunda:class="a.B"/><serviceTask id="t" camunda:class="c.D"/>'
    done = convert(f"{OPEN}{tasks}{CLOSE}".encode(), "m")
    assert [each.note for each in done.report.entries if each.element == "t"] == [
        f"write a worker for the job type {name}" for name in ("a.B", "c.D")
    ]
    assert done.data.decode().count("taskDefinition") == 2
    definitions, found = parse_bpmn(done.data, "m")
    assert definitions is not None
    assert "duplicate-id" in {each.rule for each in found}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${total >}", "found '}' at character 10"),
        ("${total", "found the end at character 8"),
        ("${a..b}", "at character 5"),
        ("${total = 3}", "unexpected '=' at character 9"),
    ],
)
def test_a_broken_expression_stays_and_names_its_place(text: str, message: str) -> None:
    condition = f"<conditionExpression>{text.replace('>', '&gt;')}</conditionExpression>"
    drawn = f'<sequenceFlow id="f" sourceRef="a" targetRef="b">{condition}</sequenceFlow>'
    done = convert(f"{OPEN}\n{drawn}{CLOSE}".encode(), "m")
    entry = next(each for each in done.report.entries if each.element == "f")
    assert (entry.outcome, entry.line, entry.value) == ("needs-work", 2, text)
    assert message in entry.note
    assert text.replace(">", "&gt;") in done.data.decode()


@pytest.mark.parametrize("tasks", [3_000, pytest.param(20_000, marks=pytest.mark.large)])
def test_a_large_model_is_converted(tasks: int) -> None:
    task = (
        '<serviceTask id="t{0}" name="Task {0}" camunda:class="a.B" camunda:asyncBefore="true"><extensionElements>'
        '<camunda:inputOutput><camunda:inputParameter name="a">${{x + {0}}}</camunda:inputParameter>'
        "</camunda:inputOutput></extensionElements></serviceTask>\n"
    )
    data = f"{OPEN}{''.join(task.format(number) for number in range(tasks))}{CLOSE}".encode()
    assert len(data) > 250 * tasks
    done = convert(data, "m")
    assert len(done.report.entries) == 3 * tasks + 1
    assert done.data.decode().count("<zeebe:taskDefinition") == tasks


def test_a_long_text_is_written_as_it_was() -> None:
    script = "a & b < c\n" * 200_000
    escaped = script.replace("&", "&amp;").replace("<", "&lt;")
    data = f"{OPEN}<scriptTask id='s'><script>{escaped}</script></scriptTask>{CLOSE}".encode()
    document = read_document(data, "m")
    assert next(e for e in document.root.walk() if e.name == "script").text == script
    assert canonical(write_document(document)) == canonical(data)


HOSTILE: Final = "<script>alert(1)</script>&\"'<img src=x>"


def test_a_page_holds_no_text_that_is_not_escaped() -> None:
    name = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    done = convert(
        f'{OPEN}<serviceTask id="{name}" camunda:class="{name}" camunda:unknown="{name}"/>{CLOSE}'.encode(), HOSTILE
    )
    page = report_html([done.report])
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "http" not in page.replace("http-equiv", "")


# --- round trips

NAMES: Final = st.sampled_from(["a", "b", "p:c", "q:d"])
TEXTS: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs", "Cc")), max_size=8
)
WORDS: Final = st.text(st.sampled_from("abc "), max_size=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A small document with prefixes, comments, instructions, CDATA and awkward texts."""

    def escape(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")

    def element(depth: int) -> str:
        name = draw(NAMES)
        declared = ' xmlns:p="urn:inner"' if draw(st.booleans()) and depth < 2 else ""
        attributes = "".join(
            f' {key}="{escape(draw(TEXTS))}{draw(st.sampled_from(["", "&#10;", "&#9;"]))}"'
            for key in draw(st.lists(st.sampled_from(["x", "p:x", "q:y"]), unique=True))
        )
        count = draw(st.integers(0, 3 if depth < 3 else 0))
        inside = "".join(part(depth) for _ in range(count))
        return f"<{name}{declared}{attributes}>{inside}</{name}>"

    def part(depth: int) -> str:
        kind = draw(st.integers(0, 5))
        if kind == 0:
            return f"<!--{draw(WORDS)}-->"
        if kind == 1:
            return f"<?go {draw(WORDS).strip()}?>"
        if kind == 2:
            return f"<![CDATA[{draw(TEXTS).replace(']]>', '')}]]>"
        if kind == 3:
            return escape(draw(TEXTS))
        return element(depth + 1)

    return f'<!--before--><r xmlns="urn:r" xmlns:p="urn:p" xmlns:q="urn:q">{element(0)}</r><?behind?>'


@given(documents())
@settings(max_examples=80, deadline=None)
def test_what_is_read_is_written_again(text: str) -> None:
    import xml.etree.ElementTree as ET

    written = write_document(read_document(text.encode(), "m"))
    assert ET.canonicalize(written.decode(), with_comments=True) == ET.canonicalize(text, with_comments=True)
    assert write_document(read_document(written, "m")) == written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_every_encoding_is_written_as_utf_8(encoding: str) -> None:
    named = "utf-8" if encoding == "utf-8-sig" else encoding
    text = f'<?xml version="1.0" encoding="{named}"?><definitions xmlns="{BPMN}"><process name="Größe"/></definitions>'
    written = write_document(read_document(text.encode(encoding), "m"))
    assert written.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert 'name="Größe"' in written.decode()


# --- models that somebody spoiled

MODELS: Final = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "convert_models").glob("*.bpmn*"))
]
SPOILED: Final = [
    "${",
    "}",
    "#{a.b()}",
    "(",
    "'",
    ".",
    "=",
    "null",
    "-1",
    "${execution}",
    "R3/PT1S",
    "a.b",
    "&#10;",
    "[",
    ":",
]


@given(st.sampled_from(MODELS), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_a_spoiled_model_is_converted_or_refused(text: str, random: Random) -> None:
    for _ in range(random.randint(1, 5)):
        found = list(re.finditer(r'="([^"<>&]*)"|>([^<>&]+)<|(\s[\w:.-]+="[^"]*")|(<[\w:.-]+(?:\s[^<>]*)?/>)', text))
        match = random.choice(found)
        group = next(number for number in range(1, 5) if match[number] is not None)
        begin, end = match.span(group)
        if group < 3:
            begin += random.randint(0, end - begin)
            text = text[:begin] + random.choice(SPOILED) + text[begin + random.randint(0, end - begin) :]
        else:
            text = text[:begin] + text[end:]
    try:
        once = convert(text.encode(), "m")
    except Refused:
        return
    assert convert(once.data, "m").data == once.data
