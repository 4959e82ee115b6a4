"""What tests of journeys share: a claim of two tasks with pages, and a browser without a window."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, Final, cast, final

import httpx

from procession.hosts.embedded.engine import Engine
from procession.services.journeys.ports import Post
from procession.web.app import create_app
from procession.web.playing import Bounds, Playing
from procession.web.site import Site
from web_rig import running_site

HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">'
)
PROPERTIES: Final = {
    "journey.start": "public personal api",
    "journey.party": "customer",
    "journey.languages": "en de",
    "journey.contact": "email",
}
FORM: Final[dict[str, Any]] = {
    "type": "default",
    "id": "claim",
    "components": [
        {
            "type": "multipage",
            "id": "pages",
            "components": [
                {
                    "type": "page",
                    "id": "who",
                    "label": "Who",
                    "components": [
                        {"type": "textfield", "key": "name", "label": "Name", "validate": {"required": True}},
                        {"type": "textfield", "key": "email", "label": "E-mail"},
                    ],
                },
                {
                    "type": "page",
                    "id": "what",
                    "label": "What",
                    "components": [
                        {
                            "type": "number",
                            "key": "amount",
                            "label": "Amount",
                            "validate": {"required": True, "min": 1},
                        },
                        {
                            "type": "textfield",
                            "key": "police",
                            "label": "Police",
                            "conditional": {"hide": "=amount = null or amount < 1000"},
                            "validate": {"required": True},
                        },
                    ],
                },
            ],
        }
    ],
}
SECOND: Final[dict[str, Any]] = {
    "type": "default",
    "id": "sign",
    "components": [{"type": "textfield", "key": "signed", "label": "Signed", "validate": {"required": True}}],
}


def task(id: str, form: str = "", groups: str = "") -> str:
    """A user task."""
    linked = f'<zeebe:formDefinition formId="{form}"/>' if form else ""
    given = f'<zeebe:assignmentDefinition candidateGroups="{groups}"/>' if groups else ""
    return f'<userTask id="{id}"><extensionElements><zeebe:userTask/>{linked}{given}</extensionElements></userTask>'


def work(id: str, type: str) -> str:
    """A service task."""
    tag = f'<extensionElements><zeebe:taskDefinition type="{type}"/></extensionElements>'
    return f'<serviceTask id="{id}">{tag}</serviceTask>'


def called(id: str, process: str) -> str:
    """A call of another process."""
    tag = f'<extensionElements><zeebe:calledElement processId="{process}"/></extensionElements>'
    return f'<callActivity id="{id}">{tag}</callActivity>'


def model(
    *nodes: tuple[str, str], properties: Mapping[str, str] = PROPERTIES, id: str = "claim", start_form: str = ""
) -> str:
    """A process of nodes one after the other."""
    listed = "".join(f'<zeebe:property name="{name}" value="{value}"/>' for name, value in properties.items())
    ids = ["s", *(name for name, _ in nodes), "e"]
    flows = "".join(
        f'<sequenceFlow id="f{number}" sourceRef="{one}" targetRef="{other}"/>'
        for number, (one, other) in enumerate(pairwise(ids))
    )
    form = f'<extensionElements><zeebe:formDefinition formId="{start_form}"/></extensionElements>' if start_form else ""
    body = "".join(text for _, text in nodes)
    return (
        f'{HEAD}<process id="{id}" isExecutable="true"><extensionElements><zeebe:properties>{listed}'
        f'</zeebe:properties></extensionElements><startEvent id="s">{form}</startEvent>{body}<endEvent id="e"/>{flows}'
        "</process></definitions>"
    )


CLAIM: Final = model(("ask", task("ask", "claim", "customer")), ("sign", task("sign", "sign", "customer")))


def documents(bpmn: str = CLAIM, **more: str) -> list[tuple[str, bytes]]:
    """A process with the forms."""
    return [
        ("claim.bpmn", bpmn.encode()),
        ("claim.form", json.dumps(FORM).encode()),
        ("sign.form", json.dumps(SECOND).encode()),
        *((f"{name}.bpmn", text.encode()) for name, text in more.items()),
    ]


@final
class Page:
    """A page as a person sees it: its fields, buttons and texts."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.text
        self.url = response.url

    @property
    def kind(self) -> str:
        found = re.search(r'<body class="kind-(\w+)"', self.html)
        return found[1] if found is not None else ""

    @property
    def action(self) -> str:
        found = re.search(r'<form method="post" action="([^"]*)"', self.html)
        assert found is not None, self.html
        return unescape(found[1])

    @property
    def fields(self) -> dict[str, str]:
        """What the form would post as it stands: of boxes and choices those that are ticked."""
        reader = _Fields()
        reader.feed(self.html)
        return reader.found


@final
class _Fields(HTMLParser):
    """The controls of a form that have a value."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        self._text = name if tag == "textarea" else ""
        if tag == "textarea" and name:
            self.found[name] = ""
        ticked = given.get("type") not in {"checkbox", "radio"} or "checked" in given
        if tag == "input" and name and ticked and given.get("type") not in {"submit", "reset", "file"}:
            self.found[name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.found[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        self._text = ""


@final
class Browser:
    """A browser without JavaScript: it keeps cookies, follows redirects, and posts the form of a page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def open(self, path: str, **headers: str) -> Page:
        return Page(await self.client.get(path, headers=headers, follow_redirects=True))

    async def post(self, page: Page, action: str = "next", answers: Mapping[str, str] | None = None) -> Page:
        """Posts a page with answers by path; the origin is that of the page."""
        body = {**page.fields, **{f"f:{path}": value for path, value in (answers or {}).items()}, "action": action}
        return Page(await self.raw(page.action, body))

    async def raw(self, path: str, body: Mapping[str, str], **headers: str) -> httpx.Response:
        given = {"origin": "http://test", **headers}
        return await self.client.post(path, data=dict(body), headers=given, follow_redirects=True)

    async def start(self, process: str = "claim", tenant: str = "-") -> Page:
        """Starts a journey in public by its button."""
        return await self.post(await self.open(f"/play/{tenant}/start/{process}"), "go")

    def session(self) -> str:
        """The token of the session, which no script of a page could read."""
        return next(cookie.value or "" for cookie in self.client.cookies.jar if cookie.name == "procession-journey")


@final
class World:
    """An engine, its site, and browsers."""

    def __init__(self, engine: Engine, site: Site) -> None:
        self.engine = engine
        self.site = site
        self.app = cast("Any", create_app(site))
        self.clients: list[httpx.AsyncClient] = []

    def browser(self) -> Browser:
        """A browser of its own."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")
        self.clients.append(client)
        return Browser(client)


def play(
    conversation: Callable[[World], Awaitable[None]],
    *resources: tuple[str, bytes],
    bounds: Bounds | None = None,
    post: Post | None = None,
    engine: Engine | None = None,
) -> None:
    """Runs a conversation with a server that has a claim, or these documents."""

    async def run(held: Engine) -> None:
        held.deploy(*(resources or documents()))
        async with running_site(held) as site:
            site.playing = Playing(site.backend, bounds or Bounds(url="http://test"), post, scripts=held.scripts)
            world = World(held, site)
            try:
                await conversation(world)
            finally:
                for client in world.clients:
                    await client.aclose()

    if engine is not None:
        asyncio.run(run(engine))
        return
    with Engine() as made:
        asyncio.run(run(made))
