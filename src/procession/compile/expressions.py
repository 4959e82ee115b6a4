"""The expressions of one program: which language a text is in, its place in the table, and its syntax.

A `zeebe` value is FEEL after a leading `=`, else literal. An expression element of the standard says its
language itself, else the document does, else it is FEEL after `=`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec

from procession.base.diagnostics import Span
from procession.compile.findings import Findings
from procession.compile.names import quoted
from procession.compile.scripting import Scripting
from procession.feel.analysis import foreign_languages
from procession.feel.builtins import BUILTIN_NAMES, BUILTINS, Dialect
from procession.feel.compiler import compile_expression
from procession.feel.errors import FeelSyntaxError
from procession.feel.lexer import KEYWORDS, Names
from procession.feel.parser import parse_expression
from procession.ir.program import NONE, Expression, Ref, Text
from procession.model.extension import NOWHERE
from procession.model.extension import Expression as Drawn

FEEL: Final = "feel"
LANGUAGES: Final = frozenset({FEEL})
"""The expression languages that a host can run unless it registers more."""

_FEEL_URI: Final = re.compile(r"https?://www\.omg\.org/spec/(?:DMN/\d+/FEEL|FEEL/\d+)/?", re.IGNORECASE)
_UNSET: Final = frozenset({"", "http://www.w3.org/1999/XPath", "http://www.w3.org/1999/XPath/"})
"""XPath is the standard's default, which modelers write without anybody having chosen it."""
_ADDITIONS: Final = sorted({*BUILTINS["camunda"]} - {*BUILTINS["feel"]} - KEYWORDS)
_OTHER_DIALECT: Final = (
    "it is in Camunda's dialect of FEEL, which documents have that declare the namespace `zeebe`: declare it, or write"
    " it without that function"
)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@final
class Site(msgspec.Struct, frozen=True, gc=False):
    """Where a text stands: the element that it belongs to, what it is, and the place in the document."""

    id: str
    attribute: str
    span: Span = NOWHERE


@final
class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """What languages there are, and which one a text without `=` and without a language of its own is in ('' for
    none)."""

    known: frozenset[str] = LANGUAGES
    fallback: str = ""
    document: str = ""
    dialect: Dialect = "camunda"
    """Of FEEL, by the document's profile."""
    scripts: Mapping[str, str] = {}
    """Script formats that the host has a worker for, and the type of its jobs; '' is a script that names no format."""
    scripting: Scripting | None = None
    """Who can read scripts; None where nobody can."""


@final
class Expressions:
    """The table that grows while a program is lowered; equal texts share a row."""

    __slots__ = ("_findings", "_index", "_languages", "_names", "table")

    def __init__(self, findings: Findings, languages: Languages, names: Names) -> None:
        self.table: list[Expression] = []
        self._index: dict[tuple[str, str], Ref] = {}
        self._findings = findings
        self._languages = languages
        self._names = names

    def value(self, text: str, site: Site) -> Text:
        """A `zeebe` value: literal, or an expression after `=`."""
        stripped = text.strip()
        if stripped.startswith("="):
            return Text(expression=self._add(stripped[1:], FEEL, site))
        return Text(text)

    def source(self, text: str, site: Site) -> Ref:
        """A `zeebe` value where an expression is needed: a literal becomes the FEEL string of itself. '' is NONE."""
        if not text:
            return NONE
        value = self.value(text, site)
        if value.expression != NONE:
            return value.expression
        return self._add(f'"{text.translate(_ESCAPES)}"', FEEL, site)

    def formal(self, drawn: Drawn | None, site: Site) -> Ref:
        """An expression element of the standard; NONE where there is none."""
        if drawn is None or not drawn.text:
            return NONE
        language = self.language_of(drawn)
        text = drawn.text
        if text.startswith("=") and language in {"", FEEL}:
            return self._add(text[1:], FEEL, site)
        if language in self._languages.known:
            return self._add(text, language, site)
        if language:
            known = ", ".join(sorted(self._languages.known))
            self._findings.report(
                "expression-language",
                site,
                f"the {site.attribute} is in the language {language!r}, which is not registered",
                f"write it in one of: {known}",
            )
        else:
            self._findings.report(
                "expression-language",
                site,
                f"the {site.attribute} {shown(text)} is in no known language",
                f"write it as FEEL after an equals sign{_as_feel(text, self._languages.dialect)}, or name its language",
            )
        return NONE

    def timer(self, drawn: Drawn, site: Site, problem_of: Callable[[str], str]) -> Text:
        """A time: an expression after `=`, a literal that is well formed, else an expression of its language."""
        text = drawn.text.strip()
        if text.startswith("="):
            return Text(expression=self.formal(drawn, site))
        problem = problem_of(text)
        if not problem:
            return Text(text)
        language = self._named_language(drawn)
        if language in self._languages.known:
            return Text(expression=self._add(text, language, site))
        self._findings.report("timer", site, problem, "correct it, or compute it with an expression after =")
        return Text(text)

    def language_of(self, drawn: Drawn) -> str:
        """The language of an expression element; '' where nothing says one."""
        named = self._named_language(drawn)
        return named or ("" if drawn.text.startswith("=") else self._languages.fallback)

    def _named_language(self, drawn: Drawn) -> str:
        """The language that the element, else the document, names."""
        for name in (drawn.language, self._languages.document):
            language = name.strip()
            if _FEEL_URI.fullmatch(language) or language.lower() == FEEL:
                return FEEL
            if language not in _UNSET:
                return language
        return ""

    def count(self, drawn: Drawn | None, site: Site) -> Ref:
        """An expression for a number; a plain number needs no language."""
        if drawn is not None and drawn.text.isdecimal():
            return self._add(drawn.text, FEEL, site)
        return self.formal(drawn, site)

    def constant(self, ref: Ref) -> str | None:
        """The value of a FEEL expression that is the same string in every instance, None for any other."""
        row = self.table[ref]
        try:
            expression = compile_expression(row.text, dialect=self._languages.dialect) if row.language == FEEL else None
        except FeelSyntaxError:
            return None
        value = expression.evaluate({}) if expression is not None and expression.constant else None
        return value if isinstance(value, str) else None

    def variables(self, ref: Ref) -> frozenset[str]:
        """The variables that a FEEL expression reads; none where that is not known."""
        if ref == NONE or self.table[ref].language != FEEL:
            return frozenset()
        try:
            return compile_expression(self.table[ref].text, dialect=self._languages.dialect).variables
        except FeelSyntaxError:
            return frozenset()

    def _add(self, text: str, language: str, site: Site) -> Ref:
        text = text.strip()
        if language == FEEL:
            text = quoted(text, self._names)
        known = self._index.get((text, language))
        if known is not None:
            return known
        if language == FEEL:
            self._check(text, site)
        ref = len(self.table)
        self._index[text, language] = ref
        span = site.span
        self.table.append(Expression(text, language, site.id, site.attribute, span.line, span.column))
        return ref

    def _check(self, text: str, site: Site) -> None:
        if not text:
            self._findings.report("feel", site, f"the {site.attribute} is empty after =", "write an expression")
            return
        dialect = self._languages.dialect
        try:
            node = parse_expression(text, (), BUILTIN_NAMES[dialect])
        except FeelSyntaxError as error:
            place = f"character {error.column}" if error.line == 1 else f"line {error.line}:{error.column}"
            message = f"the {site.attribute} {shown(text)} is no FEEL: {error.message} at {place}"
            is_other = dialect == "feel" and _parses(text, "camunda")
            remedy = _OTHER_DIALECT if is_other else error.hint or "correct it, or split it"
            self._findings.report("feel", site, message, remedy)
            return
        for language in foreign_languages(node) if "external" in text else ():
            message = f"the {site.attribute} {shown(text)} defines a function in {language}, which is not run"
            self._findings.report("feel", site, message, "write it in FEEL, or let a job do it")
        called = [] if dialect == "camunda" else [name for name in _ADDITIONS if re.search(rf"\b{name}\s*\(", text)]
        if called:
            message = f"the {site.attribute} {shown(text)} calls {', '.join(called)}, which the standard's FEEL lacks"
            self._findings.report("feel", site, message, _OTHER_DIALECT, severity="warning")


def shown(text: str) -> str:
    """A text as a message quotes it: on one line, and not too long."""
    line = " ".join(text.split())
    return f"`{line if len(line) <= 80 else line[:77] + '...'}`"


def _as_feel(text: str, dialect: Dialect) -> str:
    """The text as it would be right, where the equals sign is all that it lacks."""
    is_short = len(text) <= 60 and "\n" not in text
    return f" (={text})" if is_short and _parses(text, dialect) else ""


def _parses(text: str, dialect: Dialect) -> bool:
    try:
        parse_expression(text, (), BUILTIN_NAMES[dialect])
    except FeelSyntaxError:
        return False
    return True
