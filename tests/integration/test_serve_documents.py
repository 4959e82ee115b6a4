"""`procession serve` with documents outside of its store: S3, sealed for each tenant, a scanner, kills in between."""

from __future__ import annotations

import asyncio
import base64
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import needs
from clamd_rig import EICAR, clamd
from paper_rig import PASSWORD, authority, certificate, plain_pdf
from s3_rig import S3Server
from server_rig import ServerProcess, soon
from tenancy_rig import CANARY, bytes_in

needs.require("server", "pip install 'procession[server]'")

TUS: Final = {"tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
ADMIN: Final = {"procession-tenant": "<platform>"}
ACME: Final = {"procession-tenant": "acme"}
TEXT: Final = CANARY.encode() * 80_000


@contextmanager
def scanning() -> Iterator[str]:
    """A scanner in a thread; its address."""
    ready, address = threading.Event(), [""]
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        async with clamd() as server:
            address[0] = server.address
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ready.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def serve(folder: Path, s3: S3Server, **more: str) -> ServerProcess:
    return ServerProcess(
        folder,
        "serve", "--port", "0",
        PROCESSION_IDENTITY__OPEN="true",
        PROCESSION_DOCUMENTS__URL=s3.url,
        PROCESSION_ENCRYPTION__MASTER_KEY=base64.b64encode(b"m" * 32).decode(),
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        **more,
    )  # fmt: skip


def begin(client: httpx.Client, length: int) -> str:
    said = ",".join(
        f"{name} {base64.b64encode(value.encode()).decode()}"
        for name, value in (("filename", "a.txt"), ("filetype", "text/plain"))
    )
    headers = {**ACME, "tus-resumable": "1.0.0", "upload-length": str(length), "upload-metadata": said}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def offset(client: httpx.Client, place: str) -> int:
    return int(client.head(place, headers={**ACME, "tus-resumable": "1.0.0"}).headers["upload-offset"])


def send(client: httpx.Client, place: str, at: int, data: bytes) -> httpx.Response:
    return client.patch(place, content=data, headers={**ACME, **TUS, "upload-offset": str(at)})


@pytest.mark.large
def test_an_upload_outlives_kills_of_the_server_and_of_the_object_store(tmp_path: Path) -> None:
    with S3Server(tmp_path / "s3") as s3:
        with serve(tmp_path, s3) as server, httpx.Client(base_url=server.ready().url, timeout=60) as client:
            place = begin(client, len(TEXT))
            assert send(client, place, 0, TEXT[:300_000]).status_code == 204
            server.tell(signal.SIGKILL)
            server.ended()
        with serve(tmp_path, s3) as server, httpx.Client(base_url=server.ready().url, timeout=60) as client:
            assert offset(client, place) == 300_000
            s3.stop()
            away = send(client, place, 300_000, TEXT[300_000:])
            assert (away.status_code, away.json()["code"]) == (503, "unavailable")
            ready = client.get("/health/ready").json()
            assert (ready["ready"], "documents" in ready["degraded"]) == (True, True)
            s3.start()
            at = offset(client, place)
            done = send(client, place, at, TEXT[at:])
            assert done.status_code == 204, done.text
            url = f"/v1/documents/{done.headers['procession-document']}"
            assert client.get(f"{url}/content", headers=ACME).content == TEXT
            assert client.get(f"{url}/content", headers={"procession-tenant": "other"}).status_code == 404
            assert s3.objects
            assert CANARY.encode() not in bytes_in(tmp_path / "s3" / "objects"), "it is sealed where it lies"
            gone = client.delete("/v1/tenants/acme", headers=ADMIN)
            assert (gone.status_code, gone.json()["shredded"]) == (200, True)
            assert [each for each in s3.objects if "acme" in str(each)] == []


@pytest.mark.large
def test_a_scanner_looks_at_what_comes_and_its_absence_is_told(tmp_path: Path) -> None:
    headers = {**ACME, "content-type": "text/plain"}
    with S3Server(tmp_path / "s3") as s3, scanning() as address:
        scanner = {"PROCESSION_DOCUMENTS__SCANNER": address}
        with serve(tmp_path, s3, **scanner) as server, httpx.Client(base_url=server.ready().url, timeout=60) as client:
            urls = []
            for content in (b"hello", EICAR):
                made = client.post("/v1/documents?name=a", content=content, headers=headers).json()
                urls.append(f"/v1/documents/{made['id']}")
            soon(lambda: client.get(urls[0], headers=ACME).json()["scan"] == "clean")
            soon(lambda: client.get(urls[1], headers=ACME).json()["scan"] == "infected")
            assert client.get(f"{urls[0]}/content", headers=ACME).content == b"hello"
            assert client.get(f"{urls[1]}/content", headers=ACME).status_code == 409
            assert client.get("/health/ready").json() == {"ready": True, "checks": {"store": "ok", "disk": "ok"}}
        away = {"PROCESSION_DOCUMENTS__SCANNER": "127.0.0.1:9"}
        with serve(tmp_path, s3, **away) as server, httpx.Client(base_url=server.ready().url, timeout=60) as client:
            made = client.post("/v1/documents?name=a", content=b"late", headers=headers).json()
            assert client.get(f"/v1/documents/{made['id']}/content", headers=ACME).status_code == 423
            ready = client.get("/health/ready").json()
            assert (ready["ready"], list(ready["degraded"])) == (True, ["scanner"])


def test_what_is_signed_is_sealed_by_the_certificate_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "seal.p12").write_bytes(certificate().bundle)
    (tmp_path / "root.pem").write_bytes(authority()[1].public_bytes(Encoding.PEM))
    papers = {
        "PROCESSION_PAPERS__CERTIFICATE_FILE": "seal.p12",
        "PROCESSION_PAPERS__PASSWORD": PASSWORD,
        "PROCESSION_PAPERS__ROOTS_FILE": "root.pem",
        "PROCESSION_IDENTITY__OPEN": "true",
    }
    signature = {"signer": "Ann", "identified_by": "i", "typed": "Ann", "page": 1, "box": [50, 50, 100, 40]}
    with (
        ServerProcess(tmp_path, "serve", "--port", "0", **papers) as server,
        httpx.Client(base_url=server.ready().url, timeout=60) as client,
    ):
        pdf = {"content-type": "application/pdf"}
        made = client.post("/v1/documents?name=a.pdf", content=plain_pdf(), headers=pdf).json()
        body = {"name": "s.pdf", "signatures": [signature]}
        signed = client.post(f"/v1/documents/{made['id']}/sign", json=body).json()
        (seal,) = client.get(f"/v1/documents/{signed['id']}/seals").json()
        assert (seal["intact"], seal["whole"], seal["trusted"]) == (True, True, True)
        assert PASSWORD not in server.log


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PROCESSION_DOCUMENTS__URL": "ftp://host/x"}, "documents.url"),
        ({"PROCESSION_PAPERS__CERTIFICATE_FILE": "missing.p12"}, "no file missing.p12"),
        ({"PROCESSION_DOCUMENTS__SCANNER": "nowhere"}, "no address of a scanner"),
    ],
)
def test_it_does_not_start_with_a_place_that_cannot_be(tmp_path: Path, environment: dict[str, str], told: str) -> None:
    with ServerProcess(tmp_path, "serve", PROCESSION_IDENTITY__OPEN="true", **environment) as server:
        assert server.ended() in {1, 2}
        assert told in server.log
