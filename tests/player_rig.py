"""The contract of docs/design/0016 over real forms, in memory: what the component is tested against before the server.

One journey of one task. What must not live here: rules of forms, which are those of `procession.forms`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast, final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from procession.base.values import Json, Variables, decode, encode
from procession.forms import Compiled, Fault, Setting, compile_form, judge, path_of, read_form, view
from procession.forms.languages import direction
from procession.forms.programs import programs
from procession.forms.scope import put_at, value_at
from procession.forms.submit import merged
from procession.web.player.shown import Answer, Conflict, Language, Shown

STATIC: Final = Path(__file__).resolve().parents[1] / "src" / "procession" / "web" / "player" / "static"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src *"
)
BASE: Final = "/play/-/J"
TASK: Final = "T"


def plain(value: object) -> Any:
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


@final
class Journey:
    """What the server knows: answers with the number of the write that set each, where it is, what it was asked."""

    def __init__(self, form: dict[str, Any], language: str = "en", held: Variables | None = None) -> None:
        read, found = read_form(json.dumps(form).encode())
        assert read is not None, found
        self.compiled: Compiled = compile_form(read)[0]
        self.setting = Setting(language=language)
        self.data: Variables = held or {}
        self.version = 0
        self.set_by: dict[str, tuple[int, str]] = {}
        self.page = self.view().pages[0].id
        self.kind = "page"
        self.asked: list[str] = []
        self.framed_by = ""
        self.writes: list[dict[str, Any]] = []
        self.posted: list[dict[str, list[str]]] = []
        self.files: dict[str, bytearray] = {}
        self.sizes: dict[str, int] = {}
        self.failing: dict[str, list[int]] = {}
        """Path of the API -> status codes that the next requests are answered with."""
        self.moved = threading.Event()
        self._answered: dict[tuple[str, int], tuple[int, Any]] = {}
        self.lock = threading.RLock()

    def view(self) -> Any:
        return view(self.compiled, self.data, self.setting)

    def shown(self, faults: list[Fault] = [], conflicts: list[Conflict] = []) -> Shown:  # noqa: B006 - never changed
        drawn = self.view()
        page = drawn.page(self.page)
        on_form = self.kind in {"page", "check"}
        answers = [
            Answer(item.path, item.texts.get("label", ""), str(item.value or ""), each.id, f"{BASE}/{TASK}/{each.id}")
            for each in drawn.pages
            for item in each.walk()
            if item.path and item.visible and self.kind == "check"
        ]
        return Shown(
            kind=cast("Any", self.kind),
            language=self.setting.language,
            direction=direction(self.setting.language),
            title=(drawn.title or "Form") if on_form else "",
            task=TASK if on_form else "",
            page=self.page if self.kind == "page" else "",
            view=drawn if on_form else None,
            faults=faults,
            conflicts=conflicts,
            answers=answers,
            number=page.number if page is not None and self.kind == "page" else 0,
            of=drawn.of,
            first=drawn.beside(self.page, -1) is None,
            last=drawn.beside(self.page, 1) is None,
            urls={"action": f"{BASE}/{TASK}/{self.page}", "api": f"{BASE}/api"},
            languages=[Language(each, each, f"?language={each}") for each in ("en", "de")],
            csrf="c",
            version=self.version,
        )

    def screen(self, faults: list[Fault] = [], conflicts: list[Conflict] = []) -> Any:  # noqa: B006 - never changed
        return {
            "shown": plain(self.shown(faults, conflicts)),
            "programs": plain(programs(self.compiled)),
            "version": self.version,
        }

    def write(self, body: dict[str, Any]) -> list[Conflict]:
        """Takes the answers of a write, the last to arrive wins; gives what was changed elsewhere meanwhile."""
        sets = cast("dict[str, Json]", body.get("sets", {}))
        self.writes.append(body)
        found: list[Conflict] = []
        if sets:
            self.version += 1
        for path, value in sets.items():
            at, device = self.set_by.get(path, (0, ""))
            theirs = value_at(cast("Json", self.data), path_of(path))
            if at > body["base"] and device != body["device"] and theirs != value:
                found.append(Conflict(path, theirs, value))
            sent: Variables = {}
            put_at(sent, path_of(path), value)
            if isinstance(value, list) or "[" in path:
                put_at(self.data, path_of(path), value)
            else:
                self.data = merged(self.compiled, sent, self.data, self.setting)
            self.set_by[path] = (self.version, body["device"])
        return found

    def elsewhere(self, path: str, value: Json) -> None:
        """Another device changes an answer."""
        with self.lock:
            self.write({"base": self.version, "device": "other", "seq": 0, "sets": {path: value}})

    def ask(self, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        key = (body["device"], body["seq"])
        with self.lock:
            self.asked.append(what)
            if key not in self._answered or what == "judge":
                self._answered[key] = self._done(what, body)
            return self._answered[key]

    def _done(self, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        conflicts = self.write(body)
        if what == "draft":
            return 200, {"version": self.version, "conflicts": plain(conflicts)}
        page = body["page"]
        faults = judge(self.view(), self.setting, None if what == "submit" else page)
        if what == "judge":
            return 200, self.screen(faults)
        if what == "back":
            before = self.view().beside(page, -1)
            self.kind, self.page = "page", before.id if before is not None else page
            return 200, self.screen(conflicts=conflicts)
        if faults:
            return 422, {"title": "faults", "faults": plain(faults)}
        after = self.view().beside(page, 1)
        if what == "submit":
            self.kind = "wait"
        elif after is not None:
            self.page = after.id
        return 200, self.screen(conflicts=conflicts)

    def end(self) -> None:
        """The process is done."""
        with self.lock:
            self.kind = "end"
        self.moved.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    journey: Journey

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def answer(self, status: int, body: bytes = b"", type: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", CSP)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle(self) -> None:
        # A page that goes away hears no answer.
        with suppress(ConnectionError):
            super().handle()

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def fails(self, what: str) -> bool:
        planned = self.journey.failing.get(what)
        if not planned:
            return False
        self.body()
        self.answer(planned.pop(0), b'{"title": "planned"}')
        return True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/static/frame.js":
            self.answer(200, FRAME_SCRIPT, "text/javascript")
        elif url.path.startswith("/static/"):
            type = "text/javascript" if url.path.endswith(".js") else "text/css"
            file = STATIC / url.path.removeprefix("/static/")
            self.answer(200, file.read_bytes() if file.is_file() else b"", type)
        elif url.path == "/host":
            self.answer(200, HOST, "text/html; charset=utf-8")
        elif url.path == "/start":
            self.answer(200, HOST.replace(b'src="/play/-/J" token="t"', b'start="/play/-/start/P"'), "text/html")
        elif url.path == "/link":
            source = b'src="/play/-/l/wants-a-code"'
            self.answer(200, HOST.replace(b'src="/play/-/J" token="t"', source), "text/html")
        elif url.path == "/frame":
            self.answer(200, FRAME, "text/html; charset=utf-8")
        elif url.path == f"{BASE}/api/screen":
            self.screen(parse_qs(url.query))
        elif url.path == f"{BASE}/api/events":
            self.events()
        elif url.path.startswith(BASE):
            self.page(unquote(url.path.rpartition("/")[2]))
        elif url.path == "/favicon.ico":
            self.answer(204)
        else:
            self.answer(404)

    def screen(self, query: dict[str, list[str]]) -> None:
        if self.fails("screen"):
            return
        page, language = (query.get(name, [""])[0] for name in ("page", "language"))
        with self.journey.lock:
            self.journey.asked.append("screen")
            if page and self.journey.kind in {"page", "check"}:
                self.journey.page = page
            if language:
                self.journey.setting = Setting(language=language)
            self.answer(200, encode(self.journey.screen()))

    def events(self) -> None:
        if self.fails("events"):
            return
        self.journey.moved.wait(5)
        self.answer(200, b": open\n\nevent: moved\ndata: {}\n\n", "text/event-stream")

    def page(self, page: str) -> None:
        with self.journey.lock:
            if self.journey.kind == "page" and self.journey.view().page(page) is not None:
                self.journey.page = page
            screen = encode(self.journey.screen()).decode().replace("<", "\\u003c")
        text = (
            PAGE.replace("SCREEN", screen).replace("PAGE", self.journey.page).replace("ORIGIN", self.journey.framed_by)
        )
        self.answer(200, text.encode(), "text/html; charset=utf-8")

    def do_PUT(self) -> None:
        self.api("draft")

    def do_POST(self) -> None:
        what = self.path.rpartition("/")[2]
        if self.path == f"{BASE}/api/files":
            id = f"file{len(self.journey.files) + 1}"
            self.journey.files[id] = bytearray()
            self.journey.sizes[id] = int(self.headers["Upload-Length"])
            self.answer(201, Location=f"{BASE}/api/files/{id}")
        elif self.path in {"/play/-/api/start", "/play/-/api/open"}:
            proven = decode(self.body()) != {"link": "wants-a-code"}
            session: dict[str, Json] = {"journey": "J", "token": "t", "proven": proven, "api": f"{BASE}/api"}
            self.answer(201, encode(session))
        elif self.path == "/play/-/api/begin":
            # This start has no form.
            self.body()
            self.answer(200, encode({"shown": {"kind": "begin", "language": "en"}, "programs": None, "version": 0}))
        elif self.path == f"{BASE}/api/code":
            self.answer(204 if decode(self.body()) == {"code": "123456"} else 400)
        elif self.path.startswith(f"{BASE}/api/"):
            self.api(what)
        else:
            self.journey.posted.append(parse_qs(self.body().decode(), keep_blank_values=True))
            self.answer(303, Location=f"{BASE}/{TASK}/{self.journey.page}")

    def api(self, what: str) -> None:
        if self.fails(what):
            return
        body = cast("dict[str, Any]", decode(self.body()))
        if self.headers.get("X-CSRF-Token") != "c" and self.headers.get("Authorization") != "Bearer t":
            self.answer(403, b'{"title": "no token"}')
            return
        status, found = self.journey.ask(what, body)
        self.answer(status, encode(found), "application/json" if status < 300 else "application/problem+json")

    def do_HEAD(self) -> None:
        file = self.journey.files[self.path.rpartition("/")[2]]
        self.answer(200, Upload_Offset=str(len(file)))

    def do_PATCH(self) -> None:
        if self.fails("files"):
            return
        file = self.journey.files[self.path.rpartition("/")[2]]
        if int(self.headers["Upload-Offset"]) != len(file):
            self.body()
            self.answer(409)
            return
        file += self.body()
        self.answer(204, Upload_Offset=str(len(file)))


HOST: Final = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<script type="module" src="/static/player.js"></script></head><body><h1>A shop</h1>
<procession-player src="/play/-/J" token="t" history="entries"></procession-player></body></html>"""

FRAME: Final = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head><body>
<div id="place"></div><ol></ol><script type="module" src="/static/frame.js"></script></body></html>"""
FRAME_SCRIPT: Final = b"""import { embed } from "/static/embed.js";
const src = new URLSearchParams(location.search).get("src");
const line = (textContent) => Object.assign(document.createElement("li"), { textContent });
const on = ({ name }) => document.querySelector("ol").append(line(name));
embed(document.getElementById("place"), { src, title: "A claim", on });
"""

PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Form</title>
<script type="module" src="/static/player.js"></script></head><body data-embed-origins="ORIGIN">
<main id="main"><h1>Form</h1><form method="post" action="/play/-/J/T/PAGE" data-procession-page="PAGE"
 data-api="/play/-/J/api"><label for="f-name">Name</label><input id="f-name" name="f:name">
<button name="action" value="next">Continue</button></form></main>
<script type="application/json" id="procession-screen">SCREEN</script></body></html>"""


@contextmanager
def serving(journey: Journey) -> Iterator[str]:
    """The address of a server of one journey."""
    handler = type("Handler", (_Handler,), {"journey": journey})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        journey.moved.set()
        server.shutdown()
        server.server_close()
        thread.join()


def field(type: str, key: str, label: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "key": key, "label": label, **more}


CLAIM: Final[dict[str, Any]] = {
    "type": "default",
    "id": "claim",
    "properties": {"procession.title": "Claim"},
    "components": [
        {
            "type": "multipage",
            "components": [
                {
                    "type": "page",
                    "id": "who",
                    "label": "Who",
                    "components": [
                        field("textfield", "name", "Name", validate={"required": True}),
                        field("checkbox", "company", "For a company"),
                        field(
                            "textfield", "vat", "VAT number",
                            conditional={"hide": "=company != true"}, validate={"required": True, "minLength": 5},
                        ),
                        field(
                            "number", "amount", "Amount",
                            validate={"min": 1, "max": "=if company then 500 else 100"},
                        ),
                    ],
                },
                {
                    "type": "page",
                    "id": "pay",
                    "label": "Pay",
                    "conditional": {"hide": "=amount = 7"},
                    "components": [field("textfield", "iban", "IBAN", properties={"procession.kind": "iban"})],
                },
                {
                    "type": "page",
                    "id": "last",
                    "label": "Last",
                    "components": [
                        field("textfield", "odd", "Odd", validate={"pattern": "^(a+)+$", "validationType": "custom"}),
                        field("filepicker", "files", "Files", properties={"procession.maxSize": "3 MB"}),
                        {
                            "type": "dynamiclist", "path": "people", "label": "People", "isRepeating": True,
                            "allowAddRemove": True, "defaultRepetitions": 1,
                            "components": [field("textfield", "name", "Person")],
                        },
                    ],
                },
            ],
        }
    ],
}  # fmt: skip
"""A form of three pages, with a condition on fields, one on a page, and a limit that depends on an answer."""
