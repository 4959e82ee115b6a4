"""Pages of the player for tests: forms with every component, what is shown of them, HTML as browsers read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

import tinyhtml5  # type: ignore[import-untyped] # it has no types

from procession.forms import Compiled, Setting, compile_form, read_form, view
from procession.forms.languages import direction
from procession.forms.verdict import Fault, judge
from procession.web.player.pages import answers, page_html
from procession.web.player.shown import Brand, Conflict, Language, Shown

EXTENSION: Final = "procession."
_DOT: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PNG: Final = f"data:image/png;base64,{_DOT}"
ZONE: Final = "Europe/Berlin"


def field(type: str, key: str, label: str = "", **more: Any) -> dict[str, Any]:
    """A component with a value; names with a `_` before them are extensions."""
    extensions = {EXTENSION + name[1:]: value for name, value in more.items() if name.startswith("_")}
    own = {name: value for name, value in more.items() if not name.startswith("_")}
    return {"type": type, "key": key, "label": label or key.title(), "properties": extensions, **own}


def options(*values: Any) -> list[dict[str, Any]]:
    return [{"label": f"Option {value}", "value": value} for value in values]


def fields() -> list[dict[str, Any]]:
    """Every component that has a value, and every kind."""
    required = {"required": True}
    return [
        field("textfield", "name", "Your name", description="As in it", validate=required, _help="All names."),
        field("textfield", "email", "E-mail", validate={"validationType": "email"}),
        field("textfield", "plate", "Number plate", _mask="AA-9999", layout={"row": "r", "columns": 8}),
        field("textfield", "fixed", "Policy", readonly=True, layout={"row": "r", "columns": 8}),
        field("textfield", "off", "Switched off", disabled=True),
        field("textarea", "story", "What happened?", appearance={"prefixAdorner": "In short"}),
        field("number", "amount", "Amount", appearance={"prefixAdorner": "about", "suffixAdorner": "km"}),
        field("number", "price", "Price", _kind="currency", _currency="EUR", validate={"min": 1}),
        field("datetime", "day", subtype="date", dateLabel="Day of the damage"),
        field("datetime", "hour", subtype="time", timeLabel="Hour", timeInterval=15),
        field("datetime", "moment", subtype="datetime", dateLabel="Date", timeLabel="Time", validate=required),
        field("checkbox", "insured", "I am insured"),
        field("checkbox", "agree", "I agree to the terms", _kind="consent"),
        field("radio", "colour", "Colour", values=options("red", 1, True), validate=required),
        field("select", "city", "City", values=options("Rome", "Bonn")),
        field("checklist", "parts", "Broken parts", values=options("door", "roof"), validate=required),
        field("taglist", "tags", "Tags", values=options("a", "b")),
        field("taglist", "many", "Many tags", values=options(*range(20))),
        field("filepicker", "photos", "Photos", accept="image/*,.pdf", multiple=True, _maxFiles=3, _maxSize="5 MB"),
        {
            "type": "group", "label": "Address", "path": "home", "showOutline": True,
            "properties": {"procession.kind": "address"},
            "components": [
                field("textfield", "street", "Street"), field("textfield", "postcode", "Postcode"),
                field("textfield", "city", "Town"), field("select", "country", "Country", values=options("DE", "IL")),
            ],
        },
        field("textfield", "phone", "Phone", _kind="phone"),
        field("textfield", "iban", "IBAN", _kind="iban", _sensitive=True),
        field("textfield", "sign", "Signature", _kind="signature", _sensitive=False),
        field("textfield", "code", "Code", _kind="one-time-code", _sensitive=True),
        field("textfield", "paid", "Payment", _kind="payment", _currency="EUR", _amount="=12.5", _sensitive=False),
        {
            "type": "dynamiclist", "label": "People", "path": "people", "isRepeating": True, "allowAddRemove": True,
            "defaultRepetitions": 1, "components": [
                field("textfield", "name", "Name"),
                field("number", "seat", "Seat"),
                field("checkbox", "hurt", "Was hurt"),
            ],
        },
    ]  # fmt: skip


def shows() -> list[dict[str, Any]]:
    """Every component that only shows something."""
    return [
        {"type": "text", "text": "# Heading\n\nSome **bold** text, [link](https://e.example), `code`.\n\n- one\n- two"},
        {"type": "html", "content": "<h3>Plan</h3><p>Some <em>words</em>.</p><table><tr><th>A</th></tr></table>"},
        {"type": "image", "source": PNG, "alt": "A dot"},
        {"type": "iframe", "label": "Map", "url": "http://127.0.0.1:9/", "height": 80, "security": {}},
        {"type": "spacer", "height": 20},
        {"type": "separator"},
        {
            "type": "table", "label": "Offers", "dataSource": "=offers",
            "columns": [{"label": "Name", "key": "name"}, {"label": "Price", "key": "price"}],
        },
        {"type": "documentPreview", "label": "Contracts", "dataSource": "=documents"},
        {"type": "expression", "key": "total", "expression": "=1 + 1", "computeOn": "change"},
        {"type": "group", "label": "", "components": [{"type": "text", "text": "Inside"}]},
        field("select", "far", "From afar", _optionsFrom="cities"),
        {"type": "button", "label": "Empty it", "action": "reset"},
    ]  # fmt: skip


DATA: Final[dict[str, Any]] = {
    "name": "Ann",
    "fixed": "P-1",
    "people": [{"name": "Bob"}],
    "photos": [{"id": "f1", "name": "car.png", "size": 10, "type": "image/png"}],
    "sign": PNG,
    "offers": [{"name": "A", "price": 1}, {"name": "B", "price": 2}],
    "documents": [{"documentId": "d", "endpoint": "/d.pdf", "metadata": {"fileName": "a.pdf"}}],
}


def compiled(*components: dict[str, Any], **properties: Any) -> Compiled:
    """A form of components, which must be one without errors."""
    given = {EXTENSION + name: value for name, value in properties.items()}
    raw = {"type": "default", "id": "f", "components": list(components), "properties": given}
    form, found = read_form(json.dumps(raw).encode())
    assert form is not None, found
    made, wrong = compile_form(form)
    assert wrong == []
    return made


def paged(*pages: tuple[str, list[dict[str, Any]]]) -> Compiled:
    """A form of pages, each with its label."""
    inner = [{"type": "page", "id": f"p{n}", "label": label, "components": all} for n, (label, all) in enumerate(pages)]
    return compiled({"type": "multipage", "components": inner})


def shown(form: Compiled, data: Mapping[str, Any], page: str = "", *, judged: bool = False, **more: Any) -> Shown:
    """What is shown of a page; with the faults of its answers if it is judged."""
    language = more.pop("language", "en")
    setting = Setting(language=language, zone=ZONE)
    seen = view(form, data, setting)
    at = seen.page(page) or seen.pages[0]
    faults = judge(seen, setting, at.id) if judged else []
    settled: dict[str, Any] = {
        "kind": "page",
        "language": language,
        "direction": direction(language),
        "title": seen.title or "Claim",
        "page": at.id,
        "view": seen,
        "faults": faults,
        "number": at.number,
        "of": seen.of,
        "first": at.number == 1,
        "last": at.number == seen.of,
        "urls": {"action": f"/play/-/j/t/{at.id or '-'}"},
        "csrf": "token",
    }
    return Shown(**{**settled, **more})


def kinds(language: str) -> Iterator[Shown]:
    """A page of each kind that is none of a form."""
    seen = view(compiled(*fields()), DATA, Setting(language=language, zone=ZONE))
    more: dict[str, Any] = {
        "language": language,
        "direction": direction(language),
        "urls": {"action": "/a", "restart": "/again", "events": "/events"},
        "csrf": "token",
        "brand": Brand(name="Insurance", logo=PNG),
        "languages": [Language("en", "English", "?lang=en"), Language("he", "עברית", "?lang=he")],
    }
    said = answers(seen, lambda page, path: f"/back#{path}")
    yield Shown(kind="check", title="Claim", answers=said, view=seen, faults=judge(seen), **more)
    yield Shown(kind="code", faults=[Fault("code", "code", "This code is not right.")], **more)
    yield Shown(kind="problem", text="expired", **more)
    yield Shown(kind="begin", title="Claim", **more)
    stops = {"until": "2026-12-24", "ways": "email sms", "contact": "", "to": ""}
    yield Shown(kind="later", params=stops, faults=[Fault("email", "later", "This is no address.")], **more)
    yield Shown(kind="later", text="later_sent", params={**stops, "contact": "a…@example.com", "to": "…17"}, **more)
    yield from (Shown(kind=kind, **more) for kind in ("open", "code", "wait", "end"))


def everything(language: str = "en", **more: Any) -> Iterator[Shown]:
    """Pages with every component between them: judged, not judged, with conflicts."""
    form = paged(("Fields", fields()), ("Shows", shows()))
    around: dict[str, Any] = {
        "brand": Brand(name="Insurance"),
        "languages": [Language("en", "English", "?lang=en"), Language("he", "עברית", "?lang=he")],
        **more,
    }
    conflicts = [Conflict("name", "Eve", "Ann")]
    yield shown(form, DATA, "p0", language=language, judged=True, conflicts=conflicts, **around)
    yield shown(form, DATA, "p1", language=language, saved=True, **around)


def html(page: Shown) -> Element:
    """The tree of a page, as browsers read it."""
    return parsed(page_html(page))


def parsed(text: str) -> Element:
    found = tinyhtml5.parse(text, namespace_html_elements=False)
    assert isinstance(found, Element)
    return found


def posted(tree: Element, **changes: Any) -> dict[str, list[str]]:
    """What a browser sends of the form of a page, nothing having been touched; `changes` come after, by name."""
    body: dict[str, list[str]] = {}

    def send(name: str | None, value: str) -> None:
        if name:
            # Browsers send line ends so, wherever they came from.
            body.setdefault(name, []).append(value.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n"))

    for each in tree.iter():
        name = each.get("name")
        if each.get("disabled") is not None:
            continue
        if each.tag == "input" and each.get("type") not in {"file", "submit"}:
            if each.get("type") not in {"checkbox", "radio"} or each.get("checked") is not None:
                send(name, each.get("value") or "")
        elif each.tag == "textarea":
            send(name, each.text or "")
        elif each.tag == "select":
            chosen = [one for one in each.iter("option") if one.get("selected") is not None]
            if not chosen and each.get("multiple") is None:
                chosen = list(each.iter("option"))[:1]
            for one in chosen:
                send(name, one.get("value") or "")
    return body | {name: value if isinstance(value, list) else [value] for name, value in changes.items()}


def text_of(element: Element) -> str:
    return "".join(element.itertext())


def by_id(tree: Element) -> dict[str, Element]:
    """The elements with an id, each of which must be there once."""
    found: dict[str, Element] = {}
    for each in tree.iter():
        id = each.get("id")
        if id is not None:
            assert id not in found, id
            found[id] = each
    return found
