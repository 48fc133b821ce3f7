from datetime import UTC, datetime
from typing import Any

import pytest

from connexeo.drivers.local.catalogue import Catalogue
from connexeo.drivers.local.catalogue.stac_apis import StacApiSource
from connexeo.fetch import FetchFailed, FetchPolicy, GuardedClient, patience
from connexeo.generated.errors import CollectionNotFound, Internal

CLIENT = GuardedClient(FetchPolicy(allow_private=True))


def test_pages_are_followed_and_broken_collections_left_out(
    api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.collections = [api.collection(f"c{number}") for number in range(5)]
    api.collections.insert(1, {"id": "broken"})
    api.collections.insert(2, "nonsense")
    assert list(StacApiSource(api.url, CLIENT).entries()) == [f"c{number}" for number in range(5)]
    assert len(api.requests) == 4
    assert "broken" in caplog.text


def test_links_of_the_api_do_not_lead_away(api: Any) -> None:
    links = [
        {"rel": "self", "href": f"{api.url}/collections/a"},
        {"rel": "items", "href": f"{api.url}/collections/a/items"},
        {"rel": "license", "href": "../license.html"},
    ]
    api.collections = [api.collection("a", links=links)]
    served = Catalogue([api.url]).collection("a")
    assert served["links"] == [{"rel": "license", "href": f"{api.url}/license.html"}]


def test_single_collections_are_asked_for_singly(api: Any) -> None:
    dimensions = {"t": {"type": "temporal", "extent": [None, None]}}
    api.collections = [api.collection("with/slash", **{"cube:dimensions": dimensions}, summaries={"a": [1]})]
    catalogue = Catalogue([api.url])
    assert catalogue.collection("with/slash")["id"] == "with/slash"
    assert api.requests == ["/stac/collections/with%2Fslash"]
    with pytest.raises(CollectionNotFound):
        catalogue.collection("other")


def test_items_are_searched_by_page(api: Any) -> None:
    api.collections = [api.collection("a")]
    api.items = [
        api.item(f"i{day}", "a", f"2024-05-0{day}", assets={"B04": {"href": f"{api.url}/{day}/B04.tif"}})
        for day in range(1, 6)
    ]
    interval = (datetime(2024, 5, 2, 10, tzinfo=UTC), datetime(2024, 5, 4, 10, tzinfo=UTC))
    found = list(Catalogue([api.url]).items("a", bbox=(10, 47, 11, 48), interval=interval))
    assert [item["id"] for item in found] == ["i2", "i3"], "the interval's end is excluded"
    search = next(request for request in api.requests if "/search" in request)
    assert "collections=a" in search
    assert "bbox=10%2C47%2C11%2C48" in search
    assert "datetime=2024-05-02T10%3A00%3A00Z%2F2024-05-04T10%3A00%3A00Z" in search


@pytest.mark.parametrize(
    "href", ["/etc/passwd", "file:///etc/passwd", "vrt://x", "netcdf:/x.nc:y", "s3://b/x.tif"]
)
def test_items_of_an_api_lead_to_other_machines_only(api: Any, href: str) -> None:
    api.collections = [api.collection("a")]
    api.items = [api.item("i", "a", "2024-05-01", assets={"data": {"href": href}})]
    (item,) = Catalogue([api.url]).items("a")
    hrefs = [asset["href"] for asset in item["assets"].values()]
    assert all(each.startswith(("http://127.0.0.1:", "s3://")) for each in hrefs)


def test_what_was_fetched_stays_while_the_api_fails(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    api.collections = [api.collection("a"), api.collection("b"), api.collection("c")]
    source = StacApiSource(api.url, CLIENT, refresh=0)
    assert set(source.entries()) == {"a", "b", "c"}
    api.fail = True
    assert set(source.entries()) == {"a", "b", "c"}
    assert "status 503" in caplog.text
    document = source.document("c")
    assert document is not None
    assert document["id"] == "c"


def test_a_failing_search_names_the_collection_only(api: Any) -> None:
    api.collections = [api.collection("a")]
    catalogue = Catalogue([api.url])
    assert catalogue.page().items
    api.fail = True
    with pytest.raises(Internal, match="collection 'a' does not answer") as caught:
        list(catalogue.items("a"))
    assert "127.0.0.1" not in caught.value.message


class Busy:
    """Answers every other request only."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_json(self, url: str) -> Any:
        self.asked.append(url)
        if len(self.asked) % 2:
            raise FetchFailed("the server answers with status 503", 503)
        return {"features": []}


def test_searches_of_computations_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)
    client = Busy()
    source = StacApiSource("http://stac.example", client)
    assert list(source._search("a", (10, 47, 11, 48), None)) == []
    assert len(client.asked) == 2
    with pytest.raises(Internal):
        list(source._search("a", None, None))
    assert len(client.asked) == 3


class Endless:
    """A server whose pages never end."""

    def __init__(self) -> None:
        self.asked = 0

    def get_json(self, url: str) -> Any:
        self.asked += 1
        return {"collections": [], "links": [{"rel": "next", "href": f"?page={self.asked}"}]}


def test_pages_end_at_a_limit() -> None:
    client = Endless()
    assert not StacApiSource("http://stac.example/", client).entries()
    assert client.asked == 1000


def test_one_deadline_holds_for_all_pages() -> None:
    client = Endless()
    assert not StacApiSource("http://stac.example/", client, deadline=0).entries()
    assert client.asked < 1000
