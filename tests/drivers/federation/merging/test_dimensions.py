"""Dimensions of merged collections: none is dropped."""

from __future__ import annotations

from typing import Any

from connexeo.drivers.federation.merging import BACKENDS
from connexeo.drivers.federation.merging.dimensions import dimensions
from connexeo.drivers.federation.merging.parts import Context

Json = dict[str, Any]
ORDER = ("alps", "bay", "coast")


def merged(*maps: Json) -> tuple[Json, dict[str, Any]]:
    """Dimensions, and what is kept at places of conflict."""
    context = Context(ORDER[: len(maps)], "/cube:dimensions")
    result = dimensions(list(zip(ORDER, maps, strict=False)), context)
    return result, {each.pointer.removeprefix("/cube:dimensions"): each.kept for each in context.conflicts}


def x(**properties: Any) -> Json:
    return {"x": {"type": "spatial", "axis": "x", "extent": [5, 10], **properties}}


def test_every_dimension_is_there() -> None:
    z = {"z": {"type": "spatial", "axis": "z", "values": [0, 10]}}
    ensemble = {"ensemble": {"type": "other", "values": ["a"]}}
    geometry = {"geometry": {"type": "geometry", "bbox": [0, 0, 1, 1]}}
    result, conflicts = merged(x() | z, x() | ensemble, x() | geometry)
    assert result == {
        **x(),
        "z": {**z["z"], BACKENDS: ["alps"]},
        "ensemble": {**ensemble["ensemble"], BACKENDS: ["bay"]},
        "geometry": {**geometry["geometry"], BACKENDS: ["coast"]},
    }
    assert conflicts == {}


def test_limits_are_the_widest() -> None:
    result, conflicts = merged(x(extent=[5, 10]), x(extent=[7, 20]))
    assert result == x(extent=[5, 20])
    assert conflicts == {}


def test_longitudes_may_cross_the_antimeridian() -> None:
    assert merged(x(extent=[170, -170]), x(extent=[150, 160]))[0] == x(extent=[150, -170])


def test_coordinates_of_another_reference_system_are_left_out_and_told() -> None:
    result, conflicts = merged(
        x(extent=[3_900_000, 4_000_000], reference_system=3035),
        x(extent=[5, 20]),
        x(extent=[3_800_000, 3_900_000], reference_system=3035),
    )
    assert result == x(extent=[3_800_000, 4_000_000], reference_system=3035)
    assert conflicts == {"/x/reference_system": 3035, "/x/extent": [3_800_000, 4_000_000]}


def test_the_default_reference_system_is_no_conflict() -> None:
    result, conflicts = merged(x(), x(reference_system=4326))
    assert result["x"]["extent"] == [5, 10]
    assert conflicts == {}


def test_open_limits_stay_open() -> None:
    def t(*extent: Any) -> Json:
        return {"t": {"type": "temporal", "extent": list(extent)}}

    one, two = t("2018-01-01T00:00:00Z", None), t("2017-01-01T00:00:00Z", "2019-01-01T00:00:00Z")
    assert merged(one, two)[0] == t("2017-01-01T00:00:00Z", None)


def test_steps_that_differ_make_the_spacing_irregular() -> None:
    result, conflicts = merged(x(step=10), x(step=20))
    assert result == x(step=None)
    assert conflicts == {"/x/step": None}
    assert merged(x(step=10), x(step=10.0), x())[0] == x(step=10)


def other(*values: Any) -> Json:
    return {"level": {"type": "other", "values": list(values)}}


def test_rising_values_stay_in_order() -> None:
    assert merged(other(1, 5), other(3, 7))[0] == other(1, 3, 5, 7)


def test_falling_values_stay_in_order() -> None:
    assert merged(other(1000, 500, 100), other(850, 100))[0] == other(1000, 850, 500, 100)


def test_values_without_order_stay_as_they_come() -> None:
    assert merged(other(3, 1, 2), other(2, 0))[0] == other(3, 1, 2, 0)
    assert merged(other("low", "high"), other("high", "mid"))[0] == other("low", "high", "mid")
    assert merged(other("a", 1), other(2))[0] == other("a", 1, 2)


def test_times_are_ordered_as_times() -> None:
    def t(*values: str) -> Json:
        return {"t": {"type": "temporal", "extent": [None, None], "values": list(values)}}

    assert merged(t("2020-01-01", "2020-03-01"), t("2020-01-31T23:00:00-05:00"))[0] == t(
        "2020-01-01", "2020-01-31T23:00:00-05:00", "2020-03-01"
    )


def test_names_of_bands_are_never_sorted() -> None:
    def bands(*values: str) -> Json:
        return {"bands": {"type": "bands", "values": list(values)}}

    assert merged(bands("B02", "B08"), bands("B01", "B02"))[0] == bands("B02", "B08", "B01")


def test_a_dimension_that_is_something_else_elsewhere_is_told() -> None:
    result, conflicts = merged(
        {"z": {"type": "bands", "values": ["a"]}}, {"z": {"type": "other", "values": ["b"]}}
    )
    assert result == {"z": {"type": "bands", "values": ["a"]}}
    assert conflicts.keys() == {"/z"}


def test_boxes_of_geometries_are_united() -> None:
    def geometry(box: list[float], *types: str) -> Json:
        return {"g": {"type": "geometry", "bbox": box, "geometry_types": list(types)}}

    assert merged(geometry([0, 0, 1, 1], "Point"), geometry([2, 2, 3, 3], "Polygon"))[0] == geometry(
        [0, 0, 3, 3], "Point", "Polygon"
    )


def test_who_describes_no_dimensions_has_not_denied_any() -> None:
    context = Context(ORDER)
    assert dimensions([("alps", x()), ("bay", x())], context) == x()
