"""`connexeo run`: graphs from files, results in files, and what is said when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import rasterio
import typer
import xarray as xr
from typer.testing import CliRunner

from connexeo.tools import run as module

ADD = {"add": {"process_id": "add", "arguments": {"x": 1, "y": {"from_parameter": "y"}}, "result": True}}
PROCESS = {
    "process_graph": ADD,
    "parameters": [{"name": "y", "description": "A number.", "schema": {"type": "number"}}],
}
LOAD = {
    "process_id": "load_collection",
    "arguments": {"id": "s", "spatial_extent": None, "temporal_extent": None},
}


def application() -> typer.Typer:
    app = typer.Typer()
    app.command()(module.run)
    return app


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a document, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(document: Any, *arguments: str) -> Any:
        Path("graph.json").write_bytes(document if isinstance(document, bytes) else orjson.dumps(document))
        return CliRunner().invoke(application(), ["graph.json", *arguments])

    return run


@pytest.fixture
def scene(tmp_path: Path) -> str:
    """A catalogue with one scene of 4 by 3 pixels."""
    folder = tmp_path / "catalogue" / "s"
    (folder / "i").mkdir(parents=True)
    values = np.arange(12, dtype="uint16").reshape(1, 3, 4) + 1
    transform = rasterio.Affine(10, 0, 500000, 0, -10, 5100000)
    with rasterio.open(
        folder / "i" / "B04.tif",
        "w",
        driver="GTiff",
        width=4,
        height=3,
        count=1,
        dtype="uint16",
        crs=32632,
        transform=transform,
    ) as dataset:
        dataset.write(values)
    bbox = [9.0, 46.0532, 9.0006, 46.0536]
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"],
        "id": "i",
        "collection": "s",
        "bbox": bbox,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": "2024-05-01T10:00:00Z",
            "proj:code": "EPSG:32632",
            "proj:shape": [3, 4],
            "proj:transform": list(transform)[:6],
        },
        "links": [{"rel": "collection", "href": "../collection.json"}],
        "assets": {"B04": {"href": "B04.tif", "roles": ["data"], "type": "image/tiff; application=geotiff"}},
    }
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "s",
        "description": "One scene.",
        "license": "CC0-1.0",
        "extent": {
            "spatial": {"bbox": [bbox]},
            "temporal": {"interval": [["2024-05-01T00:00:00Z", "2024-05-02T00:00:00Z"]]},
        },
        "links": [{"rel": "item", "href": "i/i.json", "type": "application/geo+json"}],
    }
    (folder / "collection.json").write_text(json.dumps(collection))
    (folder / "i" / "i.json").write_text(json.dumps(item))
    return str(tmp_path / "catalogue")


def save(format: str, **options: Any) -> dict[str, Any]:
    arguments = {"data": {"from_node": "load"}, "format": format, "options": options}
    return {"load": LOAD, "save": {"process_id": "save_result", "arguments": arguments, "result": True}}


@pytest.mark.parametrize("document", [PROCESS, {"process": PROCESS, "title": "A job"}])
def test_plain_values_are_printed(invoke: Any, document: Any) -> None:
    result = invoke(document, "-p", "y=2")
    assert (result.exit_code, result.stdout) == (0, "3\n")


def test_bare_graph_from_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(application(), ["-", "--parameter", "y=0.5"], input=json.dumps(ADD))
    assert (result.exit_code, result.stdout) == (0, "1.5\n")


def test_plain_values_are_written(invoke: Any) -> None:
    assert invoke(PROCESS, "-p", "y=2", "-o", "out/sum.json").exit_code == 0
    assert Path("out/sum.json").read_text() == "3"
    assert invoke(PROCESS, "-p", "y=2", "-o", "out").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["openEO.json", "sum.json"]


def test_cube_to_folder(invoke: Any, scene: str) -> None:
    result = invoke(save("GTiff"), "--catalogue", scene, "-o", "out")
    assert (result.exit_code, result.stdout) == (0, "out/openEO_2024-05-01T100000Z.tif\n")
    with rasterio.open("out/openEO_2024-05-01T100000Z.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.arange(12).reshape(3, 4) + 1)
        assert dataset.crs.to_epsg() == 32632


def test_cube_to_file(invoke: Any, scene: str) -> None:
    assert invoke(save("netCDF"), "--catalogue", scene, "-o", "scene.nc").exit_code == 0
    with xr.open_dataset("scene.nc") as dataset:
        assert dataset["B04"].shape == (1, 3, 4)
    assert not list(Path().glob(".writing*"))


@pytest.mark.parametrize("name", ["a.tif", "a.nc", "a.png", "a.json"])
def test_format_of_unsaved_cubes_is_that_of_the_file_name(invoke: Any, scene: str, name: str) -> None:
    assert invoke({"load": {**LOAD, "result": True}}, "--catalogue", scene, "-o", name).exit_code == 0
    beginnings = {"a.tif": b"II", "a.nc": b"\x89HDF", "a.png": b"\x89PNG", "a.json": b"{"}
    assert Path(name).read_bytes().startswith(beginnings[name])


def test_json_results_are_printed(invoke: Any, scene: str) -> None:
    result = invoke(save("JSON"), "--catalogue", scene)
    assert result.exit_code == 0
    assert np.array(json.loads(result.stdout)["data"]).ravel().tolist() == list(range(1, 13))


def test_all_results_are_written(invoke: Any, scene: str) -> None:
    graph = save("GTiff")
    graph["other"] = {
        **graph["save"],
        "arguments": {**graph["save"]["arguments"], "format": "PNG"},
        "result": False,
    }
    result = invoke(graph, "--catalogue", scene, "-o", "out")
    assert result.exit_code == 0
    assert sorted(path.suffix for path in Path("out").iterdir()) == [".png", ".tif"]
    assert invoke(graph, "--catalogue", scene, "-o", "out.tif").exit_code == 2
    assert not Path("out.tif").exists()


@pytest.mark.parametrize(
    ("document", "arguments", "code", "said"),
    [
        (b"{", (), 2, "is no JSON document"),
        (b"[]", (), 2, "holds no process graph"),
        (PROCESS, ("-p", "y"), 2, "name=JSON"),
        (PROCESS, ("-p", "y=two"), 2, "texts need quotes"),
        (PROCESS, ("--catalogue", "nowhere"), 2, "there is no folder nowhere"),
        (PROCESS, (), 1, "ProcessParameterRequired"),
        (PROCESS, ("-p", 'y="two"'), 1, "ProcessParameterInvalid"),
        ({"a": {"process_id": "nope", "arguments": {}, "result": True}}, (), 1, "ProcessUnsupported"),
    ],
)
def test_errors_are_readable(
    invoke: Any, document: Any, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = invoke(document, *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.output


def test_all_faults_are_told(invoke: Any) -> None:
    graph = {
        "a": {"process_id": "nope", "arguments": {}},
        "b": {"process_id": "add", "arguments": {"x": "1", "y": 2}, "result": True},
    }
    result = invoke(graph)
    assert result.exit_code == 1
    assert "ProcessUnsupported" in result.stderr
    assert "ProcessParameterInvalid" in result.stderr


def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(application(), ["none.json"])
    assert result.exit_code == 2
    assert "none.json cannot be read" in result.stderr


def test_cubes_are_not_printed(invoke: Any, scene: str) -> None:
    result = invoke(save("GTiff"), "--catalogue", scene)
    assert result.exit_code == 2
    assert "-o" in result.stderr


def test_unknown_collection(invoke: Any, scene: str) -> None:
    graph = save("GTiff")
    graph["load"] = {**LOAD, "arguments": {**LOAD["arguments"], "id": "nope"}}  # type: ignore[dict-item]
    result = invoke(graph, "--catalogue", scene, "-o", "out")
    assert result.exit_code == 1
    assert "CollectionNotFound" in result.stderr
    assert not Path("out").exists()


def test_place_that_cannot_be_written(invoke: Any) -> None:
    Path("file").write_text("")
    result = invoke(PROCESS, "-p", "y=2", "-o", "file/sum.json")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
