"""HTML of authors, made harmless: an allow-list of elements, attributes and addresses, over the parser of Python.

Nothing of what came in goes out as it was: elements are written anew and closed, texts and attributes are escaped.
What has no row here is dropped, its text stays; the text of `_SILENT` goes, too.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final, final

from markupsafe import Markup

HTML_MAX: Final = 200_000
"""Longest HTML of one component, in characters; the rest is cut off."""
DEPTH_MAX: Final = 64
"""Deepest nesting of elements that is kept."""
_COMMON: Final = frozenset({"title", "lang", "dir"})
_CELL: Final = frozenset({"colspan", "rowspan", "scope"})
ELEMENTS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(
        "p br hr h1 h2 h3 h4 h5 h6 strong b em i u s small sub sup mark code pre kbd blockquote ul li dl dt dd table "
        "caption thead tbody tfoot tr span div abbr figure figcaption details summary".split(),
        frozenset[str](),
    ),
    "ol": frozenset({"start", "type"}),
    "td": _CELL,
    "th": _CELL,
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt", "width", "height"}),
}
"""Element -> its attributes that are kept, beside `title`, `lang` and `dir`."""
_VOID: Final = frozenset({"br", "hr", "img"})
_SILENT: Final = frozenset(
    "script style title textarea noscript noembed noframes template iframe xmp plaintext svg math object embed "
    "select".split()
)
_SCHEMES: Final[dict[str, frozenset[str]]] = {
    "href": frozenset({"https", "http", "mailto", "tel"}),
    "src": frozenset({"https", "http"}),
}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]")
_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SHORT: Final = re.compile(r"[A-Za-z0-9-]{1,20}")
_NUMBER: Final = re.compile(r"[0-9]{1,5}%?")


def sanitised(text: str) -> Markup:
    """HTML that may stand in a page, whatever the text was."""
    parser = _Sanitiser()
    parser.feed(text[:HTML_MAX])
    parser.close()
    return parser.markup()


def safe_url(text: str, of: str = "href") -> str:
    """The address if it is one that a page may have; "" otherwise. Browsers skip signs that are not seen: so do we."""
    url = _INVISIBLE.sub("", text) if _INVISIBLE.search(text) else text
    scheme = _SCHEME.match(url)
    if scheme is None:
        # Without a scheme no colon may stand where one would be looked for.
        return "" if ":" in re.split(r"[/?#]", url, maxsplit=1)[0] or "\\" in url else url
    if scheme[1].lower() in _SCHEMES[of]:
        return url
    return url if of == "src" and _DATA_IMAGE.fullmatch(url) else ""


@final
class Headings:
    """Which level a heading has in a page whose title is level 1: never more than one below the last."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 1

    def level(self, wanted: int) -> int:
        """The level of the next heading, wanted as 1 to 6."""
        self._last = max(2, min(wanted + 1, self._last + 1, 6))
        return self._last


@final
class _Sanitiser(HTMLParser):
    """One text on its way. `_open` are the elements that were written and not closed, as they are written."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._silent: list[str] = []
        self._headings = Headings()

    def markup(self) -> Markup:
        """What came out, all closed."""
        closing = [f"</{written}>" for _, written in reversed(self._open)]
        return Markup("".join([*self._out, *closing]))  # every part was escaped or is a name of the table

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent or tag in _SILENT:
            self._silent.append(tag)
            return
        allowed = ELEMENTS.get(tag)
        if allowed is None or len(self._open) >= DEPTH_MAX:
            return
        written = f"h{self._headings.level(int(tag[1]))}" if re.fullmatch("h[1-6]", tag) else tag
        given = {name: value or "" for name, value in reversed(attrs) if name in allowed or name in _COMMON}
        kept = _kept(tag, given)
        if kept is None:
            return
        self._out.append(f"<{written}" + "".join(f' {name}="{escape(text)}"' for name, text in kept.items()) + ">")
        if tag not in _VOID:
            self._open.append((tag, written))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Browsers know no `<div/>`: it is a start. What is silent must not wait for an end that does not come.
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            if tag in self._silent:
                del self._silent[len(self._silent) - 1 - self._silent[::-1].index(tag) :]
            return
        if all(name != tag for name, _ in self._open):
            return
        while self._open:
            name, written = self._open.pop()
            self._out.append(f"</{written}>")
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._out.append(escape(data.replace("\x00", ""), quote=False))


def _kept(tag: str, given: dict[str, str]) -> dict[str, str] | None:
    """The attributes that are written; None for an element that is nothing without one of them."""
    kept: dict[str, str] = {}
    for name, value in given.items():
        if name in _SCHEMES:
            url = safe_url(value, name)
            if url:
                kept[name] = url
        elif name in {"alt", "title"} or (_NUMBER if name in {"width", "height"} else _SHORT).fullmatch(value):
            kept[name] = value
    if tag == "img":
        # An image without words is decoration to who cannot see it; without an address it is nothing.
        return {"alt": "", **kept} if "src" in kept else None
    if "href" in kept and _SCHEME.match(kept["href"]):
        kept |= {"rel": "noopener noreferrer nofollow", "target": "_blank"}
    return kept
