"""HTML of authors, made harmless: an allow-list of elements, attributes and addresses.

The reader is our own and small: that of Python takes time that grows with the square of `<a <a <a`. It need not read
what is broken as browsers do, since nothing of what came in goes out as it was: elements are written anew and closed,
texts and attributes are escaped. What has no row here is dropped, its text stays; the text of `_SILENT` goes, too.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final, final

from markupsafe import Markup

HTML_MAX: Final = 200_000
"""Longest HTML of one component, in characters; the rest is cut off."""
DEPTH_MAX: Final = 64
"""Deepest nesting of elements that is kept."""
READINGS_MAX: Final = 8
"""How often the whole text may be read on average, where tags are not closed; then the rest is text."""
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
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_COMMENTS: Final = (("<!--", "-->"), ("<!", ">"), ("<?", ">"))
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})(?=[\s/>])")
_ATTRIBUTE: Final = re.compile(r"[\s/]*([^\s\"'<>/=]{1,100})(\s*=\s*)?")
_BARE: Final = re.compile(r"[^\s\"'=<>`]+")
_END: Final = re.compile(r"[\s/]*>")
_LONG_REFERENCE: Final = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_INVISIBLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]")
_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SHORT: Final = re.compile(r"[A-Za-z0-9-]{1,20}")
_NUMBER: Final = re.compile(r"[0-9]{1,5}%?")


def sanitised(text: str) -> Markup:
    """HTML that may stand in a page, whatever the text was."""
    return _Sanitiser(text[:HTML_MAX]).markup()


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
class _Sanitiser:
    """One text on its way. `_open` are the elements that were written and not closed, as they are written."""

    __slots__ = ("_budget", "_headings", "_open", "_out", "_text", "_unquoted")

    def __init__(self, text: str) -> None:
        self._text = text
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._headings = Headings()
        self._budget = len(text) * READINGS_MAX
        self._unquoted: dict[str, int] = {}
        """Quote -> from where on there is none."""

    def markup(self) -> Markup:
        """What comes out, all closed."""
        at, end = 0, len(self._text)
        while at < end:
            found = self._text.find("<", at)
            if found < 0 or self._budget < 0:
                found = end
            self._data(at, found)
            at = self._tag(found) if found < end else end
        self._out += [f"</{written}>" for _, written in reversed(self._open)]
        return Markup("".join(self._out))  # every part was escaped or is a name of the table

    def _data(self, at: int, end: int) -> None:
        if at < end:
            self._out.append(escape(_unescaped(self._text[at:end]), quote=False))

    def _tag(self, at: int) -> int:
        """Reads what begins with `<`; gives the place after it. What is no tag is text."""
        text = self._text
        for opening, closing in _COMMENTS:
            if text.startswith(opening, at):
                found = text.find(closing, at + len(opening))
                return len(text) if found < 0 else found + len(closing)
        name = _TAG.match(text, at)
        given: dict[str, str] = {}
        end = self._attributes(name.end(), given) if name is not None else -1
        self._budget -= max(end, at) - at
        if name is None or end < 0:
            self._out.append("&lt;")
            return at + 1
        tag = name[2].lower()
        if name[1]:
            self._close(tag)
        elif tag in _SILENT:
            closing_tag = re.compile(rf"</{tag}(?=[\s/>])", re.IGNORECASE).search(text, end)
            found = -1 if closing_tag is None else text.find(">", closing_tag.end())
            return len(text) if found < 0 else found + 1
        else:
            self._start(tag, given)
        return end

    def _attributes(self, at: int, given: dict[str, str]) -> int:
        """Reads the attributes of a tag; gives the place after its `>`, or -1 if it is no tag."""
        text = self._text
        while True:
            found = _ATTRIBUTE.match(text, at)
            if found is None:
                end = _END.match(text, at)
                return -1 if end is None else end.end()
            self._budget -= found.end() - at
            at, value = found.end(), ""
            if found[2]:
                quote = text[at : at + 1]
                if quote in {'"', "'"}:
                    end_at = self._quoted(quote, at + 1)
                    if end_at < 0:
                        return -1
                    value, at = text[at + 1 : end_at], end_at + 1
                    self._budget -= len(value)
                else:
                    bare = _BARE.match(text, at)
                    value, at = (bare[0], bare.end()) if bare is not None else ("", at)
            given.setdefault(found[1].lower(), _unescaped(value))
            if self._budget < 0:
                return -1

    def _quoted(self, quote: str, at: int) -> int:
        """Where the quote is closed. What was searched for in vain once is not searched for again."""
        if at >= self._unquoted.get(quote, len(self._text) + 1):
            return -1
        found = self._text.find(quote, at)
        if found < 0:
            self._unquoted[quote] = at
        return found

    def _start(self, tag: str, given: dict[str, str]) -> None:
        allowed = ELEMENTS.get(tag)
        if allowed is None or len(self._open) >= DEPTH_MAX:
            return
        written = f"h{self._headings.level(int(tag[1]))}" if tag in _HEADINGS else tag
        kept = _kept(tag, {name: value for name, value in given.items() if name in allowed or name in _COMMON})
        if kept is None:
            return
        self._out.append(f"<{written}" + "".join(f' {name}="{escape(text)}"' for name, text in kept.items()) + ">")
        if tag not in _VOID:
            self._open.append((tag, written))

    def _close(self, tag: str) -> None:
        if all(name != tag for name, _ in self._open):
            return
        while self._open:
            name, written = self._open.pop()
            self._out.append(f"</{written}>")
            if name == tag:
                return


def _unescaped(text: str) -> str:
    """A text with its references read, as browsers do; a number that is too long for any sign is none."""
    return (
        unescape(_LONG_REFERENCE.sub("\ufffd", text)).replace("\x00", "") if "&" in text else text.replace("\x00", "")
    )


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
