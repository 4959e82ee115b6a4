"""A server on a socket: what only bytes on a wire can do to it, and that it serves the next one afterwards."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from procession.cli.http_protocol import BoundedProtocol
from procession.hosts.embedded.engine import Engine
from procession.web import body
from procession.web.site import Bounds, Site
from served import served
from web_rig import XML

LIMIT: Final = 10_000
TIMEOUT_S: Final = 20.0
BODY: Final = b'{"name":"go"}'
HEAD: Final = b"POST /v1/signals HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
GOOD: Final = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY

Address = tuple[str, int]


def _small(site: Site) -> None:
    site.bounds = Bounds(body_bytes_max=LIMIT)


@pytest.fixture(scope="module", params=["h11", BoundedProtocol], ids=["h11", "httptools"])
def address(request: pytest.FixtureRequest) -> Iterator[Address]:
    """The address of a server with a limit of bodies, under each of uvicorn's parsers."""
    with Engine() as engine:
        engine.deploy(("p.bpmn", XML.encode()))
        with served(engine, _small, http=request.param, timeout_keep_alive=2) as found:
            yield found.address


def spoken(address: Address, *parts: bytes, half_close: bool = False) -> bytes:
    """All that the server answers to these bytes until it closes."""
    found = b""
    with socket.create_connection(address, TIMEOUT_S) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was read
        try:
            while data := connection.recv(65_536):
                found += data
        except ConnectionResetError:
            pass
    return found


def statuses(answer: bytes) -> list[int]:
    """The statuses of the responses in these bytes."""
    lines = [part.split(b" ") for part in answer.split(b"HTTP/1.1 ")[1:]]
    return [int(line[0]) for line in lines]


def closing(request: bytes) -> bytes:
    """The request, the last of its connection."""
    return request.replace(b"Host: test\r\n", b"Host: test\r\nConnection: close\r\n", 1)


def alive(address: Address) -> None:
    """The server answers the next one."""
    answer = httpx.get(f"http://{address[0]}:{address[1]}/v1/definitions", timeout=TIMEOUT_S)
    assert answer.status_code == 200


def test_requests_in_a_row_are_answered_in_their_order(address: Address) -> None:
    first = b"GET /v1/definitions HTTP/1.1\r\nHost: test\r\n\r\n"
    second = b"GET /v1/nothing HTTP/1.1\r\nHost: test\r\n\r\n"
    answer = spoken(address, first + second + GOOD + closing(first))
    assert statuses(answer) == [200, 404, 200, 200]


def test_a_slow_request_is_answered_when_it_is_whole(address: Address) -> None:
    request = closing(GOOD)
    assert statuses(spoken(address, *(request[at : at + 1] for at in range(len(request))))) == [200]


def test_a_body_that_announces_too_much_is_not_waited_for(address: Address) -> None:
    answer = spoken(address, closing(HEAD) + b"Content-Length: 99999999999\r\n\r\n")
    assert statuses(answer) == [413]
    assert json.loads(answer.split(b"\r\n\r\n")[1])["code"] == "too-large"
    alive(address)


def test_a_body_in_chunks_is_cut_off_at_the_limit(address: Address) -> None:
    chunk = b"%x\r\n" % 1_000 + b"x" * 1_000 + b"\r\n"
    answer = spoken(address, closing(HEAD) + b"Transfer-Encoding: chunked\r\n\r\n", *([chunk] * 100))
    assert statuses(answer) == [413]
    alive(address)


def test_who_closes_half_way_changes_nothing(address: Address) -> None:
    start = b'{"process_id":"p","business_key":"half"}'
    head = b"POST /v1/instances HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    answer = spoken(address, head % (len(start) + 100) + start, half_close=True)
    assert 201 not in statuses(answer)
    alive(address)
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}") as client:
        started = client.post("/v1/instances", json={"process_id": "p"}).json()["key"]
        history = client.get(f"/v1/instances/{started}").json()
        assert history["business_key"] == ""


def test_a_body_that_does_not_come_is_not_waited_for(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PART_S", 0.05)
    for head in (closing(HEAD), closing(HEAD).replace(b"/v1/signals", b"/v1/deployments")):
        answer = spoken(address, head + b"Content-Length: 100\r\n\r\n{")
        assert statuses(answer) == [408]
        assert json.loads(answer.split(b"\r\n\r\n")[1])["code"] == "too-slow"
    alive(address)


MALFORMED: Final = {
    "no HTTP": b"hello\r\n\r\n",
    "no version": b"GET /v1/definitions\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 13\r\n\r\n" + BODY,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
    "a bad chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
    "a line break in a header": b"GET / HTTP/1.1\r\nHost: test\r\nX-Request-Id: a\nSet-Cookie: b\x00\r\n\r\n",
    "a header that never ends": b"GET /v1/definitions HTTP/1.1\r\nHost: test\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "a path of bytes": b"GET /v1/definitions/\xff\xfe HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    "a null in the path": b"GET /v1/instances/1%00 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
}


def test_a_head_that_never_ends_is_not_kept(address: Address) -> None:
    answer = spoken(address, b"GET /v1/definitions HTTP/1.1\r\nHost: test\r\nX: ", *([b"x" * 16_384] * 40))
    assert statuses(answer) in ([400], [431], [])
    alive(address)


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_and_the_next_is_served(address: Address, name: str) -> None:
    answer = spoken(address, MALFORMED[name], half_close=True)
    assert all(400 <= status < 500 for status in statuses(answer)), answer
    assert b"Traceback" not in answer
    assert b"set-cookie" not in answer.lower()
    alive(address)


INJECTED: Final = [
    "/v1/instances/1'%20OR%20'1'='1",
    "/v1/instances/1;DROP%20TABLE%20procession_instance",
    "/v1/definitions?process_id=p'%20UNION%20SELECT%20name%20FROM%20procession_tenant--",
    "/v1/definitions?version_tag=%00",
    "/v1/definitions?process_id=%F0%28%8C%28",
    "/v1/deployments/1/resources/..%2f..%2fetc%2fpasswd",
    "/v1/deployments/1/resources/../../../../etc/passwd",
    "/v1/..%2f..%2fetc/passwd",
    "/v1/%2e%2e/%2e%2e/etc/passwd",
    "//evil.example.com/v1/definitions",
    "/v1/decisions?decision_id=%0d%0aSet-Cookie:%20a=b",
    "/v1/instances/1%0d%0aSet-Cookie:%20a=b",
]


@pytest.mark.parametrize("path", INJECTED)
def test_what_is_put_into_a_path_or_a_query_stays_a_text(address: Address, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode("latin-1")
    answer = spoken(address, request)
    [status] = statuses(answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status in {200, 400, 404}
    assert b"set-cookie" not in head.lower()
    assert b"root:" not in body
    if status == 200:
        assert json.loads(body) == {"items": [], "next": None}
    alive(address)


def test_what_headers_say_is_not_repeated_into_a_response(address: Address) -> None:
    headers = {"x-request-id": "a%0d%0aSet-Cookie: x=1", "procession-tenant": "<script>alert(1)</script>"}
    answer = httpx.get(f"http://{address[0]}:{address[1]}/v1/instances/1", headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 404
    assert answer.headers["procession-request-id"] != headers["x-request-id"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
