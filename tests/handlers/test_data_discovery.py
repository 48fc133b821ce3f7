"""Collections get their links from the handlers."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from asgi_client import HOST, Client
from fake_driver import FakeDriver, make_collection

MakeClient = Callable[..., Client]


def test_links_of_collections(client: Client) -> None:
    (alpha, beta) = client.get("/collections").json()["collections"]
    for collection in (alpha, beta):
        links = {link["rel"]: link["href"] for link in collection["links"]}
        assert links["self"] == f"http://{HOST}/collections/{collection['id']}"
        assert links["parent"] == f"http://{HOST}/collections"
        assert links["root"] == f"http://{HOST}/"
        assert links["license"] == "https://licenses.example/cc-by"
    assert client.get("/collections/alpha").json() == alpha


def test_links_are_added_to_a_copy(client: Client, driver: FakeDriver) -> None:
    for _ in range(2):
        client.get("/collections/alpha?x=1")
    assert len(driver.data_discovery.collections["alpha"]["links"]) == 1


@pytest.mark.parametrize(
    ("query", "following"),
    [("?limit=2", "2"), ("?limit=2&offset=2", "4"), ("?limit=2&offset=4", None), ("", None)],
)
def test_next_page(make_client: MakeClient, query: str, following: str | None) -> None:
    client = make_client(FakeDriver([make_collection(f"c{number}") for number in range(5)]))
    links = {link["rel"]: link["href"] for link in client.get(f"/collections{query}").json()["links"]}
    assert links["self"] == f"http://{HOST}/collections{query}"
    if following is None:
        assert "next" not in links
    else:
        assert parse_qs(urlsplit(links["next"]).query) == {"limit": ["2"], "offset": [following]}


def test_queryables_say_where_they_are(client: Client) -> None:
    queryables = client.get("/collections/alpha/queryables").json()
    assert queryables["$id"] == f"http://{HOST}/collections/alpha/queryables"
    assert "eo:cloud_cover" in queryables["properties"]
