"""Two tenants and the platform for the matrix of access, and how things of the one are made and called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast, final

import httpx
import msgspec

from access_expected import Row
from access_rig import WHO, bearer, new_key
from dmn_documents import decision, document, text
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import ROLES, Grant
from procession.services.backend import PLATFORM
from procession.services.journeys.kept import BRAND, LINK, Brand, Link
from procession.services.members import MEMBER, SERVICE, MemberBody, ServiceBody, member_id
from procession.web.site import Site

OWN: Final = "acme-own"
OTHER: Final = "other"
CANARY: Final = "CANARY"
"""Part of every text of the tenant `own`: it is in no answer to anybody else."""

BPMN: Final = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="own_work" name="{CANARY}" isExecutable="true">
 <startEvent id="s"><extensionElements><zeebe:formDefinition formId="own_form"/></extensionElements></startEvent>
 <sequenceFlow id="f" sourceRef="s" targetRef="both"/><parallelGateway id="both"/>
 <sequenceFlow id="g" sourceRef="both" targetRef="work"/><sequenceFlow id="h" sourceRef="both" targetRef="ask"/>
 <serviceTask id="work"><extensionElements><zeebe:taskDefinition type="{CANARY}"/></extensionElements></serviceTask>
 <userTask id="ask" name="{CANARY}"><extensionElements><zeebe:userTask/>
 <zeebe:formDefinition formId="own_form"/></extensionElements></userTask>
 </process></definitions>""".encode()
FORM: Final = json.dumps(
    {"type": "default", "id": "own_form", "components": [{"type": "textfield", "key": "a", "label": CANARY}]}
).encode()
DMN: Final = document(decision("own_decision", text(f'"{CANARY}"')))


@final
class World:
    """Two tenants and the platform, a key of each role in each, and things of the tenant `own`."""

    def __init__(self, site: Site, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client
        self.callers: dict[tuple[str, str], str] = {}
        self._made = 0
        self._deployed = 0

    async def settle(self) -> None:
        """Makes the tenants and their callers."""
        requests: list[q.Plain] = [q.AddTenant(tenant) for tenant in (OWN, OTHER, PLATFORM)]
        for tenant in (OWN, OTHER, PLATFORM):
            for role in ROLES:
                self.callers[tenant, role], request = new_key(tenant, [role])
                requests.append(request)
        await self.site.backend.ask_all(requests, WHO)

    async def put(self, kind: str, id: str, body: msgspec.Struct) -> str:
        """A document of the server."""
        await self.site.backend.ask(q.PutRecord(OWN, kind, id, cast("Json", msgspec.to_builtins(body))), WHO)
        return id

    async def post(self, path: str, content: bytes, media: str = "application/json") -> dict[str, str]:
        """What the admin of `own` is answered."""
        headers = {**bearer(self.callers[OWN, "admin"]), "content-type": media}
        answer = await self.client.post(path, content=content, headers=headers)
        assert answer.is_success, answer.text
        return cast("dict[str, str]", answer.json())

    def next(self) -> int:
        """A number of one's own."""
        self._made += 1
        return self._made

    async def deployment(self) -> int:
        """The key of the deployment of `own`, which is made when it is asked for first."""
        if not self._deployed:
            request = q.DeployResources(OWN, [("own.bpmn", BPMN), ("own.dmn", DMN), ("own.form", FORM)], CANARY)
            made = cast("dict[str, int]", msgspec.to_builtins(await self.site.backend.ask(request, WHO)))
            self._deployed = made["key"]
        return self._deployed

    async def started(self) -> int:
        """The key of a new instance of `own`."""
        await self.deployment()
        found = await self.site.backend.ask(q.StartProcess(OWN, "own_work", {"text": CANARY}), WHO)
        assert isinstance(found, int)
        return found

    async def ask(self, name: str, row: Row, things: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        """An endpoint's answer about things, by placeholder."""
        method, _, path = name.partition(" ")
        body = row.content if row.body is None else json.dumps(row.body).encode()
        for placeholder, thing in things.items():
            path = path.replace(f"{{{placeholder}}}", thing)
            if placeholder in row.also:
                assert body is not None, name
                body = body.replace(f"${placeholder}".encode(), thing.encode())
        typed = {"content-type": row.media} if body is not None else {}
        query = f"?{row.query}" if row.query else ""
        return await self.client.request(
            method, path + query, content=body, headers={**row.headers, **headers, **typed}
        )

    async def things(self, row: Row) -> dict[str, str]:
        """New things of the tenant `own` for a request."""
        return {place: await MAKERS[kind](self) for place, kind in {**row.path, **row.also}.items()}


Maker = Callable[[World], Awaitable[str]]


async def a_key(world: World) -> str:
    secrets = (keys.Secret(keys.digest_of(CANARY)),)
    return await world.put(keys.KIND, keys.new_id(), keys.KeyBody(CANARY, Grant(("viewer",)), secrets, 1, CANARY))


async def a_member(world: World) -> str:
    subject = f"user:corp|{CANARY}{world.next()}"
    return await world.put(MEMBER, member_id(subject), MemberBody(subject, Grant(("viewer",))))


async def a_service(world: World) -> str:
    return await world.put(SERVICE, f"robot{world.next()}", ServiceBody(Grant(("worker",)), CANARY))


async def a_journey_link(world: World) -> str:
    return await world.put(LINK, keys.digest_of(str(world.next())), Link("own_work", 1, CANARY, 1 << 50, name=CANARY))


async def a_journey_brand(world: World) -> str:
    return await world.put(BRAND, f"brand{world.next()}", Brand(name=CANARY))


async def a_tenant(world: World) -> str:
    return OTHER


async def the_tenant(world: World) -> str:
    return OWN


async def a_deployment(world: World) -> str:
    return str(await world.deployment())


async def a_digest(world: World) -> str:
    await world.deployment()
    return hashlib.sha256(BPMN).hexdigest()


async def a_definition(world: World) -> str:
    await world.deployment()
    found = await world.site.backend.read(OWN, lambda reader: reader.views.definitions(OWN))
    return str(found[0].key)


async def a_decision(world: World) -> str:
    await world.deployment()
    headers = bearer(world.callers[OWN, "admin"])
    return cast("str", (await world.client.get("/v1/decisions", headers=headers)).json()["items"][0]["key"])


async def a_form(world: World) -> str:
    await world.deployment()
    headers = bearer(world.callers[OWN, "admin"])
    return cast("str", (await world.client.get("/v1/forms", headers=headers)).json()["items"][0]["key"])


async def a_process_id(world: World) -> str:
    await world.deployment()
    return "own_work"


async def a_decision_id(world: World) -> str:
    await world.deployment()
    return "own_decision"


async def an_instance(world: World) -> str:
    return str(await world.started())


async def a_seq(world: World) -> str:
    return "1"


async def a_job(world: World) -> str:
    key = await world.started()
    found = await world.site.backend.read(OWN, lambda reader: reader.views.jobs(OWN, instance=key))
    return str(found[0].key)


async def a_task(world: World) -> str:
    key = await world.started()
    found = await world.site.backend.read(OWN, lambda reader: reader.views.tasks(OWN, instance=key))
    return str(found[0].key)


async def an_incident(world: World) -> str:
    key = await world.started()
    jobs = await world.site.backend.read(OWN, lambda reader: reader.views.jobs(OWN, instance=key))
    await world.site.backend.ask(q.FailJob(OWN, jobs[0].key, CANARY, retries=0), WHO)
    found = await world.site.backend.read(OWN, lambda reader: reader.views.incidents(OWN, instance=key))
    return str(found[0].key)


async def a_batch(world: World) -> str:
    body = b'{"filter": {"process_id": "none"}, "action": {"action": "cancel", "reason": "CANARY"}}'
    return (await world.post("/v1/batches", body))["key"]


async def a_webhook(world: World) -> str:
    return (await world.post("/v1/webhooks", b'{"url": "https://93.184.216.34/CANARY"}'))["id"]


async def a_delivery(world: World) -> str:
    return "msg_1_1"


async def a_document(world: World) -> str:
    return (await world.post("/v1/documents?name=CANARY.txt", b"CANARY", "text/plain"))["id"]


async def an_upload(world: World) -> str:
    from procession.services.backend import Who
    from procession.web.documents import Arriving
    from procession.web.uploads import Uploads

    world._made += 1
    what = Arriving(OWN, f"doc_{world._made:032x}", "CANARY", "text/plain", 5)
    return (await Uploads(world.site.archive).begin(what, Who("user:somebody"))).id


MAKERS: Final[dict[str, Maker]] = {
    "key": a_key,
    "member": a_member,
    "service": a_service,
    "tenant": a_tenant,
    "own-tenant": the_tenant,
    "deployment": a_deployment,
    "digest": a_digest,
    "definition": a_definition,
    "decision": a_decision,
    "form": a_form,
    "process-id": a_process_id,
    "decision-id": a_decision_id,
    "instance": an_instance,
    "seq": a_seq,
    "job": a_job,
    "task": a_task,
    "incident": an_incident,
    "batch": a_batch,
    "webhook": a_webhook,
    "delivery": a_delivery,
    "document": a_document,
    "upload": an_upload,
    "journey-link": a_journey_link,
    "journey-brand": a_journey_brand,
}
"""Kind -> makes a new one in the tenant `own`, and gives what it is called in a path."""

_NO_KEY: Final = "876543210987654321"
GHOSTS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("deployment", "definition", "decision", "form", "instance", "job", "task", "incident", "batch"), _NO_KEY
    ),
    "key": "0" * 12,
    "member": "0" * 32,
    "service": "robot0",
    "tenant": "nowhere",
    "own-tenant": "acme-none",
    "digest": "0" * 64,
    "process-id": "nothing",
    "decision-id": "nothing",
    "seq": "1",
    "webhook": "whk_0",
    "delivery": "msg_1_1",
    "document": "doc_" + "0" * 32,
    "upload": "upl_" + "f" * 32,
    "journey-link": "0" * 64,
    "journey-brand": "none",
}
"""Kind -> what one that is not there is called: of the same shape."""
