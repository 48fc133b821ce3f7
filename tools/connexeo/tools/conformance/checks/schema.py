"""Random requests, valid and invalid: what only many of them show.

Status, body, media type and headers of their answers are judged by ``inspection``, as for every other request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.fuzzing import judgement
from connexeo.tools.conformance.fuzzing.campaign import campaign
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.verdicts import NotTestable, Skipped, Violation

LAST = 90
"""Requests that mean something come first: they make better evidence."""


@check(
    "schema.random-requests",
    "Random requests to all operations are answered until the end",
    layer="schema",
    source="openEO API, all operations; what is wrong with the answers is told by the checks `answers.*`",
    order=LAST,
)
def check_random_requests(backend: BackEnd) -> Iterator[Violation]:
    """All random requests were sent."""
    done = backend.once(campaign)
    if done.ended is not None:
        raise Skipped(f"not all random requests were sent: {done.ended}")
    yield from ()


def _told(id: str) -> Callable[[BackEnd], Iterator[Violation]]:
    """The check that tells what a campaign has found of one kind."""

    def tell(backend: BackEnd) -> Iterator[Violation]:
        done = backend.once(campaign)
        yield from done.judgement.violations(id)
        if id not in done.judgement.judged:
            raise NotTestable("no answer to a random request showed it")

    return tell


check(
    judgement.ACCEPTS,
    "Requests that keep the contract are not refused as bad requests",
    layer="schema",
    source="openEO API, parameters and request bodies of each operation",
    mend="Accept what the schema of the operation accepts.",
    order=LAST,
)(_told(judgement.ACCEPTS))

check(
    judgement.REJECTS,
    "Requests with values of the wrong type, or without what is required, are refused",
    layer="schema",
    source="openEO API, parameters and request bodies of each operation",
    mend="Validate parameters and bodies, and answer 400 with a fitting openEO error; /validation may list it instead.",
    order=LAST,
)(_told(judgement.REJECTS))

check(
    judgement.METHODS,
    "Methods that an endpoint does not have are refused, and 405 comes with `Allow`",
    layer="schema",
    source="RFC 9110, section 15.5.6",
    mend="Answer 405 with an `Allow` header, or 501, to methods that are not implemented.",
    order=LAST,
)(_told(judgement.METHODS))

check(
    judgement.HEADERS,
    "Headers of answers have values as the contract describes them",
    layer="schema",
    source="openEO API, response headers of each operation",
    order=LAST,
    writes=True,
)(_told(judgement.HEADERS))

check(
    judgement.STAYS,
    "What a successful request has created can be read",
    layer="schema",
    source="openEO API, POST /jobs, POST /services, PUT /process_graphs/{process_graph_id}, PUT /files/{path}",
    mend="Answer 201 or 200 only when the thing is stored, and give the identifier that it is stored under.",
    order=LAST,
    writes=True,
)(_told(judgement.STAYS))

check(
    judgement.GONE,
    "What a successful request has deleted cannot be read any more",
    layer="schema",
    source="openEO API, DELETE operations",
    mend="Answer 404 for what has been deleted.",
    order=LAST,
    writes=True,
)(_told(judgement.GONE))
