"""The verdict on answers: every limit of every visible field, and the rules between fields, with messages.

It reads the view alone, so that a browser which has the view gives the same verdict. What must not live here: what
happens to answers that are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias, final

import msgspec

from procession.base.values import Json
from procession.feel.numbers import number_of
from procession.feel.temporal import days_of, instant_ns, offset_of
from procession.forms import formats
from procession.forms.coercion import date_in, moment_in, number_in, time_in
from procession.forms.components import COMPONENTS
from procession.forms.extensions import CODE_DIGITS, SIGNATURE_BYTES, size_of
from procession.forms.languages import message
from procession.forms.patterns import compile_pattern
from procession.forms.settling import NOW, Attached, Setting
from procession.forms.view import Item, Page, RuleView, View

TEXT_MAX: Final = 100_000
"""Longest text of one answer, in characters, where its field has no smaller limit."""
CHOICES_MAX: Final = 1_000
"""Most choices or files of one answer."""


@final
class Fault(msgspec.Struct, frozen=True, gc=False):
    """Why an answer is refused: the path of the field ("" for the page), the rule, the message, and its parameters."""

    path: str
    rule: str
    message: str
    params: Mapping[str, Json] = {}


_Said: TypeAlias = "tuple[str, dict[str, Json]]"
"""The name of a rule, and the parameters of its message."""
_Check: TypeAlias = Callable[[Item, Setting], "Iterable[_Said]"]


def judge(view: View, setting: Setting = NOW, page: str | None = None) -> list[Fault]:
    """All that is wrong with the answers of one page, by its id, or of all visible pages. An empty list is a yes.

    The rules of the form itself are asked when all pages are.
    """
    pages = [each for each in view.pages if each.visible and page in (None, each.id)]
    found = [fault for each in pages for fault in _judged(each, view.language, setting)]
    if page is None:
        found += _broken(view.rules)
    # What stands on every page is judged once.
    return list({(fault.path, fault.rule, fault.message): fault for fault in found}.values())


def _judged(page: Page, language: str, setting: Setting) -> Iterator[Fault]:
    for item in page.walk():
        if item.visible:
            yield from _of_item(item, language, setting)
            yield from _broken(item.rules)
    yield from _broken(page.rules)


def _broken(rules: Iterable[RuleView]) -> list[Fault]:
    return [Fault(rule.at, rule.name, rule.message) for rule in rules if not rule.holds]


def _of_item(item: Item, language: str, setting: Setting) -> Iterator[Fault]:
    # What nobody may change is nobody's fault.
    if item.disabled or item.readonly:
        return
    for path, (rule, params) in _postcode(item) if item.kind == "address" else ():
        yield Fault(path, rule, message(rule, language, params), params)
    for rule, params in _said(item, setting):
        given = item.texts.get("patternErrorMessage") if rule == "pattern" else None
        yield Fault(item.path, rule, given or message(rule, language, params), params)


def _said(item: Item, setting: Setting) -> Iterator[_Said]:
    kind = COMPONENTS[item.type].value
    if not kind or item.type == "expression":
        return
    if is_empty(item.value) or (item.kind == "consent" and item.value is False):
        if item.required:
            yield ("consent" if item.kind == "consent" else "required"), {}
        if kind != "rows" or item.value is None:
            return
    elif kind == "boolean" and item.value is False and item.required:
        yield "required", {}
        return
    yield from _CHECKS[kind](item, setting)


def is_empty(value: Json) -> bool:
    """Whether a value counts as no answer."""
    return value is None or (isinstance(value, str | list) and not value)


def _text(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    value = item.value
    if not isinstance(value, str):
        yield "type", {}
        return
    yield from _length(item, value)
    pattern = item.limits.get("pattern")
    if isinstance(pattern, str) and not compile_pattern(pattern).matches(value):
        yield "pattern", {"pattern": pattern}
    format = item.limits.get("format")
    if format == "email" and not formats.is_email(value):
        yield "email", {}
    if format == "phone" and item.kind != "phone" and not formats.is_phone(value):
        yield "phone", {}
    mask = item.extensions.get("mask")
    if isinstance(mask, str) and not formats.fits_mask(value, mask):
        yield "mask", {"mask": mask}
    yield from _TEXT_KINDS.get(item.kind, _nothing)(item, value)


def _length(item: Item, value: str) -> Iterator[_Said]:
    low, high = number_in(item.limits.get("minLength")), number_in(item.limits.get("maxLength"))
    if low is not None and len(value) < low:
        yield "minLength", {"n": low}
    if high is not None and len(value) > high:
        yield "maxLength", {"n": high}
    if len(value) > TEXT_MAX and item.kind != "signature":
        yield "maxLength", {"n": TEXT_MAX}


def _nothing(item: Item, value: str) -> Iterator[_Said]:
    del item, value
    yield from ()


def _phone(item: Item, value: str) -> Iterator[_Said]:
    del item
    if not formats.is_phone(value):
        yield "phone", {}


def _iban(item: Item, value: str) -> Iterator[_Said]:
    del item
    if not formats.is_iban(value):
        yield "iban", {}


def _signature(item: Item, value: str) -> Iterator[_Said]:
    most = size_of(item.extensions.get("maxSize")) or SIGNATURE_BYTES
    if len(value) > most:
        yield "maxSize", {"n": most}
    elif (value.startswith("data:") and not formats.is_image(value)) or not value.strip():
        yield "signature", {}


def _code(item: Item, value: str) -> Iterator[_Said]:
    digits = item.extensions.get("digits")
    wanted = digits if isinstance(digits, int) else CODE_DIGITS
    if len(value) != wanted or not value.isdecimal() or not value.isascii():
        yield "one-time-code", {"n": wanted}


def _payment(item: Item, value: str) -> Iterator[_Said]:
    del item
    if formats.is_card_number(value):
        yield "payment", {}


_TEXT_KINDS: Final[dict[str, Callable[[Item, str], Iterator[_Said]]]] = {
    "phone": _phone,
    "iban": _iban,
    "signature": _signature,
    "one-time-code": _code,
    "payment": _payment,
}


def _number(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    number = number_in(item.value)
    if number is None:
        yield "type", {}
        return
    low, high = number_in(item.limits.get("min")), number_in(item.limits.get("max"))
    if low is not None and number < low:
        yield "min", {"min": low}
    if high is not None and number > high:
        yield "max", {"max": high}
    decimals = item.limits.get("decimalDigits")
    currency = item.extensions.get("currency")
    most = decimals if isinstance(decimals, int) else None
    if item.kind == "currency" and isinstance(currency, str) and most is None:
        most = formats.currency_decimals(currency)
    if most is not None and formats.decimals_of(number) > most:
        yield "decimals", {"n": most}
    step = number_in(item.limits.get("increment"))
    if step and step > 0 and (Decimal(number) - Decimal(low or 0)) % Decimal(step) != 0:
        yield "increment", {"step": step}


def _boolean(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    if not isinstance(item.value, bool):
        yield "type", {}


def _moment(item: Item, setting: Setting) -> Iterator[_Said]:
    value, subtype = item.value, item.limits.get("subtype")
    date = date_in(value)
    if subtype == "time":
        time = time_in(value)
        if time is None:
            yield "time", {}
        else:
            yield from _interval(item, time.ns)
        return
    moment = moment_in(value)
    if date is None or (subtype == "datetime" and moment is None) or (subtype == "date" and moment is not None):
        yield "date", {}
        return
    if moment is not None:
        yield from _interval(item, moment.time.ns)
    today = date_in(item.limits.get("today"))
    # A moment without an offset is passed by its day alone: nobody knows whose clock it is of.
    timed = moment is not None and offset_of(moment) is not None
    if today is not None and (
        days_of(date) < days_of(today) if moment is None or not timed else instant_ns(moment) < setting.now_ms * 10**6
    ):
        yield "passed", {}
    for name, sign in (("minDate", 1), ("maxDate", -1)):
        limit = date_in(item.limits.get(name))
        if limit is not None and days_of(date) * sign < days_of(limit) * sign:
            yield name, {"date": item.limits[name]}


def _interval(item: Item, ns: int) -> Iterator[_Said]:
    minutes = item.limits.get("timeInterval")
    if isinstance(minutes, int) and minutes > 0 and ns % (minutes * 60 * 10**9):
        yield "interval", {"n": minutes}


def _choice(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    if item.options is None:
        yield "unavailable", {}
    elif not any(same(item.value, option.value) for option in item.options):
        yield "option", {}


def _choices(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    if not isinstance(item.value, list):
        yield "type", {}
        return
    if item.options is None:
        yield "unavailable", {}
        return
    if len(item.value) > CHOICES_MAX:
        yield "type", {}
        return
    known = {_identity(option.value) for option in item.options}
    chosen = [_identity(each) for each in item.value]
    if not known.issuperset(chosen):
        yield "option", {}
    elif len(set(chosen)) < len(chosen):
        yield "duplicate", {}


def _files(item: Item, setting: Setting) -> Iterator[_Said]:
    value = item.value if isinstance(item.value, list) else [item.value]
    most = files_max(item)
    if len(value) > most:
        yield "maxFiles", {"n": most}
        return
    largest = size_of(item.extensions.get("maxSize"))
    accept = item.limits.get("accept")
    for each in value:
        file = _attached(each, setting)
        if file is None:
            yield "file", {}
            return
        if largest is not None and file.size > largest:
            yield "maxSize", {"n": largest, "name": file.name}
        if isinstance(accept, str) and not formats.accepted(accept, file.name, file.type):
            yield "accept", {"accept": accept, "name": file.name}
        if file.scan == "infected":
            yield "infected", {"name": file.name}
        elif file.scan and setting.scanned:
            yield "scanning", {"name": file.name}


def files_max(item: Item) -> int:
    """How many files a field takes."""
    most = item.extensions.get("maxFiles")
    many = item.limits.get("multiple") is True or isinstance(most, int)
    return min(most, CHOICES_MAX) if isinstance(most, int) else CHOICES_MAX if many else 1


def _attached(value: Json, setting: Setting) -> Attached | None:
    """What is known of a file: what the server has under its id, or what the value says where no server is asked."""
    id = value.get("id") if isinstance(value, dict) else value
    if not isinstance(id, str) or not id:
        return None
    if setting.files is not None:
        return setting.files.get(id)
    given: Mapping[str, Json] = value if isinstance(value, dict) else {}
    name, size, type = given.get("name", id), given.get("size", 0), given.get("type", "")
    if not isinstance(name, str) or not isinstance(type, str) or not isinstance(size, int) or size < 0:
        return None
    return Attached(name, size, type)


def _rows(item: Item, setting: Setting) -> Iterator[_Said]:
    del setting
    if not isinstance(item.value, list) or not all(isinstance(each, dict) for each in item.value):
        yield "type", {}


def _any(item: Item, setting: Setting) -> Iterator[_Said]:
    del item, setting
    yield from ()


_CHECKS: Final[dict[str, _Check]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "moment": _moment,
    "choice": _choice,
    "choices": _choices,
    "files": _files,
    "rows": _rows,
    "any": _any,
}


def _postcode(item: Item) -> Iterator[tuple[str, _Said]]:
    """An address whose parts `postcode` and `country` do not go together; the fault stands at the postcode."""
    parts = {each.path.rpartition(".")[2]: each for each in item.walk() if each.path and each.visible}
    code, country = parts.get("postcode"), parts.get("country")
    if code is None or country is None or not isinstance(country.value, str):
        return
    if isinstance(code.value, str) and code.value and not formats.is_postcode(code.value, country.value):
        yield code.path, ("postcode", {"country": country.value})


def same(a: Json, b: Json) -> bool:
    """Whether two values are equal as JSON: true is not 1, and 1.0 is 1."""
    return _identity(a) == _identity(b)


def _identity(value: Json) -> object:
    if isinstance(value, list):
        return ("list", tuple(_identity(each) for each in value))
    if isinstance(value, dict):
        return ("object", tuple(sorted((key, _identity(each)) for key, each in value.items())))
    number = number_of(value)
    return ("number", number) if number is not None else (type(value).__name__, value)
