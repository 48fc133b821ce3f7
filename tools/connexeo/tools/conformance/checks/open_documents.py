"""Documents that everybody may read, with a token and without."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import answer_to, listed_collections
from connexeo.tools.conformance.verdicts import NotTestable, Violation


@requirement(
    {41: "GET /file_formats", 72: "GET /udf_runtimes"}, layer="profiles", mend="Ask for no token here."
)
def without_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """It is answered without a token."""
    answer = backend.once(answer_to(case.removeprefix("GET "), anonymous=True))
    if not answer.ok:
        yield Violation(f"without a token it is answered with HTTP {answer.status}", answer)


@requirement(
    {42: "GET /file_formats", 73: "GET /udf_runtimes"},
    layer="profiles",
    account=True,
    mend="Accept tokens here.",
)
def with_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """It is answered with a token as well."""
    answer = backend.user.get(case.removeprefix("GET "))
    if not answer.ok:
        yield Violation(f"with a token it is answered with HTTP {answer.status}", answer)


@requirement({201: "GET /processes"}, layer="processes", mend="Ask for no token here.")
def processes_without_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """Processes are listed without a token."""
    yield from without_token(backend, case)


@requirement({202: "GET /processes"}, layer="processes", account=True, mend="Accept tokens here.")
def processes_with_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """Processes are listed with a token as well."""
    yield from with_token(backend, case)


@requirement({301: "GET /collections"}, layer="collections", mend="Ask for no token here.")
def collections_without_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """Collections are listed without a token."""
    yield from without_token(backend, case)


@requirement({302: "GET /collections"}, layer="collections", account=True, mend="Accept tokens here.")
def collections_with_token(backend: BackEnd, case: str) -> Iterator[Violation]:
    """Collections are listed with a token as well."""
    yield from with_token(backend, case)


@requirement(
    322, layer="collections", operations=("GET /collections/{collection_id}",), mend="Ask for no token here."
)
def collection_without_token(backend: BackEnd) -> Iterator[Violation]:
    """What somebody without a token sees in the list is described without one."""
    page = backend.once(answer_to("/collections", anonymous=True))
    document = page.object() if page.ok else {}
    public = {each.get("id") for each in document.get("collections") or () if isinstance(each, dict)}
    identifier = next((entry.id for entry in backend.once(listed_collections) if entry.id in public), None)
    if not identifier:
        raise NotTestable("no collection is listed without a token")
    answer = backend.anonymous.get(f"/collections/{encoded(identifier)}")
    if not answer.ok:
        yield Violation(f"without a token it is answered with HTTP {answer.status}", answer)


@requirement(
    323, layer="collections", operations=("GET /collections/{collection_id}",), account=True,
    mend="Accept tokens here.",
)  # fmt: skip
def collection_with_token(backend: BackEnd) -> Iterator[Violation]:
    """A collection is described with a token as well."""
    identifier = next((entry.id for entry in backend.once(listed_collections) if entry.id), None)
    if identifier is None:
        raise NotTestable("no collection is listed")
    answer = backend.user.get(f"/collections/{encoded(identifier)}")
    if not answer.ok:
        yield Violation(f"with a token it is answered with HTTP {answer.status}", answer)
