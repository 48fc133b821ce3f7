"""Whatever graph a client sends, the answer says what to change, or is a proper result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graphs import BOX, Graph, add, applied, boxed, chain, load, loading, save

pytestmark = pytest.mark.usefixtures("without_faults")

Expect = Callable[..., str]


# Faults that are found before anything runs: by /validation and by /result alike.
INVALID_GRAPHS: dict[str, tuple[Graph, str, str]] = {
    "wrong type": ({"a": add(x="one")}, "ProcessParameterInvalid", r"'x' of process 'add'.*number"),
    "missing argument": (
        {"a": {"process_id": "add", "arguments": {"x": 1}, "result": True}},
        "ProcessParameterRequired",
        "'y' is required",
    ),
    "unknown argument": ({"a": add(z=1)}, "ProcessParameterUnsupported", "'z'.*'x', 'y'"),
    "unknown process": (
        {"a": {"process_id": "spin", "arguments": {}, "result": True}},
        "ProcessUnsupported",
        "'spin'",
    ),
    "unknown namespace": ({"a": add() | {"namespace": "nowhere"}}, "ProcessUnsupported", "'nowhere'"),
    "namespace by URL": (
        {"a": add() | {"namespace": "http://127.0.0.1:1/x"}},
        "ProcessUnsupported",
        "127.0.0.1 is not allowed",
    ),
    "circle": (
        {"a": add(x={"from_node": "b"}, result=False), "b": add(x={"from_node": "a"})},
        "ProcessGraphInvalid",
        "circle: 'b' → 'a' → 'b'|circle: 'a' → 'b' → 'a'",
    ),
    "self reference": ({"a": add(x={"from_node": "a"})}, "ProcessGraphInvalid", "circle: 'a' → 'a'"),
    "dangling reference": (
        {"a": add(x={"from_node": "gone"})},
        "ProcessGraphInvalid",
        "'x' of node 'a'.*'gone'",
    ),
    "reference out of a callback": (
        applied({"b": add(x={"from_parameter": "x"}, y={"from_node": "load"})}),
        "ProcessGraphInvalid",
        "'load', which does not exist in this process graph",
    ),
    "two results": ({"a": add(), "b": add()}, "ProcessGraphInvalid", "'a', 'b'. Only one"),
    "no result": ({"a": add(result=False)}, "ProcessGraphInvalid", "Set 'result' to true"),
    "no nodes": ({}, "ProcessGraphInvalid", "At least one node"),
    "no bands": (loading(bands=[]), "ProcessParameterInvalid", "'bands'.*less than 1 item"),
    "west = east": (boxed(east=BOX["west"]), "ProcessParameterInvalid", "'west'.*less than 'east'"),
    "west > east": (boxed(west=BOX["east"], east=BOX["west"]), "ProcessParameterInvalid", "less than 'east'"),
    "south > north": (
        boxed(south=BOX["north"], north=BOX["south"]),
        "ProcessParameterInvalid",
        "'south'.*less than 'north'",
    ),
    "end before start": (
        loading(temporal_extent=["2024-07-01", "2024-06-01"]),
        "TemporalExtentEmpty",
        "end.*later than its start",
    ),
    "both ends open": (loading(temporal_extent=[None, None]), "ProcessParameterInvalid", "'temporal_extent'"),
    "one end": (loading(temporal_extent=["2024-06-01"]), "ProcessParameterInvalid", "less than 2 items"),
    "30 February": (
        loading(temporal_extent=["2024-02-30", "2024-07-01"]),
        "ProcessParameterInvalid",
        "2024-02-30",
    ),
    "no date": (loading(temporal_extent=["now", "2024-07-01"]), "ProcessParameterInvalid", "now"),
    "scalar as GeoTIFF": (
        {"a": add(result=False), "save": save("a")},
        "ProcessParameterInvalid",
        "'data' of process 'save_result'.*data cube",
    ),
    "unavailable collection id": (loading(id="a\0b"), "ProcessParameterInvalid", "'id'"),
}

# Faults that need the data: found by /result.
FAILING_GRAPHS: dict[str, tuple[Graph, int, str, str]] = {
    # Valid, as somebody might store it and supply the parameter.
    "unknown parameter": (
        {"a": add(x={"from_parameter": "p"})},
        400,
        "ProcessGraphInvalid",
        "'p'.*not available",
    ),
    "unknown collection": (loading(id="nowhere"), 404, "CollectionNotFound", "'nowhere'"),
    "collection with a long name": (loading(id="x" * 100_000), 404, "CollectionNotFound", "'xxx.* … xxx"),
    "path as collection": (loading(id="../../secret"), 404, "CollectionNotFound", "../../secret"),
    "unknown band": (
        loading(bands=["B99"]),
        400,
        "ProcessParameterInvalid",
        r"'B99'.*available.*B04 \(red\)",
    ),
    "unknown EPSG code": (boxed(crs=999999), 400, "ProcessParameterInvalid", "reference system is not known"),
    "path as CRS": (
        boxed(crs="/etc/passwd"),
        400,
        "ProcessParameterInvalid",
        "reference system is not known",
    ),
    "text as coordinate": (boxed(west="left"), 400, "ProcessParameterInvalid", "'spatial_extent'.*left"),
    "far outside": (
        loading(spatial_extent={"west": 100, "south": 0, "east": 101, "north": 1}),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "outside of the CRS": (
        loading(spatial_extent={"west": -1e300, "south": -1e300, "east": 1e300, "north": 1e300}),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "before there was data": (
        loading(temporal_extent=["1950-01-01", "1951-01-01"]),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "GeoJSON without sense": (
        loading(spatial_extent={"type": "Polygon", "coordinates": [[[1, 2], [3]]]}),
        400,
        "ProcessParameterInvalid",
        "coordinates of the GeoJSON",
    ),
    "point": (
        loading(spatial_extent={"type": "Point", "coordinates": [10.7, 47.6]}),
        400,
        "ProcessParameterInvalid",
        "'spatial_extent'",
    ),
    "unknown format": (
        {"load": load(), "save": save(format="WORD")},
        400,
        "ProcessParameterInvalid",
        "'WORD'.*Choose one of: .*GTiff",
    ),
    "unknown option": (
        {"load": load(), "save": save(shine=1)},
        400,
        "ProcessParameterInvalid",
        "'shine'. Its options: .*'compress'",
    ),
    "wrong option": (
        {"load": load(), "save": save(compress="magic")},
        400,
        "ProcessParameterInvalid",
        "'compress'|magic",
    ),
    "file name with a path": (
        {"load": load(), "save": save(filename_prefix="../../tmp/x")},
        400,
        "ProcessParameterInvalid",
        "filename_prefix",
    ),
    "unknown dimension": (
        {
            "load": load(),
            "drop": {
                "process_id": "drop_dimension",
                "arguments": {"data": {"from_node": "load"}, "name": "q"},
            },
            "save": save("drop"),
        },
        400,
        "DimensionNotAvailable",
        "'q'.*Available: t, bands, y, x",
    ),
}


@pytest.mark.parametrize("name", INVALID_GRAPHS)
def test_invalid_graph(name: str, client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    graph, code, says = INVALID_GRAPHS[name]
    validation = client.post("/validation", json={"process_graph": graph})
    assert validation.status_code == 200
    assert code in [error["code"] for error in validation.json()["errors"]]
    result = client.post("/result", json={"process": {"process_graph": graph}})
    message = expect_error(result, demo_server, 400, code, says)
    assert message in [error["message"] for error in validation.json()["errors"]]


@pytest.mark.parametrize("name", FAILING_GRAPHS)
def test_failing_graph(name: str, client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    graph, status, code, says = FAILING_GRAPHS[name]
    assert client.post("/validation", json={"process_graph": graph}).status_code == 200
    result = client.post("/result", json={"process": {"process_graph": graph}})
    expect_error(result, demo_server, status, code, says)


@pytest.mark.parametrize(
    ("graph", "media_type", "content"),
    [
        ({"a": add()}, "application/json", b"2"),
        (
            {"a": {"process_id": "divide", "arguments": {"x": 1, "y": 0}, "result": True}},
            "application/json",
            None,
        ),
        ({"load": load() | {"result": True}}, "image/tiff", None),
        (
            applied(
                {
                    "d": {
                        "process_id": "divide",
                        "arguments": {"x": {"from_parameter": "x"}, "y": 0},
                        "result": True,
                    }
                }
            ),
            "image/tiff",
            None,
        ),
        (boxed(west=-1e308, south=-1e308, east=1e308, north=1e308), "image/tiff", None),
        (chain(20_000), "application/json", b"20001"),
    ],
    ids=["scalar", "1 / 0", "cube without save_result", "cube / 0", "boundless box", "chain of 20,000 nodes"],
)
def test_unusual_but_valid(
    graph: Graph, media_type: str, content: bytes | None, client: httpx.Client
) -> None:
    assert client.post("/validation", json={"process_graph": graph}).json() == {"errors": []}
    result = client.post("/result", json={"process": {"process_graph": graph}})
    assert result.status_code == 200, result.text
    assert result.headers["content-type"].startswith(media_type)
    assert content is None or result.content == content
