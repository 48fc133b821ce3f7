import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from connexeo.drivers.local.catalogue import Catalogue
from connexeo.generated.errors import CollectionNotFound, Internal

COUNT = 2000


def ids(catalogue: Catalogue) -> list[str]:
    return [item["id"] for item in catalogue.page().items]


def test_nested_and_bare_collections_are_found(files: Any) -> None:
    files.write(
        "catalog.json",
        {"type": "Catalog", "id": "root", "links": [{"rel": "child", "href": "./optical/catalog.json"}]},
    )
    files.write(
        "optical/catalog.json",
        {
            "type": "Catalog",
            "id": "optical",
            "links": [{"rel": "child", "href": "./s2/named-otherwise.json"}],
        },
    )
    files.write("optical/s2/named-otherwise.json", files.collection("s2"))
    files.write("climate/collection.json", files.collection("climate"))
    files.write("deep/er/and/deeper/collection.json", files.collection("with/slashes~and.dots"))
    files.write(".hidden/collection.json", files.collection("hidden"))
    assert ids(Catalogue([files.folder])) == ["climate", "s2", "with/slashes~and.dots"]
    assert Catalogue([files.folder]).collection("with/slashes~and.dots")["id"] == "with/slashes~and.dots"


def test_thousands_of_collections(files: Any) -> None:
    for number in range(COUNT):
        files.write(f"{number % 20}/{number}/collection.json", files.collection(f"collection-{number:05}"))
    catalogue = Catalogue([files.folder])
    seen: list[str] = []
    offset: str | None = ""
    while offset is not None:
        page = catalogue.page(300, offset)
        seen += [item["id"] for item in page.items]
        offset = page.next_offset
    assert seen == [f"collection-{number:05}" for number in range(COUNT)]
    assert catalogue.collection("collection-01234")["description"] == "The collection collection-01234"
    assert catalogue.page(COUNT).next_offset is None


@pytest.mark.parametrize("id", ["nothing", "../a/collection.json", "/etc/passwd", "a/../a", "", "..", "a\0"])
def test_ids_are_no_paths(files: Any, id: str) -> None:
    files.write("a/collection.json", files.collection("a"))
    catalogue = Catalogue([files.folder])
    for ask in (catalogue.collection, catalogue.queryables, lambda id: list(catalogue.items(id))):
        with pytest.raises(CollectionNotFound):
            ask(id)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{ not JSON", "left out"),
        ("[]", "not a JSON object"),
        ({"type": "Collection", "id": "b"}, "stac_version is missing"),
        ({"id": "with spaces"}, "characters"),
        ({"stac_version": "0.6.0"}, "not supported"),
        ({"extent": {"spatial": {"bbox": [[1, 2]]}, "temporal": {"interval": [[None, None]]}}}, "extent"),
        ({"extent": {"spatial": {"bbox": [[1, 2, 3, 4]]}, "temporal": {}}}, "extent"),
        ({"links": {}}, "links"),
        ({"summaries": []}, "summaries"),
        ({"type": "Feature"}, "not a STAC Collection"),
    ],
)
def test_broken_collections_are_skipped_and_reported(
    files: Any, caplog: pytest.LogCaptureFixture, content: Any, reason: str
) -> None:
    broken = content if isinstance(content, str) or ("id" in content and len(content) == 2) else None
    files.write("b/collection.json", broken or {**files.collection("b"), **content})
    files.write("a/collection.json", files.collection("a"))
    catalogue = Catalogue([files.folder], recheck=0)
    assert ids(catalogue) == ["a"]
    assert reason in caplog.text
    reported = len(caplog.records)
    assert ids(catalogue) == ["a"]
    assert len(caplog.records) == reported, "what is known to be broken is not reported again"


def test_the_first_of_two_collections_with_one_id_is_served(
    files: Any, caplog: pytest.LogCaptureFixture
) -> None:
    files.write("a/collection.json", files.collection("twin", title="first"))
    files.write("b/collection.json", files.collection("twin", title="second"))
    catalogue = Catalogue([files.folder])
    assert [item["title"] for item in catalogue.page().items] == ["first"]
    assert catalogue.collection("twin")["title"] == "first"
    assert "Two collections are called twin" in caplog.text


def test_changes_are_noticed(files: Any) -> None:
    path = files.write("a/collection.json", files.collection("a"))
    catalogue = Catalogue([files.folder], recheck=0)
    assert ids(catalogue) == ["a"]
    added = files.write("b/collection.json", files.collection("b"))
    assert ids(catalogue) == ["a", "b"]
    files.write("a/collection.json", files.collection("a", title="changed"))
    os.utime(path, ns=(1, 1))
    assert catalogue.page().items[0]["title"] == "changed"
    added.unlink()
    assert ids(catalogue) == ["a"]
    with pytest.raises(CollectionNotFound):
        catalogue.collection("b")


def test_nothing_local_is_shown(files: Any, tmp_path: Any) -> None:
    links = [
        {"rel": "self", "href": "./collection.json"},
        {"rel": "item", "href": "./i1.json"},
        {"rel": "license", "href": "./LICENSE"},
        {"rel": "about", "href": "https://example.org/about"},
        {"rel": "preview", "href": f"file://{tmp_path}/x.png"},
    ]
    assets = {
        "thumbnail": {"href": "https://example.org/t.png"},
        "store": {"href": str(tmp_path / "data.zarr")},
        "relative": {"href": "./data.tif"},
    }
    files.write("a/collection.json", files.collection("a", links=links, assets=assets))
    files.write("a/i1.json", files.item("i1", "a", "2024-05-01"))
    catalogue = Catalogue([files.folder])
    for served in (catalogue.page().items[0], catalogue.collection("a"), catalogue.queryables("a")):
        assert str(tmp_path) not in json.dumps(served)
        assert "./" not in json.dumps(served)
    assert catalogue.collection("a")["links"] == [links[3]]
    assert list(catalogue.collection("a")["assets"]) == ["thumbnail"]


def test_missing_metadata_is_derived(files: Any) -> None:
    grid = {"proj:epsg": 32632, "proj:shape": [100, 200], "proj:transform": [10, 0, 600000, 0, -10, 5300000]}
    band = {"name": "B04", "common_name": "red", "center_wavelength": 0.66}
    asset = {"href": "B04.tif", "type": "image/tiff", "roles": ["data"], "eo:bands": [band]}
    for number, cover in enumerate((3.5, 80.0)):
        item = files.item(f"i{number}", "a", f"2024-05-0{number + 1}", assets={"red": asset})
        item["properties"] |= {**grid, "eo:cloud_cover": cover, "platform": "sentinel-2a"}
        files.write(f"a/{number}/item.json", item)
    files.write("a/collection.json", files.collection("a"))
    derived = Catalogue([files.folder]).collection("a")
    spatial = {"type": "spatial", "reference_system": 32632, "step": 10}
    assert derived["cube:dimensions"] == {
        "x": {**spatial, "axis": "x", "extent": [600000, 602000]},
        "y": {**spatial, "axis": "y", "extent": [5299000, 5300000]},
        "t": {"type": "temporal", "extent": ["2024-01-01T00:00:00Z", None]},
        "bands": {"type": "bands", "values": ["B04"]},
    }
    assert derived["summaries"] == {
        "eo:bands": [band],
        "eo:cloud_cover": {"minimum": 3.5, "maximum": 80.0},
        "platform": ["sentinel-2a"],
        "proj:code": ["EPSG:32632"],
    }
    assert any("datacube" in each for each in derived["stac_extensions"])
    assert derived["extent"]["temporal"]["interval"] == [["2024-01-01T00:00:00Z", None]]


def test_declared_metadata_is_kept(files: Any) -> None:
    dimensions = {"time": {"type": "temporal", "extent": [None, None]}}
    declared = files.collection("a", **{"cube:dimensions": dimensions}, summaries={"platform": ["x"]})
    files.write("a/collection.json", declared)
    served = Catalogue([files.folder]).collection("a")
    assert served["cube:dimensions"] == dimensions
    assert served["summaries"] == {"platform": ["x"]}


def test_a_collection_without_items_has_the_required_metadata(files: Any) -> None:
    files.write("a/collection.json", files.collection("a"))
    served = Catalogue([files.folder]).collection("a")
    assert served["summaries"] == {}
    assert served["cube:dimensions"]["x"]["extent"] == [5.0, 15.0]
    assert served["cube:dimensions"]["y"]["extent"] == [45.0, 55.0]
    assert "bands" not in served["cube:dimensions"]


def test_items_by_area_time_and_filter(files: Any) -> None:
    links = [{"rel": "item", "href": f"./items/i{number}.json"} for number in (1, 2, 3)]
    files.write("a/collection.json", files.collection("a", links=links))
    for number in (1, 2, 3):
        files.write(f"a/items/i{number}.json", files.item(f"i{number}", "a", f"2024-05-0{number}"))
    files.write("a/items/broken.json", "{")
    catalogue = Catalogue([files.folder])

    def found(**criteria: Any) -> list[str]:
        return [item["id"] for item in catalogue.items("a", **criteria)]

    def day(number: int) -> datetime:
        return datetime(2024, 5, number, 10, tzinfo=UTC)

    assert found() == ["i1", "i2", "i3"]
    assert found(bbox=(10.5, 47.5, 12, 48)) == ["i1", "i2", "i3"]
    assert found(bbox=(12, 47.5, 13, 48)) == []
    assert found(interval=(day(1), day(3))) == ["i1", "i2"]
    assert found(interval=(day(2), None)) == ["i2", "i3"]
    assert found(interval=(None, day(1))) == []
    assert found(filter={"op": "=", "args": [{"property": "id"}, "i2"]}) == ["i2"]
    hrefs = {item["assets"]["B04"]["href"] for item in catalogue.items("a")}
    assert hrefs == {str(files.folder / "a/items/B04.tif")}


def test_items_of_nested_catalogues_and_of_loose_files(files: Any) -> None:
    files.write(
        "a/collection.json", files.collection("a", links=[{"rel": "child", "href": "./2024/catalog.json"}])
    )
    files.write(
        "a/2024/catalog.json",
        {"type": "Catalog", "id": "y", "links": [{"rel": "item", "href": "./i/i.json"}]},
    )
    files.write("a/2024/i/i.json", files.item("linked", "a", "2024-05-01"))
    files.write("b/collection.json", files.collection("b"))
    files.write("b/x/y/loose.json", files.item("loose", "b", "2024-05-01"))
    files.write("b/x/no-item.json", {"type": "FeatureCollection", "features": []})
    catalogue = Catalogue([files.folder])
    assert [item["id"] for item in catalogue.items("a")] == ["linked"]
    assert [item["id"] for item in catalogue.items("b")] == ["loose"]


def test_queryables(files: Any) -> None:
    files.write("a/collection.json", files.collection("a", title="A", summaries={"platform": ["s2a", "s2b"]}))
    item = files.item("i", "a", "2024-05-01")
    item["properties"] |= {"season": "winter", "order": 3, "nested": {"a": 1}}
    files.write("a/i.json", item)
    schema = Catalogue([files.folder]).queryables("a")
    assert schema["title"] == "A"
    assert schema["type"] == "object"
    properties = schema["properties"]
    assert properties["eo:cloud_cover"]["maximum"] == 100
    assert properties["platform"]["enum"] == ["s2a", "s2b"]
    assert properties["season"]["enum"] == ["winter"]
    assert properties["order"]["type"] == "number"
    assert properties["datetime"]["format"] == "date-time"
    assert "nested" not in properties


def test_many_threads_see_one_catalogue(files: Any) -> None:
    for number in range(50):
        files.write(f"{number}/collection.json", files.collection(f"c{number:02}"))
    catalogue = Catalogue([files.folder], recheck=0)
    with ThreadPoolExecutor(8) as pool:
        counts = set(pool.map(lambda _: len(catalogue.page().items), range(200)))
    assert counts == {50}


def test_a_missing_folder_is_reported(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert Catalogue([tmp_path / "nowhere"]).page().items == []
    assert "does not exist" in caplog.text


def test_folders_and_apis_together(files: Any, api: Any) -> None:
    files.write("a/collection.json", files.collection("a", title="of the folder"))
    api.collections = [api.collection("a", title="of the API"), api.collection("b"), api.collection("c")]
    catalogue = Catalogue([api.url, files.folder])
    assert ids(catalogue) == ["a", "b", "c"]
    assert catalogue.collection("a")["title"] == "of the folder"


def test_folders_stay_served_while_an_api_fails(
    files: Any, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api.fail = True
    files.write("a/collection.json", files.collection("a"))
    catalogue = Catalogue([files.folder, api.url])
    assert ids(catalogue) == ["a"]
    assert catalogue.collection("a")["id"] == "a"
    with pytest.raises(Internal, match="does not answer"):
        catalogue.collection("b")
    assert "fails" in caplog.text
    assert len(api.requests) == 1, "an API that fails is left alone for a while"
