"""What is expected of every endpoint of the server, by role: the table of tests/unit/web/test_access_matrix.py.

It says again, and not by the code, what `services.access.ROLES` and the routes say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec

from procession.base.values import Json

EVERYBODY: Final = ("viewer", "task-worker", "worker", "operator", "builder", "deployer", "admin")
NOBODY: Final = ()
ADMIN: Final = ("admin",)
MODELLERS: Final = ("viewer", "task-worker", "operator", "builder", "deployer", "admin")
CHECKERS: Final = ("builder", "deployer", "admin")
DEPLOYERS: Final = ("deployer", "admin")
LOOKERS: Final = ("viewer", "operator", "builder", "admin")
STARTERS: Final = ("operator", "builder", "admin")
OPERATORS: Final = ("operator", "admin")
TASK_READERS: Final = ("viewer", "task-worker", "operator", "builder", "admin")
TASK_WORKERS: Final = ("task-worker", "operator", "builder", "admin")
JOB_WORKERS: Final = ("worker", "operator", "admin")
BATCH_READERS: Final = ("viewer", "operator", "admin")
SENDERS: Final = ("worker", "operator", "builder", "admin")
JOURNEY_WRITERS: Final = ("operator", "builder", "admin")
DOCUMENT_READERS: Final = ("viewer", "task-worker", "worker", "operator", "builder", "admin")
DOCUMENT_WRITERS: Final = ("task-worker", "worker", "operator", "admin")

LET_IN: Final = 0
"""An answer that is none of 401, 403, 404 and 5xx: what it is depends on what there is to do."""


@final
class Row(msgspec.Struct, frozen=True):
    """What is expected of an endpoint: `ok` for `roles`, 403 for others.

    `path` is placeholder -> kind of thing; `also` are such of the body, where they stand as `$placeholder`. A body that
    is no JSON is `content`, of the type `media`."""

    roles: tuple[str, ...]
    ok: int = 200
    path: Mapping[str, str] = {}
    body: Json = None
    also: Mapping[str, str] = {}
    content: bytes | None = None
    media: str = "application/json"
    query: str = ""
    headers: Mapping[str, str] = {}
    platform: bool = False
    """For callers of the platform alone: the same roles in a tenant may not."""
    several: bool = False
    """It answers for each of several by itself."""
    outside: bool = False
    """A stream without an end, something that leaves the machine, or the end of all: who may is not tried."""


_TUS: Final = {"tus-resumable": "1.0.0", "upload-offset": "0"}
_META: Final = "filename YS50eHQ=,filetype dGV4dC9wbGFpbg=="
_PIECE: Final = "application/offset+octet-stream"
_DOCUMENTS: Final[Json] = {"resources": [{"name": "n.bpmn", "text": "<definitions/>"}]}
_KEY: Final = {"key": "instance"}

EXPECTED: Final[dict[str, Row]] = {
    "GET /v1/whoami": Row(EVERYBODY),
    "POST /v1/keys": Row(ADMIN, 201, body={"name": "k", "roles": ["viewer"]}),
    "GET /v1/keys": Row(ADMIN),
    "GET /v1/keys/{id}": Row(ADMIN, path={"id": "key"}),
    "POST /v1/keys/{id}/rotate": Row(ADMIN, path={"id": "key"}, body={}),
    "DELETE /v1/keys/{id}": Row(ADMIN, 204, path={"id": "key"}),
    "POST /v1/members": Row(ADMIN, 201, body={"subject": "user:corp|new", "roles": ["viewer"]}),
    "GET /v1/members": Row(ADMIN),
    "GET /v1/members/{id}": Row(ADMIN, path={"id": "member"}),
    "PUT /v1/members/{id}": Row(ADMIN, path={"id": "member"}, body={"roles": ["viewer"]}),
    "DELETE /v1/members/{id}": Row(ADMIN, 204, path={"id": "member"}),
    "POST /v1/services": Row(ADMIN, 201, body={"name": "new", "roles": ["worker"]}),
    "GET /v1/services": Row(ADMIN),
    "GET /v1/services/{name}": Row(ADMIN, path={"name": "service"}),
    "PUT /v1/services/{name}": Row(ADMIN, path={"name": "service"}, body={"roles": ["worker"]}),
    "DELETE /v1/services/{name}": Row(ADMIN, 204, path={"name": "service"}),
    "GET /v1/audit": Row(ADMIN),
    "GET /v1/audit/export": Row(ADMIN),
    "POST /v1/tenants": Row(ADMIN, 201, body={"name": "new"}, platform=True),
    "GET /v1/tenants": Row(ADMIN, platform=True),
    "GET /v1/tenants/{name}": Row(ADMIN, path={"name": "tenant"}, platform=True),
    "GET /v1/tenants/{name}/limits": Row(ADMIN, path={"name": "own-tenant"}),
    "PUT /v1/tenants/{name}/limits": Row(ADMIN, path={"name": "own-tenant"}, body={}, platform=True),
    "GET /v1/tenants/{name}/usage": Row(ADMIN, path={"name": "own-tenant"}),
    "GET /v1/tenants/{name}/export": Row(ADMIN, path={"name": "own-tenant"}),
    "POST /v1/tenants/{name}/keys/rotate": Row(ADMIN, LET_IN, path={"name": "own-tenant"}),
    "DELETE /v1/tenants/{name}": Row(ADMIN, path={"name": "own-tenant"}, platform=True, outside=True),
    "GET /v1/neighbours": Row(ADMIN, platform=True),
    "GET /v1/environments": Row(ADMIN),
    "POST /v1/environments": Row(ADMIN, 201, body={"name": "test"}),
    "POST /v1/environments/promote": Row(
        DEPLOYERS, LET_IN, body={"source": "$id", "target": "$id", "dry_run": True}, also={"id": "own-tenant"}
    ),
    # --- definitions
    "POST /v1/deployments": Row(DEPLOYERS, LET_IN, body=_DOCUMENTS),
    "POST /v1/deployments/diff": Row(CHECKERS, LET_IN, body=_DOCUMENTS),
    "GET /v1/deployments": Row(MODELLERS),
    "GET /v1/deployments/{key}": Row(MODELLERS, path={"key": "deployment"}),
    "GET /v1/deployments/{key}/resources/{digest}": Row(MODELLERS, path={"key": "deployment", "digest": "digest"}),
    "GET /v1/definitions": Row(MODELLERS),
    "GET /v1/definitions/{key}": Row(MODELLERS, path={"key": "definition"}),
    "GET /v1/definitions/{key}/xml": Row(MODELLERS, path={"key": "definition"}),
    "GET /v1/definitions/{key}/diagram": Row(MODELLERS, LET_IN, path={"key": "definition"}),
    "POST /v1/definitions/{key}/suspend": Row(DEPLOYERS, LET_IN, path={"key": "definition"}, body={}),
    "POST /v1/definitions/{key}/resume": Row(DEPLOYERS, LET_IN, path={"key": "definition"}, body={}),
    "GET /v1/decisions": Row(MODELLERS),
    "GET /v1/decisions/{key}": Row(MODELLERS, path={"key": "decision"}),
    "GET /v1/decisions/{key}/xml": Row(MODELLERS, path={"key": "decision"}),
    "GET /v1/forms": Row(MODELLERS),
    "GET /v1/forms/{key}": Row(MODELLERS, path={"key": "form"}),
    "GET /v1/forms/{key}/document": Row(MODELLERS, path={"key": "form"}),
    "GET /v1/definitions/{key}/form": Row(MODELLERS, path={"key": "definition"}),
    "POST /v1/decisions/{decision_id}/evaluate": Row(STARTERS, LET_IN, path={"decision_id": "decision-id"}, body={}),
    "POST /v1/migration-plans": Row(
        MODELLERS, LET_IN, body={"process_id": "$id", "from_version": 1}, also={"id": "process-id"}
    ),
    # --- instances
    "POST /v1/instances": Row(STARTERS, 201, body={"process_id": "$id"}, also={"id": "process-id"}),
    "POST /v1/instances/many": Row(
        STARTERS, LET_IN, body={"process_id": "$id", "instances": [{}]}, also={"id": "process-id"}, several=True
    ),
    "GET /v1/instances": Row(LOOKERS),
    "GET /v1/instances/{key}": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/variables": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/history": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/elements": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/incidents": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/warnings": Row(LOOKERS, path=_KEY),
    "GET /v1/instances/{key}/diagram": Row(LOOKERS, LET_IN, path=_KEY),
    "GET /v1/instances/{key}/moments/{seq}": Row(LOOKERS, path={"key": "instance", "seq": "seq"}),
    "GET /v1/instances/{key}/events": Row(LOOKERS, path=_KEY, outside=True),
    "GET /v1/events": Row(LOOKERS, outside=True),
    "PATCH /v1/instances/{key}/variables": Row(OPERATORS, LET_IN, path=_KEY, body={"variables": {"x": 1}}),
    "POST /v1/instances/{key}/cancel": Row(OPERATORS, LET_IN, path=_KEY, body={}),
    "POST /v1/instances/{key}/suspend": Row(OPERATORS, LET_IN, path=_KEY, body={}),
    "POST /v1/instances/{key}/resume": Row(OPERATORS, LET_IN, path=_KEY),
    "POST /v1/instances/{key}/modify": Row(OPERATORS, LET_IN, path=_KEY, body={"variables": {"x": 1}}),
    # There is no ad-hoc sub-process to trigger anything in.
    "POST /v1/instances/{key}/trigger": Row(OPERATORS, 404, path=_KEY, body={"activities": ["t"], "element": "1"}),
    "POST /v1/instances/{key}/migrate": Row(OPERATORS, LET_IN, path=_KEY, body={"to_version": 1}),
    "POST /v1/instances/{key}/restart": Row(OPERATORS, LET_IN, path=_KEY, body={"begin": [{"element": "work"}]}),
    "POST /v1/messages": Row(SENDERS, LET_IN, body={"name": "m"}),
    "POST /v1/signals": Row(SENDERS, body={"name": "s"}),
    "POST /v1/conditions/evaluate": Row(SENDERS, LET_IN, body={"variables": {"x": 1}}),
    # --- work
    "GET /v1/tasks": Row(TASK_READERS),
    "GET /v1/tasks/{key}": Row(TASK_READERS, path={"key": "task"}),
    "GET /v1/tasks/{key}/form": Row(TASK_READERS, path={"key": "task"}),
    "POST /v1/tasks/{key}/complete": Row(TASK_WORKERS, LET_IN, path={"key": "task"}, body={}),
    # A key is no person, so it has no tasks.
    "POST /v1/tasks/{key}/claim": Row(NOBODY, path={"key": "task"}),
    "POST /v1/tasks/{key}/unclaim": Row(TASK_WORKERS, LET_IN, path={"key": "task"}),
    "PATCH /v1/tasks/{key}": Row(OPERATORS, LET_IN, path={"key": "task"}, body={"priority": 7}),
    "GET /v1/incidents": Row(LOOKERS),
    "GET /v1/incidents/{key}": Row(LOOKERS, path={"key": "incident"}),
    "POST /v1/incidents/{key}/resolve": Row(OPERATORS, LET_IN, path={"key": "incident"}, body={}),
    "GET /v1/jobs": Row(("viewer", "worker", "operator", "builder", "admin")),
    "GET /v1/jobs/{key}": Row(("viewer", "worker", "operator", "builder", "admin"), path={"key": "job"}),
    "POST /v1/jobs/activate": Row(JOB_WORKERS, body={"types": ["none"]}),
    "GET /v1/jobs/stream": Row(JOB_WORKERS, query="type=none", outside=True),
    "POST /v1/jobs/finish": Row(
        JOB_WORKERS, body={"items": [{"outcome": "complete", "key": "$key"}]}, also={"key": "job"}, several=True
    ),
    "POST /v1/jobs/{key}/complete": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={}),
    "POST /v1/jobs/{key}/fail": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={"error": "e"}),
    "POST /v1/jobs/{key}/throw": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={"code": "c"}),
    "POST /v1/jobs/{key}/deny": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={}),
    "POST /v1/jobs/{key}/extend": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={"timeout_ms": 1_000}),
    "PATCH /v1/jobs/{key}": Row(JOB_WORKERS, LET_IN, path={"key": "job"}, body={"retries": 3}),
    "POST /v1/batches": Row(OPERATORS, 201, body={"filter": {"process_id": "none"}, "action": {"action": "cancel"}}),
    "GET /v1/batches": Row(BATCH_READERS),
    "GET /v1/batches/{key}": Row(BATCH_READERS, path={"key": "batch"}),
    "GET /v1/batches/{key}/errors": Row(BATCH_READERS, path={"key": "batch"}),
    "POST /v1/batches/{key}/pause": Row(OPERATORS, LET_IN, path={"key": "batch"}),
    "POST /v1/batches/{key}/resume": Row(OPERATORS, LET_IN, path={"key": "batch"}),
    "POST /v1/batches/{key}/cancel": Row(OPERATORS, LET_IN, path={"key": "batch"}),
    "POST /v1/batches/{key}/revert": Row(OPERATORS, LET_IN, path={"key": "batch"}),
    # --- webhooks and documents
    "POST /v1/webhooks": Row(ADMIN, 201, body={"url": "https://93.184.216.34/x"}),
    "GET /v1/webhooks": Row(OPERATORS),
    "GET /v1/webhooks/{id}": Row(OPERATORS, path={"id": "webhook"}),
    "PATCH /v1/webhooks/{id}": Row(ADMIN, LET_IN, path={"id": "webhook"}, body={"description": "d"}),
    "DELETE /v1/webhooks/{id}": Row(ADMIN, 204, path={"id": "webhook"}),
    "POST /v1/webhooks/{id}/rotate": Row(ADMIN, 200, path={"id": "webhook"}, body={}),
    "POST /v1/webhooks/{id}/test": Row(ADMIN, path={"id": "webhook"}, outside=True),
    "POST /v1/webhooks/{id}/replay": Row(ADMIN, LET_IN, path={"id": "webhook"}, body={"since": "2026-01-01T00:00:00Z"}),
    "GET /v1/webhooks/{id}/deliveries": Row(OPERATORS, path={"id": "webhook"}),
    "POST /v1/webhooks/{id}/deliveries/{message}/retry": Row(
        ADMIN, path={"id": "webhook", "message": "delivery"}, outside=True
    ),
    # --- journeys; the process of the tests is none
    "POST /v1/journeys": Row(JOURNEY_WRITERS, LET_IN, body={"process_id": "$id"}, also={"id": "process-id"}),
    "POST /v1/journeys/links": Row(JOURNEY_WRITERS, LET_IN, body={"process_id": "$id"}, also={"id": "process-id"}),
    "GET /v1/journeys/links": Row(LOOKERS),
    "GET /v1/journeys/funnel": Row(LOOKERS, query="process_id=p"),
    "DELETE /v1/journeys/links/{id}": Row(JOURNEY_WRITERS, 204, path={"id": "journey-link"}),
    "POST /v1/journeys/brands": Row(JOURNEY_WRITERS, 204, body={"id": "new", "brand": {}}),
    "GET /v1/journeys/brands/{id}": Row(LOOKERS, path={"id": "journey-brand"}),
    "POST /player/api/generate-link": Row(
        JOURNEY_WRITERS, LET_IN, body={"processId": "$id"}, also={"id": "process-id"}
    ),
    "POST /player/api/send-link": Row(JOURNEY_WRITERS, LET_IN, body={"processId": "$id"}, also={"id": "process-id"}),
    "POST /v1/documents": Row(DOCUMENT_WRITERS, 201, content=b"text", media="text/plain", query="name=a.txt"),
    "GET /v1/documents": Row(DOCUMENT_READERS),
    "GET /v1/documents/{id}": Row(DOCUMENT_READERS, path={"id": "document"}),
    "GET /v1/documents/{id}/content": Row(DOCUMENT_READERS, path={"id": "document"}),
    "HEAD /v1/documents/{id}/content": Row(DOCUMENT_READERS, path={"id": "document"}),
    # Who writes documents deletes their own; these are the admin's.
    "DELETE /v1/documents/{id}": Row(OPERATORS, 204, path={"id": "document"}),
    "GET /v1/documents/{id}/preview": Row(DOCUMENT_READERS, path={"id": "document"}, outside=True),
    "GET /v1/documents/{id}/fields": Row(DOCUMENT_READERS, LET_IN, path={"id": "document"}),
    "GET /v1/documents/{id}/seals": Row(DOCUMENT_READERS, LET_IN, path={"id": "document"}),
    "POST /v1/documents/{id}/fill": Row(
        DOCUMENT_WRITERS, LET_IN, path={"id": "document"}, body={"name": "a.pdf", "values": {}}
    ),
    "POST /v1/documents/{id}/sign": Row(
        DOCUMENT_WRITERS,
        LET_IN,
        path={"id": "document"},
        body={"name": "a.pdf", "signatures": [{"signer": "s", "identified_by": "i", "typed": "s"}]},
    ),
    "POST /v1/papers": Row(DOCUMENT_WRITERS, LET_IN, body={"name": "a.pdf", "template": "{{ missing }}"}),
    "POST /v1/uploads": Row(DOCUMENT_WRITERS, 201, headers={**_TUS, "upload-length": "5", "upload-metadata": _META}),
    # An upload is for who began it alone, whatever others may.
    "HEAD /v1/uploads/{id}": Row(DOCUMENT_WRITERS, path={"id": "upload"}, headers=_TUS, outside=True),
    "PATCH /v1/uploads/{id}": Row(
        DOCUMENT_WRITERS, path={"id": "upload"}, content=b"text", media=_PIECE, headers=_TUS, outside=True
    ),
    "DELETE /v1/uploads/{id}": Row(DOCUMENT_WRITERS, path={"id": "upload"}, headers=_TUS, outside=True),
}
"""Method and path -> what is expected."""
