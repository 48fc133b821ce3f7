from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from connexeo.fetch import FetchRefused
from connexeo.generated.errors import (
    FeatureUnsupported,
    FormatUnsuitable,
    OpenEOError,
    ProcessParameterInvalid,
)
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.dry_run import DryRun, PixelsNeeded

ADDRESS = "https://data.example/files/B04_2024-06-01.tif?token=secret"


@dataclass
class FakeWeb:
    """One file at every address."""

    copy: Path
    asked: list[str] = field(default_factory=list)

    def file(self, url: str) -> Path:
        self.asked.append(url)
        if "private" in url:
            raise FetchRefused("the address is private")
        return self.copy

    def document(self, url: str) -> Any:
        raise NotImplementedError

    def results(self, url: str) -> list[dict[str, Any]] | None:
        raise NotImplementedError


def load(web: FakeWeb | None, url: str, format: str, **arguments: Any) -> xr.DataArray:
    node = {
        "process_id": "load_url",
        "arguments": {"url": url, "format": format, **arguments},
        "result": True,
    }
    cube: xr.DataArray = evaluate({"load": node}, environment=Environment(web=web))
    return cube


@pytest.fixture
def web(tmp_path: Path) -> FakeWeb:
    path = tmp_path / "copy-1.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=3, height=2, count=1, dtype="uint8", crs="EPSG:32632",
        transform=Affine(10, 0, 600_000, 0, -10, 5_200_000),
    ) as target:  # fmt: skip
        target.write(np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    return FakeWeb(path)


def test_an_image(web: FakeWeb) -> None:
    cube = load(web, ADDRESS, "gtiff")
    assert web.asked == [ADDRESS]
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.bands.values.tolist() == ["B04"]
    assert str(cube.t.values[0]).startswith("2024-06-01")
    np.testing.assert_array_equal(cube[0, 0], [[0, 1, 2], [3, 4, 5]])


def test_features(tmp_path: Path) -> None:
    path = tmp_path / "copy.geojson"
    path.write_text(
        '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"a": 3}}'
    )
    cube = load(FakeWeb(path), "http://data.example/", "GEOJSON")
    assert cube.dims == ("geometry", "properties")
    assert cube.values.tolist() == [[3.0]]
    assert load(FakeWeb(path), "http://data.example/", "geojson", options={"Properties": []}).dims == (
        "geometry",
    )


@pytest.mark.parametrize(
    ("url", "format", "options", "error", "message"),
    [
        (ADDRESS, "GeoJSON", {}, FormatUnsuitable, r"'B04_2024-06-01\.tif' is no JSON"),
        (ADDRESS, "netCDF", {}, FormatUnsuitable, r"'B04_2024-06-01\.tif' is no netCDF"),
        (ADDRESS, "Shapefile", {}, ProcessParameterInvalid, "load_url.*'Shapefile' is not supported"),
        (ADDRESS, "GTiff", {"a": 1}, ProcessParameterInvalid, "load_url.*GTiff has no option 'a'"),
        ("http://private.example/a?token=secret", "GTiff", {}, ProcessParameterInvalid, "a' cannot be loaded: the"),
        ("file:///etc/passwd", "CSV", {}, OpenEOError, "url"),
    ],
)  # fmt: skip
def test_errors(
    web: FakeWeb, url: str, format: str, options: Any, error: type[OpenEOError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        load(web, url, format, options=options)
    assert "secret" not in caught.value.message


def test_without_web() -> None:
    with pytest.raises(FeatureUnsupported):
        load(None, ADDRESS, "GTiff")


def test_nothing_is_fetched_to_plan(web: FakeWeb) -> None:
    from connexeo.processing.processes.url_loading import load_url

    with pytest.raises(PixelsNeeded):
        load_url(ADDRESS, "GTiff", environment=Environment(web=web, dry_run=DryRun()))
    assert web.asked == []
