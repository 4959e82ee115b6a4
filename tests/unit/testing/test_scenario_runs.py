"""Running scenario files: what each step does, and how each thing that is not as written is told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import drawn as d
from procession.testing import Result, run_scenario, runner

ITEMS: Final = (
    '<bpmn:subProcess id="@">~<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>'
    '<zeebe:loopCharacteristics inputCollection="=list" inputElement="item"/></bpmn:extensionElements>'
    "</bpmn:multiInstanceLoopCharacteristics>"
    '<bpmn:startEvent id="from"><bpmn:outgoing>g1</bpmn:outgoing></bpmn:startEvent>'
    '<bpmn:serviceTask id="pack"><bpmn:extensionElements><zeebe:taskDefinition type="pack"/></bpmn:extensionElements>'
    "<bpmn:incoming>g1</bpmn:incoming><bpmn:outgoing>g2</bpmn:outgoing></bpmn:serviceTask>"
    '<bpmn:endEvent id="to"><bpmn:incoming>g2</bpmn:incoming></bpmn:endEvent>'
    '<bpmn:sequenceFlow id="g1" sourceRef="from" targetRef="pack"/>'
    '<bpmn:sequenceFlow id="g2" sourceRef="pack" targetRef="to"/></bpmn:subProcess>'
)
MODELS: Final = {
    "task": d.one_task("task", "work")[1],
    "task2": d.one_task("task", "other")[1],
    "user": d.document(d.process("user", "begin -> ask, ask -> done", begin=d.start(), ask=d.user(), done=d.end())),
    "both": d.document(
        d.process(
            "both",
            "begin -> split, split -> a, split -> b",
            begin=d.start(),
            split=d.parallel(),
            a=d.service("work"),
            b=d.service("work"),
        )
    ),
    "items": d.document(d.process("items", "begin -> each, each -> done", begin=d.start(), each=ITEMS, done=d.end())),
    "message": d.document(
        d.process(
            "message", "begin -> wait, wait -> done", begin=d.start(), wait=d.catch(d.on_message("m")), done=d.end()
        ),
        roots=d.message("m", "paid", "order"),
    ),
    "timer": d.document(
        d.process(
            "timer",
            "begin -> wait, wait -> done",
            begin=d.start(),
            wait=d.catch(d.on_timer("duration", "P1M")),
            done=d.end(),
        )
    ),
    "local": d.document(
        d.process(
            "local",
            "begin -> wait, wait -> done",
            begin=d.start(),
            wait=d.catch(d.on_timer("date", "2026-07-01T09:00:00")),
            done=d.end(),
        )
    ),
    "wrong": d.document(d.process("wrong", "begin -> x", begin=d.start())),
}


def run(folder: Path, text: str, model: str = "task", host: str = "embedded", store: str = ":memory:") -> Result:
    """The result of a scenario about one of the models; other models are there to be deployed."""
    for name, document in MODELS.items():
        (folder / f"{name}.bpmn").write_bytes(document)
    file = folder / "s.yaml"
    file.write_text(f"deploy: [{model}.bpmn]\n{text}", encoding="utf-8")
    return run_scenario(file, host=host, store=store)


# The model, and a scenario about it that passes.
GOOD: Final[list[tuple[str, str, str]]] = [
    (
        "jobs answer by attempt, the last answer repeats",
        "task",
        "jobs: {work: [{fail: {message: no, retries: 2}}, {fail: {message: no, retries: 1}}, {complete: {n: 3}}]}\n"
        "steps:\n- start: {process: task}\nexpect: {state: completed, variables: {n: 3}, exactly: true}\n",
    ),
    (
        "several instances, and the last one started is meant",
        "task",
        "steps:\n- start: {process: task, as: o1}\n- start: {process: task, as: o2}\n"
        "- complete: {element: work}\n- cancel: {instance: o1}\n"
        "expect: {o1: {state: terminated}, o2: {state: completed}}\n",
    ),
    (
        "by index in order of creation, also when an earlier one is over",
        "both",
        "steps:\n- start: {process: both}\n- complete: {type: work, index: 2}\n- waiting: {jobs: [a]}\n"
        "- complete: {type: work, index: 1}\nexpect: {path: [begin, split, a, b], state: completed}\n",
    ),
    (
        "path as a sequence",
        "both",
        "steps:\n- start: {process: both}\n- complete: {element: b}\n- complete: {element: a}\n"
        "expect: {path: [begin, split, b, a], order: true}\n",
    ),
    (
        "a failed job is an incident, resolved it can be completed",
        "task",
        "steps:\n- start: {process: task}\n- fail: {element: work, message: broken, retries: 0}\n"
        "- waiting: {incidents: [work], jobs: []}\n- resolve: {incident: work, retries: 2}\n"
        "- waiting: {incidents: [], jobs: [work]}\n- complete: {element: work}\nexpect: {state: completed}\n",
    ),
    (
        "an error that nobody catches is an incident",
        "task",
        "steps:\n- start: {process: task}\n- throw: {element: work, code: E1}\nexpect: {state: incident}\n",
    ),
    (
        "a user task",
        "user",
        "steps:\n- start: {process: user}\n- waiting: {tasks: [ask], jobs: []}\n"
        "- complete: {element: ask, variables: {ok: true}}\nexpect: {state: completed, variables: {ok: true}}\n",
    ),
    (
        "a message waits for its time to live, and no longer",
        "message",
        "steps:\n- message: {name: paid, key: A-1, ttl: PT1M, variables: {n: 1}}\n- after: PT1M\n"
        "- start: {process: message, variables: {order: A-1}, as: late}\n- waiting: {messages: [wait]}\n"
        "- message: {name: paid, key: A-2, ttl: PT1M, variables: {n: 2}}\n- after: PT59S\n"
        "- start: {process: message, variables: {order: A-2}, as: early}\n"
        "expect: {late: {state: active}, early: {state: completed, variables: {n: 2}}}\n",
    ),
    (
        "a message with the same id is there once",
        "message",
        "steps:\n- message: {name: paid, key: A-1, id: m1}\n- message: {name: paid, key: A-1, id: m1}\n"
        "- start: {process: message, variables: {order: A-1}, as: a}\n"
        "- start: {process: message, variables: {order: A-1}, as: b}\n"
        "expect: {a: {state: completed}, b: {state: active}}\n",
    ),
    (
        "a month later by the calendar",
        "timer",
        "clock: 2026-01-31T09:00:00Z\nsteps:\n- start: {process: timer}\n- after: P27DT23H59M59S\n"
        "- waiting: {timers: [wait]}\n- after: PT1S\nexpect: {state: completed}\n",
    ),
    (
        "a local time is one of the zone",
        "local",
        "clock: 2026-07-01T00:00:00Z\nzone: Europe/Berlin\nsteps:\n- start: {process: local}\n- after: PT6H59M59S\n"
        "- waiting: {timers: [wait]}\n- after: PT1S\nexpect: {state: completed}\n",
    ),
    (
        "a deployment on the way: new instances run the new version",
        "task",
        "steps:\n- start: {process: task, as: a}\n- deploy: [task2.bpmn]\n- start: {process: task, as: b}\n"
        "- start: {process: task, version: 1, as: c}\n- complete: {type: work}\n"
        "- complete: {type: work, instance: a}\n"
        "expect: {a: {state: completed}, b: {state: active}, c: {state: completed}}\n",
    ),
    (
        "variables in the scope of one item",
        "items",
        "steps:\n- start: {process: items, variables: {list: [1, 2]}}\n"
        "- set: {variables: {x: 1}, scope: 'items/each[1]'}\n- set: {variables: {y: 1}}\n"
        "- complete: {element: pack, index: 1}\n- complete: {element: pack, index: 2}\n"
        "expect: {state: completed, variables: {list: [1, 2], y: 1}, exactly: true}\n",
    ),
    (
        "a model that is refused",
        "wrong",
        "expect: {rejected: dangling-reference}\n",
    ),
    (
        "numbers are equal by value",
        "task",
        "steps:\n- start: {process: task, variables: {a: 1.50, b: [1, {c: 2.0}]}}\n"
        "expect: {variables: {a: 1.5, b: [1.0, {c: 2}]}}\n",
    ),
]


@pytest.mark.parametrize("restore", [False, True], ids=["plain", "restored"])
@pytest.mark.parametrize(("name", "model", "text"), GOOD, ids=[row[0] for row in GOOD])
def test_what_goes_as_written_passes(name: str, model: str, text: str, restore: bool, tmp_path: Path) -> None:
    result = run(tmp_path, text, model)
    assert result.passed, result.error
    restored = run_scenario(tmp_path / "s.yaml", restore_every_step=restore)
    assert restored.to_json() == result.to_json()


# The model, a scenario about it, and its error behind the name of the file.
BAD: Final[list[tuple[str, str, str]]] = [
    ("none", "", ":1: deploy: "),
    ("task", "zone: Mars/Olympus\n", ":2: 'Mars/Olympus' is no known time zone"),
    ("task", "zone: UTC\nclock: yesterday\n", ":3: 'yesterday' is no ISO 8601 date-time"),
    ("task", "expect: {rejected: some-rule}\n", ":2: deploy: expected to be refused by some-rule, but it was deployed"),
    ("wrong", "expect: {rejected: some-rule}\n", ":2: deploy: expected to be refused by some-rule, but refused by"),
    ("wrong", "", ":1: deploy: the deployment was refused:\n"),
    ("task", "steps:\n- start: {process: nope}\n", ":3: start: no process 'nope' is deployed"),
    ("task", "steps:\n- start: {process: task, version: 3}\n", ":3: start: process 'task' has no version 3"),
    ("task", "steps:\n- cancel: {}\n", ":3: cancel: no instance was started"),
    ("task", "steps:\n- start: {process: task}\n- cancel: {instance: b}\n", ":4: cancel: no instance is called 'b'"),
    (
        "both",
        "steps:\n- start: {process: both}\n- waiting: {jobs: [a, c]}\n",
        ":4: waiting: jobs: missing [c], unexpected [b]; found are [a, b]",
    ),
    (
        "task",
        "steps:\n- start: {process: task}\n- waiting: {jobs: [work], timers: [t]}\n",
        ":4: waiting: timers: missing",
    ),
    ("task", "steps:\n- start: {process: task}\n- complete: {}\n", ":4: complete: name it by element, type or index"),
    (
        "task",
        "steps:\n- start: {process: task}\n- complete: {element: nope}\n",
        ":4: complete: no open job or user task of element nope; open are work (work)",
    ),
    (
        "both",
        "steps:\n- start: {process: both}\n- fail: {type: work, index: 3}\n",
        ":4: fail: no open job of type work, index 3; open and fitting are [a, b]",
    ),
    ("user", "steps:\n- start: {process: user}\n- fail: {element: ask}\n", ":4: fail: no open job of element ask"),
    (
        "task",
        "steps:\n- start: {process: task}\n- resolve: {incident: work}\n",
        ":4: resolve: no open incident at work",
    ),
    (
        "task",
        "steps:\n- start: {process: task}\n- set: {variables: {x: 1}, scope: nope}\n",
        ":4: set: no instance of nope is active; there are task, task/work",
    ),
    ("task", "steps:\n- after: 2 hours\n", ":3: after: '2 hours' is no ISO 8601 duration"),
    ("task", "steps:\n- after: -PT2H\n", ":3: after: the clock does not run backwards"),
    ("task", "steps:\n- message: {name: m, ttl: 1h}\n", ":3: message: '1h' is no ISO 8601 duration"),
    ("task", "steps:\n- deploy: [none.bpmn]\n", ":3: deploy: "),
    ("task", "steps:\n- deploy: [wrong.bpmn]\n", ":3: deploy: wrong.bpmn:"),
    ("task", "steps:\n- start: {process: task}\nexpect: {state: completed}\n", ":4: expect: state: expected completed"),
    (
        "task",
        "steps:\n- start: {process: task}\n- fail: {element: work, message: broken}\nexpect: {state: active}\n",
        ":5: expect: state: expected active, found incident (work: broken)",
    ),
    (
        "task",
        "steps:\n- start: {process: task}\nexpect:\n  path: [begin, work]\n",
        ":4: expect: path: missing [work]; found are [begin]",
    ),
    (
        "both",
        "jobs: {work: {complete: {}}}\nsteps:\n- start: {process: both}\nexpect: {path: [begin, b], order: true}\n",
        ":5: expect: path: differs from place 2 on; found is [begin, split, a, b]",
    ),
    (
        "task",
        "steps:\n- start: {process: task, variables: {a: 1}}\nexpect: {variables: {a: true}}\n",
        ":4: expect: variables: a is 1, expected true",
    ),
    (
        "task",
        "steps:\n- start: {process: task, variables: {a: 1}}\nexpect: {variables: {b: 1}}\n",
        ":4: expect: variables: b is missing; there are [a]",
    ),
    (
        "task",
        "steps:\n- start: {process: task, variables: {a: 1}}\nexpect: {variables: {}, exactly: true}\n",
        ":4: expect: variables: unexpected a = 1",
    ),
    ("task", "expect: {o9: {state: active}}\n", ":2: expect o9: no instance is called 'o9'; there are none"),
    ("task", "steps:\n- modify: {activate: [b]}\n", ":3: modify: no instance was started"),
    ("task", "steps:\n- migrate: {to: {process: task}}\n", ":3: migrate: no instance was started"),
    ("task", "steps:\n- trigger: {element: work}\n", ":3: trigger: no instance was started"),
]


@pytest.mark.parametrize(("model", "text", "error"), BAD, ids=[f"{n}{row[2]}" for n, row in enumerate(BAD)])
def test_what_does_not_go_as_written_is_told_with_its_place(model: str, text: str, error: str, tmp_path: Path) -> None:
    result = run(tmp_path, text, model)
    assert not result.passed
    assert result.error.startswith(f"{tmp_path / 's.yaml'}{error}")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"host": "celery"}, "the host celery is not in this version"),
        ({"host": "temporal"}, "the host temporal is not in this version"),
        ({"host": "nowhere"}, "no host is called 'nowhere'"),
        ({"store": "mysql://h/d"}, "the store mysql://h/d is not in this version"),
    ],
)
def test_where_no_scenario_runs_yet_is_said(options: dict[str, str], text: str, tmp_path: Path) -> None:
    result = run(tmp_path, "", **options)
    assert not result.passed
    assert text in result.error


def test_a_trace_tells_events_elements_and_scopes(tmp_path: Path) -> None:
    text = (
        "jobs: {pack: [{complete: {}}]}\nsteps:\n- start: {process: items, variables: {list: [7]}}\n"
        "expect: {state: completed}\n"
    )
    [instance] = run(tmp_path, text, "items").instances
    assert (instance.name, instance.state, instance.variables) == ("it", "completed", {"list": [7]})
    assert [tuple(entry) for entry in instance.trace] == [
        ("entered", "items", ""),
        ("entered", "begin", "items"),
        ("completed", "begin", "items"),
        ("flow", "items_0", "items"),
        ("entered", "each", "items"),
        ("entered", "each", "items/each[1]"),
        ("entered", "from", "items/each[1]"),
        ("completed", "from", "items/each[1]"),
        ("flow", "g1", "items/each[1]"),
        ("entered", "pack", "items/each[1]"),
        ("completed", "pack", "items/each[1]"),
        ("flow", "g2", "items/each[1]"),
        ("entered", "to", "items/each[1]"),
        ("completed", "to", "items/each[1]"),
        ("completed", "each", "items/each[1]"),
        ("completed", "each", "items"),
        ("flow", "items_1", "items"),
        ("entered", "done", "items"),
        ("completed", "done", "items"),
        ("completed", "items", ""),
    ]


def test_a_trace_tells_what_was_terminated_and_what_went_wrong(tmp_path: Path) -> None:
    text = "steps:\n- start: {process: task}\n- fail: {element: work}\n- cancel: {}\nexpect: {state: terminated}\n"
    [instance] = run(tmp_path, text).instances
    assert [tuple(entry) for entry in instance.trace][-3:] == [
        ("incident", "work", "task"),
        ("terminated", "work", "task"),
        ("terminated", "task", ""),
    ]


def test_a_process_that_goes_round_for_ever_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ANSWERS_MAX", 50)  # the real limit takes seconds
    text = d.process(
        "round",
        "begin -> join, join -> work, work -> join",
        begin=d.start(),
        join=d.exclusive(),
        work=d.service("work"),
    )
    (tmp_path / "round.bpmn").write_bytes(d.document(text))
    file = tmp_path / "s.yaml"
    file.write_text("deploy: [round.bpmn]\njobs: {work: {complete: {}}}\nsteps:\n- start: {process: round}\n")
    result = run_scenario(file)
    assert "s.yaml:4: start: 50 jobs were answered in one step: the process goes round for ever" in result.error


def test_a_timer_that_comes_too_often_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MOMENTS_MAX", 50)
    text = d.process(
        "often",
        "begin -> wait, wait -> done, tick -> seen",
        begin=d.start(),
        wait=d.user(),
        tick=d.boundary("wait", d.on_timer("cycle", "R/PT1S"), interrupting=False),
        done=d.end(),
        seen=d.end(),
    )
    (tmp_path / "often.bpmn").write_bytes(d.document(text))
    file = tmp_path / "s.yaml"
    file.write_text("deploy: [often.bpmn]\nsteps:\n- start: {process: often}\n- after: PT49S\n- after: P1Y\n")
    assert "s.yaml:5: after: timers came due at 50 moments" in run_scenario(file).error
