"""The codec server: who is shown what, and everything that a request may be wrong in."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

import codec_rig as rig
from procession.hosts.temporal.codec import Chain, CodecConfig, CodecError
from procession.hosts.temporal.codec import server as served
from procession.hosts.temporal.codec.server import CodecServer, ServerConfig, read_config
from procession.hosts.temporal.codec.tokens import TokenConfig, Tokens

SECRET: Final = "s" * 40
UI: Final = "https://temporal.example.com"
CODEC: Final = CodecConfig(claim_over_bytes=10_000)
RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def payloads(self) -> list[Payload]:
        """The payloads in it."""
        assert self.status == 200, self.body
        return list(json_format.Parse(self.body, Payloads()).payloads)

    @property
    def error(self) -> str:
        """What it says went wrong."""
        return str(json.loads(self.body)["error"])


class Asked:
    """A server and what it shares with the workers."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        secret = folder / "secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        self.blobs = rig.StoppableBlobs()
        self.chain = rig.chain(CODEC, blobs=self.blobs)
        self.tokens = TokenConfig(secret_file=str(secret))
        config = ServerConfig(codec=CODEC, tokens=self.tokens, allowed_origins=[UI])
        self.server = CodecServer(msgspec.structs.replace(config, **settings), self.chain)

    def sealed(self, workflow: str, data: bytes = b"12") -> Payload:
        """A payload that a worker sealed."""
        return rig.run(self.chain.seal(workflow, [rig.payload(data)]))[0]

    def post(self, path: str, payloads: list[Payload], **headers: str) -> Got:
        """What is answered to payloads, by default for a token that grants acme."""
        body = json_format.MessageToJson(Payloads(payloads=payloads)).encode()
        return self.ask("POST", path, body, **headers)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Got:
        """What is answered; a header that is empty is not sent."""
        all = {"authorization": f"Bearer {token()}", "content_type": "application/json", "x_namespace": "default"}
        sent = {name.replace("_", "-"): value for name, value in (all | headers).items() if value}
        return rig.run(asked(self.server, method, path, sent, body))


async def asked(server: CodecServer, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Got:
    """One request to an application of ASGI, its body in two parts."""
    parts = [body[: len(body) // 2], body[len(body) // 2 :]]
    path, _, query = path.partition("?")
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await server(scope, receive, send)
    start, end = sent
    return Got(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, end["body"])


def token(key: Any = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    """A token that grants acme in the namespace default for a minute."""
    all = {"sub": "ada", "exp": time.time() + 60, "tenants": ["acme"], "namespaces": ["default"]} | claims
    said = {name: value for name, value in all.items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": "one"})


@pytest.fixture
def ui(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


# --- who is shown what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/decode", "/some/depth/decode", "/decode?preserveStorageRefs=true"])
def test_payloads_of_a_granted_tenant_are_shown(ui: Asked, path: str) -> None:
    assert ui.post(path, [ui.sealed("acme/1"), ui.sealed("acme/2", b"34")]).payloads == [
        rig.payload(b"12"),
        rig.payload(b"34"),
    ]


def test_payloads_of_another_tenant_stay_sealed_and_hide_nothing_else(ui: Asked) -> None:
    mine, theirs, plain = ui.sealed("acme/1"), ui.sealed("globex/1"), rig.payload(b'"plain"')
    assert ui.post("/decode", [theirs, mine, plain]).payloads == [theirs, rig.payload(b"12"), plain]


@pytest.mark.parametrize("workflow", ["acme/1", "acme/2", "", "acme", "%61cme/1", "ü"])
def test_a_payload_that_lies_about_its_tenant_stays_sealed(ui: Asked, workflow: str) -> None:
    theirs = ui.sealed("globex/1")
    theirs.metadata["procession-workflow"] = workflow.encode()
    assert ui.post("/decode", [theirs]).payloads == [theirs]


def test_a_claim_that_lies_about_its_tenant_stays_a_claim(ui: Asked) -> None:
    [theirs] = rig.run(rig.chain(rig.ALL, blobs=ui.blobs).seal("globex/1", [rig.payload()]))
    theirs.metadata["procession-workflow"] = b"acme/1"
    assert ui.post("/decode", [theirs]).payloads == [theirs]
    assert ui.post("/download", [theirs]).status == 503


@pytest.mark.parametrize(
    ("claims", "seen"),
    [
        ({"tenants": ["acme", "globex"]}, ["acme", "globex"]),
        ({"tenants": "*"}, ["acme", "globex"]),
        ({"tenants": ["*"]}, ["acme", "globex"]),
        ({"tenants": []}, []),
        ({"tenants": "acme"}, []),
        ({"tenants": None}, []),
        ({"tenants": ["ACME", "acm", 1, None, ["acme"]]}, []),
        ({"tenants": {"acme": True}}, []),
    ],
)
def test_the_claims_say_what_is_seen(ui: Asked, claims: dict[str, Any], seen: list[str]) -> None:
    sealed = {tenant: ui.sealed(f"{tenant}/1") for tenant in ("acme", "globex")}
    got = ui.post("/decode", list(sealed.values()), authorization=f"Bearer {token(**claims)}").payloads
    assert [tenant for tenant, payload in zip(sealed, got, strict=True) if payload == rig.payload(b"12")] == seen


@pytest.mark.parametrize(
    ("claims", "namespace", "status"),
    [
        ({}, "default", 200),
        ({}, "other", 403),
        ({}, "", 403),
        ({"namespaces": "*"}, "other", 200),
        ({"namespaces": None}, "default", 403),
    ],
)
def test_the_namespace_must_be_granted_too(ui: Asked, claims: dict[str, Any], namespace: str, status: int) -> None:
    got = ui.post("/decode", [], authorization=f"Bearer {token(**claims)}", x_namespace=namespace)
    assert got.status == status


def test_namespaces_are_not_asked_for_where_no_claim_has_them(tmp_path: Path) -> None:
    ui = Asked(tmp_path)
    tokens = msgspec.structs.replace(ui.tokens, namespaces_claim="")
    ui = Asked(tmp_path, tokens=tokens)
    assert ui.post("/decode", [], authorization=f"Bearer {token(namespaces=None)}").status == 200


# --- claims in the blob store -----------------------------------------------------------------------------------------


def _large(ui: Asked) -> tuple[Payload, Payload]:
    data = "".join(str(number) for number in range(20_000)).encode()
    return ui.sealed("acme/1", data), rig.payload(data)


def test_a_history_is_shown_without_its_blobs_and_one_is_downloaded(ui: Asked) -> None:
    claim, payload = _large(ui)
    assert ui.post("/decode?preserveStorageRefs=true", [claim]).payloads == [claim]
    assert "externalPayloads" in json_format.MessageToDict(claim)
    assert ui.post("/download?preserveStorageRefs=true", [claim]).payloads == [payload]
    assert ui.post("/decode", [claim]).payloads == [payload]


def test_a_download_says_what_is_wrong(ui: Asked) -> None:
    claim, payload = _large(ui)
    assert ui.post("/download", [payload]).error.startswith("only payloads that lie in the blob store")
    denied = ui.post("/download", [claim], authorization=f"Bearer {token(tenants=['globex'])}")
    assert denied.status == 403
    ui.blobs.down = True
    down = ui.post("/download", [claim])
    assert (down.status, down.error) == (503, "the store is down")
    # In a history the other payloads are shown all the same.
    assert ui.post("/decode", [claim, ui.sealed("acme/1")]).payloads == [claim, rig.payload(b"12")]


def test_what_is_only_compressed_is_shown_and_a_bomb_is_not(tmp_path: Path) -> None:
    ui = Asked(tmp_path)
    [small] = rig.run(
        Chain(CodecConfig(encrypt=False, compress_over_bytes=0)).seal("acme/1", [rig.payload(b"a" * 999)])
    )
    bomb = Payload(metadata=small.metadata, data=b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\1\0\0")
    assert ui.post("/decode", [small, bomb]).payloads == [rig.payload(b"a" * 999), bomb]


def test_an_answer_does_not_grow_without_end(ui: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "ANSWER_BYTES_MAX", 3_000)
    sealed = [ui.sealed("acme/1", b"a" * 1_000) for _ in range(20)]
    got = ui.post("/decode", sealed).payloads
    assert [payload == rig.payload(b"a" * 1_000) for payload in got] == [True] * 3 + [False] * 17


# --- encoding ---------------------------------------------------------------------------------------------------------


def test_a_payload_is_sealed_for_the_workflow_that_is_named(ui: Asked) -> None:
    [sealed] = ui.post("/encode", [rig.payload()], x_workflow_id="acme/7").payloads
    assert rig.run(ui.chain.open("acme/7", [sealed])) == [rig.payload()]


@pytest.mark.parametrize(
    ("workflow", "status", "told"),
    [("", 400, "--codec-header"), ("acme", 400, "no tenant"), ("globex/1", 403, "not grant the tenant")],
)
def test_a_payload_is_not_sealed_for_nobody_or_for_others(ui: Asked, workflow: str, status: int, told: str) -> None:
    got = ui.post("/encode", [rig.payload()], x_workflow_id=workflow)
    assert got.status == status
    assert told in got.error


def test_a_tenant_without_a_key_is_told_of(ui: Asked) -> None:
    got = ui.post("/encode", [rig.payload()], x_workflow_id="initech/1", authorization=f"Bearer {token(tenants='*')}")
    assert got.status == 503
    assert "no key" in got.error


# --- tokens -----------------------------------------------------------------------------------------------------------

PUBLIC: Final = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _signed_by_hand(header: dict[str, str], key: bytes = b"") -> str:
    """A token that no library would make: of no algorithm, or signed with a public key as if that were a secret."""
    import hashlib
    import hmac

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {"exp": time.time() + 60, "tenants": "*", "namespaces": "*"}
    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(key, text.encode(), hashlib.sha256)) if key else ''}"


BAD_HEADERS: Final = {
    "none": "",
    "basic": "Basic YWRhOmFkYQ==",
    "empty": "Bearer ",
    "garbage": "Bearer garbage",
    "huge": "Bearer " + "a" * 20_000,
    "unsigned": "Bearer " + _signed_by_hand({"alg": "none", "typ": "JWT"}),
    "expired": "Bearer " + token(exp=time.time() - 60),
    "for ever": "Bearer " + token(exp=None),
    "not yet": "Bearer " + token(nbf=time.time() + 600),
    "another secret": "Bearer " + token("x" * 40),
    "another algorithm": "Bearer " + token(RSA, "RS256"),
}


@pytest.mark.parametrize("kind", BAD_HEADERS)
def test_a_token_that_is_not_good_sees_nothing(ui: Asked, kind: str) -> None:
    for route in ("/decode", "/encode", "/download"):
        got = ui.post(route, [ui.sealed("acme/1")], authorization=BAD_HEADERS[kind])
        assert got.status == 401
        assert got.headers["www-authenticate"] == "Bearer"
        assert BAD_HEADERS[kind][8:] not in got.error or not BAD_HEADERS[kind][8:]


def test_a_public_key_is_never_taken_for_a_secret(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    pem.write_bytes(PUBLIC)
    ui = Asked(tmp_path, tokens=TokenConfig(public_key_file=str(pem)))
    assert ui.post("/decode", [], authorization=f"Bearer {token(RSA, 'RS256')}").status == 200
    for bad in (_signed_by_hand({"alg": "HS256", "typ": "JWT"}, PUBLIC), token(OTHER_RSA, "RS256")):
        assert ui.post("/decode", [], authorization=f"Bearer {bad}").status == 401


def test_a_set_of_keys_is_read_again_when_a_token_names_a_new_one(tmp_path: Path) -> None:
    def write(**keys: rsa.RSAPrivateKey) -> None:
        made = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": name, "alg": "RS256"}
            for name, key in keys.items()
        ]
        file.write_text(json.dumps({"keys": made}))

    file = tmp_path / "jwks.json"
    write(two=OTHER_RSA)
    tokens = Tokens(TokenConfig(jwks_file=str(file)))
    server = Asked(tmp_path)
    server.server = CodecServer(ServerConfig(codec=CODEC, tokens=TokenConfig(jwks_file=str(file))), server.chain)
    assert server.post("/decode", [], authorization=f"Bearer {token(RSA, 'RS256')}").status == 401
    write(one=RSA)
    # A stranger who names keys that are not there makes nobody read the set again and again.
    assert server.post("/decode", [], authorization=f"Bearer {token(RSA, 'RS256')}").status == 401
    assert rig.run(tokens.grants(f"Bearer {token(RSA, 'RS256')}")).tenants == frozenset({"acme"})


@pytest.mark.parametrize(
    ("audience", "issuer", "status"), [("codec", "idp", 200), ("other", "idp", 401), ("codec", "x", 401)]
)
def test_audience_and_issuer_are_verified_where_they_are_given(
    tmp_path: Path, audience: str, issuer: str, status: int
) -> None:
    ui = Asked(tmp_path)
    ui = Asked(tmp_path, tokens=msgspec.structs.replace(ui.tokens, audience="codec", issuer="idp"))
    assert ui.post("/decode", [], authorization=f"Bearer {token(aud=audience, iss=issuer)}").status == status
    assert ui.post("/decode", []).status == 401


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "one of"),
        ({"jwks_url": "https://idp", "secret_file": "s"}, "one of"),
        ({"jwks_url": "http://idp"}, "https"),
        ({"secret_file": "short"}, "32 bytes"),
        ({"secret_file": "open"}, "chmod 600"),
        ({"public_key_file": "short"}, "no public key"),
        ({"jwks_file": "short"}, "set of keys"),
        ({"jwks_file": "none"}, "No such file"),
        ({"secret_file": "good", "tenants_claim": ""}, "tenants_claim"),
    ],
)
def test_a_configuration_of_tokens_that_is_wrong_is_refused(fields: dict[str, str], told: str, tmp_path: Path) -> None:
    for name, text, mode in (("short", "short", 0o600), ("open", SECRET, 0o644), ("good", SECRET, 0o600)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    placed = {name: str(tmp_path / value) if name.endswith("_file") else value for name, value in fields.items()}
    with pytest.raises(CodecError, match=told):
        Tokens(TokenConfig(**placed))


# --- browsers ---------------------------------------------------------------------------------------------------------


def test_the_user_interface_may_ask_and_other_pages_may_not(ui: Asked) -> None:
    asked: dict[str, Any] = {
        "origin": UI,
        "access_control_request_method": "POST",
        "authorization": "",
        "content_type": "",
    }
    allowed = ui.ask("OPTIONS", "/decode", **asked)
    assert (allowed.status, allowed.body) == (204, b"")
    assert allowed.headers["access-control-allow-origin"] == UI
    assert allowed.headers["access-control-allow-credentials"] == "true"
    for name in ("authorization", "authorization-extras", "content-type", "x-namespace"):
        assert name in allowed.headers["access-control-allow-headers"]
    assert ui.post("/decode", [], origin=UI).headers["access-control-allow-origin"] == UI
    # The user interface must be able to read why it is refused.
    assert ui.post("/decode", [], origin=UI, authorization="").headers["access-control-allow-origin"] == UI
    for origin in ("https://evil.example.com", "null", f"{UI}.evil.com", UI.upper()):
        for got in (
            ui.ask("OPTIONS", "/decode", origin=origin),
            ui.post("/decode", [ui.sealed("acme/1")], origin=origin),
        ):
            assert got.status == 403
            assert "access-control-allow-origin" not in got.headers


@pytest.mark.parametrize(
    "origin", ["*", "https://*", "temporal.example.com", "https://a/b", "https://*.example.com", "null"]
)
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(CodecError, match="origin"):
        ServerConfig(codec=CODEC, tokens=TokenConfig(), allowed_origins=[origin])


# --- requests that are wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/health", b"", {"authorization": ""}, 200),
        ("GET", "/decode", b"", {}, 405),
        ("POST", "/", b"{}", {}, 404),
        ("POST", "/health", b"{}", {}, 404),
        ("POST", "/decode/more", b"{}", {}, 404),
        ("POST", "/decode", b"{}", {"content_type": "text/plain"}, 415),
        ("POST", "/decode", b"{}", {"content_type": "application/json; charset=utf-8"}, 200),
        ("POST", "/decode", b"", {}, 400),
        ("POST", "/decode", b"[1]", {}, 400),
        ("POST", "/decode", b"\xff", {}, 400),
        ("POST", "/decode", b'{"payloads":[{"data":5}]}', {}, 400),
        ("POST", "/decode", b'{"payloads":[' * 1_000, {}, 400),
        ("POST", "/decode", b'{"payloads":[],"fieldOfTomorrow":1}', {}, 200),
        ("POST", "/decode", b'{"payloads":[' + b"{}," * 2_000 + b"{}]}", {}, 413),
        ("POST", "/decode", b" " * 2_000_000, {}, 413),
    ],
)
def test_a_request_that_is_wrong_is_answered_with_the_reason(
    tmp_path: Path, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    got = Asked(tmp_path, body_bytes_max=1_000_000).ask(method, path, body, **headers)
    assert got.status == status
    assert got.headers["cache-control"] == "no-store"
    assert status == 200 or got.error


def test_the_log_tells_who_saw_what_and_holds_no_value(ui: Asked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sealed = [ui.sealed("acme/1", b'"topsecret"'), ui.sealed("globex/1")]
    damaged = Payload(metadata=sealed[0].metadata, data=b"x" * 50)
    bearer = token(sub="ada\nroot: all is well")
    got = ui.post("/decode", [*sealed, damaged], authorization=f"Bearer {bearer}", x_namespace="default")
    assert got.payloads[0] == rig.payload(b'"topsecret"')
    told = [record.getMessage() for record in caplog.records if record.name == "procession.codec"]
    assert told[-1] == r"decode namespace='default' subject='ada\nroot: all is well' denied=1 failed=1 opened=1"
    assert not [text for text in told if "topsecret" in text or bearer in text or "\n" in text]


def test_an_error_that_nobody_foresaw_says_nothing(ui: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> bytes:
        raise RuntimeError("topsecret")

    monkeypatch.setattr(served, "_encoded", broken)
    got = ui.post("/decode", [])
    assert (got.status, got.body) == (500, b'{"error":"internal error"}')


def test_a_configuration_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(
        'allowed_origins = ["https://ui"]\n[codec]\nkey_file = "keys.toml"\n[tokens]\njwks_url = "https://idp"\n'
    )
    config = read_config(file)
    assert (config.codec.key_file, config.tokens.jwks_url, config.allowed_origins) == (
        "keys.toml",
        "https://idp",
        ["https://ui"],
    )
    file.write_text("[codec]\nkeyfile = 1\n[tokens]\n")
    with pytest.raises(CodecError, match="keyfile"):
        read_config(file)
