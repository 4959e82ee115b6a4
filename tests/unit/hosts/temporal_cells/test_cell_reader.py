"""A cell's file is read strictly: what is wrong is said with file, line and what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession.hosts.temporal.cells.cell import BadCell, Cell, Ramping, Tls
from procession.hosts.temporal.cells.cell_reader import load_cell, parse_cell
from procession.hosts.temporal.cells.dynamic_config import dynamic_config
from procession.hosts.temporal.cells.wanted import wanted

HEAD = "cell: eu\nnamespaces:\n  bank:\n"


def test_a_whole_file_is_read() -> None:
    cell = parse_cell(
        """
cell: eu-1
address: temporal.example:7233
tls: {ca_env: TEMPORAL_CA}
api_key_env: TEMPORAL_KEY
default_namespace: bank
namespaces:
  bank:
    retention: P30D
    search_attributes: {BpmnBusinessKey: Keyword}
    task_queues: {jobs: {rps: 1.5, fairness_weights: {acme: 3}}}
    tenants: {acme: {priority: 1, weight: 0.5, isolation: task_queue}}
    schedules:
    - {process: nightly, node: start, timer: 0 4 * * *, input: {count: 1}}
    deployments: {loans: {current: "1.4", ramping: {build_id: "1.5", percent: 10}}}
  insurer: {global: true}
nexus_endpoints:
  payments: {namespace: bank, task_queue: jobs}
dynamic_config: {matching.enableFairness: true}
""",
        "cell.yaml",
    )
    bank = cell.namespaces["bank"]
    assert cell.tls == Tls(ca_env="TEMPORAL_CA")
    assert bank.task_queues["jobs"].rps == 1.5
    assert bank.tenants["acme"].isolation == "task_queue"
    assert bank.schedules[0].input == {"count": 1}
    assert bank.deployments["loans"].ramping == Ramping("1.5", 10)
    assert cell.namespaces["insurer"].is_global
    assert "BpmnBusinessKey" in [thing.name for thing in wanted(cell) if thing.namespace == "bank"]
    assert "BpmnBusinessKey" not in [thing.name for thing in wanted(cell) if thing.namespace == "insurer"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("retenton: P7D", "retenton: unknown key `retenton`; did you mean `retention`?"),
        ("retention: 7", "retention: Expected `str`, got `int`"),
        ("retention: PT5M", "retention: a retention is at least 1 h"),
        ("{retention: PT5H, global: true}", "retention: a retention is at least 24 h"),
        ("retention: 7d", "retention: '7d' is no ISO 8601 duration"),
        ("search_attributes: {Region: Keywrd}", "search_attributes.Region: 'Keywrd' is none of Keyword, "),
        ("search_attributes: {BpmnState: Text}", "search_attributes.BpmnState: the host needs BpmnState as Keyword"),
        ("tenants: {acme: {priority: 6}}", "tenants.acme.priority: Expected `int` <= 5"),
        ("tenants: {acme: {weight: 0}}", "tenants.acme.weight: Expected `float` >= 0.001"),
        ("tenants: {acme: {isolation: no}}", "tenants.acme.isolation: 'no' is none of pooled, task_queue, namespace"),
        ("tenants: {acme: {isolation: namespace}}", "tenants.acme.isolation: a tenant with a namespace of its own"),
        ("task_queues: {q: {rps: -1}}", "task_queues.q.rps: Expected `float` >= 0"),
        ("schedules: [{process: p, node: n}]", "schedules[0]: missing key `timer`"),
        ("schedules: [{process: p, node: n, timer: R/PT1H, zone: Mars}]", "schedules[0].zone: 'Mars' is no known"),
        ("schedules: [&a {process: p, node: n, timer: '@daily'}, *a]", "schedules[1]: p/n of <default> is given twice"),
        ("deployments: {d: {ramping: {build_id: a, percent: 101}}}", "deployments.d.ramping"),
    ],
)
def test_what_is_wrong_in_a_namespace_is_said_with_its_line(line: str, told: str) -> None:
    with pytest.raises(BadCell) as raised:
        parse_cell(f"{HEAD}    {line}", "cell.yaml")
    assert str(raised.value).startswith(f"cell.yaml:4: namespaces.bank.{told}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: Expected `object`, got `null`"),
        ("cell: eu", "1: missing key `namespaces`"),
        ("cell: [", "2: not YAML"),
        ("cell: eu\nnamespaces: {}", "2: namespaces: a cell needs a namespace"),
        ("cell: eu\nnamespaces: {a: {}, b: {}}", "2: namespaces: there are several namespaces"),
        ("cell: eu\ndefault_namespace: c\nnamespaces: {a: {}}", "2: default_namespace: no namespace 'c'"),
        (
            "cell: eu\ndefault_namespace: a\nnamespaces:\n  a: {tenants: {t: {}}}\n  b: {tenants: {t: {}}}",
            "4: namespaces.a.tenants.t: the tenant 't' is in two namespaces",
        ),
        (
            "cell: eu\ndefault_namespace: a\nnamespaces:\n  a: {}\n  b:\n    schedules:\n"
            "    - {process: p, node: n, timer: '@daily'}",
            "7: namespaces.b.schedules[0].tenant: the tenant '<default>' lives in a",
        ),
        ("cell: eu\nnamespaces: {a: {}}\nnexus_endpoints:\n  e: {url: u, namespace: a}", "4: nexus_endpoints.e: an "),
        ("cell: eu\nnamespaces: {a: {}}\ntls: {ca: X}", "3: tls.ca: unknown key `ca`"),
        ("cell: eu\nnamespaces: {a: {}}\napi_key: secret", "3: api_key: unknown key `api_key`; did you mean `api_key_"),
    ],
)
def test_what_is_wrong_in_a_cell_is_said_with_its_line(text: str, told: str) -> None:
    with pytest.raises(BadCell) as raised:
        parse_cell(text, "cell.yaml")
    assert str(raised.value).startswith(f"cell.yaml:{told}")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadCell) as raised:
        parse_cell(f"{HEAD}    retenton: P7D\n    tenants: 3\nadress: x", "cell.yaml")
    assert [line.split(": ")[0] for line in str(raised.value).splitlines()] == [
        "cell.yaml:4",
        "cell.yaml:5",
        "cell.yaml:6",
    ]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadCell, match="cannot be read"):
        load_cell(tmp_path / "cell.yaml")


@pytest.mark.parametrize(
    ("timer", "told"),
    [
        ("{timer: R/PT1H}", "has no beginning: give `first_due"),
        ("{timer: PT1H}", "has no beginning: give `first_due"),
        ("{timer: R/PT1H, first_due: tomorrow}", "no ISO 8601 date-time"),
        ("{timer: soon}", "no ISO 8601 date-time"),
        ("{timer: 30 2 * * *, zone: Europe/Berlin}", "where the clock of Europe/Berlin changes"),
    ],
)
def test_a_timer_that_no_schedule_follows_is_refused(timer: str, told: str) -> None:
    cell = parse_cell(f"{HEAD}    schedules:\n    - {{process: p, node: n, {timer[1:]}", "cell.yaml")
    with pytest.raises(BadCell, match="the schedule procession/<default>/p/n: ") as raised:
        wanted(cell)
    assert told in str(raised.value)


def test_the_same_file_wants_the_same_whenever_it_is_read() -> None:
    text = f"{HEAD}    schedules:\n    - {{process: p, node: n, timer: R/PT1H, first_due: '2026-05-01T00:00:00Z'}}"
    fields = next(thing.fields for thing in wanted(parse_cell(text, "")) if thing.kind == "schedule")
    assert fields["when"] == "every 3600 s, from 2026-05-01T00:00:00Z"


def test_dynamic_config_is_printed_for_the_servers_own_file() -> None:
    cell: Cell = parse_cell(
        "cell: eu\nnamespaces: {bank: {dynamic_config: {frontend.namespaceRPS: 50}}}\n"
        "dynamic_config: {frontend.namespaceRPS: 2400, matching.enableFairness: true}",
        "",
    )
    assert dynamic_config(cell).splitlines()[1:] == [
        "frontend.namespaceRPS:",
        "- value: 50",
        '  constraints: {namespace: "bank"}',
        "- value: 2400",
        "matching.enableFairness:",
        "- value: true",
    ]
