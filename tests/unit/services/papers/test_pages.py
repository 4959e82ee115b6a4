"""HTML as PDF: values are text, nothing is fetched, and nothing takes more than it may."""

from __future__ import annotations

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from paper_rig import jailed, made, picture, text_of
from procession.services.papers.jail import Bounds
from procession.services.papers.orders import Page, Refused, TooMuch
from procession.services.papers.pages import rendered

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src='http://127.0.0.1/x'>",
    "</p><h1>big</h1>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "\" onload='x'",
    "<style>p{display:none}</style>",
    "]]><!--",
    "\u202egnp.exe",
]


def test_a_template_is_a_page_with_its_values_and_pictures() -> None:
    html = """<h1>{{ title }}</h1>{% for each in lines %}<p>{{ loop.index }} {{ each.name }}</p>{% endfor %}
        <img src="attachment:photo"><img src="data:image/png;base64,{{ dot }}"><p>שלום 東京</p>"""
    dot = base64.b64encode(picture()).decode()
    values = {"title": "An offer", "lines": [{"name": "one"}, {"name": "two"}], "dot": dot}
    pdf = made(Page(template=html, values=values, attachments={"photo": picture("JPEG")}))
    shown = text_of(pdf)
    assert "An offer" in shown
    assert "2 two" in shown
    assert len(PdfReader(io.BytesIO(pdf)).pages[0].images) == 2


def test_a_value_is_text_and_never_markup() -> None:
    one = "<p>{{ v }}</p><p>{{ 'x' ~ v }}</p><p>{{ [v, v] | join('-') }}</p><p title='{{ v }}'>end of it</p>"
    template = f"{{% for v in values %}}<section style='break-before: page'>{one}</section>{{% endfor %}}"
    pdf = made(Page(template=template, values={"values": HOSTILE}))
    for number, value in enumerate(HOSTILE):
        shown = text_of(pdf, number)
        assert shown.count(value.replace("\u202e", "")[:12]) >= 3, (value, shown)
        assert "end of it" in shown


@pytest.mark.parametrize(
    "template",
    [
        "{{ v | safe }}",
        "{% autoescape false %}{{ v }}{% endautoescape %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ v.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ missing }}",
        "{{ missing.more }}",
        "{{ v | tojson }}",
        "{% for x in range(10000000) %}{% endfor %}",
        "{{ 1 / 0 }}",
        "{{ broken",
        "{% set ns = {} %}{{ ns.update({'a': 1}) }}",
    ],
)
def test_a_template_reaches_nothing(template: str) -> None:
    with pytest.raises(Refused):
        rendered(template, {"v": "<b>"})


class Listening(HTTPServer):
    """Counts who asks."""

    asked = 0


class Handler(BaseHTTPRequestHandler):
    """Answers everything."""

    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def test_nothing_is_fetched_but_what_is_given(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    (tmp_path / "p.png").write_bytes(picture())
    with Listening(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        svg = base64.b64encode(
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/s"/></svg>'.encode()
        ).decode()
        html = f"""<link rel=stylesheet href="{url}/a.css"><link rel=attachment href="file://{secret}">
            <style>@import url({url}/b.css); @font-face {{ font-family: x; src: url({url}/f.ttf) }}
            body {{ background: url({url}/bg.png); font-family: x }} li {{ list-style-image: url("{url}/li") }}</style>
            <img src="{url}/i.png"><img src="file://{tmp_path}/p.png"><object data="{url}/o"></object>
            <img src="//127.0.0.1:{server.server_port}/r"><img src="attachment:other"><img src="FILE://{tmp_path}/p.png">
            <embed src="ftp://127.0.0.1/x"><img src="data:image/svg+xml;base64,{svg}"><p>still there</p>
            <a rel=attachment href="file://{secret}">a</a><iframe src="{url}/f"></iframe>"""
        pdf = jailed(Page(template=html))
        server.shutdown()
        thread.join()
    assert server.asked == 0
    reader = PdfReader(io.BytesIO(pdf))
    assert "still there" in text_of(pdf)
    assert b"TOP SECRET" not in pdf
    assert not reader.attachments
    assert all(not page.images for page in reader.pages)


def test_a_document_has_so_many_pages_and_bytes() -> None:
    html = "{% for i in range(n) %}<p style='break-after: page'>x</p>{% endfor %}"
    assert made(Page(template=html, values={"n": 3}, pages_max=5)).startswith(b"%PDF")
    with pytest.raises(Refused, match="at most 5 pages"):
        made(Page(template=html, values={"n": 9}, pages_max=5))
    with pytest.raises(Refused, match="bytes"):
        made(Page(template=html, values={"n": 3}, bytes_max=500))
    with pytest.raises(Refused, match="characters"):
        made(Page(template="{% for i in range(90000) %}{{ t }}{% endfor %}", values={"t": "x" * 100}))


@pytest.mark.parametrize(
    ("template", "bounds"),
    [
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", Bounds(seconds=2)),
        ("{{ 'x' * 2000000000 }}", Bounds(seconds=20)),
        ("<p>" + "x " * 2_000_000, Bounds(seconds=2)),
    ],
)
def test_what_takes_too_long_or_too_much_is_ended(template: str, bounds: Bounds) -> None:
    with pytest.raises((TooMuch, Refused)):
        jailed(Page(template=template), bounds)
