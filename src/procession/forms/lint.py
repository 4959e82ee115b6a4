"""What is wrong with a form beyond its shape: keys, options, names that nothing sets, pages, languages, labels.

One function a rule, in the table at the top; `check_form` applies all of them to a form that was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from procession.base.diagnostics import Diagnostic
from procession.feel import BudgetExceeded, Expression
from procession.forms.coercion import number_in
from procession.forms.compiled import Compiled, Node
from procession.forms.compiling import compile_form
from procession.forms.components import COMPONENTS
from procession.forms.extensions import KINDS, PREFIX, SENSITIVE
from procession.forms.findings import Findings
from procession.forms.reading import read_form
from procession.forms.schema import Component
from procession.forms.scope import SPECIAL
from procession.forms.settling import Setting
from procession.forms.verdict import judge, same
from procession.forms.view import view

_Rule: TypeAlias = Callable[[Compiled, Findings], None]


def check_form(data: bytes, file: str = "") -> list[Diagnostic]:
    """All that is wrong with a form: its shape, what cannot be compiled, and what its author cannot have meant."""
    form, shape = read_form(data, file)
    if form is None:
        return shape
    compiled, wrong = compile_form(form)
    found = [*shape, *wrong, *check_compiled(compiled)]
    return sorted(found, key=lambda each: (each.span.line, each.span.column))


def check_compiled(compiled: Compiled) -> list[Diagnostic]:
    """What of `check_form` is said of a form that was read and compiled."""
    found = Findings(compiled.form.file, compiled.form.places)
    for rule in _RULES:
        rule(compiled, found)
    return found.all()


def _ids(compiled: Compiled, found: Findings) -> None:
    if not compiled.form.id:
        found.report("form-id", "", "the form has no id, so no task can name it", "give it an id", "warning")
    seen: dict[str, str] = {}
    for node in compiled.walk():
        id, at = node.component.id, node.component.place
        if id and id in seen:
            found.report("form-id", at, f"the id {id[:80]!r} is that of {seen[id]} already", "give it another")
        seen.setdefault(id, at)


def _keys(compiled: Compiled, found: Findings) -> None:
    ways: dict[tuple[str, ...], str] = {}
    for node, path in _paths(compiled):
        if path in ways:
            text = f"{'.'.join(path)!r} is the way to {ways[path]} already"
            found.report("form-key", node.component.place, text, "give one of the two another key")
        ways.setdefault(path, node.component.place)
    for path, at in ways.items():
        inside = next((path[:cut] for cut in range(1, len(path)) if path[:cut] in ways), None)
        if inside is not None:
            text = f"{'.'.join(path)!r} leads through the value of {ways[inside]}"
            found.report("form-key", at, text, "give one of the two another key")


def _paths(compiled: Compiled) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Each field with the path of its value; rows of a list are one step `[]`."""

    def inside(nodes: tuple[Node, ...], at: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
        for node in nodes:
            path = (*at, *node.component.path)
            if node.is_field and node.component.key:
                yield node, (*at, *node.component.key)
            yield from inside(node.children, (*path, "[]") if node.value == "rows" else path)

    return inside(compiled.nodes, ())


def _options(compiled: Compiled, found: Findings) -> None:
    for node in compiled.walk():
        options, at = node.options, node.component.place
        if options is None:
            continue
        raw = node.component.raw
        given = [name for name in ("values", "valuesKey", "valuesExpression") if raw.get(name) not in (None, "")]
        given += [PREFIX + "optionsFrom"] if options.source else []
        if len(given) > 1:
            text = f"the options come from {' and '.join(given)}"
            found.report("form-options", at, text, "leave one of them")
        elif not given:
            text = "the options come from nowhere"
            found.report("form-options", at, text, "give values, valuesKey or valuesExpression")
        values = [each.value for each in options.values]
        if any(same(value, other) for number, value in enumerate(values[:500]) for other in values[:number]):
            text = "two options have the same value"
            found.report("form-options", f"{at}/values", text, "give each a value of its own")


def _tables(compiled: Compiled, found: Findings) -> None:
    for node in compiled.walk():
        if node.type != "table":
            continue
        raw, at = node.component.raw, node.component.place
        both = bool(raw.get("columns")) and bool(raw.get("columnsExpression"))
        if both or not (raw.get("columns") or raw.get("columnsExpression")):
            text = "the columns come from two sources" if both else "the table has no columns"
            found.report("form-table", at, text, "give either columns or columnsExpression")


def _pages(compiled: Compiled, found: Findings) -> None:
    def inside(component: Component, around: str) -> None:
        at = component.place
        if component.type == "page" and around != "multipage":
            found.report("form-page", at, "a page stands outside of a multipage", "put it into one")
        elif component.type != "page" and around == "multipage":
            found.report("form-page", at, f"a {component.type} stands between pages", "put it into a page")
        if component.type == "multipage" and around:
            found.report("form-page", at, "pages stand inside of another component", "put them at the root")
        if component.type in {"page", "multipage"} and not component.components:
            found.report("form-page", at, f"the {component.type} is empty", "fill it, or leave it out", "warning")
        for each in component.components:
            inside(each, component.type)

    for component in compiled.form.components:
        inside(component, "")
    several = [node for node in compiled.nodes if node.type == "multipage"]
    for node in several[1:]:
        found.report("form-page", node.component.place, "the form has pages twice", "put all pages into the first")
    for node in compiled.walk():
        if node.hide is not None and node.hide.constant and _always(node.hide):
            text = f"the {node.type} is always hidden"
            found.report("form-page", node.component.place, text, "correct its condition, or leave it out", "warning")


def _always(hide: Expression) -> bool:
    try:
        return hide.evaluate({}) is True
    except BudgetExceeded:
        return False


def _names(compiled: Compiled, found: Findings) -> None:
    """Names that no field sets may be variables of the process, so this is a warning, and only for what is close."""
    known = {path[0] for _, path in _paths(compiled)} | SPECIAL
    for node in compiled.walk():
        # The names of lists and groups are set by what is in them; a list that stands empty is set all the same.
        known |= set(node.component.path[:1])
    for node in compiled.walk():
        named = node.component.place
        read = node.hide.variables if node.hide is not None else frozenset[str]()
        for given in (node.readonly, node.disabled):
            read |= given.expression.variables if given.expression is not None else frozenset()
        read |= node.compute.variables if node.compute is not None else frozenset()
        for name in sorted(read - known):
            _unset(found, named, name)
    for rules, at in [(compiled.rules, "")] + [(node.rules, node.component.place) for node in compiled.walk()]:
        for rule in rules:
            for name in sorted(rule.when.variables - known):
                _unset(found, f"{at}/properties", name)


def _unset(found: Findings, at: str, name: str) -> None:
    text = f"{name[:80]!r} is read, and no field of the form sets it"
    found.report("form-unset-name", at, text, "correct the name, unless it is a variable of the process", "warning")


def _labels(compiled: Compiled, found: Findings) -> None:
    for node in compiled.walk():
        at, texts = node.component.place, node.texts
        if COMPONENTS[node.type].labelled and not (texts.keys() & {"label", "dateLabel", "timeLabel"}):
            text = f"the {node.type} has no label, so a screen reader has no name for it"
            found.report("form-label", at, text, "give it a label", "warning")
        if node.type == "image" and "alt" not in texts:
            found.report("form-label", at, "the image has no text for who does not see it", "give it alt", "warning")


def _limits(compiled: Compiled, found: Findings) -> None:
    for node in compiled.walk():
        limits, at = node.limits, node.component.place
        for low, high, name in ((limits.min, limits.max, "min"), (limits.min_length, limits.max_length, "minLength")):
            least = number_in(low.value) if low is not None else None
            most = number_in(high.value) if high is not None else None
            if least is not None and most is not None and least > most:
                text = f"{name} is above its maximum, so no value is taken"
                found.report("form-limits", f"{at}/validate", text, "correct one of them")


def _defaults(compiled: Compiled, found: Findings) -> None:
    """Default values that their own field refuses: they are judged as answers are."""
    given = [node for node in compiled.walk() if node.component.raw.get("defaultValue") not in (None, "", [])]
    if not given:
        return
    try:
        shown = view(compiled, {}, Setting())
    except BudgetExceeded as error:
        text = f"the form cannot be shown without data: {error}"
        found.report("form-size", "", text, "split it into several forms")
        return
    faults = {fault.path: fault.message for fault in judge(shown)}
    at = {node.component.place: node for node in given}
    for page in shown.pages:
        for item in page.walk():
            node = at.get(item.place)
            if node is None or item.path not in faults or item.value in (None, ""):
                continue
            if node.options is not None and not node.options.values:
                continue
            text = f"the default value is refused: {faults[item.path]}"
            found.report("form-default", f"{item.place}/defaultValue", text, "correct the value or the limit")


def _languages(compiled: Compiled, found: Findings) -> None:
    """Texts that are translated to some languages and not to others."""
    own, *others = compiled.languages
    for language in others:
        base = language.split("-")[0]
        if base == own or (base != language and base in others):
            continue
        for node in compiled.walk():
            missing = sorted(set(node.texts) - set(node.translations.get(language, {})))
            if missing:
                text = f"there is no {language} for {', '.join(missing)}"
                found.report("form-language", node.component.place, text, "translate it", "warning")


def _kinds(compiled: Compiled, found: Findings) -> None:
    for node in compiled.walk():
        at = f"{node.component.place}/properties/{PREFIX}kind"
        if not node.kind:
            continue
        if node.kind not in KINDS:
            text = f"no kind of field is called {node.kind[:80]!r}"
            found.report("form-extension", at, text, f"use one of {', '.join(KINDS)}")
        elif node.type not in KINDS[node.kind]:
            text = f"a {node.type} cannot be of kind {node.kind}"
            found.report("form-extension", at, text, f"make it a {' or '.join(sorted(KINDS[node.kind]))}")
        elif node.kind == "currency" and "currency" not in node.extensions:
            text = "an amount says not in which currency it is"
            found.report("form-extension", at, text, f"give {PREFIX}currency", "warning")
        if node.kind in SENSITIVE and node.extensions.get("sensitive") is None:
            text = f"a field of kind {node.kind} is not said to be sensitive, so others may see it who look on"
            found.report("form-sensitive", at, text, f"give {PREFIX}sensitive true, or false", "warning")


def _rules(compiled: Compiled, found: Findings) -> None:
    fields = {tuple(step for step in path if step != "[]") for _, path in _paths(compiled)}
    for rule in compiled.rules:
        if rule.at and rule.at not in fields:
            text = f"the rule {rule.name!r} puts its message to {'.'.join(rule.at)}, which is no field"
            found.report("form-rule", f"/properties/{PREFIX}rules", text, "name a field by its path", "warning")


_RULES: Final[tuple[_Rule, ...]] = (
    _ids,
    _keys,
    _options,
    _tables,
    _pages,
    _names,
    _labels,
    _limits,
    _defaults,
    _languages,
    _kinds,
    _rules,
)
