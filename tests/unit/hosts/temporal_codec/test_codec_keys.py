"""Keys: from files that others cannot read, derived, or from a service; rotated and missed without a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest
from temporalio.exceptions import ApplicationError

import codec_rig as rig
from procession.hosts.temporal.codec import (
    CodecConfig,
    CodecError,
    FileKeyring,
    Key,
    KeyFile,
    KeyUnavailable,
    ServiceKeyring,
    StaticKeyring,
)

TOML: Final = f"""
[master]
active = "m1"
keys = {{ m1 = "{rig.secret("m1")}" }}

[tenants.acme]
active = "2026-11"
keys = {{ 2026-11 = "{rig.secret("new")}", 2025-11 = "{rig.secret("old")}" }}

[tenants."<default>"]
active = "k"
keys = {{ k = "{rig.secret("k")}" }}
"""


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file of keys, put in place of the one before as an operator would."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)
    return path


@pytest.mark.parametrize("name", ["keys.toml", "keys.json"])
def test_a_file_gives_the_active_key_and_finds_the_others(name: str, tmp_path: Path) -> None:
    same = {
        "master": {"active": "m1", "keys": {"m1": rig.secret("m1")}},
        "tenants": {
            "acme": {"active": "2026-11", "keys": {"2026-11": rig.secret("new"), "2025-11": rig.secret("old")}},
            "<default>": {"active": "k", "keys": {"k": rig.secret("k")}},
        },
    }
    ring = FileKeyring(write(tmp_path / name, TOML if name.endswith("toml") else json.dumps(same)))
    assert rig.run(ring.active("acme")).id == "2026-11"
    assert rig.run(ring.find("acme", "2025-11")).id == "2025-11"
    assert rig.run(ring.active("<default>")).id == "k"
    # A tenant that is not named has a key derived from the master key, and one that is named can have had.
    assert rig.run(ring.active("globex")).id == "m1"
    assert rig.run(ring.find("acme", "m1")).secret != rig.run(ring.active("globex")).secret


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o620, 0o660, 0o777])
def test_a_file_that_others_may_read_or_change_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        FileKeyring(write(tmp_path / "keys.toml", TOML, mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_a_file_that_only_its_group_may_read_is_taken(mode: int, tmp_path: Path) -> None:
    assert rig.run(FileKeyring(write(tmp_path / "keys.toml", TOML, mode)).active("acme")).id == "2026-11"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "no TOML"),
        ("\0", "no TOML"),
        ("[tenants.acme]\nactive = 'k'\nkeys = {}", "active key 'k' is not among"),
        ("[tenants.acme]\nactive = 'k'", "keys"),
        ("[tenants.acme]\nactive = 'k'\nkeys = { k = 'c2hvcnQ=' }", "has 5 bytes"),
        ("[tenants.acme]\nactive = 'k'\nkeys = { k = 'my-secret-text' }", "not in Base64"),
        ("[tenants.acme]\nactive = 'k'\nkeys = { k = 12345678 }", "str"),
        (f"[tenants.acme]\nactive = '../k'\nkeys = {{ '../k' = '{rig.secret('k')}' }}", "no id of a key"),
        ("[tenant.acme]\nactive = 'k'", "unknown field"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_never_shows_a_key(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match=told) as raised:
        FileKeyring(write(tmp_path / "keys.toml", text))
    assert "keys.toml" in str(raised.value)
    assert "my-secret-text" not in str(raised.value)
    assert "12345678" not in str(raised.value)


def test_a_file_that_is_not_there_is_a_repairable_error(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="No such file"):
        rig.chain(CodecConfig(key_file=str(tmp_path / "none.toml")), FileKeyring(tmp_path / "none.toml"))


def test_a_key_never_shows_its_secret() -> None:
    key = Key("k", b"s" * 32)
    assert "sss" not in f"{key} {key!r} {[key]}"


def test_keys_rotate_while_the_process_runs(tmp_path: Path) -> None:
    clock = Clock()
    path = write(tmp_path / "keys.toml", TOML)
    ring = FileKeyring(path, clock)
    write(path, TOML.replace('active = "2026-11"', 'active = "2025-11"'))
    assert rig.run(ring.active("acme")).id == "2026-11"
    clock.now = 1.5
    assert rig.run(ring.active("acme")).id == "2025-11"


def test_a_missing_key_is_found_as_soon_as_it_is_back(tmp_path: Path) -> None:
    path = write(tmp_path / "keys.toml", TOML.replace("[tenants.acme]", "[tenants.other]"))
    ring = FileKeyring(path, Clock())
    with pytest.raises(KeyUnavailable, match="'2025-11'"):
        rig.run(ring.find("acme", "2025-11"))
    write(path, TOML)
    assert rig.run(ring.find("acme", "2025-11")).id == "2025-11"


def test_a_file_that_breaks_while_the_process_runs_leaves_the_keys_that_were_known(tmp_path: Path) -> None:
    clock = Clock()
    path = write(tmp_path / "keys.toml", TOML)
    ring = FileKeyring(path, clock)
    write(path, "[")
    clock.now = 5.0
    assert rig.run(ring.active("acme")).id == "2026-11"
    with pytest.raises(KeyUnavailable, match="no TOML"):
        rig.run(ring.find("acme", "none"))


def test_derived_keys_differ_by_tenant_and_by_master_and_stay_the_same() -> None:
    file = KeyFile(master=rig.keys("m2", "m1"))
    one, again = StaticKeyring(file), StaticKeyring(file)
    found = {(tenant, id): rig.run(one.find(tenant, id)).secret for tenant in ("acme", "globex") for id in ("m1", "m2")}
    assert len(set(found.values())) == 4
    assert rig.run(again.find("acme", "m1")).secret == found["acme", "m1"]
    assert rig.run(one.active("acme")).id == "m2"
    # Written down: other keys for the same master key would close every payload there is.
    assert found["acme", "m1"].hex() == "b88d55b3bf2db750b7d5266f76f8850237a5ae5ba2eb424927cf26659ab93666"


# --- a service --------------------------------------------------------------------------------------------------------


class Service:
    """A key service that counts what it is asked, and can be made to fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.error: BaseException | None = None
        self.hangs = False

    async def __call__(self, tenant: str, key_id: str | None) -> Key:
        self.asked.append((tenant, key_id))
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return Key(key_id or "k1", b"s" * 32)


def test_a_service_is_asked_once_for_many_payloads_and_again_when_its_answer_is_old() -> None:
    service, clock = Service(), Clock()
    ring = ServiceKeyring(service, ttl_seconds=60, clock=clock)

    async def many() -> None:
        assert {key.id for key in await asyncio.gather(*[ring.active("acme") for _ in range(100)])} == {"k1"}

    rig.run(many())
    assert service.asked == [("acme", None)]
    clock.now = 59
    rig.run(many())
    assert len(service.asked) == 1
    clock.now = 61
    rig.run(many())
    assert len(service.asked) == 2
    assert rig.run(ring.find("acme", "k0")).id == "k0"


@pytest.mark.parametrize(
    "error", [ValueError("secret"), ApplicationError("secret", non_retryable=True), KeyUnavailable("locked")]
)
def test_a_service_that_fails_is_repairable_whatever_it_raises(error: BaseException) -> None:
    service = Service()
    ring = ServiceKeyring(service)
    service.error = error
    with pytest.raises(KeyUnavailable) as raised:
        rig.run(ring.active("acme"))
    assert "secret" not in str(raised.value)
    service.error = None
    assert rig.run(ring.active("acme")).id == "k1"


def test_a_service_that_does_not_answer_is_given_up_in_time() -> None:
    service = Service()
    service.hangs = True
    with pytest.raises(KeyUnavailable, match=r"no answer in 0\.01 s"):
        rig.run(ServiceKeyring(service, timeout_seconds=0.01).active("acme"))


def test_whoever_is_cancelled_leaves_the_question_to_the_others() -> None:
    ring = ServiceKeyring(Service())

    async def drive() -> str:
        first, second = (asyncio.create_task(ring.active("acme")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).id

    assert rig.run(drive()) == "k1"


def test_an_exception_of_the_sdk_out_of_a_keyring_never_reaches_the_sdk() -> None:
    class Rude:
        async def active(self, tenant: str, /) -> Key:
            raise ApplicationError("no", non_retryable=True)

        async def find(self, tenant: str, key_id: str, /) -> Key:
            raise ApplicationError("no", non_retryable=True)

    with pytest.raises(CodecError):
        rig.run(rig.chain(CodecConfig(), Rude()).seal("acme/1", [rig.payload()]))
    sealed = rig.run(rig.chain(CodecConfig()).seal("acme/1", [rig.payload()]))
    with pytest.raises(CodecError):
        rig.run(rig.chain(CodecConfig(), Rude()).open("acme/1", sealed))
