"""Blocks as large as the memory allows."""

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from connexeo.generated.errors import ProcessGraphComplexity
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.execution import Execution, Layout, compute, using
from connexeo.processing.execution.threads import Threads
from connexeo.processing.planning.budget import fit
from connexeo.processing.planning.planner import check_limits, plan
from connexeo.processing.reading.pixels import Pixels

from .conftest import FakeCatalogue

SIZE, DATES, BANDS = 192, 40, ("B02", "B04", "B08")
MB = 2**20
Json = dict[str, Any]


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def reduced(process_id: str) -> Json:
    child = node(process_id, data={"from_parameter": "data"}) | {"result": True}
    return {"process_graph": {"one": child}}


def load(bands: tuple[str, ...] = BANDS) -> Json:
    return node("load_collection", id="many", spatial_extent=None, temporal_extent=None, bands=list(bands))


MEDIAN = {
    "load": load(),
    "mean": node("reduce_dimension", data={"from_node": "load"}, dimension="bands", reducer=reduced("mean")),
    "median": node("reduce_dimension", data={"from_node": "mean"}, dimension="t", reducer=reduced("median"))
    | {"result": True},
}
KERNEL = {
    "load": load(("B02",)),
    "kernel": node("apply_kernel", data={"from_node": "load"}, kernel=[[1, 1, 1], [1, 1, 1], [1, 1, 1]])
    | {"result": True},
}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Forty dates, all of them the same files."""
    folder = tmp_path_factory.mktemp("many")
    return Environment(catalogue=catalogue(folder, SIZE, DATES))


def catalogue(folder: Path, size: int, dates: int) -> FakeCatalogue:
    """A collection; only as many pixels are written as there are at the beginning."""
    place: Json = {"crs": "EPSG:32632", "transform": Affine(10, 0, 6e5, 0, -10, 5.3e6), "nodata": 0}
    assets = {}
    for number, band in enumerate(BANDS):
        path = folder / f"{band}.tif"
        values = np.random.default_rng(number).integers(0, 200, (SIZE, SIZE)).astype(np.uint16)
        with rasterio.open(
            path, "w", driver="GTiff", width=SIZE, height=SIZE, count=1, dtype="uint16", **place
        ) as image:
            image.write(values, 1)
        bands: Json = {"eo:bands": [{"name": band}], "raster:bands": [{"data_type": "uint16", "nodata": 0}]}
        assets[band] = {"href": str(path), "type": "image/tiff", "roles": ["data"], **bands}
    properties: Json = {
        "proj:epsg": 32632,
        "proj:shape": [size, size],
        "proj:transform": [10, 0, 6e5, 0, -10, 5.3e6],
    }
    items: list[Json] = [
        {
            "id": f"i{day}",
            "bbox": [10, 47, 11, 48],
            "assets": assets,
            "properties": {
                **properties,
                "datetime": str(np.datetime64("2024-01-01T10:00:00") + day * 86400) + "Z",
            },
        }
        for day in range(dates)
    ]
    return FakeCatalogue({"many": {"id": "many"}}, {"many": items})


class InFlight:
    """Counts bytes of arrays that are in memory."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def keep(self, block: Any) -> Any:
        kept = block.copy()
        self._count(kept.nbytes)
        weakref.finalize(kept, self._count, -kept.nbytes)
        return kept

    def _count(self, size: int) -> None:
        self.now += size
        self.most = max(self.most, self.now)


@pytest.fixture
def in_flight(monkeypatch: pytest.MonkeyPatch) -> InFlight:
    """Watches the blocks that are read."""
    watching = InFlight()
    original = Pixels.__getitem__

    def read(pixels: Pixels, key: Any) -> Any:
        return watching.keep(original(pixels, key))

    monkeypatch.setattr(Pixels, "__getitem__", read)
    return watching


def values_in(execution: Execution, graph: Json, world: Environment) -> Any:
    with using(execution):
        return compute(evaluate(graph, environment=world).data)


def test_little_memory_makes_small_blocks_and_the_same_pixels(many: Environment, in_flight: InFlight) -> None:
    little, much = (fit(MEDIAN, many, memory, threads=2) for memory in (28 * MB, 4096 * MB))
    assert much.execution.layout == Layout(1024, together=True)
    assert little.execution.layout.edge < SIZE
    check_limits(little.plan, memory=28 * MB)
    values = values_in(little.execution, MEDIAN, many)
    least = in_flight.most
    assert 0 < least < 28 * MB
    np.testing.assert_array_equal(values, values_in(much.execution, MEDIAN, many))
    assert np.isfinite(values).all()
    assert in_flight.most > 2 * least
    assert in_flight.now == 0


def test_fewer_parts_are_computed_at_a_time_before_blocks_become_small(many: Environment) -> None:
    ways = [fit(MEDIAN, many, memory * MB, threads=4).execution for memory in (4096, 150)]
    assert [way.strategy for way in ways] == [Threads(4), Threads(1)]
    assert [way.layout.edge for way in ways] == [1024, 512]


def test_plans_tell_what_is_taken(many: Environment, in_flight: InFlight) -> None:
    layout = Layout(128, together=True)
    planned = plan(MEDIAN, many, layout=layout)
    assert planned.memory_for(1, 1) == planned.memory
    assert planned.memory_for(3, 1) == planned.memory + 2 * planned.part_bytes
    values_in(Execution(layout, Threads(1)), MEDIAN, many)
    assert planned.part_bytes / 2 < in_flight.most < planned.part_bytes


def test_neighbours_count(many: Environment, tmp_path: Path) -> None:
    large = Environment(catalogue=catalogue(tmp_path, 4096, 2))
    fitted = fit(KERNEL, large, 4096 * MB)
    assert fitted.plan.reach == 9
    assert fit(MEDIAN, many, 4096 * MB).plan.reach == 1
    assert fitted.execution.columns == 16
    assert fit(KERNEL, large, 160 * MB).execution.columns < 16


def test_many_dates_of_a_large_area_are_computed_in_a_few_gigabytes(tmp_path: Path) -> None:
    world = Environment(catalogue=catalogue(tmp_path, 20480, 500))
    fitted = fit(MEDIAN, world, 4096 * MB)
    check_limits(fitted.plan, memory=4096 * MB)
    assert fitted.execution.layout.edge < 1024


def test_what_does_not_fit_at_all_is_refused(many: Environment) -> None:
    fitted = fit(MEDIAN, many, 4 * MB)
    with pytest.raises(ProcessGraphComplexity, match="memory"):
        check_limits(fitted.plan, memory=4 * MB)


def plane(process_id: str) -> Json:
    """The whole area reduced to one value a date."""
    given = {"data": {"from_node": "load"}, "reducer": reduced(process_id)}
    return {"load": load(("B02",)), "one": node("reduce_spatial", **given) | {"result": True}}


REGION = {
    "type": "Polygon",
    "coordinates": [[[10.4, 46], [13, 46], [13, 47.8], [10.4, 47.8], [10.4, 46]]],
}


def region(process_id: str) -> Json:
    given = {"data": {"from_node": "load"}, "geometries": REGION, "reducer": reduced(process_id)}
    return {"load": load(("B02",)), "one": node("aggregate_spatial", **given) | {"result": True}}


@pytest.mark.parametrize("graph", [plane, region])
def test_planes_of_any_size_are_summed_up(tmp_path: Path, graph: Any) -> None:
    world = Environment(catalogue=catalogue(tmp_path, 20480, 12))
    fitted = fit(graph("mean"), world, 128 * MB)
    check_limits(fitted.plan, memory=128 * MB)
    assert fitted.plan.reach == 1
    needing_all = fit(graph("median"), world, 128 * MB)
    with pytest.raises(ProcessGraphComplexity, match="memory"):
        check_limits(needing_all.plan, memory=128 * MB)


@pytest.mark.parametrize("graph", [plane, region])
def test_no_more_blocks_are_in_memory_than_for_results(
    tmp_path: Path, in_flight: InFlight, graph: Any
) -> None:
    world = Environment(catalogue=catalogue(tmp_path, 1536, 6))
    layout = Layout(128, together=True)
    planned = plan(graph("mean"), world, layout=layout)
    values_in(Execution(layout, Threads(1)), graph("mean"), world)
    assert 0 < in_flight.most < planned.part_bytes
    assert in_flight.now == 0
