"""Fields and what is posted of them: the names of fields, the texts that values have in them, and the values of texts.

`form_values` is the inverse of what the templates write. What must not live here: whether a value is right, which
is for `forms.verdict`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, cast

from procession.base.failure import BadValue
from procession.base.values import Json, Variables, decode, encode
from procession.feel.numbers import number_text
from procession.feel.temporal import DateTime, at_instant, instant_ns, offset_of
from procession.forms.coercion import date_in, moment_in, number_in, time_in
from procession.forms.components import COMPONENTS
from procession.forms.formats import is_image
from procession.forms.languages import BUILT_IN, locale_of
from procession.forms.scope import copied, path_of, put_at, value_at
from procession.forms.settling import ROWS_MAX
from procession.forms.verdict import files_max
from procession.forms.view import Item, Page

PREFIX: Final = "f:"
"""Before the path of a field in its name, so that no key of a form is taken for `action` or `csrf`."""
IS: Final = "is"
"""The part that tells of boxes that they were on the page: a box that is not ticked sends nothing."""
DROP: Final = "drop"
"""The part that names files which are to be taken away."""
LANGUAGE: Final = "lang"
"""The field with the language of the page: numbers were typed in it."""
ADD: Final = "add:"
REMOVE: Final = "remove:"
"""Actions of the buttons of dynamic lists; the path of the list, or of the row, follows."""
_ABSENT: Final = object()
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SPACES: Final = re.compile(r"[\s\u00a0\u202f'\u2019\u200e\u200f\u061c]")

Body = Mapping[str, "list[str]"]
"""What was posted: the values of each name, in order."""


def field_name(path: str, part: str = "") -> str:
    """The name of a field, or of one part of it."""
    return f"{PREFIX}{path}:{part}" if part else PREFIX + path


def option_text(value: Json) -> str:
    """The value of an option as an attribute: a text as it is, anything else as `=` and its JSON."""
    if isinstance(value, str) and value and not value.startswith("=") and _CONTROL.search(value) is None:
        return value
    return "=" + encode(value).decode()


def option_value(text: str) -> Json:
    """The inverse of `option_text`; the text itself for what is no JSON."""
    if not text.startswith("="):
        return text or None
    try:
        return decode(text[1:])
    except BadValue:
        return text


def number_shown(value: Json, language: str) -> str:
    """A number as it is typed in a language, without separators of groups; what is none as it is."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        text = value
    else:
        number = value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
        if number is None:
            return value if isinstance(value, str) else ""
        text = number_text(number)
    return text.replace(".", _signs(language)[0])


def number_typed(text: str, language: str) -> Json:
    """The number that somebody typed: `1.234,5` in German, `1,234.5` in English, digits of any script. Null for none,
    the text itself for what is no number: the verdict says so then."""
    decimal, group, spaced = _signs(language)
    kept = _SPACES.sub("", "".join(_digit(sign) for sign in text))
    if not kept:
        return None
    head, point, tail = kept.partition(decimal)
    if group in head:
        first, *groups = head.split(group)
        lone = len(groups) == 1 and not point
        if all(len(each) == 3 for each in groups) and 0 < len(first.lstrip("+-")) <= 3 and not (spaced and lone):
            head = "".join([first, *groups])
        elif lone:
            # Nobody separates thousands so: it is the sign of another language, or of a keypad.
            head = f"{first}.{groups[0]}"
    number = number_in(f"{head}.{tail}" if point else head)
    return text.strip() if number is None else number


def _signs(language: str) -> tuple[str, str, bool]:
    """The signs of a language before decimals and between thousands, and whether the latter is really a space or the
    like: then the sign that is given is one that people take from other languages."""
    locale = locale_of(language)
    if locale is None:
        return ".", ",", False
    from babel.numbers import get_decimal_symbol, get_group_symbol

    decimal, group = get_decimal_symbol(locale), get_group_symbol(locale)
    spaced = group not in {".", ","}
    return decimal, ("," if decimal == "." else ".") if spaced else group, spaced


def _digit(sign: str) -> str:
    if sign.isascii():
        return sign
    digit = unicodedata.decimal(sign, None)
    return str(digit) if digit is not None else {"٫": ".", "٬": "", "−": "-"}.get(sign, sign)


def moment_shown(value: Json, subtype: str, zone: str) -> tuple[str, str]:
    """The date and the time of a value as the fields of a browser want them; "" for what is none."""
    if not isinstance(value, str):
        return "", ""
    if subtype == "date":
        return (value if date_in(value) is not None and "T" not in value else ""), ""
    if subtype == "time":
        return "", _clock(value)
    moment = moment_in(value)
    if moment is None:
        date, _, time = value.partition("T")
        return (date if date_in(date) is not None else ""), _clock(time)
    if offset_of(moment) is not None:
        moment = at_instant(instant_ns(moment), zone) or moment
        return _local(moment)
    date, _, time = value.partition("T")
    return date, _clock(time)


def _local(moment: DateTime) -> tuple[str, str]:
    seconds = moment.time.ns // 10**9
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
    return f"{moment.date.year:04d}-{moment.date.month:02d}-{moment.date.day:02d}", clock


def _clock(text: str) -> str:
    """Hours and minutes, and seconds where there are any, without a zone."""
    if time_in(text) is None:
        return ""
    found = re.match(r"\d\d:\d\d(:\d\d)?", text)
    return found[0].removesuffix(":00") if found is not None and len(found[0]) > 5 else found[0] if found else ""


def text_shown(item: Item) -> str:
    """What stands in the field of a text: nothing for a signature that was drawn, which is shown beside it."""
    value = item.value if isinstance(item.value, str) else ""
    if item.kind == "signature" and is_image(value):
        return ""
    # A field of one line has no others; browsers drop them.
    return value if item.type == "textarea" else value.replace("\r", "").replace("\n", "")


def form_values(page: Page, body: Body) -> dict[str, Json]:
    """The values of a page's fields that were posted, by path. What was not on the page, is disabled or read only, is
    left out. A row that is added or taken away gives the whole list, at its path."""
    language = _language(body)
    found: dict[str, Json] = {}
    for item in page.walk():
        reader = _READERS.get(COMPONENTS[item.type].value)
        if reader is None or not item.path or not item.visible or item.readonly or item.disabled:
            continue
        value = reader(item, body, language)
        if value is not _ABSENT:
            found[item.path] = cast("Json", value)
    action = _last(body, "action") or ""
    for item in page.walk():
        if action.startswith((ADD, REMOVE)) and item.type == "dynamiclist" and item.visible:
            _change_rows(item, action, found)
    return found


def _change_rows(item: Item, action: str, found: dict[str, Json]) -> None:
    """Adds a row to a list, or takes one away; what was typed in its rows becomes part of it."""
    if not item.limits.get("allowAddRemove") or not item.limits.get("isRepeating"):
        return
    removed = next((n for n in range(len(item.rows)) if action == f"{REMOVE}{item.path}[{n}]"), None)
    if removed is None and action != ADD + item.path:
        return
    path = path_of(item.path)
    data: Variables = {}
    put_at(data, path, copied(item.value) if isinstance(item.value, list) else [])
    inside = [each for each in found if each.startswith(f"{item.path}[")]
    for each in inside:
        put_at(data, path_of(each), found.pop(each))
    rows = cast("list[Json]", value_at(data, path))
    rows += [{} for _ in range(len(item.rows) - len(rows))]
    if removed is not None:
        rows.pop(removed)
    elif len(rows) < ROWS_MAX:
        rows.append({})
    found[item.path] = rows


def _language(body: Body) -> str:
    given = _last(body, LANGUAGE) or BUILT_IN[0]
    return given if locale_of(given[:35]) is not None else BUILT_IN[0]


def _last(body: Body, name: str) -> str | None:
    values = body.get(name)
    return values[-1] if values else None


def _text(item: Item, body: Body, language: str) -> object:
    del language
    text = _last(body, field_name(item.path))
    if text is None:
        return _ABSENT
    text = text.replace("\r\n", "\n")
    return item.value if text == text_shown(item).replace("\r\n", "\n") else text


def _number(item: Item, body: Body, language: str) -> object:
    text = _last(body, field_name(item.path))
    if text is None:
        return _ABSENT
    # What was not touched stays as it is: `1.50` is not made 1.5.
    return item.value if text == number_shown(item.value, language) else number_typed(text, language)


def _boolean(item: Item, body: Body, language: str) -> object:
    del language
    name = field_name(item.path)
    if name in body:
        return True
    return False if field_name(item.path, IS) in body else _ABSENT


def _moment(item: Item, body: Body, language: str) -> object:
    del language
    if item.limits.get("subtype") != "datetime":
        text = _last(body, field_name(item.path))
        return _ABSENT if text is None else text.strip() or None
    date, time = (_last(body, field_name(item.path, part)) for part in ("date", "time"))
    if date is None and time is None:
        return _ABSENT
    date, time = (date or "").strip(), (time or "").strip()
    # Half an answer is kept, and refused when it is judged.
    return f"{date}T{time}" if date or time else None


def _choice(item: Item, body: Body, language: str) -> object:
    del language
    text = _last(body, field_name(item.path))
    if text is None:
        return item.value if field_name(item.path, IS) in body else _ABSENT
    return option_value(text)


def _choices(item: Item, body: Body, language: str) -> object:
    del language
    texts = body.get(field_name(item.path))
    if texts is None and field_name(item.path, IS) not in body:
        return _ABSENT
    if not texts:
        return None if item.value is None else []
    return [option_value(each) for each in texts]


def _files(item: Item, body: Body, language: str) -> object:
    """What was there and is not taken away, and what came now: in the place of it where a field has one file."""
    del language
    dropped = body.get(field_name(item.path, DROP)) or []
    came = [file for text in body.get(field_name(item.path)) or [] if (file := _file_in(text)) is not None]
    if not dropped and not came:
        return _ABSENT
    kept = [each for each in files_of(item) if file_id(each) not in dropped]
    return came[-1:] if came and files_max(item) == 1 else kept + came


def _file_in(text: str) -> Json:
    """A file as `Receiving` tells of it; None for what is none."""
    try:
        found = decode(text) if text.startswith("{") else None
    except BadValue:
        return None
    return found if file_id(found) else None


def files_of(item: Item) -> list[Json]:
    """The files that a field has."""
    value = item.value
    return value if isinstance(value, list) else [] if value is None else [value]


def file_id(value: Json) -> str:
    """The id of a file."""
    id = value.get("id") if isinstance(value, dict) else value
    return id if isinstance(id, str) else ""


def file_scan(value: Json) -> str:
    """Why a file may not be used yet, or at all; "" where it may."""
    scan = value.get("scan") if isinstance(value, dict) else None
    return scan if isinstance(scan, str) else ""


def file_label(value: Json) -> str:
    """The name of a file, or its id where nobody said it."""
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else file_id(value)


_READERS: Final[dict[str, Callable[[Item, Body, str], object]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "moment": _moment,
    "choice": _choice,
    "choices": _choices,
    "files": _files,
}
