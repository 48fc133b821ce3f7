from collections.abc import Callable

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.ledger import Created, Ledger

Pretend = Callable[..., tuple[BackEnd, Inspection]]


@pytest.fixture
def backend(pretend: Pretend) -> BackEnd:
    return pretend(lambda request: httpx.Response(204))[0]


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("job", "a/b c", "/jobs/a%2Fb%20c"),
        ("service", "1", "/services/1"),
        ("process", "x?y", "/process_graphs/x%3Fy"),
        ("file", "a b/c.txt", "/files/a%20b/c.txt"),
    ],
)
def test_things_are_where_they_are(backend: BackEnd, kind: str, name: str, path: str) -> None:
    assert Created(kind, name, backend.user).path == path


def test_names_are_replaced_the_same_in_every_run(backend: BackEnd) -> None:
    ledger = Ledger()
    ledger.add("job", "3f2a9c-uuid", backend.user)
    ledger.add("job", "17", backend.user)
    ledger.add("job", "3f2a9c-uuid-more", backend.user)
    assert ledger.mask("job 3f2a9c-uuid: /jobs/17, not /jobs/171 or 17 at /jobs/3f2a9c-uuid-more/logs") == (
        "job <job 1>: /jobs/<job 2>, not /jobs/171 or 17 at /jobs/<job 3>/logs"
    )
    assert ledger.mask(f"conformance_{ledger.mark}_job") == "conformance_*_job"


def test_names_that_are_words_stay(backend: BackEnd) -> None:
    ledger = Ledger()
    ledger.add("process", "absolute", backend.user)
    ledger.add("process", f"conformance_{ledger.mark}_absolute", backend.user)
    assert ledger.mask("Location is no absolute URL") == "Location is no absolute URL"
    assert ledger.mask(f"conformance_{ledger.mark}_absolute") == "<process 1>"


def test_names_with_backslashes_are_replaced_too(backend: BackEnd) -> None:
    ledger = Ledger()
    ledger.add("job", r"a\1b\g<0>", backend.user)
    assert ledger.mask(r"job a\1b\g<0>") == "job <job 1>"


def test_what_cannot_be_stored_at_all_is_not_left_over(pretend: Pretend) -> None:
    missing = {"code": "FeatureUnsupported", "message": "not here"}
    backend, _ = pretend(lambda request: httpx.Response(501, json=missing))
    for name in ("a b.txt", "other.txt"):
        backend.ledger.add("file", name, backend.user)
    backend.user.put("/files/a%20b.txt", {})
    assert backend.ledger.clean(backend.budget) == ("file other.txt: HTTP 501 FeatureUnsupported",)


def test_what_is_forgotten_is_not_removed(backend: BackEnd) -> None:
    ledger = Ledger()
    ledger.add("job", "first", backend.user)
    ledger.forget("job", "first")
    ledger.forget("job", "never")
    assert ledger.clean(Budget(requests=0)) == ()


def test_removing_is_allowed_when_nothing_else_is(backend: BackEnd) -> None:
    backend.budget.requests = 0
    backend.budget.stopped = "it is down"
    backend.ledger.add("job", "first", backend.user)
    assert backend.ledger.clean(backend.budget) == ()
    assert backend.ledger.there == {}


def test_jobs_that_run_are_canceled_first(pretend: Pretend) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path.removeprefix('/openeo')}")
        busy = len(asked) == 1
        return httpx.Response(
            400 if busy else 204, json={"code": "JobLocked", "message": "busy"} if busy else None
        )

    backend = pretend(answer)[0]
    backend.ledger.add("job", "first", backend.user)
    assert backend.ledger.clean(backend.budget) == ()
    assert asked == ["DELETE /jobs/first", "DELETE /jobs/first/results", "DELETE /jobs/first"]
