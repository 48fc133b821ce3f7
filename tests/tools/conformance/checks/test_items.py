"""Items, where collections link to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.doctored import Change, assert_found, assert_kept, edit, reply
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

ONE = "/collections/sentinel-2-l2a-demo"
WEST, SOUTH, EAST, NORTH = BOX = [10.65, 47.55, 10.7, 47.6]


def _item(**change: Any) -> dict[str, Any]:
    ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "scene",
        "collection": "sentinel-2-l2a-demo",
        "bbox": BOX,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": "2024-06-01T10:00:00Z"},
        "links": [{"rel": "collection", "href": f"https://a.example{ONE}"}],
        "assets": {"B02": {"href": "https://a.example/B02.tif", "roles": ["data"]}},
        **change,
    }


def _items(url: str, *items: Any, answer: Any = None) -> tuple[Change, Change]:
    document = {"type": "FeatureCollection", "features": list(items), "links": []}
    link = {"rel": "items", "href": f"{url}{ONE}/items"}
    return (
        edit(ONE, lambda found: found["links"].append(link)),
        reply(f"{ONE}/items", 200, document if answer is None else answer),
    )


def test_items_may_be_listed_without_a_link(look: Look) -> None:
    endpoint = {"path": "/collections/{collection_id}/items", "methods": ["GET"]}
    listed = edit("/", lambda found: found["endpoints"].append(endpoint))
    found = edit(
        ONE, lambda found: found.update(links=[each for each in found["links"] if each["rel"] != "items"])
    )
    sound = {"type": "FeatureCollection", "features": [_item()], "links": []}
    assert look("items.listed", listed, found, reply("/collections/.*/items", 200, sound)).state is State.PASS
    result = look("items.listed", listed, found, reply("/collections/.*/items", 200, {"links": []}))
    assert "HTTP 200 comes with no FeatureCollection" in result.findings[0].message


CHECKS = ["items.listed", "items.valid", "items.boxes", "items.times", "items.bands", "profile.310"]


@pytest.mark.parametrize("check_id", CHECKS)
def test_sound_items_pass(check_id: str, look: Look, demo_server: Any) -> None:
    span = {
        "datetime": None,
        "start_datetime": "2024-06-01T00:00:00Z",
        "end_datetime": "2024-06-02T00:00:00Z",
    }
    sound = _item(), _item(id="composite", properties=span)
    assert_kept(look(check_id, *_items(demo_server.url, *sound)))


BANDS = {"a": {"href": "https://a.example/a", "eo:bands": [{"name": "thermal"}]}}

FAULTS: list[tuple[str, list[Any]]] = [
    ("items.listed", [_item(id=str(number)) for number in range(9)]),
    ("items.listed", [_item(), _item()]),
    ("items.valid", [_item(assets=None)]),
    ("items.valid", [_item(type="Collection")]),
    ("items.valid", [_item(collection="other")]),
    ("items.valid", [_item(links=[{"rel": "collection", "href": "../collection"}])]),
    ("items.valid", [_item(links=[])]),
    ("items.valid", [_item(assets={"B02": {"href": "B02.tif"}})]),
    ("items.valid", [_item(properties={"datetime": "2024-06-01T10:00:00Z", "eo:cloud_cover": 5})]),
    ("items.boxes", [_item(bbox=[WEST - 1, SOUTH, EAST, NORTH])]),
    ("items.boxes", [_item(bbox=[SOUTH, WEST, NORTH, EAST])]),
    ("items.times", [_item(properties={"datetime": None})]),
    ("items.times", [_item(properties={"start_datetime": "2024-06-02T00:00:00Z", "datetime": "2024-06-02T00:00:00Z",
                                       "end_datetime": "2024-06-01T00:00:00Z"})]),
    ("items.bands", [_item(assets=BANDS)]),
    ("profile.310", [_item(bbox=[40, 40, 41, 41])]),
    ("profile.310", [_item(bbox=[WEST - 3, SOUTH, EAST, NORTH])]),
    ("profile.310", [_item(properties={"datetime": "2020-06-01T10:00:00Z"})]),
]  # fmt: skip


@pytest.mark.parametrize(("check_id", "items"), FAULTS)
def test_faults_are_found(check_id: str, items: list[Any], look: Look, demo_server: Any) -> None:
    assert_found(look(check_id, *_items(demo_server.url, *items)))


@pytest.mark.parametrize(
    "answer", [{}, {"type": "FeatureCollection", "features": [1, {}, {"bbox": "x"}]}, []]
)
@pytest.mark.parametrize("check_id", CHECKS)
def test_answers_of_any_shape(check_id: str, answer: Any, look: Look, demo_server: Any) -> None:
    result = look(check_id, *_items(demo_server.url, answer=answer))
    assert result.state is not State.ERROR, result.reason
    if check_id == "items.listed" and "features" not in answer:
        assert result.state is State.FAIL
