"""The API reference for people."""

from __future__ import annotations

from collections.abc import Callable

from asgi_client import Client
from connexeo.generated import load_openapi
from connexeo.handlers.reference import Field, grouped_operations
from fake_driver import without_jobs

MakeClient = Callable[..., Client]


def test_all_operations_of_the_contract_are_described() -> None:
    document = load_openapi()
    entries = [entry for _, _, entries in grouped_operations(document) for entry in entries]
    operations = {
        o["operationId"] for item in document["paths"].values() for o in item.values() if isinstance(o, dict)
    }
    assert {entry.id for entry in entries} == operations
    assert len(entries) == len(operations)
    assert all(entry.summary and entry.responses for entry in entries)
    result = next(entry for entry in entries if entry.id == "compute-result")
    assert (result.method, result.access, result.media_types) == (
        "POST",
        "token required",
        ("application/json",),
    )
    assert {"process", "budget", "plan"} <= {field.name for field in result.fields}
    assert [field.required for field in result.fields if field.name == "process"] == [True]


def test_fields_of_an_operation() -> None:
    document = {
        "paths": {
            "/a/{p}": {
                "parameters": [{"name": "p", "in": "path", "required": True, "schema": {"type": "string"}}],
                "post": {
                    "operationId": "a",
                    "security": [{}, {"Bearer": []}],
                    "parameters": [{"$ref": "#/components/parameters/limit"}],
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "allOf": [{"$ref": "#/components/schemas/base"}],
                                    "properties": {"own": {"type": "array", "items": {"type": "number"}}},
                                    "required": ["own"],
                                }
                            }
                        }
                    },
                    "responses": {200: {"description": "Fine."}},
                },
            }
        },
        "components": {
            "parameters": {
                "limit": {
                    "name": "limit",
                    "in": "query",
                    "description": "Most.",
                    "schema": {"type": "integer"},
                }
            },
            "schemas": {"base": {"properties": {"id": {"type": "string", "title": "Name"}}}},
        },
    }
    ((tag, _, (entry,)),) = grouped_operations(document)
    assert (tag, entry.access, entry.responses) == ("Other", "token optional", (("200", "Fine.", ""),))
    assert entry.fields == (
        Field("p", "path", "string", True, ""),
        Field("limit", "query", "integer", False, "Most."),
        Field("id", "body", "string", False, "Name"),
        Field("own", "body", "array of number", True, ""),
    )


def test_page_has_an_anchor_for_each_operation(make_client: MakeClient) -> None:
    client = make_client(without_jobs())
    page = client.get("/api.html").text
    for identifier in ("capabilities", "list-collections", "compute-result"):
        assert f'<li id="{identifier}"' in page
    assert 'id="create-job"' not in page
