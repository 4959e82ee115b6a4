"""Scripts that are out to do harm: each is stopped within its limits, and the pool goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import pytest

from procession.scripts.cages import Cage, Nursery
from procession.scripts.code import composed
from procession.scripts.pool import Options, Pool
from procession.scripts.ports import NO_CALL, Code, Limits, ScriptFailed
from procession.scripts.wire import MEMORY, TIME

MB: Final = 1024 * 1024
EVASION: Final = "const a=[];function g(n){a.push(()=>n);return n?g(n-1):0} for(;;){try{g(200)}catch(e){}}"
DEEP: Final = "'['.repeat(200000) + ']'.repeat(200000)"
# What notes of other engines tell of: hangs, crashes, memory beyond every limit. In the order they are told.
CASES: Final = {
    "loop": ("for (;;) {}", {"time"}),
    "loop that catches": ("for (;;) { try { for (;;) {} } catch (e) {} finally { continue; } }", {"time"}),
    "regular expression": ("return /^(a+)+$/.test('a'.repeat(40) + 'b')", {"time"}),
    "microtasks": ("const f = () => Promise.resolve().then(f); f(); return new Promise(() => {})", {"time", "pending"}),
    "async loop": ("return (async () => { for (;;) await 1 })()", {"time"}),
    "native chain": (
        "const a = Array(2e6).fill(1.5); for (;;) a.map(String).join().split(',').sort().reverse()",
        {"time", "memory"},
    ),
    "sort": (
        "const a = []; for (let i = 0; i < 3e6; i++) a.push(i * 7919 % 3000017); a.sort(); return a.length",
        {"time", "memory", ""},
    ),
    "object bomb": ("const a = []; for (;;) a.push({x: {y: [a.length]}})", {"memory", "time"}),
    "object bomb that catches": (
        "const a = []; for (;;) try { a.push({x: {}}) } catch (e) {}",
        {"memory", "time", "thrown"},
    ),
    "typed arrays": ("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1))", {"memory"}),
    "typed arrays that catch": (
        "const a = []; for (;;) try { a.push(new Uint8Array(1 << 16).fill(1)) } catch (e) {}",
        {"memory", "time"},
    ),
    "filled array": ("return new Array(5e7).fill().map((_, i) => i)", {"memory", "time"}),
    "recursion": ("function f() { return f() + 1 } return f()", {"thrown", "memory"}),
    "deep parse": (f"return JSON.parse({DEEP})", {"thrown", "memory", "time"}),
    "deep stringify": (
        "let a = []; for (let i = 0; i < 2e5; i++) a = [a]; return JSON.stringify(a).length",
        {"thrown", "memory", ""},
    ),
    "deep value": ("let a = {}; for (let i = 0; i < 2e5; i++) a = {a}; return a", {"thrown", "memory"}),
    "cyclic value": ("const a = [1]; a.push(a); return a", {"thrown"}),
    "text bomb": ("let s = 'x'; for (;;) s += s", {"memory", "thrown", "time"}),
    "text as a value": ("let s = 'x'; for (let i = 0; i < 24; i++) s += s; return s", {"output", "memory"}),
    "great number": ("return String(2n ** (10n ** 8n)).length", {"memory", "thrown", "time"}),
    "endless spread": ("return [...(function* () { for (;;) yield {} })()]", {"memory", "time"}),
    "endless getter": ("return {get a() { for (;;); }}", {"time"}),
    "endless toJSON": ("return {toJSON() { return {toJSON() { for (;;); }}.toJSON() }}", {"time"}),
    "endless message": (
        "const e = new Error(); Object.defineProperty(e, 'message', {get() { for (;;); }}); throw e",
        {"time"},
    ),
    "endless then": ("return Promise.resolve({then(f) { for (;;); }})", {"time"}),
    "endless words": ("for (;;) console.log('x'.repeat(1e5))", {"time", "memory"}),
    "heap full, errors swallowed": (EVASION, {"time", "memory"}),
}


def _ended(pool: Pool, code: Code, limits: Limits) -> tuple[str, int]:
    """How a call ended, "" if it gave something, and the µs of the processor it took."""
    try:
        output = pool.evaluate(code, b"null", limits)
    except ScriptFailed as failure:
        return failure.reason, failure.cpu_us
    return "", output.cpu_us


@pytest.mark.parametrize("name", CASES)
def test_hostile_scripts_are_stopped(pool: Pool, name: str) -> None:
    body, expected = CASES[name]
    limits = Limits(seconds=0.3, memory=16 * MB)
    reason, cpu_us = _ended(pool, composed(body), limits)
    assert reason in expected
    assert cpu_us <= 1.5 * 0.3 * 1_000_000 + 60_000
    assert pool.evaluate(composed("return 1"), b"null").value == b"1"


def test_a_source_that_is_deep(pool: Pool) -> None:
    for body in ("(" * 100_000 + ")" * 100_000, "[" * 100_000, "-" * 100_000 + "1", "a" * 1_000_000, "`${" * 50_000):
        reason, _ = _ended(pool, composed(f"return {body}"), Limits(seconds=0.3))
        assert reason in {"syntax", "thrown", "time", "memory"}
    assert pool.evaluate(composed("return 1"), b"null").value == b"1"


# Fourteen shapes of bombs and twenty-six limits: which limit trips an engine is not to be foreseen.
BOMBS: Final = (
    "const a = []; for (;;) a.push({})",
    "const a = []; for (;;) try { a.push([]) } catch (e) {}",
    "const a = []; for (;;) a.push(() => a)",
    EVASION,
    "let s = ''; for (;;) s += 'xyz'",
    "let s = 'x'; for (;;) s = s + s",
    "const a = []; for (;;) a.push(new ArrayBuffer(4096))",
    "const m = new Map(); for (;;) m.set({}, m.size)",
    "const s = new Set(); for (;;) s.add(Symbol())",
    "let o = {}; for (;;) o = {o, p: [o]}",
    "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
    "function* g() { yield* g() } const a = []; for (;;) { const i = g(); try { i.next() } catch (e) {} a.push(i) }",
    "const a = []; for (;;) a.push(new Error('x'.repeat(100)))",
    "const a = []; for (;;) a.push(/x/g, new Date(), 2n ** 200n, Promise.resolve(a))",
)
SIZES: Final = tuple(int(256 * 1024 * 1.25**n) for n in range(26))


@pytest.mark.parametrize("bomb", range(len(BOMBS)))
def test_no_limit_is_the_wrong_one(bomb: int) -> None:
    made = Pool(Options(cages=1, per_group=1))
    try:
        for size in SIZES:
            reason, cpu_us = _ended(made, composed(BOMBS[bomb]), Limits(seconds=0.06, memory=size))
            assert reason in {"time", "memory", "thrown"}, f"{size} bytes"
            # Beyond what is lenient, ticks that came late: whoever looks at the wall has to be given a core, too.
            assert cpu_us <= 0.06e6 * 1.5 + 60_000, f"{size} bytes"
        assert made.evaluate(composed("return 1"), b"null").value == b"1"
    finally:
        made.close()


@pytest.mark.parametrize("body", ["const a = []; for (;;) a.push(new Uint8Array(1 << 16).fill(1))",
                                  "const a = []; for (;;) a.push({a: [a.length]})", EVASION])  # fmt: skip
@pytest.mark.parametrize("memory", [16 * MB, 64 * MB])
def test_memory_stays_within_its_limit(body: str, memory: int) -> None:
    nursery = Nursery(0, 1024 * MB)
    cage = nursery.cage("")
    try:
        before = _peak(cage)
        ended: object = None
        try:
            ended = cage.ask(composed(body), b"null", Limits(seconds=1.5, wall=10, memory=memory), NO_CALL)[0]
        except ScriptFailed as failure:
            ended = failure.reason
        assert ended in {MEMORY, TIME, "time", "memory"}
        assert _peak(cage) - before <= 1.5 * memory
    finally:
        nursery.bury(cage)
        nursery.close()


def _peak(cage: Cage) -> int:
    status = Path(f"/proc/{cage.pid}/status").read_text()
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def test_the_wall_holds_where_the_engine_does_not(pool: Pool) -> None:
    with pytest.raises(ScriptFailed, match=r"not done after 0\.2 s") as caught:
        pool.evaluate(composed("for (;;);"), b"null", Limits(seconds=100, wall=0.2))
    assert caught.value.reason == "time"
    assert pool.evaluate(composed("return 1"), b"null").value == b"1"


def test_a_cage_that_dies_is_told_and_replaced() -> None:
    nursery = Nursery(0, 512 * MB)
    try:
        cage = nursery.cage("")
        os.kill(cage.pid, signal.SIGKILL)
        with pytest.raises(ScriptFailed) as caught:
            cage.ask(composed("return 1"), b"null", Limits(), NO_CALL)
        assert caught.value.reason == "died"
        assert cage.is_spent
        assert os.WTERMSIG(nursery.bury(cage)) == signal.SIGKILL
        cage = nursery.cage("")
        assert cage.ask(composed("return 1"), b"null", Limits(), NO_CALL)[2] == b"1"
        nursery.bury(cage)
    finally:
        nursery.close()


def test_the_process_that_cages_come_from_is_replaced() -> None:
    made = Pool(Options(cages=2, per_group=1))
    try:
        assert made.evaluate(composed("return 1"), b"null").value == b"1"
        assert isinstance(made._nursery, Nursery)
        process = made._nursery._process
        assert process is not None
        process.kill()
        process.wait()
        ended = {_ended(made, composed("return 1"), Limits())[0] for _ in range(3)}
        assert ended <= {"", "died"}
        assert _ended(made, composed("return 1"), Limits())[0] == ""
    finally:
        made.close()


def test_a_process_that_was_forked_has_cages_of_its_own(pool: Pool) -> None:
    assert pool.evaluate(composed("return 1"), b"null").value == b"1"
    pid = os.fork()
    if pid == 0:
        try:
            ok = pool.evaluate(composed("return 2"), b"null").value == b"2"
            pool.close()
        except BaseException:
            ok = False
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert pool.evaluate(composed("return 1"), b"null").value == b"1"
