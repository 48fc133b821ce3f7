"""Whatever a client sends, the answer is an openEO error that says what to change, or a proper result."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
"""50 × 50 pixels."""
JSON = {"Content-Type": "application/json"}

Expect = Callable[..., str]
Graph = dict[str, Any]


@pytest.fixture(scope="module")
def token(demo_server: Any, token_of: Callable[..., str]) -> str:
    return token_of(demo_server)


@pytest.fixture(scope="module")
def client(demo_server: Any, token: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


def add(x: Any = 1, y: Any = 1, *, result: bool = True, **further: Any) -> Graph:
    return {"process_id": "add", "arguments": {"x": x, "y": y, **further}, "result": result}


def load(**arguments: Any) -> Graph:
    given = {"id": COLLECTION, "spatial_extent": BOX, "temporal_extent": ["2024-06-01", "2024-07-01"]}
    return {"process_id": "load_collection", "arguments": {**given, "bands": ["B04"], **arguments}}


def save(node: str = "load", format: str = "GTiff", **options: Any) -> Graph:
    arguments = {"data": {"from_node": node}, "format": format, "options": options}
    return {"process_id": "save_result", "arguments": arguments, "result": True}


def loading(**arguments: Any) -> Graph:
    return {"load": load(**arguments), "save": save()}


def boxed(**edges: Any) -> Graph:
    return loading(spatial_extent={**BOX, **edges})


def applied(child: Graph) -> Graph:
    arguments = {"data": {"from_node": "load"}, "process": {"process_graph": child}}
    return {"load": load(), "apply": {"process_id": "apply", "arguments": arguments}, "save": save("apply")}


def heavy(steps: int = 300) -> Graph:
    """Minutes of work on all pixels of all dates, when there are enough steps."""
    child: Graph = {}
    for step in range(steps):
        x = {"from_node": f"s{step - 1}"} if step else {"from_parameter": "x"}
        child[f"s{step}"] = {"process_id": "sin", "arguments": {"x": x}, "result": step == steps - 1}
    graph = applied(child)
    del graph["load"]["arguments"]["bands"]
    graph["load"]["arguments"] |= {"spatial_extent": None, "temporal_extent": None}
    mean = {"m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    reducing = {"data": {"from_node": "apply"}, "dimension": "t", "reducer": {"process_graph": mean}}
    graph["mean"] = {"process_id": "reduce_dimension", "arguments": reducing}
    return {**graph, "save": save("mean")}


def chain(length: int) -> Graph:
    graph = {"n0": add(result=False)}
    for i in range(1, length):
        graph[f"n{i}"] = add(x={"from_node": f"n{i - 1}"}, result=i == length - 1)
    return graph


# Faults that are found before anything runs: by /validation and by /result alike.
INVALID_GRAPHS: dict[str, tuple[Graph, str, str]] = {
    "wrong type": ({"a": add(x="one")}, "ProcessParameterInvalid", r"'x' of process 'add'.*number"),
    "missing argument": (
        {"a": {"process_id": "add", "arguments": {"x": 1}, "result": True}},
        "ProcessParameterRequired",
        "'y' is required",
    ),
    "unknown argument": ({"a": add(z=1)}, "ProcessParameterUnsupported", "'z'.*'x', 'y'"),
    "unknown process": (
        {"a": {"process_id": "spin", "arguments": {}, "result": True}},
        "ProcessUnsupported",
        "'spin'",
    ),
    "unknown namespace": ({"a": add() | {"namespace": "nowhere"}}, "ProcessUnsupported", "'nowhere'"),
    "namespace by URL": (
        {"a": add() | {"namespace": "http://127.0.0.1:1/x"}},
        "ProcessUnsupported",
        "namespace",
    ),
    "circle": (
        {"a": add(x={"from_node": "b"}, result=False), "b": add(x={"from_node": "a"})},
        "ProcessGraphInvalid",
        "circle: 'b' → 'a' → 'b'|circle: 'a' → 'b' → 'a'",
    ),
    "self reference": ({"a": add(x={"from_node": "a"})}, "ProcessGraphInvalid", "circle: 'a' → 'a'"),
    "dangling reference": (
        {"a": add(x={"from_node": "gone"})},
        "ProcessGraphInvalid",
        "'x' of node 'a'.*'gone'",
    ),
    "reference out of a callback": (
        applied({"b": add(x={"from_parameter": "x"}, y={"from_node": "load"})}),
        "ProcessGraphInvalid",
        "'load', which does not exist in this process graph",
    ),
    "two results": ({"a": add(), "b": add()}, "ProcessGraphInvalid", "'a', 'b'. Only one"),
    "no result": ({"a": add(result=False)}, "ProcessGraphInvalid", "Set 'result' to true"),
    "no nodes": ({}, "ProcessGraphInvalid", "At least one node"),
    "unknown parameter": ({"a": add(x={"from_parameter": "p"})}, "ProcessGraphInvalid", "'p'.*not available"),
    "no bands": (loading(bands=[]), "ProcessParameterInvalid", "'bands'.*less than 1 item"),
    "west = east": (boxed(east=BOX["west"]), "ProcessParameterInvalid", "'west'.*less than 'east'"),
    "west > east": (boxed(west=BOX["east"], east=BOX["west"]), "ProcessParameterInvalid", "less than 'east'"),
    "south > north": (
        boxed(south=BOX["north"], north=BOX["south"]),
        "ProcessParameterInvalid",
        "'south'.*less than 'north'",
    ),
    "end before start": (
        loading(temporal_extent=["2024-07-01", "2024-06-01"]),
        "TemporalExtentEmpty",
        "end.*later than its start",
    ),
    "both ends open": (loading(temporal_extent=[None, None]), "ProcessParameterInvalid", "'temporal_extent'"),
    "one end": (loading(temporal_extent=["2024-06-01"]), "ProcessParameterInvalid", "less than 2 items"),
    "30 February": (
        loading(temporal_extent=["2024-02-30", "2024-07-01"]),
        "ProcessParameterInvalid",
        "2024-02-30",
    ),
    "no date": (loading(temporal_extent=["now", "2024-07-01"]), "ProcessParameterInvalid", "now"),
    "scalar as GeoTIFF": (
        {"a": add(result=False), "save": save("a")},
        "ProcessParameterInvalid",
        "'data' of process 'save_result'.*data cube",
    ),
    "unavailable collection id": (loading(id="a\0b"), "ProcessParameterInvalid", "'id'"),
}

# Faults that need the data: found by /result.
FAILING_GRAPHS: dict[str, tuple[Graph, int, str, str]] = {
    "unknown collection": (loading(id="nowhere"), 404, "CollectionNotFound", "'nowhere'"),
    "collection with a long name": (loading(id="x" * 100_000), 404, "CollectionNotFound", "'xxx.* … xxx"),
    "path as collection": (loading(id="../../secret"), 404, "CollectionNotFound", "../../secret"),
    "unknown band": (
        loading(bands=["B99"]),
        400,
        "ProcessParameterInvalid",
        r"'B99'.*available.*B04 \(red\)",
    ),
    "unknown EPSG code": (boxed(crs=999999), 400, "ProcessParameterInvalid", "reference system is not known"),
    "path as CRS": (
        boxed(crs="/etc/passwd"),
        400,
        "ProcessParameterInvalid",
        "reference system is not known",
    ),
    "text as coordinate": (boxed(west="left"), 400, "ProcessParameterInvalid", "'spatial_extent'.*left"),
    "far outside": (
        loading(spatial_extent={"west": 100, "south": 0, "east": 101, "north": 1}),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "outside of the CRS": (
        loading(spatial_extent={"west": -1e300, "south": -1e300, "east": 1e300, "north": 1e300}),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "before there was data": (
        loading(temporal_extent=["1950-01-01", "1951-01-01"]),
        400,
        "NoDataAvailable",
        "extents",
    ),
    "GeoJSON without sense": (
        loading(spatial_extent={"type": "Polygon", "coordinates": [[[1, 2], [3]]]}),
        400,
        "ProcessParameterInvalid",
        "coordinates of the GeoJSON",
    ),
    "point": (
        loading(spatial_extent={"type": "Point", "coordinates": [10.7, 47.6]}),
        400,
        "ProcessParameterInvalid",
        "'spatial_extent'",
    ),
    "unknown format": (
        {"load": load(), "save": save(format="WORD")},
        400,
        "ProcessParameterInvalid",
        "'WORD'.*Choose one of: GTiff",
    ),
    "unknown option": (
        {"load": load(), "save": save(shine=1)},
        400,
        "ProcessParameterInvalid",
        "'shine'. Its options: .*'compress'",
    ),
    "wrong option": (
        {"load": load(), "save": save(compress="magic")},
        400,
        "ProcessParameterInvalid",
        "'compress'|magic",
    ),
    "file name with a path": (
        {"load": load(), "save": save(filename_prefix="../../tmp/x")},
        400,
        "ProcessParameterInvalid",
        "filename_prefix",
    ),
    "unknown dimension": (
        {
            "load": load(),
            "drop": {
                "process_id": "drop_dimension",
                "arguments": {"data": {"from_node": "load"}, "name": "q"},
            },
            "save": save("drop"),
        },
        400,
        "DimensionNotAvailable",
        "'q'.*Available: t, bands, y, x",
    ),
}


@pytest.mark.parametrize("name", INVALID_GRAPHS)
def test_invalid_graph(name: str, client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    graph, code, says = INVALID_GRAPHS[name]
    validation = client.post("/validation", json={"process_graph": graph})
    assert validation.status_code == 200
    assert code in [error["code"] for error in validation.json()["errors"]]
    result = client.post("/result", json={"process": {"process_graph": graph}})
    message = expect_error(result, demo_server, 400, code, says)
    assert message in [error["message"] for error in validation.json()["errors"]]


@pytest.mark.parametrize("name", FAILING_GRAPHS)
def test_failing_graph(name: str, client: httpx.Client, demo_server: Any, expect_error: Expect) -> None:
    graph, status, code, says = FAILING_GRAPHS[name]
    assert client.post("/validation", json={"process_graph": graph}).status_code == 200
    result = client.post("/result", json={"process": {"process_graph": graph}})
    expect_error(result, demo_server, status, code, says)


@pytest.mark.parametrize(
    ("graph", "media_type", "content"),
    [
        ({"a": add()}, "application/json", b"2"),
        (
            {"a": {"process_id": "divide", "arguments": {"x": 1, "y": 0}, "result": True}},
            "application/json",
            None,
        ),
        ({"load": load() | {"result": True}}, "image/tiff", None),
        (
            applied(
                {
                    "d": {
                        "process_id": "divide",
                        "arguments": {"x": {"from_parameter": "x"}, "y": 0},
                        "result": True,
                    }
                }
            ),
            "image/tiff",
            None,
        ),
        (boxed(west=-1e308, south=-1e308, east=1e308, north=1e308), "image/tiff", None),
        (chain(20_000), "application/json", b"20001"),
    ],
    ids=["scalar", "1 / 0", "cube without save_result", "cube / 0", "boundless box", "chain of 20,000 nodes"],
)
def test_unusual_but_valid(
    graph: Graph, media_type: str, content: bytes | None, client: httpx.Client
) -> None:
    assert client.post("/validation", json={"process_graph": graph}).json() == {"errors": []}
    result = client.post("/result", json={"process": {"process_graph": graph}})
    assert result.status_code == 200, result.text
    assert result.headers["content-type"].startswith(media_type)
    assert content is None or result.content == content


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


def expired_token(server: Any) -> str:
    from connexeo.drivers.local.accounts.tokens import Tokens

    secret = (Path(server.data) / "secret").read_bytes()
    issuer = Tokens([secret], issuer="connexeo", lifetime=60, now=lambda: time.time() - 3600)
    return "Bearer basic//" + issuer.issue("demo", 0)


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "AuthenticationRequired"),
        ("", 401, "AuthenticationRequired"),
        ("Bearer", 403, "TokenInvalid"),
        ("Bearer x", 403, "TokenInvalid"),
        ("Bearer basic//", 403, "TokenInvalid"),
        ("Bearer basic//a.b.c", 403, "TokenInvalid"),
        ("Bearer basic/x/y", 403, "TokenInvalid"),
        ("Bearer oidc/nowhere/a.b.c", 403, "TokenInvalid"),
        ("Bearer a.b.c", 403, "TokenInvalid"),
        ("Bearer ../../secret", 403, "TokenInvalid"),
        ("Bearer basic//" + "x" * 20_000, 403, "TokenInvalid"),
        (b"Bearer basic//\xff\xfe", 403, "TokenInvalid"),
        ("Basic ZGVtbzpkZW1v", 403, "AuthenticationSchemeInvalid"),
        ("Digest username=demo", 403, "AuthenticationSchemeInvalid"),
    ],
)
def test_bad_token(
    authorization: Any, status: int, code: str, demo_server: Any, expect_error: Expect
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(f"{demo_server.url}/me", headers=headers)
    expect_error(answer, demo_server, status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_token_that_is_wrong_by_a_letter_or_too_old(
    token: str, demo_server: Any, expect_error: Expect
) -> None:
    swapped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    for authorization in (f"Bearer {swapped}", expired_token(demo_server)):
        answer = httpx.get(f"{demo_server.url}/me", headers={"Authorization": authorization})
        expect_error(answer, demo_server, 403, "TokenInvalid")


def test_bad_token_is_refused_where_none_is_needed(demo_server: Any, expect_error: Expect) -> None:
    answer = httpx.get(f"{demo_server.url}/collections", headers={"Authorization": "Bearer x"})
    expect_error(answer, demo_server, 403, "TokenInvalid")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "AuthenticationRequired"),
        ("Basic", 403, "CredentialsInvalid"),
        ("Basic ???", 403, "CredentialsInvalid"),
        ("Basic ZGVtbw==", 403, "CredentialsInvalid"),
        ("Basic /////w==", 403, "CredentialsInvalid"),
        ("Basic bm9ib2R5Om5vdGhpbmc=", 403, "CredentialsInvalid"),
        ("Bearer x", 403, "AuthenticationSchemeInvalid"),
    ],
)
def test_bad_credentials(
    authorization: str | None, status: int, code: str, demo_server: Any, expect_error: Expect
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    expect_error(
        httpx.get(f"{demo_server.url}/credentials/basic", headers=headers), demo_server, status, code
    )


def send(server: Any, head: bytes, body: bytes = b"") -> httpx.Response:
    """Send bytes that no client would, and read the one answer."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(head + b"\r\nHost: test\r\nConnection: close\r\n\r\n" + body)
        received = b""
        while part := connection.recv(65536):
            received += part
    start, _, content = received.partition(b"\r\n\r\n")
    status, *lines = start.decode("latin-1").split("\r\n")
    headers = [line.split(": ", 1) for line in lines]
    return httpx.Response(int(status.split()[1]), headers=[(k, v) for k, v in headers], content=content)


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        (b"GET /nowhere HTTP/1.1", 404, "NotFound"),
        (b"GET //collections HTTP/1.1", 404, "NotFound"),
        (b"GET //evil.example/ HTTP/1.1", 404, "NotFound"),
        (b"GET /collections/ HTTP/1.1", 404, None),
        (b"GET /../../etc/passwd HTTP/1.1", 404, "NotFound"),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", 404, "NotFound"),
        (b"GET /collections/../../etc/passwd HTTP/1.1", 404, "CollectionNotFound"),
        (b"GET /collections/..%2f..%2fsecret HTTP/1.1", 404, "CollectionNotFound"),
        (b"GET /collections//etc/passwd HTTP/1.1", 404, "CollectionNotFound"),
        (b"GET /collections/%00 HTTP/1.1", 404, None),
        (b"GET /collections/%ff%fe HTTP/1.1", 404, None),
        (b"GET /collections/a%00b/queryables HTTP/1.1", 404, None),
        (b"GET /%00 HTTP/1.1", 404, "NotFound"),
        (b"GET /" + b"a" * 60_000 + b" HTTP/1.1", 404, "NotFound"),
        (b"GET /collections?limit=0 HTTP/1.1", 400, "RequestInvalid"),
        (b"GET /collections?limit=" + b"9" * 5000 + b" HTTP/1.1", 400, "RequestInvalid"),
        (b"GET /collections?limit=%ff HTTP/1.1", 400, "RequestInvalid"),
        (b"DELETE /collections HTTP/1.1", 405, "MethodNotAllowed"),
        (b"PUT / HTTP/1.1", 405, "MethodNotAllowed"),
        (b"TRACE / HTTP/1.1", 405, "MethodNotAllowed"),
        (b"GET /jobs HTTP/1.1", 401, "AuthenticationRequired"),
        (b"POST /validation HTTP/1.1", 400, "RequestInvalid"),
        (b"GET /me HTTP/1.1\r\nAuthorization: Bearer ", 403, "TokenInvalid"),
        (b"GET /collections HTTP/1.1\r\nAuthorization: \x80\x81", 403, "AuthenticationSchemeInvalid"),
        (b"GET /me HTTP/1.1\r\nX-Request-ID: <script>\r\nCookie: ;;;=\xff", 401, "AuthenticationRequired"),
        (b"GET /nowhere HTTP/1.0", 404, "NotFound"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_bad_request_line(
    request_line: bytes, status: int, code: str | None, demo_server: Any, expect_error: Expect
) -> None:
    answer = send(demo_server, request_line)
    expect_error(answer, demo_server, status, code or answer.json()["code"])
    assert "script" not in answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "head",
    [
        b"GARBAGE",
        b"GET / HTTP/9.9",
        b"GET / HTTP/1.1\r\nno colon here",
        b"POST /validation HTTP/1.1\r\nContent-Length: -5",
        b"POST /validation HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"GET / HTTP/1.1\r\nX: a\x00b",
    ],
)
def test_what_is_no_http_is_refused(head: bytes, demo_server: Any) -> None:
    answer = send(demo_server, head)
    assert answer.status_code == 400
    assert len(answer.text) < 100


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nContent-Length: 5",
        b'GET / HTTP/1.1\r\nAccept: ,,;q=x\r\nAccept-Encoding: ;;q\r\nIf-None-Match: "',
        b"GET / HTTP/1.1\r\n" + b"\r\n".join(b"X-%d: %s" % (i, b"y" * 500) for i in range(100)),
        b"GET /collections?offset=&limit=&unknown=1 HTTP/1.1",
    ],
    ids=["body on GET", "junk in headers", "50 KB of headers", "empty and unknown parameters"],
)
def test_oddities_that_do_no_harm(head: bytes, demo_server: Any) -> None:
    answer = send(demo_server, head, b"hello")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


def test_no_request_made_the_server_fail(demo_server: Any, client: httpx.Client) -> None:
    assert client.get("/me").status_code == 200
    log = demo_server.log.read_text()
    assert "request.failed" not in log
    assert "Traceback" not in log


@pytest.fixture(scope="module")
def limited_server(
    start_server: Callable[..., Any], run_command: Callable[..., Any], demo_data: Path, tmp_path_factory: Any
) -> Any:
    """A server with tight limits and two accounts of its own."""
    data = tmp_path_factory.mktemp("limited")
    for name in ("maria", "jonas"):
        added = run_command("users", "add", name, "--password-stdin", "--data", data, text="correct horse\n")
        assert added.returncode == 0, added.stderr
    return start_server(
        data=data, catalogues=demo_data / "demo", result_timeout=6, result_memory=2**26, max_body=100_000
    )


@pytest.fixture(scope="module")
def limited(limited_server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    token = token_of(limited_server, "maria", "correct horse")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=limited_server.url, headers=headers, timeout=60) as client:
        yield client


def compute(client: httpx.Client, graph: Graph) -> httpx.Response:
    return client.post("/result", json={"process": {"process_graph": graph}})


def assert_computes(client: httpx.Client) -> None:
    """Both workers still compute: the requests are sent on connections of their own."""
    for _ in range(6):
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60) as fresh:
            answer = compute(fresh, {"a": add()})
        assert (answer.status_code, answer.text) == (200, "2")


def kill_computing(server: Any) -> None:
    for process in server.computing():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def nothing_computes(limited_server: Any, wait_until: Callable[..., None]) -> None:
    """The children that wait for work are gone, so that one that is there computes."""
    kill_computing(limited_server)
    wait_until(lambda: not limited_server.computing(), "a killed process lives")


@pytest.mark.usefixtures("nothing_computes")
def test_graph_that_takes_too_long(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    answer = compute(limited, heavy())
    expect_error(answer, limited_server, 408, "RequestTimeout", "6 s.*smaller extent")
    assert not limited_server.computing()
    assert_computes(limited)


def test_result_that_is_too_large(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    graph = loading(spatial_extent=None, temporal_extent=None, bands=None)
    answer = compute(limited, graph)
    expect_error(answer, limited_server, 400, "ProcessGraphComplexity", "64 MB.*smaller extent")


def test_more_memory_than_there_is(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    """The limit is about 1.3 GB here; the array would take 8 GB."""
    repeated = {"process_id": "array_create", "arguments": {"data": [1], "repeat": 10**9}, "result": True}
    answer = compute(limited, {"a": repeated})
    expect_error(answer, limited_server, 400, "ProcessGraphComplexity", "more memory.*smaller extent")
    assert_computes(limited)


def test_body_beyond_the_setting(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    answer = compute(limited, chain(5_000))
    expect_error(answer, limited_server, 413, "RequestTooLarge", "100000 bytes")


@pytest.mark.usefixtures("nothing_computes")
def test_computation_that_is_killed(
    limited: httpx.Client, limited_server: Any, expect_error: Expect, wait_until: Callable[..., None]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(compute, limited, heavy())
        wait_until(limited_server.computing, "nothing is computed")
        kill_computing(limited_server)
        message = expect_error(answer.result(60), limited_server, 500, "Internal", "ended unexpectedly")
    assert "SIGKILL" not in message
    assert_computes(limited)


def test_idle_children_that_are_killed(limited: httpx.Client, limited_server: Any) -> None:
    assert_computes(limited)
    assert limited_server.computing()
    kill_computing(limited_server)
    assert_computes(limited)


@pytest.mark.usefixtures("nothing_computes")
def test_client_that_goes_away(
    limited: httpx.Client, limited_server: Any, wait_until: Callable[..., None]
) -> None:
    body = json.dumps({"process": {"process_graph": heavy()}}).encode()
    head = [
        "POST /result HTTP/1.1",
        "Host: test",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Authorization: {limited.headers['Authorization']}",
        "X-Request-ID: impatient",
    ]
    address = urlsplit(limited_server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        wait_until(limited_server.computing, "nothing is computed")
    wait_until(lambda: not limited_server.computing(), "the computation goes on")

    def logged() -> list[int]:
        lines = [json.loads(line) for line in limited_server.log.read_text().splitlines() if line[0] == "{"]
        return [line["status"] for line in lines if line.get("request_id") == "impatient"]

    wait_until(logged, "the request is not logged")
    assert logged() == [499]
    assert_computes(limited)


@pytest.mark.usefixtures("nothing_computes")
def test_worker_that_dies_takes_its_computation_along(
    limited: httpx.Client, limited_server: Any, wait_until: Callable[..., None]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(compute, limited, heavy())
        wait_until(limited_server.computing, "nothing is computed")
        (busy,) = limited_server.computing()
        status = Path(f"/proc/{busy}/status").read_text()
        (worker,) = re.findall(r"^PPid:\s*(\d+)$", status, re.MULTILINE)
        os.kill(int(worker), signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            answer.result(60)
    wait_until(lambda: not Path(f"/proc/{busy}").exists(), "the computation goes on")
    wait_until(lambda: len(limited_server.workers()) == 2, "the worker is not replaced")
    assert_computes(limited)


def test_user_who_is_disabled(
    limited_server: Any,
    token_of: Callable[..., str],
    run_command: Callable[..., Any],
    expect_error: Expect,
    wait_until: Callable[..., None],
) -> None:
    headers = {"Authorization": f"Bearer {token_of(limited_server, 'jonas', 'correct horse')}"}
    url = f"{limited_server.url}/me"
    assert httpx.get(url, headers=headers).json()["user_id"] == "jonas"
    disabled = run_command("users", "disable", "jonas", "--data", limited_server.data)
    assert disabled.returncode == 0, disabled.stderr

    def refused() -> bool:
        # By both workers, each of which trusts a token that it has seen for a few seconds.
        return all(httpx.get(url, headers=headers).status_code == 403 for _ in range(20))

    wait_until(refused, "the token is still good")
    expect_error(httpx.get(url, headers=headers), limited_server, 403, "PermissionsInsufficient")
    login = httpx.get(f"{limited_server.url}/credentials/basic", auth=("jonas", "correct horse"))
    expect_error(login, limited_server, 403, "PermissionsInsufficient")


def test_results_leave_no_files(limited_server: Any) -> None:
    assert list(limited_server.temporary.glob("connexeo-result-*")) == []
