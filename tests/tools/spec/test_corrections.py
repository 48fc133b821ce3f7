"""What the corrections and the federation overlay are for, in values that were refused or unknown before."""

from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.json_schema import SchemaJudge
from connexeo.tools.spec.references import resolve

GRAPH = {"process_graph": {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
ITEM: dict[str, Any] = {
    "stac_version": "1.0.0",
    "id": "job",
    "type": "Feature",
    "geometry": None,
    "properties": {"datetime": None},
    "assets": {},
    "links": [],
}
COLLECTION = {
    "stac_version": "1.0.0",
    "id": "S2",
    "description": "Scenes.",
    "license": "CC0-1.0",
    "extent": {"spatial": {}, "temporal": {}},
    "links": [],
    "summaries": {"eo:cloud_cover": {"minimum": 0, "maximum": 75}},
}
SERVICE = {"id": "s1", "enabled": True, "type": "XYZ", "url": "https://tiles.example/{z}/{x}/{y}"}

REFUSED: list[tuple[str, Any]] = [
    ("process_json_schema", {"type": "number"}),
    ("process_schema", [{"type": "number"}, {"type": "null"}]),
    ("collection", COLLECTION),
    ("batch_job_result", ITEM),
    ("service", SERVICE),
    *(
        ("process_graph_with_metadata", {**GRAPH, key: None})
        for key in ("id", "summary", "description", "parameters", "returns")
    ),
    *(
        ("user_defined_process_meta", {"id": "mine", key: None})
        for key in ("summary", "description", "parameters", "returns")
    ),
]


@pytest.fixture(scope="module")
def corrected() -> SchemaJudge:
    return SchemaJudge(build_document())


@pytest.mark.parametrize(("schema", "value"), REFUSED)
def test_the_published_document_refuses_and_ours_accepts(
    corrected: SchemaJudge, reference: Path, schema: str, value: Any
) -> None:
    published = SchemaJudge(build_document(reference / "openeo-api-1.3.0.yaml", apply_overlays=False))
    node = {"$ref": f"#/components/schemas/{schema}"}
    assert published.compile(node)(value) != []
    assert corrected.compile(node)(value) == []


STILL_REFUSED: list[tuple[str, Any]] = [
    ("process_json_schema", {"type": "text"}),
    ("collection", {**COLLECTION, "summaries": {"a": 1}}),
    ("batch_job_result", {**ITEM, "geometry": {"type": "Circle"}}),
    ("batch_job_result", {**ITEM, "geometry": "here"}),
    ("process_graph_with_metadata", {"process_graph": None}),
    ("process_graph_with_metadata", {**GRAPH, "id": "a b"}),
    ("process_graph_with_metadata", {**GRAPH, "parameters": [{"name": "x"}]}),
    ("process_graph_with_metadata", {**GRAPH, "returns": {}}),
    ("process_graph_with_metadata", {**GRAPH, "links": [{}]}),
    ("process_graph_with_metadata", {}),
    ("user_defined_process_meta", {"summary": "No id."}),
    ("service", {**SERVICE, "url": None}),
    ("user_defined_process_meta", {"id": "mine", "categories": "math"}),
]


@pytest.mark.parametrize(("schema", "value"), STILL_REFUSED)
def test_corrections_do_not_let_everything_pass(corrected: SchemaJudge, schema: str, value: Any) -> None:
    assert corrected.compile({"$ref": f"#/components/schemas/{schema}"})(value) != []


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("/files/{path}", "get", "path"),
        ("/files/{path}", "put", "path"),
        ("/files/{path}", "delete", "path"),
        ("/collections/{collection_id}", "get", "collection_id"),
        ("/collections/{collection_id}/queryables", "get", "collection_id"),
    ],
)
def test_paths_with_slashes_say_so_to_the_router(path: str, method: str, name: str) -> None:
    document = build_document()
    entries = [resolve(document, entry) for entry in document["paths"][path][method]["parameters"]]
    schema = next(entry["schema"] for entry in entries if entry["name"] == name)
    # connexion looks at the schema as it stands, without following a reference.
    assert (schema["type"], schema["format"]) == ("string", "path")


def test_costs_are_text_in_headers() -> None:
    paths = build_document()["paths"]
    for operation in (paths["/result"]["post"], paths["/jobs/{job_id}/results"]["get"]):
        assert operation["responses"]["200"]["headers"]["OpenEO-Costs"]["schema"]["type"] == "string"


def test_openapi_links_lead_to_operations_and_their_parameters() -> None:
    document = build_document()
    nodes = {
        node["operationId"]: node
        for item in document["paths"].values()
        for node in item.values()
        if "responses" in node
    }
    links = [
        link
        for node in nodes.values()
        for response in node["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) >= 10
    for link in links:
        entries = [resolve(document, entry) for entry in nodes[link["operationId"]]["parameters"]]
        assert set(link["parameters"]) <= {entry["name"] for entry in entries}


def properties(document: dict[str, Any], path: str, method: str = "get") -> set[str]:
    response = resolve(document, document["paths"][path][method]["responses"]["200"])
    schema = resolve(document, response["content"]["application/json"]["schema"])
    names: set[str] = set()
    todo = [schema]
    while todo:
        node = resolve(document, todo.pop())
        names |= set(node.get("properties", {}))
        todo += [*node.get("allOf", ()), *node.get("oneOf", ())]
    return names


MISSING = [
    "/collections",
    "/processes",
    "/file_formats",
    "/process_graphs",
    "/jobs",
    "/jobs/{job_id}",
    "/jobs/{job_id}/results",
    "/jobs/{job_id}/logs",
    "/services",
    "/files",
]
BACKENDS = [
    "/collections/{collection_id}",
    "/process_graphs/{process_graph_id}",
    "/jobs/{job_id}",
    "/jobs/{job_id}/results",
    "/services/{service_id}",
]


def test_federations_can_say_who_is_missing_and_who_has_it() -> None:
    document = build_document()
    assert [path for path in MISSING if "federation:missing" not in properties(document, path)] == []
    assert [path for path in BACKENDS if "federation:backends" not in properties(document, path)] == []
    assert "federation:backends" in properties(document, "/validation", "post")
    schemas = document["components"]["schemas"]
    for name in ("process", "base_parameter", "process_return_value", "file_format", "resource_parameter"):
        assert "federation:backends" in schemas[name]["properties"]


def test_federation_properties_are_judged(corrected: SchemaJudge) -> None:
    judge = corrected.compile({"$ref": "#/components/schemas/federation"})
    two = {"a": {"url": "https://a.example"}, "b": {"url": "https://b.example", "status": "offline"}}
    assert judge(two) == []
    assert judge({"a": two["a"]}) != []
    assert judge({**two, "b": {"title": "No URL"}}) != []
    collection = corrected.compile({"$ref": "#/components/schemas/collection"})
    named = {
        **COLLECTION,
        "summaries": {"federation:backends": ["a", "b"]},
        "federation:backends": ["a", "b"],
    }
    assert collection(named) == []
    assert collection({**named, "federation:backends": []}) != []
