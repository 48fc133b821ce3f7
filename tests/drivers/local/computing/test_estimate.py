"""The task "estimate", and computations that are refused before they begin."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.computing import result
from connexeo.drivers.local.computing.estimate import compute, prepare
from connexeo.drivers.local.computing.tasks import MEMORY_FOR_LIBRARIES, TASKS
from connexeo.drivers.local.computing.world import World
from connexeo.generated.errors import EstimateComplexity, NoDataAvailable, ProcessGraphComplexity

SIZE = 10_000


class SilentHost:
    """Nobody is to be told or asked anything."""

    def tell(self, message: Mapping[str, Any]) -> None:
        raise AssertionError(message)

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        raise AssertionError(name)


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, list[str]]:
    """A collection of images whose metadata is there, but no file: whoever reads a pixel fails."""
    folder = tmp_path / "catalogue" / "images"
    folder.mkdir(parents=True)
    collection = {
        "type": "Collection",
        "id": "images",
        "stac_version": "1.0.0",
        "description": "Images.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[9, 44, 11, 46]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }
    (folder / "collection.json").write_text(json.dumps(collection))
    for day in (1, 2):
        asset = {
            "href": f"./{day}.tif",
            "type": "image/tiff",
            "roles": ["data"],
            "eo:bands": [{"name": "B04"}],
            "raster:bands": [{"data_type": "uint16", "nodata": 0}],
        }
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"day{day}",
            "collection": "images",
            "bbox": [10, 45, 11, 46],
            "geometry": None,
            "properties": {
                "datetime": f"2020-01-0{day}T00:00:00Z",
                "proj:code": "EPSG:32632",
                "proj:shape": [SIZE, SIZE],
                "proj:transform": [10, 0, 600_000, 0, -10, 5_000_000],
            },
            "assets": {"B04": asset},
            "links": [],
        }
        (folder / f"day{day}.json").write_text(json.dumps(item))
    return {"catalogues": [str(folder.parent)], "process_modules": [], "process_definitions": []}


def node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments}


def request(sources: dict[str, list[str]], *, extent: Any = None, **more: Any) -> dict[str, Any]:
    load = node("load_collection", id="images", spatial_extent=extent, temporal_extent=None)
    save = node("save_result", data={"from_node": "load"}, format="GTiff") | {"result": True}
    process = {"process_graph": {"load": load, "save": save}}
    return {"process": process, "sources": sources, **more}


def test_estimates_need_no_pixels(sources: dict[str, list[str]]) -> None:
    asked = request(sources)
    answer = TASKS["estimate"].load()(asked, World(asked, SilentHost()))
    assert answer["pixels"] == 2 * SIZE**2
    assert answer["input_bytes"] == 2 * 2 * SIZE**2
    assert answer["output_bytes"] == 2 * 4 * SIZE**2
    assert answer["seconds"] > 1
    json.dumps(answer)


def test_what_is_wrong_is_told_by_estimates(sources: dict[str, list[str]]) -> None:
    asked = request(sources, extent={"west": 1, "south": 2, "east": 3, "north": 4})
    with pytest.raises(NoDataAvailable):
        compute(asked, World(asked, SilentHost()))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_bytes": 2**28}, "256 MB"),
        ({"max_bytes": 2**40, "memory": MEMORY_FOR_LIBRARIES + 2**20}, "1 MB"),
        ({"max_bytes": 2**40, "max_seconds": 0.001}, "200 million pixels"),
    ],
)
def test_results_that_are_too_large_are_refused_before_a_pixel_is_read(
    sources: dict[str, list[str]], tmp_path: Path, limits: dict[str, Any], words: str
) -> None:
    asked = request(sources, folder=str(tmp_path / "result"), **limits)
    with pytest.raises(ProcessGraphComplexity, match="or a batch job") as caught:
        result.compute(asked, World(asked, SilentHost()))
    assert words in caught.value.message
    assert not (tmp_path / "result").exists()


def test_what_cannot_be_planned_may_begin(
    sources: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from connexeo.processing.planning import budget

    def refuse(*args: Any, **more: Any) -> Any:
        raise EstimateComplexity

    monkeypatch.setattr(budget, "fit", refuse)
    asked = request(sources)
    environment = World(asked, SilentHost()).environment()
    counted: list[int] = []
    ready = prepare(asked["process"], environment, count=counted.append, memory=1, output_bytes=1)
    assert ready.environment.catalogue is not None
    assert counted == []
