"""Walks through documents that refer to each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connexeo.fetch import FetchError, FetchFailed
from connexeo.processing.reading import stac
from connexeo.processing.reading.stac import read_source

BASE = "https://stac.example"


class Web:
    """Documents by URL without query; `asked` has the URLs."""

    def __init__(self, **documents: Any) -> None:
        self.documents = {f"{BASE}/{name.replace('__', '/')}": value for name, value in documents.items()}
        self.asked: list[str] = []

    def __call__(self, url: str) -> Any:
        self.asked.append(url)
        found = self.documents.get(url, self.documents.get(url.partition("?")[0]))
        if found is None:
            raise FetchFailed("the server answers with status 404", 404)
        return found


def item(
    name: str, west: float = 10.0, when: str = "2024-05-01T10:00:00Z", href: str = "a.tif"
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": name,
        "bbox": [west, 47, west + 1, 48],
        "properties": {"datetime": when},
        "assets": {"a": {"href": href, "type": "image/tiff"}},
    }


def links(*targets: str, rel: str = "item") -> list[dict[str, str]]:
    return [{"rel": rel, "href": target} for target in targets]


def collection(*linked: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"type": "Collection", "id": "c", "links": list(linked), **more}


def ids(web: Web, name: str, bbox: Any = None, interval: Any = None) -> list[str]:
    return [one["id"] for one in read_source(web, f"{BASE}/{name}", bbox, interval).items]


def test_an_item() -> None:
    told = {"x": {"type": "spatial", "axis": "x"}}
    one = item("i", href="../files/a.tif")
    one["properties"]["cube:dimensions"] = told
    source = read_source(Web(items__i=one), f"{BASE}/items/i", None, None)
    assert [each["assets"]["a"]["href"] for each in source.items] == [f"{BASE}/files/a.tif"]
    assert source.document == {"cube:dimensions": told}


@pytest.mark.parametrize(
    "href", ["file:///etc/passwd", "s3://bucket/key.tif", "/vsicurl/http://x", "data:,x", "ftp://x/y"]
)
def test_assets_that_are_not_on_the_web_are_left_out(href: str) -> None:
    (one,) = read_source(Web(i=item("i", href=href)), f"{BASE}/i", None, None).items
    assert all(asset["href"].startswith(f"{BASE}/") for asset in one["assets"].values())


def test_static_catalogues() -> None:
    below = [*links("one/c", "two/c", rel="child"), *links("root", rel="root")]
    web = Web(
        root={"type": "Catalog", "id": "r", "links": below},
        one__c=collection(*links("./i1", "i2")),
        two__c=collection(*links("deeper", rel="child"), *links("../root", rel="parent")),
        two__deeper={"type": "Catalog", "id": "d", "links": [*links("i3"), *links("c", rel="child")]},
        one__i1=item("i1"), one__i2=item("i2"), two__i3=item("i3"),
    )  # fmt: skip
    assert ids(web, "root") == ["i1", "i2", "i3"]
    assert len(web.asked) == len(set(web.asked))


def test_extents() -> None:
    names = {"i1": item("i1"), "i2": item("i2", west=50.0), "i3": item("i3", when="2023-01-01T00:00:00Z")}
    web = Web(c=collection(*links(*names)), **names)
    may = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    assert ids(web, "c", (9.5, 47, 12, 48)) == ["i1", "i3"]
    assert ids(web, "c", None, may) == ["i1", "i2"]
    assert ids(web, "c", (9.5, 47, 12, 48), may) == ["i1"]


def test_collections_outside_of_the_extents_are_not_walked_through() -> None:
    extent = {
        "spatial": {"bbox": [[50, 0, 60, 10]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    }
    web = Web(c=collection(*links("i"), extent=extent), i=item("i"))
    assert ids(web, "c", (0, 0, 20, 10)) == []
    assert web.asked == [f"{BASE}/c"]
    assert ids(web, "c", (55, 0, 70, 10)) == []
    assert len(web.asked) == 3


def test_collections_of_an_api() -> None:
    page = {"type": "FeatureCollection", "features": [item("i1"), "no item", item("far", west=80.0)]}
    web = Web(
        collections__c=collection(*links("c/items?token=1", rel="items"), *links("never")),
        collections__c__items={**page, "links": links("items2", rel="next")},
        collections__c__items2={"type": "FeatureCollection", "features": [item("i2")], "links": []},
    )
    start = datetime(2024, 1, 1, tzinfo=UTC)
    assert ids(web, "collections/c", (9.0, 47.0, 12.0, 48.0), (start, None)) == ["i1", "i2"]
    asked = parse_qs(urlsplit(web.asked[1]).query)
    assert asked["bbox"] == ["9.0,47.0,12.0,48.0"]
    assert asked["datetime"] == ["2024-01-01T00:00:00Z/.."]
    assert asked["token"] == ["1"]


def test_a_collection_with_files_of_its_own() -> None:
    extent = {
        "spatial": {"bbox": [[10, 47, 11, 48]]},
        "temporal": {"interval": [["2024-05-01T00:00:00Z"] * 2]},
    }
    assets = {"result": {"href": "r.tif", "type": "image/tiff"}}
    web = Web(c=collection(extent=extent, assets=assets))
    (one,) = read_source(web, f"{BASE}/c", (10, 47, 11, 48), None).items
    assert one["assets"]["result"]["href"] == f"{BASE}/r.tif"
    assert one["properties"]["datetime"] == "2024-05-01T00:00:00Z"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (["no object"], "no STAC document"),
        ({"type": "Polygon"}, "no STAC Item"),
        (collection(*links("c2", rel="items")), "a page of items that is none"),
        ({"type": "FeatureCollection", "features": [], "links": links("first", rel="next")}, "circles"),
        ({"type": "Catalog", "links": links("gone")}, "404"),
    ],
)
def test_what_is_no_source(document: Any, message: str) -> None:
    web = Web(first=document, c2={"type": "Catalog"})
    with pytest.raises((ValueError, FetchError), match=message):
        read_source(web, f"{BASE}/first", None, None)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Collection", "links": 5, "extent": [], "assets": 3},
        {
            "type": "Collection",
            "links": [5, {"rel": "item"}, {"rel": "child", "href": 3}],
            "extent": {"spatial": 3},
        },
        {"type": "Feature", "assets": [], "properties": 3, "bbox": "x"},
        {
            "type": "Feature",
            "assets": {"a": 5, "b": {"href": []}},
            "properties": {"datetime": 5},
            "bbox": [None] * 4,
        },
        {"type": "FeatureCollection", "features": 5, "links": {}},
    ],
)
def test_documents_of_any_form(document: Any) -> None:
    for found in read_source(Web(x=document), f"{BASE}/x", (0, 0, 1, 1), (datetime.now(UTC), None)).items:
        assert found["assets"] == {}


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = [{"type": "Catalog", "links": links(f"c{number + 1}", rel="child")} for number in range(40)]
    with pytest.raises(ValueError, match="more than 10 levels"):
        ids(Web(**{f"c{number}": one for number, one in enumerate(endless)}), "c0")
    monkeypatch.setattr(stac, "MAX_DOCUMENTS", 5)
    many = {f"i{number}": item(f"i{number}") for number in range(10)}
    with pytest.raises(FetchFailed, match="more than 5 documents"):
        ids(Web(c=collection(*links(*many)), **many), "c")
    monkeypatch.setattr(stac, "MAX_ITEMS", 3)
    page = {"type": "FeatureCollection", "features": list(many.values()), "links": []}
    with pytest.raises(ValueError, match="more than 3 items"):
        ids(Web(page=page), "page")
