"""Whatever bytes arrive, the answer is an openEO error, or none of the application at all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.usefixtures("without_faults")

Expect = Callable[..., str]


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


@pytest.mark.parametrize(
    "name",
    [
        "a%0d%0aX-Evil:%201.txt",
        "a%0aSet-Cookie:%20a=b",
        'a"; filename="evil.html',
        "a;b,c'.txt",
        "ä%e2%80%ae.txt",
    ],
)
def test_names_of_files_make_no_headers(name: str, client: httpx.Client, demo_server: Any) -> None:
    upload = {"Content-Type": "application/octet-stream"}
    stored = client.put(f"/files/headers/{name}", content=b"content", headers=upload)
    assert stored.status_code in (200, 400, 404), stored.text
    answer = client.get(f"/files/headers/{name}")
    assert answer.status_code == (200 if stored.status_code == 200 else 404), answer.text
    for one in (stored, answer):
        assert not {"x-evil", "set-cookie"} & set(one.headers)
        assert "text/html" not in one.headers["content-type"]
    if stored.status_code == 200:
        assert client.delete(f"/files/headers/{name}").status_code == 204
