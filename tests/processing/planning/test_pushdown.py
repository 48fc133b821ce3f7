"""Graphs give the same with and without pushdown: values, labels, data types, and errors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connexeo.generated.errors import OpenEOError
from connexeo.processing.compilation import compile_graph
from connexeo.processing.definitions import Definitions
from connexeo.processing.environment import Environment, Window
from connexeo.processing.evaluation import evaluate
from connexeo.processing.planning.needs import BandNeed, Needs
from connexeo.processing.processes import loading
from connexeo.processing.program import Frame

WEST, NORTH = 600_000.0, 5_300_000.0
Json = dict[str, Any]


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def from_node(id: str) -> Json:
    return {"from_node": id}


def child(**nodes: Json) -> Json:
    last = list(nodes)[-1]
    return {"process_graph": {**nodes, last: {**nodes[last], "result": True}}}


def element(label: str) -> Json:
    return node("array_element", data={"from_parameter": "data"}, label=label)


def pixels(left: float, top: float, right: float, bottom: float, crs: int = 32632) -> Json:
    """A box in pixels of the scenes."""
    return {
        "west": WEST + left * 10, "east": WEST + right * 10, "north": NORTH - top * 10, "south": NORTH - bottom * 10,
        "crs": crs,
    }  # fmt: skip


NDVI = child(
    nir=element("B08"),
    red=element("B04"),
    index=node("normalized_difference", x=from_node("nir"), y=from_node("red")),
)
MEAN = child(mean=node("mean", data={"from_parameter": "data"}))
COUNT = child(count=node("count", data={"from_parameter": "data"}, condition=True))
CLOUDS = child(scl=element("SCL"), clouds=node("gt", x=from_node("scl"), y=100))
DOUBLE = child(double=node("multiply", x={"from_parameter": "x"}, y=2))
LOAD = node("load_collection", id="scenes", spatial_extent=None, temporal_extent=None)


def graph(**nodes: Json) -> Json:
    last = list(nodes)[-1]
    return {**nodes, last: {**nodes[last], "result": True}}


def chain(*nodes: Json, load: Json = LOAD) -> Json:
    """Each node with the one before as its `data`."""
    made = {"n0": load}
    for number, each in enumerate(nodes, 1):
        arguments = {"data": from_node(f"n{number - 1}"), **each["arguments"]}
        made[f"n{number}"] = {**each, "arguments": arguments}
    return graph(**made)


BOX = node("filter_bbox", extent=pixels(5, 7, 20.5, 30))
OTHER_BOX = node("filter_bbox", extent=pixels(40, 2, 60, 12))
DEGREES = node("filter_bbox", extent={"west": 10.335, "south": 47.844, "east": 10.338, "north": 47.846})
FEBRUARY = node("filter_temporal", extent=["2024-02-01", "2024-03-01"])
RED = node("filter_bands", bands=["red", "B08"])
LONG = node("filter_bands", wavelengths=[[0.6, 0.9]])
INDEX = node("reduce_dimension", dimension="bands", reducer=NDVI)
OVER_TIME = node("reduce_dimension", dimension="t", reducer=MEAN)
APPLY = node("apply", process=DOUBLE)
MONTHLY = node("aggregate_temporal_period", period="month", reducer=MEAN)
RESAMPLE = node("resample_spatial", resolution=20)
BLUR = node("apply_kernel", kernel=[[1, 1, 1]] * 3)
COARSE = node("aggregate_spatial_window", reducer=MEAN, size=[4, 5])
TOTAL = node("reduce_spatial", reducer=MEAN)
FIELD = {
    "type": "Polygon",
    "coordinates": [[[10.335, 47.844], [10.338, 47.844], [10.338, 47.846], [10.335, 47.844]]],
}
IN_FIELD = node("filter_spatial", geometries=FIELD)
MASKED = node("mask_polygon", mask=FIELD)
OF_FIELD = node("aggregate_spatial", geometries=FIELD, reducer=MEAN)


@dataclass(frozen=True)
class Outcome:
    """What a graph gives, to be compared."""

    value: Any
    error: tuple[str, str] | None


def outcome(process: Json, world: Environment, parameters: Mapping[str, Any] | None = None) -> Outcome:
    try:
        value = evaluate(process, parameters, environment=world)
        return Outcome(value.compute() if isinstance(value, xr.DataArray) else value, None)
    except OpenEOError as error:
        return Outcome(None, (error.code, error.message))


def assert_same(process: Json, world: Environment, parameters: Mapping[str, Any] | None = None) -> Any:
    pushed = outcome(process, world, parameters)
    whole = outcome(process, replace(world, pushdown=False), parameters)
    assert pushed.error == whole.error
    if isinstance(whole.value, xr.DataArray):
        xr.testing.assert_identical(pushed.value, whole.value)
        assert pushed.value.dtype == whole.value.dtype
        for name in whole.value.coords:
            assert pushed.value.coords[name].dtype == whole.value.coords[name].dtype
    return whole.value


def needs_of(
    process: Json, world: Environment, parameters: Mapping[str, Any] | None = None
) -> list[Needs | None]:
    """What each load is told."""
    program = compile_graph(process, world)
    frame = Frame(parameters or {}, [None] * len(program.steps), world)
    loads = [step for step in program.steps if step.process_id == "load_collection"]
    return [None if step.demand is None else step.demand(frame) for step in loads]


def loaded_shape(process: Json, world: Environment, monkeypatch: pytest.MonkeyPatch) -> tuple[int, ...]:
    """The shape of the cube that the graph loads."""
    shapes = []
    original = loading.load_collection

    def spy(*args: Any, environment: Environment, **more: Any) -> Any:
        cube = original(*args, environment=environment, **more)
        shapes.append(cube.shape)
        return cube

    spy.__module__ = original.__module__
    monkeypatch.setattr(loading, "load_collection", spy)
    outcome(process, world)
    return shapes[0]


SHAPES = [
    (chain(BOX), (4, 4, 23, 16)),
    (chain(FEBRUARY), (1, 4, 48, 96)),
    (chain(RED), (4, 2, 48, 96)),
    (chain(LONG), (4, 2, 48, 96)),
    (chain(INDEX), (4, 2, 48, 96)),
    (chain(node("ndvi")), (4, 2, 48, 96)),
    (chain(APPLY, FEBRUARY, RED, BOX), (1, 2, 23, 16)),
    (chain(INDEX, OVER_TIME, BOX), (4, 2, 23, 16)),
    (chain(MONTHLY, BOX, RED), (4, 2, 23, 16)),
    (chain(BOX, OTHER_BOX), (4, 4, 23, 16)),
    (chain(OVER_TIME, FEBRUARY), (4, 4, 48, 96)),
    (chain(MONTHLY, FEBRUARY), (4, 4, 48, 96)),
    (chain(RESAMPLE, BOX), (4, 4, 48, 96)),
    (chain(BLUR, RED, FEBRUARY, BOX), (1, 2, 48, 96)),
    (chain(COARSE, BOX, RED, FEBRUARY), (1, 2, 48, 96)),
    (chain(TOTAL, RED, FEBRUARY), (1, 2, 48, 96)),
    (chain(BOX, BLUR, COARSE, TOTAL), (4, 4, 23, 16)),
    (chain(DEGREES), None),
    (chain(IN_FIELD, FEBRUARY, RED), (1, 2, 48, 96)),
    (chain(MASKED, RED, FEBRUARY), (1, 2, 48, 96)),
    (chain(MASKED, BOX), (4, 4, 48, 96)),
    (chain(OF_FIELD, RED, FEBRUARY), (1, 2, 48, 96)),
    (chain(OF_FIELD, OVER_TIME), (4, 4, 48, 96)),
    (chain(BOX, IN_FIELD), (4, 4, 23, 16)),
]


@pytest.mark.parametrize(("process", "shape"), SHAPES)
def test_what_is_not_used_is_not_loaded(
    process: Json, shape: tuple[int, ...] | None, world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_same(process, world)
    loaded = loaded_shape(process, world, monkeypatch)
    if shape is not None:
        assert loaded == shape
    assert loaded != (4, 4, 48, 96) or shape == (4, 4, 48, 96)


def masked(**more: Json) -> Json:
    clouds = node("reduce_dimension", data=from_node("load"), dimension="bands", reducer=CLOUDS)
    mask = node("mask", data=from_node("load"), mask=from_node("clouds"))
    return graph(load=LOAD, clouds=clouds, masked=mask, **more)


SEVERAL = {
    "cloud mask": (
        masked(
            index=node("reduce_dimension", data=from_node("masked"), dimension="bands", reducer=NDVI),
            box=node("filter_bbox", data=from_node("index"), extent=pixels(5, 7, 20, 30)),
            when=node("filter_temporal", data=from_node("box"), extent=["2024-02-01", "2024-03-01"]),
        ),
        (1, 3, 23, 15),
    ),
    "union of boxes": (
        graph(
            load=LOAD,
            one=node("filter_bbox", data=from_node("load"), extent=pixels(5, 7, 20, 30)),
            other=node("filter_bbox", data=from_node("load"), extent=pixels(30, 2, 60, 12)),
            merged=node("merge_cubes", cube1=from_node("one"), cube2=from_node("other")),
        ),
        (4, 4, 28, 55),
    ),
    "one consumer needs all": (
        graph(
            load=LOAD,
            one=node("filter_bbox", data=from_node("load"), extent=pixels(5, 7, 20, 30)),
            merged=node("merge_cubes", cube1=from_node("load"), cube2=from_node("one"), overlap_resolver=child(
                max=node("max", data=[{"from_parameter": "x"}, {"from_parameter": "y"}])
            )),
        ),
        (4, 4, 48, 96),
    ),
    "a mask of other dates": (
        graph(
            load=LOAD,
            early=node("filter_temporal", data=from_node("load"), extent=["2024-01-01", "2024-03-01"]),
            mean=node("reduce_dimension", data=from_node("early"), dimension="t", reducer=MEAN),
            dark=node("apply", data=from_node("mean"), process=child(
                dark=node("lt", x={"from_parameter": "x"}, y=50)
            )),
            masked=node("mask", data=from_node("load"), mask=from_node("dark")),
            when=node("filter_temporal", data=from_node("masked"), extent=["2024-03-01", "2024-04-01"]),
        ),
        (3, 4, 48, 96),
    ),
    "two loads": (
        graph(
            load=LOAD,
            other=node("load_collection", id="plain", spatial_extent=None, temporal_extent=None),
            masked=node("mask", data=from_node("load"), mask=from_node("other")),
            box=node("filter_bbox", data=from_node("masked"), extent=pixels(5, 7, 20, 30)),
        ),
        (4, 4, 48, 96),
    ),
    "a saved intermediate": (
        graph(
            load=LOAD,
            all=node("save_result", data=from_node("load"), format="netCDF"),
            box=node("filter_bbox", data=from_node("load"), extent=pixels(5, 7, 20, 30)),
        ),
        (4, 4, 48, 96),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("process", "shape"), SEVERAL.values(), ids=SEVERAL)
def test_several_nodes_use_a_cube(
    process: Json, shape: tuple[int, ...], world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_same(process, world)
    assert loaded_shape(process, world, monkeypatch) == shape


@pytest.mark.parametrize("id", ["mixed", "named", "swapped", "plain", "climate"])
@pytest.mark.parametrize(
    "nodes",
    [
        [BOX], [DEGREES], [FEBRUARY, RED], [INDEX], [OVER_TIME, DEGREES], [APPLY, BOX, FEBRUARY],
        [node("reduce_dimension", dimension="time", reducer=MEAN), BOX],
        [node("filter_bbox", extent={"west": 0.2, "south": 40, "east": 12, "north": 55})],
    ],
)  # fmt: skip
def test_other_collections(id: str, nodes: list[Json], world: Environment) -> None:
    load = node("load_collection", id=id, spatial_extent=None, temporal_extent=None)
    assert_same(chain(*nodes, load=load), world)


def test_files_that_are_warped_are_loaded_whole(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    load = node("load_collection", id="mixed", spatial_extent=None, temporal_extent=None)
    cut = loaded_shape(chain(BOX, RED, load=load), world, monkeypatch)
    monkeypatch.undo()
    whole = loaded_shape(chain(load=load), world, monkeypatch)
    assert cut == (whole[0], 2, *whole[2:])


def test_polygons_are_loaded_whole(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = [[10.336, 47.845], [10.342, 47.845], [10.342, 47.842], [10.336, 47.842], [10.336, 47.845]]
    area = {"type": "Polygon", "coordinates": [ring]}
    load = node("load_collection", id="scenes", spatial_extent=area, temporal_extent=None)
    process = chain(node("filter_bbox", extent=pixels(0, 0, 30, 30)), load=load)
    whole = assert_same(process, world)
    assert loaded_shape(process, world, monkeypatch)[2:] != whole.shape[2:]


EMPTY = [
    chain(node("filter_bbox", extent=pixels(5000, 0, 5100, 10))),
    chain(node("filter_temporal", extent=["2030-01-01", "2031-01-01"])),
    chain(node("filter_bands", bands=["B99"])),
    chain(node("filter_bbox", extent=pixels(0, 0, 5, 5, crs=999_999))),
    chain(node("filter_bbox", extent={"west": 20, "south": 40, "east": 10, "north": 41})),
    chain(node("reduce_dimension", dimension="bands", reducer=child(a=element("B99")))),
    chain(node("reduce_dimension", dimension="band", reducer=NDVI)),
    chain(node("ndvi", nir="nope")),
    chain(node("filter_bands")),
    chain(node("reduce_dimension", dimension="bands", reducer=child(
        a=node("array_element", data={"from_parameter": "data"}, index=1)
    ))),
    chain(node("reduce_dimension", dimension="bands", reducer=COUNT)),
    chain(node("ndvi", target_band="NDVI"), RED),
]  # fmt: skip


@pytest.mark.parametrize("process", EMPTY)
def test_filters_that_keep_nothing_or_fail(process: Json, world: Environment) -> None:
    assert_same(process, world)


def test_extents_may_be_parameters(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    box = node("filter_bbox", extent={"from_parameter": "extent"})
    when = node("filter_temporal", extent=["2024-01-01", {"from_parameter": "end"}])
    given_: dict[str, Any] = {"extent": pixels(5, 7, 20, 30), "end": "2024-03-01"}
    process = chain(box, when)
    assert_same(process, world, given_)
    assert needs_of(process, world, given_) == [
        Needs((given_["extent"],), (["2024-01-01", "2024-03-01"],), None, frozenset())
    ]


def test_extents_that_nodes_compute_are_not_known(world: Environment) -> None:
    process = graph(
        load=LOAD,
        end=node("text_concat", data=["2024-03", "01"], separator="-"),
        when=node("filter_temporal", data=from_node("load"), extent=["2024-01-01", from_node("end")]),
    )
    assert needs_of(process, world) == [None]
    assert_same(process, world)


def test_inside_of_user_defined_processes(world: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    process = {
        "id": "around",
        "parameters": [{"name": "box", "description": "", "schema": {"type": "object"}}],
        "returns": {"description": "", "schema": {"type": "object", "subtype": "datacube"}},
        "process_graph": chain(node("filter_bbox", extent={"from_parameter": "box"})),
    }
    mine = replace(world, user_processes={"around": process})
    whole = graph(
        near=node("around", box=pixels(5, 7, 20, 30)),
        far=node("around", box=pixels(50, 7, 70, 30)),
        merged=node("merge_cubes", cube1=from_node("near"), cube2=from_node("far")),
    )
    assert_same(whole, mine)
    assert loaded_shape(whole, mine, monkeypatch) == (4, 4, 23, 15)


def test_user_defined_processes_need_all_that_they_are_given(world: Environment) -> None:
    process = {
        "id": "double",
        "parameters": [{"name": "data", "description": "", "schema": {}}],
        "process_graph": {
            "a": {**node("apply", data={"from_parameter": "data"}, process=DOUBLE), "result": True}
        },
    }
    mine = replace(world, user_processes={"double": process})
    whole = chain(node("double"), BOX)
    assert needs_of(whole, mine) == [None]
    assert_same(whole, mine)


def test_functions_of_the_deployment_need_all(definitions: Definitions, world: Environment) -> None:
    theirs = replace(world, process_modules=("processing.planning.other_filters",))
    assert needs_of(chain(BOX), world) != [None]
    assert needs_of(chain(BOX), theirs) == [None]


def test_needs_of_bands_tell_names_and_labels(world: Environment) -> None:
    assert [need and need.bands for need in needs_of(chain(INDEX), world)] == [
        (BandNeed(("B04", "B08"), labels=True),)
    ]
    assert [need and need.bands for need in needs_of(chain(LONG), world)] == [
        (BandNeed(wavelengths=((0.6, 0.9),)),)
    ]


def test_tiles_read_only_the_bands_and_dates_in_use(
    world: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = Window((WEST, NORTH - 320, WEST + 320, NORTH), "EPSG:32632", 32, 32)
    tile = replace(world, window=window)
    process = chain(APPLY, FEBRUARY, INDEX)
    assert_same(process, tile)
    assert loaded_shape(process, tile, monkeypatch) == (1, 2, 32, 32)


numbers = st.integers(-5, 100)


@st.composite
def boxes(draw: st.DrawFn) -> Json:
    left, top = draw(numbers), draw(numbers)
    width, height = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    shift = draw(st.sampled_from([0, 0.3, 0.5]))
    box = pixels(left + shift, top, left + width, top + height)
    if draw(st.booleans()):
        return node("filter_bbox", extent=box)
    west, north = 10.3363 + left * 1.3e-4, 47.8459 - top * 9e-5
    degrees = {"west": west, "east": west + width * 1.3e-4, "north": north, "south": north - height * 9e-5}
    return node("filter_bbox", extent=degrees)


moments = st.sampled_from(
    ["2024-01-01", "2024-02-05T10:00:00Z", "2024-02-05T10:01:00Z", "2024-03-01", "2025-01-01"]
)
whens = st.lists(moments, min_size=2, max_size=2, unique=True).map(
    lambda ends: node("filter_temporal", extent=sorted(ends))
)
bands = st.lists(st.sampled_from(["B02", "red", "B08", "nir", "SCL"]), min_size=1, max_size=3).map(
    lambda names: node("filter_bands", bands=names)
)
others = st.sampled_from(
    [APPLY, OVER_TIME, INDEX, MONTHLY, RESAMPLE, BLUR, COARSE, node("ndvi", target_band="I")]
)
singles = st.one_of(boxes(), whens, bands, others)


@st.composite
def graphs(draw: st.DrawFn) -> Json:
    """Any nodes, each on cubes that came before; the last one is the result."""
    load = {**LOAD["arguments"], "id": draw(st.sampled_from(["scenes", "plain"]))}
    nodes = {"n0": {**LOAD, "arguments": load}}
    for number in range(1, draw(st.integers(2, 7))):
        earlier = st.sampled_from(list(nodes)[-3:])
        if draw(st.integers(0, 3)):
            each = draw(singles)
            made = {**each, "arguments": {"data": from_node(draw(earlier)), **each["arguments"]}}
        elif draw(st.booleans()):
            made = node("mask", data=from_node(draw(earlier)), mask=from_node(draw(earlier)))
        else:
            resolver = child(max=node("max", data=[{"from_parameter": "x"}, {"from_parameter": "y"}]))
            made = node(
                "merge_cubes", cube1=from_node(draw(earlier)), cube2=from_node(draw(earlier)),
                overlap_resolver=resolver,
            )  # fmt: skip
        nodes[f"n{number}"] = made
    return graph(**nodes)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(process=graphs())
def test_any_graph_gives_the_same(process: Json, world: Environment) -> None:
    assert_same(process, world)
