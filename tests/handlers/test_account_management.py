"""Logging in, and the own account."""

from __future__ import annotations

from asgi_client import TOKEN, Client


def test_login_with_user_name_and_password(client: Client) -> None:
    response = client.request(
        "GET", "/credentials/basic", headers={"Authorization": "Basic YWxpY2U6c2VjcmV0"}
    )
    assert response.json() == {"access_token": "alice-token"}


def test_providers(client: Client) -> None:
    (provider,) = client.get("/credentials/oidc").json()["providers"]
    assert (provider["id"], provider["issuer"]) == ("here", "https://login.example")


def test_own_account(client: Client) -> None:
    assert client.get("/me", headers=TOKEN).json() == {"user_id": "alice", "name": "Alice"}
