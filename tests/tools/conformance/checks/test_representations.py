"""HEAD, conditional requests, compression and caches."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, header, status
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

_COUNT = itertools.count()


def _changed(apply: Callable[[httpx.Request, Answer], httpx.Response], path: str = ".*") -> Change:
    return Change("GET|HEAD", path, apply)


def _never_modified(request: httpx.Request, send: Answer) -> httpx.Response:
    asked = "if-none-match" in request.headers
    return httpx.Response(304, headers={"etag": '"x"'}) if asked else send(request)


def _ignored(request: httpx.Request, send: Answer) -> httpx.Response:
    request.headers.pop("if-none-match", None)
    return send(request)


def _new_each_time(request: httpx.Request, send: Answer) -> httpx.Response:
    response = _ignored(request, send)
    response.headers["etag"] = f'"{next(_COUNT)}"'
    return response


def _constant(request: httpx.Request, send: Answer) -> httpx.Response:
    asked = request.headers.get("if-none-match") == '"always"'
    response = _ignored(request, send)
    response.headers["etag"] = '"always"'
    return httpx.Response(304, headers={"etag": '"always"'}) if asked else response


def _error_when_asked(request: httpx.Request, send: Answer) -> httpx.Response:
    asked = "if-none-match" in request.headers
    return httpx.Response(412, json={"code": "X", "message": "x"}) if asked else send(request)


def _other_when_compressed(request: httpx.Request, send: Answer) -> httpx.Response:
    import gzip

    response = send(request)
    if request.headers.get("accept-encoding") != "gzip":
        return response
    headers = {"content-type": "application/json", "content-encoding": "gzip", "vary": "Accept-Encoding"}

    class Body(httpx.SyncByteStream):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield gzip.compress(b'{"other": true}')

    return httpx.Response(200, headers=headers, stream=Body())


FAULTS: dict[str, list[Change]] = {
    "http.head": [
        status(".*", 405, "HEAD"),
        header(".*", "HEAD", content_type="text/html"),
    ],
    "http.not-modified": [_changed(_ignored), _changed(_new_each_time)],
    "http.modified": [_changed(_never_modified), _changed(_error_when_asked)],
    "http.etag-of-content": [_changed(_constant), _changed(_never_modified)],
    "http.compression": [_changed(_other_when_compressed)],
    "http.private": [
        header("/me", cache_control="public, max-age=60"),
        header("/jobs", cache_control="max-age=0, s-maxage=60"),
    ],
}


@pytest.mark.parametrize(
    ("check_id", "change"),
    [
        pytest.param(check_id, change, id=f"{check_id}-{number}")
        for check_id, cases in FAULTS.items()
        for number, change in enumerate(cases)
    ],
)
def test_faults_are_found(check_id: str, change: Change, look: Look) -> None:
    assert_found(look(check_id, change))


def test_private_answers_may_be_kept_by_their_user(look: Look) -> None:
    assert look("http.private", header("/me", cache_control="private, public")).state is State.PASS


def test_documents_need_no_etag(look: Look) -> None:
    assert look("http.not-modified", header(".*", etag=None)).state is State.NOT_APPLICABLE
