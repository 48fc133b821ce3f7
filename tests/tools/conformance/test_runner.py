from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import BudgetExhausted
from connexeo.tools.conformance.inspection import (
    CORS_ORIGIN,
    NO_ANSWER,
    NO_SERVER_ERROR,
    PREREQUISITES,
    Inspection,
)
from connexeo.tools.conformance.registry import Check, load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.runner import UNIMPLEMENTED, run_checks
from connexeo.tools.conformance.session import SILENT
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Skipped,
    State,
    Violated,
    Violation,
)

Pretend = Callable[..., tuple[BackEnd, Inspection]]
Run = Callable[[BackEnd], Any]


def make(run: Run | None, id: str = "jobs.test", **more: Any) -> Check:
    return Check(
        id=id, title="What is asked", layer="jobs", severity=Severity.MAJOR, source="test", run=run, **more
    )


def fine(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


def run_one(back: tuple[BackEnd, Inspection], run: Run, **more: Any) -> Result:
    return run_checks(*back, [make(run, **more)]).results[0]


def raising(error: BaseException) -> Run:
    def run(backend: BackEnd) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (NotApplicable("not offered"), State.NOT_APPLICABLE, "not offered"),
        (NotTestable("nobody knows"), State.NOT_TESTABLE, "nobody knows"),
        (Skipped("not allowed"), State.SKIPPED, "not allowed"),
        (BudgetExhausted("3 s are over"), State.SKIPPED, "the run was cut short: 3 s are over"),
        (Violated("it is wrong"), State.FAIL, ""),
        (Violated("it is wrong", severity=Severity.MINOR), State.WARNING, ""),
        (KeyError("title"), State.ERROR, "the check failed: KeyError: 'title' (test_runner.py:"),
        (RecursionError("too deep"), State.ERROR, "the check failed: RecursionError: too deep"),
        (OverflowError("date value out of range"), State.ERROR, "the check failed: OverflowError"),
        (MemoryError(), State.ERROR, "the check failed: MemoryError"),
        (AssertionError("never"), State.ERROR, "the check failed: AssertionError: never"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_way_to_end_is_a_state(pretend: Pretend, error: Exception, state: State, reason: str) -> None:
    back = pretend(fine)
    report = run_checks(*back, [make(raising(error)), make(lambda backend: None, "jobs.next")])
    assert report.results[0].state is state
    assert report.results[0].reason.startswith(reason)
    # Whatever it was, the others are made.
    assert report.results[1].state is State.PASS


def test_what_was_found_before_an_exception_counts(pretend: Pretend) -> None:
    def run(backend: BackEnd) -> Iterator[Violation]:
        yield Violation("it is wrong")
        raise KeyError("title")

    result = run_one(pretend(fine), run)
    assert (result.state, len(result.findings)) == (State.FAIL, 1)
    assert "KeyError" in result.reason


def test_documents_that_are_no_json_are_violations(pretend: Pretend) -> None:
    result = run_one(
        pretend(lambda request: httpx.Response(200, text="<html>")),
        lambda b: b.anonymous.get("/").object() and None,
    )
    assert result.findings[0].message == "the answer is not the JSON document that it ought to be"


def gone(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def test_a_request_without_an_answer_is_one_finding(pretend: Pretend) -> None:
    def ask(backend: BackEnd) -> None:
        backend.anonymous.get("/jobs")

    def ask_once(backend: BackEnd) -> None:
        backend.once(ask)

    report = run_checks(
        *pretend(gone),
        [make(ask), make(ask, "jobs.second"), make(ask_once, "jobs.third"), NO_ANSWER, PREREQUISITES],
    )
    assert [result.state for result in report.results[:3]] == [State.NOT_TESTABLE] * 3
    assert report.results[0].reason == "GET /jobs: the connection failed: refused"
    assert [(each.check.id, each.message, each.place) for each in report.findings] == [
        (NO_ANSWER.id, "the connection failed: refused", "GET /jobs")
    ]


def test_a_back_end_that_goes_down_is_left_alone(pretend: Pretend) -> None:
    asked: list[str] = []

    def goes_down(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) > 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={})

    def ask(backend: BackEnd) -> None:
        backend.anonymous.get("/jobs")

    report = run_checks(*pretend(goes_down), [make(ask, f"jobs.number-{n}") for n in range(100)])
    assert len(asked) == 3 + SILENT
    assert not report.complete
    assert report.results[-1].reason.startswith("the run was cut short: the back-end did not answer")


@pytest.mark.parametrize(
    ("needs", "options", "offered", "state", "reason"),
    [
        ({"operations": ("GET /jobs",)}, {}, (), State.NOT_APPLICABLE, "GET /jobs is not offered"),
        ({"operations": ("GET /jobs",)}, {}, ("GET /jobs",), State.PASS, ""),
        ({"any_of": ("GET /jobs", "GET /files")}, {}, (), State.NOT_APPLICABLE, "none of GET /jobs, GET"),
        ({"any_of": ("GET /jobs", "GET /files")}, {}, ("GET /files",), State.PASS, ""),
        ({"writes": True}, {}, (), State.SKIPPED, "creates or changes something: allow it with --write"),
        ({"writes": True}, {"write": True}, (), State.PASS, ""),
        ({"stranger": True}, {}, (), State.SKIPPED, "needs a second account"),
    ],
)
def test_checks_run_where_they_may(
    pretend: Pretend,
    needs: dict[str, Any],
    options: dict[str, Any],
    offered: tuple[str, ...],
    state: State,
    reason: str,
) -> None:
    result = run_one(pretend(fine, offered, **options), lambda backend: None, **needs)
    assert result.state is state
    assert result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("billing", "allowed", "state"),
    [
        ({"currency": "EUR"}, False, State.SKIPPED),
        ({"currency": "EUR"}, True, State.PASS),
        ({"currency": None}, False, State.PASS),
        (None, False, State.PASS),
    ],
)
def test_what_costs_must_be_allowed(pretend: Pretend, billing: Any, allowed: bool, state: State) -> None:
    back = pretend(fine, allow_costs=allowed)
    dict.update(back[0].discovery.capabilities, billing=billing)
    assert run_one(back, lambda backend: None, costs=True).state is state


def test_one_fault_is_one_finding_wherever_it_shows(pretend: Pretend) -> None:
    paths = ["/jobs", "/services", "/files", "/process_graphs"]

    def run(backend: BackEnd) -> None:
        for path in paths:
            backend.anonymous.get(path)
            backend.anonymous.get(path)

    back = pretend(lambda request: httpx.Response(500, json={"code": "X", "message": "x"}))
    report = run_checks(*back, [make(run), CORS_ORIGIN, NO_SERVER_ERROR])
    found = {finding.check.id: finding for finding in report.findings}
    assert found[CORS_ORIGIN.id].places == tuple(f"GET {path}" for path in paths)
    assert found[CORS_ORIGIN.id].place == "GET /jobs and 3 other operations"
    assert found[CORS_ORIGIN.id].count == 8
    assert found[CORS_ORIGIN.id].evidence is not None
    assert len(report.findings) == 2


def test_what_several_checks_come_upon_is_told_by_the_first(pretend: Pretend) -> None:
    def run(backend: BackEnd) -> Iterator[Violation]:
        yield Violation("its metadata are not there", place="GET /services/{service_id}")

    def more(backend: BackEnd) -> Iterator[Violation]:
        yield from run(backend)
        yield Violation("the URL is missing", place="GET /services/{service_id}")

    checks = [make(run), make(run, "jobs.second"), make(more, "jobs.third"), make(run, "jobs.worse")]
    checks[3] = dataclasses.replace(checks[3], severity=Severity.CRITICAL)
    report = run_checks(*pretend(fine), checks)
    assert [result.state for result in report.results] == [
        State.FAIL, State.NOT_TESTABLE, State.FAIL, State.FAIL,
    ]  # fmt: skip
    assert report.results[1].reason == (
        "builds on what failed: GET /services/{service_id}: its metadata are not there"
    )
    assert [finding.message for finding in report.results[2].findings] == ["the URL is missing"]


def test_what_could_not_be_made_is_told_once(pretend: Pretend) -> None:
    def job(backend: BackEnd) -> None:
        answer = backend.anonymous.get("/jobs")
        raise Violated("a job is refused", answer)

    def build(backend: BackEnd) -> None:
        backend.once(job)

    report = run_checks(*pretend(fine), [make(build), make(job, "jobs.second"), PREREQUISITES])
    assert [result.state for result in report.results] == [State.NOT_TESTABLE, State.NOT_TESTABLE, State.FAIL]
    assert [finding.message for finding in report.findings] == ["a job is refused"]


def test_what_is_listed_and_not_implemented_is_told_by_one_check(pretend: Pretend) -> None:
    """Whatever asks for it, and however it says so."""
    missing = {"code": "FeatureUnsupported", "message": "not here"}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(501 if request.method == "PUT" else 200, json=missing)

    def upload(backend: BackEnd) -> None:
        raise Violated("an upload is refused", backend.user.put("/files/a", {}))

    (listed,) = (each for each in load_checks() if each.id == UNIMPLEMENTED)
    offered = ("PUT /files/{path}",)
    checks = [make(upload), make(lambda backend: backend.once(upload), "jobs.second"), listed, PREREQUISITES]
    report = run_checks(*pretend(answer, offered), checks)
    assert [result.state for result in report.results[:2]] == [State.NOT_TESTABLE] * 2
    assert [(each.check.id, each.message, each.place) for each in report.findings] == [
        (UNIMPLEMENTED, "it is listed, but answered with HTTP 501 FeatureUnsupported", offered[0])
    ]


def test_the_worst_of_one_fault_tells_how_bad_it_is(pretend: Pretend) -> None:
    def run(backend: BackEnd) -> Iterator[Violation]:
        yield Violation("wrong", place="a", severity=Severity.MINOR)
        yield Violation("wrong", place="b", severity=Severity.CRITICAL)
        yield Violation("/x/1/y: 2 is not good", place="c")
        yield Violation("/x/7/y: 3 is not good", place="d")

    result = run_one(pretend(fine), run)
    assert [(each.severity, each.places) for each in result.findings] == [
        (Severity.CRITICAL, ("a", "b")),
        (Severity.MAJOR, ("c", "d")),
    ]
    assert result.findings[1].message == "/x/*/y: 2 is not good"


def test_fingerprints_do_not_depend_on_values_and_places(pretend: Pretend) -> None:
    def found(*violations: Violation) -> list[str]:
        result = run_one(pretend(fine), lambda backend: violations)
        return [finding.fingerprint for finding in result.findings]

    first = found(Violation("/x/1/y: 2 is not good", place="a"))
    assert found(Violation("/x/9/y: 8 is not good", place="b"), Violation("/x/1/y: 1 is not good")) == first
    assert found(Violation("/x/1/z: 2 is not good", place="a")) != first


def test_reports_tell_no_secrets_and_no_names_of_this_run(pretend: Pretend) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"you": request.headers["authorization"], "at": str(request.url)})

    def run(backend: BackEnd) -> Iterator[Violation]:
        backend.ledger.add("job", "job-of-this-run", backend.user)
        backend.ledger.add("job", "17", backend.user)
        for name in ("job-of-this-run", "17"):
            answer = backend.user.get(f"/jobs/{name}")
            yield Violation(f"{backend.name('x')}: {answer.json()['you']} at {answer.url}", answer)
        raise NotTestable("because of secret-of-somebody")

    back = pretend(echo)
    result = run_one(back, run)
    told = repr(result)
    assert "secret-of-somebody" not in told
    assert "job-of-this-run" not in told
    assert "/jobs/17" not in told
    assert back[0].mark not in told
    assert "/jobs/<job 2>" in told
