"""Hostile texts in every place of a page stay texts: no script, no handler, no address that runs."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player_pages import DATA, compiled, field, fields, html, kinds, options, parsed, shown, text_of
from procession.forms.verdict import Fault
from procession.web.player.pages import page_html
from procession.web.player.pages.markdown import markdown
from procession.web.player.pages.sanitising import ELEMENTS, HTML_MAX, safe_url, sanitised
from procession.web.player.shown import Answer, Brand, Conflict, Kind, Language, Shown

HOSTILE: Final = [
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onfocus="alert(1)" autofocus="',
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</option></select><img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " \x01javascript:alert(1)",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript&colon;alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=https://evil.example><button>x</button></form>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example>",
    "<style>@import 'https://evil.example'</style>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "{{ 7 * 7 }}{% raw %}<script>",
    "\u202e<b>\u2028</b>\x00",
    "<div></div></div></form></main><script>alert(1)</script>",
    "<plaintext>",
    "<a name=csrf id=main>x</a><img name=getElementById src=/x>",
]  # fmt: skip
_OURS: Final = frozenset(
    "html head meta title link body a header div nav ul li span main h1 h2 h3 h4 p form input label fieldset legend "
    "textarea select option button details summary table caption thead tbody tr th td hr br img iframe svg dl dt dd "
    "bdi strong em noscript code pre".split()
) | frozenset(ELEMENTS)
_ADDRESSES: Final = frozenset({"href", "src", "action", "formaction", "data", "poster", "srcset", "background"})


def harmless(tree: Element) -> None:
    """Nothing in the tree runs, leads where code is, or sends the form elsewhere."""
    for each in tree.iter():
        assert isinstance(each.tag, str), text_of(each)
        assert each.tag in _OURS, each.tag
        for name, value in each.attrib.items():
            assert not name.startswith("on"), (each.tag, name)
            assert name not in {"style", "srcdoc", "formaction", "http-equiv", "srcset"} or each.tag == "meta", (
                each.tag,
                name,
            )
            if name in _ADDRESSES:
                plain = re.sub(r"[\x00-\x20\u2028\u2029]", "", value).lower()
                assert not plain.startswith(("javascript:", "vbscript:", "data:text", "data:image/svg")), value


def safe_text(text: str) -> str:
    """A hostile text as a template of a form, which has braces of its own: they must come through as they are."""
    return "=" + json.dumps(text, ensure_ascii=False)


def in_every_place(text: str) -> Shown:
    """A page with the text as label, value, option, help, file name, and wherever else one stands."""
    told = safe_text(text)
    components: list[dict[str, Any]] = []
    for each in fields():
        given: dict[str, Any] = {**each, "label": told, "description": told}
        if "values" in given:
            given["values"] = [{"label": told, "value": text}]
        if each["type"] in {"group", "dynamiclist"}:
            given.pop("description")
        given["properties"] = {**each.get("properties", {}), "procession.help": told}
        given["appearance"] = {"prefixAdorner": told, "suffixAdorner": told}
        components.append(given)
    components += [
        {"type": "text", "text": told},
        {"type": "html", "content": told},
        {"type": "image", "source": told, "alt": told},
        {"type": "iframe", "label": told, "url": told},
        {"type": "documentPreview", "label": told, "title": told, "dataSource": "=documents"},
        {"type": "table", "label": told, "dataSource": "=rows"},
        {"type": "button", "label": told, "action": "submit"},
    ]
    data: dict[str, Any] = {
        key: text for key in ("name", "email", "plate", "fixed", "off", "story", "day", "moment", "sign")
    }
    data |= {
        "phone": text, "iban": text, "paid": text, "amount": text, "price": text, "colour": text, "city": text,
        "photos": [{"id": text, "name": text}, text], "home": {"street": text}, "people": [{"name": text}],
        "documents": [{"id": text, "endpoint": text, "metadata": {"fileName": text, "contentType": "image/png"}}],
        "rows": [{text: text}], "parts": [text], "tags": [text],
    }  # fmt: skip
    return shown(
        compiled(*components), data,
        faults=[Fault("name", text, text), Fault("", text, text), Fault(text, text, text)],
        conflicts=[Conflict("name", text, text), Conflict(text, [text], {text: text})],
        title=text, csrf=text, brand=Brand(name=text, logo=text, fonts=text), text=text, params={"n": text, text: text},
        languages=[Language("en", text, "?x"), Language("de", text, "?x")],
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_a_text_wherever_it_stands(text: str) -> None:
    page = in_every_place(text)
    tree = html(page)
    harmless(tree)
    ids = {each.get("id"): each for each in tree.iter() if each.get("id")}
    # Browsers read a NUL as the sign of what cannot be read, and none in a list.
    read = text.replace("\x00", "�")
    assert ids["f-story"].text == read.replace("\r\n", "\n")
    assert ids["f-name"].get("value") == read
    assert ids["f-off"].get("value") == read
    assert text.replace("\x00", "") in [text_of(each) for each in tree.iter("option")]
    assert len([each for each in tree.iter("form") if each.get("data-procession-page") is not None]) == 1
    assert ids["main"].tag == "main"
    assert ids["main"].find(".//form") is not None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["check", "begin", "open", "code", "wait", "end", "problem", "later"])
def test_a_hostile_text_stays_a_text_on_every_kind_of_page(kind: Kind, text: str) -> None:
    answer = Answer(text, text, text, text, "/back")
    params = {**dict.fromkeys(("x", "until", "contact", "to"), text), "ways": "email sms"}
    page = Shown(kind=kind, language="en", title=text, text=text, params=params, answers=[answer], csrf=text,
                 faults=[Fault(text, text, text)], brand=Brand(name=text))  # fmt: skip
    harmless(html(page))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", [sanitised, markdown])
def test_html_and_markdown_of_authors_do_no_harm(make: Any, text: str) -> None:
    tree = parsed(f"<main>{make(text)}</main><p id=after>")
    harmless(tree)
    # Nothing in it closes what is around it.
    assert [each.tag for each in tree[1]] == ["main", "p"]


_PIECES: Final = st.sampled_from(
    [*HOSTILE, *(f"<{tag}>" for tag in ELEMENTS), *(f"</{tag}>" for tag in ELEMENTS), "<", ">", "<!--", "-->",
     "--!>",
     "<![CDATA[", "]]>", "&lt;", "&#x3c;", "&", '"', "'", "`", "=", "/", "<svg>", "</svg>", "<math>", "<mi>", "<style>",
     "</style>", "<title>", "</title>", "<textarea>", "</textarea>", "<noscript>", "</noscript>", "<script",
     "</script", "<a href=",
     "<img src=", " onerror=alert(1)", " href=javascript:alert(1)", "<?", "<!", "</", "\x00", "\n", "**", "`", "[",
     "](", ")", "- ", "> ", "# ",
     "<table>", "<tr>", "<td>", "<select>", "<option>", "<p>", "</p>", "<b>", "<i>", "x"]
)  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=4), max_size=30).map("".join))
def test_no_html_and_no_markdown_escapes(text: str) -> None:
    for made in (sanitised(text), markdown(text)):
        tree = parsed(f"<!doctype html><main>{made}</main><p id=after>")
        harmless(tree)
        after = [each for each in tree.iter("p") if each.get("id") == "after"]
        assert len(after) == 1
        assert after[0] in list(tree[1])


def test_html_that_is_cleaned_once_stays_as_it_is() -> None:
    text = '<h1>A</h1><p title="x">B<br>&lt;i&gt; <a href="https://e.example/?a=1&amp;b=2">C</a></p><ol start="3"><li>x'
    once = sanitised(text)
    assert once == (
        '<h2>A</h2><p title="x">B<br>&lt;i&gt; <a href="https://e.example/?a=1&amp;b=2" rel="noopener noreferrer '
        'nofollow" target="_blank">C</a></p><ol start="3"><li>x</li></ol>'
    )
    assert sanitised(str(sanitised(text)).replace("h2", "h1")) == once


def test_what_is_long_or_deep_ends() -> None:
    assert len(sanitised("x" * (HTML_MAX + 5))) == HTML_MAX
    deep = parsed(f"<main>{sanitised('<div>' * 100_000)}</main>")
    assert len(list(deep.iter("div"))) <= 64
    assert "<em>" in markdown("*a* " * 20_000)
    assert markdown("[" * 20_000 + "]" * 20_000)
    assert markdown("**" * 20_000)


@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", "<a b='", '<a b="', "<a/", "<!--", "<![CDATA[", "<?", "</", "</b", "<script>", "<script ", "&", "&#9", 
     "<a b=\"<a c='\" ", "[a](", "**a", "`", "# ", "#", "_a", "- ", "a\n"],
)  # fmt: skip
@pytest.mark.parametrize("make", [sanitised, markdown])
def test_what_is_repeated_is_read_once_or_a_few_times(make: Any, unit: str) -> None:
    """A reader whose time grows with the square of its text would need minutes here."""
    assert isinstance(make((unit * HTML_MAX)[:HTML_MAX]), str)
    assert isinstance(make("<a " + (unit * HTML_MAX)[: HTML_MAX // 2]), str)


def test_references_are_read_and_long_ones_are_none() -> None:
    assert sanitised("&amp;&lt;&#x41;&nope;") == "&amp;&lt;A&amp;nope;"
    assert sanitised("&#" + "9" * 5_000 + ";x") == "\ufffdx"
    assert sanitised('<a href="&#106;avascript:x">') == "<a></a>"
    assert sanitised("<P CLASS=x TITLE=y>a<BR/>b") == '<p title="y">a<br>b</p>'
    assert sanitised("1 < 2 <3") == "1 &lt; 2 &lt;3"


@pytest.mark.parametrize(
    ("url", "of", "safe"),
    [
        ("https://e.example/x", "href", True),
        ("mailto:a@e.example", "href", True),
        ("tel:+49", "href", True),
        ("/a/b?c=d:e", "href", True),
        ("a.png", "src", True),
        ("#part", "href", True),
        ("mailto:a@e.example", "src", False),
        ("javascript:alert(1)", "href", False),
        ("java\nscript:alert(1)", "href", False),
        ("\u200bjavascript:alert(1)", "href", False),
        ("data:text/html,x", "href", False),
        ("data:image/svg+xml;base64,AAAA", "src", False),
        ("data:image/png;base64,AAAA", "src", True),
        ("data:image/png;base64,AAAA", "href", False),
        ("vbscript:x", "href", False),
        ("1javascript:x", "href", False),
        ("\\\\evil.example", "href", False),
        ("file:///etc/passwd", "src", False),
    ],
)
def test_addresses(url: str, of: str, safe: bool) -> None:
    assert bool(safe_url(url, of)) is safe


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("# A\n## B\ntext", "<h2>A</h2><h3>B</h3><p>text</p>"),
        ("### deep", "<h2>deep</h2>"),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        ("one  \ntwo", "<p>one<br>two</p>"),
        ("- a\n- b\n  more", "<ul><li>a</li><li>b\nmore</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        (
            "**a _b_** *c* ~~d~~ `<e>`",
            "<p><strong>a <em>b</em></strong> <em>c</em> <s>d</s> <code>&lt;e&gt;</code></p>",
        ),
        ("snake_case_name \\*plain\\*", "<p>snake_case_name *plain*</p>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("---", "<hr>"),
        ("```\n<b>\n```", "<pre><code>&lt;b&gt;</code></pre>"),
        ("[a](/b)", '<p><a href="/b">a</a></p>'),
        ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>"),
        ("", ""),
    ],
)
def test_markdown(text: str, made: str) -> None:
    assert markdown(text) == made


def test_names_of_files_are_shown_as_texts() -> None:
    form = compiled(field("filepicker", "photos", multiple=True), field("radio", "r", values=options("<b>")))
    tree = html(shown(form, {"photos": [{"id": "1", "name": "<img src=x onerror=alert(1)>.png"}]}))
    assert "<img src=x onerror=alert(1)>.png" in text_of(tree)
    assert list(tree.iter("img")) == []
    assert all(page_html(each) for each in kinds("en"))
    assert DATA
