"""Parameters and bodies: what is refused, how it is said, and what has to be accepted."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from asgi_client import TOKEN, Client
from connexeo.generated.errors import HTTP_STATUS, RequestInvalid
from connexeo.server.contract import Parameter
from connexeo.server.schema import SchemaCompiler
from connexeo.server.validation import ParameterReader
from fake_driver import FakeDriver

MakeClient = Callable[..., Client]
JSON = {"Content-Type": "application/json"}
PROCESS = {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
BODY = json.dumps(PROCESS).encode()


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "limit=" + "9" * 5000, "limit=%31x"]
)
def test_wrong_query_parameter(client: Client, query: str) -> None:
    response = client.get(f"/collections?{query}")
    assert response.status_code == 400
    assert response.json()["code"] == "RequestInvalid"
    assert "'limit'" in response.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=",
        "limit=&offset=",
        "offset=",
        "limit=" + "9" * 31,
        "unknown=1",
        "limit=1&unknown",
        "&&",
        "limit=5&limit=1",
    ],
)
def test_query_that_is_accepted(client: Client, query: str) -> None:
    assert client.get(f"/collections?{query}").status_code == 200


@pytest.mark.parametrize("query", ["limit=%ff", "x=%c3%28"])
def test_query_that_is_not_utf8(client: Client, query: str) -> None:
    response = client.get(f"/collections?{query}")
    assert response.status_code == 400
    assert "UTF-8" in response.json()["message"]


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "9" * 1000, 10**1000 - 1),
        ({"type": "number"}, "1.5e3", 1500.0),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "False", False),
        ({"type": "array", "items": {"type": "string"}}, "a,b", ["a", "b"]),
        ({"type": "string", "enum": ["asc", "desc"]}, "asc", "asc"),
        ({}, "anything", "anything"),
    ],
)
def test_parameter_types(schema: dict[str, Any], text: str, value: object) -> None:
    assert reader(schema).read(text) == value


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer"}, "1_000"),
        ({"type": "integer"}, "١٢"),
        ({"type": "integer"}, "١٢x"),
        ({"type": "number"}, "many"),
        ({"type": "boolean"}, "yes"),
        ({"type": "string", "pattern": "^a+$"}, "b"),
        ({"type": "string", "enum": ["asc", "desc"]}, "up"),
    ],
)
def test_parameter_of_the_wrong_type(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(RequestInvalid, match="query parameter 'p'"):
        reader(schema).read(text)


def reader(schema: dict[str, Any]) -> ParameterReader:
    return ParameterReader(Parameter("p", "p", "query", False, schema), SchemaCompiler({}))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
        "application/geo+json",
        "application/merge-patch+json",
    ],
)
def test_media_types_of_json(client: Client, content_type: str) -> None:
    response = client.post("/validation", content=BODY, headers={"Content-Type": content_type})
    assert response.json() == {"errors": []}


def test_body_without_a_media_type_is_taken_for_json(client: Client) -> None:
    request = client.send_chunks("POST", "/validation", [BODY])
    assert "content-type" not in request.request.headers
    assert request.status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", ""]
)
def test_other_media_types(client: Client, content_type: str) -> None:
    response = client.post("/validation", content=BODY, headers={"Content-Type": content_type})
    assert response.status_code == HTTP_STATUS["ContentTypeInvalid"]
    assert response.json()["code"] == "ContentTypeInvalid"
    assert "application/json" in response.json()["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"a": 1,}', "not valid JSON"),
        (b"{}{}", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": Infinity}', "not valid JSON"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        ("{}".encode("utf-16"), "byte 0 is not UTF-8"),
        (b'"\\ud800"', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b"5", "object"),
    ],
    ids=range(15),
)
def test_body_that_is_no_json_object(client: Client, body: bytes, said: str) -> None:
    response = client.post("/validation", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["code"] == "RequestInvalid"
    assert said in response.json()["message"]
    assert len(response.content) < 2000


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({}, "ProcessGraphMissing", ""),
        ({"process_graph": None}, "ProcessGraphInvalid", "process_graph"),
        ({"process_graph": 5}, "ProcessGraphInvalid", "process_graph"),
        ({"process_graph": {"a": {"arguments": {}}}}, "ProcessGraphInvalid", "process_graph/a"),
        (
            {"process_graph": {"a": {"process_id": 5, "arguments": {}}}},
            "ProcessGraphInvalid",
            "process_graph/a/process_id",
        ),
        ({"process_graph": {"a": []}}, "ProcessGraphInvalid", "process_graph/a"),
        ({**PROCESS, "id": "white space"}, "RequestInvalid", "id"),
        ({**PROCESS, "parameters": {}}, "RequestInvalid", "parameters"),
    ],
)
def test_body_that_the_schema_refuses(client: Client, body: dict[str, Any], code: str, said: str) -> None:
    response = client.post("/validation", json=body)
    assert (response.status_code, response.json()["code"]) == (400, code), response.text
    assert said in response.json()["message"]


def test_process_of_a_result_request_has_the_same_codes(client: Client) -> None:
    for body, code in (
        ({}, "ProcessGraphMissing"),
        ({"process": {}}, "ProcessGraphMissing"),
        ({"process": {"process_graph": []}}, "ProcessGraphInvalid"),
        ({"process": PROCESS, "budget": "much"}, "RequestInvalid"),
    ):
        response = client.post("/result", json=body, headers=TOKEN)
        assert (response.status_code, response.json()["code"]) == (400, code), response.text


def test_refused_value_is_cut_in_the_message(client: Client) -> None:
    response = client.post("/validation", json={**PROCESS, "id": "white space " * 10_000})
    assert response.status_code == 400
    assert len(response.json()["message"]) < 500


@pytest.mark.parametrize(
    "extra",
    [
        {"unknown": {"deep": [1]}},
        {"id": None},
        {"summary": None, "description": None},
        {"parameters": [{"name": "x", "description": "x", "schema": {"type": "number"}}]},
        {"parameters": [{"name": "x", "description": "x", "schema": [{"type": "number"}, {"type": "null"}]}]},
        {"returns": {"schema": {}}},
    ],
)
def test_process_that_clients_send(client: Client, extra: dict[str, Any]) -> None:
    response = client.post("/validation", json={**PROCESS, **extra})
    assert (response.status_code, response.json()) == (200, {"errors": []})


def test_nulls_in_a_result_request(client: Client) -> None:
    body = {"title": None, "description": None, "process": PROCESS, "plan": None, "budget": None}
    assert client.post("/result", json=body, headers=TOKEN).status_code == 200


def test_handler_gets_the_body_as_it_came(client: Client, driver: FakeDriver) -> None:
    process = {**PROCESS, "unknown": [1, 2.5, None, "Grüße", {"a": 2**60}]}
    client.post("/validation", json=process)
    assert driver.data_processing.seen[-1] == process


def test_last_of_repeated_keys_counts(client: Client, driver: FakeDriver) -> None:
    body = b'{"summary": "first", "summary": "second", ' + BODY[1:]
    assert client.post("/validation", content=body, headers=JSON).status_code == 200
    assert driver.data_processing.seen[-1]["summary"] == "second"


def test_body_in_chunks(client: Client) -> None:
    chunks = [BODY[index : index + 7] for index in range(0, len(BODY), 7)]
    response = client.send_chunks("POST", "/validation", chunks, content_type="application/json")
    assert response.request.headers["transfer-encoding"] == "chunked"
    assert (response.status_code, response.json()) == (200, {"errors": []})


def test_empty_body_in_chunks(client: Client) -> None:
    response = client.send_chunks("POST", "/validation", [], content_type="application/json")
    assert response.json()["code"] == "RequestInvalid"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
    ],
)
def test_compressed_body(client: Client, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    assert client.post("/validation", content=compress(BODY), headers=headers).json() == {"errors": []}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BODY, "not valid gzip"),
        (gzip.compress(BODY)[:-9], "too early"),
        (gzip.compress(BODY)[:-4] + b"0000", "not valid gzip"),
        (gzip.compress(BODY) + gzip.compress(b" "), "goes on"),
        (b"", "too early"),
    ],
    ids=["plain", "truncated", "checksum", "trailing", "empty"],
)
def test_broken_compressed_body(client: Client, body: bytes, said: str) -> None:
    response = client.post("/validation", content=body, headers={**JSON, "Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["code"]) == (400, "RequestInvalid")
    assert said in response.json()["message"]


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_unknown_compression(client: Client, encoding: str) -> None:
    response = client.post("/validation", content=BODY, headers={**JSON, "Content-Encoding": encoding})
    assert response.json()["code"] == "ContentTypeInvalid"


@pytest.fixture(scope="module")
def limit() -> int:
    """Bytes of a body that the server of ``narrow`` takes."""
    return 4096


@pytest.fixture
def narrow(make_client: MakeClient, limit: int) -> Client:
    """A client of a server that takes small bodies only."""
    return make_client(max_body=limit)


def test_body_of_exactly_the_largest_size(narrow: Client, limit: int) -> None:
    assert narrow.post("/validation", content=BODY.ljust(limit), headers=JSON).status_code == 200


def test_body_that_is_announced_as_too_large(narrow: Client, limit: int) -> None:
    response = narrow.post("/validation", content=BODY.ljust(limit + 1), headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "RequestTooLarge")


def test_body_that_turns_out_too_large(narrow: Client, limit: int) -> None:
    chunks = [b" " * 100] * (limit // 100 + 1)
    response = narrow.send_chunks("POST", "/validation", chunks, content_type="application/json")
    assert response.status_code == 413


def test_body_that_unpacks_too_large(narrow: Client) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    compressed_twice_over = bomb[:4000]
    response = narrow.post(
        "/validation", content=compressed_twice_over, headers={**JSON, "Content-Encoding": "gzip"}
    )
    assert response.status_code == 413


@pytest.mark.parametrize("depth", [50, 200, 400])
def test_deeply_nested_arguments(client: Client, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    body = f'{{"process_graph": {{"a": {{"process_id": "add", "arguments": {{"x": {nested}}}}}}}}}'
    response = client.post("/validation", content=body, headers=JSON)
    assert response.status_code == 200, response.text


def test_deeply_nested_wrong_process(client: Client) -> None:
    depth = 300
    node = '{"a": {"process_id": "apply", "arguments": {"process": {"process_graph": ' * depth
    body = '{"process_graph": ' + node + "5" + "}}}}" * depth + "}"
    response = client.post("/validation", content=body, headers=JSON)
    assert response.status_code in (200, 400)


def test_large_body_is_read(client: Client) -> None:
    nodes = {f"n{i}": {"process_id": "add", "arguments": {"x": i, "y": 1}} for i in range(20_000)}
    response = client.post("/validation", json={"process_graph": nodes})
    assert response.json() == {"errors": []}
