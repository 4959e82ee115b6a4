"""Where a tenant's work is put: a table of isolation, and keys that a server takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.hosts.temporal.cells.cell import Cell, Namespace, Tenant
from procession.hosts.temporal.cells.tenants import FAIRNESS_KEY_BYTES_MAX, fairness_key, place

CELL = Cell(
    cell="eu",
    default_namespace="shared",
    namespaces={
        "shared": Namespace(
            tenants={
                "acme": Tenant(priority=1, weight=5, isolation="task_queue"),
                "small": Tenant(priority=5, weight=0.5),
            }
        ),
        "bank": Namespace(
            workflow_task_queue="loans",
            activity_task_queue="loan-jobs",
            tenants={"bank": Tenant(isolation="namespace")},
        ),
    },
)


@pytest.mark.parametrize(
    ("tenant", "namespace", "queues", "priority", "weight"),
    [
        ("acme", "shared", ("procession.acme", "procession.acme-jobs-{type}"), 1, 5),
        ("small", "shared", ("procession", "procession-jobs-{type}"), 5, 0.5),
        ("unknown", "shared", ("procession", "procession-jobs-{type}"), 3, 1),
        ("bank", "bank", ("loans", "loan-jobs"), 3, 1),
    ],
)
def test_a_tenant_has_its_place(
    tenant: str, namespace: str, queues: tuple[str, str], priority: int, weight: float
) -> None:
    placed = place(CELL, tenant)
    assert (placed.namespace, (placed.workflow_task_queue, placed.activity_task_queue)) == (namespace, queues)
    assert (placed.priority.priority_key, placed.priority.fairness_weight) == (priority, weight)
    assert placed.priority.fairness_key == tenant


def test_a_queue_that_all_types_of_jobs_share_is_a_tenants_own_as_well() -> None:
    tenants = {"acme": Tenant(isolation="task_queue")}
    cell = Cell(cell="eu", namespaces={"only": Namespace(activity_task_queue="all-jobs", tenants=tenants)})
    assert [place(cell, each).activity_task_queue for each in ("acme", "other")] == ["all-jobs.acme", "all-jobs"]


def test_where_there_is_one_namespace_everybody_lives_there() -> None:
    assert place(Cell(cell="eu", namespaces={"only": Namespace()}), "anybody").namespace == "only"


@settings(max_examples=50)
@given(st.text(max_size=80), st.text(max_size=80))
def test_keys_of_fairness_fit_and_are_of_one_tenant(one: str, other: str) -> None:
    assert len(fairness_key(one).encode()) <= FAIRNESS_KEY_BYTES_MAX
    assert (fairness_key(one) == fairness_key(other)) is (one == other)


def test_a_long_tenant_has_a_key_of_the_same_length_each_time() -> None:
    assert fairness_key("ä" * 32) == "ä" * 32
    assert fairness_key("ä" * 33) == fairness_key("ä" * 33)
    assert len(fairness_key("ä" * 33)) == FAIRNESS_KEY_BYTES_MAX
