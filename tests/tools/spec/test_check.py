from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.check import check_contract, check_document, check_errors
from connexeo.tools.spec.process_definitions import check_processes
from connexeo.tools.spec.sources import SpecFolder, find_generated, find_spec

Write = Callable[..., SpecFolder]


def test_the_contract_is_in_order(spec: SpecFolder) -> None:
    assert [str(finding) for finding in check_contract(spec, find_generated())] == []


@pytest.fixture(scope="module")
def sound() -> dict[str, Any]:
    return build_document()


def set_at(document: dict[str, Any], place: str, value: Any) -> None:
    *parents, last = [part.replace("~1", "/") for part in place.split("/")]
    node: Any = document
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    node[last] = value


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "components/schemas/link/properties/rel",
            {"$ref": "#/components/schemas/nowhere"},
            "points at nothing",
        ),
        ("components/schemas/link/properties/rel", {"$ref": "other.yaml#/x"}, "does not point into"),
        ("paths/~1jobs/get/operationId", "create-job", "is also that of GET /jobs"),
        ("paths/~1me/get/operationId", "", "has no operationId"),
        ("paths/~1me/get/responses", {"200": {}}, '"description" is a required property'),
        ("components/schemas/experimental/default", "no", "is not of type"),
        ("components/schemas/created/example", "2024-02-30 00:00:00", "date-time"),
        ("components/schemas/collection_id/example", "not an id!", "does not match"),
        ("components/parameters/job_id/example", "not an id!", "does not match"),
        ("paths/~1validation/post/responses/200/content/application~1json/example", {}, "required"),
        ("components/schemas/link/properties/title", {"type": "text"}, '"text" is not one of'),
        ("paths/~1me/get/parameters", [{"name": "a", "in": "path", "required": True, "schema": {}}], "'a'"),
    ],
)
def test_planted_faults_are_found(sound: dict[str, Any], place: str, value: Any, message: str) -> None:
    document = deepcopy(sound)
    set_at(document, place, value)
    findings = [str(finding) for finding in check_document(document)]
    assert any(message in finding for finding in findings), findings


def test_nullable_allows_null_only_where_it_stands(sound: dict[str, Any]) -> None:
    document = deepcopy(sound)
    document["components"]["schemas"]["probe"] = {"type": "string", "nullable": True, "default": None}
    assert list(check_document(document)) == []
    document["components"]["schemas"]["probe"] = {"type": "string", "default": None}
    assert [finding.place for finding in check_document(document)] == ["#/components/schemas/probe/default"]


def test_the_published_document_has_the_faults_that_are_corrected(reference: Path) -> None:
    base = build_document(reference / "openeo-api-1.3.0.yaml", apply_overlays=False)
    places = " ".join(finding.place for finding in check_document(base))
    assert "~1validation/post/requestBody" in places
    assert "~1collections~1{collection_id}/get/responses/200" in places


def test_an_overlay_that_matches_nothing_is_found(write_spec: Write) -> None:
    overlay = {
        "overlay": "1.0.0",
        "info": {"title": "T", "version": "1"},
        "actions": [{"target": "$.paths['/gone']", "remove": True}],
    }
    findings = list(check_contract(write_spec({"overlays/10-t.yaml": overlay}), None))
    assert [str(f) for f in findings] == [
        "build: spec/overlays/10-t.yaml, action 1 ($.paths['/gone']): the target matches nothing"
    ]


def test_stale_generated_files_are_found(tmp_path: Path, spec: SpecFolder) -> None:
    for path in find_generated().glob("*"):
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "operations.py").write_text("OPERATIONS = {}\n")
    (tmp_path / "models.py").unlink()
    (tmp_path / "by_hand.py").write_text("")
    places = {finding.place for finding in check_contract(spec, tmp_path)}
    assert places == {"generated/operations.py", "generated/models.py", "generated/by_hand.py"}


def faulty_process(**changes: Any) -> dict[str, Any]:
    from_conftest = find_spec().root / "processes" / "add.yaml"
    from connexeo.tools.spec.documents import read_mapping

    return {**read_mapping(from_conftest), **changes}


PARAMETER = {"name": "x", "description": "A value.", "schema": {"type": "number"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "plus"}, "the id 'plus' is not the file name"),
        ({"id": "a b"}, "does not match"),
        ({"parameters": [PARAMETER, PARAMETER]}, "'x' is declared twice"),
        ({"parameters": [{**PARAMETER, "default": 1}]}, "only optional parameters have a default"),
        ({"parameters": [{**PARAMETER, "optional": True, "default": "1"}]}, "default: \"1\" is not of type"),
        ({"parameters": [{**PARAMETER, "name": "w", "optional": True}, PARAMETER]}, "stands after an optional"),
        ({"parameters": [{**PARAMETER, "schema": {"type": "number", "pattern": "("}}]}, "not valid under any"),
        ({"returns": {"description": "A value."}}, "schema"),
        ({"exceptions": {"notFound": {"message": "No."}}}, "not a name in CamelCase"),
        ({"exceptions": {"NotFound": {}}}, "message"),
        ({"examples": [{"arguments": {"x": 1}}]}, "the required parameter 'y' is missing"),
        ({"examples": [{"arguments": {"x": 1, "y": 1, "z": 1}}]}, "there is no parameter 'z'"),
        ({"examples": [{"arguments": {"x": 1, "y": "1"}}]}, "example 1, y"),
        ({"examples": [{"arguments": {"x": 1, "y": 1}, "returns": "2"}]}, "example 1, returns"),
        ({"categories": []}, "there are no categories"),
    ],
)  # fmt: skip
def test_planted_faults_of_processes_are_found(
    tmp_path: Path, sound: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    import yaml

    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "add.yaml").write_text(yaml.safe_dump(faulty_process(**changes)))
    findings = [str(finding) for finding in check_processes(SpecFolder(tmp_path), sound)]
    assert any(message in finding for finding in findings), findings


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"http": 200, "tags": ["General"], "message": "M", "description": "D"}, "http is a status"),
        ({"http": 400, "tags": ["General"], "description": "D"}, "there is no message"),
        ({"http": 400, "tags": [], "message": "M", "description": "D"}, "there are no tags"),
    ],
)
def test_planted_faults_of_errors_are_found(write_spec: Write, entry: dict[str, Any], message: str) -> None:
    folder = write_spec({"errors.yaml": {"Odd": entry}})
    assert [message in str(finding) for finding in check_errors(folder)] == [True]
