"""The life of services, as their users see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.generated.errors import (
    BillingPlanInvalid,
    InfrastructureBusy,
    NoDataForUpdate,
    ProcessParameterRequired,
    ProcessUnsupported,
    PropertyNotEditable,
    RequestInvalid,
    ServiceConfigInvalid,
    ServiceConfigUnsupported,
    ServiceDisabled,
    ServiceNotFound,
    ServiceUnsupported,
)
from desks import ANA, BAD, BOB, PROCESS, nowhere

if TYPE_CHECKING:
    from .conftest import Desk
else:
    Desk = Any

OTHER = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 2, "y": 2}, "result": True}}}
DEFAULTS = {"tile_size": 256, "format": "png", "min_zoom": 0, "max_zoom": 18}


def test_new_service(desk: Desk) -> None:
    service = desk.describe(desk.create(type="xyz"))
    assert re.fullmatch(r"s-[0-9a-f]{32}", service["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", service["created"])
    assert service == {
        "id": service["id"],
        "type": "XYZ",
        "enabled": True,
        "created": service["created"],
        "log_level": "info",
        "process": PROCESS,
        "configuration": DEFAULTS,
        "attributes": {"min_zoom": 0, "max_zoom": 18, "tile_size": 256, "media_type": "image/png"},
    }


def test_all_that_is_given_is_kept(desk: Desk) -> None:
    given = {
        "title": "Snow",
        "description": "Deep\n\n**snow**",
        "budget": 12.5,
        "log_level": "debug",
        "enabled": False,
        "colour of the owner": {"list": [1, None]},
    }
    service = desk.describe(
        desk.create(**given, configuration={"bounds": [10, 47, 11, 48], "format": "webp"})
    )
    assert {key: service[key] for key in given} == given
    assert service["configuration"] == {**DEFAULTS, "bounds": [10, 47, 11, 48], "format": "webp"}
    assert service["attributes"]["bounds"] == [10, 47, 11, 48]
    assert service["attributes"]["media_type"] == "image/webp"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"type": "WMS"}, ServiceUnsupported),
        ({"configuration": {"colour": 1}}, ServiceConfigUnsupported),
        ({"configuration": {"tile_size": 1}}, ServiceConfigInvalid),
        ({"process": BAD}, ProcessUnsupported),
        ({"process": {**PROCESS, "parameters": [{"name": "year", "schema": {}}]}}, ProcessParameterRequired),
        ({"plan": "free"}, BillingPlanInvalid),
        ({"title": "a\0b"}, RequestInvalid),
    ],
)
def test_services_that_cannot_be(desk: Desk, request_: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        desk.create(**request_)
    assert desk(desk.driver.list_services, ANA, limit=None, offset=None).items == []


def test_parameters_that_have_values(desk: Desk) -> None:
    parameters = [{"name": "spatial_extent", "schema": {}}, {"name": "year", "schema": {}, "optional": True}]
    desk.create(process={**PROCESS, "parameters": parameters})


def test_pages(desk: Desk) -> None:
    ids = [desk.create(title=str(number)) for number in range(5)]
    desk.create(BOB)
    seen: list[str] = []
    offset: str | None = None
    for size in (2, 2, 1):
        page = desk(desk.driver.list_services, ANA, limit=2, offset=offset)
        assert len(page.items) == size
        assert not {"process", "configuration", "attributes"} & set(page.items[0])
        seen += [item["id"] for item in page.items]
        offset = page.next_offset
    assert offset is None
    assert seen == ids[::-1]


@pytest.mark.parametrize("offset", ["x", "1", "1.s-1", "99999999999999999999.s-" + "0" * 32])
def test_offsets_that_are_none(desk: Desk, offset: str) -> None:
    with pytest.raises(RequestInvalid, match="offset"):
        desk(desk.driver.list_services, ANA, limit=2, offset=offset)


def test_update(desk: Desk) -> None:
    service_id = desk.create(title="Snow", own=1, kept=2, configuration={"tile_size": 512})
    desk.update(service_id, title=None, enabled=False, budget=5, own=None, configuration={"max_zoom": 9})
    service = desk.describe(service_id)
    assert "title" not in service
    assert "own" not in service
    assert (service["enabled"], service["budget"], service["kept"]) == (False, 5, 2)
    # A configuration replaces the former one as a whole.
    assert service["configuration"] == {**DEFAULTS, "max_zoom": 9}
    desk.update(service_id, process=OTHER, log_level="error", plan=None)
    assert desk.describe(service_id)["process"] == OTHER


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, NoDataForUpdate),
        ({"type": "WMTS"}, PropertyNotEditable),
        ({"url": "https://a.example"}, PropertyNotEditable),
        ({"title": "New", "process": BAD}, ProcessUnsupported),
        (
            {"title": "New", "configuration": {"tile_matrix_sets": ["WebMercatorQuad"]}},
            ServiceConfigUnsupported,
        ),
        ({"title": "New", "plan": "free"}, BillingPlanInvalid),
    ],
)
def test_updates_that_cannot_be(desk: Desk, changes: dict[str, Any], error: type[Exception]) -> None:
    service_id = desk.create(title="Snow")
    before = desk.describe(service_id)
    with pytest.raises(error):
        desk.update(service_id, **changes)
    assert desk.describe(service_id) == before


def test_delete(desk: Desk) -> None:
    service_id = desk.create()
    desk.tile(service_id, 14, 8678, 5725)
    desk(desk.driver.delete_service, ANA, service_id)
    with pytest.raises(ServiceNotFound):
        desk.describe(service_id)
    with pytest.raises(ServiceNotFound):
        desk.tile(service_id, 14, 8678, 5725)
    assert not list((desk.settings.data / "tiles").iterdir())


@pytest.mark.parametrize("service_id", nowhere("s"))
def test_services_that_there_are_not(desk: Desk, service_id: str) -> None:
    page = {"limit": None, "offset": None}
    driver = desk.driver
    for function, args, options in (
        (driver.describe_service, (ANA, service_id), {}),
        (driver.update_service, (ANA, service_id, {"title": "x"}), {}),
        (driver.delete_service, (ANA, service_id), {}),
        (driver.debug_service, (ANA, service_id), {**page, "level": None}),
        (driver.describe_tiles, (service_id, "XYZ"), {}),
        (driver.draw_tile, (service_id, "XYZ"), {"matrix_set": None, "zoom": 0, "column": 0, "row": 0}),
    ):
        with pytest.raises(ServiceNotFound) as caught:
            desk(function, *args, **options)
        assert len(caught.value.message) < 300


def test_services_of_others(desk: Desk) -> None:
    service_id = desk.create()
    before = desk.describe(service_id)
    for function, args in (
        (desk.driver.describe_service, ()),
        (desk.driver.update_service, ({"title": "mine"},)),
        (desk.driver.delete_service, ()),
    ):
        with pytest.raises(ServiceNotFound):
            desk(function, BOB, service_id, *args)
    with pytest.raises(ServiceNotFound):
        desk(desk.driver.debug_service, BOB, service_id, limit=None, offset=None, level=None)
    assert desk.describe(service_id) == before
    assert desk(desk.driver.list_services, BOB, limit=None, offset=None).items == []


def test_type_must_be_right(desk: Desk) -> None:
    service_id = desk.create()
    with pytest.raises(ServiceNotFound):
        desk(desk.driver.describe_tiles, service_id, "WMTS")


@pytest.mark.parametrize("who", ["service", "owner"])
def test_disabled(desk: Desk, who: str) -> None:
    service_id = desk.create()
    desk.tile(service_id, 14, 8678, 5725)
    if who == "service":
        desk.update(service_id, enabled=False)
    else:
        desk.disable("ana")
    with pytest.raises(ServiceDisabled):
        desk.tile(service_id, 14, 8678, 5725)
    with pytest.raises(ServiceDisabled):
        desk(desk.driver.describe_tiles, service_id, "XYZ")


def test_tiles_are_described(desk: Desk) -> None:
    service_id = desk.create(title="Snow", description="Deep.", configuration={"max_zoom": 3})
    source = desk(desk.driver.describe_tiles, service_id, "XYZ")
    assert (source.title, source.description, source.media_type) == ("Snow", "Deep.", "image/png")
    assert (source.min_zoom, source.max_zoom) == (0, 3)
    assert (source.bounds, source.tile_matrix_sets) == ((10, 47, 11, 48), ())
    # What was found out about the data is kept, and told from then on.
    assert desk.describe(service_id)["attributes"] == {
        "min_zoom": 0, "max_zoom": 3, "tile_size": 256, "media_type": "image/png",
        "bounds": [10, 47, 11, 48], "bands": ["B04"], "range": [0, 1],
    }  # fmt: skip
    assert len(desk.drawing.asked) == 1


def test_tiles_are_described_without_having_been_seen(desk: Desk) -> None:
    desk.drawing.survey = InfrastructureBusy()
    assert desk(desk.driver.describe_tiles, desk.create(), "XYZ").bounds is None


def test_wmts_is_described(desk: Desk) -> None:
    configuration = {
        "tile_matrix_sets": ["WorldCRS84Quad", "WebMercatorQuad"],
        "min_zoom": 2,
        "max_zoom": 4,
        "tile_size": 512,
    }
    source = desk(desk.driver.describe_tiles, desk.create(type="wmts", configuration=configuration), "WMTS")
    shown = [(each["id"], [m["id"] for m in each["tileMatrices"]]) for each in source.tile_matrix_sets]
    assert shown == [("WorldCRS84Quad_512", ["2", "3", "4"]), ("WebMercatorQuad_512", ["2", "3", "4"])]
