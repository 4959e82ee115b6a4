"""Decisions for a host: found by hash, compiled once, failing as a step expects it."""

from __future__ import annotations

import pytest

from dmn_documents import decision, document, lookup, table, text
from procession import feel
from procession.base.diagnostics import Refused
from procession.core.linked import Undecided
from procession.runtime.decisions import decide, decide_by_hash, read_together

GOOD = document(decision("x", text("a + 1")) + decision("u", table("", "a || out", "- || 1", "- || 2")))
DAY = document(decision("x", text('@"2026-01-31" + duration(a)')))


def test_a_document_is_loaded_and_compiled_once() -> None:
    loaded: list[str] = []

    def load(hash: str) -> bytes:
        loaded.append(hash)
        return {"good": GOOD, "day": DAY}[hash]

    evaluate = decide_by_hash(load)
    assert [evaluate("good", "x", lookup({"a": a}), feel.Runtime()).value for a in (1, 2)] == [2, 3]
    assert evaluate("day", "x", lookup({"a": "P1M"}), feel.Runtime()).value == "2026-02-28"
    assert loaded == ["good", "day"]


@pytest.mark.parametrize(
    ("data", "name", "budget", "text", "failed"),
    [
        (GOOD, "u", 1000, "'u': decision 'u': the hit policy UNIQUE", ("u", "unique")),
        (GOOD, "y", 1000, "there is no decision 'y'", ("", "unknown-decision")),
        (GOOD, "u", 1, "more steps", ("u", "budget")),
        (b"<oops/>", "x", 1000, "the root element is <oops>", ("", "document")),
        (b"procession-decisions-1 9\n<oops/>", "x", 1000, "not well-formed", ("", "document")),
    ],
)
def test_a_decision_without_a_result_is_a_failure(
    data: bytes, name: str, budget: int, text: str, failed: tuple[str, str]
) -> None:
    with pytest.raises(Undecided) as caught:
        decide_by_hash(lambda _: data)("h", name, lookup({"a": 1}), feel.Runtime(budget=budget))
    assert caught.value.code == "decision"
    assert text in caught.value.message
    assert (caught.value.did.failed, caught.value.did.code) == failed


def test_a_document_is_decided_in_one_call() -> None:
    assert decide(GOOD, "x", {"a": 1}) == 2
    with pytest.raises(Refused, match="dmn-expression"):
        decide(document(decision("x", text("1 +"))), "x")


def test_findings_of_both_rooms_come_together() -> None:
    (read,) = read_together([("t.dmn", document('<surprise id="s"/>' + decision("x", text("1 +"))))])
    assert read.decisions is None
    assert {d.rule for d in read.found} >= {"dmn-element", "dmn-expression"}
