"""The id of a workflow names its tenant, in one spelling, whatever the tenant is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.failure import BadValue
from procession.hosts.temporal.ids import tenant_of, workflow_id

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=19)


@given(tenant=NAMES, instance=st.integers(min_value=0, max_value=2**63 - 1))
def test_a_tenant_comes_back_and_no_part_is_a_folder_of_its_own(tenant: str, instance: int) -> None:
    made = workflow_id(tenant, instance)
    name, slash, number = made.partition("/")
    assert tenant_of(made) == tenant
    assert (slash, number) == ("/", str(instance))
    assert name not in {"", ".", ".."}
    assert made.isascii()


@given(one=NAMES, other=NAMES)
def test_two_tenants_never_share_a_spelling(one: str, other: str) -> None:
    assert (workflow_id(one, 1) == workflow_id(other, 1)) is (one == other)


@pytest.mark.parametrize(
    ("tenant", "made"),
    [
        ("acme", "acme/7"),
        ("<default>", "%3Cdefault%3E/7"),
        ("a/b", "a%2Fb/7"),
        ("..", "%2E%2E/7"),
        (".", "%2E/7"),
        ("acme.com", "acme.com/7"),
        ("100%", "100%25/7"),
    ],
)
def test_a_tenant_is_spelled_as_in_a_url(tenant: str, made: str) -> None:
    assert workflow_id(tenant, 7) == made


@pytest.mark.parametrize(
    ("tenant", "instance"), [("", 1), ("acme", -1), ("a" * 254, 1), ("\ud800", 1), ("ü" * 50, 1), ("acme", 2**63)]
)
def test_what_makes_no_id_is_refused(tenant: str, instance: int) -> None:
    with pytest.raises(BadValue):
        workflow_id(tenant, instance)


@pytest.mark.parametrize(
    "id", ["", "acme", "/1", "%61cme/1", "a%2fb/1", "a b/1", "%/1", "%FF/1", "../1", "<default>/1"]
)
def test_an_id_that_spells_no_tenant_is_refused(id: str) -> None:
    with pytest.raises(BadValue, match="names no tenant"):
        tenant_of(id)
