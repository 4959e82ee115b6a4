"""`procession serve` as a process: it starts, answers, drains, and tells no secrets."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Final

import httpx
import pytest

import needs
from procession import Engine
from server_rig import ServerProcess, soon
from web_rig import XML

needs.require("server", "pip install 'procession[server]'")

OPEN: Final = {"PROCESSION_IDENTITY__OPEN": "true"}
WORKERS: Final = """
import pathlib, time

def work(job):
    pathlib.Path("began").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return {"worked": True}
"""
CANARY: Final = "canary7QxSecretZ"
JWT: Final = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnk3UXgifQ.c2lnbmF0dXJl"


def _serve(folder: Path, *arguments: str, **environment: str) -> ServerProcess:
    return ServerProcess(folder, "serve", "--port", "0", *arguments, **(OPEN | environment))


def _half_asked(url: str) -> socket.socket:
    """A connection on which half of a request was sent."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(
        f"POST /v1/signals HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
        '{"name":'.encode()
    )
    return connection


def _rest(connection: socket.socket) -> bytes:
    connection.sendall(b'"stop"}')
    found = b""
    while part := connection.recv(65_536):
        found += part
    return found


def test_it_answers_on_the_port_that_it_says_and_says_how_it_is(tmp_path: Path) -> None:
    with _serve(tmp_path) as server, httpx.Client(base_url=server.ready().url) as client:
        assert client.post("/v1/signals", json={"name": "stop"}).json() == {"received": 0}
        assert client.get("/health/live").json() == {"live": True}
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert ready.json() == {"ready": True, "checks": {"store": "ok", "disk": "ok"}}
        server.tell()
        assert server.ended() == 0
        (line,) = server.logged("request")
        assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/signals", 200)
        assert (line["tenant"], line["subject"]) == ("<default>", "user:dev")
        assert line["request_id"]
    with Engine(tmp_path / "procession.db") as engine:
        assert engine.owner, "the shard was let go"


def test_a_request_in_flight_is_finished_and_the_process_is_not_ready_meanwhile(tmp_path: Path) -> None:
    with _serve(tmp_path, PROCESSION_SERVER__DRAIN_DELAY_SECONDS="1.5") as server:
        url = server.ready().url
        with _half_asked(url) as connection:
            soon(lambda: "requests_in_flight 2.0" in httpx.get(f"{url}/metrics").text)
            server.tell()
            soon(lambda: httpx.get(f"{url}/health/ready").status_code == 503)
            assert "about to end" in httpx.get(f"{url}/health/ready").json()["checks"]["draining"]
            soon(lambda: _refuses(url))
            assert b'{"received":0}' in _rest(connection)
        assert server.ended() == 0


def _refuses(url: str) -> bool:
    try:
        httpx.get(f"{url}/health/live")
    except httpx.TransportError:
        return True
    return False


def test_a_request_that_never_ends_is_cut_off_at_the_deadline(tmp_path: Path) -> None:
    with _serve(tmp_path, PROCESSION_SERVER__DRAIN_SECONDS="1") as server:
        with _half_asked(server.ready().url):
            soon(lambda: "requests_in_flight 2.0" in httpx.get(f"{server.url}/metrics").text)
            began = time.monotonic()
            server.tell()
            assert server.ended() == 0
            assert time.monotonic() - began < 6
        assert "drain" in server.log


def test_a_job_under_way_is_finished_before_the_end(tmp_path: Path) -> None:
    (tmp_path / "the_workers.py").write_text(WORKERS)
    (tmp_path / "p.bpmn").write_text(XML)
    with _serve(tmp_path, "--workers", "the_workers", "--deploy", "p.bpmn") as server:
        server.ready()
        with Engine(tmp_path / "procession.db") as client:
            assert not client.owner
            key = client.start("p").key
        soon((tmp_path / "began").exists)
        server.tell()
        soon(lambda: bool(server.logged("draining")))
        assert server.process.poll() is None
        (tmp_path / "go").touch()
        assert server.ended() == 0
    with Engine(tmp_path / "procession.db") as engine:
        assert engine.instance(key).state == "completed"


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "the_workers.py").write_text(WORKERS)
    (tmp_path / "p.bpmn").write_text(XML)
    with _serve(tmp_path, "--workers", "the_workers", "--deploy", "p.bpmn") as server:
        server.ready()
        with Engine(tmp_path / "procession.db") as client:
            key = client.start("p").key
        soon((tmp_path / "began").exists)
        server.tell(signal.SIGINT)
        soon(lambda: bool(server.logged("draining")))
        server.tell(signal.SIGINT)
        assert server.ended() == 1
    with Engine(tmp_path / "procession.db") as engine:
        assert engine.owner, "the process is gone: its shard is free"
        assert engine.instance(key).state == "active"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PROCESSION_SERVER__HOST": "0.0.0.0"}, "identity.open lets everybody in"),
        ({"PROCESSION_SERVER__PROT": "1"}, "did you mean port?"),
        ({"PROCESSION_GATEWAY__HOST": "::"}, "gateway.host"),
    ],
)
def test_it_does_not_start_with_settings_that_are_wrong(tmp_path: Path, environment: dict[str, str], told: str) -> None:
    with ServerProcess(tmp_path, "serve", **(OPEN | environment)) as server:
        assert server.ended() == 2
        assert told in server.log
        assert not (tmp_path / "procession.db").exists()


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with _serve(tmp_path) as server:
        port = server.ready().url.rpartition(":")[2]
        with ServerProcess(tmp_path, "serve", "--port", port, "--db", "other.db", **OPEN) as other:
            assert other.ended() == 1
            assert "cannot be listened at" in other.log


def test_secrets_are_nowhere_in_logs_metrics_and_errors(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{CANARY}-password\n")
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[store]\npassword_file = "{secret}"\n[telemetry]\nlog_level = "debug"\n')
    environment = {"PROCESSION_IDENTITY__ADMIN_KEY": f"{CANARY}-admin"}
    with _serve(tmp_path, "--config", str(settings), **environment) as server:
        answers: list[str] = []
        with httpx.Client(base_url=server.ready().url) as client:
            for headers in (
                {"Authorization": f"Bearer {CANARY}"},
                {"Authorization": f"Bearer {JWT}"},
                {"Cookie": f"session={CANARY}"},
                {"X-Api-Key": CANARY},
                {"X-Request-Id": CANARY},
                {"traceparent": CANARY},
            ):
                told = client.post("/v1/signals", json={"name": "stop"}, headers=headers)
                answers.append(f"{told.status_code} {dict(told.headers)} {told.text}")
            answers.append(client.get(f"/v1/nothing?token={CANARY}").headers["content-type"])
            answers.append(client.post("/v1/signals", json={"name": "s", "variables": {"v": CANARY}}).text)
            client.post("/v1/signals", content=f'{{"name": {CANARY}')
            client.post("/v1/instances", json={"process_id": "p", "variables": {"password": CANARY}})
            client.post("/v1/instances", json={"process_id": CANARY})
            client.post("/v1/deployments", files={"files": (f"{CANARY}.bpmn", f"<{CANARY}")})
            client.get(f"/v1/instances/{CANARY}")
            client.post("/v1/signals", json={"name": "s", CANARY: 1})
            answers.append(client.get("/metrics").text)
            answers.append(client.get("/health/ready").text)
        server.tell()
        assert server.ended() == 0
        everything = "\n".join([server.log, str(server.said), *answers])
        assert CANARY not in everything
        assert JWT not in everything
        assert len(server.logged("request")) >= 10


def test_a_store_that_is_not_reached_is_told_without_its_password(tmp_path: Path) -> None:
    environment = OPEN | {"PROCESSION_STORE__PASSWORD": CANARY}
    url = "postgresql://me@127.0.0.1:1/none"
    with ServerProcess(tmp_path, "serve", "--port", "0", "--db", url, **environment) as server:
        assert server.ended() == 1
        assert "127.0.0.1" in server.log
        assert CANARY not in server.log


def test_a_request_goes_on_with_the_trace_that_it_brings(tmp_path: Path) -> None:
    needs.require("opentelemetry", "pip install 'procession[otel]'")
    trace = "0af7651916cd43dd8448eb211c80319c"
    (tmp_path / "p.bpmn").write_text(XML)
    with _serve(tmp_path, "--deploy", "p.bpmn", OTEL_TRACES_EXPORTER="console") as server:
        headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        answer = httpx.post(f"{server.ready().url}/v1/signals", json={"name": "stop"}, headers=headers)
        assert answer.headers["procession-request-id"] == trace
        started = httpx.post(f"{server.url}/v1/instances", json={"process_id": "p"}, headers=headers)
        assert started.status_code == 201, started.text
        server.tell()
        assert server.ended() == 0
        assert server.log.count(f'"trace_id": "0x{trace}"') == 3
        assert '"name": "procession.start"' in server.log
        assert '"name": "POST /v1/signals"' in server.log
        assert '"parent_id": "0xb7ad6b7169203331"' in server.log
        assert server.logged("request")[0]["request_id"] == trace


def test_metrics_have_a_port_of_their_own_on_loopback(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PROCESSION_TELEMETRY__METRICS_PORT": str(port), "PROCESSION_TELEMETRY__METRICS": "off"}
    with _serve(tmp_path, **environment) as server:
        url = server.ready().url
        assert "procession_shards_owned 1.0" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert httpx.get(f"{url}/metrics").status_code == 404


def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with _serve(tmp_path, PROCESSION_LIMITS__BODY_BYTES_MAX="2000") as server:
        url = server.ready().url
        large = httpx.post(f"{url}/v1/signals", json={"name": "x" * 3_000})
        assert large.status_code == 413
        assert httpx.post(f"{url}/v1/signals", json={"name": "x" * 1_000}).status_code == 200


def test_its_metrics_tell_what_engines_did(tmp_path: Path) -> None:
    (tmp_path / "p.bpmn").write_text(XML)
    with _serve(tmp_path, "--deploy", "p.bpmn") as server, httpx.Client(base_url=server.ready().url) as client:
        with Engine(tmp_path / "procession.db") as other:
            instance = other.start("p")
            (job,) = other.activate_jobs("work")
            other.fail_job(job, "no", backoff=0)
            (job,) = other.activate_jobs("work")
            other.complete_job(job)
            soon(lambda: instance.state == "completed")
        client.post("/v1/signals", json={"name": "stop"})
        told = client.get("/metrics").text
    for line in (
        "procession_instances_started_total 1.0",
        'procession_instances_ended_total{state="completed"} 1.0',
        'procession_jobs_created_total{type="work"} 1.0',
        'procession_jobs_leased_total{type="work"} 2.0',
        'procession_jobs_failed_total{type="work"} 1.0',
        'procession_jobs_ended_total{type="work"} 1.0',
        'procession_asked_total{outcome="done",request="BroadcastSignal"} 1.0',
        "procession_shards_owned 1.0",
        'procession_tenant_share{of="steps",tenant="<default>"} 1.0',
    ):
        assert line in told, told
