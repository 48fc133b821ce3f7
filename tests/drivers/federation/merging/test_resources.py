"""File formats, runtimes for user-defined functions, and service types of several upstreams."""

from __future__ import annotations

from typing import Any

from connexeo.drivers.federation.merging import (
    BACKENDS,
    Kind,
    Merged,
    Part,
    merge_format,
    merge_runtime,
    merge_service_type,
    our_contract,
)

Json = dict[str, Any]
ORDER = ("alps", "bay", "coast")


def parts(*documents: Json) -> list[Part]:
    return [Part(upstream, each) for upstream, each in zip(ORDER, documents, strict=False)][::-1]


def places(result: Merged) -> list[str]:
    return [conflict.pointer for conflict in result.conflicts]


def a_format(**parameters: Json) -> Json:
    return {"title": "GeoTIFF", "gis_data_types": ["raster"], "parameters": parameters}


def format_of(*documents: Json) -> Merged:
    result = merge_format(parts(*documents), ORDER)
    assert our_contract().passes(Kind.FORMAT, result.document)
    return result


def test_a_format_that_all_have_is_not_marked() -> None:
    assert format_of(a_format(), a_format(), a_format()).document == a_format()
    assert format_of(a_format(), a_format()).document == a_format() | {BACKENDS: ["alps", "bay"]}


def test_format_parameters_are_marked_and_optional_when_not_all_know_them() -> None:
    tile = {"type": "integer", "description": "Tile size.", "default": 512}
    level = {"type": "integer", "description": "Level.", "required": True}
    result = format_of(a_format(tile=tile, level=level), a_format(tile=tile), a_format(tile=tile))
    assert result.document["parameters"] == {
        "tile": tile,
        "level": {**level, "required": False, BACKENDS: ["alps"]},
    }
    assert places(result) == ["/parameters/level"]


def test_format_parameters_allow_what_one_of_them_allows() -> None:
    one = {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "enum": [1, 9],
        "description": "Level.",
        "default": 1,
    }
    two = {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 5,
        "enum": [0, 5],
        "description": "The level.",
    }
    result = format_of(a_format(z=one), a_format(z=two))
    assert result.document["parameters"]["z"] == {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": 9,
        "enum": [1, 9, 0, 5],
        "description": "Level.",
        "default": 1,
    }
    assert "/parameters/z/enum" in places(result)


def test_what_only_some_restrict_is_not_restricted() -> None:
    one = {"type": "string", "enum": ["lzw"], "description": "Method."}
    two = {"type": "string", "description": "Method."}
    result = format_of(a_format(z=one), a_format(z=two))
    assert result.document["parameters"]["z"] == two
    assert [(each.pointer, each.values) for each in result.conflicts] == [
        ("/parameters/z/enum", {"alps": ["lzw"]})
    ]


def test_data_types_are_united() -> None:
    one, two = a_format(), a_format() | {"gis_data_types": ["vector", "raster"]}
    assert format_of(one, two).document["gis_data_types"] == ["raster", "vector"]


def runtime_of(*documents: Json) -> Merged:
    result = merge_runtime(parts(*documents), ORDER)
    assert our_contract().passes(Kind.RUNTIME, result.document)
    return result


def language(default: str, **versions: Json) -> Json:
    named = {
        name.removeprefix("v").replace("_", "."): {"libraries": libraries}
        for name, libraries in versions.items()
    }
    return {"type": "language", "default": default, "versions": named}


def test_versions_are_united_and_marked() -> None:
    result = runtime_of(language("3.10", v3_10={}, v3_9={}), language("3.10", v3_10={}, v3_11={}))
    assert result.document == {
        "type": "language",
        "default": "3.10",
        "versions": {
            "3.9": {"libraries": {}, BACKENDS: ["alps"]},
            "3.10": {"libraries": {}},
            "3.11": {"libraries": {}, BACKENDS: ["bay"]},
        },
        BACKENDS: ["alps", "bay"],
    }


def test_the_default_is_the_highest_that_all_have() -> None:
    result = runtime_of(
        language("3.9", v3_9={}, v3_10={}, v3_11={}),
        language("3.10", v3_9={}, v3_10={}),
        language("3.9", v3_9={}, v3_10={}),
    )
    assert result.document["default"] == "3.10"
    assert places(result) == ["/default"]


def test_without_a_common_version_the_first_decides() -> None:
    assert runtime_of(language("3.9", v3_9={}), language("3.10", v3_10={})).document["default"] == "3.9"


def test_libraries_are_those_of_a_version() -> None:
    result = runtime_of(
        language("3", v3={"numpy": {"version": "1.26"}, "xarray": {"version": "2025.1"}}),
        language("3", v3={"numpy": {"version": "2.0"}, "xarray": {"version": "2025.1"}}),
        language(
            "3", v3={"numpy": {"version": "1.26"}, "xarray": {"version": "2025.1"}, "odc": {"version": "1"}}
        ),
    )
    assert result.document["versions"]["3"]["libraries"] == {
        "numpy": {"version": "1.26", BACKENDS: ["alps", "coast"]},
        "xarray": {"version": "2025.1"},
        "odc": {"version": "1", BACKENDS: ["coast"]},
    }
    assert places(result) == ["/versions/3/libraries/numpy/version"]


def test_another_thing_of_the_same_name_is_left_out_and_told() -> None:
    image = {"type": "docker", "docker": "an/image", "tags": ["1"], "default": "1"}
    result = runtime_of(image, language("3", v3={}), image | {"tags": ["2"], "default": "2"})
    assert result.document == image | {"tags": ["1", "2"], BACKENDS: ["alps", "coast"]}
    assert result.upstreams == ("alps", "coast")
    assert "" in places(result)


def test_service_types_unite_settings_and_parameters() -> None:
    def service(setting: str, *parameters: str) -> Json:
        return {
            "configuration": {setting: {"type": "string", "description": "A setting."}},
            "process_parameters": [{"name": each, "description": "", "schema": {}} for each in parameters],
        }

    result = merge_service_type(parts(service("one", "x"), service("two", "x", "y")), ORDER)
    assert our_contract().passes(Kind.SERVICE_TYPE, result.document)
    assert {name: each[BACKENDS] for name, each in result.document["configuration"].items()} == {
        "one": ["alps"],
        "two": ["bay"],
    }
    assert result.document["process_parameters"] == [
        {"name": "x", "description": "", "schema": {}},
        {"name": "y", "description": "", "schema": {}, "optional": True, BACKENDS: ["bay"]},
    ]
    assert result.document[BACKENDS] == ["alps", "bay"]
