"""The part of Markdown that texts may use: headings, paragraphs, lists, quotes, lines, emphasis, code, links.

HTML in it is text. Images, tables, footnotes and nested lists are not read; their signs stay as they are.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from markupsafe import Markup

from procession.web.player.pages.sanitising import Headings, safe_url

_HEADING: Final = re.compile(r"(#{1,6})[ \t]+(.*)")
_BULLET: Final = re.compile(r"[-*+][ \t]+(.*)")
_NUMBERED: Final = re.compile(r"([0-9]{1,6})[.)][ \t]+(.*)")
_LINE: Final = re.compile(r"(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}")
_FENCE: Final = re.compile(r"(```+|~~~+).*")
# Each part of a line is bounded, so that no text makes the search long.
_INLINE: Final = re.compile(
    r"\\(?P<plain>[\\`*_{}\[\]()#+.!<>~-])"
    r"|`(?P<code>[^`\n]{1,500})`"
    r"|\[(?P<text>[^\[\]\n]{1,500})\]\((?P<url>[^()\s]{1,2000}|[^()\s]{0,1000}\([^()\s]{0,1000}\)[^()\s]{0,100})\)"
    r"|<(?P<auto>(?:https?://|mailto:)[^<>\s]{1,2000})>"
    r"|\*\*(?P<strong>[^*\n]{1,1000})\*\*|__(?P<strong2>[^_\n]{1,1000})__"
    r"|\*(?P<em>[^*\n]{1,1000})\*|(?<![A-Za-z0-9])_(?P<em2>[^_\n]{1,1000})_(?![A-Za-z0-9])"
    r"|~~(?P<gone>[^~\n]{1,1000})~~"
    r"|(?P<break>(?: {2,}|\\)\n)"
)
_TAGS: Final = {"strong": "strong", "strong2": "strong", "em": "em", "em2": "em", "gone": "s"}
_NESTING_MAX: Final = 4


def markdown(text: str) -> Markup:
    """The HTML of a text; whatever it holds, it can do no harm."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings = Headings()
    out: list[str] = []
    at = 0
    while at < len(lines):
        at = _block(lines, at, out, headings)
    return Markup("".join(out))  # every part was escaped


def _block(lines: list[str], at: int, out: list[str], headings: Headings) -> int:
    """Writes the block that begins at a line; gives the line after it."""
    line = lines[at].strip()
    if not line:
        return at + 1
    if found := _HEADING.fullmatch(line):
        level = headings.level(len(found[1]))
        text = _inline(found[2].rstrip(" \t#"))
        out.append(f"<h{level}>{text}</h{level}>")
        return at + 1
    if _LINE.fullmatch(line):
        out.append("<hr>")
        return at + 1
    if found := _FENCE.fullmatch(line):
        return _fenced(lines, at + 1, found[1], out)
    for tag, pattern in (("ul", _BULLET), ("ol", _NUMBERED)):
        if pattern.fullmatch(line):
            return _list(lines, at, (tag, pattern), out)
    if line.startswith(">"):
        return _quote(lines, at, out)
    end = at + 1
    while end < len(lines) and lines[end].strip() and not _begins(lines[end].strip()):
        end += 1
    out.append(f"<p>{_inline(chr(10).join(each.lstrip() for each in lines[at:end]).rstrip())}</p>")
    return end


def _begins(line: str) -> bool:
    """Whether a line ends the paragraph before it."""
    return line.startswith(">") or any(
        each.fullmatch(line) is not None for each in (_HEADING, _BULLET, _LINE, _FENCE, _NUMBERED)
    )


def _fenced(lines: list[str], at: int, fence: str, out: list[str]) -> int:
    end = at
    while end < len(lines) and not lines[end].strip().startswith(fence):
        end += 1
    out.append(f"<pre><code>{escape(chr(10).join(lines[at:end]))}</code></pre>")
    return end + 1


def _list(lines: list[str], at: int, kind: tuple[str, re.Pattern[str]], out: list[str]) -> int:
    tag, pattern = kind
    first = pattern.fullmatch(lines[at].strip())
    start = f' start="{int(first[1])}"' if tag == "ol" and first is not None and int(first[1]) != 1 else ""
    out.append(f"<{tag}{start}>")
    while at < len(lines) and (found := pattern.fullmatch(lines[at].strip())):
        text = [found[found.re.groups]]
        at += 1
        # What is indented below an entry belongs to it.
        while at < len(lines) and lines[at][:1] in {" ", "\t"} and lines[at].strip() and not _begins(lines[at].strip()):
            text.append(lines[at].strip())
            at += 1
        out.append(f"<li>{_inline(chr(10).join(text))}</li>")
    out.append(f"</{tag}>")
    return at


def _quote(lines: list[str], at: int, out: list[str]) -> int:
    text: list[str] = []
    while at < len(lines) and lines[at].strip().startswith(">"):
        text.append(lines[at].strip()[1:].strip())
        at += 1
    out.append(f"<blockquote><p>{_inline(chr(10).join(text))}</p></blockquote>")
    return at


def _inline(text: str, depth: int = 0) -> str:
    out: list[str] = []
    end = 0
    for found in _INLINE.finditer(text):
        out += [escape(text[end : found.start()]), _mark(found, depth)]
        end = found.end()
    return "".join([*out, escape(text[end:])])


def _mark(found: re.Match[str], depth: int) -> str:
    name = found.lastgroup or ""
    inner = found[name]
    if name == "break":
        return "<br>"
    if name == "plain":
        return escape(inner)
    if name == "code":
        return f"<code>{escape(inner)}</code>"
    if name == "auto":
        return _link(inner, escape(inner), found[0])
    if found["url"] is not None:
        return _link(found["url"], _inline(found["text"], _NESTING_MAX), found[0])
    tag = _TAGS[name]
    return f"<{tag}>{_inline(inner, depth + 1) if depth < _NESTING_MAX else escape(inner)}</{tag}>"


def _link(url: str, text: str, written: str) -> str:
    safe = safe_url(url)
    if not safe:
        return escape(written)
    beside = ' rel="noopener noreferrer nofollow" target="_blank"' if re.match(r"[A-Za-z]+:", safe) else ""
    return f'<a href="{escape(safe)}"{beside}>{text}</a>'
