"""Tokens of identity providers: which hold, and that nothing else does. The provider is an HTTP transport in memory;
tests/integration/test_oidc_provider.py runs a real one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Awaitable, Callable
from typing import Final, final

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from access_rig import NOW_S, Ticks, bearer, known_site, make_key, said
from procession.base.failure import BadValue
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.services.access import Grant, Unauthorized
from procession.web.identity import gate_of
from procession.web.identity.attempts import FAILURES_MAX
from procession.web.identity.jwks import FRESH_S, KEPT_S, RETRY_S
from procession.web.identity.oidc import TOKEN_MAX, GroupGrant, Provider, Tokens
from procession.web.identity.opening import alias_of
from procession.web.site import Site

ISSUER: Final = "https://login.test"
AUDIENCE: Final = "https://api.test"
RSA: Final = RSAKey.generate_key(2048, {"kid": "r"})
EC: Final = ECKey.generate_key("P-256", {"kid": "e"})
P384: Final = ECKey.generate_key("P-384", {"kid": "e384"})
OKP: Final = OKPKey.generate_key("Ed25519", {"kid": "o"})
STRANGER: Final = RSAKey.generate_key(2048, {"kid": "r"})
GRANTS: Final = (GroupGrant("staff", "acme", Grant(("viewer",))), GroupGrant("ops", "<platform>", Grant(("admin",))))
PROVIDER: Final = Provider("corp", ISSUER, (AUDIENCE,), grants=GRANTS)

Key = RSAKey | ECKey | OKPKey


@final
class Identities:
    """An identity provider: its two documents, what was asked of it, and whether it is there."""

    def __init__(self, *keys: Key) -> None:
        self.keys: list[Key] = list(keys)
        self.issuer = ISSUER
        self.down = False
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if self.down:
            raise httpx.ConnectError("refused")
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{ISSUER}/jwks"})
        return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})


def _small() -> RSAKey:
    with warnings.catch_warnings(action="ignore"):
        return RSAKey.generate_key(1024, {"kid": "small"})


SMALL: Final = _small()


def claims(**changed: object) -> dict[str, object]:
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW_S + 300, "iat": NOW_S, "groups": ["staff"]}
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def minted(said: object, key: Key = RSA, alg: str = "RS256", **header: object) -> str:
    head = {"alg": alg, "typ": "JWT", "kid": key.kid, **header}
    text = f"{part({name: value for name, value in head.items() if value is not None})}.{part(said)}"
    return f"{text}.{part(JWSRegistry.algorithms[alg].sign(text.encode(), key))}"


def run(
    promise: Callable[[Tokens, Identities, Ticks], Awaitable[None]], *keys: Key, provider: Provider = PROVIDER
) -> None:
    async def told() -> None:
        identities, ticks = Identities(*(keys or (RSA, EC, OKP, P384))), Ticks()
        async with httpx.AsyncClient(transport=httpx.MockTransport(identities)) as http:
            await promise(Tokens([provider], http, ticks, ticks), identities, ticks)

    asyncio.run(told())


def over_rest(
    promise: Callable[[Site, httpx.AsyncClient, Identities, Ticks], Awaitable[None]], provider: Provider = PROVIDER
) -> None:
    async def with_tokens(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        with Engine() as engine:
            async with known_site(engine, tokens, ticks) as (site, client):
                await promise(site, client, identities, ticks)

    run(with_tokens, provider=provider)


# --- what holds


@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (OKP, "EdDSA")])
def test_a_token_of_each_algorithm_holds(key: Key, alg: str) -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        found = await tokens.identity(minted(claims(aud=["other", AUDIENCE]), key, alg))
        assert (found.sub, found.groups, found.user) == ("ada", ("staff",), "ada")

    run(promise)


def test_a_token_without_a_key_id_holds_where_the_provider_has_one_key() -> None:
    async def alone(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        assert (await tokens.identity(minted(claims(), kid=None))).sub == "ada"

    async def of_two(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        with pytest.raises(Unauthorized):
            await tokens.identity(minted(claims(), kid=None))

    run(alone, RSA)
    run(of_two, RSA, EC)


def test_clocks_may_be_apart_by_the_skew_and_no_more() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        for each in (claims(exp=NOW_S - 29), claims(nbf=NOW_S + 29), claims(iat=NOW_S + 29)):
            await tokens.identity(minted(each))
        for each in (claims(exp=NOW_S - 31), claims(nbf=NOW_S + 31), claims(iat=NOW_S + 31)):
            with pytest.raises(Unauthorized):
                await tokens.identity(minted(each))

    run(promise)


# --- what does not


def none_of(said: object) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'r'})}.{part(said)}."


def with_public_key_as_secret(said: object) -> str:
    pem = RSA.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'r'})}.{part(said)}"
    return f"{text}.{part(hmac.digest(pem, text.encode(), hashlib.sha256))}"


def twice(first: str, second: str) -> str:
    head = part(f'{{"kid":"r","alg":"{first}","alg":"{second}"}}'.encode())
    return f"{head}.{part(claims())}."


def resigned(said: object) -> str:
    """A token that brings its own key along."""
    return minted(said, STRANGER, jwk=STRANGER.as_dict(private=False), jku="https://evil.test/jwks", x5c=["AA"])


def changed_after_signing() -> str:
    head, _, signature = minted(claims()).split(".")
    return f"{head}.{part(claims(sub='eve'))}.{signature}"


FALSE: Final[dict[str, str]] = {
    "alg none": none_of(claims()),
    "alg None": f"{part({'alg': 'None', 'kid': 'r'})}.{part(claims())}.",
    "HS256 with the public key as secret": with_public_key_as_secret(claims()),
    "another's key under the same id": minted(claims(), STRANGER),
    "its own key": resigned(claims()),
    "wrong key id": minted(claims(), RSA, kid="gone"),
    "key id is no text": minted(claims(), RSA, kid=7),
    "key id is a path": minted(claims(), RSA, kid="../../etc/passwd"),
    "key of another algorithm": minted(claims(), RSA, kid="e"),
    "a curve that is not allowed": minted(claims(), P384, "ES384"),
    "an algorithm that is not allowed": minted(claims(), RSA, "RS384"),
    "expired": minted(claims(exp=NOW_S - 3_600)),
    "expired at the end of days": minted(claims(exp=float("nan"))),
    "no expiry": minted(claims(exp=None)),
    "expiry is a text": minted(claims(exp="never")),
    "not yet valid": minted(claims(nbf=NOW_S + 3_600)),
    "issued in the future": minted(claims(iat=NOW_S + 3_600)),
    "wrong audience": minted(claims(aud="https://other.test")),
    "no audience": minted(claims(aud=None)),
    "audience of a longer name": minted(claims(aud=f"{AUDIENCE}.evil.test")),
    "wrong issuer": minted(claims(iss="https://evil.test")),
    "issuer of a longer name": minted(claims(iss=f"{ISSUER}.evil.test")),
    "issuer is a list": minted(claims(iss=[ISSUER])),
    "no issuer": minted(claims(iss=None)),
    "no subject": minted(claims(sub=None)),
    "empty subject": minted(claims(sub="")),
    "subject with a line end": minted(claims(sub="ada\nroot")),
    "subject is a number": minted(claims(sub=7)),
    "subject is long": minted(claims(sub="a" * 300)),
    "the algorithm twice": twice("RS256", "none"),
    "none, then the algorithm": twice("none", "RS256"),
    "extensions that have to be understood": minted(claims(), crit=["exp"]),
    "made for a logout": minted(claims(), typ="logout+jwt"),
    "changed after signing": changed_after_signing(),
    "no signature": minted(claims()).rpartition(".")[0] + ".",
    "two parts": minted(claims()).rpartition(".")[0],
    "encrypted": ".".join([part({"alg": "dir", "enc": "A256GCM"}), "", "a", "b", "c"]),
    "claims are a list": minted([claims()]),
    "header is a list": f"{part([])}.{part(claims())}.a",
    "huge": minted(claims(padding="x" * TOKEN_MAX)),
    "deeply nested": f"{part(b'[' * 5_000)}.{part(claims())}.a",
    "not base64": "a=b.c$d.e",
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_token_does_not_hold(name: str) -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        with pytest.raises(Unauthorized):
            await tokens.identity(FALSE[name])

    run(promise)


@given(st.text(max_size=300))
def test_no_text_disturbs_the_reader_of_tokens(text: str) -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        for token in (text, f"{text}.{text}.{text}", f"{part(text)}.{part(claims())}.{part(b'x')}"):
            with pytest.raises(Unauthorized):
                await tokens.identity(token)

    run(promise)


# --- the provider's keys


def test_a_new_key_is_found_and_unknown_ids_do_not_ask_again_and_again() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        await tokens.identity(minted(claims(), RSA))
        identities.keys = [EC]
        for _ in range(20):
            with pytest.raises(Unauthorized):
                await tokens.identity(minted(claims(), OKP, "EdDSA"))
        assert len(identities.asked) == 2
        ticks.now += RETRY_S
        await tokens.identity(minted(claims(), EC, "ES256"))
        # The key that the provider took back holds no longer.
        with pytest.raises(Unauthorized):
            await tokens.identity(minted(claims(), RSA))
        assert len(identities.asked) == 4

    run(promise, RSA)


def test_many_at_once_ask_the_provider_once() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        await asyncio.gather(*(tokens.identity(minted(claims())) for _ in range(50)))
        assert len(identities.asked) == 2

    run(promise)


def test_known_keys_hold_while_the_provider_is_down_for_a_day() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        await tokens.identity(minted(claims()))
        identities.down = True
        ticks.now += FRESH_S + 1
        await tokens.identity(minted(claims(exp=ticks.now + 60)))
        ticks.now += KEPT_S
        with pytest.raises(Exception, match="cannot be reached"):
            await tokens.identity(minted(claims(exp=ticks.now + 60)))

    run(promise)


def test_a_key_that_is_too_small_is_not_taken() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        with pytest.raises(Unauthorized):
            await tokens.identity(minted(claims(), SMALL))

    run(promise, SMALL)


def test_a_provider_that_calls_itself_otherwise_is_not_believed() -> None:
    async def promise(tokens: Tokens, identities: Identities, ticks: Ticks) -> None:
        identities.issuer = "https://evil.test"
        with pytest.raises(Exception, match="cannot be reached"):
            await tokens.identity(minted(claims()))

    run(promise)


@pytest.mark.parametrize(
    "provider",
    [
        Provider("corp", "http://login.test", (AUDIENCE,)),
        Provider("corp", ISSUER, ()),
        Provider("", ISSUER, (AUDIENCE,)),
        Provider("a|b", ISSUER, (AUDIENCE,)),
        Provider("corp", ISSUER, (AUDIENCE,), algorithms=("HS256",)),
        Provider("corp", ISSUER, (AUDIENCE,), algorithms=("none",)),
        Provider("corp", ISSUER, (AUDIENCE,), skew_s=86_400),
        Provider("corp", ISSUER, (AUDIENCE,), roles_claim="roles"),
        Provider("corp", ISSUER, (AUDIENCE,), grants=(GroupGrant("g", "t", Grant(("root",))),)),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(provider: Provider) -> None:
    async def promise() -> None:
        async with httpx.AsyncClient() as http:
            with pytest.raises(BadValue):
                Tokens([provider], http, Ticks(), Ticks())

    asyncio.run(promise())


# --- over REST


def test_a_group_of_the_settings_gives_roles_in_its_tenant() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        token = minted(claims())
        mine = (await client.get("/v1/whoami", headers=bearer(token))).json()
        assert (mine["tenant"], mine["subject"], mine["roles"]) == ("acme", "user:corp|ada", ["viewer"])
        foreign = [await client.get("/v1/whoami", headers=bearer(token, tenant=name)) for name in ("<default>", "no")]
        assert [each.status_code for each in foreign] == [403, 403]
        assert said(foreign[0]) == said(foreign[1])

    over_rest(promise)


def test_a_member_has_the_roles_of_their_record_and_of_their_groups() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        admin = bearer(minted(claims(sub="root", groups=["ops"])), tenant="<default>")
        person = {"subject": "user:corp|eve", "roles": ["task-worker"], "user": "eve", "groups": ["night"]}
        crowd = {"subject": "group:corp|clerks", "roles": ["viewer"], "processes": ["p"], "groups": ["clerks"]}
        added = [await client.post("/v1/members", json=each, headers=admin) for each in (person, crowd)]
        assert [each.status_code for each in added] == [201, 201], added[0].text
        eve = bearer(minted(claims(sub="eve", groups=["clerks"])))
        mine = (await client.get("/v1/whoami", headers=eve)).json()
        assert (mine["tenant"], mine["user"], mine["roles"]) == ("<default>", "eve", ["task-worker", "viewer"])
        assert mine["groups"] == ["clerks", "night"]
        # The roles of the group count for one process, those of the person for all.
        assert mine["processes"] is None
        path = f"/v1/members/{added[0].json()['id']}"
        stale = await client.put(path, json={"roles": ["viewer"]}, headers={**admin, "If-Match": '"7"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition")
        assert (await client.delete(path, headers=admin)).status_code == 204
        mine = (await client.get("/v1/whoami", headers=eve)).json()
        assert (mine["roles"], mine["processes"]) == (["viewer"], ["p"])

    over_rest(promise)


def test_a_user_who_tries_the_names_of_tenants_has_to_wait() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        codes = [
            (await client.get("/v1/whoami", headers=bearer(minted(claims()), tenant=f"t{number}"))).status_code
            for number in range(FAILURES_MAX + 1)
        ]
        assert codes == [403] * FAILURES_MAX + [429]

    over_rest(promise)


def test_tokens_that_are_over_are_no_attempts() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        old = bearer(minted(claims(exp=NOW_S - 3_600)))
        for _ in range(FAILURES_MAX + 1):
            assert (await client.get("/v1/whoami", headers=old)).status_code == 401
        assert (await client.get("/v1/whoami", headers=bearer(minted(claims())))).status_code == 200

    over_rest(promise)


def test_the_gate_is_made_by_the_settings() -> None:
    @final
    class Given(msgspec.Struct, frozen=True):
        issuer: str = ISSUER
        audience: str = AUDIENCE
        tenant_claim: str = "tenant"
        roles_claim: str = "roles"
        groups_claim: str = "groups"
        user_claim: str = "email"

    @final
    class Settings(msgspec.Struct, frozen=True):
        oidc: tuple[Given, ...] = ()
        clock_skew_seconds: float = 30.0

    async def told() -> None:
        with Engine() as engine:
            backend = EngineBackend(engine)
            try:
                for settings in (Settings(), Settings((Given(),))):
                    gate = await gate_of(backend, settings)
                    text = await make_key(backend, "acme", ["viewer"])
                    caller = await gate.caller({"authorization": f"Bearer {text}"}, "")
                    assert caller.tenant == "acme"
                    await gate.settle()
                with pytest.raises(BadValue):
                    await gate_of(backend, Settings((Given(), Given())))
            finally:
                await backend.close()

    asyncio.run(told())
    assert alias_of("https://login.test/realms/a|b/") == "login.test/realms/a%7Cb"


def test_a_token_confines_its_user_to_the_tenants_that_it_names() -> None:
    provider = Provider("corp", ISSUER, (AUDIENCE,), tenant_claim="tenant", roles_claim="roles")

    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        token = minted(claims(tenant=["acme"], roles=["operator", "root"]))
        mine = (await client.get("/v1/whoami", headers=bearer(token))).json()
        assert (mine["tenant"], mine["roles"]) == ("acme", ["operator"])
        for tenant in ("<default>", "<platform>"):
            assert (await client.get("/v1/whoami", headers=bearer(token, tenant=tenant))).status_code == 403
        silent = minted(claims(roles=["admin"]))
        assert (await client.get("/v1/whoami", headers=bearer(silent, tenant="acme"))).status_code == 403

    over_rest(promise, provider)


def test_a_provider_that_is_down_is_503_and_keys_of_before_still_hold() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        identities.keys = [RSA]
        await client.get("/v1/whoami", headers=bearer(minted(claims())))
        identities.down = True
        ticks.now += RETRY_S
        unknown = await client.get("/v1/whoami", headers=bearer(minted(claims(), EC, "ES256")))
        assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "10")
        assert (await client.get("/v1/whoami", headers=bearer(minted(claims(), jti="2")))).status_code == 200

    over_rest(promise)


def test_a_token_that_is_over_holds_no_longer_though_it_was_known() -> None:
    async def promise(site: Site, client: httpx.AsyncClient, identities: Identities, ticks: Ticks) -> None:
        token = minted(claims(exp=NOW_S - 28))
        assert (await client.get("/v1/whoami", headers=bearer(token))).status_code == 200
        ticks.now += 2.5
        answer = await client.get("/v1/whoami", headers=bearer(token))
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="procession"')

    over_rest(promise)
