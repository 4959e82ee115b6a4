"""The codec seam: what goes in comes out, exactly; what is foreign is said to be so."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.failure import StoreError
from procession.base.values import Json
from procession.core import facts as f
from procession.core.events import Cancel, CompleteTask
from procession.runtime import codec, requests

_LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(JSON)
def test_a_value_survives_in_facts_and_in_requests(value: Json) -> None:
    facts: list[f.AnyFact] = [f.VariableSet(1, "v", value), f.ElementCompleted(7)]
    assert codec.decode_facts(codec.encode_facts(facts)) == facts
    request = requests.Deliver("t", 1, CompleteTask(2, {"v": value}))
    assert requests.decode(requests.encode(request)) == request


def test_decimals_keep_their_digits() -> None:
    value = codec.decode_json(codec.encode_json({"a": Decimal("1.10"), "b": 10**40}))
    assert repr(value) == f"{{'a': Decimal('1.10'), 'b': {10**40}}}"


@pytest.mark.parametrize("data", [b"", b"\x02[]", b"\x01[", b'\x01[["no-such-fact"]]', b"\x01{}"])
def test_foreign_or_damaged_bytes_are_a_store_error(data: bytes) -> None:
    with pytest.raises(StoreError):
        codec.decode_facts(data)


def test_a_request_of_a_newer_version_is_a_store_error() -> None:
    with pytest.raises(StoreError):
        requests.decode(b'\x01{"request": "Teleport", "tenant": "t"}')
    assert isinstance(requests.decode(requests.encode(requests.Deliver("t", 1, Cancel("x")))), requests.Deliver)
