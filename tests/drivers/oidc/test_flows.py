"""Access tokens as clients get them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.oidc.verification import OidcVerifier
from connexeo.generated.errors import TokenInvalid
from connexeo.settings import OidcProvider
from oidc_issuer import DEVICE_GRANT, PUBLIC

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer


def _post(url: str, **form: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _user_id(issuer: OidcIssuer, token: str) -> str:
    verifier = OidcVerifier([OidcProvider(**issuer.provider())])
    return asyncio.run(verifier.authenticate_jwt(token)).id


def test_client_credentials(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.clients["robot"] = "of its own"
    asked = {"grant_type": "client_credentials", "client_id": "robot"}
    token = f"{oidc_issuer.url}/token"
    status, tokens = _post(token, **asked, client_secret="of its own")
    assert status == 200
    assert _user_id(oidc_issuer, tokens["access_token"]) == "river~robot"
    assert "refresh_token" not in tokens
    assert _post(token, **asked, client_secret="another") == (401, {"error": "invalid_client"})
    assert _post(token, **asked) == (401, {"error": "invalid_client"})
    asked["client_id"] = "another"
    assert _post(token, **asked, client_secret="anything")[0] == 200
    asked["client_id"] = PUBLIC
    assert _post(token, **asked) == (400, {"error": "invalid_grant"})


@pytest.fixture
def clock() -> list[float]:
    """The seconds that the issuer sees."""
    return [0.0]


@pytest.fixture
def patient_issuer(clock: list[float]) -> Iterator[OidcIssuer]:
    """An issuer whose users must approve, with a clock that the test moves."""
    from oidc_issuer import OidcIssuer

    issuer = OidcIssuer(approve=False, clock=lambda: clock[0])
    yield issuer
    issuer.close()


def _ask_for_device(issuer: OidcIssuer) -> tuple[dict[str, Any], dict[str, str]]:
    """What the user gets to see, and what the device asks with."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).decode().rstrip("=")
    asked = {"client_id": PUBLIC, "code_challenge": challenge, "code_challenge_method": "S256"}
    status, device = _post(f"{issuer.url}/device", **asked)
    assert status == 200
    poll = {"grant_type": DEVICE_GRANT, "client_id": PUBLIC, "device_code": device["device_code"]}
    return device, poll


def test_device_flow(patient_issuer: OidcIssuer, clock: list[float]) -> None:
    device, poll = _ask_for_device(patient_issuer)
    token = f"{patient_issuer.url}/token"
    assert _post(token, **poll, code_verifier="verifier") == (400, {"error": "authorization_pending"})
    assert _post(token, **poll, code_verifier="verifier") == (400, {"error": "slow_down"})
    with urllib.request.urlopen(device["verification_uri_complete"]):
        clock[0] += device["interval"]
        assert _post(token, **poll, code_verifier="other") == (400, {"error": "invalid_grant"})
    clock[0] += device["interval"]
    status, tokens = _post(token, **poll, code_verifier="verifier")
    assert status == 200
    assert _user_id(patient_issuer, tokens["access_token"]) == "river~ana"
    with pytest.raises(TokenInvalid):  # the contract forbids ID tokens
        _user_id(patient_issuer, tokens["id_token"])
    clock[0] += device["interval"]
    assert _post(token, **poll, code_verifier="verifier") == (400, {"error": "invalid_grant"})


def test_device_that_is_denied(patient_issuer: OidcIssuer) -> None:
    device, poll = _ask_for_device(patient_issuer)
    with urllib.request.urlopen(f"{device['verification_uri_complete']}&deny=1"):
        assert _post(f"{patient_issuer.url}/token", **poll) == (400, {"error": "access_denied"})


@pytest.mark.parametrize("once", [True, False])
def test_refresh_tokens(oidc_issuer: OidcIssuer, once: bool) -> None:
    oidc_issuer.refresh_once = once
    _, poll = _ask_for_device(oidc_issuer)
    _, tokens = _post(f"{oidc_issuer.url}/token", **poll, code_verifier="verifier")
    asked = {"grant_type": "refresh_token", "client_id": PUBLIC}

    def refresh(token: str) -> tuple[int, dict[str, Any]]:
        return _post(f"{oidc_issuer.url}/token", **asked, refresh_token=token)

    status, newer = refresh(tokens["refresh_token"])
    assert status == 200
    assert _user_id(oidc_issuer, newer["access_token"]) == "river~ana"
    assert (newer["refresh_token"] == tokens["refresh_token"]) is not once
    assert refresh(tokens["refresh_token"])[0] == (400 if once else 200)
    oidc_issuer.revoke(newer["refresh_token"])
    assert refresh(newer["refresh_token"]) == (400, {"error": "invalid_grant"})
