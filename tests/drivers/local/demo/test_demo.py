import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr

from connexeo.drivers.local.catalogue import Catalogue
from connexeo.drivers.local.demo import is_complete, write_demo
from connexeo.drivers.local.demo.climate import make_year
from connexeo.drivers.local.demo.scene import Acquisition, Pass, acquire
from connexeo.drivers.local.demo.sentinel2 import COLLECTION_ID, PASSES, SEED, SIZE
from connexeo.drivers.local.demo.sky import sun_position
from connexeo.drivers.local.demo.terrain import make_terrain
from connexeo.processing.environment import Environment
from connexeo.processing.processes.loading import load_collection


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "demo"
    write_demo(folder)
    return folder


def test_it_is_written_once_and_whole(demo: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*")}
    told: list[str] = []
    write_demo(demo, progress=told.append)
    assert told == []
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*")} == before
    assert is_complete(demo)
    assert [path.name for path in demo.parent.iterdir()] == ["demo"], "nothing is left beside"
    assert sum(path.stat().st_size for path in demo.rglob("*")) < 150e6


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(message: str) -> None:
        raise InterruptedError(message)

    with pytest.raises(InterruptedError):
        write_demo(tmp_path / "demo", progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_it_is_a_catalogue(demo: Path) -> None:
    catalogue = Catalogue([demo])
    assert [item["id"] for item in catalogue.page().items] == ["climate-monthly-demo", COLLECTION_ID]
    for id in ("climate-monthly-demo", COLLECTION_ID):
        collection = catalogue.collection(id)
        assert collection["cube:dimensions"]["bands"]["values"]
        assert str(demo) not in json.dumps(collection)
        items = list(catalogue.items(id))
        assert len(items) == 12
        assert all(Path(asset["href"]).is_file() for item in items for asset in item["assets"].values())


def test_pystac_reads_it(demo: Path) -> None:
    import pystac

    for path in demo.glob("*/collection.json"):
        collection = pystac.Collection.from_file(str(path))
        items = list(collection.get_items(recursive=True))
        assert len(items) == 12
        assert all(item.get_collection() is not None for item in items)


def scene(day: int, size: int = 96) -> Acquisition:
    (chosen,) = (each for each in PASSES if each.day == day)
    return acquire(make_terrain(size, SEED), chosen, SEED)


@pytest.mark.parametrize("day", [each.day for each in PASSES])
def test_scenes_are_the_same_each_time(day: int) -> None:
    one, other = scene(day), scene(day)
    np.testing.assert_array_equal(one.reflectance, other.reflectance)
    np.testing.assert_array_equal(one.scl, other.scl)


def test_files_hold_the_scenes(demo: Path) -> None:
    chosen = PASSES[3]
    acquisition = acquire(make_terrain(SIZE, SEED), chosen, SEED)
    (folder,) = (demo / COLLECTION_ID).glob("*20240417")
    for name, values in zip(("B02", "B03", "B04", "B08"), acquisition.reflectance, strict=True):
        with rasterio.open(folder / f"{name}.tif") as source:
            np.testing.assert_array_equal(source.read(1), values)
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.overviews(1)
            assert (source.nodata, source.crs.to_epsg(), source.res) == (0, 32632, (10, 10))
    with rasterio.open(folder / "SCL.tif") as source:
        np.testing.assert_array_equal(source.read(1), acquisition.scl)
    item = json.loads((folder / f"{folder.name}.json").read_text())
    assert item["properties"]["eo:cloud_cover"] == acquisition.cloud_cover
    assert item["properties"]["proj:shape"] == [SIZE, SIZE]


def ndvi(acquisition: Acquisition) -> Any:
    red, nir = acquisition.reflectance[2].astype(float), acquisition.reflectance[3].astype(float)
    with np.errstate(invalid="ignore"):
        return (nir - red) / (nir + red)


@pytest.fixture(scope="module")
def winter() -> Acquisition:
    return scene(13, SIZE)


@pytest.fixture(scope="module")
def summer() -> Acquisition:
    return scene(183, SIZE)


def test_the_year_has_seasons(winter: Acquisition, summer: Acquisition) -> None:
    assert np.median(ndvi(summer)) - np.median(ndvi(winter)) > 0.25
    assert (winter.scl == 11).mean() > 0.15
    assert (summer.scl == 11).mean() < 0.01
    assert (summer.scl == 4).mean() > 0.6


def test_water_is_water(summer: Acquisition) -> None:
    water = summer.scl == 6
    assert 0.02 < water.mean() < 0.06
    assert np.percentile(ndvi(summer)[water], 75) < 0
    assert np.median(summer.reflectance[3][water]) < 400


def test_clouds_are_bright_and_shadows_dark(summer: Acquisition) -> None:
    cloudy = scene(158, SIZE)
    clouds, shadows = np.isin(cloudy.scl, (8, 9)), cloudy.scl == 3
    assert 0.05 < clouds.mean() < 0.3
    assert 0.02 < shadows.mean() < 0.2
    blue = cloudy.reflectance[0].astype(float)
    land = cloudy.scl == 4
    assert np.median(blue[clouds]) > 3000
    assert np.median(cloudy.reflectance[3][shadows & ~clouds]) < 0.7 * np.median(cloudy.reflectance[3][land])
    assert cloudy.cloud_cover == pytest.approx(100 * np.isin(cloudy.scl, (8, 9, 10)).mean(), abs=0.01)


def test_a_swath_may_end_within_the_tile() -> None:
    cut = scene(108)
    missing = cut.scl == 0
    assert 0.05 < missing.mean() < 0.5
    assert (cut.reflectance[:, missing] == 0).all()
    assert (cut.reflectance[:, ~missing] > 0).all()


@pytest.mark.parametrize(("day", "zenith", "azimuth"), [(172, 27.3, 147), (355, 72.3, 165), (80, 49.9, 159)])
def test_the_sun_stands_where_it_should(day: int, zenith: float, azimuth: float) -> None:
    sun = sun_position(day)
    assert np.degrees(sun.zenith) == pytest.approx(zenith, abs=1.5)
    assert np.degrees(sun.azimuth) == pytest.approx(azimuth, abs=4)


def test_the_climate_is_plausible_and_the_same_each_time() -> None:
    year = make_year()
    xr.testing.assert_identical(year, make_year())
    celsius = year.t2m - 273.15
    assert 20 < float(celsius.sel(lat=1).mean()) < 30
    assert float(celsius.sel(lat=-85).mean()) < -25
    siberia = celsius.sel(lat=61, lon=101)
    assert float(siberia[6] - siberia[0]) > 20
    australia = celsius.sel(lat=-25, lon=135)
    assert float(australia[0] - australia[6]) > 8
    assert float(year.tp.min()) > 0
    assert float(year.tp.sel(lat=1).mean()) > 3 * float(year.tp.sel(lat=23, lon=11).mean())


def test_it_can_be_loaded(demo: Path) -> None:
    environment = Environment(catalogue=Catalogue([demo]))
    box = {"west": 10.65, "south": 47.56, "east": 10.70, "north": 47.60}
    cube = load_collection(
        COLLECTION_ID, box, ["2024-04-01", "2024-05-01"], ["nir", "SCL"], environment=environment
    )
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.sizes["t"] == 1
    (path,) = (demo / COLLECTION_ID).glob("*20240417/B08.tif")
    with rasterio.open(path) as source:
        row, column = source.index(float(cube.x[0]), float(cube.y[0]))
        window = source.read(1)[row : row + cube.sizes["y"], column : column + cube.sizes["x"]]
    np.testing.assert_array_equal(cube.values[0, 0], np.where(window == 0, np.nan, window.astype("float32")))
    europe = {"west": -10, "south": 35, "east": 30, "north": 60}
    climate = load_collection(
        "climate-monthly-demo", europe, ["2024-06-01", "2024-09-01"], environment=environment
    )
    assert climate.t.dt.month.values.tolist() == [6, 7, 8]
    expected = make_year().t2m.sel(lat=climate.y.values, lon=climate.x.values)[5:8]
    np.testing.assert_array_equal(climate.sel(bands="t2m").values, expected.values)


def test_other_passes_can_be_made() -> None:
    made = acquire(make_terrain(64, 1), Pass(200, PASSES[0].weather, snow_line=3000), 1)
    assert made.reflectance.shape == (4, 64, 64)
    assert made.cloud_cover == 0
