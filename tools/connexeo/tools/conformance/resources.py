"""What many checks build upon, made once by whoever asks first: ``backend.once(all_collections)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.verdicts import Skipped, require

LOOKED_AT = 10
"""Collections that are described one by one at most."""

NOWHERE = "conformance_no_such_thing_3f9c1d"
"""An identifier that nothing has."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list, or one document, with the answer that it came in."""

    value: Mapping[str, Any]
    exchange: Exchange

    @property
    def id(self) -> str:
        """Its ``id``, empty when it has none."""
        identifier = self.value.get("id")
        return identifier if isinstance(identifier, str) else ""

    @property
    def evidence(self) -> Exchange:
        """The answer, reduced to this entry."""
        return self.exchange.showing(self.value)


def all_processes(backend: BackEnd) -> list[dict[str, Any]]:
    """The definitions that ``GET /processes`` lists, page by page."""
    return [dict(entry.value) for entry in backend.once(listed_processes)]


def listed_processes(backend: BackEnd) -> list[Entry]:
    """The same, each with the page that it is on."""
    return _listed(backend, "GET /processes", "/processes", "processes")


def all_collections(backend: BackEnd) -> list[dict[str, Any]]:
    """What ``GET /collections`` lists, page by page."""
    return [dict(entry.value) for entry in backend.once(listed_collections)]


def listed_collections(backend: BackEnd) -> list[Entry]:
    """The same, each with the page that it is on."""
    return _listed(backend, "GET /collections", "/collections", "collections")


def _listed(backend: BackEnd, operation: str, path: str, key: str) -> list[Entry]:
    backend.need(operation)
    found: list[Entry] = []
    for answer, document in backend.pages(backend.reader, path):
        entries = document.get(key)
        require(isinstance(entries, list), f"there is no array `{key}`", answer)
        found += [Entry(entry, answer) for entry in entries or () if isinstance(entry, dict)]
    return found


def collection_answers(backend: BackEnd) -> list[tuple[str, Exchange]]:
    """Answers to ``GET /collections/{id}`` for some collections: all when there are few, else a choice by the seed."""
    backend.need("GET /collections/{collection_id}")
    ids = list(dict.fromkeys(entry.id for entry in backend.once(listed_collections) if entry.id))
    wanted = backend.options.collection
    if len(ids) > LOOKED_AT:
        ids = backend.random("collections").sample(ids, LOOKED_AT)
    if wanted is not None and wanted not in ids:
        ids = [wanted, *ids]
    return [(identifier, backend.reader.get(f"/collections/{encoded(identifier)}")) for identifier in ids]


def collection_entries(backend: BackEnd) -> list[Entry]:
    """The same, as far as they are descriptions of collections."""
    answers = backend.once(collection_answers)
    found = [Entry(document, answer) for _, answer in answers if (document := object_of(answer)) is not None]
    if answers:
        identifier, answer = answers[0]
        require(found, f"the collection {identifier} is listed, but HTTP {answer.status}", answer)
    return found


def described_collections(backend: BackEnd) -> list[tuple[dict[str, Any], Exchange]]:
    """The same, as pairs."""
    return [(dict(entry.value), entry.exchange) for entry in backend.once(collection_entries)]


def object_of(answer: Exchange) -> dict[str, Any] | None:
    """The JSON object of a successful answer, None when it is anything else."""
    try:
        return answer.object() if answer.ok else None
    except NotJson:
        return None


def file_formats(backend: BackEnd) -> dict[str, dict[str, Any]]:
    """``input`` and ``output`` of ``GET /file_formats``."""
    backend.need("GET /file_formats")
    answer = backend.once(answer_to("/file_formats"))
    require(answer.ok, f"the file formats are answered with HTTP {answer.status}", answer)
    document = answer.object()
    for key in ("input", "output"):
        require(isinstance(document.get(key), dict), f"there is no object `{key}`", answer)
    return document


@cache
def answer_to(path: str, *, anonymous: bool = False) -> Callable[[BackEnd], Exchange]:
    """What makes the answer to ``GET`` of a path, for ``backend.once``: whoever may read reads, or nobody."""

    def answer(backend: BackEnd) -> Exchange:
        return (backend.anonymous if anonymous else backend.reader).get(path)

    return answer


def may_call(backend: BackEnd, operation: str) -> Caller:
    """Whoever may call an operation that is offered: the user, or anybody where no token is needed.

    Raises:
        NotApplicable: when it is not offered.
        Skipped: when it needs a token and there is none.
    """
    backend.need(operation)
    known = backend.contract.operation(operation)
    if known is not None and known.secured and backend.account is None:
        raise Skipped("needs an account: give --basic, --token or another way to log in")
    return backend.reader


def is_here(backend: BackEnd, target: str) -> bool:
    """Whether a link leads to the host of the API, so that following it asks nobody else."""
    try:
        same = urlsplit(target).netloc == urlsplit(backend.url).netloc
    except ValueError:
        return False
    return same and target.startswith(("http://", "https://"))
