from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from connexeo.tools.spec.build import (
    APPLIED,
    build_document,
    inline_path_parameters,
    microservice_of_tag,
    operations,
    order_paths,
)
from connexeo.tools.spec.check import check_document
from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.merge import MICROSERVICE
from connexeo.tools.spec.sources import SpecFolder, find_spec

Write = Callable[..., SpecFolder]


def capabilities_of(document: dict[str, Any]) -> dict[str, Any]:
    responses = document["paths"]["/"]["get"]["responses"]
    schema: dict[str, Any] = responses["200"]["content"]["application/json"]["schema"]
    return schema


def test_the_contract_builds_for_every_driver(spec: SpecFolder) -> None:
    for driver in (None, "local", *spec.driver_overlays()):
        assert list(check_document(build_document(driver=driver))) == []


def test_federation_is_required_only_of_the_driver_federation() -> None:
    plain, federated = build_document(), build_document(driver="federation")
    assert "federation" in capabilities_of(plain)["properties"]
    assert "federation" not in capabilities_of(plain)["required"]
    assert "federation" in capabilities_of(federated)["required"]
    assert federated["info"]["x-connexeo-conformance"] == [
        "https://api.openeo.org/extensions/federation/0.1.0"
    ]


def test_without_overlays_nothing_of_ours_is_in_the_document() -> None:
    assert b"x-connexeo" not in orjson.dumps(build_document(apply_overlays=False))


def test_the_official_document_serves_as_base(reference: Path) -> None:
    document = build_document(reference / "openeo-api-1.3.0.yaml")
    ours = build_document()
    assert list(check_document(document)) == []
    modules = {node["operationId"]: node[MICROSERVICE] for _, _, node in operations(document)}
    assert modules == {node["operationId"]: node[MICROSERVICE] for _, _, node in operations(ours)}


def test_a_built_document_is_only_extended(tmp_path: Path) -> None:
    document = build_document()
    assert build_document(document) == document
    extra = tmp_path / "extra.yaml"
    action = {"target": "$.info", "update": {"x-extra": ["a"]}}
    content = {"overlay": "1.0.0", "info": {"title": "Extra", "version": "1"}, "actions": [action]}
    extra.write_text(yaml.safe_dump(content))
    once = build_document(document, [extra], driver="federation")
    assert once["info"]["x-extra"] == ["a"]
    assert once["info"][APPLIED][-2:] == ["Federation Extension, required 0.1.0", "Extra 1"]
    assert build_document(once, [extra], driver="federation") == once


def test_paths_are_ordered_for_the_first_match() -> None:
    paths = list(build_document()["paths"])
    assert paths.index("/collections/{collection_id}/queryables") < paths.index(
        "/collections/{collection_id}"
    )
    assert paths.index("/files") < paths.index("/files/{path}")


def test_what_a_template_would_catch_goes_before_it() -> None:
    def item(format_: str) -> dict[str, Any]:
        parameter = {
            "name": "a",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": format_},
        }
        return {"get": {"parameters": [parameter]}}

    paths = {
        "/a/{a}": item("path"),
        "/b/{a}": item("x"),
        "/b/c": {},
        "/a/{a}/deep/end": item("x"),
        "/b/{a}/c": {},
    }
    ordered = order_paths({"paths": paths})
    assert list(ordered) == ["/a/{a}/deep/end", "/a/{a}", "/b/c", "/b/{a}", "/b/{a}/c"]
    assert ordered == paths


def test_path_parameters_are_inlined() -> None:
    shared = {"name": "a", "in": "path", "schema": {"type": "string"}}
    own = {"name": "a", "in": "path", "schema": {"type": "integer"}}
    query = {"name": "q", "in": "query"}
    document: dict[str, Any] = {
        "paths": {"/{a}": {"parameters": [shared], "get": {}, "put": {"parameters": [own]}, "post": {
            "parameters": [query]}}}
    }  # fmt: skip
    inline_path_parameters(document)
    item = document["paths"]["/{a}"]
    assert "parameters" not in item
    assert item["get"]["parameters"] == [shared]
    assert item["put"]["parameters"] == [own]
    assert item["post"]["parameters"] == [shared, query]


@pytest.mark.parametrize(
    ("tag", "microservice"),
    [
        ("EO Data Discovery", "data_discovery"),
        ("Batch Jobs", "batch_jobs"),
        ("User-Defined Processes", "user_defined_processes"),
        ("Workspaces", "workspaces"),
    ],
)
def test_a_tag_names_the_microservice(tag: str, microservice: str) -> None:
    assert microservice_of_tag(tag, "GET /x") == microservice


def test_an_operation_without_any_hint_is_an_error() -> None:
    with pytest.raises(SpecError, match="GET /x belongs to no microservice"):
        microservice_of_tag("", "GET /x")


def test_further_operations_of_another_base_get_their_microservice(tmp_path: Path) -> None:
    document = build_document(apply_overlays=False)
    response = {"responses": {"200": {"description": "Fine."}}}
    document["paths"]["/workspaces"] = {
        "get": {"operationId": "list-workspaces", "tags": ["Workspaces"], **response}
    }
    document["paths"]["/own"] = {"get": {"operationId": "own", MICROSERVICE: "mine", **response}}
    base = tmp_path / "base.json"
    base.write_bytes(orjson.dumps(document))
    built = build_document(base)
    assert built["paths"]["/workspaces"]["get"][MICROSERVICE] == "workspaces"
    assert built["paths"]["/own"]["get"][MICROSERVICE] == "mine"


def test_a_folder_without_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"has no openapi\.yaml"):
        find_spec(tmp_path)
