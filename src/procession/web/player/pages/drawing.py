"""From what is shown to what is written: one function a shape of component, found by the type in `SHAPES`.

What must not live here: HTML, which is the templates'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Final, cast, final

from procession.base.values import Json
from procession.feel import string
from procession.forms.extensions import CODE_DIGITS, size_of
from procession.forms.formats import is_image
from procession.forms.languages import message, shown
from procession.forms.verdict import Fault, same
from procession.forms.view import Item, View
from procession.web.player.pages.drawn import Choice, Drawn, Link, Row
from procession.web.player.pages.markdown import markdown
from procession.web.player.pages.sanitising import safe_url, sanitised
from procession.web.player.pages.values import (
    ADD,
    REMOVE,
    field_name,
    file_id,
    file_label,
    file_scan,
    files_of,
    moment_shown,
    number_shown,
    option_text,
    text_shown,
)
from procession.web.player.pages.wording import currency_sign, label_of, money_text, say, size_text

TABLE_ROWS_MAX: Final = 500
"""Most rows of a table that are written."""
BOXES_MAX: Final = 12
"""Up to so many options a tag list is boxes; beyond, a list in which several are chosen."""

_AUTOCOMPLETE: Final[dict[str, str]] = {
    "name": "name", "fullname": "name", "givenname": "given-name", "firstname": "given-name",
    "familyname": "family-name", "lastname": "family-name",
    "surname": "family-name", "email": "email", "mail": "email", "phone": "tel",
    "tel": "tel", "mobile": "tel", "organization": "organization", "company": "organization", "birthdate": "bday",
    "dateofbirth": "bday", "birthday": "bday", "postcode": "postal-code", "postalcode": "postal-code",
    "zip": "postal-code", "city": "address-level2", "town": "address-level2", "state": "address-level1",
    "region": "address-level1", "street": "street-address", "line1": "address-line1", "line2": "address-line2",
    "line3": "address-line3", "country": "country",
}  # fmt: skip
"""The last name of a key, without signs -> what a browser may fill in, by WCAG 1.3.5."""
_KIND_ATTRIBUTES: Final[dict[str, dict[str, str]]] = {
    "phone": {"type": "tel", "autocomplete": "tel", "dir": "ltr"},
    "email": {"type": "email", "autocomplete": "email", "dir": "ltr"},
    "iban": {"autocapitalize": "characters", "spellcheck": "false", "autocomplete": "off", "dir": "ltr"},
    "one-time-code": {"inputmode": "numeric", "autocomplete": "one-time-code", "dir": "ltr"},
    "signature": {"autocomplete": "name", "spellcheck": "false"},
    "payment": {"autocomplete": "off", "spellcheck": "false", "dir": "ltr"},
}
_NOT_TYPED: Final = frozenset({"checkbox", "radio", "select", "checklist", "taglist", "filepicker"})
"""Fields that HTML cannot make read only: they are disabled then, and send nothing."""
_SANDBOX: Final = (
    ("allowScripts", "allow-scripts"),
    ("allowForms", "allow-forms"),
    ("allowModals", "allow-modals"),
    ("allowPopups", "allow-popups"),
    # The page around it goes elsewhere only when somebody clicked.
    ("allowTopNavigation", "allow-top-navigation-by-user-activation"),
)


@final
class Drawer:
    """One page on its way. `anchors` tells afterwards which element a path became, for the links of the summary."""

    __slots__ = (
        "_faults",
        "_language",
        "_primary",
        "_rows",
        "_rtl",
        "_used",
        "_zone",
        "anchors",
        "labels",
        "own_submit",
    )

    def __init__(self, view: View, faults: list[Fault], primary: str) -> None:
        self._language = view.language
        self._zone = view.zone
        self._rtl = view.direction == "rtl"
        self._primary = primary
        self._faults: dict[str, list[str]] = {}
        for fault in faults:
            self._faults.setdefault(fault.path, []).append(fault.message)
        self._used: set[str] = set()
        self._rows = 0
        self.anchors: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.own_submit = False

    def lines(self, items: list[Item]) -> list[list[Drawn]]:
        """The components, those of one row of the layout together."""
        lines: list[list[Drawn]] = []
        last: Json = None
        for item in items:
            if not item.visible:
                continue
            drawn = self.SHAPES[item.type](self, item)
            if drawn is None:
                continue
            layout = item.drawn.get("layout")
            row = layout.get("row") if isinstance(layout, dict) else None
            if row and row == last:
                lines[-1].append(drawn)
            else:
                lines.append([drawn])
            last = row
        return lines

    def say(self, name: str, **params: Json) -> str:
        """A text of the player."""
        return say(name, self._language, **params)

    def _field(self, item: Item, shape: str, label: str = "", **more: object) -> Drawn:
        """A field with its label, hints, faults, and the attributes that every field has."""
        id = self._id(f"f-{item.path}")
        label = label or label_of(item)
        self.anchors.setdefault(item.path, id)
        self.labels.setdefault(item.path, label)
        errors = self._faults.get(item.path, [])
        hints = [*([item.texts["description"]] if item.texts.get("description") else []), *self._hints(item)]
        attributes = {"id": id, "name": field_name(item.path)}
        described = [f"{id}-{part}" for part, there in (("hint", hints), ("error", errors)) if there]
        if described:
            attributes["aria-describedby"] = " ".join(described)
        if errors:
            attributes["aria-invalid"] = "true"
        if item.required:
            attributes["aria-required"] = "true"
        if item.disabled or (item.readonly and item.type in _NOT_TYPED):
            attributes["disabled"] = ""
        elif item.readonly:
            attributes["readonly"] = ""
        attributes |= cast("dict[str, str]", more.pop("attributes", {}))
        return Drawn(
            shape=shape,
            type=item.type,
            kind=item.kind,
            path=item.path,
            id=id,
            name=field_name(item.path),
            label=label,
            optional=not (item.required or item.disabled or item.readonly or item.type == "checkbox"),
            hints=hints,
            help=item.texts.get("help", ""),
            errors=errors,
            attributes=attributes,
            before=item.texts.get("prefixAdorner", ""),
            columns=_columns(item),
            **{"after": item.texts.get("suffixAdorner", ""), **more},  # type: ignore[arg-type]
        )

    def _plain(self, item: Item, shape: str, **more: object) -> Drawn:
        """What has no value."""
        return Drawn(
            shape=shape,
            type=item.type,
            kind=item.kind,
            path=item.path,
            id=self._id(f"c-{item.path or item.id}"),
            help=item.texts.get("help", ""),
            columns=_columns(item),
            **{"label": item.texts.get("label", ""), **more},  # type: ignore[arg-type]
        )

    def _id(self, wanted: str) -> str:
        """The id, with a number after it where two components want the same."""
        id, number = wanted, 1
        while id in self._used:
            number += 1
            id = f"{wanted}-{number}"
        self._used.add(id)
        return id

    def _hints(self, item: Item) -> list[str]:
        found: list[str] = []
        mask = item.extensions.get("mask")
        if isinstance(mask, str) and mask:
            found.append(self.say("mask", mask=mask))
        if item.kind == "signature":
            found.append(self.say("sign"))
        if item.kind == "payment" and item.limits.get("amount") is not None:
            currency = item.extensions.get("currency")
            amount = money_text(item.limits["amount"], currency if isinstance(currency, str) else "", self._language)
            found.append(self.say("amount", amount=amount))
        if item.type == "filepicker":
            found += self._file_hints(item)
        return found

    def _file_hints(self, item: Item) -> list[str]:
        most, largest = item.extensions.get("maxFiles"), size_of(item.extensions.get("maxSize"))
        accept = item.limits.get("accept")
        found = [self.say("max_files", n=most)] if isinstance(most, int) else []
        if largest is not None:
            found.append(self.say("max_size", size=size_text(largest, self._language)))
        if isinstance(accept, str) and accept:
            found.append(self.say("types", types=", ".join(each.strip() for each in accept.split(","))))
        return found

    def _autocomplete(self, item: Item) -> dict[str, str]:
        """What a browser may fill in; not in rows, which are of several people."""
        key = "".join(sign for sign in item.path.rpartition(".")[2].lower() if sign.isalnum())
        known = _AUTOCOMPLETE.get(key)
        return {"autocomplete": known} if known and not self._rows else {}

    def _input(self, item: Item) -> Drawn:
        kind = item.kind or str(item.limits.get("format") or "")
        attributes = {"type": "text", **self._autocomplete(item), **_KIND_ATTRIBUTES.get(kind, {})}
        if item.kind == "one-time-code":
            digits = item.extensions.get("digits")
            attributes["maxlength"] = str(digits if isinstance(digits, int) else CODE_DIGITS)
        value = item.value if isinstance(item.value, str) else ""
        drawn = Link(self.say("signature"), value, image=True)
        links = [drawn] if item.kind == "signature" and is_image(value) else []
        return self._field(item, "input", attributes=self._turned(attributes), value=text_shown(item), links=links)

    def _turned(self, attributes: dict[str, str]) -> dict[str, str]:
        """In a page from right to left a text goes its own way."""
        return {"dir": "auto", **attributes} if self._rtl else attributes

    def _area(self, item: Item) -> Drawn:
        return self._field(item, "area", attributes=self._turned({"rows": "5"}), value=text_shown(item))

    def _number(self, item: Item) -> Drawn:
        attributes = {"type": "text", "inputmode": "decimal", "autocomplete": "off", "dir": "ltr"}
        if item.limits.get("decimalDigits") == 0:
            attributes["inputmode"] = "numeric"
        currency = item.extensions.get("currency")
        if item.kind == "currency" and isinstance(currency, str) and not item.texts.get("suffixAdorner"):
            sign = currency_sign(currency, self._language)
            return self._field(
                item, "input", attributes=attributes, value=number_shown(item.value, self._language), after=sign
            )
        return self._field(item, "input", attributes=attributes, value=number_shown(item.value, self._language))

    def _moment(self, item: Item) -> Drawn:
        subtype = str(item.limits.get("subtype") or "date")
        date, time = moment_shown(item.value, subtype, self._zone)
        date_label, time_label = (item.texts.get(name, "") for name in ("dateLabel", "timeLabel"))
        bounds = {"min": item.limits.get("minDate") or item.limits.get("today"), "max": item.limits.get("maxDate")}
        of_date = {"type": "date", **{name: each for name, each in bounds.items() if isinstance(each, str)}}
        minutes = item.limits.get("timeInterval")
        of_time = {"type": "time", "step": str(minutes * 60) if isinstance(minutes, int) and minutes > 0 else "60"}
        if subtype == "datetime":
            parts = [
                ("date", date_label or self.say("date"), of_date, date),
                ("time", time_label or self.say("time"), of_time, time),
            ]
            return self._field(item, "moment", extra={"parts": parts})
        only, value = (of_time, time) if subtype == "time" else (of_date, date)
        return self._field(item, "input", attributes={**self._autocomplete(item), **only}, value=value)

    def _checkbox(self, item: Item) -> Drawn:
        return self._field(item, "checkbox", attributes=_checked(item.value is True))

    def _choices(self, item: Item, chosen: list[Json]) -> list[Choice]:
        return [
            Choice(str(number), option_text(each.value), each.label, any(same(each.value, one) for one in chosen))
            for number, each in enumerate(item.options or [])
        ]

    def _chosen(self, item: Item, shape: str, chosen: list[Json]) -> Drawn:
        """A field of options; it says so where there are none to be had."""
        drawn = self._field(item, shape, choices=self._choices(item, chosen))
        if item.options is None:
            return self._plain(item, "notice", label=drawn.label, value=message("unavailable", self._language, {}))
        return drawn

    def _radio(self, item: Item) -> Drawn:
        return self._chosen(item, "radio", [] if item.value is None else [item.value])

    def _select(self, item: Item) -> Drawn:
        return self._chosen(item, "select", [] if item.value is None else [item.value])

    def _checklist(self, item: Item) -> Drawn:
        return self._chosen(item, "boxes", item.value if isinstance(item.value, list) else [])

    def _taglist(self, item: Item) -> Drawn:
        few = len(item.options or []) <= BOXES_MAX
        return self._chosen(item, "boxes" if few else "several", item.value if isinstance(item.value, list) else [])

    def _files(self, item: Item) -> Drawn:
        accept = item.limits.get("accept")
        attributes = {"type": "file", **({"accept": accept} if isinstance(accept, str) and accept else {})}
        most = item.extensions.get("maxFiles")
        if item.limits.get("multiple") is True or (isinstance(most, int) and most > 1):
            attributes["multiple"] = ""
        links = [Link(self._file_text(each), id=file_id(each)) for each in files_of(item)]
        return self._field(item, "files", attributes=attributes, links=links)

    def _file_text(self, value: Json) -> str:
        scan, name = file_scan(value), file_label(value)
        return self.say("file_infected" if scan == "infected" else "file_waiting", file=name) if scan else name

    def _nothing(self, item: Item) -> None:
        del item

    def _text(self, item: Item) -> Drawn:
        return self._plain(item, "markup", markup=markdown(item.texts.get("text", "")))

    def _html(self, item: Item) -> Drawn:
        return self._plain(item, "markup", markup=sanitised(item.texts.get("content", "")))

    def _image(self, item: Item) -> Drawn | None:
        url = safe_url(item.texts.get("source", ""), "src")
        return self._plain(item, "image", links=[Link(item.texts.get("alt", ""), url)]) if url else None

    def _button(self, item: Item) -> Drawn:
        resets = item.drawn.get("action") == "reset"
        self.own_submit = self.own_submit or not (resets or item.disabled)
        label = item.texts.get("label") or self.say("reset" if resets else self._primary)
        value = "" if resets else self._primary
        return self._plain(
            item, "button", label=label, value=value, attributes={"disabled": ""} if item.disabled else {}
        )

    def _spacer(self, item: Item) -> Drawn:
        return self._plain(item, "spacer", value=str(_height(item, "height", 60)))

    def _separator(self, item: Item) -> Drawn:
        return self._plain(item, "separator")

    def _iframe(self, item: Item) -> Drawn | None:
        url = safe_url(item.texts.get("url", ""), "src")
        if not url.startswith(("https://", "http://")):
            return None
        raw = item.drawn.get("security")
        security: Mapping[str, Json] = raw if isinstance(raw, dict) else {}
        sandbox = [word for name, word in _SANDBOX if security.get(name) is True]
        # With scripts and its own origin a page of our own address could leave the sandbox: only others get both.
        if security.get("allowSameOrigin") is True and url.startswith("https://"):
            sandbox.append("allow-same-origin")
        title = item.texts.get("label") or self.say("embedded")
        attributes = {
            "src": url,
            "sandbox": " ".join(sandbox),
            "height": str(_height(item, "height", 300)),
            "title": title,
        }
        return self._plain(item, "iframe", label=title, attributes=attributes)

    def _table(self, item: Item) -> Drawn:
        data = [each for each in item.data if isinstance(each, dict)] if isinstance(item.data, list) else []
        columns = [each for each in item.columns if isinstance(each, dict)] if isinstance(item.columns, list) else []
        if not columns and data:
            columns = [{"key": key, "label": key} for key in data[0]]
        keys = [str(each.get("key")) for each in columns]
        rows = [[_cell(row.get(key), self._language) for key in keys] for row in data[:TABLE_ROWS_MAX]]
        left = len(data) - len(rows)
        extra = {"heads": [str(each.get("label")) for each in columns], "rows": rows}
        label = item.texts.get("label") or self.say("table")
        return self._plain(
            item, "table", label=label, extra=extra, value=self.say("more_rows", n=left) if left > 0 else ""
        )

    def _preview(self, item: Item) -> Drawn:
        links = [_document(each) for each in item.data if isinstance(each, dict)] if isinstance(item.data, list) else []
        label = item.texts.get("title") or item.texts.get("label") or self.say("documents")
        height = str(_height(item, "maxHeight", 400))
        return self._plain(item, "documents", label=label, links=links, value=height)

    def _group(self, item: Item) -> Drawn:
        extra = {"outline": item.drawn.get("showOutline") is True}
        return self._plain(item, "group", lines=self.lines(item.children), extra=extra)

    def _list(self, item: Item) -> Drawn:
        label = item.texts.get("label") or self.say("entry")
        changes = item.limits.get("allowAddRemove") is True and item.limits.get("isRepeating") is True
        drawn = self._field(item, "list", label)
        self._rows += 1
        rows = [
            Row(
                self.say("row", label=label, n=number + 1),
                f"{REMOVE}{item.path}[{number}]" if changes else "",
                self.lines(row),
            )
            for number, row in enumerate(item.rows)
        ]
        self._rows -= 1
        return Drawn(
            shape="list", type=item.type, path=item.path, id=drawn.id, label=label, help=drawn.help, rows=rows,
            errors=drawn.errors, hints=drawn.hints, columns=drawn.columns, value=ADD + item.path if changes else "",
        )  # fmt: skip

    SHAPES: ClassVar[dict[str, Callable[[Drawer, Item], Drawn | None]]] = {
        "textfield": _input,
        "textarea": _area,
        "number": _number,
        "datetime": _moment,
        "checkbox": _checkbox,
        "radio": _radio,
        "select": _select,
        "checklist": _checklist,
        "taglist": _taglist,
        "filepicker": _files,
        "expression": _nothing,
        "text": _text,
        "html": _html,
        "image": _image,
        "button": _button,
        "spacer": _spacer,
        "separator": _separator,
        "iframe": _iframe,
        "table": _table,
        "documentPreview": _preview,
        "group": _group,
        "dynamiclist": _list,
    }
    """Type of component -> what becomes of it."""


def _checked(on: bool) -> dict[str, str]:
    return {"type": "checkbox", "value": "true", **({"checked": ""} if on else {})}


def _columns(item: Item) -> int:
    layout = item.drawn.get("layout")
    columns = layout.get("columns") if isinstance(layout, dict) else None
    return columns if isinstance(columns, int) and 1 <= columns <= 16 else 0


def _height(item: Item, name: str, otherwise: int) -> int:
    height = item.drawn.get(name)
    return min(height, 2_000) if isinstance(height, int) and height > 0 else otherwise


def _cell(value: Json, language: str) -> str:
    if isinstance(value, bool):
        return say("yes" if value else "no", language)
    return "" if value is None else shown(value, language) if not isinstance(value, dict | list) else string(value)


def _document(each: Mapping[str, Json]) -> Link:
    """A document as Camunda describes it, or one of ours."""
    raw = each.get("metadata")
    about: Mapping[str, Json] = raw if isinstance(raw, dict) else {}
    names = (about.get("fileName"), each.get("name"), each.get("documentId"), each.get("id"))
    name = next((text for text in names if isinstance(text, str) and text), "")
    url = next((text for text in (each.get("endpoint"), each.get("url")) if isinstance(text, str)), "")
    type = next((text for text in (about.get("contentType"), each.get("type")) if isinstance(text, str)), "")
    return Link(name, safe_url(url, "src"), image=type in {"image/png", "image/jpeg", "image/gif", "image/webp"})
