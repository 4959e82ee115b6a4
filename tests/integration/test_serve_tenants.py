"""`procession serve` with tenants that are kept apart: sealed values, a silo, quotas, from one settings file."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest

import needs
from server_rig import ServerProcess, soon
from tenancy_rig import CANARY, bytes_in
from web_rig import XML

needs.require("server", "pip install 'procession[server]'")

OPEN: Final = {"PROCESSION_IDENTITY__OPEN": "true"}
ADMIN: Final = {"procession-tenant": "<platform>"}
SETTINGS: Final = """
[encryption]
master_keys = "master.toml"
tenant_keys = "keys"
[tenants.acme]
store = "acme/e.db"
master_keys = "acme/master.toml"
[limits]
instances_max = 2
storage_bytes_max = 100_000
variables_bytes_max = 1_000
[webhooks]
allow_private = true
"""
TIMED: Final = XML.replace(
    '<endEvent id="e"/>',
    '<boundaryEvent id="b" attachedToRef="work"><timerEventDefinition><timeDuration>PT3S</timeDuration>'
    '</timerEventDefinition></boundaryEvent><sequenceFlow id="h" sourceRef="b" targetRef="e2"/><endEvent id="e2"/>'
    '<endEvent id="e"/>',
)


def _settings(folder: Path) -> None:
    (folder / "acme").mkdir()
    for number, path in enumerate((folder / "master.toml", folder / "acme" / "master.toml")):
        key = base64.b64encode(bytes([number]) * 32).decode()
        path.write_text(f'active = "one"\n[keys]\none = "{key}"\n')
        path.chmod(0o600)
    (folder / "s.toml").write_text(SETTINGS)


def _serve(folder: Path) -> ServerProcess:
    return ServerProcess(folder, "serve", "--port", "0", "--config", "s.toml", **OPEN)


def _of(tenant: str, url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"procession-tenant": tenant}, timeout=20)


def _instances(path: Path) -> int:
    with closing(sqlite3.connect(path)) as store:
        found: int = store.execute("SELECT count(*) FROM procession_instance").fetchone()[0]
    return found


def _quota(answer: httpx.Response) -> str:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"].split("/")[-1]) == (429, "quota-exceeded"), body
    return str(body["detail"])


def _filled(client: httpx.Client) -> None:
    """Deploys, starts what may be started, and stores a document."""
    deployed = client.post("/v1/deployments", files={"files": ("p.bpmn", XML)})
    assert deployed.status_code == 201, deployed.text
    start = {"process_id": "p", "variables": {"who": CANARY}}
    for _ in range(2):
        assert client.post("/v1/instances", json=start).status_code == 201
    assert "active_instances is 2" in _quota(client.post("/v1/instances", json=start))
    large = {"name": "s", "variables": {"x": "y" * 2_000}}
    assert "payload_bytes is 1000" in _quota(client.post("/v1/signals", json=large))
    text = {"content-type": "text/plain"}
    small = client.post("/v1/documents?name=a", content=CANARY.encode(), headers=text)
    assert small.status_code == 201, small.text
    content = client.get(f"/v1/documents/{small.json()['id']}/content")
    assert content.text == CANARY
    assert "storage_bytes is 100000" in _quota(
        client.post("/v1/documents?name=b", content=b"x" * 200_000, headers=text)
    )


def test_tenants_are_sealed_live_where_the_settings_say_and_are_held_to_the_servers_quotas(tmp_path: Path) -> None:
    _settings(tmp_path)
    with _serve(tmp_path) as server:
        url = server.ready().url
        with _of("acme", url) as acme, _of("bolt", url) as bolt, _of("acme:test", url) as test:
            _filled(acme)
            _filled(bolt)
            assert test.get("/v1/instances").json()["items"] == []
            for client, name in ((acme, "acme"), (bolt, "bolt")):
                assert client.post(f"/v1/tenants/{name}/keys/rotate").json() == {"generation": 2}
            more = {"active_instances": 3}
            assert acme.put("/v1/tenants/acme/limits", json=more, headers=ADMIN).status_code == 200
            assert acme.post("/v1/instances", json={"process_id": "p"}).status_code == 201
            told = acme.get("/v1/neighbours", headers=ADMIN).json()["items"]
            assert {"acme", "bolt"} <= {each["tenant"] for each in told}
            metrics = acme.get("/metrics").text
            assert 'procession_tenant_waited_max_seconds{tenant="acme"}' in metrics
        server.tell()
        assert server.ended() == 0, server.log
    assert (_instances(tmp_path / "acme" / "e.db"), _instances(tmp_path / "procession.db")) == (3, 2)
    assert (tmp_path / "keys").is_dir()
    assert CANARY.encode() not in bytes_in(tmp_path)
    with _serve(tmp_path) as server, _of("acme", server.ready().url) as acme:
        assert acme.delete("/v1/tenants/acme", headers=ADMIN).json()["shredded"]
        assert acme.get("/v1/instances").json()["items"] == []


class _Receives(BaseHTTPRequestHandler):
    """Takes webhooks, and keeps their types."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        cast("_Receiver", self.server).types.append(body["type"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receives)
        self.types: list[str] = []


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    """A receiver of webhooks in a thread of its own."""
    with _Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_timers_and_webhooks_of_a_silo_go_on_after_a_restart_though_nobody_asks(
    tmp_path: Path, receiver: _Receiver
) -> None:
    _settings(tmp_path)
    with _serve(tmp_path) as server, _of("acme", server.ready().url) as acme:
        assert acme.post("/v1/deployments", files={"files": ("p.bpmn", TIMED)}).status_code == 201
        hook = {"url": f"http://127.0.0.1:{receiver.server_port}/", "types": ["instance.completed"]}
        assert acme.post("/v1/webhooks", json=hook).status_code == 201
        assert acme.post("/v1/instances", json={"process_id": "p"}).status_code == 201
        server.tell()
        assert server.ended() == 0
    with _serve(tmp_path) as server:
        server.ready()
        soon(lambda: receiver.types == ["instance.completed"])
