"""DMN documents written back: nothing is lost that was not changed, and what was changed reads as it was meant."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import canonicalize

import msgspec
import pytest

from procession.base.diagnostics import Span
from procession.model.dmn import Decision, Decisions, DecisionTable, LiteralExpression, Rule, UnaryTests
from procession.parse import NotWritten, parse_dmn, write_dmn
from shared_data import shared_data

NAMESPACES = {
    "1.1": "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "1.2": "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "1.3": "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "1.4": "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "1.5": "https://www.omg.org/spec/DMN/20230324/MODEL/",
}
SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- before -->
<d:definitions xmlns:d="{}" xmlns:x="urn:other" id="defs" name='Näme' namespace="t" x:kept="yes">
  <d:extensionElements><x:thing a="1">text &amp; more<!-- inside --></x:thing></d:extensionElements>
  <d:decision id="price"   name="Price &lt;1>">
    <d:decisionTable id="t" hitPolicy="FIRST">
      <d:input id="i"><d:inputExpression id="ie" typeRef="number"><d:text>a</d:text></d:inputExpression></d:input>
      <d:output id="o" name="out"/>
      <d:rule id="r1"><d:inputEntry id="c1"><d:text><![CDATA[< 5]]></d:text></d:inputEntry>
        <d:outputEntry id="c2"><d:text>"é"</d:text></d:outputEntry></d:rule>
      <!-- between rules -->
      <d:rule id="r2"><d:inputEntry id="c3"><d:text/></d:inputEntry><d:outputEntry id="c4"><d:text>2</d:text>
        </d:outputEntry></d:rule>
    </d:decisionTable>
  </d:decision>
  <x:drawing><x:shape of="price" y='2'/></x:drawing>
</d:definitions>
<!-- after -->
"""


def read(data: bytes) -> Decisions:
    document, found = parse_dmn(data, "t.dmn")
    assert document is not None, "\n".join(map(str, found))
    return document


def changed(document: Decisions, change: Callable[[DecisionTable], DecisionTable]) -> Decisions:
    (decision,) = document.decisions
    assert isinstance(decision.logic, DecisionTable)
    return msgspec.structs.replace(
        document, decisions=(msgspec.structs.replace(decision, logic=change(decision.logic)),)
    )


def with_rules(*rules: Callable[[tuple[Rule, ...]], Rule]) -> Callable[[DecisionTable], DecisionTable]:
    return lambda table: msgspec.structs.replace(table, rules=tuple(rule(table.rules) for rule in rules))


def cell(text: str) -> Callable[[tuple[Rule, ...]], Rule]:
    def made(rules: tuple[Rule, ...]) -> Rule:
        first = msgspec.structs.replace(rules[0].inputs[0], text=text)
        return msgspec.structs.replace(rules[0], inputs=(first,))

    return made


FRESH = Rule(id="new", inputs=(UnaryTests(text="> 7 & <"),), outputs=(LiteralExpression(text='"<ü>"'),))
FIRST: Callable[[tuple[Rule, ...]], Rule] = lambda rules: rules[0]  # noqa: E731
SECOND: Callable[[tuple[Rule, ...]], Rule] = lambda rules: rules[1]  # noqa: E731
NEW: Callable[[tuple[Rule, ...]], Rule] = lambda rules: FRESH  # noqa: E731


@pytest.mark.parametrize("version", NAMESPACES)
def test_without_a_change_every_byte_stays(version: str) -> None:
    data = SAMPLE.format(NAMESPACES[version]).encode()
    document = read(data)
    assert document.version == version
    assert write_dmn(document, data) == data


@pytest.mark.parametrize(
    ("change", "gone", "come"),
    [
        (with_rules(cell('< 6, "&"'), SECOND), "<![CDATA[< 5]]>", '&lt; 6, "&amp;"'),
        (lambda t: msgspec.structs.replace(t, hit_policy="ANY"), 'hitPolicy="FIRST"', 'hitPolicy="ANY"'),
        (lambda t: msgspec.structs.replace(t, label='a "b"'), "", ' label="a &quot;b&quot;"'),
        (with_rules(SECOND), 'id="r1"', ""),
        (with_rules(FIRST), 'id="r2"', ""),
        (with_rules(NEW, FIRST, SECOND), "", '<d:rule id="new">'),
        (with_rules(FIRST, NEW, SECOND), "", "<d:text>&gt; 7 &amp; &lt;</d:text>"),
        (with_rules(FIRST, SECOND, NEW), "", '<d:text>"&lt;ü&gt;"</d:text>'),
        (with_rules(NEW), 'id="r1"', 'id="new"'),
    ],
)
@pytest.mark.parametrize("version", NAMESPACES)
def test_a_change_is_written_and_all_else_stays(
    version: str, change: Callable[[DecisionTable], DecisionTable], gone: str, come: str
) -> None:
    data = SAMPLE.format(NAMESPACES[version]).encode()
    wanted = changed(read(data), change)
    written = write_dmn(wanted, data).decode()
    assert not gone or gone not in written
    assert come in written
    for kept in (
        "<!-- before -->",
        "<!-- between rules -->",
        "<!-- inside -->",
        'x:kept="yes"',
        "y='2'",
        "name='Näme'",
    ):
        assert kept in written
    assert read(written.encode()).decisions[0].id == "price"


def test_another_encoding_is_kept() -> None:
    data = SAMPLE.format(NAMESPACES["1.3"]).replace("UTF-8", "ISO-8859-1").encode("latin-1")
    written = write_dmn(changed(read(data), with_rules(cell('"€ö"'), SECOND)), data)
    assert '"&#8364;ö"'.encode("latin-1") in written


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_rules(SECOND, FIRST), "another order"),
        (lambda t: msgspec.structs.replace(t, inputs=()), "number of `inputs`"),
        (lambda t: msgspec.structs.replace(t, id="other"), "`id`"),
        (lambda t: msgspec.structs.replace(t, span=Span("t.dmn", 99, 1), label="x"), ""),
    ],
)
def test_a_change_without_a_place_is_refused(change: Callable[[DecisionTable], DecisionTable], says: str) -> None:
    data = SAMPLE.format(NAMESPACES["1.5"]).encode()
    wanted = changed(read(data), change)
    if not says:
        assert ' label="x"' in write_dmn(wanted, data).decode()
        return
    with pytest.raises(NotWritten, match=says):
        write_dmn(wanted, data)


def test_a_document_of_another_source_is_refused() -> None:
    data = SAMPLE.format(NAMESPACES["1.5"]).encode()
    with pytest.raises(NotWritten, match="another source"):
        write_dmn(read(data), data + b" ")


def _with_texts(value: object, change: Callable[[str], str]) -> object:
    """A document with all its texts of FEEL changed."""
    if isinstance(value, tuple):
        return tuple(_with_texts(each, change) for each in value)
    if not isinstance(value, msgspec.Struct) or isinstance(value, Span):
        return value
    fields = {name: _with_texts(getattr(value, name), change) for name in value.__struct_fields__}
    if isinstance(value, LiteralExpression | UnaryTests) and value.text:
        fields["text"] = change(value.text)
    return type(value)(**fields)


def test_every_text_of_every_shared_model_is_changed_and_changed_back() -> None:
    files = sorted(shared_data("data", "dmn-tck").rglob("*.dmn"))
    assert len(files) > 100
    for file in files:
        data = file.read_bytes()
        document = read(data)
        assert write_dmn(document, data) == data, file
        there = write_dmn(_documents(_with_texts(document, lambda text: f"{text} // <changed> & \u00e9")), data)
        back = write_dmn(_documents(_with_texts(read(there), lambda text: text.rpartition(" // ")[0])), there)
        assert there != data, file
        assert canonicalize(back.decode(), with_comments=True) == canonicalize(data.decode(), with_comments=True), file


def _documents(value: object) -> Decisions:
    assert isinstance(value, Decisions)
    assert all(isinstance(each, Decision) for each in value.decisions)
    return value
