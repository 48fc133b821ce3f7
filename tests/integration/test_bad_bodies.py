"""Whatever body a client sends, the answer is an openEO error that says what to change."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graphs import add

pytestmark = pytest.mark.usefixtures("without_faults")

JSON = {"Content-Type": "application/json"}

Expect = Callable[..., str]


def nested_arrays(depth: int) -> bytes:
    return (
        b'{"process_graph":{"a":{"process_id":"add","arguments":{"x":' + b"[" * depth + b"]" * depth + b"}}}}"
    )


def nested_callbacks(depth: int) -> bytes:
    head = b'{"process_graph":{"a":{"process_id":"apply","result":true,"arguments":{"data":1,"process":'
    innermost = json.dumps({"process_graph": {"a": add()}}).encode()
    return head * depth + innermost + b"}}}}" * depth


BODIES: dict[str, tuple[bytes, dict[str, str], int, str, str]] = {
    "no JSON": (b"{process_graph: 1}", {}, 400, "RequestInvalid", "not valid JSON.*line 1, column 2"),
    "empty": (b"", {}, 400, "RequestInvalid", "empty"),
    "blank": (b" \n", {}, 400, "RequestInvalid", "empty"),
    "array": (b"[]", {}, 400, "RequestInvalid", "the body: .*object"),
    "null": (b"null", {}, 400, "RequestInvalid", "the body: .*object"),
    "NaN": (b'{"process_graph":{"a":NaN}}', {}, 400, "RequestInvalid", "not valid JSON"),
    "number out of range": (b'{"process_graph":{"a":1e999}}', {}, 400, "RequestInvalid", "not valid JSON"),
    "no graph": (b"{}", {}, 400, "ProcessGraphMissing", "process_graph"),
    "array as graph": (b'{"process_graph":[]}', {}, 400, "ProcessGraphInvalid", "process_graph"),
    "node without process": (
        b'{"process_graph":{"a":{"arguments":{}}}}',
        {},
        400,
        "ProcessGraphInvalid",
        "process_graph/a: .*process_id",
    ),
    "node without arguments": (
        b'{"process_graph":{"a":{"process_id":"pi"}}}',
        {},
        400,
        "ProcessGraphInvalid",
        "process_graph/a: .*arguments",
    ),
    "number as node": (b'{"process_graph":{"a":1}}', {}, 400, "ProcessGraphInvalid", "process_graph/a: "),
    "invalid UTF-8": (b'{"process_graph":"\xff"}', {}, 400, "RequestInvalid", "byte 18 is not UTF-8"),
    "lone surrogate": (b'{"process_graph":"\\ud800"}', {}, 400, "RequestInvalid", "not valid JSON"),
    "UTF-16": ('{"process_graph":{}}'.encode("utf-16"), {}, 400, "RequestInvalid", "byte 0 is not UTF-8"),
    "50 MB": (b" " * 50_000_000, {}, 413, "RequestTooLarge", "16777216 bytes"),
    "no gzip": (b"{}", {"Content-Encoding": "gzip"}, 400, "RequestInvalid", "not valid gzip"),
    "half of gzip": (
        gzip.compress(b" " * 10_000)[:-12],
        {"Content-Encoding": "gzip"},
        400,
        "RequestInvalid",
        "ends too early",
    ),
    "gzip and more": (
        gzip.compress(b"{}") + b"{}",
        {"Content-Encoding": "gzip"},
        400,
        "RequestInvalid",
        "after the end",
    ),
    "gzip bomb": (
        gzip.compress(b" " * 100_000_000, compresslevel=1),
        {"Content-Encoding": "gzip"},
        413,
        "RequestTooLarge",
        "16777216 bytes",
    ),
    "unknown encoding": (b"{}", {"Content-Encoding": "br"}, 400, "ContentTypeInvalid", "gzip or deflate"),
    "wrong media type": (
        b"{}",
        {"Content-Type": "text/plain"},
        400,
        "ContentTypeInvalid",
        "application/json",
    ),
    "form": (b"a=1", {"Content-Type": "multipart/form-data"}, 400, "ContentTypeInvalid", "application/json"),
    "media type without sense": (
        b"{}",
        {"Content-Type": ";;=,"},
        400,
        "ContentTypeInvalid",
        "application/json",
    ),
    "100,000 arrays": (nested_arrays(100_000), {}, 400, "RequestInvalid", "depth limit"),
    "5,000 callbacks": (nested_callbacks(5_000), {}, 400, "RequestInvalid", "depth limit"),
}


@pytest.mark.parametrize("name", BODIES)
def test_bad_body(name: str, client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    content, headers, status, code, says = BODIES[name]
    answer = client.post("/validation", content=content, headers=JSON | headers)
    expect_error(answer, demo_server, status, code, says)


def test_large_body_in_chunks(client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    chunks = (b" " * 1_000_000 for _ in range(50))
    answer = client.post("/validation", content=chunks, headers=JSON)
    expect_error(answer, demo_server, 413, "RequestTooLarge", "16777216 bytes")


@pytest.mark.parametrize("content", [nested_arrays(500), nested_callbacks(60)], ids=["arrays", "callbacks"])
def test_deep_graph_is_a_fault_of_the_graph(content: bytes, client: httpx.Client) -> None:
    answer = client.post("/validation", content=content, headers=JSON)
    assert answer.status_code == 200
    assert [error["code"] for error in answer.json()["errors"]] == ["ProcessGraphInvalid"]
    assert "128 levels" in answer.json()["errors"][0]["message"]
