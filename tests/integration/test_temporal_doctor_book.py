"""The doctor where the store and the cluster disagree, payloads are sealed, or nobody answers; and its command."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from temporalio.converter import DataConverter

import codec_rig
from doctor_rig import begun, codes, facts_of, follow, later, start, told
from fault_models import ONE, catch
from procession.base.failure import NotFound, StoreError
from procession.cli.app import run
from procession.hosts.temporal import reporter
from procession.hosts.temporal.codec import CodecConfig, KeyFile, StaticKeyring, data_converter
from procession.hosts.temporal.doctor.diagnosis import diagnosed
from procession.hosts.temporal.payloads import DELIVER, ProcessionPayloadConverter
from procession.testing.temporal import DevServer
from temporal_host import TENANT, Child, Host, eventually, model
from temporal_jobs import done


@pytest.fixture
def host(temporal_server: DevServer, tmp_path: Path) -> Iterator[Host]:
    """A host on the newest server."""
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "book.db") as host:
        yield host


# --- the book and the workflow


def test_a_workflow_that_was_terminated(host: Host) -> None:
    host.workflows()
    instance = start(host, ONE)
    begun(host, instance, "work")
    host.loop.run(host.client.get_workflow_handle(host.workflow(instance)).terminate(reason="tidied up"))
    verdict = told(host, instance, "workflow-ended")
    assert verdict.severity == "broken"
    assert "tidied up" in verdict.cause
    follow(verdict.remedy)
    host.jobs({"work": done})
    host.ends(instance)


def test_another_namespace_and_another_instance(host: Host, temporal_server: DevServer) -> None:
    host.workflows()
    instance = start(host, ONE)
    begun(host, instance, "work")
    other = f"{host.namespace}-other"
    asyncio.run(temporal_server.create_namespace(other))
    found = diagnosed(host.address, other, str(host.path), TENANT, instance)
    assert [verdict.code for verdict in found.verdicts] == ["workflow-lost"]
    with pytest.raises(NotFound, match="has no instance 7"):
        diagnosed(host.address, host.namespace, str(host.path), TENANT, 7)
    with pytest.raises(StoreError, match="no namespace 'nowhere'"):
        diagnosed(host.address, "nowhere", str(host.path), TENANT, instance)


def test_a_server_that_is_down(host: Host) -> None:
    instance = start(host, ONE)
    with pytest.raises(StoreError, match=r"Temporal at 127\.0\.0\.1:1 cannot be reached"):
        diagnosed("127.0.0.1:1", host.namespace, str(host.path), TENANT, instance)


def test_a_message_that_no_engine_sends(host: Host) -> None:
    host.stop_engine()
    instance = start(host, ONE)
    host.leave()
    verdict = told(host, instance, "no-engine")
    assert verdict.severity == "stuck"
    assert "workflow-lost" not in codes(facts_of(host, instance))


def test_a_placement_that_reaches_no_cluster(temporal_server: DevServer, tmp_path: Path) -> None:
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "book.db", reaches="127.0.0.1:1") as host:
        instance = start(host, ONE)
        facts = facts_of(host, instance)
        assert codes(facts)["outbox-under-way"].severity == "waiting"
        verdict = later(facts, 60)["outbox-stuck"]
        assert verdict.severity == "stuck"
        assert "its start" in verdict.cause


def test_a_report_that_is_held_and_whose_worker_died(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporter, "ORPHAN_MS", 500)
    with Child(host, workflows=True, dies="confirm") as child:
        instance = start(host, model("called", catch("paid"), messages={"paid": "number"}), number="N1")
        child.dies()
    facts = facts_of(host, instance)
    assert codes(facts)["report-under-way"].severity == "waiting"
    verdict = later(facts, 120)["held-report"]
    assert verdict.severity == "stuck"
    host.workflows()
    begun(host, instance, "paid")
    host.publish("paid", "N1")
    host.ends(instance)


def test_a_step_that_was_never_told(host: Host) -> None:
    with Child(host, workflows=True, dies="post") as child:
        instance = start(host, ONE)
        child.dies()
    host.workflows()
    facts = eventually(lambda: facts_of(host, instance), lambda facts: facts.tokens)
    verdict = later(facts, 15)["mirror-behind"]
    assert verdict.severity == "stuck"
    assert "it is at work, and the store shows step 0 at nowhere" in verdict.cause
    follow(verdict.remedy)
    begun(host, instance, "work")
    host.jobs({"work": done})
    host.ends(instance)


@pytest.mark.large
def test_a_history_that_grows_without_a_new_run(host: Host) -> None:
    host.workflows().stop()
    instance = start(host, ONE)
    eventually(lambda: facts_of(host, instance).execution)

    async def flood() -> None:
        handle = host.client.get_workflow_handle(host.workflow(instance))
        for _ in range(33):
            await asyncio.gather(*(handle.signal(DELIVER, []) for _ in range(100)))

    host.loop.run(flood(), 120)
    assert codes(facts_of(host, instance))["history-long"].severity == "waiting"


# --- sealed payloads


def sealed(keyring: StaticKeyring, blobs: codec_rig.StoppableBlobs) -> DataConverter:
    """A converter that encrypts, and keeps what is not small outside."""
    config = CodecConfig(claim_over_bytes=20_000)
    return data_converter(
        config, keyring=keyring, blobs=blobs, payload_converter_class=ProcessionPayloadConverter
    )  # fmt: skip


def ring(*ids: str) -> StaticKeyring:
    """A file of keys."""
    return StaticKeyring(KeyFile({TENANT: codec_rig.keys(*ids)}))


def test_a_worker_without_the_key(temporal_server: DevServer, tmp_path: Path) -> None:
    blobs = codec_rig.StoppableBlobs()
    with Host(
        temporal_server.address, temporal_server.namespace, tmp_path / "b.db", converter=sealed(ring("k1"), blobs)
    ) as host:
        instance = start(host, ONE)
        stranger = host.workflows(converter=sealed(ring("k2"), blobs))
        verdict = told(host, instance, "codec-key")
        assert verdict.severity == "stuck"
        assert "has no key 'k1'" in verdict.cause
        stranger.stop()
        host.workflows()
        host.jobs({"work": done})
        host.ends(instance)


def test_a_blob_store_that_is_down(temporal_server: DevServer, tmp_path: Path) -> None:
    blobs = codec_rig.StoppableBlobs()
    with Host(
        temporal_server.address, temporal_server.namespace, tmp_path / "b.db", converter=sealed(ring("k1"), blobs)
    ) as host:
        instance = start(host, ONE, scan=random.Random(1).randbytes(30_000).hex())
        eventually(lambda: facts_of(host, instance).execution)
        blobs.down = True
        host.workflows()
        verdict = told(host, instance, "blob-store")
        assert verdict.severity == "stuck"
        assert "the store is down" in verdict.cause
        blobs.down = False
        host.jobs({"work": done})
        host.ends(instance)


# --- the command


def test_the_command_names_cause_and_remedy_and_exits_by_them(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    instance = start(host, ONE)
    told(host, instance, "no-worker")
    where = ["--temporal", host.address, "--namespace", host.namespace, "--db", str(host.path)]
    assert command("doctor", str(instance), *where) == 1
    shown = capsys.readouterr().out
    assert f"instance {instance} is stuck" in shown
    assert f"temporal task-queue describe --address {host.address}" in shown
    host.workflows()
    host.jobs({"work": done})
    host.ends(instance)
    assert command("doctor", str(instance), *where, "--json") == 0
    document = msgspec.json.decode(capsys.readouterr().out)
    assert document["severity"] == "healthy"
    assert [each["code"] for each in document["verdicts"]] == ["ended"]
    assert document["facts"]["execution"]["status"] == "COMPLETED"
    assert command("doctor", str(instance), "--temporal", "127.0.0.1:1", "--db", str(host.path)) == 1
    assert "Temporal at 127.0.0.1:1 cannot be reached" in capsys.readouterr().err
    assert command("doctor", str(instance)) == 2
    assert "--temporal HOST:PORT" in capsys.readouterr().err


def command(*arguments: str) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as ended:
        run(list(arguments))
    return ended.value.code if isinstance(ended.value.code, int) else 0
