"""The command line: what each command prints and how it exits, as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from typer.testing import CliRunner

from procession.cli.app import app
from unit.cli.models import APPROVE, CHARGE, PAID, WRONG, job, process, saved


@dataclass(frozen=True)
class Shell:
    """A folder with a store in it, in which commands run."""

    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
        assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return unstyle(done.stdout if code in (0, 3) else done.stderr or done.stdout)

    def json(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return [json.loads(line) for line in (done.stdout or done.stderr).splitlines()]

    def deployed(self, text: str) -> Shell:
        self("deploy", saved(self.folder, text))
        return self


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROCESSION_DB", raising=False)
    return Shell(tmp_path)


WORKERS = """
from decimal import Decimal

def register(engine):
    @engine.worker("charge-card")
    def charge(amount: Decimal):
        return {"charged": amount * 2}

    @engine.worker("fails")
    def fails():
        raise ValueError("no connection")
"""


def test_run_to_the_end_exits_0(shell: Shell) -> None:
    Path("my_run_workers.py").write_text(WORKERS)
    arguments = ("run", saved(shell.folder, CHARGE), "--workers", "my_run_workers:register", "--var", "amount:=1.25")
    text = shell(*arguments)
    assert "completed" in text
    assert "charged  2.50" in text
    (record,) = shell.json(*arguments)
    assert record["state"] == "completed"
    assert record["completed"] == {"start": 1, "charge": 1, "end": 1}
    assert (record["tokens"], record["waits"]) == ({}, [])


def test_run_that_waits_exits_3_and_says_what_for(shell: Shell) -> None:
    text = shell("run", saved(shell.folder, CHARGE), code=3)
    assert "●1  ▭ charge" in text
    assert "charge-card, 3 retries left" in text
    (record,) = shell.json("run", saved(shell.folder, CHARGE), code=3)
    assert record["tokens"] == {"charge": 1}
    assert [each["element"] for each in record["waits"]] == ["charge"]


def test_run_with_an_incident_exits_1(shell: Shell) -> None:
    Path("my_bad_workers.py").write_text(WORKERS)
    model = saved(shell.folder, process(("it", job("it", "fails", retries=1))))
    (record,) = shell.json("run", model, "--workers", "my_bad_workers:register", code=1)
    assert record["state"] == "incident"
    assert "no connection" in record["incidents"][0]["message"]


def test_run_of_several_processes_asks_which(shell: Shell) -> None:
    other = CHARGE.replace('id="p"', 'id="q"')
    files = (saved(shell.folder, CHARGE), saved(shell.folder, other, "q.bpmn"))
    assert "--process: p, q" in shell("run", *files, code=1)
    assert "of q version 1" in shell("run", *files, "--process", "q", code=3)


def test_run_of_a_decision_alone_says_what_is_missing(shell: Shell) -> None:
    (shell.folder / "d.dmn").write_text(
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">'
        '<decision id="rate" name="Rate"><variable name="Rate"/>'
        "<literalExpression><text>1</text></literalExpression></decision></definitions>"
    )
    assert "nothing that was given holds a process" in shell("run", "d.dmn", code=2)


def test_check_names_the_place_the_rule_and_the_remedy(shell: Shell) -> None:
    done = CliRunner().invoke(app, ["check", saved(shell.folder, WRONG, "w.bpmn")])
    assert done.exit_code == 1
    assert "w.bpmn:1:" in done.stdout
    assert "error [" in done.stdout
    assert "1 checked: " in done.stdout
    found = shell.json("check", "w.bpmn", code=1)
    assert {"file", "line", "column", "severity", "rule", "element", "message", "remedy", "path"} == set(found[0])
    assert any(each["severity"] == "error" and each["remedy"] for each in found)


def test_check_of_a_sound_model_exits_0(shell: Shell) -> None:
    assert "1 checked: 0 errors" in shell("check", saved(shell.folder, CHARGE))


def test_check_by_the_standard_applies_its_constraints_and_no_others(shell: Shell) -> None:
    model = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">{}</definitions>'
    drawn = saved(shell.folder, model.format('<process id="p"><task id="t"/></process>'), "drawn.bpmn")
    assert "1 checked: 0 errors" in shell("check", drawn, "--standard")
    wrong = saved(shell.folder, model.format('<process id="p"><task id="t" startQuantity="0"/></process>'), "w.bpmn")
    (found,) = shell.json("check", wrong, "--standard", code=1)
    assert (found["rule"], found["element"], found["line"]) == ("activity-quantity", "t", 1)
    assert "BPMN 2.0.2, 10.3" in str(found["remedy"])


def test_a_refused_deployment_shows_every_finding(shell: Shell) -> None:
    assert "error [" in shell("deploy", saved(shell.folder, WRONG), code=1)
    (record,) = shell.json("deploy", "p.bpmn", code=1)
    assert record["error"] == "refused"
    assert record["diagnostics"]


def test_a_drawing_is_deployed_as_nothing_and_said_so(shell: Shell) -> None:
    drawing = saved(shell.folder, CHARGE.replace('isExecutable="true"', 'isExecutable="false"'))
    assert "nothing to deploy: no process" in shell("deploy", drawing)
    (record,) = shell.json("deploy", drawing)
    assert (record["rule"], record["severity"]) == ("executable-process", "warning")
    shell("start", "p", code=1)


def test_deploying_the_same_again_changes_nothing(shell: Shell) -> None:
    shell.deployed(CHARGE)
    (record,) = shell.json("deploy", "p.bpmn")
    assert (record["process"], record["version"], record["new"]) == ("p", 1, False)


def test_a_job_is_found_completed_and_gone(shell: Shell) -> None:
    shell.deployed(CHARGE)
    (started,) = shell.json("start", "p", "--var", "amount:=1", "--business-key", "B-1")
    (listed,) = shell.json("list", "jobs")
    assert (listed["type"], listed["instance"]) == ("charge-card", started["instance"])
    shell("complete", listed["key"], "--var", "ok:=true")
    (shown,) = shell.json("show", started["instance"])
    assert (shown["state"], shown["business_key"]) == ("completed", "B-1")
    assert shown["variables"] == {"amount": 1, "ok": True}
    assert "no open task or job" in shell("complete", listed["key"], code=1)


def test_a_warning_is_shown_with_its_element(shell: Shell) -> None:
    doubtful = '<zeebe:script expression="=1 + limit" resultVariable="x"/>'
    task = f'<scriptTask id="sum"><extensionElements>{doubtful}</extensionElements></scriptTask>'
    shell.deployed(process(("sum", task)))
    key = shell("start", "p", "--var", "limit=low").strip()
    assert "warning at sum, script `1 + limit`: " in shell("show", key)
    (shown,) = shell.json("show", key)
    (warning,) = shown["warnings"]
    assert (warning["element_id"], warning["attribute"], warning["expression"]) == ("sum", "script", "1 + limit")
    assert "warned" in shell("show", key, "--history")


def test_a_user_task_is_completed_by_the_same_command(shell: Shell) -> None:
    shell.deployed(APPROVE)
    (started,) = shell.json("start", "p")
    (task,) = shell.json("list", "tasks", "--instance", started["instance"])
    assert shell("complete", task["key"]).startswith("completed task")
    assert shell.json("list", "--state", "active") == []
    assert [each["state"] for each in shell.json("list")] == ["completed"]


def test_a_message_finds_its_receiver(shell: Shell) -> None:
    shell.deployed(PAID)
    key = shell("start", "p", "--var", "order=A-1").strip()
    assert "message payment key A-1" in shell("show", key)
    shell("message", "payment", "--key", "A-1", "--var", "sum:=5", "--ttl", "1h", "--id", "m1")
    (shown,) = shell.json("show", key)
    assert (shown["state"], shown["variables"]) == ("completed", {"order": "A-1", "sum": 5})


def test_set_cancel_and_signal(shell: Shell) -> None:
    shell.deployed(CHARGE)
    key = shell("start", "p").strip()
    shell("set", key, "--var", "note=late")
    assert shell.json("show", key)[0]["variables"] == {"note": "late"}
    shell("cancel", key)
    assert shell.json("show", key)[0]["state"] == "terminated"
    assert shell.json("signal", "stop") == [{"signal": "stop", "receivers": 0}]


def test_who_cancels_is_told_of_canceling_listeners(shell: Shell) -> None:
    listener = '<zeebe:taskListeners><zeebe:taskListener eventType="canceling" type="note"/></zeebe:taskListeners>'
    shell.deployed(APPROVE.replace("<zeebe:userTask/>", f"<zeebe:userTask/>{listener}"))
    key = shell("start", "p").strip()
    assert "canceling listeners still run" in shell("cancel", key)
    assert shell.json("list", "tasks") == []
    (again,) = shell.json("cancel", key)
    assert again == {"cancelled": key, "state": "terminated"}


def test_an_incident_is_listed_and_resolved(shell: Shell) -> None:
    shell.deployed(process(("script", SCRIPT)))
    key = shell("start", "p").strip()
    (incident,) = shell.json("list", "incidents")
    assert incident["instance"] == key
    assert "!1" in shell("show", key)
    shell("set", key, "--var", "items:=[]")
    shell("resolve", incident["key"], "--retries", "2")
    assert shell.json("show", key)[0]["state"] == "completed"


SCRIPT = (
    '<serviceTask id="script"><extensionElements><zeebe:taskDefinition type="touch"/></extensionElements>'
    '<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics inputCollection="=items"/>'
    "</extensionElements></multiInstanceLoopCharacteristics></serviceTask>"
)


def test_show_draws_the_tokens_as_svg_and_tells_the_history(shell: Shell) -> None:
    shell.deployed(CHARGE)
    key = shell("start", "p").strip()
    picture = shell("show", key, "--svg", "-")
    assert picture.startswith("<svg")
    assert "1 active, 1 completed" in picture
    assert "wrote p.svg" in shell("show", key, "--svg", "p.svg")
    assert Path("p.svg").read_text() == picture
    (record,) = shell.json("show", key, "--history")
    assert [each["kind"] for each in record["history"]][:2] == ["started", "enter"]
    assert "charge-card" in shell("show", key, "--history")


def integers(value: Any) -> list[int]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [found for each in inner for found in integers(each)]
    return [value] if isinstance(value, int) else []


def test_keys_are_strings_in_json_wherever_they_stand(shell: Shell) -> None:
    shell.deployed(CHARGE)
    key = shell("start", "p", "--var", "amount:=1").strip()
    (job,) = shell.json("list", "jobs")
    shell("complete", job["key"])
    (record,) = shell.json("show", key, "--history")
    shown = [record, *shell.json("list"), *shell.json("list", "definitions"), job]
    assert record["history"][0]["fact"]["instance"] == key
    # A number that JSON hands on exactly everywhere has 53 bits; a key has 63.
    assert [each for each in integers(shown) if each > 10**9] == []


def test_a_list_goes_on_behind_a_key(shell: Shell) -> None:
    shell.deployed(CHARGE)
    keys = [shell("start", "p").strip() for _ in range(3)]
    assert f"--after {keys[1]}" in shell("list", "--limit", "2")
    assert [each["key"] for each in shell.json("list", "--after", keys[1])] == keys[2:]
    assert [each["process_id"] for each in shell.json("list", "definitions")] == ["p"]


def test_a_backup_is_a_store(shell: Shell) -> None:
    shell.deployed(CHARGE)
    key = shell("start", "p").strip()
    shell("backup", "copy.db")
    assert shell.json("show", key, "--db", "copy.db")[0]["tokens"] == {"charge": 1}


def test_draw_needs_no_store(shell: Shell) -> None:
    assert "▭ charge  · service task (charge-card)" in shell("draw", saved(shell.folder, CHARGE))
    assert shell("draw", "p.bpmn", "--svg", "-").startswith("<svg")
    assert not Path("procession.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("list",), "no store at procession.db"),
        (("run", "none.bpmn"), "none.bpmn: No such file"),
        (("start", "nope", "--db", ":memory:"), "procession list definitions"),
        (("check", "none.bpmn"), "none.bpmn: No such file"),
        (("test", "nowhere"), "no file nowhere"),
        (("test", "."), "no *.scenario.yaml"),
        (("test", ".", "--store", "mysql://host/name"), "not in this version"),
        (("deploy", "none.bpmn", "--db", "mysql://host/name"), "in this version"),
        (("run", "x.bpmn", "--workers", "no_such_module_at_all:x"), "no_such_module_at_all"),
    ],
)
def test_an_error_is_one_line_that_helps(shell: Shell, arguments: tuple[str, ...], says: str) -> None:
    text = shell(*arguments, code=1)
    assert says in text
    assert text.count("\n") == 1
    (record,) = shell.json(*arguments, code=1)
    assert says in record["error"] + record.get("remedy", "")


@pytest.mark.parametrize(
    "arguments",
    [("complete", "abc"), ("list", "things"), ("list", "--state", "odd"), ("message", "m", "--ttl", "soon")],
)
def test_wrong_usage_exits_2(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell.deployed(CHARGE)
    shell(*arguments, code=2)


SCENARIO = """
deploy: [p.bpmn]
jobs: {charge-card: {complete: {ok: true}}}
steps:
  - start: {process: p}
expect: {state: STATE, path: [start, charge, end]}
"""


def test_scenarios_pass_or_fail_with_exit_codes(shell: Shell) -> None:
    saved(shell.folder, CHARGE)
    Path("good.scenario.yaml").write_text(SCENARIO.replace("STATE", "completed"))
    assert "1 passed, 0 failed" in shell("test", ".")
    (result,) = shell.json("test", "good.scenario.yaml", "--restore-every-step")
    assert shell.json("test", "good.scenario.yaml", "--seed", "7") == [result]
    assert "leave out --store" in shell("test", "good.scenario.yaml", "--seed", "7", "--store", "s.db", code=2)
    assert set(result) == {"file", "passed", "error", "instances"}
    assert set(result["instances"][0]) == {"name", "state", "variables", "trace"}
    Path("bad.scenario.yaml").write_text(SCENARIO.replace("STATE", "terminated"))
    assert [each["passed"] for each in shell.json("test", ".", code=1)] == [False, True]


def test_doctor_and_version_answer_without_a_store(shell: Shell) -> None:
    names = {each["name"] for each in shell.json("doctor")}
    assert {"python", "sqlite", "time zones", "clock", "file system", "disk", "store"} <= names
    assert set(shell.json("version")[0]) == {"version"}


@pytest.mark.parametrize("command", app.registered_commands, ids=lambda command: str(command.name))
def test_every_command_can_answer_in_json_and_has_help(command: Any) -> None:
    done = CliRunner().invoke(app, [command.name, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "--json" in unstyle(done.stdout)
    assert command.callback.__doc__


def test_help_starts_without_loading_the_engine() -> None:
    code = (
        "import sys; from procession.cli.main import main; sys.argv = ['procession', 'version']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = 'lxml', 'asyncio', 'litestar', 'procession.hosts', 'procession.parse', 'procession.web'\n"
        "print(*[m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_missing_extra_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'typer' else find(name)\n"
        "from procession.cli.main import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'procession[cli]'" in done.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("reso", ["resolve"]),
        ("list --st", ["--state"]),
        ("list t", ["tasks"]),
        ("list --state in", ["incident"]),
        ("test --host t", ["temporal"]),
    ],
)
def test_the_shell_completes_commands_options_and_values(words: str, offered: list[str]) -> None:
    typed = f"procession {words}"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("procession"))],  # its name is that of the variable
        env={
            "_PROCESSION_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(typed.split()) - 1),
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == offered


def test_instances_are_found_by_business_key(shell: Shell) -> None:
    shell.deployed(APPROVE)
    started = shell("start", "p", "--business-key", "A-1").strip()
    shell("start", "p", "--business-key", "A-2")
    assert [each["key"] for each in shell.json("list", "--business-key", "A-1")] == [started]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("lsit",), "Did you mean 'list'"),
        (("list", "--sate", "x"), "--sate"),
        (("show",), "INSTANCE"),
        (("list", "--limit", "0"), "--limit"),
        (("run", "x.bpmn", "--wait", "long"), "--wait"),
    ],
)
def test_wrong_usage_is_json_too_when_asked_for(arguments: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-m", "procession.cli.main", *arguments]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    record = json.loads(done.stderr)
    assert says in record["error"]
    assert "--help" in record["remedy"]


def test_a_decision_is_deployed_but_not_run(shell: Shell) -> None:
    Path("d.dmn").write_text(
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="t">'
        '<decision id="rate" name="Rate"><variable name="rate"/>'
        "<literalExpression><text>1 + 1</text></literalExpression></decision></definitions>"
    )
    assert shell("deploy", "d.dmn") == "decision rate version 1 deployed\n"
    (record,) = shell.json("deploy", "d.dmn")
    assert (record["decision"], record["new"]) == ("rate", False)
    assert "holds a process" in shell("run", "d.dmn", code=2)


def test_the_version_is_an_option_too(shell: Shell) -> None:
    assert shell("--version") == shell("version")
    assert not Path("procession.db").exists()


def test_a_variable_is_set_where_it_is_seen(shell: Shell) -> None:
    shell.deployed(APPROVE)
    started = shell("start", "p").strip()
    shell("set", started, "--var", "a=1", "--element", "approve", "--local")
    shell("set", started, "--var", "b=2", "--element", "approve")
    (record,) = shell.json("show", started)
    assert record["variables"] == {"b": 2}
    assert "no element 'nothing' is active" in shell("set", started, "--var", "a=1", "--element", "nothing", code=1)
