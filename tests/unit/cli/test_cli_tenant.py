"""`procession tenant`: what each command prints and does, as text and as JSON."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click import unstyle
from typer.testing import CliRunner

from procession import Engine
from procession.cli.app import app
from tenancy_rig import CANARY, bytes_in, furnish, model

KEY = base64.b64encode(b"m" * 32).decode()


class Shell:
    """A store in which `acme` has something, and commands about it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def __call__(self, *arguments: str, code: int = 0) -> str:
        environment = {"COLUMNS": "120", **self.environment}
        done = CliRunner().invoke(app, ["tenant", *arguments], env=environment)
        assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return unstyle(done.stdout if not code else done.stderr or done.stdout)

    def json(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json", code=code).splitlines()]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROCESSION_DB", raising=False)
    with Engine("procession.db") as engine:
        furnish(engine, "acme")
    return Shell(tmp_path, {})


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROCESSION_DB", raising=False)
    shell = Shell(
        tmp_path,
        {"PROCESSION_ENCRYPTION__MASTER_KEY": KEY, "PROCESSION_ENCRYPTION__TENANT_KEYS": str(tmp_path / "keys")},
    )
    shell("create", "acme", "--db", "procession.db")
    return shell


def test_tenants_are_made_and_listed(shell: Shell) -> None:
    assert "bolt is known" in shell("create", "bolt")
    assert shell.json("create", "acme:test") == [{"tenant": "acme:test"}]
    assert {each["tenant"] for each in shell.json("list")} >= {"acme", "acme:test", "bolt"}
    assert "acme " in shell("list")
    assert "no name of an environment" in shell("create", "acme:Test", code=1)


def test_quotas_are_shown_and_set_and_so_is_the_weight(shell: Shell) -> None:
    assert "no limit" in shell("quota", "acme")
    (usage,) = shell.json("quota", "acme", "active_instances=4", "keys=2")
    assert usage["limits"] == {"active_instances": 4, "keys": 2}
    shell("weight", "acme", "3")
    (usage,) = shell.json("quota", "acme", "keys=0")
    assert usage["limits"] == {"weight": 3, "active_instances": 4}
    assert "is no quota" in shell("quota", "acme", "instances=4", code=2)
    assert "no tenant" in shell("quota", "nobody", code=1)
    shell("weight", "acme", "101", code=2)


def test_an_export_is_a_file_that_is_never_overwritten(shell: Shell) -> None:
    assert "lines in acme.ndjson" in shell("export", "acme", "acme.ndjson")
    lines = [json.loads(line) for line in Path("acme.ndjson").read_text().splitlines()]
    assert (lines[0]["type"], lines[-1]["type"], lines[-1]["lines"]) == ("export", "end", len(lines) - 1)
    assert "acme.ndjson" in shell("export", "acme", "acme.ndjson", code=1)
    shell("export", "nobody", "nobody.ndjson", code=1)
    assert not Path("nobody.ndjson").exists()


def test_a_deleted_tenant_is_not_even_in_the_free_pages_of_the_file(shell: Shell) -> None:
    assert "was not deleted" in shell("delete", "acme", "--json", code=1)
    assert CANARY.encode() in bytes_in(shell.folder)
    assert "acme is gone" in shell("delete", "acme", "--yes")
    assert CANARY.encode() not in bytes_in(shell.folder)


def test_a_promotion_says_what_it_does_and_a_dry_run_what_it_would(shell: Shell) -> None:
    with Engine("procession.db") as engine:
        engine.deploy(model("new"), tenant="acme:test")
    arguments = ("promote", "--from", "acme:test", "--to", "acme")
    text = shell(*arguments, "--dry-run")
    assert "new      process new" in text
    assert "only in acme: process p" in text
    assert "nothing was deployed" in text
    (done,) = shell.json(*arguments)
    assert len(done["deployments"]) == 1
    assert "not two environments" in shell("promote", "--from", "acme", "--to", "bolt", code=1)


def test_keys_rotate_and_are_wrapped_anew_where_the_store_is_sealed(sealed: Shell) -> None:
    assert sealed.json("rotate-key", "acme") == [{"tenant": "acme", "generation": 2}]
    assert sealed.json("rotate-key", "--rewrap") == [{"rewrapped": 3}]
    assert "name a tenant" in sealed("rotate-key", code=2)
    assert sealed.json("delete", "acme", "--yes")[0]["shredded"]
    unsealed = Shell(sealed.folder, {})
    assert "without keys" in unsealed("rotate-key", "acme", code=2)


def test_two_places_of_master_keys_at_once_are_refused(sealed: Shell) -> None:
    both = Shell(sealed.folder, {**sealed.environment, "PROCESSION_ENCRYPTION__MASTER_KEYS": "keys.toml"})
    assert "are both set" in both("list", code=2)


def test_a_settings_file_names_the_keys_for_commands_too(sealed: Shell) -> None:
    Path("master.key").write_text(KEY)
    sealing = '[encryption]\nmaster_key_file = "master.key"\ntenant_keys = "keys"\n'
    Path("s.toml").write_text(f"{sealing}[server]\nport = -1\n")
    other = Shell(sealed.folder, {"PROCESSION_CONFIG": "s.toml"})
    assert other.json("rotate-key", "acme") == [{"tenant": "acme", "generation": 2}]
    Path("s.toml").write_text('[encryption]\nmaster_key_file = "none"\n')
    assert "encryption.master_key_file" in other("list", code=2)
