"""What is kept of results."""

from __future__ import annotations

import orjson

from connexeo.drivers.local.jobs.document import Asset, Document, result_key


def test_documents_survive_the_database() -> None:
    usual = Asset("a.json", "application/json", 0, "ab", "2020-01-01T00:00:00Z")
    full = Asset(
        "b.tif",
        "image/tiff",
        10,
        "cd",
        "2020-01-01T00:00:00Z",
        roles=(),
        times=("2020-01-01", "2020-01-02"),
        bands=({"name": "B04", "nodata": "nan"},),
        bbox=(1.0, 2.0, 3.0, 4.0),
        crs_code="EPSG:4326",
        crs_bbox=(1.0, 2.0, 3.0, 4.0),
        shape=(2, 2),
        transform=(1.0, 0.0, 1.0, 0.0, -1.0, 4.0),
        extra={"vrt": True},
    )
    document = Document((usual, full), complete=False)
    assert Document.from_json(orjson.loads(orjson.dumps(document.to_json()))) == document
    assert document.asset("b.tif") == full
    assert document.asset("c.tif") is None
    assert full.multihash == "1220cd"


def test_keys() -> None:
    assert result_key("j-1", 2, "a.tif") == "jobs/j-1/2/a.tif"
    assert result_key("j-1", 2) == "jobs/j-1/2"
