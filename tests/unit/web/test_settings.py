"""Settings: what is wrong with them is told with key, place and remedy, all of it at once; secrets are never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from procession.cli.app import app
from procession.web.settings import Settings
from procession.web.settings_reader import MASK, is_loopback, part_of, read_settings, shown, types_of, variable


def _read(tmp_path: Path, toml: str = "", options: dict[str, object] | None = None, **environment: str) -> Any:
    file = tmp_path / "settings.toml"
    file.write_text(toml)
    return read_settings(file, environment, options)


def test_the_command_line_counts_more_than_the_environment_and_that_more_than_the_file(tmp_path: Path) -> None:
    toml = '[server]\nport = 1\nhost = "::1"\nkeep_alive_seconds = 7\n[telemetry]\nlog_level = "error"'
    read = _read(
        tmp_path,
        toml,
        {"server.port": 3, "identity.open": True},
        PROCESSION_SERVER__PORT="2",
        PROCESSION_SERVER__DRAIN_SECONDS="2.5",
        PROCESSION_CORS__ORIGINS="https://a.example, https://b.example",
        PROCESSION_WEBHOOKS__ALLOW_PRIVATE="true",
        PROCESSION_IDENTITY__OIDC='[{"issuer": "https://id.example", "audience": "api"}]',
        OTHER_VARIABLE="x",
        PROCESSION_DB="x.db",
    )
    assert read.problems == []
    settings = read.settings
    assert (settings.server.port, settings.server.host, settings.server.drain_seconds) == (3, "::1", 2.5)
    assert settings.telemetry.log_level == "error"
    assert settings.cors.origins == ("https://a.example", "https://b.example")
    assert settings.webhooks.allow_private
    assert settings.identity.oidc[0].tenant_claim == "tenant"
    sources = {key: source for key, _, source in shown(read)}
    assert sources["server.port"] == "command line"
    assert sources["server.drain_seconds"] == "PROCESSION_SERVER__DRAIN_SECONDS"
    assert sources["server.keep_alive_seconds"] == str(tmp_path / "settings.toml")
    assert sources["store.shards"] == "default"


@pytest.mark.parametrize(
    ("toml", "environment", "key", "text"),
    [
        ("[server]\nprot = 1", {}, "server.prot", "no such setting; did you mean port?"),
        ("[srever]\nport = 1", {}, "srever", "did you mean server?"),
        ("[server]\nport = 70000", {}, "server.port", "a whole number from 0 to 65,535"),
        ('[server]\nport = "8080"', {}, "server.port", "Expected `int`, got `str`"),
        ("server = 1", {}, "server", "it is a group of settings"),
        ("", {"PROCESSION_SERVER__PORT": "much"}, "server.port", "it takes a whole number"),
        ("", {"PROCESSION_SERVER_PORT": "1"}, "server_port", "write PROCESSION_SERVER__PORT"),
        ("", {"PROCESSION_TELEMETRY__LOG_LEVEL": "loud"}, "telemetry.log_level", "one of debug, info, warning, error"),
        ("", {"PROCESSION_SERVER": "1"}, "server", "it is a group of settings"),
        ("[server", {}, "settings.toml", "no TOML"),
        ('[store]\npassword = "x"', {}, "store.password", "name a file of its own: store.password_file"),
        ('[store]\npassword_file = "none"', {}, "store.password_file", "No such file"),
        ('[store]\nurl = "postgresql://u:pw@h/d"', {}, "store.url", "PROCESSION_STORE__PASSWORD"),
        ('[store]\nurl = "mysql://h/d"', {}, "store.url", "no kind of store"),
        ('[store]\nzone = "Europe/Atlantis"', {}, "store.zone", "no time zone"),
        ('[server]\nhost = "0.0.0.0"\n[identity]\nopen = true', {}, "server.host", "reached from the network"),
        ('[gateway]\nhost = "0.0.0.0"\n[identity]\nopen = true', {}, "gateway.host", "reached from the network"),
        ('[server]\ntls_key_file = "k"', {}, "server.tls_certificate_file", "TLS needs"),
        ('[tenants.acme]\nmaster_keys = "m"', {}, "tenants.acme.store", "it is not said"),
        ('[tenants.acme]\nstore = "procession.db"', {}, "tenants.acme.store", "it is the store of store.url too"),
        ('[tenants.acme]\nstore = "postgresql://u:pw@h/d"', {}, "tenants.acme.store", "TENANTS__ACME__PASSWORD"),
        ('[tenants.acme]\nstoer = "a.db"', {}, "tenants.acme.stoer", "did you mean store?"),
        ('[tenants."<platform>"]\nstore = "a.db"', {}, "tenants.<platform>", "it is no tenant of anybody"),
        ('[tenants]\nstore = "a.db"', {}, "tenants", "write [tenants.<name>]"),
        ("", {"PROCESSION_TENANTS__ACME__STORE": "a.db", "PROCESSION_TENANTS__ACME__X": ""}, "tenants.acme.x", "x"),
        ('[encryption]\nmaster_key = "x"', {}, "encryption.master_key", "a secret does not stand"),
        ('[encryption]\ntenant_keys = "k"', {}, "encryption.tenant_keys", "there is no master key"),
        ('[encryption]\nmaster_keys = "none"', {}, "encryption.master_keys", "no file none"),
        ('[cors]\norigins = ["*"]', {}, "cors.origins", "is no origin"),
        ('[player]\nurl = "forms.example.com"', {}, "player.url", "is no address"),
        ('[player]\nframe_ancestors = ["*"]', {}, "player.frame_ancestors", "is no origin"),
        ('[player]\nframe_ancestors = ["https://a; script-src *"]', {}, "player.frame_ancestors", "is no origin"),
        ('[mail]\nhost = "smtp.example.com"', {}, "mail.sender", "an address that they come from"),
        ('[sms]\nurl = "https://sms.example.com"', {}, "sms.secret", "it is no secret to sign with"),
        ('[sms]\nurl = "http://sms.example.com"', {}, "sms.url", "over TLS alone"),
        ('[mail]\npassword = "x"', {}, "mail.password", "a secret does not stand"),
        ('[[identity.oidc]]\nissuer = "https://x"', {}, "identity.oidc", "missing required field `audience`"),
    ],
)
def test_a_problem_is_told_with_its_key_and_a_remedy(
    tmp_path: Path, toml: str, environment: dict[str, str], key: str, text: str
) -> None:
    problems = _read(tmp_path, toml, None, **environment).problems
    assert any(each.key.endswith(key) and text in str(each) and each.remedy for each in problems), problems
    assert "pw" not in str([str(each) for each in problems if key == "store.url"])


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    read = _read(tmp_path, "[server]\nprot = 1\nport = -1\n[stroe]\n", PROCESSION_LIMITS__BODY_BYTES_MAX="x")
    assert [each.key for each in read.problems] == [
        *("server.prot", "server.port", "stroe", "limits.body_bytes_max"),
    ]


def test_a_secret_comes_from_the_environment_or_a_file_and_is_masked(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    toml = f'[store]\npassword_file = "{tmp_path / "password"}"'
    read = _read(tmp_path, toml, PROCESSION_IDENTITY__ADMIN_KEY="hidden")
    assert read.problems == []
    assert (read.settings.store.password, read.settings.identity.admin_key) == ("hush", "hidden")
    values = {key: (value, source) for key, value, source in shown(read)}
    assert values["store.password"][0] == values["identity.admin_key"][0] == MASK
    assert values["store.password"][1].endswith("password")
    over = _read(tmp_path, toml, PROCESSION_STORE__PASSWORD="environment")
    assert over.settings.store.password == "environment"


def test_a_password_that_stands_in_a_url_is_not_shown(tmp_path: Path) -> None:
    read = _read(tmp_path, PROCESSION_STORE__URL="postgresql://me:hush@db/x")
    assert "hush" not in str([read.problems, *shown(read)])


def test_every_setting_has_a_variable_of_its_own() -> None:
    assert variable("server.drain_seconds") == "PROCESSION_SERVER__DRAIN_SECONDS"
    keys = [f"{group}.{name}" for group, part in types_of(Settings).items() for name in types_of(part_of(part) or part)]
    assert len({variable(key) for key in keys}) == len(keys)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.1", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_loopback_is_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def _run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=environment)


def test_config_check_tells_all_problems_and_exits_with_one(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[server]\nport = -1\n[nothing]\n")
    done = _run("config", "check", str(file))
    assert done.exit_code == 1
    assert "server.port" in done.stdout
    assert "2 problems" in done.stdout
    records = [json.loads(line) for line in _run("config", "check", str(file), "--json").stdout.splitlines()]
    assert [(each["key"], bool(each["remedy"])) for each in records] == [("server.port", True), ("nothing", True)]
    file.write_text("[server]\nport = 1\n")
    done = _run("config", "check", PROCESSION_CONFIG=str(file))
    assert (done.exit_code, done.stdout) == (0, "the settings can be used\n")


def test_config_show_tells_values_and_where_they_come_from(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[server]\nport = 81\n")
    done = _run("config", "show", str(file), "--json", PROCESSION_STORE__PASSWORD="hush")
    rows = {each["key"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert rows["server.port"] == {"key": "server.port", "value": 81, "source": str(file)}
    assert rows["store.password"]["value"] == MASK
    assert rows["store.password"]["source"] == "PROCESSION_STORE__PASSWORD"
    assert "hush" not in done.stdout
