from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pystac
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.transform import Affine

from connexeo.generated.errors import (
    FeatureUnsupported,
    FileNotFound,
    FormatUnsuitable,
    OpenEOError,
    ProcessParameterInvalid,
    StorageQuotaExceeded,
)
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate, execute
from connexeo.processing.formats import list_formats, write_results
from connexeo.processing.result import Result

GRID = Affine(10, 0, 600_000, 0, -10, 5_200_000)


@dataclass
class FakeWorkspace:
    """Files in a folder."""

    folder: Path
    full: bool = False
    asked: list[str] = field(default_factory=list)

    def file(self, path: str) -> Path:
        self.asked.append(path)
        found = self.folder / path
        if not found.is_file():
            raise FileNotFound(file=path)
        return found

    def results(self, job_id: str) -> list[dict[str, Any]]:
        raise NotImplementedError

    def save(self, path: str, source: Path) -> None:
        if self.full:
            raise StorageQuotaExceeded
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return FakeWorkspace(folder)


def write_tiff(
    path: Path,
    *bands: Any,
    names: Sequence[str] = (),
    nodata: float | None = None,
    transform: Affine = GRID,
    crs: str | None = "EPSG:32632",
    driver: str = "GTiff",
    scale: float = 1.0,
    offset: float = 0.0,
    tags: Mapping[str, str] | None = None,
    **options: Any,
) -> None:
    arrays = [np.asarray(band) for band in bands]
    height, width = arrays[0].shape
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver=driver, width=width, height=height, count=len(arrays), dtype=arrays[0].dtype,
        crs=crs, transform=transform, nodata=nodata, **options,
    ) as target:  # fmt: skip
        for index, array in enumerate(arrays, 1):
            target.write(array, index)
        if names:
            target.descriptions = tuple(names)
        if (scale, offset) != (1.0, 0.0):
            target.scales, target.offsets = (scale,) * len(arrays), (offset,) * len(arrays)
        target.update_tags(**(tags or {}))


def load(workspace: FakeWorkspace | None, *paths: str, format: str = "GTiff", **options: Any) -> xr.DataArray:
    graph = {
        "load": {
            "process_id": "load_uploaded_files",
            "arguments": {"paths": list(paths), "format": format, **options},
            "result": True,
        }
    }
    cube: xr.DataArray = evaluate(graph, environment=Environment(workspace=workspace))
    return cube


def pixels(start: int, dtype: Any = np.uint8, shape: tuple[int, int] = (3, 4)) -> NDArray[Any]:
    return np.arange(start, start + shape[0] * shape[1]).reshape(shape).astype(dtype)


def test_one_image(workspace: FakeWorkspace) -> None:
    write_tiff(workspace.folder / "areas/ndvi.tif", pixels(0), pixels(50), names=["red", "nir"])
    cube = load(workspace, "areas/ndvi.tif", format="gtiff")
    assert cube.dims == ("bands", "y", "x")
    assert cube.dtype == np.uint8
    assert cube.bands.values.tolist() == ["red", "nir"]
    assert cube.x.values.tolist() == [600_005, 600_015, 600_025, 600_035]
    assert cube.y.values.tolist() == [5_199_995, 5_199_985, 5_199_975]
    np.testing.assert_array_equal(cube.values, [pixels(0), pixels(50)])


def test_images_of_several_dates_and_bands(workspace: FakeWorkspace) -> None:
    for day in (1, 11):
        for band, start in (("B04", 0), ("B08", 100)):
            write_tiff(workspace.folder / f"{band}_2024-06-{day:02}.tif", pixels(start + day))
    cube = load(workspace, *sorted(path.name for path in workspace.folder.iterdir()))
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.bands.values.tolist() == ["B04", "B08"]
    assert cube.t.values.astype("datetime64[D]").astype(str).tolist() == ["2024-06-01", "2024-06-11"]
    np.testing.assert_array_equal(cube.values, [[pixels(s + d) for s in (0, 100)] for d in (1, 11)])


def test_images_side_by_side(workspace: FakeWorkspace) -> None:
    for name, shift in (("west", 0), ("east", 40)):
        transform = Affine(10, 0, 600_000 + shift, 0, -10, 5_200_000)
        write_tiff(workspace.folder / f"{name}.tif", pixels(shift), names=["dem"], transform=transform)
    cube = load(workspace, "west.tif", "east.tif")
    np.testing.assert_array_equal(cube.values, [np.hstack([pixels(0), pixels(40)])])


def test_what_no_file_has_is_missing(workspace: FakeWorkspace) -> None:
    write_tiff(workspace.folder / "a_20240601.tif", pixels(1), nodata=5)
    write_tiff(workspace.folder / "b_20240602T103000.tif", pixels(1))
    cube = load(workspace, "a_20240601.tif", "b_20240602T103000.tif")
    assert cube.dtype.kind == "f"
    values = cube.values
    assert np.isnan(values[0, 1]).all()
    assert np.isnan(values[1, 0]).all()
    assert np.isnan(values[0, 0][1, 0])
    assert str(cube.t.values[1]) == "2024-06-02T10:30:00.000000000"


def test_scale_and_offset_are_applied(workspace: FakeWorkspace) -> None:
    write_tiff(workspace.folder / "a.tif", pixels(0, np.int16), nodata=11, scale=0.1, offset=-1)
    cube = load(workspace, "a.tif")
    assert cube.dtype == np.float32
    expected = pixels(0) * 0.1 - 1.0
    expected[2, 3] = np.nan
    np.testing.assert_allclose(cube.values, [expected], rtol=1e-6)


def test_jpeg_2000(workspace: FakeWorkspace) -> None:
    image = pixels(0, np.uint8, (64, 64))
    write_tiff(workspace.folder / "a.jp2", image, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    np.testing.assert_array_equal(load(workspace, "a.jp2", format="JP2OpenJPEG").values, [image])


def write_netcdf(path: Path, **variables: tuple[tuple[str, ...], Any]) -> None:
    coords = {
        "time": np.array(["2024-06-01", "2024-06-02"], "datetime64[ns]"),
        "lat": [47.5, 47.4, 47.3],
        "lon": [11.0, 11.1, 11.2, 11.3],
        "depth": [1.0, 2.0],
    }
    used = {dim for dims, _ in variables.values() for dim in dims}
    xr.Dataset(variables, {key: value for key, value in coords.items() if key in used}).to_netcdf(path)


def test_netcdf(workspace: FakeWorkspace) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    write_netcdf(
        workspace.folder / "climate.nc",
        rain=(("time", "lat", "lon"), values),
        heat=(("time", "lat", "lon"), values + 100),
        station=((), 5),
    )
    cube = load(workspace, "climate.nc", format="netCDF")
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.bands.values.tolist() == ["rain", "heat"]
    np.testing.assert_array_equal(cube.values, np.stack([values, values + 100], axis=1))


def test_netcdf_without_time(workspace: FakeWorkspace) -> None:
    values = np.arange(12.0).reshape(3, 4)
    write_netcdf(workspace.folder / "dem.nc", dem=(("lat", "lon"), values))
    write_netcdf(workspace.folder / "dem_20240601.nc", dem=(("lat", "lon"), values))
    assert load(workspace, "dem.nc", format="netCDF").dims == ("bands", "y", "x")
    dated = load(workspace, "dem_20240601.nc", format="netCDF")
    assert dated.dims == ("t", "bands", "y", "x")
    np.testing.assert_array_equal(dated.values[0, 0], values)


@pytest.mark.parametrize("path", ["areas/a.tif", "./areas/a.tif", "/areas/a.tif", "areas/./a.tif"])
def test_spellings_of_a_path(workspace: FakeWorkspace, path: str) -> None:
    write_tiff(workspace.folder / "areas/a.tif", pixels(0))
    assert load(workspace, path, "areas/a.tif").shape == (1, 3, 4)
    assert workspace.asked == ["areas/a.tif"]


@pytest.mark.parametrize("path", ["b.tif", "../workspace/a.tif", "areas/../../a.tif", "areas/../a.tif"])
def test_files_that_are_not_there(workspace: FakeWorkspace, path: str) -> None:
    write_tiff(workspace.folder / "a.tif", pixels(0))
    with pytest.raises(FileNotFound, match="There is no file"):
        load(workspace, path)


def refusal(workspace: FakeWorkspace, *paths: str, format: str = "GTiff") -> str:
    with pytest.raises(FormatUnsuitable) as caught:
        load(workspace, *paths, format=format)
    assert str(workspace.folder) not in caught.value.message
    return caught.value.message


def test_files_that_are_something_else(workspace: FakeWorkspace) -> None:
    (workspace.folder / "a.tif").write_text("no image")
    (workspace.folder / "a.nc").write_text("no data")
    (workspace.folder / "cut.nc").write_bytes(b"\x89HDF\r\n\x1a\n and no more")
    (workspace.folder / "classic.nc").write_bytes(b"CDF\x01 and no more")
    write_tiff(workspace.folder / "a.png", pixels(0), driver="PNG")
    write_tiff(workspace.folder / "nowhere.tif", pixels(0), crs=None)
    (workspace.folder / "a.vrt").write_text("<VRTDataset/>")
    for name in ("a.tif", "a.png", "nowhere.tif", "a.vrt", "a.nc"):
        assert name in refusal(workspace, name)
    for name in ("a.tif", "a.nc", "cut.nc", "classic.nc"):
        assert name in refusal(workspace, name, format="netCDF")


def test_files_that_do_not_fit_together(workspace: FakeWorkspace) -> None:
    write_tiff(workspace.folder / "a_20240601.tif", pixels(0), names=["a"])
    write_tiff(workspace.folder / "b_20240601.tif", pixels(0), names=["a"])
    write_tiff(workspace.folder / "c.tif", pixels(0), names=["a"])
    write_tiff(workspace.folder / "d_20240602.tif", pixels(0), names=["a"], scale=2.0)
    write_tiff(workspace.folder / "e.tif", pixels(0), pixels(0), names=["a", "a"])
    assert "tells no date" in refusal(workspace, "a_20240601.tif", "c.tif")
    assert "both hold the band 'a'" in refusal(workspace, "a_20240601.tif", "b_20240601.tif")
    assert "different scales" in refusal(workspace, "a_20240601.tif", "d_20240602.tif")
    assert "same name" in refusal(workspace, "e.tif")


def test_netcdf_that_does_not_fit(workspace: FakeWorkspace) -> None:
    write_netcdf(workspace.folder / "deep.nc", heat=(("depth", "lat", "lon"), np.zeros((2, 3, 4))))
    write_netcdf(workspace.folder / "flat.nc", heat=(("lat",), np.zeros(3)))
    assert "depth" in refusal(workspace, "deep.nc", format="netCDF")
    assert "x and y" in refusal(workspace, "flat.nc", format="netCDF")


def in_other_file(root: Any, secret: Path) -> None:
    root.create_dataset("heat", shape=(3, 4), dtype="u1", external=[(str(secret), 0, 12)])


def of_other_datasets(root: Any, secret: Path) -> None:
    import h5py

    layout = h5py.VirtualLayout((3, 4), "u1")
    layout[:] = h5py.VirtualSource(str(secret), "heat", shape=(3, 4))
    root.create_virtual_dataset("heat", layout)


def linked(root: Any, secret: Path) -> None:
    import h5py

    root["heat"] = h5py.ExternalLink(str(secret), "/heat")


def deep_down(root: Any, secret: Path) -> None:
    group = root.create_group("a").create_group("b")
    group["again"] = root["a"]
    in_other_file(group, secret)


@pytest.mark.parametrize("trick", [in_other_file, of_other_datasets, linked, deep_down])
def test_netcdf_that_reads_other_files_of_the_machine(
    workspace: FakeWorkspace, tmp_path: Path, trick: Callable[[Any, Path], None]
) -> None:
    import h5py

    secret = tmp_path / "secret"
    secret.write_bytes(b"twelve bytes")
    path = workspace.folder / "trick.nc"
    with h5py.File(path, "w") as root:
        for name, length in (("lat", 3), ("lon", 4)):
            root.create_dataset(name, data=np.arange(float(length))).make_scale(name)
        trick(root, secret)
        if isinstance(root.get("heat", getlink=True), h5py.HardLink):
            for axis, name in enumerate(("lat", "lon")):
                root["heat"].dims[axis].attach_scale(root[name])
    assert "holds all its values itself" in refusal(workspace, "trick.nc", format="netCDF")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"paths": [], "format": "GTiff"}, "names no file"),
        ({"paths": ["a.tif"], "format": "Shapefile"}, "'Shapefile' is not supported. Choose one of: GTiff, "),
        ({"paths": ["a.tif"], "format": "GTiff", "options": {"level": 1}}, "no option 'level'"),
    ],
)
def test_arguments_that_cannot_be(workspace: FakeWorkspace, arguments: dict[str, Any], says: str) -> None:
    graph = {"load": {"process_id": "load_uploaded_files", "arguments": arguments, "result": True}}
    with pytest.raises(ProcessParameterInvalid, match=says):
        evaluate(graph, environment=Environment(workspace=workspace))


def test_without_a_user() -> None:
    with pytest.raises(FeatureUnsupported):
        load(None, "a.tif")


def test_input_formats_are_published() -> None:
    published = list_formats()["input"]
    assert list(published) == ["GTiff", "JP2OpenJPEG", "netCDF", "GeoJSON", "Parquet", "CSV"]
    kinds = [known["gis_data_types"][0] for known in published.values()]
    assert kinds == ["raster"] * 3 + ["vector"] * 3
    assert all(
        known["parameters"] == {} for known in published.values() if known["gis_data_types"] == ["raster"]
    )
    assert all("properties" in known["parameters"] for known in list(published.values())[3:])


def exported(
    workspace: FakeWorkspace | None,
    folder: Path,
    *,
    merge: str | None = None,
    name: str = "files",
    day: int = 1,
) -> tuple[list[str], list[LogEntry]]:
    """Names of the files that are delivered, and what is logged, when a small cube is saved and exported."""
    logs: list[LogEntry] = []
    cube = xr.DataArray(
        np.ones((2, 3, 4), np.float32),
        dims=("t", "y", "x"),
        coords={
            "t": np.array([f"2024-06-{day:02}", f"2024-06-{day + 1:02}"], "datetime64[ns]"),
            "y": [47.5, 47.4, 47.3],
            "x": [11.0, 11.1, 11.2, 11.3],
        },
        attrs={"crs": 4326},
    )
    graph = {
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_parameter": "cube"}, "format": "GTiff"},
        },
        "export": {
            "process_id": "export_workspace",
            "arguments": {"data": {"from_node": "save"}, "workspace": name, "merge": merge},
            "result": True,
        },
    }
    environment = Environment(workspace=workspace, log=logs.append)
    evaluation = execute(graph, {"cube": cube}, environment=environment)
    written = write_results(evaluation.results, folder)
    assert all(file.path.is_file() for file in written)
    return [file.path.name for file in written], logs


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_results_are_delivered_and_exported(workspace: FakeWorkspace, tmp_path: Path) -> None:
    delivered, logs = exported(workspace, tmp_path / "out", merge="/results/june")
    assert len(delivered) == 2
    assert files_in(tmp_path / "out") == sorted(delivered)
    assert files_in(workspace.folder) == sorted(f"results/june/{name}" for name in [*delivered, "item.json"])
    assert [entry.message for entry in logs] == ["The results go to the folder 'results/june' of the files."]
    item = pystac.Item.from_file(str(workspace.folder / "results/june/item.json"))
    assert item.id == "results-june"
    assert item.properties["start_datetime"] == "2024-06-01T00:00:00Z"
    assert item.properties["end_datetime"] == "2024-06-02T00:00:00Z"
    assert sorted(item.assets) == sorted(delivered)
    assert item.bbox == pytest.approx([10.95, 47.25, 11.35, 47.55])
    cube = load(workspace, *(f"results/june/{name}" for name in delivered))
    assert cube.sizes == {"t": 2, "bands": 1, "y": 3, "x": 4}


@pytest.mark.parametrize("format", ["GTiff", "netCDF"])
def test_our_own_files_can_be_loaded_as_they_are(
    workspace: FakeWorkspace, cube: xr.DataArray, format: str
) -> None:
    written = write_results([Result(cube, format)], workspace.folder)
    loaded = load(workspace, *(file.path.name for file in written), format=format)
    assert loaded.dims == cube.dims
    for name in cube.dims:
        np.testing.assert_array_equal(loaded[name].values, cube[name].values)
    np.testing.assert_array_equal(loaded.values, cube.values)


def test_further_exports_join_the_first(workspace: FakeWorkspace, tmp_path: Path) -> None:
    first, _ = exported(workspace, tmp_path / "out1", merge="a")
    second, _ = exported(workspace, tmp_path / "out2", merge="a", day=11)
    item = orjson.loads((workspace.folder / "a/item.json").read_bytes())
    assert sorted(item["assets"]) == sorted([*first, *second])
    assert item["properties"]["end_datetime"] == "2024-06-12T00:00:00Z"


def test_something_else_in_the_place_of_the_item(workspace: FakeWorkspace, tmp_path: Path) -> None:
    (workspace.folder / "a").mkdir()
    (workspace.folder / "a/item.json").write_text("[no item")
    exported(workspace, tmp_path / "out", merge="a")
    assert orjson.loads((workspace.folder / "a/item.json").read_bytes())["type"] == "Feature"


def test_exports_without_a_place_get_new_folders(workspace: FakeWorkspace, tmp_path: Path) -> None:
    exported(workspace, tmp_path / "out1")
    exported(workspace, tmp_path / "out2")
    folders = {name.partition("/")[0] for name in files_in(workspace.folder)}
    assert len(folders) == 2
    assert all(folder.startswith("export-20") for folder in folders)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "elsewhere"}, ProcessParameterInvalid),
        ({"merge": "../a"}, FileNotFound),
        ({"merge": "/"}, ProcessParameterInvalid),
    ],
)
def test_exports_that_cannot_be(
    workspace: FakeWorkspace, tmp_path: Path, options: dict[str, Any], error: type[OpenEOError]
) -> None:
    with pytest.raises(error):
        exported(workspace, tmp_path / "out", **options)
    assert files_in(workspace.folder) == []


def test_export_that_there_is_no_room_for(workspace: FakeWorkspace, tmp_path: Path) -> None:
    workspace.full = True
    with pytest.raises(StorageQuotaExceeded):
        exported(workspace, tmp_path / "out", merge="a")
    assert not [name for name in files_in(tmp_path / "out") if name.startswith(".exporting")]


def test_export_without_a_user(tmp_path: Path) -> None:
    with pytest.raises(FeatureUnsupported):
        exported(None, tmp_path / "out")
