"""Logging in, and the own account."""

from __future__ import annotations

from urllib.parse import urlsplit

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
    account = client.get("/me", headers=TOKEN).json()
    assert (account["user_id"], account["name"]) == ("alice", "Alice")


def test_links_lead_to_what_is_offered(client: Client) -> None:
    offered = {
        endpoint["path"] for endpoint in client.get("/").json()["endpoints"] if "GET" in endpoint["methods"]
    }
    links = client.get("/me", headers=TOKEN).json()["links"]
    paths = {urlsplit(link["href"]).path for link in links}
    assert paths == offered & {"/jobs", "/files", "/process_graphs", "/services"}
    assert all(link["rel"] == "related" and link["title"] for link in links)
