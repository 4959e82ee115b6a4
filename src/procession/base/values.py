"""The value domain of process variables (JSON with exact decimals), its limits and its one codec seam.

Every value that is stored or sent passes `encode` and `decode`. Numbers are `int` or `decimal.Decimal`, never
`float`: money must not change by being written down. Encryption will sit here too (docs/design/0005).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
VARIABLES_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest encoded size of the variables of one call, in bytes."""
DIGITS_MAX: Final = 4096
"""Most digits of one number; a longer one is a denial of service, not a quantity."""
NAME_CHARACTERS_MAX: Final = 1_000
"""Longest name of a variable, in characters."""
TEXT_CHARACTERS_MAX: Final = 4_000
"""Longest key, name, id or reason that a caller may give, in characters: such texts stand in indexes."""
PLACE_CHARACTERS_MAX: Final = 80
"""Longest path into a value that a message shows."""
INTEGER_BITS_MAX: Final = 63
"""Largest key, number of retries or duration, in bits: what a store's integer holds."""

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
    """`checked_all` for one variable."""
    return _measured(name, value)[0]


def _measured(name: str, value: object) -> tuple[Json, int]:
    """The value as `Json`, or `BadValue` that names the variable and the place inside it.

    Accepts bool, int, float, Decimal, str, None, lists, tuples and mappings with string keys, and what `built_in`
    turns into them; refuses sets and bytes, NaN and infinities, lone surrogates, nesting over `NESTING_MAX` and
    encodings over `VARIABLE_BYTES_MAX`.
    """
    kind = type(value)
    if (kind is int and -_SMALL < cast("int", value) < _SMALL) or value is None or kind is bool:
        return cast("Json", value), 8
    try:
        result = _plain(value, 0, [VARIABLE_BYTES_MAX])
        size = len(_ENCODER.encode(result))
    except _Unfit as unfit:
        raise BadValue(unfit.told(name)) from None
    except UnicodeEncodeError:
        raise BadValue(f"variable {name!r} holds a lone surrogate, which no UTF-8 text can carry") from None
    except _TooLarge:
        raise BadValue(_TOO_LARGE.format(name)) from None
    if size > VARIABLE_BYTES_MAX:
        raise BadValue(_TOO_LARGE.format(name))
    return result, size


_TOO_LARGE: Final = (
    f"variable {{!r}} has more than {VARIABLE_BYTES_MAX} bytes, the limit: store a reference to it instead"
)


def checked_all(variables: Mapping[str, object] | None) -> Variables:
    """Every variable of a mapping as `Json`; a name must be a non-empty string, and all together have a limit."""
    if variables is None:
        return {}
    if not isinstance(cast("object", variables), Mapping):
        kind = type(variables).__name__
        raise BadValue(f"variables are a mapping of names to values, not a {kind}: give a dict")
    for name in cast("Mapping[object, object]", variables):
        if not isinstance(name, str) or not name:
            raise BadValue(f"a variable's name must be a non-empty string, not {name!r}")
        if not name.isascii() or len(name) > NAME_CHARACTERS_MAX:
            checked_text("name of a variable", name, NAME_CHARACTERS_MAX)
    found: Variables = {}
    total = 0
    for name, value in variables.items():
        found[str.__str__(name)], size = _measured(name, value)
        total += size + len(name)
    if total > VARIABLES_BYTES_MAX:
        raise BadValue(f"the variables are {total} bytes together; the limit is {VARIABLES_BYTES_MAX}")
    return found


def checked_text(what: str, value: object, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """A text that is no variable (a key, a name, a reason). Raises `BadValue` that says `what` it was."""
    if not isinstance(value, str):
        raise BadValue(f"the {what} must be a string, not {value!r:.80} ({type(value).__name__})")
    if len(value) > characters_max:
        raise BadValue(f"the {what} has {len(value)} characters; the limit is {characters_max}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValue(f"the {what} {value!a:.80} holds a lone surrogate, which no UTF-8 text can carry") from None
    return str.__str__(value)


def told(text: str) -> str:
    """What an error said, as a text that can be stored: cut to `TEXT_CHARACTERS_MAX`, lone surrogates escaped."""
    cut = text[:TEXT_CHARACTERS_MAX]
    return cut if cut.isascii() else cut.encode(errors="backslashreplace").decode()


def checked_integer(what: str, value: object) -> int:
    """A whole number that is no variable (a key, a limit). Raises `BadValue` that says `what` it was."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadValue(f"the {what} must be a whole number, not {value!r:.80}")
    if abs(value) >> INTEGER_BITS_MAX:
        raise BadValue(f"the {what} is a number of more than {INTEGER_BITS_MAX} bits")
    return value


class _TooLarge(Exception):
    """The value would be longer than a variable may be. Found before it is written out: lists may share a list."""


class _Unfit(Exception):
    """A part that no JSON holds. `path` grows on the way out, innermost step first: sound values never pay for it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.path: list[str] = []

    def told(self, name: str) -> str:
        """The place and what is wrong there."""
        place = name + "".join(reversed(self.path))
        return f"{place if len(place) <= PLACE_CHARACTERS_MAX else place[:PLACE_CHARACTERS_MAX] + '...'} {self}"


def plain(name: str, value: object) -> Json:
    """`checked` with the limit of all variables together instead of that of one."""
    try:
        return _plain(value, 0, [VARIABLES_BYTES_MAX])
    except _Unfit as unfit:
        raise BadValue(unfit.told(name)) from None
    except _TooLarge:
        raise BadValue(f"{name} has more than {VARIABLES_BYTES_MAX} bytes, the limit of all variables") from None


_SMALL: Final = 1 << 62
_NO_VALUES: Final = (set, frozenset, bytes, bytearray, memoryview)


def _plain(value: object, depth: int, room: list[int]) -> Json:
    """The value in plain types. `room` holds the bytes that are left, at least as many as its text will need."""
    if depth > NESTING_MAX:
        raise _Unfit(f"is nested deeper than {NESTING_MAX}")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _use(room, len(value))
        # An instance must hold what a restored one would hold: no subclass with ways of its own.
        return str.__str__(value)
    if isinstance(value, int):
        _use(room, value.bit_length() >> 2)
        if abs(value) >= _INT_BOUND:
            raise _Unfit(f"is a number of more than {DIGITS_MAX} digits")
        return int(value)
    if isinstance(value, float):
        value = Decimal(float.__repr__(value))
    if isinstance(value, Decimal):
        return _plain_decimal(value, room)
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Mapping[object, object]", value), depth, room)
    if isinstance(value, list | tuple):
        return _plain_list(cast("list[object]", value), depth, room)
    return _plain(_built_in(value), depth, room)


def copied(value: object) -> Any:
    """A copy of a value that somebody may change, while the one who gave it keeps it as it was."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [copied(item) for item in cast("list[object]", value)]
    return value


def _built_in(value: object) -> object:
    """A Struct, dataclass, date, time, duration, UUID or enum as the mapping, text or number that stands for it.

    Workers get such a value back by naming its type. A set has no order that would be the same tomorrow, and bytes
    are no text, so both are refused.
    """
    kind = type(value).__name__
    if not isinstance(value, _NO_VALUES):
        try:
            return cast("object", msgspec.to_builtins(value, builtin_types=(Decimal,), str_keys=True))
        except RecursionError:
            raise _Unfit(f"is nested deeper than {NESTING_MAX}") from None
        except TypeError as error:
            if hasattr(value, "__dataclass_fields__") or isinstance(value, msgspec.Struct):
                raise _Unfit(f"({kind}): {error}") from None
    raise _Unfit(f"is of type {kind}, which JSON cannot hold")


def _plain_decimal(value: Decimal, room: list[int]) -> Decimal:
    if not value.is_finite():
        raise _Unfit(f"is {value}; JSON has no such number")
    digits = len(value.as_tuple().digits)
    if abs(value.adjusted()) > DIGITS_MAX or digits > DIGITS_MAX:
        raise _Unfit(f"is a number of more than {DIGITS_MAX} digits")
    _use(room, digits)
    return value if type(value) is Decimal else Decimal(value)


def _plain_list(items: Sequence[object], depth: int, room: list[int]) -> Json:
    _use(room, len(items) * 2)
    result: list[Json] = []
    try:
        for item in items:
            result.append(_plain(item, depth + 1, room))
    except _Unfit as unfit:
        unfit.path.append(f"[{len(result) + 1}]")
        raise
    return result


def _plain_mapping(value: Mapping[object, object], depth: int, room: list[int]) -> Json:
    result: dict[str, Json] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _Unfit(f"has the key {key!r}; keys of a context are strings")
        _use(room, len(key) + 4)
        try:
            result[str.__str__(key)] = _plain(item, depth + 1, room)
        except _Unfit as unfit:
            unfit.path.append(f".{key}")
            raise
    return result


def _use(room: list[int], size: int) -> None:
    room[0] -= size
    if room[0] < 0:
        raise _TooLarge
