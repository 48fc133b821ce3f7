"""The contract at run time."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.generated import load_openapi
from connexeo.generated.operations import OPERATIONS
from connexeo.server.contract import OPTIONAL_BEARER, make_contract, routing_document, snake_case
from connexeo.server.cors import RouteTable


def document(paths: dict[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": "t", "version": "1.3.0"}, "paths": paths}


def operation(identifier: str, **properties: Any) -> dict[str, Any]:
    return {"operationId": identifier, "responses": {"200": {"description": ""}}, **properties}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("list-collections", "list_collections"),
        ("listCollections", "list_collections"),
        ("collection_id", "collection_id"),
        ("Batch Jobs", "batch_jobs"),
        ("from-day", "from_day"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_operations_are_those_that_were_generated() -> None:
    contract = make_contract(load_openapi())
    assert set(contract.operations) == set(OPERATIONS)
    for identifier, generated in OPERATIONS.items():
        found = contract.operations[identifier]
        assert (found.method, found.path, found.function) == (
            generated.method,
            generated.path,
            generated.function,
        )
        assert found.microservice == generated.module
        assert found.success == min(generated.success)
        assert found.needs_token is not generated.public
        assert {p.keyword for p in found.parameters} == {p.keyword for p in generated.parameters}


@pytest.mark.parametrize(
    ("security", "needs", "accepts", "scheme"),
    [
        ([{}], False, False, None),
        ([], False, False, None),
        ([{"Bearer": []}], True, True, "Bearer"),
        ([{}, {"Bearer": []}], False, True, OPTIONAL_BEARER),
        ([{"Bearer": []}, {}], False, True, OPTIONAL_BEARER),
        ([{"Basic": []}], True, False, "Basic"),
    ],
)
def test_security_is_rewritten_for_routing(
    security: list[dict[str, list[str]]], needs: bool, accepts: bool, scheme: str | None
) -> None:
    contract = make_contract(document({"/a": {"get": operation("a", security=security)}}))
    assert (contract.operations["a"].needs_token, contract.operations["a"].accepts_token) == (needs, accepts)
    routed = routing_document(contract)["paths"]["/a"]["get"]["security"]
    assert routed == ([] if scheme is None else [{scheme: []}])


def test_operation_without_security_has_that_of_the_document() -> None:
    contract = make_contract({**document({"/a": {"get": operation("a")}}), "security": [{"Bearer": []}]})
    assert contract.operations["a"].needs_token


def test_parameters_of_the_path_are_inherited_and_can_be_replaced() -> None:
    shared = [
        {"name": "p", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "H", "in": "header", "schema": {"type": "string"}},
    ]
    own = [{"name": "q", "in": "query", "required": True, "schema": {"$ref": "#/components/schemas/number"}}]
    base = document({"/{p}": {"parameters": shared, "get": operation("a", parameters=own)}})
    base["components"] = {"schemas": {"number": {"type": "integer"}}}
    parameters = {p.name: p for p in make_contract(base).operations["a"].parameters}
    assert set(parameters) == {"p", "q"}
    assert parameters["q"].required
    assert parameters["q"].schema == {"type": "integer"}


def test_operation_ids_are_needed_and_unique() -> None:
    with pytest.raises(ValueError, match="GET /a has no operationId"):
        make_contract(document({"/a": {"get": {"responses": {}}}}))
    with pytest.raises(ValueError, match="a is used twice"):
        make_contract(document({"/a": {"get": operation("a")}, "/b": {"get": operation("a")}}))


def test_routes_that_swallow_slashes_come_last() -> None:
    greedy = [{"name": "p", "in": "path", "required": True, "schema": {"type": "string", "format": "path"}}]
    plain = [{"name": "p", "in": "path", "required": True, "schema": {"type": "string"}}]
    paths = {
        "/a/{p}": {"get": operation("greedy", parameters=greedy)},
        "/a/{p}/queryables": {"get": operation("greedy-longer", parameters=greedy)},
        "/{p}": {"get": operation("plain", parameters=plain)},
        "/a/fixed": {"get": operation("literal")},
    }
    order = list(routing_document(make_contract(document(paths)))["paths"])
    assert order == ["/a/fixed", "/{p}", "/a/{p}/queryables", "/a/{p}"]


def test_route_table() -> None:
    table = RouteTable(
        {"/a": ("GET",), "/a/{p:path}/q": ("POST",), "/a/{p:path}": ("PUT",), "/b/{p}": ("DELETE",)}
    )
    assert table.methods("/a") == ("GET",)
    assert table.methods("/a/x/y/q") == ("POST",)
    assert table.methods("/a/x/y") == ("PUT",)
    assert table.methods("/b/x") == ("DELETE",)
    assert table.methods("/b/x/y") is None
    assert table.methods("/c") is None
