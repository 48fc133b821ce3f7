"""Jobs whose pixels are computed by the workers of a real cluster on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from clusters import DaskCluster, dask_cluster
from connexeo.drivers.local.computing.result import compute as compute_result
from connexeo.drivers.local.computing.world import World
from connexeo.drivers.local.jobs.computation import compute as compute_job
from connexeo.generated.errors import Internal, OpenEOError
from odd_processes import __name__ as odd_processes
from small_catalogue import write_catalogue
from working import node, process


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers."""
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four dates in two months, of more than one block."""
    folder = tmp_path_factory.mktemp("catalogue")
    return write_catalogue(folder, days=(1, 15, 33, 40), bands=("B04", "B08"), size=(64, 1040))


class Host:
    """Hears what a task says."""

    def __init__(self) -> None:
        self.logs: list[Mapping[str, Any]] = []
        self.progress: list[float] = []
        self.published: list[str] = []

    def tell(self, message: Mapping[str, Any]) -> None:
        if "log" in message:
            self.logs.append(message["log"])
        if "progress" in message:
            self.progress.append(message["progress"])

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        self.published += [asset["name"] for asset in arguments["assets"]]


def reducer(*steps: tuple[str, Any]) -> dict[str, Any]:
    """A callback of processes of an array, one after the other."""
    source: Any = {"from_parameter": "data"}
    nodes: dict[str, Any] = {}
    for number, (process_id, more) in enumerate(steps):
        nodes[f"n{number}"] = node(process_id, data=source, **more)
        source = {"from_node": f"n{number}"}
    return process(**nodes)


MONTHLY = process(
    load=node("load_collection", id="images", spatial_extent=None, temporal_extent=None),
    index=node("ndvi", data={"from_node": "load"}, nir="B08", red="B04", target_band="NDVI"),
    months=node(
        "aggregate_temporal_period",
        data={"from_node": "index"},
        period="month",
        reducer=reducer(("median", {})),
    ),
    save=node("save_result", data={"from_node": "months"}, format="gtiff"),
)


def pixels(host: Host, folder: Path) -> dict[str, NDArray[Any]]:
    found = {}
    for name in host.published:
        with rasterio.open(folder / name) as image:
            found[name] = image.read()
    return found


def request(catalogue: Path, folder: Path, graph: Any, **more: Any) -> dict[str, Any]:
    sources = {"catalogues": [str(catalogue)], "process_modules": [odd_processes], "process_definitions": []}
    return {"process": graph, "folder": str(folder), "sources": sources, "max_bytes": 2**30, **more}


def run(asked: dict[str, Any]) -> Host:
    host = Host()
    compute_job(asked, World(asked, host))
    return host


def test_a_monthly_composite_is_the_same_as_without_a_cluster(
    workers: DaskCluster, catalogue: Path, tmp_path: Path
) -> None:
    here = run(request(catalogue, tmp_path / "here", MONTHLY))
    there = run(request(catalogue, tmp_path / "there", MONTHLY, dask=workers.address))
    expected, found = pixels(here, tmp_path / "here"), pixels(there, tmp_path / "there")
    assert expected.keys() == found.keys()
    assert len(found) == 2
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])
        assert np.isfinite(values).all()
    assert there.progress == sorted(there.progress)
    assert there.progress[-1] == 1


def test_gaps_and_entries_of_workers_are_logged(workers: DaskCluster, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path / "catalogue", days=(1, 2), bands=("B04", "B08"))
    (folder / "images" / "day2" / "B08.tif").unlink()
    told = reducer(("inspect", {"message": "in a worker", "level": "info"}), ("sum", {}))
    graph = process(
        load=node("load_collection", id="images", spatial_extent=None, temporal_extent=None),
        sum=node("reduce_dimension", data={"from_node": "load"}, reducer=told, dimension="t"),
        save=node("save_result", data={"from_node": "sum"}, format="gtiff"),
    )
    asked = request(folder, tmp_path / "results", graph, dask=workers.address, soft_errors=1.0)
    host = run(asked)
    gaps = [entry["data"] for entry in host.logs if entry["code"] == "AssetUnreadable"]
    assert gaps == [{"item": "day2", "asset": "B08", "reason": "it does not exist"}]
    assert "in a worker" in {entry["message"] for entry in host.logs}
    del asked["soft_errors"]
    with pytest.raises(Internal, match="'B08' of the item 'day2' failed: it does not exist") as caught:
        compute_result(asked, World(asked, Host()))
    assert not isinstance(caught.value, FileNotFoundError)


def test_too_many_gaps_are_an_error(workers: DaskCluster, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path / "catalogue", days=(1, 2))
    (folder / "images" / "day2" / "B04.tif").unlink()
    graph = process(
        load=node("load_collection", id="images", spatial_extent=None, temporal_extent=None),
        save=node("save_result", data={"from_node": "load"}, format="gtiff"),
    )
    asked = request(folder, tmp_path / "results", graph, dask=workers.address, soft_errors=0.1)
    with pytest.raises(OpenEOError, match="1 of 2 assets cannot be read"):
        run(asked)
