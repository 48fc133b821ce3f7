"""Discovery documents: validators, compression, and who gets the kept ones."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from asgi_client import TOKEN, Client
from connexeo.server.documents import LARGE, Document, DocumentStore, PublicDocuments, cache_key
from fake_driver import FakeDriver, make_collection

MakeClient = Callable[..., Client]
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


@pytest.fixture
def cached(make_client: MakeClient, driver: FakeDriver) -> Client:
    """A client of a server that keeps documents for longer than any test takes."""
    return make_client(driver, discovery_cache=3600)


def listed(response: httpx.Response) -> list[str]:
    return [collection["id"] for collection in response.json()["collections"]]


def test_kept_document_is_answered_without_the_driver(cached: Client, driver: FakeDriver) -> None:
    first, second = cached.get("/collections"), cached.get("/collections")
    assert driver.data_discovery.calls == 1
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]


def test_document_is_asked_for_again_when_it_is_old(make_client: MakeClient, driver: FakeDriver) -> None:
    client = make_client(driver, discovery_cache=0)
    before = client.get("/collections")
    driver.data_discovery.collections["new"] = make_collection("new")
    after = client.get("/collections")
    assert listed(after) == [*listed(before), "new"]
    assert after.headers["etag"] != before.headers["etag"]


def test_user_never_gets_the_anonymous_document_nor_the_reverse(cached: Client, driver: FakeDriver) -> None:
    assert "hidden" not in listed(cached.get("/collections"))
    mine = cached.get("/collections", headers=TOKEN)
    assert "hidden" in listed(mine)
    assert mine.headers["cache-control"].startswith("private")
    assert "hidden" not in listed(cached.get("/collections"))
    assert cached.get("/collections", headers={"Authorization": "Bearer basic//no"}).status_code == 403
    assert driver.data_discovery.calls == 2


def test_kept_documents_differ_by_query_host_and_accept(cached: Client) -> None:
    assert listed(cached.get("/collections?limit=1")) == ["alpha"]
    assert listed(cached.get("/collections")) == ["alpha", "deep/er/beta"]
    assert listed(cached.get("/collections?limit=1&offset=1")) == ["deep/er/beta"]
    for host in ("a.test", "b.test"):
        links = cached.get("/collections", headers={"Host": host}).json()["links"]
        assert links[0]["href"] == f"http://{host}/collections"
    assert cached.get("/", headers=PAGE).headers["content-type"] == "text/html; charset=utf-8"
    assert cached.get("/").headers["content-type"] == "application/json"
    assert cached.get("/", headers=PAGE).headers["content-type"] == "text/html; charset=utf-8"


def test_client_that_prefers_json_does_not_spoil_the_page(cached: Client) -> None:
    both = cached.get("/", headers={"Accept": "application/json, text/html"})
    assert both.headers["content-type"] == "application/json"
    assert cached.get("/", headers=PAGE).headers["content-type"].startswith("text/html")


def test_repeated_host_header_does_not_spoil_the_document_of_another_host(cached: Client) -> None:
    cached.get("/collections", headers=[("Host", "evil.test"), ("Host", "good.test")])
    links = cached.get("/collections", headers={"Host": "good.test"}).json()["links"]
    assert links[0]["href"] == "http://good.test/collections"


def test_errors_are_not_kept(cached: Client, driver: FakeDriver) -> None:
    assert cached.get("/collections/new").status_code == 404
    driver.data_discovery.collections["new"] = make_collection("new")
    assert cached.get("/collections/new").status_code == 200


def test_not_modified(cached: Client) -> None:
    first = cached.get("/collections")
    etag = first.headers["etag"]
    for wanted in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        response = cached.get("/collections", headers={"If-None-Match": wanted})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == etag
        assert response.headers["vary"] == first.headers["vary"]
        assert response.headers["access-control-allow-origin"] == "*"
    assert cached.get("/collections", headers={"If-None-Match": '"other"'}).status_code == 200


def test_not_modified_for_users(cached: Client) -> None:
    etag = cached.get("/collections", headers=TOKEN).headers["etag"]
    assert cached.get("/collections", headers={**TOKEN, "If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br;q=1, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("gzip; q=0.0", None),
        ("xgzip", None),
    ],
)
def test_compression(cached: Client, accepted: str, encoding: str | None) -> None:
    response = cached.get("/processes", headers={"Accept-Encoding": accepted})
    assert response.headers.get("content-encoding") == encoding
    assert "Accept-Encoding" in response.headers["vary"]
    assert response.json()["processes"]


def test_user_documents_are_not_compressed_and_small_ones_neither(cached: Client) -> None:
    gzipped = {"Accept-Encoding": "gzip"}
    assert "content-encoding" not in cached.get("/processes", headers={**TOKEN, **gzipped}).headers
    assert "content-encoding" not in cached.get("/.well-known/openeo", headers=gzipped).headers


def test_compressed_document_is_the_document() -> None:
    document = Document.of({"key": "x" * 5000}, public=True)
    assert document.compressed is not None
    assert gzip.decompress(document.compressed) == document.body


def test_equal_document_is_kept_as_it_was() -> None:
    first = Document.of({"a": 1}, public=True)
    assert Document.of({"a": 1}, public=True, previous=first) is first
    assert Document.of({"a": 2}, public=True, previous=first) is not first


def test_store_forgets_the_oldest() -> None:
    store = DocumentStore(60, entries=2)
    document = Document.of({}, public=True)
    keys = [(f"/{number}", b"", b"", False) for number in range(3)]
    for key in keys:
        store.put(key, document, "any")
    assert [store.fresh(key) is not None for key in keys] == [False, True, True]


def test_store_is_bounded_in_bytes() -> None:
    store = DocumentStore(60, size=2500)
    for number in range(50):
        store.put((f"/{number % 4}", b"", b"", False), Document.of(b"x" * 1000, public=False), "any")
    kept = [number for number in range(4) if store.fresh((f"/{number}", b"", b"", False)) is not None]
    assert kept == [0, 1]


def test_store_forgets_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    store = DocumentStore(5)
    key = ("/", b"", b"", False)
    document = Document.of({}, public=True)
    store.put(key, document, "capabilities")
    clock[0] = 104.9
    entry = store.fresh(key)
    assert entry is not None
    assert (entry.document, entry.operation_id) == (document, "capabilities")
    clock[0] = 105.1
    assert store.fresh(key) is None
    assert store.previous(key) is document


@pytest.mark.parametrize(
    ("method", "headers"),
    [("POST", []), ("GET", [(b"authorization", b"")]), ("GET", [(b"authorization", b"Bearer x")])],
)
def test_requests_without_a_key(method: str, headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"method": method, "headers": headers, "path": "/", "query_string": b"", "scheme": "http"}
    assert cache_key(scope) is None


async def _asked(app: PublicDocuments) -> bytes:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/collections",
        "query_string": b"",
        "scheme": "http",
        "headers": [],
        "extensions": {},
    }
    await app(scope, receive, send)
    return bytes(sent[-1]["body"][:1])


class _Makes:
    """Makes a document of one letter, when it is let, as the dispatcher does."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.version = "a"
        self.calls = 0
        self.let = asyncio.Event()
        self.fault: Exception | None = None
        self.store = DocumentStore(0, version=lambda _: self.version)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        version = self.version
        self.calls += 1
        await self.let.wait()
        if self.fault is not None:
            raise self.fault
        document = Document.of(version.encode() * self.size, public=True)
        key = cache_key(scope)
        assert key is not None
        self.store.put(key, document, "list-collections", version)
        await document.send(scope, send)


def test_former_large_document_is_sent_until_the_new_one_is_made() -> None:
    async def run() -> None:
        makes = _Makes(LARGE)
        app = PublicDocuments(makes, store=makes.store)
        makes.let.set()
        assert await _asked(app) == b"a"
        makes.let.clear()
        makes.version = "b"
        assert [await _asked(app), await _asked(app), await _asked(app)] == [b"a"] * 3
        makes.let.set()
        await asyncio.gather(*app.making)
        assert await _asked(app) == b"b"
        assert makes.calls == 2

    asyncio.run(run())


def test_former_large_document_is_not_sent_when_it_was_right_long_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        makes = _Makes(LARGE)
        app = PublicDocuments(makes, store=makes.store)
        makes.let.set()
        assert await _asked(app) == b"a"
        makes.version = "b"
        monkeypatch.setattr("connexeo.server.documents.GRACE", -1.0)
        assert await _asked(app) == b"b"

    asyncio.run(run())


def test_former_small_document_is_never_sent() -> None:
    async def run() -> None:
        makes = _Makes(10)
        app = PublicDocuments(makes, store=makes.store)
        makes.let.set()
        assert await _asked(app) == b"a"
        makes.version = "b"
        assert await _asked(app) == b"b"

    asyncio.run(run())


def test_large_document_that_cannot_be_made_anew_is_the_fault_of_a_later_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        makes = _Makes(LARGE)
        app = PublicDocuments(makes, store=makes.store)
        makes.let.set()
        assert await _asked(app) == b"a"
        makes.version, makes.fault = "b", ValueError("no")
        assert await _asked(app) == b"a"
        await asyncio.gather(*app.making)
        monkeypatch.setattr("connexeo.server.documents.GRACE", -1.0)
        with pytest.raises(ValueError, match="no"):
            await _asked(app)

    asyncio.run(run())
