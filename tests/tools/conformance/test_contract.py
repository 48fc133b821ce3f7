from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.conformance.contract import Contract, Operation, load_contract
from connexeo.tools.spec.documents import SpecError


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract("1.3.0")


def found(contract: Contract, name: str) -> Operation:
    operation = contract.operation(name)
    assert operation is not None
    return operation


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/", "GET /"),
        ("GET", "", "GET /"),
        ("get", "/jobs", "GET /jobs"),
        ("GET", "/jobs/abc/logs", "GET /jobs/{job_id}/logs"),
        ("PATCH", "/jobs/abc", "PATCH /jobs/{job_id}"),
        ("GET", "/collections/a", "GET /collections/{collection_id}"),
        ("GET", "/collections/a/b/c", "GET /collections/{collection_id}"),
        ("GET", "/collections/a/b/queryables", "GET /collections/{collection_id}/queryables"),
        ("DELETE", "/files/folder/a.tif", "DELETE /files/{path}"),
    ],
)
def test_a_request_is_the_operation_whose_path_it_has(
    contract: Contract, method: str, path: str, name: str
) -> None:
    operation = contract.match(method, path)
    assert operation is not None
    assert operation.name == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/jobs"),
        ("GET", "/nothing"),
        ("GET", "/jobs/a/b"),
        ("OPTIONS", "/jobs"),
        # Of STAC APIs, not identifiers with slashes.
        ("GET", "/collections/a/items"),
        ("GET", "/collections/a/b/items/c"),
    ],
)
def test_what_the_contract_does_not_have_is_no_operation(contract: Contract, method: str, path: str) -> None:
    assert contract.match(method, path) is None


def test_queryables_are_no_collection_where_the_version_has_none() -> None:
    assert load_contract("1.1.0").match("GET", "/collections/a/queryables") is None


def test_operations_are_found_whatever_their_parameters_are_called(contract: Contract) -> None:
    assert contract.operation("GET /jobs/{}") is contract.operation("GET /jobs/{identifier}")
    assert found(contract, "GET /jobs/{}").id == "describe-job"
    assert contract.operation("GET /nothing") is None


def test_who_may_send_a_request(contract: Contract) -> None:
    def access(name: str) -> tuple[bool, bool, bool]:
        operation = found(contract, name)
        return operation.secured, operation.optional_token, operation.basic

    assert access("GET /jobs") == (True, False, False)
    assert access("GET /collections") == (False, True, False)
    assert access("GET /") == (False, False, False)
    assert access("GET /credentials/basic") == (False, False, True)


COLLECTIONS: dict[str, Any] = {"collections": [], "links": []}


def test_a_body_that_keeps_the_schema_has_no_faults(contract: Contract) -> None:
    assert contract.faults(found(contract, "GET /collections"), 200, "application/json", COLLECTIONS) == []


def test_faults_name_the_place(contract: Contract) -> None:
    body = {"links": [{"rel": 1, "href": "https://a.example"}]}
    faults = contract.faults(
        found(contract, "GET /collections"), 200, "application/json; charset=utf-8", body
    )
    assert faults == ['"collections" is a required property', '/links/0/rel: 1 is not of type "string"']


@pytest.mark.parametrize("status", [400, 404, 503])
def test_errors_are_judged_by_ranges_of_status(contract: Contract, status: int) -> None:
    operation = found(contract, "GET /jobs/{job_id}")
    assert contract.documented(operation, status)
    assert contract.faults(operation, status, "application/json", {"code": "JobNotFound"}) == [
        '"message" is a required property'
    ]


def test_an_exact_status_wins_over_its_range(contract: Contract) -> None:
    operation = found(contract, "GET /jobs/{job_id}/results")
    body = {"code": "JobFailed", "message": "It failed."}
    assert contract.faults(operation, 404, "application/json", body) == []
    assert contract.faults(operation, 424, "application/json", body) == [
        '"id" is a required property',
        '"level" is a required property',
    ]


def test_nothing_is_said_of_what_is_not_documented(contract: Contract) -> None:
    operation = found(contract, "GET /collections")
    assert not contract.documented(operation, 202)
    assert contract.faults(operation, 202, "application/json", []) == []
    assert contract.faults(operation, 200, "text/html", "") == []
    assert contract.media_types(operation, 202) == ()
    assert contract.response_headers(operation, 202) == ()


def test_json_is_judged_where_the_contract_is_more_precise(contract: Contract) -> None:
    operation = found(contract, "GET /collections/{}/queryables")
    assert contract.media_types(operation, 200) == ("application/schema+json",)
    assert contract.faults(operation, 200, "application/json", {"type": 3}) != []


def test_headers_that_are_required(contract: Contract) -> None:
    assert contract.response_headers(found(contract, "POST /jobs"), 201) == ("Location", "OpenEO-Identifier")
    assert contract.response_headers(found(contract, "POST /result"), 200) == ()


def test_bodies_of_requests_are_judged_too(contract: Contract) -> None:
    operation = found(contract, "POST /jobs")
    assert contract.request_faults(operation, {"process": {"process_graph": {}}}) == []
    assert contract.request_faults(operation, {}) == ['"process" is a required property']
    assert contract.request_faults(found(contract, "GET /jobs"), {}) == []


CAPABILITIES: dict[str, Any] = {
    "api_version": "1.2.0",
    "backend_version": "1",
    "stac_version": "1.0.0",
    "id": "river",
    "title": "River",
    "description": "Water.",
    "endpoints": [],
    "links": [],
}


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.1.0", "1.2.0", "1.2.7", "1.1.0-beta"])
def test_what_a_version_does_not_require_may_be_missing(version: str) -> None:
    contract = load_contract(version)
    body = CAPABILITIES | {"api_version": version}
    assert contract.faults(found(contract, "GET /"), 200, "application/json", body) == []


def test_what_a_version_requires_may_not(contract: Contract) -> None:
    body = CAPABILITIES | {"api_version": "1.3.0"}
    faults = contract.faults(found(contract, "GET /"), 200, "application/json", body)
    assert faults == [f'"{name}" is a required property' for name in ("conformsTo", "type")]


def test_a_version_that_is_not_known_is_judged_as_the_nearest() -> None:
    contract = load_contract("1.4.0")
    assert contract.version == "1.3"
    assert len(contract.notes) == 1
    assert load_contract("1.2.0").notes == ()


def test_whoever_is_a_federation_must_say_who_belongs_to_it() -> None:
    body = CAPABILITIES | {"api_version": "1.2.0"}
    federation = load_contract("1.2.0", federation=True)
    faults = federation.faults(found(federation, "GET /"), 200, "application/json", body)
    assert faults == ['"federation" is a required property']


def test_our_own_extensions_are_not_asked_of_anybody(contract: Contract) -> None:
    assert [each.name for each in contract.operations if "tile" in each.path or "shared" in each.path] == []


def test_users_bring_what_else_there_is(tmp_path: Path) -> None:
    overlay = tmp_path / "ours.yaml"
    overlay.write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\nactions:\n- target: $.paths\n  update:\n"
        "    /collections/{collection_id}/items/{item_id}:\n"
        "      get: {responses: {'200': {description: Yes.}}}\n"
    )
    contract = load_contract("1.2.0", extra=[str(overlay)])
    operation = contract.match("GET", "/collections/a/items/b")
    assert operation is not None
    assert operation.path == "/collections/{collection_id}/items/{item_id}"
    with pytest.raises(SpecError):
        load_contract("1.2.0", extra=[str(tmp_path / "missing.yaml")])


def test_bodies_of_any_depth_are_judged_as_far_as_possible(contract: Contract) -> None:
    operation = contract.operation("GET /collections")
    assert operation is not None
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    # How deep the validator goes is its own affair; that it does not end a check is ours.
    assert (
        contract.faults(operation, 200, "application/json", {"collections": [], "links": [], "more": deep})
        == []
    )
