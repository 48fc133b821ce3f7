"""Files of users: our server keeps what the checks ask for, and each check finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    cases,
    drop,
    edit,
    header,
    put,
    reply,
    status,
)
from conformance.orders import first_time
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/files"
ONE = "/files/.+"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
MODULES = ("files", "file_contents", "file_paths")
OWN = [
    check.id
    for check in load_checks()
    if str(getattr(check.run, "__module__", "")).rpartition(".")[2] in MODULES
]


def _each(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the entries of the list."""
    return edit(LIST, lambda found: [change(entry) for entry in found["files"]] and None)


def _renamed(rename: Callable[[str], str]) -> Change:
    return _each(lambda entry: entry.update(path=rename(entry["path"])))


def _body(path: str, change: Callable[[bytes], bytes]) -> Change:
    """Change what is downloaded."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        kept = {name: value for name, value in response.headers.items() if name != "content-length"}
        content = change(response.content) if response.is_success else response.content
        return httpx.Response(response.status_code, headers=kept, content=content)

    return Change("GET", path, apply)


def _without_header(name: str) -> Change:
    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        request.headers.pop(name, None)
        return send(request)

    return Change("GET", ONE, apply)


def _stored(path: str) -> Change:
    """Say that something was stored, and store nothing."""
    return reply(path, 200, {"path": "../up.txt", "size": 1}, "PUT")


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.504": [
        (_each(lambda entry: entry.pop("path")),),
        (edit(LIST, lambda found: found["files"].extend(found["files"])),),
        (reply(ONE, 404, ERROR),),
    ],
    "profile.505": [
        (_each(lambda entry: entry.pop("size")),),
        (_each(lambda entry: entry.update(size=entry["size"] // 1000)),),
        (_each(lambda entry: entry.update(modified="yesterday")),),
        (_each(lambda entry: entry.update(modified="1970-01-01T00:00:00Z")),),
    ],
    "profile.506": [
        (_renamed("/{}".format),),
        (_renamed(lambda path: path.replace("/", "\\")),),
        (_renamed(lambda path: path.replace(" ", "%20").replace("ö", "%C3%B6").replace("ß", "%C3%9F")),),
        (put(LIST, "files", value=[{"path": "other.txt"}]),),
    ],
    "profile.510": [
        (drop(ONE, "path", method="PUT"),),
        (put(ONE, "path", value="other.txt", method="PUT"),),
        (put(ONE, "size", value=1, method="PUT"),),
    ],
    "profile.511": [
        (reply(".*slashes/one.txt", 404, ERROR, "PUT"),),
        (_body(".*slashes/one.txt", lambda content: content + b"?"),),
    ],
    "profile.512": [
        (reply(".*_folder/inner/.*", 400, ERROR, "PUT"),),
        (put(LIST, "files", value=[]),),
        (_renamed(lambda path: path.rpartition("/")[0] or path),),
    ],
    "profile.513": [(_body(".*replaced.txt", lambda content: b"the first" + content),)],
    "profile.520": [(reply(ONE, 403, ERROR),), (reply("/files/conformance_no_such.*", 200, {}),)],
    "profile.521": [
        (_body(ONE, lambda content: content.replace(b"\r\n", b"\n")),),
        (header(ONE, content_type="text/html"),),
    ],
    "profile.530": [(first_time(reply(".*to remove.txt", 403, ERROR, "DELETE")),)],
    "profile.531": [
        (reply(".*gone/file.txt", 204, None, "DELETE"),),
        (status(".*gone/file.txt", 200),),
    ],
    "files.ranges": [
        (_without_header("range"),),
        (_body(".*bytes.bin", lambda content: content[::-1] if len(content) < 1000 else content),),
        (header(".*bytes.bin", content_range="bytes 0-199/9"),),
    ],
    "files.conditional": [(header(".*cached.txt", etag='"1"'),), (status(".*cached.txt", 304),)],
    "files.head": [(header(".*bytes.bin", "HEAD", content_length="12"),)],
    "files.empty": [(reply(".*empty.dat", 400, ERROR, "PUT"),), (_body(".*empty.dat", lambda content: b"\n"),)],
    "files.modified": [(put(".*renewed.txt", "modified", value="2025-01-01T00:00:00Z", method="PUT"),)],
    "files.json": [(_body(".*odd.json", lambda content: content.replace(b" ", b"")),)],
    "files.names": [
        (reply(".*spaces.txt", 400, ERROR, "PUT"),),
        (put(".*spaces.txt", "path", value="with+spaces.txt", method="PUT"),),
        (_body(".*cent.txt", lambda content: b"another"),),
    ],
    "files.upward": [(_stored(".*up[0-9].txt"),), (reply(".*up[0-9].txt", 200, {}, "PUT"),)],
    "files.folders": [
        (reply("/files/[^/]+folder", 200, {}),),
        (reply("/files/[^/]+folder", 404, ERROR),),
        (_body(".*folder/file.txt", lambda content: b""),),
    ],
    "files.apart": [
        (_body(".*/x.txt", lambda content: b"one of them"),),
        (put(LIST, "files", value=[]),),
    ],
}  # fmt: skip


def test_each_check_has_faults() -> None:
    assert set(FAULTS) == set(OWN)


@pytest.mark.parametrize("check_id", OWN)
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    assert_kept(look(check_id))


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


def test_only_what_is_announced_is_asked_for(look: Look) -> None:
    without = header(ONE, accept_ranges=None, etag=None), _without_header("range")
    assert look("files.ranges", *without).state is State.NOT_APPLICABLE
    assert look("files.conditional", *without).state is State.NOT_APPLICABLE


@pytest.mark.parametrize("check_id", ["profile.504", "profile.505", "profile.506"])
@pytest.mark.parametrize("document", [[], {}, {"files": "none"}, {"files": [1, None, []], "links": {}}])
def test_odd_lists_break_nothing(check_id: str, document: Any, look: Look) -> None:
    assert look(check_id, reply(LIST, 200, document)).state is not State.ERROR


def _elsewhere(request: httpx.Request, send: Answer) -> httpx.Response:
    """Keeps files in a folder that bears the name of a back-end, and nowhere else."""
    first, _, rest = request.url.raw_path.decode().removeprefix("/files/").replace("%2F", "/").partition("/")
    if first != "baltic" or not rest:
        code = "FilePathInvalid" if request.method == "PUT" else "FileNotFound"
        return httpx.Response(400 if request.method == "PUT" else 404, json={**ERROR, "code": code})
    url = request.url.copy_with(raw_path=f"/files/{rest}".encode())
    response = send(httpx.Request(request.method, url, headers=request.headers, content=request.content))
    if request.method != "PUT" or not response.is_success:
        return response
    document = response.json()
    return httpx.Response(200, json={**document, "path": f"baltic/{document['path']}"})


FEDERATION = {
    "alpine": {"url": "https://alpine.example", "status": "offline"},
    "baltic": {"url": "https://baltic.example", "status": "online"},
}
IN_FOLDERS = (
    Change("GET|PUT|DELETE", ONE, _elsewhere),
    _renamed("baltic/{}".format),
)


@pytest.mark.parametrize(
    "check_id", ["profile.506", "profile.510", "profile.511", "profile.531", "files.folders", "files.upward"]
)
def test_a_federation_may_have_files_at_its_back_ends_only(check_id: str, look: Look) -> None:
    assert_kept(look(check_id, put("/", "federation", value=FEDERATION), *IN_FOLDERS))


def test_a_federation_may_have_files_where_nobody_is(look: Look) -> None:
    offline = {name: {**about, "status": "offline"} for name, about in FEDERATION.items()}
    result = look("profile.510", put("/", "federation", value=offline), *IN_FOLDERS)
    assert (result.state, result.reason.rpartition(" ")[2]) == (State.NOT_TESTABLE, "offline")


def test_nobody_else_may_choose_folders(look: Look) -> None:
    assert_found(look("profile.512", *IN_FOLDERS))
    assert_found(look("files.names", *IN_FOLDERS))
