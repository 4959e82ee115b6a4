"""The value domain of process variables (JSON with exact decimals), its limits and its one codec seam.

Every value that is stored or sent passes `encode` and `decode`. Numbers are `int` or `decimal.Decimal`, never
`float`: money must not change by being written down. Encryption will sit here too (docs/design/0005).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from procession.base.failure import BadValue

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | Decimal | str | list[Json] | dict[str, Json] | None"
else:
    # Decoders see through an annotation at run time: a recursive alias would make each of them resolve its parts.
    Json = Any
"""A process variable's value. `float` is accepted from callers and becomes the Decimal of its repr."""

Variables: TypeAlias = dict[str, Json]

NESTING_MAX: Final = 200
"""Deepest nesting of lists and contexts. Deeper data would exhaust the stack of encoders in other places."""
VARIABLE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest encoded size of one variable, in bytes."""
DIGITS_MAX: Final = 4096
"""Most digits of one number; a longer one is a denial of service, not a quantity."""

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_INT_BOUND: Final = 10**DIGITS_MAX


def encode(value: Json) -> bytes:
    """The JSON text of a value, decimals written exactly. The value must have passed `checked`."""
    return _ENCODER.encode(value)


def decode(data: bytes | str) -> Json:
    """The value of a JSON text; fractions become Decimal. Raises `BadValue` for text that is not JSON."""
    try:
        return cast("Json", _DECODER.decode(data))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise BadValue(f"not JSON: {error}") from None


def checked(name: str, value: object) -> Json:
    """The value as `Json`, or `BadValue` that names the variable and the place inside it.

    Accepts bool, int, float, Decimal, str, None, lists, tuples and mappings with string keys, and what `built_in`
    turns into them; refuses sets and bytes, NaN and infinities, lone surrogates, nesting over `NESTING_MAX` and
    encodings over `VARIABLE_BYTES_MAX`.
    """
    kind = type(value)
    if (kind is int and -_SMALL < cast("int", value) < _SMALL) or value is None or kind is bool:
        return cast("Json", value)
    result = _plain(value, name, 0)
    try:
        size = len(_ENCODER.encode(result))
    except UnicodeEncodeError:
        raise BadValue(f"variable {name!r} holds a lone surrogate, which no UTF-8 text can carry") from None
    if size > VARIABLE_BYTES_MAX:
        raise BadValue(
            f"variable {name!r} is {size} bytes; the limit is {VARIABLE_BYTES_MAX}. Store a reference to it instead"
        )
    return result


def checked_all(variables: Mapping[str, object] | None) -> Variables:
    """`checked` for each variable of a mapping; a name must be a non-empty string."""
    if not isinstance(cast("object", variables), Mapping | None):
        kind = type(variables).__name__
        raise BadValue(f"variables must be a mapping of names to values, not of type {kind}")
    if not variables:
        return {}
    for name in cast("Mapping[object, object]", variables):
        if not isinstance(name, str) or not name:
            raise BadValue(f"a variable's name must be a non-empty string, not {name!r}")
    return {name: checked(name, value) for name, value in variables.items()}


def plain(name: str, value: object) -> Json:
    """`checked` without the limit of size."""
    return _plain(value, name, 0)


_SMALL: Final = 1 << 62
_NO_VALUES: Final = (set, frozenset, bytes, bytearray, memoryview)


def _plain(value: object, path: str, depth: int) -> Json:
    if depth > NESTING_MAX:
        raise BadValue(f"{path[:80]} is nested deeper than {NESTING_MAX}")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # An enum of texts is a text, and must not stay an enum in memory until it is loaded anew.
        return value if type(value) is str else str.__str__(value)
    if isinstance(value, int):
        if abs(value) >= _INT_BOUND:
            raise BadValue(f"{path} is a number of more than {DIGITS_MAX} digits")
        return int(value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadValue(f"{path} is {value}; JSON has no such number")
        if abs(value.adjusted()) > DIGITS_MAX or len(value.as_tuple().digits) > DIGITS_MAX:
            raise BadValue(f"{path} is a number of more than {DIGITS_MAX} digits")
        return value
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Mapping[object, object]", value), path, depth)
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [_plain(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items, 1)]
    return _plain(_built_in(value, path), path, depth)


def _built_in(value: object, path: str) -> object:
    """A Struct, dataclass, date, time, duration, UUID or enum as the mapping, text or number that stands for it.

    Workers get such a value back by naming its type. A set has no order that would be the same tomorrow, and bytes
    are no text, so both are refused.
    """
    kind = type(value).__name__
    if not isinstance(value, _NO_VALUES):
        try:
            return cast("object", msgspec.to_builtins(value, builtin_types=(Decimal,), str_keys=True))
        except RecursionError:
            raise BadValue(f"{path[:80]} is nested deeper than {NESTING_MAX}") from None
        except TypeError as error:
            if hasattr(value, "__dataclass_fields__") or isinstance(value, msgspec.Struct):
                raise BadValue(f"{path} ({kind}): {error}") from None
    raise BadValue(f"{path} is of type {kind}, which JSON cannot hold")


def _plain_mapping(value: Mapping[object, object], path: str, depth: int) -> Json:
    result: dict[str, Json] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise BadValue(f"{path} has the key {key!r}; keys of a context are strings")
        result[key] = _plain(item, f"{path}.{key}", depth + 1)
    return result
