"""The hardened reader: what is refused, where, and that nothing but a diagnostic comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.parse import parse_bpmn, parse_dmn
from procession.parse.xml import DEPTH_MAX, DOCUMENT_BYTES_MAX, ELEMENTS_MAX, read_xml

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<definitions>&b;</definitions>"""
EXTERNAL = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>'
EXTERNAL_DTD = b'<!DOCTYPE d SYSTEM "http://localhost/evil.dtd"><d/>'


@pytest.mark.parametrize(
    ("data", "rule", "line"),
    [
        (b"", "xml", 1),
        (b" \n ", "xml", 1),
        (b"hello", "xml", 1),
        (b'{"json": true}', "xml", 1),
        (b"PK\x03\x04", "xml", 1),
        (b"<a>\n<b></a>", "xml", 2),
        (b"<a>", "xml", 1),
        (b"<a/><b/>", "xml", 1),
        (b"<p:a/>", "xml", 1),
        (b"<a>&undefined;</a>", "xml", 1),
        (b"<a b='1' b='2'/>", "xml", 1),
        (BOMB, "xml-doctype", 2),
        (EXTERNAL, "xml-doctype", 1),
        (EXTERNAL_DTD, "xml-doctype", 1),
        (b"<a>\n\xff</a>", "encoding", 2),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding", 1),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "encoding", 1),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "encoding", 1),
        (b"<a>" * 10_000, "document-size", 1),
        (b"<a>" * 10_000 + b"</a>" * 10_000, "document-size", 1),
    ],
)
def test_unreadable_bytes_are_refused_with_place_rule_and_remedy(data: bytes, rule: str, line: int) -> None:
    root, diagnostics = read_xml(data, "bad.bpmn")
    assert root is None
    assert [(d.rule, d.span.file, d.span.line, d.severity) for d in diagnostics] == [(rule, "bad.bpmn", line, "error")]
    assert diagnostics[0].remedy
    for parse in (parse_bpmn, parse_dmn):
        assert parse(data, "bad.bpmn") == (None, diagnostics)


def test_a_document_over_the_size_limit_is_refused_before_it_is_parsed() -> None:
    # It is not XML either; that this is not what is said shows that nobody looked inside.
    root, diagnostics = read_xml(b"<" * 100_000_000, "big.bpmn")
    assert root is None
    assert [d.rule for d in diagnostics] == ["document-size"]
    assert str(DOCUMENT_BYTES_MAX) in diagnostics[0].message


def test_a_document_of_too_many_elements_is_refused() -> None:
    root, diagnostics = read_xml(b"<a>" + b"<b/>" * ELEMENTS_MAX + b"</a>", "many.bpmn")
    assert root is None
    assert [(d.rule, d.span.line) for d in diagnostics] == [("document-size", 1)]
    assert str(ELEMENTS_MAX) in diagnostics[0].message


def test_nesting_up_to_the_limit_is_read() -> None:
    root, diagnostics = read_xml(b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX, "deep.xml")
    assert root is not None
    assert not diagnostics
    root, diagnostics = read_xml(b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1), "deep.xml")
    assert root is None
    assert f"deeper than {DEPTH_MAX}" in diagnostics[0].message


def test_an_external_entity_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    data = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{secret.as_uri()}">]><d>&x;</d>'.encode()
    root, diagnostics = read_xml(data, "x")
    assert root is None
    assert "top secret" not in str(diagnostics)


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16", "utf-16"), ("cp1252", "windows-1252")],
)
def test_declared_and_marked_encodings_are_read(encoding: str, declaration: str) -> None:
    head = f'<?xml version="1.0" encoding="{declaration}"?>' if declaration else ""
    root, diagnostics = read_xml(f"{head}<a>Größe</a>".encode(encoding), "x")
    assert not diagnostics
    assert root is not None
    assert root.text == "Größe"


def test_elements_know_their_line_and_column_in_characters() -> None:
    root, _ = read_xml('<a>\n  äöü<b x="1"/>\n\t<c/></a>'.encode(), "x")
    assert root is not None
    assert [(e.name, e.line, e.column) for e in [root, *root.children]] == [("a", 1, 1), ("b", 2, 6), ("c", 3, 2)]


def test_text_in_many_pieces_is_joined_once() -> None:
    # Joined piece by piece this would copy 140 GB.
    root, _ = read_xml(b"<a>" + b"some text here<b/>" * 100_000 + b"</a>", "x")
    assert root is not None
    assert len(root.text) == 1_400_000


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    for parse in (parse_bpmn, parse_dmn):
        model, diagnostics = parse(data, "x")
        assert model is not None or diagnostics
