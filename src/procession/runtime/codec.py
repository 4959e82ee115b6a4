"""The codec seam: every value, fact, event and snapshot that is stored or sent passes here (docs/design/0003).

The first byte is the number of the format, so that compression and encryption can come later without a migration.
What does not live here: SQL, and the meaning of what is encoded.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Final, TypeVar, cast

import msgspec

from procession.base.decoding import known
from procession.base.failure import Unreadable
from procession.base.values import Json, Variables
from procession.core.facts import AnyFact

PLAIN: Final = b"\x01"
"""JSON as it is; decimals are numbers written exactly."""

_T = TypeVar("_T")
_ENCODE: Final = msgspec.json.Encoder(decimal_format="number").encode
_FACTS: Final[msgspec.json.Decoder[list[AnyFact]]] = msgspec.json.Decoder(known(list[AnyFact]), float_hook=Decimal)
_VALUES: Final[msgspec.json.Decoder[object]] = msgspec.json.Decoder(float_hook=Decimal)


def encode_facts(facts: list[AnyFact]) -> bytes:
    """One step's facts as one blob."""
    return PLAIN + _ENCODE(facts)


def decode_facts(data: bytes) -> list[AnyFact]:
    """The facts of `encode_facts`. Raises `Unreadable` for another format or damaged bytes."""
    return read(_FACTS, data)


def encode_json(value: object) -> bytes:
    """A JSON value, or a struct of the project, as a blob."""
    return PLAIN + _ENCODE(value)


def decode_json(data: bytes) -> Json:
    """The value of `encode_json`."""
    return cast("Json", read(_VALUES, data))


def decode_variables(data: bytes) -> Variables:
    """Variables by name, of `encode_json`."""
    return cast("Variables", read(_VALUES, data))


def version_of(data: bytes) -> str:
    """What changes whenever a blob does, short enough for an ETag: equal blobs have it in common."""
    return hashlib.sha256(data).hexdigest()[:16]


def wrap(data: bytes) -> bytes:
    """Bytes that have an encoding of their own (programs, snapshots, resources) as a blob."""
    return PLAIN + data


def unwrap(data: bytes) -> bytes:
    """The bytes of `wrap`."""
    if data[:1] != PLAIN:
        raise Unreadable(_foreign(data))
    return data[1:]


def read(decoder: msgspec.json.Decoder[_T], data: bytes) -> _T:
    """What `decoder` makes of a blob. Raises `Unreadable` for another format or damaged bytes."""
    if data[:1] != PLAIN:
        raise Unreadable(_foreign(data))
    try:
        return decoder.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"the store holds a value that this version cannot read: {error}") from None


def _foreign(data: bytes) -> str:
    return f"the store holds a value of format {data[:1].hex() or 'nothing'}, which this version cannot read"
