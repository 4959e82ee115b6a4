"""A real browser for tests: Chromium of the system, driven by Playwright; axe-core in its pages; static pages for it.

One browser a module of tests, one context a page: nothing is shared between tests but the running program. In a module
of tests: `from browser_page_rig import browser` makes the fixture known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs

import pytest

import debian
import needs
import npm

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM: Final = "/usr/bin/chromium"
REMEDY: Final = "run `apt-get install -y chromium` (Debian), or let the tests do it as root"
# Without these Chromium looks for its maker's servers at every start.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE: Final = Path(__file__).with_name("axe")
NARROW: Final = 320
"""The width that pages must do with, in CSS pixels (WCAG 1.4.10)."""
PATIENCE_MS: Final = 30_000
"""How long a test waits for what it asks of a page."""
STRICT_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src http: https:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Violation(NamedTuple):
    """What axe says is wrong: the rule, and the elements."""

    rule: str
    elements: list[str]


# Not of the session: while Playwright runs, its thread has a running loop, and tests of asyncio would find it there.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium; without one the test is skipped, or fails with CI=true."""
    with running() as found:
        yield found


@contextmanager
def running() -> Iterator[Browser]:
    """Chromium, started and ended. Installs it first, where the machine lets it."""
    debian.install("chromium", "chromium")
    needs.require("chromium", REMEDY)
    needs.require("playwright", "pip install playwright; it is in requirements/dev.txt")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@contextmanager
def page_of(browser: Browser, *, width: int = 1024, script: bool = True, **more: Any) -> Iterator[Page]:
    """A page in a context of its own. Errors of scripts and what the policy refused fail the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=script, reduced_motion="reduce", **more
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []

    def asked(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("dialog", asked)
    yield page
    context.close()
    assert wrong == []


def axe_source() -> str:
    """The script of axe-core."""
    return (npm.installed(AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, source: str) -> list[Violation]:
    """Every violation that axe finds on the page; rules of best practice are asked, too."""
    # Evaluated by the debugger, which no policy of the page concerns.
    if not page.evaluate("'axe' in window"):
        page.evaluate(source)
    found = page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
    return [
        Violation(each["id"], [f"{node['html'][:200]} {node['failureSummary']}" for node in each["nodes"]])
        for each in found["violations"]
    ]


def sideways(page: Page) -> list[str]:
    """Elements that make the page scroll sideways; what scrolls by itself is left out."""
    return list(
        page.evaluate(
            """() => {
                const width = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= width) return [];
                return [...document.querySelectorAll('body *')]
                    .filter(e => { const r = e.getBoundingClientRect(); return r.right > width + 1 || r.left < -1; })
                    .filter(e => !e.closest('.scroll, pre'))
                    .map(e => e.outerHTML.slice(0, 120));
            }"""
        )
    )


def small_targets(page: Page, least: int = 24) -> list[str]:
    """What is pressed and smaller than WCAG 2.5.8 lets it be; links within sentences are exempt."""
    return list(
        page.evaluate(
            """least => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
                .filter(e => e.offsetParent && e.type !== 'hidden' && e.tabIndex >= 0)
                .filter(e => !e.closest('p, .part li, .first, .skip'))
                .filter(e => { const r = e.getBoundingClientRect(); return r.height < least || r.width < least; })
                .map(e => e.outerHTML.slice(0, 120))""",
            least,
        )
    )


class Sent(NamedTuple):
    """What a browser asked: the method, the path, and the fields of the form."""

    method: str
    path: str
    body: dict[str, list[str]]


Answer = Callable[[Sent], "tuple[int, str, str]"]
"""What is answered: the status, the media type or for 303 the address, and the text."""


@contextmanager
def serving(answer: Answer, policy: str = STRICT_CSP) -> Iterator[str]:
    """A small server that answers by a function, under a strict policy; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(Sent("GET", self.path, {}))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self._answer(Sent("POST", self.path, parse_qs(text, keep_blank_values=True)))

        def _answer(self, sent: Sent) -> None:
            status, type, text = answer(sent)
            self.send_response(status)
            if status == 303:
                self.send_header("Location", type)
            else:
                self.send_header("Content-Type", f"{type}; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
