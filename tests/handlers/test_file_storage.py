from __future__ import annotations

from typing import Any

import httpx
import pytest

from asgi_client import HOST, TOKEN, Client
from connexeo.generated import load_openapi
from connexeo.server.contract import make_contract
from connexeo.server.schema import SchemaCompiler
from fake_driver import FakeDriver
from fake_files import FakeFiles
from faked import MakeClient

BOB = {"Authorization": "Bearer basic//bob-token"}


@pytest.fixture
def files(driver: FakeDriver) -> FakeFiles:
    """The files behind ``client``, of which there are none."""
    driver.file_storage.stored.clear()
    driver.file_storage.announced.clear()
    return driver.file_storage


def put(client: Client, path: str, content: bytes = b"content", **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("PUT", f"/files/{path}", content=content, headers={**TOKEN, **given})


def test_life_of_a_file(client: Client, files: FakeFiles) -> None:
    stored = put(client, "areas/alpen%20s%C3%BCd/h%C3%B6hen.tif")
    assert stored.status_code == 200
    assert stored.json() == {
        "path": "areas/alpen süd/höhen.tif",
        "size": 7,
        "modified": "2025-03-01T07:45:30Z",
    }
    assert client.get("/files", headers=TOKEN).json() == {"files": [stored.json()], "links": []}
    path = "/files/areas/alpen%20s%C3%BCd/h%C3%B6hen.tif"
    answer = client.get(path, headers=TOKEN)
    assert (answer.status_code, answer.content) == (200, b"content")
    assert "h%C3%B6hen.tif" in answer.headers["content-disposition"]
    part = client.get(path, headers={**TOKEN, "Range": "bytes=2-", "If-Range": answer.headers["etag"]})
    assert (part.status_code, part.content) == (206, b"ntent")
    head = client.request("HEAD", path, headers=TOKEN)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "7")
    assert client.get(path, headers={**TOKEN, "If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get(path, headers={**TOKEN, "Range": "bytes=9-"}).json()["code"] == "RangeNotSatisfiable"
    deleted = client.request("DELETE", path, headers=TOKEN)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(path, headers=TOKEN).json()["code"] == "FileNotFound"


def test_answers_fit_the_contract(client: Client, files: FakeFiles) -> None:
    document = load_openapi()
    contract, compiler = make_contract(document), SchemaCompiler(document)

    def schema(operation: str, status: str) -> Any:
        item = contract.operations[operation]
        response = document["paths"][item.path][item.method]["responses"][status]
        return compiler.compile(response["content"]["application/json"]["schema"])

    stored = put(client, "a").json()
    assert schema("upload-file", "200").is_valid(stored)
    assert schema("list-files", "200").is_valid(client.get("/files", headers=TOKEN).json())


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_files_of_others_are_unknown(client: Client, files: FakeFiles, method: str) -> None:
    put(client, "mine")
    theirs = client.request(method, "/files/mine", headers=BOB)
    unknown = client.request(method, "/files/never", headers=BOB)
    assert theirs.status_code == unknown.status_code == 404
    assert client.request(method, "/files/mine").status_code == 401
    assert ("alice", "mine") in files.stored


def test_pages_link_to_each_other(client: Client, files: FakeFiles) -> None:
    names = [f"{letter} &/ü{number}" for letter in "ab" for number in range(3)]
    for name in names:
        files.stored["alice", name] = b""
    url, seen = f"http://{HOST}/files?limit=4", []
    while url:
        page = client.get(url, headers=TOKEN).json()
        seen += [item["path"] for item in page["files"]]
        assert [link["rel"] for link in page["links"]] in ([], ["next"])
        url = next((link["href"] for link in page["links"]), "")
        assert url == "" or url.startswith(f"http://{HOST}/files?limit=4&offset=")
    assert seen == names


def test_uploads_are_not_limited_like_requests(make_client: MakeClient) -> None:
    driver = FakeDriver()
    client = make_client(driver, max_body=1024)
    chunks = [bytes(1000)] * 3
    answer = client.send_chunks("PUT", "/files/a", chunks, **TOKEN)
    assert answer.status_code == 200
    assert driver.file_storage.stored["alice", "a"] == bytes(3000)
    assert driver.file_storage.announced == [None]


def test_length_is_handed_on(client: Client, files: FakeFiles) -> None:
    assert put(client, "a", b"12345").status_code == 200
    assert put(client, "empty", b"").json()["size"] == 0
    assert put(client, "large", bytes(1001)).json()["code"] == "StorageQuotaExceeded"
    assert files.announced == [5, 0, 1001]


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 30, ""])
def test_length_that_is_none(client: Client, files: FakeFiles, length: str) -> None:
    headers = [("Authorization", TOKEN["Authorization"]), ("Content-Length", length.encode())]
    answer = client.request("PUT", "/files/a", content=b"12345", headers=headers)
    assert answer.json()["code"] == "RequestInvalid"
    assert files.stored == {}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/octet-stream"},
        {"content_type": "application/json"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_encoding": "identity"},
    ],
)
def test_bytes_are_taken_under_any_name(client: Client, files: FakeFiles, headers: dict[str, str]) -> None:
    assert put(client, "a", b"{not json", **headers).status_code == 200
    assert files.stored["alice", "a"] == b"{not json"


@pytest.mark.parametrize(
    "headers",
    [{"content_type": "multipart/form-data; boundary=x"}, {"content_encoding": "gzip"}],
)
def test_what_would_have_to_be_unpacked_is_refused(
    client: Client, files: FakeFiles, headers: dict[str, str]
) -> None:
    answer = put(client, "a", b"content", **headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "ContentTypeInvalid")
    assert files.stored == {}


def test_errors_of_the_driver(client: Client, files: FakeFiles) -> None:
    answer = put(client, "invalid")
    assert (answer.status_code, answer.json()["code"]) == (400, "FilePathInvalid")
