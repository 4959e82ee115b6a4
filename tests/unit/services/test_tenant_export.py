"""An export holds everything of one tenant, nothing of another, no secret, and says where it ends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections import Counter
from typing import Any

import pytest

from procession import Engine
from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.services.tenancy import export
from procession.services.tenancy.export import exported
from tenancy_rig import CANARY, backend_of, furnish, model


def lines_of(engine: Engine, tenant: str) -> tuple[list[dict[str, Any]], bytes]:
    async def read() -> bytes:
        async with backend_of(engine) as backend:
            return b"".join([chunk async for chunk in exported(backend, tenant, 7)])

    data = asyncio.run(read())
    return [json.loads(line) for line in data.splitlines()], data


def test_an_export_has_everything_of_the_tenant_and_nothing_of_its_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    monkeypatch.setattr(export, "STEPS", 2)
    with Engine() as engine:
        furnish(engine, "acme")
        furnish(engine, "bolt", "OTHER-4712")
        secret = q.PutRecord("acme", "key", "k", {"hash": "SECRET-4713"})
        engine.pump.call(q.Asked("acme", secret, "user:ada"))
        lines, data = lines_of(engine, "acme")
        counts = Counter(line["type"] for line in lines)
        assert counts["instance"] == 4
        assert counts["task"] == len(engine.tasks(tenant="acme")) > 2
        assert counts["message"] == 1
        assert {"document", "definition", "steps", "record", "audit"} < set(counts)
        assert b"OTHER-4712" not in data
        assert b"SECRET-4713" not in data
        steps = [step for line in lines if line["type"] == "steps" for step in line["steps"]]
        seqs = [step["seq"] for line in lines if line["type"] == "steps" for step in line["steps"]]
        assert seqs.count(1) == 4
        assert CANARY in json.dumps(steps)
        (document,) = [line for line in lines if line["type"] == "document"]
        assert base64.b64decode(document["base64"]) == model(text=f"work-{CANARY}")[1]


def test_an_export_has_the_forms_with_their_documents() -> None:
    form = b'{"type": "default", "id": "ask", "components": []}'
    with Engine() as engine:
        engine.deploy(("ask.form", form), tenant="acme")
        lines, _ = lines_of(engine, "acme")
    (found,) = [line for line in lines if line["type"] == "form"]
    (document,) = [line for line in lines if line["type"] == "document"]
    assert (found["form_id"], found["version"], found["digest"]) == ("ask", 1, document["sha256"])
    assert base64.b64decode(document["base64"]) == form


def test_the_last_line_proves_that_nothing_was_cut_off() -> None:
    with Engine() as engine:
        furnish(engine, "acme")
        lines, data = lines_of(engine, "acme")
    assert lines[0] == {"type": "export", "format": 1, "tenant": "acme", "at": 7}
    body = data[: data.rstrip(b"\n").rindex(b"\n") + 1]
    assert lines[-1] == {"type": "end", "lines": len(lines) - 1, "sha256": hashlib.sha256(body).hexdigest()}


def test_keys_in_an_export_are_texts() -> None:
    with Engine() as engine:
        furnish(engine, "acme")
        lines, _ = lines_of(engine, "acme")
    for line in lines:
        for name, value in line.items():
            assert isinstance(value, bool) or not isinstance(value, int) or value < 1 << 53, (name, value)


def test_nobody_has_no_export() -> None:
    with Engine() as engine, pytest.raises(NotFound):
        lines_of(engine, "nobody")
