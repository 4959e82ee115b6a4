"""Blob stores: what is stored is whole, under its hash, in the folder of its tenant; what fails can be repaired."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

import codec_rig as rig
from procession.hosts.temporal.codec import BlobUnavailable, CodecError, FileBlobs, NotAuthentic, ObjectBlobs, blobs_at
from procession.hosts.temporal.codec.blobs import Blobs, blob_path, digest_of

DATA = os.urandom(300_000)


@pytest.fixture(params=["files", "objects"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return FileBlobs(tmp_path) if request.param == "files" else ObjectBlobs(rig.StoppableBlobs().store)


@pytest.mark.parametrize("tenant", ["acme", "<default>", "..", ".", "a/b", "ü", "a b", "acme.com", "100%"])
@pytest.mark.parametrize("data", [b"", b"x", DATA], ids=["none", "one", "many"])
def test_a_blob_comes_back(blobs: Blobs, tenant: str, data: bytes) -> None:
    digest = rig.run(blobs.put(tenant, data))
    assert digest == digest_of(data)
    assert rig.run(blobs.get(tenant, digest, len(data))) == data
    # The same again is nothing new: a task that is tried again stores again.
    assert rig.run(blobs.put(tenant, data)) == digest


def test_a_blob_of_one_tenant_is_none_of_another(blobs: Blobs) -> None:
    digest = rig.run(blobs.put("acme", DATA))
    with pytest.raises(BlobUnavailable, match="not there"):
        rig.run(blobs.get("globex", digest, len(DATA)))


@pytest.mark.parametrize("size", [0, len(DATA) - 1, len(DATA) + 1])
def test_a_blob_of_another_size_is_refused(blobs: Blobs, size: int) -> None:
    digest = rig.run(blobs.put("acme", DATA))
    with pytest.raises(NotAuthentic):
        rig.run(blobs.get("acme", digest, size))


@pytest.mark.parametrize("digest", ["", "..", "a" * 63, "A" * 64, "a" * 64 + "\n", "../" * 21 + "a"])
def test_a_digest_is_never_a_path(digest: str) -> None:
    with pytest.raises(NotAuthentic, match="no digest"):
        blob_path("acme", digest)


def test_a_file_that_was_altered_is_refused(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    digest = rig.run(blobs.put("acme", DATA))
    (tmp_path / blob_path("acme", digest)).write_bytes(DATA[:-1] + b"?")
    with pytest.raises(NotAuthentic, match="altered"):
        rig.run(blobs.get("acme", digest, len(DATA)))


def test_a_folder_that_is_not_mounted_is_repairable_and_stays_empty(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "mounted")
    with pytest.raises(BlobUnavailable):
        rig.run(blobs.put("acme", DATA))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mounted").mkdir()
    assert rig.run(blobs.get("acme", rig.run(blobs.put("acme", DATA)), len(DATA))) == DATA


def test_a_write_that_fails_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BlobUnavailable, match="No space left"):
        rig.run(FileBlobs(tmp_path).put("acme", DATA))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_writers_of_the_same_blob_do_not_meet(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    writers = [threading.Thread(target=lambda: rig.run(blobs.put("acme", DATA))) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [DATA]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file:///var/lib/blobs", FileBlobs),
        ("s3://bucket", ObjectBlobs),
        ("s3://bucket/some/prefix?endpoint=http://127.0.0.1:9000&region=eu-central-1", ObjectBlobs),
        ("s3://bucket?endpoint=https://s3.example.com&virtual_hosted=true", ObjectBlobs),
    ],
)
def test_an_address_names_a_store(url: str, kind: type) -> None:
    assert isinstance(blobs_at(url), kind)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/lib/blobs",
        "file://host/folder",
        "file:///",
        "file:///folder?x=1",
        "s3://",
        "s3://key:topsecret@bucket",
        "s3://bucket?secret_access_key=topsecret",
        "gs://bucket",
        "https://topsecret.example.com",
        "memory:",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(CodecError, match="file:///folder") as raised:
        blobs_at(url)
    assert "topsecret" not in str(raised.value)
