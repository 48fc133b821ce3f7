from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.diff import diff_documents
from connexeo.tools.spec.documents import load_document


def api(
    *, request: dict[str, Any] | None = None, response: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": "do",
        "responses": {
            "200": {"description": "Fine.", "content": {"application/json": {"schema": response or {}}}}
        },
        **more,
    }
    if request is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": request}}}
    return {
        "openapi": "3.0.2",
        "info": {"title": "T", "version": "1"},
        "paths": {"/do": {"post": operation}},
        "components": {"schemas": {}},
    }


def changes(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(difference.kind, difference.breaking) for difference in diff_documents(first, second)]


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("before", "after", "kind", "breaks_request", "breaks_response"),
    [
        ({"type": "object", "properties": {"a": TEXT}}, {"type": "object"}, "removed", True, True),
        ({"type": "object"}, {"type": "object", "properties": {"a": TEXT}}, "added", False, False),
        ({"required": []}, {"required": ["a"]}, "added", True, False),
        ({"required": ["a"]}, {}, "removed", False, True),
        ({"type": "number"}, {"type": "integer"}, "changed", True, False),
        ({"type": "integer"}, {"type": "number"}, "changed", False, True),
        ({"type": "string"}, {"type": "number"}, "changed", True, True),
        ({"type": "string", "nullable": True}, TEXT, "changed", True, False),
        (TEXT, {"type": "string", "nullable": True}, "changed", False, True),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "removed", True, False),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, "added", False, True),
        (TEXT, {"type": "string", "enum": ["a"]}, "added", True, False),
        ({"minimum": 1}, {"minimum": 2}, "changed", True, False),
        ({"maxItems": 1}, {"maxItems": 2}, "changed", False, True),
        ({"maxItems": 1}, {}, "removed", False, True),
        ({"pattern": "a"}, {"pattern": "b"}, "changed", True, True),
        ({"uniqueItems": True}, {}, "changed", False, True),
        ({}, {"additionalProperties": False}, "changed", True, False),
        ({"items": TEXT}, {"items": {"type": "number"}}, "changed", True, True),
        ({"oneOf": [TEXT]}, {"oneOf": [TEXT, {"type": "number"}]}, "added", False, True),
        (
            {"allOf": [TEXT, {"pattern": "a"}, {"maxLength": 3}]},
            {"allOf": [TEXT, {"pattern": "a"}]},
            "removed",
            False,
            True,
        ),
        (
            {"oneOf": [TEXT, {"type": "number"}]},
            {"anyOf": [TEXT, {"type": "number"}]},
            "changed",
            False,
            True,
        ),
        ({"not": {"enum": ["a"]}}, {"not": {"enum": ["a", "b"]}}, "added", True, False),
    ],
)
def test_what_breaks_depends_on_the_direction(
    before: dict[str, Any], after: dict[str, Any], kind: str, breaks_request: bool, breaks_response: bool
) -> None:
    assert changes(api(request=before), api(request=after)) == [(kind, breaks_request)]
    assert changes(api(response=before), api(response=after)) == [(kind, breaks_response)]


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "A", "description": "B", "example": 1, "x-a": 1}, {}),
    ({"required": ["a", "b"], "enum": [1, 2]}, {"enum": [2, 1], "required": ["b", "a"]}),
    ({"additionalProperties": True}, {}),
    ({"additionalProperties": {"description": "More."}}, {}),
    ({"nullable": False, "minItems": 0, "uniqueItems": False, "deprecated": False}, {}),
    ({"allOf": [TEXT], "description": "Text."}, TEXT),
    ({"anyOf": [TEXT, {"type": "number"}]}, {"anyOf": [{"type": "number"}, TEXT]}),
    (
        {"allOf": [{"type": "object", "properties": {"a": TEXT}}, {"required": ["a"]}]},
        {"type": "object", "required": ["a"], "properties": {"a": {"description": "A.", **TEXT}}},
    ),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_other_ways_to_say_the_same_are_no_difference(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert changes(api(request=first, response=first), api(request=second, response=second)) == []
    assert changes(api(request=second, response=second), api(request=first, response=first)) == []


def test_moving_a_schema_is_no_difference() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/tree"}, "value": TEXT}}
    first = api(response={"$ref": "#/components/schemas/tree"})
    first["components"]["schemas"]["tree"] = tree
    second = api(response={"$ref": "#/components/schemas/other"})
    second["components"]["schemas"]["other"] = {
        "type": "object",
        "properties": {
            "next": {"$ref": "#/components/schemas/other"},
            "value": {"$ref": "#/components/schemas/v"},
        },
    }
    second["components"]["schemas"]["v"] = TEXT
    assert changes(first, second) == []
    second["components"]["schemas"]["v"] = {"type": "number"}
    assert changes(first, second) == [("changed", True)]


def test_parameters_of_the_path_are_those_of_its_operations() -> None:
    parameter = {"name": "q", "in": "query", "schema": TEXT}
    first, second = api(parameters=[parameter]), api()
    second["paths"]["/do"]["parameters"] = [{"$ref": "#/components/parameters/q"}]
    second["components"]["parameters"] = {"q": parameter}
    assert changes(first, second) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (api(), {**api(), "paths": {}}, [("removed", True)]),
        ({**api(), "paths": {}}, api(), [("added", False)]),
        (api(), api(parameters=[{"name": "q", "in": "query"}]), [("added", False)]),
        (api(), api(parameters=[{"name": "q", "in": "query", "required": True}]), [("added", True)]),
        (api(parameters=[{"name": "q", "in": "query"}]), api(), [("removed", True)]),
        (api(), api(request=TEXT), [("added", False)]),
        (api(security=[{}, {"Bearer": []}]), api(security=[{"Bearer": []}]), [("removed", True)]),
        (api(security=[{}, {"Bearer": []}]), api(security=[{"Bearer": []}, {}]), []),
        (api(operationId="do"), api(operationId="go"), [("changed", False)]),
        (api(summary="Do", tags=["A"]), api(description="Go", tags=["A"]), []),
        (api(), api(responses={"201": {"description": "New."}}), [("removed", True), ("added", False)]),
    ],
)
def test_operations(first: dict[str, Any], second: dict[str, Any], expected: list[tuple[str, bool]]) -> None:
    assert changes(first, second) == expected


def test_a_shared_schema_is_reported_once_at_its_own_place() -> None:
    first = api(request={"$ref": "#/components/schemas/a"}, response={"$ref": "#/components/schemas/a"})
    first["components"]["schemas"]["a"] = {"type": "object", "required": ["x"]}
    second = deepcopy(first)
    second["components"]["schemas"]["a"]["required"] = []
    (difference,) = diff_documents(first, second)
    assert difference.place == "#/components/schemas/a/required"
    assert difference.breaking


def test_our_base_is_the_official_document(reference: Path) -> None:
    official = load_document(reference / "openeo-api-1.3.0.yaml")
    base = build_document(apply_overlays=False)
    assert diff_documents(official, base) == []
    assert diff_documents(base, official) == []


def test_releases_differ(reference: Path) -> None:
    old, new = (load_document(reference / f"openeo-api-{version}.yaml") for version in ("1.2.0", "1.3.0"))
    found = diff_documents(old, new)
    assert any(difference.breaking for difference in found)
    assert any(difference.place == "#/components/schemas/batch_job/properties/queued" for difference in found)


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "number", "integer", "boolean"]),
            "nullable": st.booleans(),
            "enum": st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True),
            "minimum": st.integers(0, 3),
            "description": st.text("xyz", max_size=3),
        },
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
            },
            optional={"required": st.lists(st.sampled_from("pqr"), unique=True)},
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=6,
)


@given(SCHEMAS)
def test_a_schema_does_not_differ_from_itself(schema: dict[str, Any]) -> None:
    first = api(request=schema, response=schema)
    second = api(request={"$ref": "#/components/schemas/s"}, response={"$ref": "#/components/schemas/s"})
    second["components"]["schemas"]["s"] = schema
    assert changes(first, first) == []
    assert changes(first, second) == []
    assert changes(second, first) == []


@given(SCHEMAS, SCHEMAS)
def test_both_directions_see_a_difference(first: dict[str, Any], second: dict[str, Any]) -> None:
    there = changes(api(request=first), api(request=second))
    back = changes(api(request=second), api(request=first))
    assert bool(there) == bool(back)
