"""How documents are sent: HEAD, conditional requests, compression, caches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import addition

_OPEN = ("/", "/file_formats", "/collections", "/processes", "/conformance")
_PRIVATE = ("/me", "/jobs", "/process_graphs", "/files", "/services")
_WRONG = '"conformance-no-such-etag"'
_STORED = "/process_graphs/{process_graph_id}"


def _documents(backend: BackEnd) -> list[Exchange]:
    """Answers that everybody may have, plain."""
    paths = [path for path in _OPEN if path == "/" or backend.offers(f"GET {path}")]
    answers = [backend.anonymous.get(path, headers={"Accept-Encoding": "identity"}) for path in paths]
    return [answer for answer in answers if answer.ok]


def _tagged(backend: BackEnd) -> list[Exchange]:
    found = [answer for answer in backend.once(_documents) if answer.headers.get("etag")]
    if not found:
        raise NotApplicable("no document has an ETag")
    return found


@check(
    "http.head",
    "HEAD is answered as GET is, without a body",
    layer="schema",
    source="RFC 9110, section 9.3.2",
    severity=Severity.MINOR,
    mend="Answer HEAD wherever GET is answered.",
)
def head(backend: BackEnd) -> Iterator[Violation]:
    """Status and media type are those of GET."""
    for answer in backend.once(_documents):
        given = backend.anonymous.request("HEAD", answer.url, headers={"Accept-Encoding": "identity"})
        place = f"HEAD {answer.name.removeprefix('GET ')}"
        if given.status != answer.status:
            yield Violation(
                f"HEAD is answered with HTTP {given.status}, GET with {answer.status}", given, place=place
            )
        elif given.media_type != answer.media_type:
            message = f"HEAD has the media type {given.media_type or 'none'}, GET {answer.media_type}"
            yield Violation(message, given, place=place)
        elif given.body:
            yield Violation("HEAD is answered with a body", given, place=place)


@check(
    "http.not-modified",
    "Whoever has the current version of a document is told 304",
    layer="schema",
    source="RFC 9110, section 13.1.2",
    severity=Severity.MINOR,
    mend="Compare If-None-Match with the ETag of what would be sent.",
)
def not_modified(backend: BackEnd) -> Iterator[Violation]:
    """The ETag of an answer, sent back, gives 304 without a body."""
    for answer in backend.once(_tagged):
        tag = answer.headers["etag"]
        for sent in (tag, f"{_WRONG}, {tag}"):
            given = _asked(backend, answer, sent)
            if given.status == 304:
                if given.body:
                    yield Violation("304 comes with a body", given)
            elif given.ok and given.headers.get("etag") == tag:
                kind = "the current ETag" if sent == tag else "a list with the current ETag"
                yield Violation(f"{kind} is answered with HTTP {given.status}, not 304", given)
            elif given.ok and given.body == answer.body:
                yield Violation("the same content has another ETag the next time", given)


@check(
    "http.modified",
    "Whoever has another version of a document gets the current one",
    layer="schema",
    source="RFC 9110, section 13.1.2",
    mend="Answer 304 only when If-None-Match has the current ETag.",
)
def modified(backend: BackEnd) -> Iterator[Violation]:
    """An ETag that was never given is answered with the document."""
    for answer in backend.once(_documents):
        given = _asked(backend, answer, _WRONG)
        if given.status == 304:
            yield Violation("304 for an ETag that no version has: clients keep what is out of date", given)
        elif given.status != answer.status:
            yield Violation(
                f"with an ETag that no version has it is answered with HTTP {given.status}", given
            )


def _asked(backend: BackEnd, answer: Exchange, tags: str) -> Exchange:
    return backend.anonymous.get(answer.url, headers={"If-None-Match": tags, "Accept-Encoding": "identity"})


@check(
    "http.etag-of-content",
    "Another content has another ETag",
    layer="schema",
    source="RFC 9110, section 8.8.3",
    operations=(f"GET {_STORED}", f"PUT {_STORED}"),
    writes=True,
    mend="Derive the ETag from what is sent, or from when it was changed last.",
)
def etag_of_content(backend: BackEnd) -> Iterator[Violation]:
    """A stored process that is replaced, and the list of them, change their ETags."""
    name = backend.name("etag")
    backend.ledger.add("process", name, backend.user)
    path = f"/process_graphs/{name}"
    watched = [path, *(["/process_graphs"] if backend.offers("GET /process_graphs") else [])]
    before = _stored(backend, path, "Before.", watched)
    tagged = {each: answer.headers["etag"] for each, answer in before.items() if answer.headers.get("etag")}
    if not tagged:
        raise NotApplicable("stored processes have no ETag")
    _stored(backend, path, "After.", [])
    for each, tag in tagged.items():
        given = backend.user.get(each, headers={"If-None-Match": tag})
        if given.status == 304:
            yield Violation("304 though the content has changed: clients keep what is out of date", given)
        elif given.ok and given.headers.get("etag") == tag and given.body != before[each].body:
            yield Violation(f"the ETag is still {tag}, though the content has changed", given)


def _stored(backend: BackEnd, path: str, summary: str, watched: list[str]) -> dict[str, Exchange]:
    stored = backend.user.put(path, {"process_graph": addition(), "summary": summary})
    if not stored.ok:
        raise NotTestable(f"no process can be stored: HTTP {stored.status} {stored.code or ''}".strip())
    answers = {each: backend.user.get(each) for each in watched}
    # A list that did not take in the summary, or does not show the process, need not change.
    return {each: answer for each, answer in answers.items() if answer.ok and summary.encode() in answer.body}


@check(
    "http.compression",
    "Compressed documents are the same as plain ones",
    layer="schema",
    source="RFC 9110, section 8.4",
    mend="Compress the very document that would be sent plain, and let Vary name Accept-Encoding.",
)
def compression(backend: BackEnd) -> Iterator[Violation]:
    """Gzip gives the same document."""
    compressed = False
    for answer in backend.once(_documents):
        if answer.headers.get("content-encoding", "identity") != "identity":
            yield Violation(
                f"Content-Encoding is {answer.headers['content-encoding']} where only plain text is accepted",
                answer,
                severity=Severity.MINOR,
            )
        given = backend.anonymous.get(answer.url, headers={"Accept-Encoding": "gzip"})
        encoding = given.headers.get("content-encoding", "identity")
        if encoding == "identity" or not given.ok:
            continue
        compressed = True
        if encoding != "gzip":
            yield Violation(f"Content-Encoding is {encoding} where only gzip is accepted", given)
        if _json(given) != _json(answer) and _json(backend.anonymous.get(answer.url)) == _json(answer):
            yield Violation("the compressed document is another one than the plain one", given)
        vary = {each.strip().lower() for each in given.headers.get("vary", "").split(",")}
        if not vary & {"accept-encoding", "*"}:
            yield Violation(
                "Vary does not name Accept-Encoding: caches give compressed answers to anybody", given,
                severity=Severity.MINOR,
            )  # fmt: skip
        tag = given.headers.get("etag", "")
        if tag.startswith('"') and tag == answer.headers.get("etag"):
            yield Violation(
                "the compressed document has the strong ETag of the plain one", given, severity=Severity.MINOR
            )
    if not compressed:
        raise NotApplicable("nothing is compressed")


def _json(answer: Exchange) -> Any:
    try:
        return answer.json()
    except NotJson:
        return answer.body


@check(
    "http.private",
    "What belongs to a user is not kept by caches that others share",
    layer="security",
    source="RFC 9111, section 3.5",
    account=True,
    mend="Send Cache-Control: private or no-store with what belongs to a user.",
)
def private(backend: BackEnd) -> Iterator[Violation]:
    """Answers to requests with a token do not allow shared caches to store them."""
    tried = False
    for path in _PRIVATE:
        if not backend.offers(f"GET {path}"):
            continue
        answer = backend.user.get(path, params=None if path == "/me" else {"limit": 1})
        tried = tried or answer.ok
        directives = {each.strip().lower() for each in answer.headers.get("cache-control", "").split(",")}
        shared = sorted(each for each in directives if each == "public" or each.startswith("s-maxage"))
        if answer.ok and shared and "no-store" not in directives and "private" not in directives:
            yield Violation(f"Cache-Control has {shared[0]}: a shared cache gives it to anybody", answer)
    if not tried:
        raise NotApplicable("nothing is offered that belongs to a user")
