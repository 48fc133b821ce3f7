"""Tiles: found again, drawn once, refused, and what of it is logged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.interface import Tile
from connexeo.drivers.local.services.empty import empty_picture
from connexeo.generated.errors import (
    InfrastructureBusy,
    Internal,
    NotFound,
    ProcessParameterInvalid,
    RequestTimeout,
)

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

INSIDE = (14, 8678, 5725)
"""A tile in the middle of what the survey finds."""
OUTSIDE = (14, 8600, 5725)
OTHER = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 2, "y": 2}, "result": True}}}


def test_tile_is_drawn_once(desk: Desk) -> None:
    service_id = desk.create()
    first = desk.tile(service_id, *INSIDE)
    assert (first.content, first.media_type) == (b"picture 1", "image/png")
    assert desk.tile(service_id, *INSIDE) == first
    # Another worker finds it too.
    desk.driver = desk.make_driver()
    assert desk.tile(service_id, *INSIDE) == first
    assert desk.tile(service_id, 14, 8679, 5725).content == b"picture 2"
    assert [task for task, _, _ in desk.drawing.asked] == ["survey", "tile", "tile"]


def test_what_is_asked_of_the_child(desk: Desk) -> None:
    service_id = desk.create(configuration={"tile_size": 512, "colormap": "viridis"})
    desk.tile(service_id, 1, 1, 0)
    half = 20037508.342789244
    task, user_id, request = desk.drawing.asked[-1]
    extent = request["parameters"].pop("spatial_extent")
    assert (task, user_id) == ("tile", "ana")
    assert request["window"] == {
        "bounds": pytest.approx((0, 0, half, half)), "crs": "EPSG:3857", "width": 512, "height": 512,
    }  # fmt: skip
    assert request["parameters"] == {"zoom": 1, "x": 1, "y": 0}
    assert request["range"] == [0, 1]
    assert request["settings"]["colormap"] == "viridis"
    # Half a tile on each side, since pixels reach across the edges of tiles.
    assert extent == pytest.approx(
        {"west": -half / 2, "south": -half / 2, "east": half * 1.5, "north": half * 1.5, "crs": 3857}
    )


@pytest.mark.parametrize(
    ("name", "extent"),
    [
        ("WorldCRS84Quad", {"west": -180, "south": -45, "east": -45, "north": 90}),
        ("WGS1984Quad", {"west": -180, "south": -45, "east": -45, "north": 90}),
    ],
)
def test_extents_in_degrees_do_not_leave_the_world(desk: Desk, name: str, extent: dict[str, float]) -> None:
    desk.drawing.survey = {"bounds": None, "range": [0, 1], "bands": []}
    service_id = desk.create(type="wmts", configuration={"tile_matrix_sets": [name]})
    desk.tile(service_id, 1, 0, 0, service_type="WMTS", matrix_set=name)
    assert desk.drawing.drawn[-1]["parameters"]["spatial_extent"] == pytest.approx(extent)


def test_change_makes_new_tiles(desk: Desk) -> None:
    service_id = desk.create()
    first = desk.tile(service_id, *INSIDE)
    desk.update(service_id, title="Snow", enabled=True)
    assert desk.tile(service_id, *INSIDE) == first
    for changes in ({"process": OTHER}, {"configuration": {"colormap": "blues"}}):
        desk.update(service_id, **changes)
        second = desk.tile(service_id, *INSIDE)
        assert second.etag != first.etag
        first = second
    assert [task for task, _, _ in desk.drawing.asked] == ["survey", "tile"] * 3


@pytest.mark.parametrize("known_by", ["survey", "configuration"])
def test_outside_of_the_data(desk: Desk, known_by: str) -> None:
    configuration = {"bounds": [10, 47, 11, 48]} if known_by == "configuration" else {}
    service_id = desk.create(configuration=configuration)
    if known_by == "survey":
        desk.tile(service_id, *INSIDE)
    before = len(desk.drawing.asked)
    tile = desk.tile(service_id, *OUTSIDE)
    assert tile.content == empty_picture(256, "png")
    assert len(desk.drawing.asked) == before


def test_tile_without_data(desk: Desk) -> None:
    desk.drawing.nothing = True
    service_id = desk.create(configuration={"format": "webp", "tile_size": 512})
    for _ in range(2):
        tile = desk.tile(service_id, *INSIDE)
        assert (tile.content, tile.media_type) == (empty_picture(512, "webp"), "image/webp")
    assert len(desk.drawing.drawn) == 1


@pytest.mark.parametrize("place", [(14, 16384, 0), (14, 0, -1), (2, 1, 1), (10, 1, 1), (99, 0, 0)])
def test_tiles_that_there_are_not(desk: Desk, place: tuple[int, int, int]) -> None:
    service_id = desk.create(configuration={"min_zoom": 3, "max_zoom": 9} if place[0] in (2, 10) else {})
    with pytest.raises(NotFound):
        desk.tile(service_id, *place)
    assert desk.drawing.asked == []


@pytest.mark.parametrize("name", ["WorldCRS84Quad", "WebMercatorQuad_512", "", None])
def test_sets_that_the_service_has_not(desk: Desk, name: str | None) -> None:
    service_id = desk.create(type="WMTS")
    desk.tile(service_id, *INSIDE, service_type="WMTS", matrix_set="WebMercatorQuad")
    with pytest.raises(NotFound):
        desk.tile(service_id, *INSIDE, service_type="WMTS", matrix_set=name)


def test_failure_is_logged_and_not_told(desk: Desk) -> None:
    desk.drawing.failure = ProcessParameterInvalid("The file 'secret/plan.tif' has no band 'B09'.")
    service_id = desk.create()
    for _ in range(3):
        with pytest.raises(ProcessParameterInvalid, match="owner of the service") as caught:
            desk.tile(service_id, *INSIDE)
        assert "secret" not in caught.value.message
    (entry,) = desk.logs(service_id)
    assert (entry["level"], entry["code"]) == ("error", "ProcessParameterInvalid")
    assert entry["message"] == "The file 'secret/plan.tif' has no band 'B09'."
    assert entry["data"] == {"tile": {"zoom": 14, "x": 8678, "y": 5725}}
    desk.drawing.failure = None
    assert desk.tile(service_id, *INSIDE).content == b"picture 4"


def test_failed_child(desk: Desk) -> None:
    desk.drawing.failure = Internal("The computation ended unexpectedly.")
    service_id = desk.create()
    with pytest.raises(Internal, match="owner of the service"):
        desk.tile(service_id, *INSIDE)
    assert desk.logs(service_id)[0]["code"] == "Internal"


def test_what_processes_log(desk: Desk) -> None:
    desk.drawing.entries = [
        {"level": level, "message": f"{level} of a process", "node": "inspect1"}
        for level in ("debug", "info", "warning")
    ]
    service_id = desk.create(log_level="info")
    for column in range(8670, 8675):
        desk.tile(service_id, 14, column, 5725)
    shown = [(entry["level"], entry["message"], entry["node"]) for entry in desk.logs(service_id)]
    assert shown == [
        ("info", "info of a process", "inspect1"),
        ("warning", "warning of a process", "inspect1"),
    ]


def test_survey_that_fails(desk: Desk) -> None:
    desk.drawing.survey = NotFound("There is no such thing.")
    service_id = desk.create()
    for _ in range(2):
        desk.tile(service_id, *INSIDE)
        desk.tile(service_id, *OUTSIDE)
    assert [task for task, _, _ in desk.drawing.asked] == ["survey", "tile", "tile"]
    assert desk.drawing.drawn[0]["range"] is None
    (entry,) = desk.logs(service_id)
    assert (entry["level"], entry["code"]) == ("warning", "NotFound")
    assert "There is no such thing." in entry["message"]


def test_survey_that_cannot_be_made_now(desk: Desk) -> None:
    desk.drawing.survey = InfrastructureBusy()
    service_id = desk.create()
    with pytest.raises(InfrastructureBusy):
        desk.tile(service_id, *INSIDE)
    desk.drawing.survey = {"bounds": [10, 47, 11, 48], "range": [0, 1], "bands": []}
    assert desk.tile(service_id, *INSIDE).content == b"picture 1"


def test_same_tile_at_once(desk: Desk) -> None:
    service_id = desk.create()

    async def scenario() -> list[Tile]:
        desk.drawing.hold()
        arguments: dict[str, Any] = {"matrix_set": None, "zoom": 14, "column": 8678, "row": 5725}
        tasks = [asyncio.create_task(desk.driver.draw_tile(service_id, "XYZ", **arguments)) for _ in range(6)]
        assert desk.drawing.busy is not None
        assert desk.drawing.gate is not None
        await desk.drawing.busy.wait()
        desk.drawing.gate.set()
        return await asyncio.gather(*tasks)

    tiles = desk.portal.call(scenario)
    assert {tile.content for tile in tiles} == {b"picture 1"}
    assert len(desk.drawing.drawn) == 1


def test_tile_that_takes_too_long(desk: Desk) -> None:
    desk.driver = desk.make_driver(tile_timeout=0.2)
    service_id, other = desk.create(), desk.create()
    desk.tile(other, 14, 8670, 5725)

    desk.portal.call(desk.drawing.hold)
    with pytest.raises(RequestTimeout, match="longer than"):
        desk.tile(service_id, *INSIDE)
    assert [entry["code"] for entry in desk.logs(service_id)] == ["RequestTimeout"]
    # Its other tiles are not even tried for a while, so that those of other services have their turn.
    begun = desk.drawing.begun
    desk.drawing.gate = None
    with pytest.raises(RequestTimeout):
        desk.tile(service_id, 14, 8679, 5725)
    assert desk.drawing.begun == begun
    assert desk.tile(other, 14, 8671, 5725).content.startswith(b"picture")


def test_waiting_in_vain_is_not_the_fault_of_the_service(desk: Desk) -> None:
    desk.driver = desk.make_driver(tile_timeout=1.0)
    slow, quick = desk.create(), desk.create()
    arguments: dict[str, Any] = {"matrix_set": None, "zoom": 14, "column": 8678, "row": 5725}

    async def scenario() -> list[type[Any]]:
        desk.drawing.hold()
        first = asyncio.create_task(desk.driver.draw_tile(slow, "XYZ", **arguments))
        assert desk.drawing.busy is not None
        await desk.drawing.busy.wait()
        # One of them gets its turn when the first one has timed out, and keeps the others waiting.
        others = [
            asyncio.create_task(desk.driver.draw_tile(quick, "XYZ", **{**arguments, "column": 8670 + number}))
            for number in range(3)
        ]
        return [type(each) for each in await asyncio.gather(first, *others, return_exceptions=True)]

    outcomes = desk.portal.call(scenario)
    assert outcomes[0] is RequestTimeout
    assert sorted(outcome.__name__ for outcome in outcomes[1:]) == ["InfrastructureBusy"] * 2 + [
        "RequestTimeout"
    ]
