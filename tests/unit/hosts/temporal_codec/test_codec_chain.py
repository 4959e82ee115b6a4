"""What was sealed opens again, for the same workflow only, and nothing that was altered does."""

from __future__ import annotations

import json
import os
from typing import Final

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload

import codec_rig as rig
from procession.hosts.temporal.codec import (
    BlobUnavailable,
    Chain,
    CodecConfig,
    CodecError,
    KeyUnavailable,
    NotAuthentic,
    NoTenant,
    PayloadTooLarge,
)
from procession.hosts.temporal.codec.chain import is_claim, workflow_of
from procession.hosts.temporal.codec.payloads import CLAIM, SEALED, ZSTD, encoding

HERE: Final = "acme/123"
SEALED_BY_RELEASE_1: Final = (
    "0a1f0a1370726f63657373696f6e2d776f726b666c6f77120861636d652f3132330a140a0e70726f63657373696f6e2d6b65"
    "7912026b310a240a08656e636f64696e67121862696e6172792f70726f63657373696f6e2d7365616c6564126f2a0deb4435"
    "c4cdb5b9b5b435de95346425e2db93f245c1d808a0d7f7605c36b4bd1fa638401600714404552cfb062a9970be2b3ad29be9"
    "35d2c80ca83716a6a7a5e1c012bbabb157c928553c55a0a02f0c5d6881345fb41b43a785adafc76a019b4513b979efd9c041"
    "d5210dcf9cd5"
)
"""A payload of 1,000 letters, compressed, for acme/123 with the key k1 of the rig."""
CONFIGS: Final = {
    "all stages": rig.ALL,
    "defaults": CodecConfig(),
    "no compression": CodecConfig(compress_over_bytes=None),
    "plain": CodecConfig(encrypt=False, compress_over_bytes=0),
}
PAYLOADS: Final = st.builds(
    Payload,
    metadata=st.dictionaries(st.text(max_size=20), st.binary(max_size=40), max_size=4)
    | st.sampled_from([{"encoding": each} for each in (b"json/plain", ZSTD, SEALED, CLAIM)]),
    data=st.binary(max_size=2_000) | st.builds(lambda part, times: part * times, st.binary(max_size=8), st.just(400)),
)
"""Whatever a converter makes, and what looks as if a codec had made it already."""


@given(payloads=st.lists(PAYLOADS, max_size=5), name=st.sampled_from(sorted(CONFIGS)))
def test_what_was_sealed_opens_as_it_was(payloads: list[Payload], name: str) -> None:
    chain = rig.chain(CONFIGS[name])
    if name == "plain":
        # Without encryption nothing tells a payload from one that the codec made.
        payloads = [each for each in payloads if encoding(each) not in {SEALED, CLAIM}]

    async def there_and_back() -> list[Payload]:
        return await chain.open(HERE, await chain.seal(HERE, payloads))

    assert rig.run(there_and_back()) == payloads


def test_a_sealed_payload_holds_nothing_of_what_it_was() -> None:
    secret = b"4711-0815-secret"
    [sealed] = rig.run(rig.chain(CodecConfig()).seal(HERE, [rig.payload(secret)]))
    assert encoding(sealed) == SEALED
    assert secret not in sealed.SerializeToString()
    assert b"json/plain" not in sealed.SerializeToString()
    assert workflow_of(sealed) == HERE


def test_the_same_payload_is_never_the_same_bytes() -> None:
    sealed = rig.run(rig.chain(CodecConfig()).seal(HERE, [rig.payload()] * 100))
    assert len({each.data for each in sealed}) == 100


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_payload_that_was_altered_anywhere_does_not_open(position: int, bit: int) -> None:
    chain = rig.chain(CodecConfig())
    [sealed] = rig.run(chain.seal(HERE, [rig.payload()]))
    data = bytearray(sealed.data)
    data[position % len(data)] ^= 1 << bit
    altered = Payload(metadata=sealed.metadata, data=bytes(data))
    with pytest.raises(NotAuthentic):
        rig.run(chain.open(HERE, [altered]))


@given(place=st.sampled_from(["encoding", "procession-workflow", "procession-key"]), value=st.binary(max_size=30))
def test_metadata_that_was_altered_does_not_open(place: str, value: bytes) -> None:
    chain = rig.chain(CodecConfig())
    [sealed] = rig.run(chain.seal(HERE, [rig.payload()]))
    if sealed.metadata[place] == value:
        return
    sealed.metadata[place] = value
    with pytest.raises((NotAuthentic, KeyUnavailable, CodecError)):
        rig.run(chain.open(HERE, [sealed]))


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 28, 40])
def test_a_payload_that_was_cut_does_not_open(length: int) -> None:
    chain = rig.chain(CodecConfig())
    [sealed] = rig.run(chain.seal(HERE, [rig.payload()]))
    with pytest.raises(NotAuthentic):
        rig.run(chain.open(HERE, [Payload(metadata=sealed.metadata, data=sealed.data[:length])]))


@pytest.mark.parametrize("elsewhere", ["acme/124", "acme/12", "globex/123", "acme/123/1"])
@pytest.mark.parametrize("relabelled", [False, True])
@pytest.mark.parametrize("config", [CodecConfig(), rig.ALL], ids=["sealed", "claimed"])
def test_a_payload_that_was_moved_to_another_workflow_does_not_open(
    elsewhere: str, relabelled: bool, config: CodecConfig
) -> None:
    chain = rig.chain(config)
    [sealed] = rig.run(chain.seal(HERE, [rig.payload()]))
    if relabelled:
        sealed.metadata["procession-workflow"] = elsewhere.encode()
    with pytest.raises((NotAuthentic, BlobUnavailable)):
        rig.run(chain.open(elsewhere, [sealed]))


def test_a_key_under_the_same_id_does_not_open() -> None:
    [sealed] = rig.run(rig.chain(CodecConfig(), rig.ring(acme=rig.keys())).seal(HERE, [rig.payload()]))
    other = rig.ring(acme=msgspec.structs.replace(rig.keys(), keys={"k1": rig.secret("another")}))
    with pytest.raises(NotAuthentic, match="another key under that id"):
        rig.run(rig.chain(CodecConfig(), other).open(HERE, [sealed]))


def test_the_runs_of_a_schedule_read_each_other_and_nobody_else_does() -> None:
    chain = rig.chain(CodecConfig())
    [sealed] = rig.run(chain.seal("acme/nightly", [rig.payload()]))
    for reader in ("acme/nightly-2026-11-26T00:00:00Z", "acme/nightly-2026-11-27T00:00:00Z", "acme/nightly"):
        assert rig.run(chain.open(reader, [sealed])) == [rig.payload()]
    for other in ("acme/nightly-2026-11-26", "acme/nightly-2026-11-26T00:00:00Z-x"):
        with pytest.raises(NotAuthentic):
            rig.run(chain.open(other, [sealed]))


def test_what_an_earlier_release_sealed_opens_for_ever() -> None:
    chain = rig.chain(CodecConfig(), rig.ring(acme=rig.keys()))
    assert rig.run(chain.open(HERE, [Payload.FromString(bytes.fromhex(SEALED_BY_RELEASE_1))])) == [
        rig.payload(b"a" * 1_000)
    ]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_after_a_rotation_old_payloads_open_and_new_ones_use_the_new_key() -> None:
    before = rig.chain(CodecConfig(), rig.ring(acme=rig.keys("k1")))
    after = rig.chain(CodecConfig(), rig.ring(acme=rig.keys("k2", "k1")))
    old = rig.run(before.seal(HERE, [rig.payload(b"old")]))
    new = rig.run(after.seal(HERE, [rig.payload(b"new")]))
    assert [each.metadata["procession-key"] for each in old + new] == [b"k1", b"k2"]
    assert [each.data for each in rig.run(after.open(HERE, old + new))] == [b"old", b"new"]


def test_a_key_that_was_retired_too_early_is_named_and_can_be_put_back() -> None:
    old = rig.run(rig.chain(CodecConfig(), rig.ring(acme=rig.keys("k1"))).seal(HERE, [rig.payload()]))
    with pytest.raises(KeyUnavailable, match=r"tenant 'acme' has no key 'k1'.*put it back"):
        rig.run(rig.chain(CodecConfig(), rig.ring(acme=rig.keys("k2"))).open(HERE, old))
    again = rig.chain(CodecConfig(), rig.ring(acme=rig.keys("k2", "k1")))
    assert rig.run(again.open(HERE, old)) == [rig.payload()]


def test_without_keys_nothing_is_written_unless_that_is_said() -> None:
    with pytest.raises(CodecError, match="no keys"):
        Chain(CodecConfig())
    with pytest.raises(KeyUnavailable, match="tenant 'initech' has no key"):
        rig.run(rig.chain().seal("initech/1", [rig.payload()]))
    assert rig.run(Chain(CodecConfig(encrypt=False)).seal(HERE, [rig.payload()])) == [rig.payload()]


@pytest.mark.parametrize("id", ["", "/", "/1", "no-tenant", "a b/1", "%61cme/1", "acme%2f1"])
def test_an_id_without_a_tenant_seals_nothing(id: str) -> None:
    with pytest.raises(NoTenant):
        rig.run(rig.chain().seal(id, [rig.payload()]))


# --- what is not encrypted --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "compressed", "claimed"])
def test_what_is_not_encrypted_is_read_only_where_that_is_allowed(kind: str) -> None:
    blobs = rig.StoppableBlobs()
    over = {"plain": (None, 10**6), "compressed": (0, 10**6), "claimed": (None, 0)}[kind]
    writer = CodecConfig(encrypt=False, compress_over_bytes=over[0], claim_over_bytes=over[1])
    given = rig.payload(b"a" * 2_000)
    written = rig.run(Chain(writer, None, blobs).seal(HERE, [given]))
    with pytest.raises(NotAuthentic, match="not encrypted"):
        rig.run(rig.chain(rig.ALL, blobs=blobs).open(HERE, written))
    lenient = msgspec.structs.replace(rig.ALL, accept_plain=True)
    assert rig.run(rig.chain(lenient, blobs=blobs).open(HERE, written)) == [given]


def test_where_encryption_was_switched_off_old_payloads_open_with_their_keys() -> None:
    sealed = rig.run(rig.chain().seal(HERE, [rig.payload()]))
    off = msgspec.structs.replace(rig.ALL, encrypt=False)
    with pytest.raises(CodecError, match="configure"):
        rig.run(Chain(off).open(HERE, sealed))


# --- compression ------------------------------------------------------------------------------------------------------


def test_what_becomes_no_smaller_is_not_compressed() -> None:
    plain = CodecConfig(encrypt=False, compress_over_bytes=0)
    [kept] = rig.run(Chain(plain).seal(HERE, [rig.payload(os.urandom(1_000))]))
    assert encoding(kept) == b"json/plain"
    [smaller] = rig.run(Chain(plain).seal(HERE, [rig.payload(b"a" * 1_000)]))
    assert encoding(smaller) == ZSTD
    assert smaller.ByteSize() < 100


def _frame(size: int, *, says_size: bool = True) -> bytes:
    writer = zstandard.ZstdCompressor(level=1, write_content_size=says_size).compressobj(size=size if says_size else -1)
    parts = [writer.compress(b"\0" * min(1 << 20, size - done)) for done in range(0, size, 1 << 20)]
    return b"".join([*parts, writer.flush()])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (_frame(32 << 20), PayloadTooLarge),
        (_frame(32 << 20, says_size=False), NotAuthentic),
        (b"", NotAuthentic),
        (b"no zstd at all", NotAuthentic),
        (_frame(1_000)[:-4], NotAuthentic),
        (_frame(1_000) + b"more", NotAuthentic),
        (_frame(1_000) + _frame(32 << 20), NotAuthentic),
    ],
    ids=["bomb", "hidden bomb", "empty", "garbage", "cut", "trailing", "second frame"],
)
def test_a_frame_that_lies_is_refused_before_it_grows(data: bytes, error: type[CodecError]) -> None:
    plain = CodecConfig(encrypt=False, payload_bytes_max=1 << 20)
    with pytest.raises(error):
        rig.run(Chain(plain).open(HERE, [Payload(metadata={"encoding": ZSTD}, data=data)]))


def test_a_payload_over_the_limit_is_refused_before_it_is_written() -> None:
    config = CodecConfig(payload_bytes_max=1_000)
    with pytest.raises(PayloadTooLarge, match="payload_bytes_max"):
        rig.run(rig.chain(config).seal(HERE, [rig.payload(b"a" * 1_001)]))


@pytest.mark.parametrize("size", [900, 973])
def test_a_payload_at_the_limit_comes_back(size: int) -> None:
    chain = rig.chain(CodecConfig(payload_bytes_max=1_000, claim_over_bytes=0))
    given = [rig.payload(os.urandom(size))]
    assert rig.run(chain.open(HERE, rig.run(chain.seal(HERE, given)))) == given


# --- claims -----------------------------------------------------------------------------------------------------------


def test_a_large_payload_leaves_a_claim_and_the_blob_is_sealed() -> None:
    blobs = rig.StoppableBlobs()
    chain = rig.chain(CodecConfig(claim_over_bytes=10_000), blobs=blobs)
    secret = os.urandom(20_000)
    small, large = rig.run(chain.seal(HERE, [rig.payload(b"small"), rig.payload(secret)]))
    assert [is_claim(small), is_claim(large)] == [False, True]
    assert large.ByteSize() < 250
    assert json.loads(large.data).keys() == {"sha256", "size"}
    assert large.external_payloads[0].size_bytes == json.loads(large.data)["size"]
    [digest] = blobs.stored
    blob = bytes(blobs.store.get(f"acme/{digest[:2]}/{digest}").bytes())
    assert secret[:100] not in blob


def test_many_claims_are_fetched_beside_each_other_and_stay_in_order() -> None:
    chain = rig.chain(msgspec.structs.replace(rig.ALL, concurrency_max=3))
    given = [rig.payload(str(number).encode()) for number in range(20)]
    assert rig.run(chain.open(HERE, rig.run(chain.seal(HERE, given)))) == given


def test_a_blob_that_is_gone_and_a_store_that_is_down_can_be_repaired() -> None:
    blobs = rig.StoppableBlobs()
    chain = rig.chain(blobs=blobs)
    sealed = rig.run(chain.seal(HERE, [rig.payload()]))
    blobs.down = True
    for work in (chain.open(HERE, sealed), chain.seal(HERE, [rig.payload()])):
        with pytest.raises(BlobUnavailable, match="down"):
            rig.run(work)
    blobs.down = False
    assert rig.run(chain.open(HERE, sealed)) == [rig.payload()]
    [digest] = blobs.stored
    path = f"acme/{digest[:2]}/{digest}"
    kept = bytes(blobs.store.get(path).bytes())
    blobs.store.delete(path)
    with pytest.raises(BlobUnavailable, match=f"{path}: not there"):
        rig.run(chain.open(HERE, sealed))
    blobs.store.put(path, kept)
    assert rig.run(chain.open(HERE, sealed)) == [rig.payload()]


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_blob_that_was_altered_does_not_open(position: int, bit: int) -> None:
    blobs = rig.StoppableBlobs()
    chain = rig.chain(blobs=blobs)
    sealed = rig.run(chain.seal(HERE, [rig.payload()]))
    [digest] = blobs.stored
    path = f"acme/{digest[:2]}/{digest}"
    data = bytearray(bytes(blobs.store.get(path).bytes()))
    data[position % len(data)] ^= 1 << bit
    blobs.store.put(path, bytes(data))
    with pytest.raises(NotAuthentic, match="altered"):
        rig.run(chain.open(HERE, sealed))


def test_a_claim_for_the_blob_of_another_workflow_does_not_open() -> None:
    chain = rig.chain()
    [mine], [theirs] = (rig.run(chain.seal(id, [rig.payload()])) for id in (HERE, "acme/999"))
    mine.data = theirs.data
    with pytest.raises(NotAuthentic, match="acme/999"):
        rig.run(chain.open(HERE, [mine]))


@pytest.mark.parametrize(
    "claim",
    [
        b"",
        b"{}",
        b"[]",
        b'{"sha256":"' + b"a" * 64 + b'"}',
        b'{"sha256":"../../globex/aa/' + b"a" * 64 + b'","size":1}',
        b'{"sha256":"' + b"A" * 64 + b'","size":1}',
        b'{"sha256":"' + b"a" * 64 + b'","size":-1}',
        b'{"sha256":"' + b"a" * 64 + b'","size":1' + b" " * 2_000 + b"}",
    ],
)
def test_a_claim_that_is_none_is_refused(claim: bytes) -> None:
    made = Payload(metadata={"encoding": CLAIM, "procession-workflow": HERE.encode()}, data=claim)
    with pytest.raises(NotAuthentic):
        rig.run(rig.chain().open(HERE, [made]))


def test_a_claim_for_too_much_is_refused_before_it_is_fetched() -> None:
    blobs = rig.StoppableBlobs()
    blobs.down = True
    claim = json.dumps({"sha256": "a" * 64, "size": 1 << 40}).encode()
    made = Payload(metadata={"encoding": CLAIM, "procession-workflow": HERE.encode()}, data=claim)
    with pytest.raises(PayloadTooLarge):
        rig.run(rig.chain(blobs=blobs).open(HERE, [made]))


def test_a_claim_without_a_store_says_what_to_configure() -> None:
    sealed = rig.run(rig.chain().seal(HERE, [rig.payload()]))
    with pytest.raises(CodecError, match="blob_url"):
        rig.run(Chain(CodecConfig(), rig.ring()).open(HERE, sealed))


@pytest.mark.parametrize("field", ["claim_over_bytes", "compress_over_bytes", "payload_bytes_max", "concurrency_max"])
def test_a_bound_that_leaves_nothing_is_refused(field: str) -> None:
    with pytest.raises(CodecError, match=field):
        msgspec.structs.replace(CodecConfig(), **{field: -1})
