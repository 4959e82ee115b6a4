"""Taking secrets out of texts before they are logged: what looks like one, and what is known to be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, cast, final

HIDDEN: Final = "[hidden]"
KNOWN_MIN: Final = 4
"""Letters of a known secret below which replacing it would spoil every text."""

_PATTERNS: Final = (
    # A token of JOSE: three parts, or five of an encrypted one.
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){2,4}"), HIDDEN),
    # The password of a URL, and what it has as parameters.
    (re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+(?=@)"), rf"\1:{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=:-]{4,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:authorization|cookie|passw(?:or)?d|secret|token|api[-_]?key|access[-_]?key|client[-_]?secret)"
            r"[\"']?\s*[=:]\s*[\"']?)(?!\[hidden\])(?!(?:bearer|basic)\b)[^\s\"',;&)}\]]+"
        ),
        rf"\1{HIDDEN}",
    ),
    # Our own keys: a word of ours, and enough letters that nobody can guess.
    (re.compile(r"\b(?:pk|psk|prc|procession|whsec)_[\w-]{12,}"), HIDDEN),
)


@final
class Redactor:
    """Takes out what looks like a secret, and each of the secrets that the settings hold."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = [each for each in known if len(each) >= KNOWN_MIN]

    def text(self, text: str) -> str:
        """A text without secrets."""
        for each in self._known:
            text = text.replace(each, HIDDEN)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text

    def value(self, value: object) -> object:
        """The same for whatever is logged: texts inside of it too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(each) for key, each in cast("Mapping[object, object]", value).items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in cast("list[object]", value)]
        return value if isinstance(value, int | float | bool) or value is None else self.text(str(value))
