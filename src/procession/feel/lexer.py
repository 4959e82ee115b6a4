"""Tokens of FEEL (DMN 1.5, 10.3.1.2), one at a time: the parser asks, because what a name is depends on its scope.

A name may contain spaces, operators and keywords. Only names that do ("irregular" ones) are kept in `Names`; at the
start of a name the longest of them that fits is taken, else one word. Without any, tokens depend on the text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, TypeAlias, final

import msgspec

from procession.feel.errors import FeelSyntaxError

KEYWORDS: Final = frozenset(
    "for return in if then else some every satisfies between and or null true false function".split()
)
"""Words that cannot start a name. `not`, `instance`, `of` and `external` are recognised where they matter."""

SYMBOLS: Final = ("**", "..", "<=", ">=", "!=", "->", "=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", "{", "}",
                  ",", ":", ".", "@")  # fmt: skip
HINTS: Final = {
    "==": "equality is one `=`",
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not(...)`, or `!=`",
    "'": 'strings are in double quotes: "text"',
    "%": "write `modulo(a, b)`",
    "^": "a power is `a ** b`",
    ";": "a FEEL expression is one expression; entries are separated by `,`",
    "$": "a name cannot contain `$`; put it in back-ticks",
    "#": "a name cannot contain `#`; put it in back-ticks",
}
_INSTEAD: Final = {
    "&&": ("and",), "||": ("or",), "!": ("!=", "not"), "'": ('"',), "%": ("modulo",), "^": ("**",), ";": (",", "<end>"),
    "$": ("`",), "#": ("`",),
}  # fmt: skip

_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00-\ufffd\U00010000-\U000effff"
)
_PART: Final = _START + "0-9\u00b7\u0300-\u036f\u203f-\u2040"


@final
class _Words:
    """A pattern with the letters of all scripts, which take Python milliseconds to compile: only a text that has some
    pays for them."""

    __slots__ = ("_all", "_ascii", "_pattern")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._ascii = re.compile(pattern.format(start="A-Z_a-z", part="A-Z_a-z0-9"))
        # Two threads may both compile it; they store the same.
        self._all: re.Pattern[str] | None = None

    def match(self, text: str, position: int = 0) -> re.Match[str] | None:
        """As `re.Pattern.match`."""
        return self._for(text).match(text, position)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """As `re.Pattern.fullmatch`."""
        return self._for(text).fullmatch(text)

    def _for(self, text: str) -> re.Pattern[str]:
        if text.isascii():
            return self._ascii
        if self._all is None:
            self._all = re.compile(self._pattern.format(start=_START, part=_PART))
        return self._all


WORD: Final = _Words("[{start}][{part}]*")
_ANY_WORD: Final = _Words("[{part}?]+")
_SKIP: Final = re.compile(r"(?:[\s\u0085\u200b\ufeff]+|//[^\n\r]*|/\*(?:[^*]|\*(?!/))*\*/)*")
_NUMBER: Final = re.compile(r"(?:[0-9]+(?:\.(?!\.)[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{6})|(.))", re.DOTALL)
_SPACE: Final = re.compile(r"[\s\u0085\u200b\ufeff]+")
LABEL: Final = _Words("[{start}?][{part}./+*'\\s-]*")
_PROPERTY_STOPS: Final = KEYWORDS | {"instance"}
_SIMPLE_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "'": "'"}


@final
class Token(msgspec.Struct, frozen=True, gc=False):
    """`key` is the symbol or keyword itself, or one of `<name> <number> <string> <end>`; `text` is its content."""

    key: str
    text: str
    start: int
    end: int


Parts: TypeAlias = tuple[str, ...]


@final
class Names:
    """Irregular names, found by their first word; the longest first."""

    __slots__ = ("_by_word", "keywords")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.keywords: set[str] = set()
        """Names that are a keyword, such as Camunda's function `and`."""
        self._by_word: dict[str, list[tuple[Parts, str]]] = {}
        for name in names:
            self.add(name)

    def __bool__(self) -> bool:
        return bool(self._by_word)

    def add(self, name: str) -> None:
        """Adds a name; a regular one changes nothing."""
        if is_regular(name):
            return
        parts = split_name(name)
        # A keyword alone is that keyword, and a sign is that sign, whatever the variables are called; back-ticks help.
        if len(parts) == 1 and parts[0] in KEYWORDS:
            self.keywords.add(parts[0])
        elif parts and WORD.match(parts[0]):
            entries = self._by_word.setdefault(parts[0], [])
            entries.append((parts, name))
            entries.sort(key=lambda entry: -len(entry[0]))

    def all(self) -> list[str]:
        """Every name."""
        return [name for entries in self._by_word.values() for _, name in entries]

    def match(self, text: str, start: int) -> tuple[str, int] | None:
        """The longest name at `start` and where it ends."""
        first = _part_at(text, start)
        for parts, name in self._by_word.get(first, ()):
            end = _match_parts(text, start, parts)
            if end is not None:
                return name, end
        return None


NO_NAMES: Final = Names()


def is_regular(name: str) -> bool:
    """Whether the name is one word and no keyword."""
    return WORD.fullmatch(name) is not None and name not in KEYWORDS


def split_name(name: str) -> Parts:
    """The words and single symbols of a name; white space between them means nothing."""
    parts: list[str] = []
    position = 0
    while position < len(name):
        space = _SPACE.match(name, position)
        if space:
            position = space.end()
            continue
        part = _part_at(name, position)
        parts.append(part)
        position += len(part)
    return tuple(parts)


def canonical(name: str) -> str:
    """The name with each run of white space as one space."""
    return _SPACE.sub(" ", name).strip()


def token_at(text: str, position: int, names: Iterable[Names], builtins: Names) -> Token:
    """The token at or after `position`. Raises `FeelSyntaxError`."""
    skipped = _SKIP.match(text, position)
    start = skipped.end() if skipped else position
    if start >= len(text):
        return Token("<end>", "", start, start)
    char = text[start]
    if char == '"':
        return _string_at(text, start)
    if char.isascii() and (char.isdigit() or (char == "." and text[start + 1 : start + 2].isdigit())):
        match = _NUMBER.match(text, start)
        if match:
            return Token("<number>", match[0], start, match.end())
    if char == "`":
        return _quoted_name(text, start)
    known = _known_name(text, start, names, builtins)
    if known is not None:
        return Token("<name>", known[0], start, known[1])
    word = WORD.match(text, start)
    if word:
        return Token(word[0] if word[0] in KEYWORDS else "<name>", word[0], start, word.end())
    if char == "?":
        return Token("<name>", "?", start, start + 1)
    return _symbol_at(text, start)


def label_at(text: str, position: int) -> Token | None:
    """The key of a context entry or a parameter's name, when a `:` follows; any words and name symbols may be in it."""
    skipped = _SKIP.match(text, position)
    start = skipped.end() if skipped else position
    if text[start : start + 1] == "`":
        token = _quoted_name(text, start)
    elif text[start : start + 1] == '"':
        token = _string_at(text, start)
    else:
        match = LABEL.match(text, start)
        if match is None:
            return None
        token = Token("<name>", canonical(match[0]), start, start + len(match[0].rstrip()))
    after = _SKIP.match(text, token.end)
    return token if after and text[after.end() : after.end() + 1] == ":" else None


def property_at(text: str, position: int, names: Iterable[Names], builtins: Names) -> tuple[str, int]:
    """What follows the `.` of a path: the longest known name, else a run of words that are no keywords; where it ends.

    Raises `FeelSyntaxError`.
    """
    space = _SPACE.match(text, position)
    position = space.end() if space else position
    if text[position : position + 1] == "`":
        token = token_at(text, position, (), builtins)
        return token.text, token.end
    found = [known for frame in names if (known := frame.match(text, position)) is not None]
    if found:
        return max(found, key=lambda known: known[1])
    token = words_at(text, position, _PROPERTY_STOPS)
    if token.end == token.start:
        token = words_at(text, position, frozenset())
        word = token.text.split(" ")[0]
        return word, token.start + len(word)
    return canonical(token.text), token.end


def words_at(text: str, position: int, stops: frozenset[str]) -> Token:
    """A declared name (an iterator, a parameter): words up to a stop word or a symbol. Raises `FeelSyntaxError`."""
    skipped = _SKIP.match(text, position)
    start = end = skipped.end() if skipped else position
    if text[start : start + 1] == "`":
        return _quoted_name(text, start)
    if not WORD.match(text, start):
        raise FeelSyntaxError("a name is missing", text, start, "write a name", expected=("<name>",))
    while True:
        space = _SPACE.match(text, end)
        at = space.end() if space else end
        word = _ANY_WORD.match(text, at)
        if word is None or word[0] in stops or (end > start and at == end):
            return Token("<name>", canonical(text[start:end]), start, end)
        end = word.end()


def _part_at(text: str, position: int) -> str:
    word = _ANY_WORD.match(text, position)
    return word[0] if word else text[position : position + 1]


def _match_parts(text: str, position: int, parts: Parts) -> int | None:
    for index, part in enumerate(parts):
        space = _SPACE.match(text, position) if index else None
        position = space.end() if space else position
        if _part_at(text, position) != part:
            return None
        position += len(part)
    return position


def _known_name(text: str, start: int, names: Iterable[Names], builtins: Names) -> tuple[str, int] | None:
    best: tuple[str, int] | None = None
    for frame in names:
        if frame:
            found = frame.match(text, start)
            if found is not None and (best is None or found[1] > best[1]):
                best = found
    found = builtins.match(text, start)
    if found is None or (best is not None and found[1] <= best[1]):
        return best
    # `get or else` and `date and time` hold keywords: they are names only where they are called.
    return best if _has_keyword(found[0]) and not is_called(text, found[1], "(),") else found


@lru_cache(maxsize=256)
def _has_keyword(name: str) -> bool:
    return any(word in KEYWORDS for word in name.split())


def is_called(text: str, end: int, signs: str) -> bool:
    """Whether one of these signs follows the name that ends here."""
    skipped = _SKIP.match(text, end)
    after = skipped.end() if skipped else end
    return text[after : after + 1] in set(signs)


def _quoted_name(text: str, start: int) -> Token:
    end = text.find("`", start + 1)
    if end < 0:
        raise FeelSyntaxError("the back-tick is not closed", text, start, "names end with `", expected=("`",))
    name = canonical(text[start + 1 : end])
    if not name:
        raise FeelSyntaxError(
            "the name between back-ticks is empty",
            text,
            start,
            "write the name, or no back-ticks",
            expected=("<name>",),
        )
    return Token("<name>", name, start, end + 1)


def _string_at(text: str, start: int) -> Token:
    match = _STRING.match(text, start)
    if match is None:
        raise FeelSyntaxError("the string is not closed", text, start, 'strings end with "', expected=('"',))
    content = match[1]
    if "\\" in content:
        content = _joined(_ESCAPE.sub(_unescaped, content))
    return Token("<string>", content, start, match.end())


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        number = int(code, 16)
        return chr(number) if number <= 0x10FFFF else match[0]
    # An unknown escape stays as written, so that regular expressions need not double every backslash.
    return _SIMPLE_ESCAPES.get(match[3], match[0])


def _joined(text: str) -> str:
    r"""Surrogate pairs written as `\ud83d\udc0e` become one character; a lone half becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _symbol_at(text: str, start: int) -> Token:
    if text.startswith("/*", start):
        raise FeelSyntaxError("the comment is not closed", text, start, "comments end with */", expected=("*/",))
    if text.startswith("==", start):
        raise FeelSyntaxError("`==` is not FEEL", text, start, HINTS["=="], expected=("=",))
    for symbol in SYMBOLS:
        if text.startswith(symbol, start):
            return Token(symbol, symbol, start, start + len(symbol))
    for wrong, hint in HINTS.items():
        if text.startswith(wrong, start):
            raise FeelSyntaxError(f"`{wrong}` is not FEEL", text, start, hint, expected=_INSTEAD.get(wrong, ("<end>",)))
    raise FeelSyntaxError(
        f"the character {text[start]!r} has no meaning here", text, start,
        "leave it out, or put it in a string or in back-ticks",
        expected=("<name>", "<string>"),
    )  # fmt: skip
