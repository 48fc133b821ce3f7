"""Plans tell what graphs take, without reading a pixel."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connexeo.generated.errors import (
    CollectionNotFound,
    EstimateComplexity,
    NoDataAvailable,
    ProcessGraphComplexity,
    ProcessGraphInvalid,
)
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.dry_run import DryRun, PixelsNeeded
from connexeo.processing.planning.planner import Plan, check_limits, plan
from connexeo.processing.planning.remembering import remembering
from connexeo.processing.reading import cubes, datasets, pixels, search, windows

Json = dict[str, Any]


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def from_node(id: str) -> Json:
    return {"from_node": id}


def reducer(process_id: str) -> Json:
    return {"process_graph": {"r": {**node(process_id, data={"from_parameter": "data"}), "result": True}}}


def load(id: str = "scenes", **more: Any) -> Json:
    return node("load_collection", **{"id": id, "spatial_extent": None, "temporal_extent": None, **more})


def graph(**nodes: Json) -> Json:
    last = list(nodes)[-1]
    return {**nodes, last: {**nodes[last], "result": True}}


SCENES = graph(
    load=load(bands=["B04", "B08"]),
    mean=node("reduce_dimension", data=from_node("load"), dimension="t", reducer=reducer("mean")),
    scaled=node("apply", data=from_node("mean"), process={
        "process_graph": {"m": {**node("multiply", x={"from_parameter": "x"}, y=2), "result": True}}
    }),
    save=node("save_result", data=from_node("scaled"), format="GTiff"),
)  # fmt: skip


def refuse(*args: Any, **more: Any) -> Any:
    """What cubes are read with, which can be pickled."""
    raise AssertionError("a pixel is read")


@pytest.fixture
def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may be opened for their headers, and no more."""
    monkeypatch.setattr(pixels, "read_layer", refuse)
    monkeypatch.setattr(cubes, "read_layer", refuse)
    monkeypatch.setattr(datasets, "opened", refuse)
    # It has the function under its own name, and would keep the refusal if it were imported only now.
    monkeypatch.setattr(windows, "opened", refuse)


@pytest.mark.usefixtures("nothing_is_read")
def test_values_have_sizes(world: Environment) -> None:
    planned = plan(SCENES, world)
    assert [(one.id, one.process_id) for one in planned.nodes] == [
        ("load", "load_collection"), ("mean", "reduce_dimension"), ("scaled", "apply"), ("save", "save_result"),
    ]  # fmt: skip
    sizes = [one.size for one in planned.nodes]
    assert all(size is not None for size in sizes)
    first, last = sizes[0], sizes[-1]
    assert first is not None
    assert last is not None
    assert [(axis.name, axis.type, axis.size, axis.step) for axis in first.axes] == [
        ("t", "temporal", 4, None), ("bands", "bands", 2, None), ("y", "spatial", 48, 10), ("x", "spatial", 96, 10),
    ]  # fmt: skip
    assert [axis.size for axis in last.axes] == [2, 48, 96]
    assert (first.crs, first.dtype, first.values, first.blocks) == (32632, "float32", 4 * 2 * 48 * 96, 8)


@pytest.mark.usefixtures("nothing_is_read")
def test_totals(world: Environment) -> None:
    planned = plan(SCENES, world)
    # The second tile has data at two of the four dates.
    assert planned.pixels == 2 * 48 * 48 * (4 + 2)
    assert planned.output_bytes == 2 * 48 * 96 * 4
    assert planned.seconds > planned.least_seconds > 0
    assert planned.memory > 4 * 48 * 96 * 4


@pytest.mark.usefixtures("nothing_is_read")
def test_the_sizes_are_those_of_the_evaluation(world: Environment) -> None:
    resampled = node("resample_spatial", data=from_node("mean"), resolution=7, projection=3857)
    process = graph(load=SCENES["load"], mean=SCENES["mean"], resampled=resampled)
    planned = plan(process, world)
    value = evaluate(process, environment=world)
    size = planned.nodes[-1].size
    assert size is not None
    assert tuple(axis.size for axis in size.axes) == value.shape
    assert planned.output_bytes == value.nbytes


def test_only_what_is_needed_counts(world: Environment) -> None:
    box = {"west": 600_000, "east": 600_100, "south": 5_299_900, "north": 5_300_000, "crs": 32632}
    whole = plan(graph(load=load()), world)
    part = plan(graph(load=load(), box=node("filter_bbox", data=from_node("load"), extent=box)), world)
    assert part.pixels == 4 * 4 * 10 * 10
    assert whole.pixels > 20 * part.pixels
    day = node("filter_temporal", data=from_node("load"), extent=["2024-06-01", "2024-06-02"])
    assert plan(graph(load=load(), day=day), world).pixels == 4 * 48 * 48


def test_what_is_loaded_twice_is_read_once(world: Environment) -> None:
    twice = graph(
        one=load(),
        other=load(),
        merged=node("merge_cubes", cube1=from_node("one"), cube2=from_node("other"), overlap_resolver={
            "process_graph": graph(a=node("add", x={"from_parameter": "x"}, y={"from_parameter": "y"}))
        }),
    )  # fmt: skip
    assert plan(twice, world).pixels == plan(graph(load=load()), world).pixels


def test_every_saved_result_counts(world: Environment) -> None:
    saved = graph(
        load=load(),
        first=node("save_result", data=from_node("load"), format="netCDF"),
        mean=node("reduce_dimension", data=from_node("load"), dimension="t", reducer=reducer("mean")),
        second=node("save_result", data=from_node("mean"), format="GTiff"),
    )
    assert plan(saved, world).output_bytes == (4 + 1) * 4 * 48 * 96 * 4


def test_netcdf_counts(world: Environment) -> None:
    planned = plan(graph(load=load("climate", bands=["B04"])), world)
    assert planned.pixels == 3 * 30 * 40
    assert planned.input_bytes == 4 * planned.pixels


def test_plain_values_take_next_to_nothing(world: Environment) -> None:
    planned = plan(graph(sum=node("add", x=1, y=2)), world)
    assert (planned.pixels, planned.output_bytes, planned.nodes[0].size) == (0, 0, None)


def test_nothing_is_logged(world: Environment) -> None:
    entries: list[LogEntry] = []
    process = graph(load=load(), told=node("inspect", data=from_node("load")))
    plan(process, replace(world, log=entries.append))
    assert entries == []
    evaluate(process, environment=replace(world, log=entries.append))
    assert len(entries) == 1


def test_user_defined_processes_are_followed(world: Environment) -> None:
    process = {"id": "scenes", "parameters": [], "process_graph": graph(load=load(bands=["B04"]))}
    planned = plan(graph(mine=node("scenes")), replace(world, user_processes={"scenes": process}))
    assert planned.pixels == 48 * 48 * 6


@pytest.mark.parametrize(
    ("process", "error"),
    [
        (graph(load=load("nope")), CollectionNotFound),
        (graph(load=load(temporal_extent=["1990-01-01", "1991-01-01"])), NoDataAvailable),
        ({"a": node("add", x=1, y=2)}, ProcessGraphInvalid),
    ],
)
def test_what_is_wrong_is_told(process: Json, error: type[Exception], world: Environment) -> None:
    with pytest.raises(error):
        plan(process, world)


def test_functions_of_the_deployment_cannot_be_planned(world: Environment) -> None:
    theirs = replace(world, process_modules=("processing.planning.other_filters",))
    box = {"west": 0, "east": 1, "south": 0, "north": 1}
    with pytest.raises(EstimateComplexity, match="filter_bbox"):
        plan(graph(load=load(), box=node("filter_bbox", data=from_node("load"), extent=box)), theirs)


def test_cubes_of_a_dry_run_have_no_values(world: Environment) -> None:
    cube = evaluate(graph(load=load()), environment=replace(world, dry_run=DryRun()))
    with pytest.raises(PixelsNeeded):
        cube.compute()


def test_processes_that_need_pixels_cannot_be_planned(
    world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connexeo.processing.processes import cubes

    original = cubes.apply

    def eager(data: Any, **more: Any) -> Any:
        data.max().compute()
        return original(data, **more)

    eager.__module__ = original.__module__
    monkeypatch.setattr(cubes, "apply", eager)
    with pytest.raises(EstimateComplexity, match="pixels"):
        plan(SCENES, world)


TOO_LARGE = Plan((), 10**9, 10**9, 2 * 2**30, 500.0, 300.0, 2**31)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"output_bytes": 2**30}, ["2,048 MB", "1,024 MB"]),
        ({"memory": 2**30}, ["2,048 MB", "memory"]),
        ({"seconds": 60.0}, ["1,000 million", "60 s"]),
    ],
)
def test_refusals_say_how_much_and_what_to_do(limits: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ProcessGraphComplexity) as caught:
        check_limits(TOO_LARGE, instead="or a batch job", **limits)
    for word in [*words, "smaller extent, fewer bands or dates, or a batch job."]:
        assert word in caught.value.message


def test_what_fits_is_not_refused() -> None:
    check_limits(TOO_LARGE)
    check_limits(TOO_LARGE, output_bytes=2**32, memory=2**32, seconds=301)


POINTS: Json = {"type": "MultiPoint", "coordinates": [[9.0, 47.1], [9.1, 47.0]]}
FIELD: Json = {"type": "Polygon", "coordinates": [[[9.0, 47.1], [9.1, 47.0], [9.0, 47.0], [9.0, 47.1]]]}
NOWHERE: Json = {"type": "MultiPoint", "coordinates": []}
UTM: Json = {"type": "name", "properties": {"name": "EPSG:32632"}}


class Continent:
    """A collection with tiles of 10980 pixels each way, none of which can be opened."""

    def __init__(self, items: int) -> None:
        self.count = items
        self.given = 0
        self.asked: list[Any] = []

    def collection(self, id: str) -> Json:
        band = {
            "type": "image/tiff",
            "roles": ["data"],
            "eo:bands": [{"name": "B04"}],
            "raster:bands": [{"data_type": "uint16", "nodata": 0}],
        }
        return {"id": id, "item_assets": {"B04": band}}

    def items(
        self, id: str, *, bbox: Any = None, interval: Any = None, filter: Mapping[str, Any] | None = None
    ) -> Iterator[Json]:
        self.asked.append((bbox, interval))
        self.given = 0
        for number in range(self.count if bbox is None else min(self.count, 40)):
            self.given += 1
            column, row = number % 40, number // 40
            yield {
                "type": "Feature",
                "id": str(number),
                "properties": {
                    "datetime": "2024-05-01T10:00:00Z",
                    "proj:epsg": 32632,
                    "proj:shape": [10980, 10980],
                    "proj:transform": [10, 0, column * 109_800, 0, -10, 7_000_000 - row % 40 * 109_800],
                },
                "assets": {
                    "B04": {"href": f"https://nowhere.invalid/{number}.tif", "type": "image/tiff", "roles": ["data"]}
                },
            }  # fmt: skip


def test_continents_are_planned_and_refused(world: Environment) -> None:
    process = graph(
        load=load(),
        mean=node("reduce_dimension", data=from_node("load"), dimension="t", reducer=reducer("mean")),
        coarse=node("resample_spatial", data=from_node("mean"), resolution=60),
    )
    planned = plan(process, replace(world, catalogue=Continent(900)))
    assert planned.pixels == pytest.approx(900 * 10980**2, rel=0.01)
    with pytest.raises(ProcessGraphComplexity, match="GB"):
        check_limits(planned, output_bytes=2**30)


def test_too_many_items_are_refused_when_they_are_found(world: Environment) -> None:
    continent = Continent(10**9)
    with pytest.raises(ProcessGraphComplexity, match="10000 items"):
        plan(graph(load=load()), replace(world, catalogue=continent))
    assert continent.given == search.MOST_ITEMS + 1


def test_filters_narrow_searches_that_find_many(world: Environment) -> None:
    continent = Continent(5000)
    box = {"west": 9.0, "east": 9.1, "south": 47, "north": 47.1}
    process = graph(
        load=load(),
        box=node("filter_bbox", data=from_node("load"), extent=box),
        when=node("filter_temporal", data=from_node("box"), extent=["2024-05-01", "2024-05-02"]),
    )
    plan(process, replace(world, catalogue=continent))
    (_, (bbox, interval)) = continent.asked
    np.testing.assert_allclose(bbox, (8.99, 46.99, 9.11, 47.11))
    assert [each.isoformat() for each in interval] == [
        "2024-04-30T23:00:00+00:00",
        "2024-05-02T01:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("last", "narrowed"),
    [
        (node("filter_spatial", data=from_node("load"), geometries=POINTS), True),
        (node("aggregate_spatial", data=from_node("load"), geometries=POINTS, reducer=reducer("mean")), True),
        (node("filter_spatial", data=from_node("load"), geometries={**POINTS, "crs": UTM}), False),
        (node("filter_spatial", data=from_node("load"), geometries=NOWHERE), False),
        (node("mask_polygon", data=from_node("load"), mask=FIELD), False),
    ],
)
def test_geometries_narrow_searches_that_find_many(last: Json, narrowed: bool, world: Environment) -> None:
    continent = Continent(5000)
    plan(graph(load=load(), last=last), replace(world, catalogue=continent))
    _, *again = continent.asked
    assert len(again) == narrowed
    if narrowed:
        np.testing.assert_allclose(again[0][0], (8.99, 46.99, 9.11, 47.11))


def test_small_searches_are_not_narrowed(world: Environment) -> None:
    continent = Continent(900)
    box = {"west": 9.0, "east": 9.1, "south": 47, "north": 47.1}
    plan(
        graph(load=load(), box=node("filter_bbox", data=from_node("load"), extent=box)),
        replace(world, catalogue=continent),
    )
    assert [bbox for bbox, _ in continent.asked] == [None]


def test_the_run_after_the_dry_run_does_not_search_again(world: Environment) -> None:
    continent = Continent(900)
    once = remembering(replace(world, catalogue=continent))
    plan(graph(load=load()), once)
    evaluate(graph(load=load()), environment=once)
    assert len(continent.asked) == 1
    assert continent.given == 900
