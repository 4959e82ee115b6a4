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
import postgres_rig
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


def _health(url: str) -> dict[str, Any]:
    answer = httpx.get(f"{url}/health/ready")
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["ready"]) == (200, True), "one silo must not take the server away"
    return body


def _figure(url: str, name: str) -> float:
    told = httpx.get(f"{url}/metrics").text
    return next(float(line.split()[-1]) for line in told.splitlines() if line.startswith(f"{name} "))


def test_the_list_health_and_metrics_know_tenants_of_silos(tmp_path: Path) -> None:
    _settings(tmp_path)
    with _serve(tmp_path) as server:
        url = server.ready().url
        with _of("acme", url) as acme, _of("acme:test", url) as test, _of("bolt", url) as bolt:
            for client in (acme, test, bolt):
                assert client.post("/v1/deployments", files={"files": ("p.bpmn", XML)}).status_code == 201
                assert client.post("/v1/instances", json={"process_id": "p"}).status_code == 201
            listed = acme.get("/v1/tenants", headers=ADMIN).json()
            told = {each["name"]: each["silo"] for each in listed["items"]}
            assert (told["acme"], told["acme:test"], told["bolt"]) == ("acme", "acme", None)
            assert "degraded" not in _health(url)
            assert _figure(url, "procession_instances_started_total") == 3
            assert _figure(url, 'procession_jobs_created_total{type="work"}') == 3
            assert [_figure(url, f"procession_{name}") for name in ("shards_owned", "silo_shards_owned")] == [1, 1]
            assert [_figure(url, f"procession_silos_{name}") for name in ("open", "failing")] == [1, 0]
            (tmp_path / "acme").rename(tmp_path / "away")
            soon(lambda: "degraded" in _health(url))
            assert _health(url)["degraded"] == {"acme": "the folder of the store cannot be written to"}
            assert _figure(url, "procession_silos_failing") == 1
            assert bolt.post("/v1/instances", json={"process_id": "p"}).status_code == 201
            (tmp_path / "away").rename(tmp_path / "acme")
            soon(lambda: "degraded" not in _health(url))


def test_a_silo_that_cannot_be_opened_is_told_by_health_and_the_server_goes_on(tmp_path: Path) -> None:
    _settings(tmp_path)
    (tmp_path / "acme" / "e.db").write_bytes(b"this is no store" * 1_000)
    with _serve(tmp_path) as server:
        url = server.ready().url
        soon(lambda: "degraded" in _health(url))
        assert _health(url)["degraded"] == {"acme": "its store could not be opened; the log says why"}
        assert _figure(url, "procession_silos_failing") == 1
        with _of("bolt", url) as bolt:
            assert bolt.post("/v1/deployments", files={"files": ("p.bpmn", XML)}).status_code == 201
            listed = bolt.get("/v1/tenants", headers=ADMIN).json()
        assert listed["unreachable"] == ["acme"]
        assert {"name": "acme", "silo": "acme"} in listed["items"]
        assert str(tmp_path) not in httpx.get(f"{url}/health/ready").text


def test_a_database_that_is_gone_is_the_trouble_of_its_silo_and_of_no_other_tenant(tmp_path: Path) -> None:
    postgres_rig.require()
    server = postgres_rig.server()
    pool, silo = server.database(), server.database()
    settings = f'[store]\nurl = "{pool}"\n[tenants.acme]\nstore = "{silo}"\n'
    (tmp_path / "s.toml").write_text(settings)
    with _serve(tmp_path) as process:
        url = process.ready().url
        with _of("acme", url) as acme, _of("bolt", url) as bolt:
            for client in (acme, bolt):
                assert client.post("/v1/deployments", files={"files": ("p.bpmn", XML)}).status_code == 201
            items = acme.get("/v1/tenants", headers=ADMIN).json()["items"]
            assert {"name": "acme", "silo": "acme"} in items
            assert {"name": "bolt", "silo": None} in items, "whatever rows the platform itself may see"
            assert acme.get("/v1/tenants/bolt", headers=ADMIN).status_code == 200
            with closing(postgres_rig.session(server, silo.rpartition("/")[2])) as held, held.transaction():
                held.execute("LOCK TABLE procession_shard IN ACCESS EXCLUSIVE MODE")
                soon(lambda: "no answer" in _health(url).get("degraded", {}).get("acme", ""))
                assert _figure(url, "procession_silos_open") == 1, "metrics do not wait for a store that hangs"
                assert bolt.post("/v1/instances", json={"process_id": "p"}).status_code == 201
            soon(lambda: "degraded" not in _health(url))
            server.execute(f'DROP DATABASE "{silo.rpartition("/")[2]}" WITH (FORCE)')
            soon(lambda: "acme" in _health(url).get("degraded", {}))
            assert bolt.post("/v1/instances", json={"process_id": "p"}).status_code == 201
            soon(lambda: _figure(url, "procession_silos_failing") == 1)
            assert acme.get("/v1/tenants", headers=ADMIN).json()["unreachable"] == ["acme"]
