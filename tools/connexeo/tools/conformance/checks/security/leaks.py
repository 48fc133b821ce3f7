"""Errors tell the user what to change, and nobody how the server is built."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.checks.security.robustness import taking_json
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import NOWHERE
from connexeo.tools.conformance.traces import STACK_TRACE
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

_FOLDERS = "usr|home|opt|var|srv|app|root|tmp|code|workspace"

LEAKS = {
    "a stack trace": STACK_TRACE,
    "a path of the server": re.compile(
        r"/(?:site|dist)-packages/|/node_modules/"
        rf"|(?<![\w.:/-])/(?:{_FOLDERS})(?:/[\w.@+-]+)+\.(?:py|pyc|java|js|ts|rb|go|php|rs|so|jar)\b"
        r"|\b[A-Z]:\\(?:[\w. -]+\\)+"
    ),
    "the version of a library": re.compile(
        r"errors\.pydantic\.dev/\d|\b(?:Werkzeug|gunicorn|uvicorn|nginx|Apache|Tomcat|Jetty|Flask|FastAPI|Django|Python|PHP"
        r"|OpenSSL|SQLAlchemy|PostgreSQL|psycopg2?)/\d+\.\d+"
    ),
    "an error of the database": re.compile(
        r"sqlalche\.me/e/|SQLSTATE\[|psycopg2?\.errors|sqlite3\.\w*Error|\bORA-\d{5}\b|MongoServerError"
    ),
}
"""What an error must not tell → how it is recognised."""

_LOOKED_AT = 100_000
"""Bytes of a body."""


@check(
    "security.leaks",
    "Errors tell nothing of the server's code, files and libraries",
    layer="security",
    source="CWE-209; openEO API, Error Handling: the message is for the user",
    severity=Severity.MINOR,
    mend="Log the details under the error's `id`, and tell the user what to change.",
)
def leaks(backend: BackEnd) -> Iterator[Violation]:
    """Errors of all kinds: of the router, of parsers, of schemas, of tokens."""
    looked = False
    for answer in _provoked(backend):
        if answer.status < 400:
            continue
        looked = True
        text = _unescaped(answer.body[:_LOOKED_AT].decode("utf-8", "replace"))
        for what, pattern in LEAKS.items():
            if pattern.search(text):
                yield Violation(f"an error tells {what}", answer)
    if not looked:
        raise NotTestable("no request was refused")


def _unescaped(text: str) -> str:
    """The text without the backslashes of JSON, which may be broken or none at all."""
    for escaped, meant in (("\\n", "\n"), ("\\t", "\t"), ('\\"', '"')):
        text = text.replace(escaped, meant)
    return text


def _provoked(backend: BackEnd) -> Iterator[Exchange]:
    reader = backend.reader
    yield reader.get(f"/{NOWHERE}")
    for operation, path in (
        ("GET /collections/{collection_id}", f"/collections/{NOWHERE}"),
        ("GET /collections", "/collections?limit=conformance"),
    ):
        if backend.offers(operation):
            yield reader.get(path)
    for path in ("/jobs", "/services", "/process_graphs", "/files"):
        if backend.offers(f"GET {path}"):
            yield backend.anonymous.get(path, token="conformance")  # noqa: S106 - no token
            if backend.account is not None:
                yield backend.account.get(f"{path}?limit=conformance")
                yield backend.account.get(f"{path}/{NOWHERE}")
            break
    if backend.offers("GET /credentials/basic"):
        yield backend.anonymous.get("/credentials/basic")
    yield from _broken(backend)


def _broken(backend: BackEnd) -> Iterator[Exchange]:
    try:
        caller, path = taking_json(backend)
    except NotApplicable:
        return
    for body in (b'{"process_graph": {', b"{}", b'{"process": 5, "process_graph": 5}'):
        yield _post(caller, path, body)


def _post(caller: Caller, path: str, body: bytes) -> Exchange:
    return caller.post(path, content=body, headers={"Content-Type": "application/json"})
