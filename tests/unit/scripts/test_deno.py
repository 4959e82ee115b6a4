"""Scripts in Deno: the contract of cages, with Intl and Temporal, and without anything that reaches out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from procession.scripts.code import composed
from procession.scripts.deno import OPTIONS, Deno, Denos
from procession.scripts.pool import Pool
from procession.scripts.ports import NO_CALL, Call, Limits, Line, ScriptFailed, ScriptThrew

LIMITS = Limits(seconds=5.0, wall=20.0, memory=256 << 20)


@pytest.fixture(scope="module")
def deno() -> Iterator[Deno]:
    made = Deno()
    yield made
    made.close()


def run(deno: Deno, body: str, value: object = None, call: Call = NO_CALL, limits: Limits = LIMITS, **how: Any) -> Any:
    output = deno.evaluate(composed(body, **how), msgspec.json.encode(value), limits, call)
    return msgspec.json.decode(output.value) if output.value else None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return input.n + 1", 3),
        ("return new Intl.NumberFormat('de-DE').format(12345.6)", "12.345,6"),
        ("return Temporal.PlainDate.from('2024-01-31').add({months: 1}).toString()", "2024-02-29"),
        ("return Promise.resolve(4).then((x) => x + 1)", 5),
        ("return structuredClone({a: [1]})", {"a": [1]}),
        ("return undefined", None),
        ("return 'é🦊'.repeat(30000).length", 90000),
        ("return [typeof Deno, typeof fetch, typeof process, typeof setTimeout, typeof Worker, typeof WebAssembly]",
         ["undefined"] * 6),
        ("return [typeof performance, typeof eval, typeof Atomics, typeof localStorage, typeof Buffer]",
         ["undefined"] * 5),
        ("class E extends Error { constructor(m) { super(m); this.name = 'E'; } }; return String(new E('x'))", "E: x"),
    ],
)  # fmt: skip
def test_what_a_script_gives(deno: Deno, body: str, value: object) -> None:
    assert run(deno, body, {"n": 2}) == value


@pytest.mark.parametrize(
    ("body", "reason", "text"),
    [
        ("throw new TypeError('bad')", "thrown", "bad"),
        ("return (", "syntax", "Unexpected token"),
        ("return new Promise(() => {})", "pending", "a promise that nothing settles"),
        ("return Promise.reject(new RangeError('far'))", "thrown", "far"),
        ("return (() => {}).constructor('return this')()", "thrown", "code from text is not allowed"),
        ("Array.prototype.map = 1", "thrown", "read only"),
        ("Intl.kept = 1", "thrown", "not extensible"),
        ("globalThis.kept = 1", "thrown", "not extensible"),
        ("return 'x'.repeat(1e6 + 50000)", "output", "more than 1048576 characters"),
        ("for (;;);", "time", "it computes for more than 0.3 s"),
        ("return (async () => { for (;;) await 1 })()", "time", "it computes for more than 0.3 s"),
        ("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))", "memory", "it takes more than"),
    ],
)
def test_how_a_script_fails(deno: Deno, body: str, reason: str, text: str) -> None:
    limits = Limits(seconds=0.3, wall=20.0, memory=64 << 20) if reason in {"time", "memory"} else LIMITS
    with pytest.raises(ScriptFailed) as caught:
        run(deno, body, limits=limits, is_async="await" in body)
    assert caught.value.reason == reason
    assert text in caught.value.message


def test_nothing_can_be_imported(deno: Deno) -> None:
    """No source may ask for it (`modules.py`); one that did gets nothing."""
    with pytest.raises(ScriptFailed) as caught:
        run(deno, "return await import('node:fs')", is_async=True)
    assert caught.value.reason in {"thrown", "died"}
    assert run(deno, "return 1") == 1


def test_an_error_of_the_process_and_what_was_said(deno: Deno) -> None:
    with pytest.raises(ScriptThrew) as caught:
        run(deno, "console.log('before'); throw new BpmnError('late', 'by two', {days: 2})")
    assert (caught.value.code, caught.value.variables) == ("late", {"days": 2})
    assert caught.value.said == (Line("log", "before"),)


def test_a_place_in_a_script_is_the_customers(deno: Deno) -> None:
    with pytest.raises(ScriptFailed) as caught:
        run(deno, "\n\nthrow new Error('here')")
    assert ":1003:" in caught.value.stack.split("\n")[1]


def test_time_and_chance_are_those_of_cages(deno: Deno, pool: Pool) -> None:
    body, call = "return [Date.now(), Math.random(), Math.random()]", Call(at=1_700_000_000_123, seed=1 << 63 | 5)
    found = [each.evaluate(composed(body), b"0", LIMITS, call).value for each in (deno, pool, deno)]
    assert found[0] == found[1] == found[2]


def test_a_process_that_dies_is_told_and_replaced() -> None:
    source = Denos(64 << 20)
    try:
        cage = source.cage("")
        os.kill(cage.pid, signal.SIGKILL)
        with pytest.raises(ScriptFailed) as caught:
            cage.ask(composed("return 1"), b"null", LIMITS, NO_CALL)
        assert caught.value.reason == "died"
        assert source.bury(cage) == signal.SIGKILL
    finally:
        source.close()


def test_each_script_has_its_own_process() -> None:
    assert OPTIONS.cages == 2
    made = Deno()
    try:
        for n in range(4):
            assert run(made, f"return {n}") == n
        assert len(made._pool.processes()) == 2
    finally:
        made.close()
