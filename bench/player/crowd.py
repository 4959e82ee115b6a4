"""The crowd: people who play, as coroutines of one process."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections import defaultdict
from typing import Any, Final, final

from bench.server import rig
from bench.server.http import Line, encoded

FORM: Final = {
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
                        {"type": "textfield", "key": "email", "label": "Mail", "validate": {"validationType": "email"}},
                        {"type": "datetime", "key": "born", "subtype": "date", "dateLabel": "Born"},
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
                        {
                            "type": "radio",
                            "key": "kind",
                            "label": "Kind",
                            "values": [{"label": each, "value": each} for each in ("fire", "water", "theft")],
                        },
                    ],
                },
            ],
        }
    ],
}
SECOND: Final = {
    "type": "default",
    "id": "sign",
    "components": [{"type": "textfield", "key": "signed", "label": "Signed", "validate": {"required": True}}],
}
_USER: Final = (
    '<userTask id="{id}"><extensionElements><zeebe:userTask/><zeebe:formDefinition formId="{form}"/>'
    '<zeebe:assignmentDefinition candidateGroups="customer"/></extensionElements></userTask>'
)
MODEL: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="bench" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="claim" isExecutable="true"><extensionElements>'
    '<zeebe:properties><zeebe:property name="journey.start" value="public"/>'
    '<zeebe:property name="journey.party" value="customer"/></zeebe:properties></extensionElements>'
    '<startEvent id="s"/>' + _USER.format(id="ask", form="claim") + '<scriptTask id="rate"><extensionElements>'
    '<zeebe:script expression="=amount * 2" resultVariable="rated"/></extensionElements></scriptTask>'
    + _USER.format(id="sign", form="sign")
    + '<endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="ask"/>'
    '<sequenceFlow id="b" sourceRef="ask" targetRef="rate"/><sequenceFlow id="c" sourceRef="rate" targetRef="sign"/>'
    '<sequenceFlow id="d" sourceRef="sign" targetRef="e"/></process></definitions>'
)


@final
class Figures:
    """Milliseconds of requests, by their kind."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = defaultdict(list)
        self.seconds = 0.0
        self.cpu = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return sum(map(len, self.ms.values())) / self.seconds

    def share(self, part: float, kind: str = "") -> float:
        """What so large a part of all requests, or of those of a kind, took at most: ms."""
        found = sorted(self.ms[kind] if kind else [each for some in self.ms.values() for each in some])
        return found[min(len(found) - 1, int(len(found) * part))]

    def slowest(self) -> tuple[str, float]:
        """The kind of request whose p95 is the longest."""
        return max(((kind, self.share(0.95, kind)) for kind in self.ms), key=lambda each: each[1])


@final
class Player:
    """One person. What goes wrong ends the bench."""

    def __init__(self, port: int, think: float, figures: Figures, seed: int) -> None:
        self._line = Line(port)
        self._think = think
        self._figures = figures
        self._random = random.Random(seed)
        self._session = ""
        self._number = 0

    async def play(self, until: float) -> None:
        """Journeys, one after the other."""
        # People do not come in step.
        await asyncio.sleep(self._random.random() * self._think * 2)
        while time.perf_counter() < until:
            await self._journey(until)
        self._line.close()

    async def _journey(self, until: float) -> None:
        opened = await self._ask("start", "/play/-/api/start", {"process_id": "claim"})
        root, self._session = opened["api"], f"Authorization: Bearer {opened['token']}\r\n"
        shown = (await self._ask("screen", f"{root}/screen", None))["shown"]
        steps: list[tuple[str, str, dict[str, Any]]] = [
            ("draft", "who", {"name": "Ann"}),
            ("draft", "who", {"email": "ann@example.com"}),
            ("next", "who", {"born": "1990-04-01"}),
            ("draft", "what", {"amount": 2_000}),
            ("draft", "what", {"police": "P-1"}),
            ("next", "what", {"kind": "fire"}),
            ("submit", "what", {}),
            ("draft", "", {"signed": "Ann"}),
            ("submit", "", {}),
        ]
        base = 0
        for what, page, sets in steps:
            if time.perf_counter() > until:
                return
            body = {"task": shown["task"], "page": page, "sets": sets, "base": base}
            if what == "draft":
                base = (await self._ask(what, f"{root}/draft", body))["version"]
                continue
            screen = await self._ask(what, f"{root}/{what}", body)
            shown, base = screen["shown"], screen["version"]
        assert shown["kind"] == "end", shown

    async def _ask(self, kind: str, path: str, body: object) -> Any:
        await asyncio.sleep(self._random.expovariate(1 / self._think))
        begun = time.perf_counter()
        verb = {"screen": "GET", "draft": "PUT"}.get(kind, "POST")
        status, answer = await self._line.ask(verb, path, encoded(body) if body is not None else b"", self._session)
        self._figures.ms[kind].append((time.perf_counter() - begun) * 1_000)
        assert status in {200, 201}, (kind, status, answer)
        return json.loads(answer)


async def played(process: rig.Process, port: int, players: int, think: float, seconds: float) -> Figures:
    """So many players for so long."""
    await deploy(port)
    found = Figures()
    begun, cpu = time.perf_counter(), process.cpu_s()
    everybody = [Player(port, think, found, seed) for seed in range(players)]
    await asyncio.gather(*(each.play(begun + seconds) for each in everybody))
    found.seconds = time.perf_counter() - begun
    found.cpu = (process.cpu_s() - cpu) / found.seconds
    return found


async def deploy(port: int) -> None:
    """The journey."""
    files = {"claim.bpmn": MODEL, "claim.form": json.dumps(FORM), "sign.form": json.dumps(SECOND)}
    resources = [{"name": name, "base64": base64.b64encode(text.encode()).decode()} for name, text in files.items()]
    line = Line(port)
    status, body = await line.post("/v1/deployments", encoded({"resources": resources}))
    assert status in {200, 201}, (status, body)
    line.close()
