"""Types of services, and the configurations that they take."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from connexeo.drivers.local.services.types import (
    MEDIA_TYPES,
    PARAMETER_NAMES,
    PROCESS_PARAMETERS,
    find_type,
    leaves_nothing_open,
    resolve_configuration,
    service_types,
)
from connexeo.generated.errors import (
    OpenEOError,
    ServiceConfigInvalid,
    ServiceConfigUnsupported,
    ServiceUnsupported,
)

DEFAULTS = {"tile_size": 256, "format": "png", "min_zoom": 0, "max_zoom": 18}


@pytest.mark.parametrize("name", ["XYZ", "xyz", "Xyz"])
def test_case_does_not_matter(name: str) -> None:
    assert find_type(name).name == "XYZ"


@pytest.mark.parametrize("name", ["", "WMS", "xyz ", "x" * 10_000])
def test_types_that_there_are_not(name: str) -> None:
    with pytest.raises(ServiceUnsupported) as caught:
        find_type(name)
    assert len(caught.value.message) < 300


def test_defaults() -> None:
    assert resolve_configuration(find_type("XYZ"), None) == DEFAULTS
    assert resolve_configuration(find_type("XYZ"), {"tile_size": None}) == DEFAULTS
    wmts = resolve_configuration(find_type("WMTS"), {})
    assert wmts == {"tile_matrix_sets": ["WebMercatorQuad"], **DEFAULTS}


@pytest.mark.parametrize("service_type", service_types().values(), ids=lambda each: each.name)
def test_defaults_fit_their_schemas(service_type: Any) -> None:
    for schema in service_type.configuration.values():
        assert schema["description"].endswith((".", ")."))
        if "default" in schema:
            assert jsonschema_rs.is_valid(dict(schema), schema["default"])


GOOD: list[dict[str, Any]] = [
    {"tile_size": 512},
    {"format": "webp", "min_zoom": 3, "max_zoom": 3},
    {"bounds": [-180, -90, 180, 90]},
    {"colormap": "viridis", "bands": ["B04"], "min": 0, "max": 1},
    {"colormap": {"4": "#00a000", "5.5": "#ffffff"}},
    {"colormap": ["#000000", "#ffffff"]},
    {"bands": ["B04", "B03", "B02"], "min": [0, 1, 2], "max": [10, 11, 12]},
    {"bands": ["B04", "B03", "B02", "opacity"], "min": [0, 1, 2], "max": 12},
    {"min": 5},
]


@pytest.mark.parametrize("given", GOOD)
def test_configurations_that_are_good(given: dict[str, Any]) -> None:
    assert resolve_configuration(find_type("xyz"), given) == {**DEFAULTS, **given}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"tile_size": 300}, "tile_size"),
    ({"tile_size": "256"}, "tile_size"),
    ({"format": "jpeg"}, "format"),
    ({"min_zoom": -1}, "min_zoom"),
    ({"min_zoom": 5, "max_zoom": 4}, "min_zoom"),
    ({"max_zoom": 25}, "max_zoom"),
    ({"bounds": [10, 47, 11]}, "bounds"),
    ({"bounds": [11, 47, 10, 48]}, "bounds"),
    ({"bounds": [10, 48, 11, 47]}, "bounds"),
    ({"bounds": [10, -91, 11, 47]}, "bounds"),
    ({"bands": []}, "bands"),
    ({"bands": ["a", "b"]}, "bands"),
    ({"bands": [1]}, "bands"),
    ({"colormap": "rainbow"}, "colormap"),
    ({"colormap": ["red", "blue"]}, "colormap"),
    ({"colormap": {"forest": "#00a000"}}, "colormap"),
    ({"colormap": {}}, "colormap"),
    ({"colormap": "viridis", "bands": ["a", "b", "c"]}, "colormap"),
    ({"min": "0"}, "min"),
    ({"min": 1, "max": 1}, "min"),
    ({"min": [0, 0, 5], "max": 4}, "min"),
    ({"min": [0, 0]}, "min"),
    ({"max": [1, 2, 3], "bands": ["a"]}, "max"),
]


@pytest.mark.parametrize(("given", "parameter"), BAD)
def test_configurations_that_are_bad(given: dict[str, Any], parameter: str) -> None:
    with pytest.raises(ServiceConfigInvalid, match=f"^Service parameter '{parameter}' is not acceptable: "):
        resolve_configuration(find_type("XYZ"), given)


@pytest.mark.parametrize("sets", [[], ["Mars"], ["WebMercatorQuad", "WebMercatorQuad"], "WebMercatorQuad"])
def test_tile_matrix_sets_that_are_bad(sets: Any) -> None:
    with pytest.raises(ServiceConfigInvalid, match="'tile_matrix_sets'"):
        resolve_configuration(find_type("WMTS"), {"tile_matrix_sets": sets})


@pytest.mark.parametrize("given", [{"colour": "red"}, {"tile_matrix_sets": ["WebMercatorQuad"]}, {"": 1}])
def test_settings_that_there_are_not(given: dict[str, Any]) -> None:
    with pytest.raises(ServiceConfigUnsupported, match=f"no parameter '{next(iter(given))}'"):
        resolve_configuration(find_type("XYZ"), given)


def test_messages_are_short() -> None:
    with pytest.raises(OpenEOError) as caught:
        resolve_configuration(find_type("XYZ"), {"colormap": ["x" * 100_000] * 3})
    assert len(caught.value.message) < 1500


@pytest.mark.parametrize(
    ("settings", "nothing"),
    [
        ({"bounds": [0, 0, 1, 1], "min": 0, "max": 1}, True),
        ({"bounds": [0, 0, 1, 1], "colormap": {"1": "#000000"}}, True),
        ({"bounds": [0, 0, 1, 1], "colormap": "viridis", "max": 1}, False),
        ({"min": 0, "max": 1}, False),
    ],
)
def test_configurations_that_leave_nothing_open(settings: dict[str, Any], nothing: bool) -> None:
    assert leaves_nothing_open(settings) is nothing


def test_process_parameters_are_optional() -> None:
    assert all(parameter["optional"] and "default" in parameter for parameter in PROCESS_PARAMETERS)
    assert PARAMETER_NAMES == ("spatial_extent", "zoom", "x", "y")
    assert all(media_type == f"image/{name}" for name, media_type in MEDIA_TYPES.items())
