from __future__ import annotations

import base64
import json
import re
import time

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from connexeo.drivers.local.accounts.tokens import TokenClaims, Tokens
from connexeo.generated.errors import TokenInvalid

SECRET = b"a secret of some length"
ISSUER = "https://eo.example/credentials/basic"


class Clock:
    def __init__(self) -> None:
        self.time = 2_000_000_000.0

    def __call__(self) -> float:
        return self.time


def _tokens(*secrets: bytes, issuer: str = ISSUER, lifetime: int = 60, clock: Clock | None = None) -> Tokens:
    return Tokens(secrets or [SECRET], issuer=issuer, lifetime=lifetime, now=clock or time.time)


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_round_trip() -> None:
    token = _tokens().issue("ana", 3)
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", token)
    assert _tokens().read(token) == TokenClaims("ana", 3)
    assert _tokens().is_ours(token)


def test_claims() -> None:
    clock = Clock()
    payload = _tokens(clock=clock).issue("ana", 3).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims == {"iss": ISSUER, "sub": "ana", "iat": 2_000_000_000, "exp": 2_000_000_060, "gen": 3}


def test_expiry() -> None:
    clock = Clock()
    tokens = _tokens(clock=clock)
    token = tokens.issue("ana", 0)
    clock.time += 59
    assert tokens.read(token).user_id == "ana"
    clock.time += 1
    with pytest.raises(TokenInvalid):
        tokens.read(token)


@pytest.mark.parametrize(
    "tokens", [_tokens(b"another secret of some length"), _tokens(issuer="https://other.example")]
)
def test_tokens_of_other_back_ends(tokens: Tokens) -> None:
    with pytest.raises(TokenInvalid):
        _tokens().read(tokens.issue("ana", 0))


def test_secrets_are_exchanged() -> None:
    """What a former secret signed stays good until it expires; new tokens are signed with the present one."""
    clock = Clock()
    newer = b"the secret that comes after it"
    old, both, new = (_tokens(*secrets, clock=clock) for secrets in ((SECRET,), (newer, SECRET), (newer,)))
    token = old.issue("ana", 1)
    assert both.read(token) == TokenClaims("ana", 1)
    assert both.is_ours(token)
    assert new.read(both.issue("ben", 2)) == TokenClaims("ben", 2)
    for tokens, foreign in ((new, token), (old, both.issue("ben", 2))):
        assert not tokens.is_ours(foreign)
        with pytest.raises(TokenInvalid):
            tokens.read(foreign)
    clock.time += 60
    with pytest.raises(TokenInvalid):
        both.read(token)


def test_forged_tokens() -> None:
    tokens = _tokens()
    header, payload, signature = tokens.issue("ana", 0).split(".")
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    other = _segment({"iss": ISSUER, "sub": "eve", "exp": 9_999_999_999, "gen": 0})
    rsa = RSAKey.generate_key(2048)
    forged = [
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"{_segment({'alg': 'none', 'kid': kid})}.{other}.",
        f"{_segment({'alg': 'HS256'})}.{payload}.{signature}",
        f"{_segment({'alg': 'HS512', 'kid': kid})}.{payload}.{signature}",
        jwt.encode({"alg": "RS256", "kid": kid}, {"iss": ISSUER, "sub": "eve", "exp": 9e9, "gen": 0}, rsa),
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.{signature}",
        "",
        "..",
        "a.b.c",
        "ä.b.c",
    ]
    for token in forged:
        with pytest.raises(TokenInvalid):
            tokens.read(token)
