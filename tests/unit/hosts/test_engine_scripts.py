"""Scripts through the public door: what they get and give, how they fail, which modules they see."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from host_rig import FakeClock, opened
from procession import Engine, Refused
from procession.scripts.ports import DEFAULT_LIMITS, NO_CALL, Call, Code, Limits, Output
from procession.scripts.trusted import Trusted
from unit.compile.snippets import document, path


def model(script: str, *, extra: str = "", head: str = 'scriptFormat="javascript"', body: str = "") -> bytes:
    """One script task; `extra` are its extensions, `body` what stands beside it."""
    task = (
        f'<scriptTask id="x" {head}><extensionElements>{extra}</extensionElements>'
        f"<script><![CDATA[{script}]]></script></scriptTask>"
    )
    return document(f'<startEvent id="s"/>{task}<endEvent id="e"/>{body}' + path("s", "x", "e")).encode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as found:
        yield found


@pytest.mark.parametrize(
    ("script", "variables", "left"),
    [
        ("return {y: input.x + 1}", {"x": 1}, {"x": 1, "y": 2}),
        ("({y: input.x / 4})", {"x": 1}, {"x": 1, "y": Decimal("0.25")}),
        ("const {x} = input; ({x: x + '!'})", {"x": "é"}, {"x": "é!"}),
        ("return", {"x": 1}, {"x": 1}),
        ("export default (input, context) => ({who: [context.elementId, context.processId]})", {}, {"who": ["x", "p"]}),
        ("const y = await Promise.resolve(5); ({y})", {}, {"y": 5}),
        ("({day: new Date().toISOString().slice(0, 4) >= '1970', same: Date.now() === context.now})", {},
         {"day": True, "same": True}),
    ],
)  # fmt: skip
def test_what_a_script_gives_are_variables(
    engine: Engine, script: str, variables: dict[str, object], left: object
) -> None:
    engine.deploy(("p.bpmn", model(script)))
    instance = engine.start("p", variables)
    engine.run_until_idle()
    assert (instance.state, instance.variables) == ("completed", left)


def test_a_result_variable_takes_everything(engine: Engine) -> None:
    head = 'scriptFormat="text/javascript" xmlns:q="http://procession.dev/schema/1.0" q:resultVariable="all"'
    engine.deploy(("p.bpmn", model("[1, input.x]", head=head)))
    instance = engine.start("p", {"x": {"a": None}})
    engine.run_until_idle()
    assert instance.variables == {"x": {"a": None}, "all": [1, {"a": None}]}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("const a = null;\n\na.foo", "TypeError: cannot read property 'foo' of null\n    at x:3:"),
        ("function f() {\n  throw new RangeError('far');\n}\nf()", "RangeError: far\n    at f (x:2:"),
        ("for (;;);", "the script was stopped: it computes for more than 1 s"),
        ("const a = []; for (;;) a.push({})", "the script was stopped: it takes more than"),
        ("[1]", "the script gives a list, not an object of variables"),
        ("5", "the script gives 5, not an object of variables"),
        ("return {a: () => 1, b: 2n}", "BigInt"),
        ("return {a: '\\ud800'}", "cannot be kept"),
        ("let a = 1; for (let i = 0; i < 300; i++) a = [a]; return {a}", "cannot be kept"),
    ],
)
def test_a_script_that_fails_is_an_incident_at_once(engine: Engine, script: str, text: str) -> None:
    """It would do it again, so it is not tried again."""
    engine.deploy(("p.bpmn", model(script)))
    instance = engine.start("p")
    engine.run_until_idle()
    [incident] = instance.incidents
    assert text in incident.message
    assert incident.code == "job-no-retries"


def test_a_script_that_was_mended_goes_on(engine: Engine) -> None:
    engine.deploy(("p.bpmn", model("({y: input.x.length})")))
    instance = engine.start("p", {"x": None})
    engine.run_until_idle()
    [incident] = instance.incidents
    instance.set_variables({"x": "ab"})
    engine.resolve_incident(incident.key)
    engine.run_until_idle()
    assert (instance.state, instance.variables) == ("completed", {"x": "ab", "y": 2})


def test_time_and_chance_are_the_same_in_each_try(tmp_path: Path, clock: FakeClock) -> None:
    """A try whose answer was lost is the same as the next one."""
    seen: list[bytes] = []

    class Twice:
        def __init__(self) -> None:
            self.inner = Trusted()

        def evaluate(self, code: Code, input: bytes, limits: Limits = DEFAULT_LIMITS, call: Call = NO_CALL) -> Output:
            seen.extend(self.inner.evaluate(code, input, limits, call).value for _ in range(2))
            return self.inner.evaluate(code, input, limits, call)

        def close(self) -> None:
            self.inner.close()

    with opened(tmp_path / "e.db", clock, scripts=Twice()) as engine:
        engine.deploy(("p.bpmn", model("({r: Math.random(), t: Date.now()})")))
        for _ in range(2):
            engine.start("p")
            engine.run_until_idle()
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_what_a_script_says_is_in_the_log_of_its_job(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    engine.deploy(("p.bpmn", model("console.warn('careful', {a: 1}); ({})")))
    with caplog.at_level(logging.INFO, "procession.scripts"):
        instance = engine.start("p")
        engine.run_until_idle()
    [record] = [each for each in caplog.records if each.name == "procession.scripts"]
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f'script x of instance {instance.key}: careful {{"a":1}}'
    assert (record.instance, record.element_id) == (instance.key, "x")  # type: ignore[attr-defined]


MONEY = b"export const vat = (country: string): number => (country === 'DE' ? 19 : 20);"


def test_modules_come_with_the_deployment_and_are_pinned(engine: Engine) -> None:
    script = 'import {vat} from "money"; ({vat: vat(input.c)})'
    first = engine.deploy(("p.bpmn", model(script)), ("money.ts", MONEY))
    assert [each.new for each in first.processes] == [True]
    assert [each.new for each in engine.deploy(("p.bpmn", model(script)), ("money.ts", MONEY)).processes] == [False]
    changed = MONEY.replace(b"19", b"16")
    [second] = engine.deploy(("p.bpmn", model(script)), ("money.ts", changed)).processes
    assert (second.version, second.new) == (2, True)
    old, new = engine.start("p", {"c": "DE"}, version=1), engine.start("p", {"c": "DE"})
    engine.run_until_idle()
    assert (old.variables["vat"], new.variables["vat"]) == (19, 16)


def test_a_library_is_what_was_deployed_before(engine: Engine) -> None:
    changed = MONEY.replace(b"19", b"16")
    assert engine.deploy(("money.ts", MONEY)).key
    assert engine.deploy(("money.ts", MONEY)).key == 0
    engine.deploy(("money.ts", changed))
    for specifier, found in (
        ("money", 16),
        ("money@1", 19),
        ("money@2", 16),
        (f"money@{hashlib.sha256(MONEY).hexdigest()[:12]}", 19),
    ):
        engine.deploy(("p.bpmn", model(f'import {{vat}} from "{specifier}"; ({{vat: vat(input.c)}})')))
        instance = engine.start("p", {"c": "DE"})
        engine.run_until_idle()
        assert instance.variables["vat"] == found
    for specifier in ("money@3", "money@0", "money@00000000", "other"):
        with pytest.raises(Refused, match=f"there is no module `{specifier}`"):
            engine.deploy(("p.bpmn", model(f'import {{vat}} from "{specifier}"; vat()')))
    with pytest.raises(Refused, match="there is no module `money`"):
        engine.deploy(("p.bpmn", model('import {vat} from "money"; vat()')), tenant="another")


def test_a_module_is_read_when_it_is_deployed(engine: Engine) -> None:
    with pytest.raises(Refused, match="there is no module `b`"):
        engine.deploy(("a.js", b'import {b} from "b"; export const a = b;'))
    with pytest.raises(Refused, match="a cycle: `a` → `b` → `a`"):
        engine.deploy(
            ("a.js", b'import {b} from "b"; export const a = b;'), ("b.js", b'import {a} from "a"; export const b = a;')
        )
    engine.deploy(("lib/a.js", b'import {b} from "./b"; export const a = b;'), ("lib/b.js", b"export const b = 7;"))
    engine.deploy(("p.bpmn", model('import {a} from "lib/a"; ({a})')))
    instance = engine.start("p")
    engine.run_until_idle()
    assert instance.variables == {"a": 7}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ('import {a} from "nowhere"; a', "there is no module `nowhere`"),
        ('import {b} from "money"; b', "`money` does not export `b`"),
        ("const a = ;", "line 1, column "),
        ("\n\nreturn )", "line 3, column "),
        ("   ", "the script is empty"),
        ('await import("money")', "import("),
    ],
)
def test_a_script_that_cannot_be_read_is_refused(engine: Engine, script: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        engine.deploy(("p.bpmn", model(script)), ("money.ts", MONEY))
    assert any(each.rule == "script" and text in each.message for each in caught.value.diagnostics)


@pytest.mark.parametrize(
    ("head", "extra", "rule"),
    [
        ('scriptFormat="python"', "", "element-type"),
        ('scriptFormat="js" xmlns:q="http://procession.dev/schema/1.0" q:engine="v8"', "", "script"),
        ('scriptFormat="js"', '<procession:script when="during">1</procession:script>', "script"),
        ('scriptFormat="js"', "<procession:script>1</procession:script>", "script"),
        ('scriptFormat="js"', '<procession:script when="before" format="lua">1</procession:script>', "script"),
        ('scriptFormat="js"', '<procession:script when="after"> </procession:script>', "script"),
        (
            'scriptFormat="js"',
            '<procession:script when="before" target="a b c-">1</procession:script>',
            "variable-name",
        ),
    ],
)
def test_what_a_model_says_of_scripts_is_checked(engine: Engine, head: str, extra: str, rule: str) -> None:
    extra = extra.replace(
        "<procession:script", '<procession:script xmlns:procession="http://procession.dev/schema/1.0"'
    )
    source = model("({})", head=head, extra=extra)
    try:
        found = engine.deploy(("p.bpmn", source)).diagnostics
    except Refused as refused:
        found = tuple(refused.diagnostics)
    assert rule in {each.rule for each in found}


def test_heavy_scripts_run_in_deno(engine: Engine) -> None:
    head = 'scriptFormat="javascript" xmlns:q="http://procession.dev/schema/1.0" q:engine="deno"'
    engine.deploy(("p.bpmn", model("({n: new Intl.NumberFormat('de-DE').format(1234.5)})", head=head)))
    instance = engine.start("p")
    engine.run_until_idle()
    assert instance.variables == {"n": "1.234,5"}


def test_an_engine_without_scripts_leaves_them_to_others(tmp_path: Path, clock: FakeClock) -> None:
    with opened(tmp_path / "e.db", clock, scripts=False) as engine:
        engine.deploy(("p.bpmn", model("({y: 1})")))
        instance = engine.start("p")
        engine.run_until_idle()
        [job] = engine.activate_jobs("procession:javascript")
        assert job.headers == {"script": "({y: 1})", "format": "javascript"}
        engine.complete_job(job, {"y": 2})
        assert instance.variables == {"y": 2}


def test_no_process_is_started_before_the_first_script(engine: Engine) -> None:
    assert engine.scripts._own == []
