from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, OKPKey, RSAKey

from connexeo.drivers.interface import User
from connexeo.drivers.oidc.verification import ALGORITHMS, OidcVerifier
from connexeo.generated.errors import InfrastructureBusy, TokenInvalid
from connexeo.settings import OidcProvider

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def _verifier(issuer: OidcIssuer, clock: Callable[[], float] | None = None, **settings: Any) -> OidcVerifier:
    provider = OidcProvider(**issuer.provider(**settings))
    return OidcVerifier([provider], clock=clock or time.monotonic)


def _user(verifier: OidcVerifier, token: str) -> User:
    return asyncio.run(verifier.authenticate("river", token))


def _refuse(verifier: OidcVerifier, token: str) -> None:
    with pytest.raises(TokenInvalid):
        _user(verifier, token)


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_jwt_is_verified_here(oidc_issuer: OidcIssuer) -> None:
    user = _user(_verifier(oidc_issuer), oidc_issuer.jwt(name="Ana", email="ana@river.example"))
    assert user == User("river~ana", "Ana", "ana@river.example", "river")
    assert oidc_issuer.hits["/userinfo"] == 0


def test_keys_are_fetched_once(oidc_issuer: OidcIssuer) -> None:
    verifier = _verifier(oidc_issuer)

    async def run() -> None:
        tokens = [oidc_issuer.jwt(f"user-{number}") for number in range(10)]
        users = await asyncio.gather(*(verifier.authenticate("river", token) for token in tokens))
        assert [user.id for user in users] == [f"river~user-{number}" for number in range(10)]

    asyncio.run(run())
    assert oidc_issuer.hits == {"/.well-known/openid-configuration": 1, "/jwks": 1}


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 0},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"nbf": 99999999999},
        {"nbf": "0"},
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "a\0"},
        {"sub": "x" * 256},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"at_hash": "x"},
    ],
)
def test_claims_are_checked(oidc_issuer: OidcIssuer, claims: dict[str, Any]) -> None:
    _refuse(_verifier(oidc_issuer), oidc_issuer.jwt(**claims))
    assert oidc_issuer.hits["/userinfo"] == 0


@pytest.mark.parametrize(("shift", "valid"), [(-10, True), (-60, False)])
def test_clocks_may_differ_a_little(oidc_issuer: OidcIssuer, shift: int, valid: bool) -> None:
    now = 2_000_000_000.0
    verifier = OidcVerifier([OidcProvider(**oidc_issuer.provider())], now=lambda: now)
    for token in (oidc_issuer.jwt(exp=now + shift), oidc_issuer.jwt(exp=now + 900, nbf=now - shift)):
        if valid:
            assert _user(verifier, token).id == "river~ana"
        else:
            _refuse(verifier, token)


@pytest.mark.parametrize(
    ("audience", "valid"),
    [("openeo", True), (["a", "openeo"], True), ("other", False), (["other"], False), (None, False)],
)
def test_audience(oidc_issuer: OidcIssuer, audience: Any, valid: bool) -> None:
    verifier = _verifier(oidc_issuer, audience="openeo")
    token = oidc_issuer.jwt(aud=audience)
    if valid:
        assert _user(verifier, token).id == "river~ana"
    else:
        _refuse(verifier, token)


def test_any_audience_without_the_setting(oidc_issuer: OidcIssuer) -> None:
    assert _user(_verifier(oidc_issuer), oidc_issuer.jwt(aud="whoever")).id == "river~ana"


def test_tokens_signed_by_others(oidc_issuer: OidcIssuer) -> None:
    verifier = _verifier(oidc_issuer)
    header, payload, signature = oidc_issuer.jwt().split(".")
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    claims = {"iss": oidc_issuer.url, "sub": "eve", "exp": time.time() + 60}
    public = RSAKey.import_key(oidc_issuer.answer("/jwks", {}, {}, "")[1]["keys"][0]).as_pem(private=False)
    stranger = RSAKey.generate_key(2048)
    confused = f"{_segment({'alg': 'HS256', 'kid': kid})}.{_segment(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(public, confused.encode(), "sha256")).decode().rstrip("=")
    for token in (
        f"{header}.{_segment(claims)}.{signature}",
        f"{_segment({'alg': 'none', 'kid': kid})}.{_segment(claims)}.",
        f"{_segment({'alg': 'none'})}.{payload}.{signature}",
        jwt.encode({"alg": "RS256", "kid": kid}, claims, stranger),
        jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, stranger),
        jwt.encode({"alg": "RS256"}, claims, stranger),
        f"{confused}.{mac}",
        f"{_segment({'alg': 'RS256', 'kid': 5})}.{payload}.{signature}",
        f"{_segment({'alg': 'RS256', 'kid': kid, 'crit': ['exp']})}.{payload}.{signature}",
        f"{_segment({'alg': ['RS256'], 'kid': kid})}.{payload}.{signature}",
        f"{_segment({})}.{payload}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{_segment([])}.{signature}",
        f"{header}.!!!.{signature}",
    ):
        _refuse(verifier, token)
    assert oidc_issuer.hits["/userinfo"] == 0


@pytest.mark.parametrize("token", ["", "with space", "line\r\nX: y", "ä", "\x00", "x" * 20_000])
def test_tokens_that_cannot_be(oidc_issuer: OidcIssuer, token: str) -> None:
    _refuse(_verifier(oidc_issuer), token)
    assert not oidc_issuer.hits


def test_deeply_nested_header(oidc_issuer: OidcIssuer) -> None:
    nested = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode()
    verifier = _verifier(oidc_issuer)
    for token in (f"{nested}.{nested}.x", f"{_segment({'alg': 'RS256'})}.{nested}.x"):
        _refuse(verifier, token)


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "EdDSA"])
def test_algorithms(oidc_issuer: OidcIssuer, algorithm: str) -> None:
    parameters: KeyParameters = {"kid": "k", "use": "sig"}
    keys: dict[str, Any] = {
        "ES256": lambda: ECKey.generate_key("P-256", parameters),
        "ES384": lambda: ECKey.generate_key("P-384", parameters),
        "ES512": lambda: ECKey.generate_key("P-521", parameters),
        "Ed25519": lambda: OKPKey.generate_key("Ed25519", parameters),
    }
    oidc_issuer.rotate_keys(keys.get(algorithm, lambda: RSAKey.generate_key(2048, parameters))())
    token = oidc_issuer.jwt(header={"alg": algorithm})
    assert _user(_verifier(oidc_issuer), token).id == "river~ana"


@pytest.mark.parametrize("header", [{"typ": "at+jwt"}, {"x5t": "abc", "nonce": "def"}, {"kid": None}])
def test_unusual_headers(oidc_issuer: OidcIssuer, header: dict[str, Any]) -> None:
    oidc_issuer.rotate_keys()
    header = {"alg": "ES256"} | header
    token = oidc_issuer.jwt(header=header)
    assert _user(_verifier(oidc_issuer), token).id == "river~ana"


def test_odd_keys_do_not_spoil_the_set(oidc_issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    good = oidc_issuer.answer("/jwks", {}, {}, "")[1]["keys"]
    odd = [
        "text",
        {},
        {"kty": "RSA"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "AKP"},
        {"kty": "EC", "crv": "P-0"},
    ]
    encryption = [{**good[0], "use": "enc", "kid": "e"}]
    monkeypatch.setattr(KeySet, "as_dict", lambda *args, **kwargs: {"keys": [*odd, *encryption, *good]})
    assert _user(_verifier(oidc_issuer), oidc_issuer.jwt()).id == "river~ana"


def test_key_rotation(oidc_issuer: OidcIssuer) -> None:
    clock = Clock()
    verifier = _verifier(oidc_issuer, clock)
    old = oidc_issuer.jwt()
    assert _user(verifier, old).id == "river~ana"
    oidc_issuer.rotate_keys()
    clock.time += 10
    tokens = [oidc_issuer.jwt(f"user-{number}") for number in range(5)]

    async def run() -> list[User]:
        return await asyncio.gather(*(verifier.authenticate("river", token) for token in tokens))

    assert len(asyncio.run(run())) == 5
    assert oidc_issuer.hits["/jwks"] == 2
    clock.time += 10
    _refuse(verifier, old)


def test_unknown_keys_make_few_requests(oidc_issuer: OidcIssuer) -> None:
    clock = Clock()
    verifier = _verifier(oidc_issuer, clock)
    assert _user(verifier, oidc_issuer.jwt()).id == "river~ana"
    clock.time += 10
    for number in range(20):
        _refuse(verifier, oidc_issuer.jwt(header={"kid": f"made-up-{number}"}))
    assert oidc_issuer.hits["/jwks"] == 2


def test_opaque_token(oidc_issuer: OidcIssuer) -> None:
    clock = Clock()
    verifier = _verifier(oidc_issuer, clock)
    token = oidc_issuer.opaque()
    for _ in range(3):
        assert _user(verifier, token) == User("river~ana", "Ana Lind", "ana@river.example", "river")
    assert oidc_issuer.hits["/userinfo"] == 1
    assert oidc_issuer.authorizations == [f"Bearer {token}"]
    oidc_issuer.revoke(token)
    clock.time += 60
    _refuse(verifier, token)


@pytest.mark.parametrize("token", ["ya29.a.b", "a.b", "a.b.c.d.e", "opaque/with+signs=="])
def test_unknown_opaque_token(oidc_issuer: OidcIssuer, token: str) -> None:
    verifier = _verifier(oidc_issuer)
    for _ in range(3):
        _refuse(verifier, token)
    assert oidc_issuer.hits["/userinfo"] == 1


def test_waiting_requests_share_one_userinfo_request(oidc_issuer: OidcIssuer) -> None:
    verifier = _verifier(oidc_issuer)
    token = oidc_issuer.opaque()

    async def run() -> None:
        await asyncio.gather(*(verifier.authenticate("river", token) for _ in range(10)))

    asyncio.run(run())
    assert oidc_issuer.hits["/userinfo"] == 1


def test_opaque_token_where_an_audience_is_asked_for(oidc_issuer: OidcIssuer) -> None:
    _refuse(_verifier(oidc_issuer, audience="openeo"), oidc_issuer.opaque())
    assert oidc_issuer.hits["/userinfo"] == 0


@pytest.mark.parametrize("info", [{"sub": None}, {"sub": ""}, {"sub": ["ana"]}])
def test_userinfo_without_subject(oidc_issuer: OidcIssuer, info: dict[str, Any]) -> None:
    oidc_issuer.userinfo["ana"] = info
    _refuse(_verifier(oidc_issuer), oidc_issuer.opaque())


def test_roles_from_the_token(oidc_issuer: OidcIssuer) -> None:
    verifier = _verifier(oidc_issuer, roles_claim="groups")
    assert _user(verifier, oidc_issuer.jwt(groups=["eo", "admin"])).roles == {"eo", "admin"}
    assert oidc_issuer.hits["/userinfo"] == 0


def test_roles_from_userinfo(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.userinfo["ana"] = {"groups": "eo admin", "name": "Ana"}
    user = _user(_verifier(oidc_issuer, roles_claim="groups"), oidc_issuer.jwt())
    assert user.roles == {"eo", "admin"}
    assert user.name == "Ana"


def test_userinfo_of_another_user(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.userinfo["ana"] = {"sub": "bo", "groups": ["eo"]}
    _refuse(_verifier(oidc_issuer, roles_claim="groups"), oidc_issuer.jwt())


def test_token_goes_to_no_other_place(
    oidc_issuer: OidcIssuer, start_oidc_issuer: Callable[..., OidcIssuer]
) -> None:
    other = start_oidc_issuer()
    providers = [OidcProvider(**oidc_issuer.provider()), OidcProvider(**other.provider("lake"))]
    verifier = OidcVerifier(providers)
    token = oidc_issuer.opaque()
    assert _user(verifier, token).id == "river~ana"
    with pytest.raises(TokenInvalid):
        asyncio.run(verifier.authenticate("lake", oidc_issuer.jwt()))
    with pytest.raises(TokenInvalid):
        asyncio.run(verifier.authenticate("sea", token))
    assert other.authorizations == []


def test_userinfo_redirects_are_not_followed(
    oidc_issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = oidc_issuer.answer
    handler = oidc_issuer._server.RequestHandlerClass
    original = handler.send_header  # type: ignore[attr-defined]

    def send_header(self: Any, name: str, value: str) -> None:
        if self.path == "/userinfo" and name == "content-type":
            original(self, "location", f"{oidc_issuer.url}/elsewhere")
        original(self, name, value)

    monkeypatch.setattr(handler, "send_header", send_header)
    monkeypatch.setattr(
        oidc_issuer, "answer", lambda path, *rest: (302, {}) if path == "/userinfo" else answer(path, *rest)
    )
    with pytest.raises(InfrastructureBusy):
        _user(_verifier(oidc_issuer), oidc_issuer.opaque())
    assert oidc_issuer.hits["/elsewhere"] == 0


def test_jwt_finds_its_provider(
    oidc_issuer: OidcIssuer, start_oidc_issuer: Callable[..., OidcIssuer]
) -> None:
    other = start_oidc_issuer()
    verifier = OidcVerifier(
        [
            OidcProvider(**oidc_issuer.provider()),
            OidcProvider(**other.provider("lake", audience="a")),
            OidcProvider(**other.provider("sea", audience="b")),
        ]
    )
    assert asyncio.run(verifier.authenticate_jwt(oidc_issuer.jwt())).provider == "river"
    assert asyncio.run(verifier.authenticate_jwt(other.jwt(aud="a"))).provider == "lake"
    assert asyncio.run(verifier.authenticate_jwt(other.jwt(aud="b"))).provider == "sea"
    for token in (
        other.jwt(aud="c"),
        oidc_issuer.jwt(iss="https://x.example"),
        "a.b.c",
        oidc_issuer.opaque(),
    ):
        with pytest.raises(TokenInvalid):
            asyncio.run(verifier.authenticate_jwt(token))
    assert oidc_issuer.hits["/userinfo"] + other.hits["/userinfo"] == 0


def test_issuer_that_cannot_be_reached(oidc_issuer: OidcIssuer) -> None:
    clock = Clock()
    verifier = _verifier(oidc_issuer, clock)
    oidc_issuer.broken = True
    for token in (oidc_issuer.jwt(), oidc_issuer.jwt("bo"), oidc_issuer.opaque()):
        with pytest.raises(InfrastructureBusy, match="river"):
            _user(verifier, token)
    assert oidc_issuer.hits == {"/.well-known/openid-configuration": 1}
    oidc_issuer.broken = False
    clock.time += 10
    assert _user(verifier, oidc_issuer.jwt()).id == "river~ana"


def test_known_keys_stay_in_use_while_the_issuer_is_away(oidc_issuer: OidcIssuer) -> None:
    clock = Clock()
    verifier = _verifier(oidc_issuer, clock)
    assert _user(verifier, oidc_issuer.jwt()).id == "river~ana"
    oidc_issuer.broken = True
    clock.time += 7200
    assert _user(verifier, oidc_issuer.jwt("bo")).id == "river~bo"
    with pytest.raises(InfrastructureBusy):
        _user(verifier, oidc_issuer.opaque())


def test_expired_token_is_invalid_even_when_the_issuer_is_away(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.broken = True
    _refuse(_verifier(oidc_issuer), oidc_issuer.jwt(exp=0))


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": 5},
    ],
)
def test_unusable_discovery_document(oidc_issuer: OidcIssuer, metadata: dict[str, Any]) -> None:
    oidc_issuer.metadata = metadata
    with pytest.raises(InfrastructureBusy):
        _user(_verifier(oidc_issuer), oidc_issuer.jwt())


def test_issuer_without_userinfo(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.metadata = {"userinfo_endpoint": None}
    verifier = _verifier(oidc_issuer)
    assert _user(verifier, oidc_issuer.jwt()).id == "river~ana"
    _refuse(verifier, oidc_issuer.opaque())


def test_private_issuers_must_be_allowed(oidc_issuer: OidcIssuer) -> None:
    with pytest.raises(ValueError, match="https"):
        _verifier(oidc_issuer, allow_private_network=False)
    port = oidc_issuer.url.rpartition(":")[2]
    issuer = f"https://127.0.0.1:{port}"
    provider = oidc_issuer.provider(issuer=issuer, allow_private_network=False)
    verifier = OidcVerifier([OidcProvider(**provider)])
    with pytest.raises(InfrastructureBusy):
        _user(verifier, oidc_issuer.jwt(iss=issuer))
    assert not oidc_issuer.hits


@pytest.mark.parametrize("ids", [["river", "river"], ["rivér"], ["basic"]])
def test_provider_ids(ids: list[str]) -> None:
    providers = [OidcProvider(id=name, issuer="https://x.example", title="X") for name in ids]
    with pytest.raises(ValueError, match="unique, ASCII"):
        OidcVerifier(providers)
