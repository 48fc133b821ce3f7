"""Results are valid STAC, and say what is known of the files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pystac
import pytest
from pystac.validation import validate_dict

from connexeo.drivers.local.jobs.document import Asset, Document
from connexeo.drivers.local.jobs.stac import ML_MODEL, make_asset, make_collection, make_item, make_items
from connexeo.generated import load_openapi
from connexeo.server.schema import SchemaCompiler

MODIFIED = "2026-01-02T03:04:05Z"

JOB: dict[str, Any] = {
    "id": "j-1",
    "title": None,
    "description": None,
    "status": "finished",
    "created": datetime(2026, 1, 1, 12, tzinfo=UTC),
    "updated": datetime(2026, 1, 1, 13, tzinfo=UTC),
    "queued": datetime(2026, 1, 1, 12, 1, tzinfo=UTC),
    "started": None,
    "unpublished": datetime(2026, 4, 1, tzinfo=UTC),
}

BAND = {
    "name": "NDVI",
    "data_type": "int16",
    "nodata": -32768,
    "raster:scale": 0.0001,
    "raster:offset": 0.0,
    "statistics": {"minimum": -0.2, "maximum": 0.9, "mean": 0.4, "stddev": 0.1, "valid_percent": 98.0},
}

RASTER = Asset(
    "ndvi.tif",
    "image/tiff; application=geotiff; profile=cloud-optimized",
    1000,
    "ab" * 32,
    MODIFIED,
    times=("2024-06-01T00:00:00Z",),
    bands=(BAND, {"name": "empty", "data_type": "float32", "nodata": "nan", "statistics": {}}),
    bbox=(10.0, 46.0, 11.0, 47.0),
    crs_code="EPSG:32632",
    crs_bbox=(600000.0, 5100000.0, 600100.0, 5100200.0),
    shape=(20, 10),
    transform=(10.0, 0.0, 600000.0, 0.0, -10.0, 5100200.0),
    extra={"gsd": 10},
)


def asset(name: str = "a.json", **properties: Any) -> Asset:
    return Asset(name, "application/json", 5, "cd" * 32, MODIFIED, **properties)


DOCUMENTS = {
    "raster": [RASTER],
    "nothing": [],
    "a number": [asset()],
    "times": [asset("a", times=("2024-01-05", "2023-12-01T10:00:00Z")), asset("b", times=("2025",))],
    "no times": [asset(times=("wet season",))],
    "antimeridian": [asset(bbox=(170.0, -20.0, -170.0, -10.0)), asset("b", bbox=(0.0, 0.0, 1.0, 1.0))],
    "a picture": [RASTER, asset("preview.png", roles=("thumbnail",))],
}


def core(document: dict[str, Any]) -> dict[str, Any]:
    """The document as the schemas that pystac brings along can check it."""
    return {"links": [], **document, "stac_extensions": []}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_valid(name: str) -> None:
    document = Document(tuple(DOCUMENTS[name]))
    collection = make_collection(JOB, document)
    validate_dict(core(collection))
    items = make_items("j-1", document)
    for item in items:
        validate_dict({**core(item), "links": [{"rel": "collection", "href": "./collection.json"}]})
    schema = load_openapi()["paths"]["/jobs/{job_id}/results"]["get"]["responses"]["200"]["content"]
    validator = SchemaCompiler(load_openapi()).compile(schema["application/json"]["schema"])
    faults = validator.iter_errors({**collection, "links": []})
    assert [fault.message for fault in faults] == []
    assert [item["id"] for item in items] == [a.name for a in document.assets if "data" in a.roles]


def test_collection_of_a_raster() -> None:
    collection = make_collection({**JOB, "title": "Green", "description": "How green."}, Document((RASTER,)))
    assert (collection["title"], collection["description"]) == ("Green", "How green.")
    assert collection["extent"] == {
        "spatial": {"bbox": [[10.0, 46.0, 11.0, 47.0]]},
        "temporal": {"interval": [["2024-06-01T00:00:00Z", "2024-06-01T00:00:00Z"]]},
    }
    times = {
        name: collection.get(name) for name in ("created", "updated", "queued", "started", "unpublished")
    }
    assert times == {
        "created": "2026-01-01T12:00:00Z",
        "updated": "2026-01-01T13:00:00Z",
        "queued": "2026-01-01T12:01:00Z",
        "started": None,
        "unpublished": "2026-04-01T00:00:00Z",
    }
    assert collection["openeo:status"] == "finished"
    assert collection["stac_extensions"] == [
        "https://stac-extensions.github.io/file/v2.1.0/schema.json",
        "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
        "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    ]
    assert collection["assets"] == {"ndvi.tif": make_asset(RASTER)}


def test_asset_of_a_raster() -> None:
    described = make_asset(RASTER)
    assert described == {
        "href": "ndvi.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": "ndvi.tif",
        "roles": ["data"],
        "file:size": 1000,
        "file:checksum": "1220" + "ab" * 32,
        "proj:code": "EPSG:32632",
        "proj:bbox": [600000.0, 5100000.0, 600100.0, 5100200.0],
        "proj:shape": [20, 10],
        "proj:transform": [10.0, 0.0, 600000.0, 0.0, -10.0, 5100200.0],
        "gsd": 10,
        "bands": [BAND, {"name": "empty", "data_type": "float32", "nodata": "nan"}],
        "raster:bands": [
            {
                "data_type": "int16",
                "nodata": -32768,
                "scale": 0.0001,
                "offset": 0.0,
                "statistics": BAND["statistics"],
            },
            {"data_type": "float32", "nodata": "nan"},
        ],
    }


def test_item_of_a_raster() -> None:
    item = make_item("j-1", RASTER)
    assert (item["id"], item["collection"], item["bbox"]) == ("ndvi.tif", "j-1", [10.0, 46.0, 11.0, 47.0])
    assert item["geometry"]["coordinates"] == [
        [[10.0, 46.0], [11.0, 46.0], [11.0, 47.0], [10.0, 47.0], [10.0, 46.0]]
    ]
    assert item["properties"]["datetime"] == "2024-06-01T00:00:00Z"
    assert item["properties"]["proj:code"] == "EPSG:32632"
    parsed = pystac.Item.from_dict(item, migrate=False)
    assert parsed.datetime == datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (("2024-06-01T10:00:00Z",), {"datetime": "2024-06-01T10:00:00Z"}),
        (("2024-06-01", "2024-06-01"), {"datetime": "2024-06-01T00:00:00Z"}),
        (
            ("2024-06", "2024-01-05", "2025"),
            {
                "datetime": None,
                "start_datetime": "2024-01-05T00:00:00Z",
                "end_datetime": "2025-01-01T00:00:00Z",
            },
        ),
        ((), {"datetime": MODIFIED}),
        (("djf", "2024-13", "0000", "2024-366-1"), {"datetime": MODIFIED}),
    ],
)
def test_times_of_an_item(times: tuple[str, ...], expected: dict[str, Any]) -> None:
    properties = make_item("j-1", asset(times=times))["properties"]
    assert properties == {**expected, "created": MODIFIED}


def test_item_without_a_place() -> None:
    item = make_item("j-1", asset())
    assert item["geometry"] is None
    assert "bbox" not in item


def test_item_across_the_antimeridian() -> None:
    geometry = make_item("j-1", asset(bbox=(170.0, -20.0, -170.0, -10.0)))["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert [part[0][0] for part in geometry["coordinates"]] == [[170.0, -20.0], [-180.0, -20.0]]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], [-180.0, -90.0, 180.0, 90.0]),
        ([(1, 2, 3, 4), (0, 3, 2, 5)], [0, 2, 3, 5]),
        ([(170, -20, -170, -10)], [170, -20, -170, -10]),
        ([(170, -20, -170, -10), (0, 3, 2, 5)], [-180.0, -20, 180.0, 5]),
    ],
)
def test_extent(boxes: list[tuple[float, ...]], expected: list[float]) -> None:
    assets = tuple(asset(str(number), bbox=box) for number, box in enumerate(boxes))
    collection = make_collection(JOB, Document((*assets, asset("no place"))))
    assert collection["extent"]["spatial"]["bbox"] == [expected]


MODEL = asset(
    "woods.npz",
    roles=("data", "ml-model:checkpoint"),
    extra={
        "ml-model:type": "ml-model",
        "ml-model:learning_approach": "supervised",
        "ml-model:prediction_type": "regression",
        "ml-model:architecture": "random-forest",
    },
)


def test_models_are_described_by_their_items() -> None:
    """The extension has fields of Items only."""
    item = make_item("j-1", MODEL)
    assert item["properties"]["ml-model:prediction_type"] == "regression"
    assert ML_MODEL in item["stac_extensions"]
    assert not any(name.startswith("ml-model:") for name in item["assets"]["woods.npz"])
    collection = make_collection(JOB, Document((MODEL,)))
    assert ML_MODEL not in collection["stac_extensions"]
    assert collection["assets"]["woods.npz"]["roles"] == ["data", "ml-model:checkpoint"]
    assert ML_MODEL not in make_item("j-1", RASTER)["stac_extensions"]
