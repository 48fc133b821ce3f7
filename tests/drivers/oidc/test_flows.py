"""Access tokens as clients get them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.oidc.verification import OidcVerifier
from connexeo.generated.errors import TokenInvalid
from connexeo.settings import OidcProvider

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


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
    status, tokens = _post(
        f"{oidc_issuer.url}/token", grant_type="client_credentials", client_id="robot", client_secret="s"
    )
    assert status == 200
    assert _user_id(oidc_issuer, tokens["access_token"]) == "river~robot"


def test_device_flow(oidc_issuer: OidcIssuer) -> None:
    oidc_issuer.approve = False
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).decode().rstrip("=")
    _, device = _post(
        f"{oidc_issuer.url}/device", client_id="c", code_challenge=challenge, code_challenge_method="S256"
    )
    asked = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    token = f"{oidc_issuer.url}/token"
    assert _post(token, **asked, code_verifier="verifier") == (400, {"error": "authorization_pending"})
    with urllib.request.urlopen(device["verification_uri_complete"]):
        assert _post(token, **asked, code_verifier="other")[0] == 400
    status, tokens = _post(token, **asked, code_verifier="verifier")
    assert status == 200
    assert _user_id(oidc_issuer, tokens["access_token"]) == "river~ana"
    with pytest.raises(TokenInvalid):  # the contract forbids ID tokens
        _user_id(oidc_issuer, tokens["id_token"])
    _, tokens = _post(token, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert _user_id(oidc_issuer, tokens["access_token"]) == "river~ana"
