"""What a script sees and gives, the same in a cage and in the caller's process."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from procession.scripts.code import composed
from procession.scripts.pool import Options, Pool
from procession.scripts.ports import Call, Limits, Line, ScriptFailed, ScriptThrew

GIVEN: Any = {"items": [{"price": 2.5, "n": 2}, {"price": 1, "n": 3}], "name": "Zoë 🦊", "none": None}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return input.items.reduce((sum, x) => sum + x.price * x.n, 0)", 8),
        ("return {...input, n: input.items.length}", {**GIVEN, "n": 2}),
        ("return [...input.name].length", 5),
        ("return undefined", None),
        ("", None),
        ("return [undefined, NaN, new Date(0), 1e21]", [None, None, "1970-01-01T00:00:00.000Z", 1e21]),
        ("return Promise.resolve(4).then((x) => x + 1)", 5),
        ("return Object.groupBy([1, 2, 3], (x) => (x % 2 ? 'odd' : 'even'))", {"odd": [1, 3], "even": [2]}),
        ("const o = {}; o.toString = () => 'mine'; o.constructor = 1; return String(o) + o.constructor", "mine1"),
        ("class E extends Error { constructor(m) { super(m); this.name = 'E'; } }; return String(new E('x'))", "E: x"),
        (
            "class E extends TypeError { constructor(m) { super(m); this.name = 'E'; } }; return String(new E('x'))",
            "E: x",
        ),
        ("function F() {} F.prototype = Object.create(Error.prototype); F.prototype.constructor = F; return 1", 1),
        ("return 'a'.repeat(70000).length", 70000),
        ("return 'é'.repeat(3000) + input.name", "é" * 3000 + GIVEN["name"]),
        ("return [1, 2, 3].values().map((x) => x * 2).toArray()", [2, 4, 6]),
    ],
)
def test_what_a_script_gives(run: Any, body: str, value: object) -> None:
    assert run(body, GIVEN) == value


def test_a_script_may_wait(run: Any) -> None:
    assert run("const x = await Promise.resolve(input.n); return x + 1", {"n": 1}, is_async=True) == 2


@pytest.mark.parametrize(
    ("body", "reason", "name", "text"),
    [
        ("throw new TypeError('bad')", "thrown", "TypeError", "bad"),
        ("throw 'words'", "thrown", "", "words"),
        ("throw null", "memory", "", "or throws null"),
        ("throw undefined", "thrown", "", "undefined"),
        ("throw {a: 1}", "thrown", "", '{"a":1}'),
        ("throw {toString() { throw 1 }}", "thrown", "", "{}"),
        ("throw new Proxy({}, {get() { throw 1 }, getPrototypeOf() { throw 2 }})", "thrown", "", "cannot be shown"),
        ("return Promise.reject(new RangeError('far'))", "thrown", "RangeError", "far"),
        ("return 10n", "thrown", "TypeError", "BigInt"),
        ("return () => 1", "thrown", "TypeError", "a function cannot be a variable"),
        ("return Symbol('x')", "thrown", "TypeError", "a symbol cannot be a variable"),
        ("const a = {}; a.a = a; return a", "thrown", "TypeError", "circular"),
        ("return nothing", "thrown", "ReferenceError", "nothing is not defined"),
        ("loose = 1", "thrown", "ReferenceError", "loose is not defined"),
        ("return new Promise(() => {})", "pending", "", "a promise that nothing settles"),
        ("return require('x')", "thrown", "ReferenceError", "there is no module 'x'"),
        ("return (", "syntax", "SyntaxError", "unexpected token"),
        ("return eval('1')", "thrown", "ReferenceError", "eval is not defined"),
        ("return Function('return 1')()", "thrown", "EvalError", "code from text is not allowed"),
        ("return (() => {}).constructor('return 1')()", "thrown", "EvalError", "code from text"),
        ("return (async () => {}).constructor('return 1')()", "thrown", "EvalError", "code from text"),
        ("return (function* () {}).constructor('yield 1')()", "thrown", "EvalError", "code from text"),
    ],
)
def test_how_a_script_fails(run: Any, body: str, reason: str, name: str, text: str) -> None:
    with pytest.raises(ScriptFailed) as caught:
        run(body)
    assert (caught.value.reason, caught.value.name) == (reason, name)
    assert text in caught.value.message


def test_an_error_of_the_process(run: Any) -> None:
    with pytest.raises(ScriptThrew) as caught:
        run("throw new BpmnError('too-late', 'by two days', {days: input})", 2)
    assert (caught.value.code, caught.value.message, caught.value.variables) == ("too-late", "by two days", {"days": 2})


def test_a_place_in_a_script_is_the_customers(runtime: Any) -> None:
    code = composed(
        "\n\n  throw new Error('here')", "mine.js", [("lib", "exports.f = () => {\n  throw new Error('there')\n}")]
    )
    assert [(each.source, each.first, each.lines) for each in code.places] == [("lib", 1001, 3), ("mine.js", 1006, 3)]
    with pytest.raises(ScriptFailed) as caught:
        runtime.evaluate(code, b"null")
    assert ":1008:" in caught.value.stack
    code = composed("require('lib').f()", "mine.js", [("lib", "exports.f = () => {\n  throw new Error('there')\n}")])
    with pytest.raises(ScriptFailed) as caught:
        runtime.evaluate(code, b"null")
    assert ":1002:" in caught.value.stack


def test_what_is_said_is_kept_within_its_bound(runtime: Any) -> None:
    body = (
        "console.log('a', 1, {b: [2]}, null, undefined, () => 1); console.error(new Error('e')); console.assert(0, 'x')"
    )
    said = runtime.evaluate(composed(body), b"null").said
    assert [each.level for each in said] == ["log", "error", "error"]
    assert said[0].text.startswith('a 1 {"b":[2]} null undefined ')
    assert (said[1].text, said[2].text) == ("Error: e", "assertion failed x")
    said = runtime.evaluate(
        composed("for (let i = 0; i < 1e5; i++) console.log('word', i)"), b"null", Limits(console=30)
    ).said
    assert said[:2] == (Line("log", "word 0"), Line("log", "word 1"))
    assert said[-1] == Line("warn", "what is said beyond the limit is not kept")
    assert sum(len(each.text) for each in said) < 100
    with pytest.raises(ScriptFailed) as caught:
        runtime.evaluate(composed("console.log('before'); throw new Error('x')"), b"null")
    assert caught.value.said == (Line("log", "before"),)


CLOCK = "return [Date.now(), new Date().toISOString(), new Date().getTime(), Date(), Math.random(), Math.random()]"


def test_time_and_chance_are_the_instances(run: Any, pool: Any, trusted: Any) -> None:
    first = run(CLOCK, call=Call(at=1_700_000_000_123, seed=7))
    assert first[:3] == [1_700_000_000_123, "2023-11-14T22:13:20.123Z", 1_700_000_000_123]
    assert first[3] == "Tue Nov 14 2023 22:13:20 GMT+0000"
    assert 0 <= first[4] < 1
    assert first[4] != first[5]
    assert run(CLOCK, call=Call(at=1_700_000_000_123, seed=7)) == first
    assert run(CLOCK, call=Call(at=1_700_000_000_123, seed=1 << 63))[4:] != first[4:]
    both = [each.evaluate(composed(CLOCK), b"0", call=Call(at=5, seed=9)).value for each in (pool, trusted)]
    assert both[0] == both[1]


def test_chance_is_even(run: Any) -> None:
    found = run(
        "const n = Array(10).fill(0); for (let i = 0; i < 1e4; i++) n[Math.floor(Math.random() * 10)]++; return n"
    )
    assert sum(found) == 10_000
    assert 900 < min(found) <= max(found) < 1_100


@pytest.mark.parametrize(
    "change",
    [
        "Array.prototype.reduce = () => 42",
        "Array.prototype.map.kept = 1",
        "Object.prototype.kept = 1",
        "globalThis.kept = 1",
        "Math.random = () => 1",
        "Date.now = () => 1",
        "JSON.parse = () => 1",
        "Object.getPrototypeOf([].values()).next = () => ({done: true})",
        "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).kept = 1",
        "Object.getOwnPropertyDescriptor(Map.prototype, 'size').get.kept = 1",
        "console.log = () => 1",
        "delete Object.prototype.toString",
        "Object.defineProperty(Error.prototype, 'name', {value: 'x'})",
        "Object.setPrototypeOf(Array.prototype, {kept: 1})",
        "Error.stackTraceLimit = 0",
        "require.kept = 1",
        "BpmnError.prototype.kept = 1",
    ],
)
def test_one_call_changes_nothing_for_the_next(run: Any, change: str) -> None:
    with pytest.raises(ScriptFailed) as caught:
        run(f"if (input) {{ {change}; }} return 1", True)
    assert caught.value.name == "TypeError"


def test_everything_that_a_script_can_reach_is_frozen(run: Any) -> None:
    walk = """
    const done = new Map(), bad = [];
    const open = [[globalThis, "globalThis"], [require, "require"], [[].values().map((x) => x), "helper"],
      ["".matchAll(/a/g), "matches"], [Iterator.from({next() {}}), "wrapped"], [new Map().keys(), "keys of a map"],
      [new Set().keys(), "keys of a set"], [""[Symbol.iterator](), "text"]];
    for (const each of [() => 1, function* () {}, async () => 1, async function* () {}])
      open.push([Object.getPrototypeOf(each), String(each)]);
    const own = new Set(open.slice(2, 8).map(([each]) => each));
    while (open.length) {
      const [each, name] = open.pop();
      if (each === null || (typeof each !== "object" && typeof each !== "function") || done.has(each)) continue;
      done.set(each, name);
      if (!Object.isFrozen(each) && !own.has(each)) bad.push(name);
      open.push([Object.getPrototypeOf(each), name + ".__proto__"]);
      for (const key of Reflect.ownKeys(each)) {
        const is = Object.getOwnPropertyDescriptor(each, key);
        for (const part of ["value", "get", "set"]) if (is[part]) open.push([is[part], name + "." + String(key)]);
      }
    }
    return [done.size > 500, bad];
    """
    assert run(walk) == [True, []]


def test_nothing_is_kept_between_calls_in_modules(runtime: Any) -> None:
    counter = [("counter", "let n = 0; exports.next = () => ++n;")]
    code = composed("const {next} = require('counter'); next(); return require('counter').next()", modules=counter)
    assert [runtime.evaluate(code, b"null").value for _ in range(3)] == [b"2"] * 3


def test_there_is_no_authority(run: Any) -> None:
    names = (
        "performance WeakRef FinalizationRegistry SharedArrayBuffer Atomics eval process fetch setTimeout std os Deno"
    )
    assert run(f"return '{names}'.split(' ').filter((name) => name in globalThis)") == []


def test_a_module_gives_what_its_default_export_gives(run: Any) -> None:
    assert (
        run(
            "exports.default = (input, context) => input.n + context.m",
            {"n": 1},
            is_module=True,
            call=Call(context=b'{"m":2}'),
        )
        == 3
    )
    with pytest.raises(ScriptFailed, match="a module's default export must be a function"):
        run("exports.default = 1", is_module=True)


def test_output_and_input_have_bounds(run: Any, pool: Pool) -> None:
    assert run("return 'x'.repeat(90)", limits=Limits(output=100)) == "x" * 90
    with pytest.raises(ScriptFailed, match="more than 100 characters") as caught:
        run("return 'x'.repeat(99)", limits=Limits(output=100))
    assert caught.value.reason == "output"
    with pytest.raises(ScriptFailed, match="too much"):
        pool.evaluate(composed("return 1"), b" " * (16 * 1024 * 1024 + 1))
    assert len(pool.evaluate(composed("return input"), b'"' + b"y" * 900_000 + b'"').value) == 900_002


def test_many_threads_share_the_cages(pool: Pool) -> None:
    code, found = composed("return input * 2"), dict[int, bytes]()

    def calls(start: int) -> None:
        for n in range(start, start + 50):
            found[n] = pool.evaluate(code, b"%d" % n, call=Call(group=f"group {n % 5}")).value

    threads = [threading.Thread(target=calls, args=(n * 50,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {n: b"%d" % (2 * n) for n in range(400)}
    assert sum(pool.processes().values()) <= 4


def test_groups_share_no_process() -> None:
    made = Pool(Options(cages=2, per_group=1, spares=0))
    try:
        code = composed("return 1")
        for group in ("a", "b", "c", "a"):
            made.evaluate(code, b"null", call=Call(group=group))
        assert sum(made.processes().values()) <= 2
        assert all(count == 1 for count in made.processes().values())
    finally:
        made.close()


def test_who_waits_too_long_is_told() -> None:
    made = Pool(Options(cages=1, per_group=1, wait=0.05))
    try:
        begun = threading.Event()

        def long() -> None:
            begun.set()
            with pytest.raises(ScriptFailed):
                made.evaluate(composed("for (;;);"), b"null", Limits(seconds=1))

        thread = threading.Thread(target=long)
        thread.start()
        begun.wait()
        found = set[str]()
        while thread.is_alive() and not found:
            try:
                made.evaluate(composed("return 1"), b"null", call=Call(group="other"))
            except ScriptFailed as failure:
                found.add(failure.reason)
        thread.join()
        assert found <= {"unavailable"}
    finally:
        made.close()
    with pytest.raises(ScriptFailed, match="closed"):
        made.evaluate(composed("return 1"), b"null")
