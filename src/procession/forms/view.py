"""What is shown of a form for some data, in a language: pages, components, values, options, limits, and rules.

A renderer needs nothing else, and a browser may be given it as JSON. What is said about the values is in `verdict.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, cast, final

import msgspec

from procession.base.values import Json
from procession.feel import Runtime, string
from procession.forms.coercion import date_of_now
from procession.forms.compiled import Compiled, Node, Rule, Texts
from procession.forms.extensions import PREFIX
from procession.forms.languages import chain, direction
from procession.forms.scope import Path, Scope, lookup, path_text, value_at
from procession.forms.settling import NOW, Placed, Setting, Settled, evaluated, given, settle

OPTIONS_SHOWN_MAX: Final = 10_000
"""Most options of one field that come from data."""
_LIMITS: Final = ("minLength", "maxLength", "min", "max")
_SHOWN_AS: Final = (
    "subtype",
    "timeInterval",
    "use24h",
    "timeSerializingFormat",
    "increment",
    "decimalDigits",
    "action",
)
_DRAWN: Final = (
    "layout",
    "action",
    "height",
    "maxHeight",
    "rowCount",
    "showOutline",
    "verticalAlignment",
    "security",
    "searchable",
)


@final
class Option(msgspec.Struct, frozen=True, gc=False):
    """One option: its value, and its label in the language."""

    value: Json
    label: str


@final
class RuleView(msgspec.Struct, frozen=True, gc=False):
    """A cross-field rule at one place: whether it holds, and what is said at `at` if not."""

    name: str
    holds: bool
    at: str
    message: str


@final
class Item(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A component at one place. `path` is where its value stands, as text; `limits` are those that its value must keep,
    by name; `drawn` says how it looks, as its author wrote it. `options` is None where they are the server's and nobody
    gave them. What is not visible is named only.
    """

    id: str
    type: str
    place: str
    path: str = ""
    kind: str = ""
    visible: bool = True
    readonly: bool = False
    disabled: bool = False
    required: bool = False
    value: Json = None
    texts: Mapping[str, str] = {}
    options: list[Option] | None = None
    options_from: str = ""
    limits: Mapping[str, Json] = {}
    drawn: Mapping[str, Json] = {}
    extensions: Mapping[str, Json] = {}
    rules: list[RuleView] = []
    children: list[Item] = []
    rows: list[list[Item]] = []
    data: Json = None
    columns: Json = None

    def walk(self) -> Iterator[Item]:
        """The item and all inside it."""
        yield self
        for each in self.children:
            yield from each.walk()
        for row in self.rows:
            for each in row:
                yield from each.walk()


@final
class Page(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A page. `number` counts visible pages from 1; 0 for one that is hidden. `before` and `after` stand around it."""

    id: str
    visible: bool
    number: int
    texts: Mapping[str, str]
    items: list[Item]
    rules: list[RuleView]

    def walk(self) -> Iterator[Item]:
        """Every item of the page."""
        for each in self.items:
            yield from each.walk()


@final
class View(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A form as it is shown. `of` is how many pages are visible, `missing` which texts are in another language.
    `zone` is that of the times on it."""

    id: str
    language: str
    direction: str
    title: str
    show_submit: bool
    pages: list[Page]
    of: int
    rules: list[RuleView]
    missing: list[str]
    data: Mapping[str, Json]
    zone: str = "UTC"

    def page(self, id: str) -> Page | None:
        """A page by its id."""
        return next((page for page in self.pages if page.id == id), None)

    def beside(self, page: str, step: int) -> Page | None:
        """The next visible page, or with -1 the one before; None at the ends."""
        shown = [each for each in self.pages if each.visible]
        at = next((number for number, each in enumerate(shown) if each.id == page), None)
        return shown[at + step] if at is not None and 0 <= at + step < len(shown) else None


def view(compiled: Compiled, data: Mapping[str, Json], setting: Setting = NOW, *, final: bool = False) -> View:
    """What is shown for these data. Raises `BudgetExceeded` when that is more than a page bears."""
    rt = setting.runtime()
    return _Viewer(compiled, settle(compiled, data, rt, final=final), setting, rt).view()


@final
class _Viewer:
    """One view on its way."""

    __slots__ = ("_chain", "_compiled", "_data", "_missing", "_own", "_rt", "_setting", "_settled", "_translated")

    def __init__(self, compiled: Compiled, settled: Settled, setting: Setting, rt: Runtime) -> None:
        self._compiled = compiled
        self._settled = settled
        self._data = settled.data
        self._setting = setting
        self._rt = rt
        self._own = compiled.form.language
        self._chain = chain(setting.language, self._own)
        self._translated = self._own.split("-")[0] != self._chain[0].split("-")[0]
        self._missing: dict[str, None] = {}

    def view(self) -> View:
        compiled, root = self._compiled, Scope()
        pages = self._pages()
        texts = self._texts("form", compiled.texts, compiled.translations, root)
        return View(
            id=compiled.form.id,
            language=self._setting.language,
            direction=direction(self._setting.language),
            title=texts.get("title", ""),
            show_submit=compiled.show_submit,
            pages=pages,
            of=sum(page.visible for page in pages),
            rules=self._rules(compiled.rules, root),
            missing=list(self._missing),
            data=self._data,
            zone=self._setting.zone,
        )

    def _pages(self) -> list[Page]:
        """The pages; what stands at the root beside them is on each of them."""
        before: list[Item] = []
        after: list[Item] = []
        drawn: list[Placed] = []
        for placed in self._settled.placed:
            if placed.node.type == "multipage":
                drawn += placed.children
            else:
                (after if drawn else before).append(self._item(placed))
        if not drawn and not any(node.type == "multipage" for node in self._compiled.nodes):
            return [Page(id="", visible=True, number=1, texts={}, items=before, rules=[])]
        pages: list[Page] = []
        number = 0
        for placed in drawn:
            number += placed.visible
            node = placed.node
            inside = [self._item(each) for each in placed.children] if placed.visible else []
            pages.append(
                Page(
                    id=node.component.name,
                    visible=placed.visible,
                    number=number if placed.visible else 0,
                    texts=self._node_texts(node, placed.scope) if placed.visible else {},
                    items=[*before, *inside, *after] if placed.visible else [],
                    rules=self._rules(node.rules, placed.scope) if placed.visible else [],
                )
            )
        return pages

    def _item(self, placed: Placed) -> Item:
        node, component = placed.node, placed.node.component
        if not placed.visible:
            return Item(
                id=component.name, type=node.type, place=component.place, path=path_text(placed.path), visible=False
            )
        scope = placed.scope
        inner = Scope((*scope.path, *component.path), scope.rows)
        texts = self._node_texts(node, scope)
        options, source = self._options(node, scope, texts)
        return Item(
            id=component.name,
            type=node.type,
            place=component.place,
            path=path_text(placed.path),
            kind=node.kind,
            readonly=given(node.readonly, self._data, scope, self._rt) is True,
            disabled=given(node.disabled, self._data, scope, self._rt) is True,
            required=node.limits.required or node.kind == "consent",
            value=value_at(cast("Json", self._data), placed.path) if placed.path else None,
            texts=texts,
            options=options,
            options_from=source,
            limits=self._limits(node, scope) if placed.path else {},
            drawn={name: each for name in _DRAWN if (each := component.raw.get(name)) not in (None, "")},
            extensions={name: each for name, each in node.extensions.items() if name not in {"translations", "rules"}},
            rules=[] if placed.rows else self._rules(node.rules, inner),
            children=[self._item(each) for each in placed.children],
            rows=[self._row(node, placed, number) for number in range(len(placed.rows))],
            data=given(node.data, self._data, scope, self._rt),
            columns=self._columns(node, scope, texts),
        )

    def _row(self, node: Node, placed: Placed, number: int) -> list[Item]:
        """A row; the rules of a list hold for each row by itself, and stand at the row's first component."""
        items = [self._item(each) for each in placed.rows[number]]
        at: Path = (*placed.path, number)
        rules = self._rules(node.rules, Scope(at, (*placed.scope.rows, at)))
        return [msgspec.structs.replace(items[0], rules=[*items[0].rules, *rules]), *items[1:]] if items else items

    def _node_texts(self, node: Node, scope: Scope) -> dict[str, str]:
        return self._texts(node.component.name, node.texts, node.translations, scope)

    def _texts(self, owner: str, texts: Texts, translations: Mapping[str, Texts], scope: Scope) -> dict[str, str]:
        if not texts:
            return {}
        look = lookup(self._data, scope)
        found: dict[str, str] = {}
        for name, own in texts.items():
            chosen = own
            for language in self._chain:
                translated = translations.get(language, {}).get(name)
                if translated is not None or language == self._own:
                    chosen = translated or own
                    break
            if chosen is own and self._translated:
                self._missing[f"{owner}.{name}"] = None
            found[name] = chosen.render(look, self._rt)
        return found

    def _options(self, node: Node, scope: Scope, texts: Mapping[str, str]) -> tuple[list[Option] | None, str]:
        """The options with their labels; None where the server has to be asked, and it was not."""
        options = node.options
        if options is None:
            return None, ""
        found = [Option(each.value, texts.get(each.text) or _label(each.value)) for each in options.values]
        if options.key:
            found += _listed(value_at(cast("Json", self._data), (*scope.path, *options.key)))
            found = found or _listed(value_at(cast("Json", self._data), options.key))
        elif options.expression is not None:
            found += _listed(evaluated(options.expression, self._data, scope, self._rt))
        elif options.source:
            given = self._setting.sources.get(options.source)
            if given is None:
                return None, options.source
            found += _listed(list(given))
        return found, options.source

    def _limits(self, node: Node, scope: Scope) -> dict[str, Json]:
        limits, raw = node.limits, node.component.raw
        found: dict[str, Json] = {}
        for name, each in zip(_LIMITS, (limits.min_length, limits.max_length, limits.min, limits.max), strict=True):
            value = given(each, self._data, scope, self._rt)
            if value is not None:
                found[name] = value
        if limits.pattern is not None:
            found["pattern"] = limits.pattern.text
        if limits.format:
            found["format"] = limits.format
        for name in _SHOWN_AS:
            if raw.get(name) not in (None, ""):
                found[name] = raw[name]
        if node.component.flag("disallowPassedDates"):
            today = date_of_now(self._setting.now_ms, self._setting.zone)
            found["today"] = f"{today.year:04d}-{today.month:02d}-{today.day:02d}"
        for name, expression in (("minDate", node.min_date), ("maxDate", node.max_date), ("amount", node.amount)):
            if expression is not None:
                found[name] = evaluated(expression, self._data, scope, self._rt)
        accept = given(node.accept, self._data, scope, self._rt) if node.accept is not None else None
        accept = accept or node.extensions.get("accept")
        if accept:
            found["accept"] = accept
        if node.value == "files":
            found["multiple"] = given(node.multiple, self._data, scope, self._rt) is True
        if node.value == "rows":
            found["allowAddRemove"] = node.component.flag("allowAddRemove", True)
            found["isRepeating"] = node.component.flag("isRepeating", True)
        return found

    def _columns(self, node: Node, scope: Scope, texts: Mapping[str, str]) -> Json:
        if node.columns is None:
            return None
        columns = given(node.columns, self._data, scope, self._rt)
        rows = [each for each in columns if isinstance(each, dict)] if isinstance(columns, list) else []
        return [
            {
                "key": each.get("key"),
                "label": texts.get(f"columns.{each.get('key')}") or each.get("label") or each.get("key"),
            }
            for each in rows
        ]

    def _rules(self, rules: tuple[Rule, ...], scope: Scope) -> list[RuleView]:
        look = lookup(self._data, scope)
        return [
            RuleView(
                rule.name,
                rule.when.function(look, self._rt) is True,
                path_text((*scope.path, *rule.at)) if rule.at else "",
                self._texts(PREFIX + rule.name, rule.texts, rule.translations, scope).get("message", ""),
            )
            for rule in rules
        ]


def _listed(value: Json) -> list[Option]:
    """Options of data: a list of {label, value}, or of values."""
    if not isinstance(value, list):
        return []
    found: list[Option] = []
    for each in value[:OPTIONS_SHOWN_MAX]:
        if isinstance(each, dict) and "value" in each:
            label = each.get("label")
            found.append(Option(each["value"], label if isinstance(label, str) and label else _label(each["value"])))
        elif each is not None and not isinstance(each, dict | list):
            found.append(Option(each, _label(each)))
    return found


def _label(value: Json) -> str:
    return string(value)
