"""Bad models through `deploy`: refused with file, line, column, rule and remedy, and nothing of them stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

import drawn as d
from host_rig import opened
from procession import Engine, Refused
from procession.parse.xml import DEPTH_MAX, DOCUMENT_BYTES_MAX, ELEMENTS_MAX
from procession.services.deploy import RESOURCE_BYTES_MAX

GOOD: Final = d.one_task()[1].decode()


def changed(old: str, new: str) -> Callable[[], bytes]:
    assert old in GOOD
    return lambda: GOOD.replace(old, new, 1).encode()


def inside(text: str) -> Callable[[], bytes]:
    return changed('<bpmn:startEvent id="begin">', f'{text}<bpmn:startEvent id="begin">')


def script(expression: str) -> Callable[[], bytes]:
    drawn = d.process("p", "a -> w, w -> b", a=d.start(), w=d.script(expression, "r"), b=d.end())
    return lambda: d.document(drawn)


NESTED: Final = "".join(f'<bpmn:subProcess id="s{n}">' for n in range(10_000)) + "</bpmn:subProcess>" * 10_000

FAULTS: Final[dict[str, tuple[Callable[[], bytes], str, str]]] = {
    "an entity bomb": (
        lambda: b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        "xml-doctype", "can define entities.*remove the <!DOCTYPE",
    ),
    "an external entity": (
        lambda: b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "xml-doctype", "read other files",
    ),
    "an external document type": (
        lambda: b'<!DOCTYPE x SYSTEM "http://localhost/x.dtd"><x/>', "xml-doctype", "remove the <!DOCTYPE",
    ),
    "100 MB": (lambda: b"<" * 100_000_000, "document-size", f"100000000 bytes; the limit is {RESOURCE_BYTES_MAX}"),
    "20 MB": (lambda: b"<" * 20_000_000, "document-size", f"20000000 bytes; the limit is {DOCUMENT_BYTES_MAX}"),
    "10,000 deep": (inside(NESTED), "document-size", f"nested deeper than {DEPTH_MAX}.*split the model"),
    "too many elements": (inside("<bpmn:x/>" * ELEMENTS_MAX), "document-size", f"more than {ELEMENTS_MAX} elements"),
    "nothing": (lambda: b"", "xml", "the document is empty"),
    "no XML": (lambda: b'{"a": 1}', "xml", "not well-formed"),
    "cut off": (GOOD[:-40].encode, "xml", "not well-formed.*export the model again"),
    "another encoding": (lambda: GOOD.replace("work", "wörk").encode("latin-1"), "encoding", "is not UTF-8"),
    "an encoding that is not declared so": (
        ('<?xml version="1.0" encoding="UTF-16"?>' + GOOD).encode, "encoding", "save the document as UTF-8",
    ),
    "an encoding of no machine": (
        ('<?xml version="1.0" encoding="klingon"?>' + GOOD).encode, "encoding", "klingon",
    ),
    "a wrong namespace": (changed("20100524", "19990101"), "namespace", "19990101.*export as BPMN 2.0"),
    "no namespace": (lambda: b"<definitions/>", "namespace", "no namespace"),
    "a web page": (lambda: b"<html><body/></html>", "namespace", "<html>"),
    "one id twice": (changed('id="done"', 'id="begin"'), "duplicate-id", "begin"),
    "a flow into nothing": (changed('targetRef="done"', 'targetRef="zz"'), "dangling-reference", "zz"),
    "a flow from nowhere": (changed('sourceRef="begin"', 'sourceRef="zz"'), "dangling-reference", "zz"),
    "a message that is not there": (
        inside('<bpmn:intermediateCatchEvent id="x"><bpmn:messageEventDefinition messageRef="zz"/>'
               "</bpmn:intermediateCatchEvent>"), "message-reference", "zz",
    ),
    "an element that nobody executes": (inside('<bpmn:implicitThrowEvent id="x"/>'), "element-type", "x"),
    "an element that nobody knows": (inside('<bpmn:teleportTask id="x"/>'), "element-type", "x"),
    "an expression cut off": (script("1 +"), "feel", "ends too early at character 4"),
    "an expression with a stranger in it": (script("1 ; 2"), "feel", "at character"),
    "an expression too deep": (script("(" * 5_000 + "1" + ")" * 5_000), "feel", "."),
    "an expression too long": (script("1+" * 50_000 + "1"), "feel", "."),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One for all: after everything that is refused it is still as it was."""
    with opened(tmp_path_factory.mktemp("models") / "e.db") as found:
        found.deploy(d.one_task("kept"))
        yield found


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_faulty_model_is_refused_where_it_is_wrong_and_nothing_stays(engine: Engine, name: str) -> None:
    make, rule, says = FAULTS[name]
    before = engine.definitions()
    with pytest.raises(Refused) as caught:
        engine.deploy(d.one_task("beside"), ("bad.bpmn", make()))
    found = [each for each in caught.value.diagnostics if each.rule == rule]
    assert found, caught.value
    first = found[0]
    assert (first.span.file, first.severity) == ("bad.bpmn", "error")
    assert first.remedy
    assert first.span.line >= 1 or rule == "document-size"
    text = str(caught.value)
    place = f":{first.span.line}:{first.span.column}" if first.span.line else ""
    assert f"bad.bpmn{place}: error [{rule}]" in text
    assert re.search(says, text), text[:2_000]
    assert len(text) < 200_000
    assert engine.definitions() == before, "a document beside it was deployed"
    assert engine.faults() == []


def test_nothing_outside_of_the_document_is_read(engine: Engine, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a-secret-of-this-machine")
    for reference in (f'SYSTEM "{secret.as_uri()}"', f'PUBLIC "x" "{secret.as_uri()}"'):
        document = f"<!DOCTYPE x [<!ENTITY a {reference}>]><x>&a;</x>"
        with pytest.raises(Refused) as caught:
            engine.deploy(("bad.bpmn", document.encode()))
        assert "a-secret-of-this-machine" not in str(caught.value)
    including = GOOD.replace(
        '<bpmn:startEvent id="begin">',
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
        '<bpmn:startEvent id="begin">',
        1,
    )
    # An element of another namespace means nothing; it is kept as it is written, not as what it names.
    with opened() as other:
        key = other.deploy(("other.bpmn", including.encode())).processes[0].key
        assert b"a-secret-of-this-machine" not in other.source(key)
