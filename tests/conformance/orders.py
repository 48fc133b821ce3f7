"""Requests that arrive otherwise than they were sent, or are answered by their content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from conformance.doctored import Answer, Change

ERROR = {"id": "1", "code": "Internal", "message": "It failed."}


def ordering(path: str, change: Callable[[dict[str, Any]], Any], method: str = "POST") -> Change:
    """Something else is ordered than what was asked for."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        body = json.loads(request.content)
        change(body)
        kept = {name: value for name, value in request.headers.items() if name != "content-length"}
        return send(httpx.Request(request.method, request.url, headers=kept, json=body))

    return Change(method, path, apply)


def without(path: str, key: str, method: str = "POST") -> Change:
    """A property that is sent is not looked at."""
    return ordering(path, lambda body: body.pop(key, None), method)


def refusing(path: str, text: str, method: str = "POST", code: int = 400) -> Change:
    """Whatever has a text in it is refused."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        if text.encode() in request.content:
            return httpx.Response(code, json=ERROR)
        return send(request)

    return Change(method, path, apply)


def instead(
    path: str, given: int, code: int, document: Any = None, method: str = "GET", **headers: str
) -> Change:
    """Answers with one status become others."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if response.status_code != given:
            return response
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(code, headers=named, json=document) if document is not None else (
            httpx.Response(code, headers=named)
        )  # fmt: skip

    return Change(method, path, apply)


def replaced(path: str, content: bytes, media_type: str = "image/tiff", method: str = "GET") -> Change:
    """Other bytes come."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": media_type}, content=content)

    return Change(method, path, apply)


def cut(path: str, method: str = "GET") -> Change:
    """Half of the bytes come, as if they were all."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if not response.is_success:
            return response
        headers = {"content-type": response.headers["content-type"]}
        return httpx.Response(200, headers=headers, content=response.content[: len(response.content) // 2])

    return Change(method, path, apply)


def unpaged(path: str) -> Change:
    """Nothing that is asked for in the query is looked at."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        request.url = request.url.copy_with(query=None)
        return send(request)

    return Change("GET", path, apply)


def paged(path: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Pages are changed, the whole list is not."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        if "limit" not in request.url.params:
            return response
        document = response.json()
        change(document)
        return httpx.Response(200, json=document)

    return Change("GET", path, apply)


def nothing_done(path: str, method: str) -> Change:
    """It is said to be done, and is not."""
    return Change(method, path, lambda request, send: httpx.Response(204))


def first_time(change: Change) -> Change:
    """The change of the first such request only: in the end all is removed."""
    seen: list[httpx.Request] = []

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        seen.append(request)
        return change.apply(request, send) if len(seen) == 1 else send(request)

    return Change(change.method, change.path, apply)
