"""Capabilities."""

from __future__ import annotations

from collections.abc import Callable

from asgi_client import HOST, Client
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]


def test_capabilities_follow_the_settings(make_client: MakeClient) -> None:
    document = (
        make_client(id="acme", title="Acme", description="**All** of it.", production=False).get("/").json()
    )
    assert (document["id"], document["title"], document["description"]) == ("acme", "Acme", "**All** of it.")
    assert document["production"] is False
    assert document["type"] == "Catalog"
    assert document["api_version"] == "1.3.0"
    assert "https://api.openeo.org/1.3.0" in document["conformsTo"]


def test_driver_adds_properties_and_links(make_client: MakeClient) -> None:
    driver = FakeDriver()
    terms = {"rel": "terms-of-service", "href": "https://acme.example/terms"}
    driver.capabilities.additions = {"billing": {"currency": "EUR"}, "links": [terms]}
    document = make_client(driver).get("/").json()
    assert document["billing"] == {"currency": "EUR"}
    assert document["links"][-1] == terms
    assert {"rel": "self", "href": f"http://{HOST}/"}.items() <= document["links"][0].items()


def test_links_lead_to_what_is_offered(make_client: MakeClient) -> None:
    client = make_client(disabled="list-collections,conformance")
    links = client.get("/").json()["links"]
    assert not {"data", "conformance"} & {link["rel"] for link in links}
    for link in links:
        response = client.get(link["href"])
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == link["type"].split(";")[0]


def test_conformance_is_that_of_the_capabilities(client: Client) -> None:
    assert client.get("/conformance").json()["conformsTo"] == client.get("/").json()["conformsTo"]


def test_connect(make_client: MakeClient) -> None:
    versions = make_client(production=False).get("/.well-known/openeo").json()["versions"]
    assert versions == [{"url": f"http://{HOST}/", "production": False, "api_version": "1.3.0"}]


def test_connect_lists_other_instances(make_client: MakeClient) -> None:
    other = {"url": "https://dev.river.example/openeo/1.3", "api_version": "1.3.0", "production": False}
    versions = make_client(instances=[other]).get("/.well-known/openeo").json()["versions"]
    assert versions[1:] == [other]
