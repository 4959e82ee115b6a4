"""The languages that expressions of other platforms are in: how each is read, by its name or by the dialect."""

from __future__ import annotations

import re
from typing import Final

from procession.convert.juel_feel import Place, translate, translate_expression
from procession.convert.python_feel import translate_python
from procession.convert.translation import Translation, checked_feel
from procession.convert.work import Translate, worst

_TEMPLATE: Final = re.compile(r"[$#]\{")
_RETURN: Final = re.compile(r"\s*return\b(.*?);?\s*", re.DOTALL)
_FEEL: Final = re.compile(r"feel|https?://www\.omg\.org/spec/(?:DMN/\d+/FEEL|FEEL/\d+)/?", re.IGNORECASE)


def juel(text: str, place: Place) -> Translation:
    """A template of JUEL."""
    return translate(text, place)


def python(text: str, place: Place) -> Translation:
    """An expression of Python."""
    return translate_python(text)


def plain(text: str, place: Place) -> Translation:
    """A text in no named language, or in one whose simple expressions look like those of JUEL."""
    if _TEMPLATE.search(text):
        return translate(text, place)
    returned = _RETURN.fullmatch(text)
    inner = (returned[1] if returned is not None else text).strip().rstrip(";")
    found = translate_expression(inner, place, single_equals=True)
    if found.feel is None:
        return found
    note = "read as an expression that looks the same in Java, JavaScript, XPath and JUEL"
    return Translation(feel=found.feel, outcome=worst("changed", found.outcome), notes=(note, *found.notes))


def feel(text: str, place: Place) -> Translation:
    """FEEL itself."""
    return checked_feel(text)


LANGUAGES: Final[dict[str, Translate]] = {
    "juel": juel,
    "el": juel,
    "python": python,
    "java": plain,
    "groovy": plain,
    "http://groovy.codehaus.org/": plain,
    "mvel": plain,
    "javascript": plain,
    "ecmascript": plain,
    "http://www.java.com/java": plain,
    "http://www.java.com/javatypes": plain,
    "http://www.mvel.org/2.0": plain,
    "http://www.javascript.com/javascript": plain,
    "http://www.jboss.org/drools/rule": plain,
}
"""By the name that an expression or its document gives, in small letters."""
UNSET: Final = frozenset({"", "http://www.w3.org/1999/xpath", "http://www.w3.org/1999/xpath/"})
"""What documents name where nobody chose a language."""


def language_of(name: str) -> Translate | None:
    """How a named language is read, None where it is not."""
    known = LANGUAGES.get(name.strip().lower())
    return feel if known is None and _FEEL.fullmatch(name.strip()) else known
