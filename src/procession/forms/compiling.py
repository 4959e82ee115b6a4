"""Compiling a form: each property that may be an expression, each text, each pattern, with findings for what is none.

What is wrong is reported, and left out of what is compiled; who deploys a form refuses it then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, final

from procession.base.diagnostics import Diagnostic
from procession.base.values import Json
from procession.feel import Expression
from procession.feel.errors import FeelSyntaxError
from procession.forms.compiled import Choice, Compiled, Given, Limits, Node, Options, Rule, Texts
from procession.forms.components import COMPONENTS, KEY, OBJECTS
from procession.forms.extensions import PREFIX, extensions_of
from procession.forms.findings import Findings
from procession.forms.patterns import Pattern, PatternError, compile_pattern
from procession.forms.schema import Component, Form
from procession.forms.templates import Template, compile_template, feel
from procession.parse.json_lines import pointer

LANGUAGES_MAX: Final = 64
"""Most languages that a form is translated to."""
RULES_MAX: Final = 200
"""Most cross-field rules of one form or page."""
_KEY: Final = re.compile(KEY)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TRANSLATED: Final = frozenset({"help", "title"})
"""Extensions that are texts for people."""


def compile_form(form: Form) -> tuple[Compiled, list[Diagnostic]]:
    """The compiled form, and what of it could not be compiled."""
    found = Findings(form.file, form.places)
    return _Compiler(form, found).compiled(), found.all()


@final
class _Compiler:
    """One form on its way."""

    __slots__ = ("_form", "_found", "_languages", "_table")

    def __init__(self, form: Form, found: Findings) -> None:
        self._form = form
        self._found = found
        self._languages: dict[str, None] = {form.language: None}
        self._table: dict[str, dict[str, dict[str, str]]] = {}
        """Translations of the root: component, language, name of the text."""

    def compiled(self) -> Compiled:
        extensions = self._form.extensions
        texts = self._texts(_extension_texts(extensions), pointer("", "properties"))
        own = self._split_root(extensions.get("translations"))
        nodes = tuple(self._node(each) for each in self._form.components)
        for name in self._table:
            place = "/properties/" + PREFIX + "translations"
            text = f"no component is called {name[:80]!r}, so its translations are nobody's"
            self._found.report("form-language", place, text, "name it by its id or key", "warning")
        rules = self._rules(extensions.get("rules"), "/properties")
        if len(self._languages) > LANGUAGES_MAX:
            text = f"the form has texts in {len(self._languages)} languages; the limit is {LANGUAGES_MAX}"
            self._found.report("form-size", "", text, "leave some out")
        return Compiled(self._form, nodes, rules, texts, own, tuple(self._languages))

    def _node(self, component: Component) -> Node:
        at, raw = component.place, component.raw
        extensions = extensions_of(raw)
        texts = self._texts(_component_texts(component, extensions), at)
        choices = COMPONENTS[component.type].value in {"choice", "choices"}
        columns = raw.get("columnsExpression") or raw.get("columns")
        return Node(
            component,
            tuple(self._node(each) for each in component.components),
            texts,
            self._translations(component, extensions, texts),
            extensions,
            hide=self._expression(component.inner("conditional").get("hide"), f"{at}/conditional/hide"),
            readonly=self._given(raw.get("readonly", False), f"{at}/readonly"),
            disabled=self._given(raw.get("disabled", False), f"{at}/disabled"),
            limits=self._limits(component),
            options=self._options(component, extensions) if choices else None,
            compute=self._expression(raw.get("expression"), f"{at}/expression"),
            amount=self._expression(extensions.get("amount"), f"{at}/properties/{PREFIX}amount"),
            data=self._source(raw.get("dataSource"), f"{at}/dataSource") if "dataSource" in raw else None,
            columns=self._given(columns, f"{at}/columnsExpression") if component.type == "table" else None,
            accept=self._given(raw.get("accept"), f"{at}/accept") if "accept" in raw else None,
            multiple=self._given(raw.get("multiple"), f"{at}/multiple") if "multiple" in raw else None,
            min_date=self._expression(extensions.get("minDate"), f"{at}/properties/{PREFIX}minDate"),
            max_date=self._expression(extensions.get("maxDate"), f"{at}/properties/{PREFIX}maxDate"),
            rules=self._rules(extensions.get("rules"), f"{at}/properties"),
        )

    def _expression(self, text: Json, at: str) -> Expression | None:
        if not isinstance(text, str) or not text.startswith("=") or not text[1:].strip():
            return None
        return self._feel(text[1:], at)

    def _feel(self, text: str, at: str) -> Expression | None:
        try:
            return feel(text)
        except FeelSyntaxError as error:
            self._found.report("form-feel", at, str(error), error.hint or "correct the expression")
            return None

    def _given(self, value: Json, at: str) -> Given:
        if isinstance(value, str) and value.startswith("="):
            return Given(None, self._feel(value[1:], at))
        return Given(value)

    def _source(self, value: Json, at: str) -> Given:
        """A data source: an expression, with or without `=`, that names what is shown."""
        text = value if isinstance(value, str) else ""
        return Given(None, self._feel(text.removeprefix("="), at) if text.strip() else None)

    def _limits(self, component: Component) -> Limits:
        raw, at = component.inner("validate"), f"{component.place}/validate"

        def limit(name: str) -> Given | None:
            return None if raw.get(name) in (None, "") else self._given(raw[name], f"{at}/{name}")

        format = raw.get("validationType")
        pattern = raw.get("pattern")
        return Limits(
            raw.get("required") is True,
            limit("minLength"),
            limit("maxLength"),
            limit("min"),
            limit("max"),
            # An editor leaves the pattern where another type of validation was chosen after it.
            self._pattern(pattern, f"{at}/pattern") if format in (None, "", "custom") else None,
            format if isinstance(format, str) and format != "custom" else "",
        )

    def _pattern(self, text: Json, at: str) -> Pattern | None:
        if not isinstance(text, str) or not text:
            return None
        try:
            return compile_pattern(text)
        except PatternError as error:
            self._found.report("form-pattern", at, f"the pattern is not matched here: {error}", "write it another way")
            return None

    def _options(self, component: Component, extensions: Mapping[str, Json]) -> Options:
        raw = component.raw
        values = raw.get("values")
        choices = [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
        source = extensions.get("optionsFrom")
        key = component.text("valuesKey")
        return Options(
            tuple(
                Choice(each.get("value"), _option_name("values", each, number)) for number, each in enumerate(choices)
            ),
            tuple(key.split(".")) if key else (),
            self._expression(raw.get("valuesExpression"), f"{component.place}/valuesExpression"),
            source if isinstance(source, str) else "",
        )

    def _texts(self, texts: Mapping[str, tuple[str, str]], at: str) -> Texts:
        """Templates by name, of texts by name with the JSON pointer of each below a place."""
        found: dict[str, Template] = {}
        for name, (text, below) in texts.items():
            try:
                found[name] = compile_template(text, feel)
            except FeelSyntaxError as error:
                self._found.report("form-feel", at + below, str(error), error.hint or "correct the text")
        return found

    def _translations(self, component: Component, extensions: Mapping[str, Json], texts: Texts) -> dict[str, Texts]:
        own = extensions.get("translations")
        merged: dict[str, dict[str, str]] = {}
        for name in {component.name: None, component.id: None, component.text("key"): None}:
            for language, given in self._table.pop(name, {}).items():
                merged.setdefault(language, {}).update(given)
        for language, here in own.items() if isinstance(own, dict) else ():
            entries = here if isinstance(here, dict) else {}
            merged.setdefault(language, {}).update({k: v for k, v in entries.items() if isinstance(v, str)})
        place = f"{component.place}/properties/{PREFIX}translations"
        return self._by_language(merged, texts, place)

    def _by_language(self, given: Mapping[str, Mapping[str, str]], texts: Texts, at: str) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        for language, translated in given.items():
            if _LANGUAGE.fullmatch(language) is None:
                text = f"{language[:40]!r} is no language; it is two letters, and perhaps a region, such as de or de-AT"
                self._found.report("form-language", at, text, "correct it")
                continue
            self._languages[language] = None
            for name in translated:
                if name not in texts:
                    text = f"{name[:80]!r} is translated to {language}, and is no text here"
                    self._found.report("form-language", at, text, "correct its name, or leave it out", "warning")
            found[language] = self._texts({name: (text, "") for name, text in translated.items() if name in texts}, at)
        return found

    def _split_root(self, given: Json) -> dict[str, Texts]:
        """The table of the root: names of components with a dot and the name of the text; those without are its own."""
        own: dict[str, dict[str, str]] = {}
        names = {alias for each in self._form.walk() for alias in (each.name, each.id, each.text("key")) if alias}
        for language, texts in given.items() if isinstance(given, dict) else ():
            for name, text in texts.items() if isinstance(texts, dict) else ():
                if not isinstance(text, str):
                    continue
                component, rest = _split_name(name, names)
                if component:
                    self._table.setdefault(component, {}).setdefault(language, {})[rest] = text
                else:
                    own.setdefault(language, {})[name] = text
        mine = self._texts(_extension_texts(self._form.extensions), "")
        return self._by_language(own, mine, f"/properties/{PREFIX}translations")

    def _rules(self, given: Json, at: str) -> tuple[Rule, ...]:
        place = f"{at}/{PREFIX}rules"
        rules: list[Rule] = []
        rows = given if isinstance(given, list) else []
        if len(rows) > RULES_MAX:
            text = f"{len(rows)} rules stand here; the limit is {RULES_MAX}"
            self._found.report("form-size", place, text, "put some of them to pages")
        for number, row in enumerate(rows[:RULES_MAX]):
            if isinstance(row, dict):
                rule = self._rule(row, f"{place}/{number}", number)
                if rule is not None:
                    rules.append(rule)
        return tuple(rules)

    def _rule(self, row: Mapping[str, Json], at: str, number: int) -> Rule | None:
        when, message, target = row.get("when"), row.get("message"), row.get("at", "")
        if (
            not isinstance(when, str)
            or not when.removeprefix("=").strip()
            or not isinstance(message, str)
            or not message
        ):
            text = "a rule has a condition in `when`, which must be true, and a `message` for when it is not"
            self._found.report("form-rule", at, text, "give both")
            return None
        if not isinstance(target, str) or (target and _KEY.fullmatch(target) is None):
            self._found.report("form-rule", at, "`at` is the path of a field", "name the field that the message is for")
            return None
        expression = self._feel(when.removeprefix("="), at)
        texts = self._texts({"message": (message, "")}, at)
        translations = row.get("translations")
        given = translations if isinstance(translations, dict) else {}
        texts_in = {
            language: {name: text for name, text in each.items() if isinstance(text, str)}
            for language, each in given.items()
            if isinstance(each, dict)
        }
        name = row.get("name")
        steps = tuple(target.split(".")) if target else ()
        if expression is None or not texts:
            return None
        translated = self._by_language(texts_in, texts, at)
        return Rule(name if isinstance(name, str) else f"rule-{number + 1}", expression, steps, texts, translated)


def _component_texts(component: Component, extensions: Mapping[str, Json]) -> dict[str, tuple[str, str]]:
    """All texts of a component for people, by the name that translations use, with where each stands below it."""
    found: dict[str, tuple[str, str]] = {}
    table = COMPONENTS[component.type].properties
    for name, row in table.items():
        value = component.raw.get(name)
        if row.kind == "template" and isinstance(value, str) and value:
            found[name] = (value, f"/{name}")
        elif row.inside and isinstance(value, dict):
            for inner, inside in OBJECTS[row.inside].items():
                text = value.get(inner)
                if inside.kind == "template" and isinstance(text, str) and text:
                    found[inner] = (text, f"/{name}/{inner}")
        elif row.kind in {"options", "columns"} and isinstance(value, list):
            for number, each in enumerate(value):
                label = each.get("label") if isinstance(each, dict) else None
                if isinstance(each, dict) and isinstance(label, str) and label:
                    found[_option_name(name, each, number)] = (label, f"/{name}/{number}/label")
    return found | _extension_texts(extensions)


def _option_name(of: str, raw: Mapping[str, Json], number: int) -> str:
    """How translations call the label of an option or column: by its value or key, as it may change its place."""
    value = raw.get("value", raw.get("key"))
    return f"{of}.{value}" if isinstance(value, str | int) else f"{of}.{number}"


def _extension_texts(extensions: Mapping[str, Json]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(_TRANSLATED):
        value = extensions.get(name)
        if isinstance(value, str) and value:
            found[name] = (value, f"/properties/{PREFIX}{name}")
    return found


def _split_name(name: str, names: set[str]) -> tuple[str, str]:
    """`person.name.label` as the component `person.name` and its text `label`; the longest name that there is."""
    at = len(name)
    while (at := name.rfind(".", 0, at)) > 0:
        if name[:at] in names:
            return name[:at], name[at + 1 :]
    return "", name
