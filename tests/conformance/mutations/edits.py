"""Small changes to answers and requests, to put mutations together from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from typing import Any

from conformance.mutations.fault import Apply, Turn
from conformance.mutations.message import Answer, Request

Edit = Callable[[Answer], None]
"""Changes an answer."""


def answers(*edits: Edit, status: int | None = None) -> Apply:
    """Changes answers: those of requests that were fulfilled, or those with a status."""

    async def apply(turn: Turn) -> Answer:
        answer = await turn.send(turn.request)
        answer.asked = turn.request.origin + turn.request.target
        if answer.ok if status is None else answer.status == status:
            for edit in edits:
                edit(answer)
        return answer

    return apply


def requests(*edits: Callable[[Request], None]) -> Apply:
    """Changes requests on their way to the server."""

    async def apply(turn: Turn) -> Answer:
        request = turn.request.other()
        for edit in edits:
            edit(request)
        return await turn.send(request)

    return apply


def status(number: int) -> Edit:
    """Sets the status."""

    def edit(answer: Answer) -> None:
        answer.status = number

    return edit


def without_headers(*names: str) -> Edit:
    """Leaves headers out."""
    return lambda answer: answer.drop_header(*names)


def header(name: str, value: str) -> Edit:
    """Sets a header."""
    return lambda answer: answer.set_header(name, value)


def error(number: int, code: str, message: str = "It went wrong.") -> Edit:
    """Replaces the answer by an openEO error."""
    return lambda answer: answer.refuse(number, code, message)


def html(number: int, text: str) -> Edit:
    """Replaces the answer by a web page, as web servers and frameworks write it."""

    def edit(answer: Answer) -> None:
        answer.status = number
        answer.drop_header("etag", "content-encoding")
        answer.set_header("content-type", "text/html; charset=utf-8")
        answer.set_body(f"<html><body><h1>{text}</h1></body></html>".encode())

    return edit


def document(change: Callable[[Any], Any]) -> Edit:
    """Changes the JSON document; the function may change it in place and give None, or give another."""

    def edit(answer: Answer) -> None:
        found = answer.json
        if found is not None:
            changed = change(found)
            answer.write(found if changed is None else changed)

    return edit


def without(*paths: str) -> Edit:
    """Leaves fields out: ``collections/*/links`` is that of each collection."""

    def change(found: Any) -> None:
        for path in paths:
            for container, key in list(places(found, path)):
                del container[key]

    return document(change)


def put(path: str, value: Any) -> Edit:
    """Sets fields, also where there were none; a function is given the value that was there."""

    def change(found: Any) -> None:
        parent, _, name = path.rpartition("/")
        for container in _containers(found, parent):
            for key in _keys(container, name, new=True):
                container[key] = value(_value(container, key)) if callable(value) else value

    return document(change)


def each(path: str, change: Callable[[Any], Any]) -> Edit:
    """Changes fields where they are there."""

    def spoil(found: Any) -> None:
        for container, key in list(places(found, path)):
            changed = change(container[key])
            container[key] = container[key] if changed is None else changed

    return document(spoil)


def places(found: Any, path: str) -> Iterator[tuple[Any, Any]]:
    """Containers and keys that are at a path; ``*`` is each entry of a list or object, ``-1`` the last."""
    parent, _, name = path.rpartition("/")
    for container in _containers(found, parent):
        for key in _keys(container, name):
            yield container, key


def _containers(found: Any, path: str) -> Iterator[Any]:
    if not path:
        yield found
        return
    for container, key in places(found, path):
        yield container[key]


def _keys(container: Any, name: str, *, new: bool = False) -> list[Any]:
    if isinstance(container, MutableMapping):
        return list(container) if name == "*" else [name] if new or name in container else []
    if isinstance(container, MutableSequence):
        if name == "*":
            return list(range(len(container)))
        number = int(name)
        return [number] if -len(container) <= number < len(container) else []
    return []


def _value(container: Any, key: Any) -> Any:
    return container.get(key) if isinstance(container, MutableMapping) else container[key]
