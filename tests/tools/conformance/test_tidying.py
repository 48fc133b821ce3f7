from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.inspection import NO_SERVER_ERROR, Inspection
from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.report import Report, Result
from connexeo.tools.conformance.runner import run_checks
from connexeo.tools.conformance.verdicts import Severity, State, violated

Pretend = Callable[..., tuple[BackEnd, Inspection]]
Run = Callable[[BackEnd], Any]


def make(run: Run | None, id: str = "jobs.test", **more: Any) -> Check:
    return Check(
        id=id, title="What is asked", layer="jobs", severity=Severity.MAJOR, source="test", run=run, **more
    )


def fine(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={})


@dataclass
class Store:
    """A back-end with jobs."""

    there: dict[str, str] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    lose: bool = False
    """Whether answers to creations get lost."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/openeo")
        self.asked.append(f"{request.method} {path}")
        identifier = path.rpartition("/")[2]
        if request.method == "POST":
            name = f"made-{len(self.there) + 1}"
            self.there[name] = str(json.loads(request.content).get("title"))
            if self.lose:
                raise httpx.ReadError("lost")
            return httpx.Response(201, headers={"OpenEO-Identifier": name})
        if request.method == "DELETE":
            if identifier in self.refuses:
                return httpx.Response(500, json={"code": "Internal", "message": "no"})
            return httpx.Response(204 if self.there.pop(identifier, None) is not None else 404)
        jobs = [{"id": name, "title": title} for name, title in self.there.items()]
        return httpx.Response(200, json={"jobs": jobs})


def create(backend: BackEnd, times: int = 1) -> None:
    for _ in range(times):
        backend.user.post("/jobs", {"title": backend.name("job")})


def test_everything_is_removed_in_the_end(pretend: Pretend) -> None:
    store = Store()
    report = run_checks(*pretend(store), [make(lambda backend: create(backend, 3))])
    assert (store.there, report.run.left_over, report.complete) == ({}, (), True)
    # The latest first: it may be built upon the others.
    assert store.asked[-3:] == ["DELETE /jobs/made-3", "DELETE /jobs/made-2", "DELETE /jobs/made-1"]


def test_what_cannot_be_removed_is_told(pretend: Pretend) -> None:
    store = Store(refuses=("made-2",))
    report = run_checks(*pretend(store), [make(lambda backend: create(backend, 3))])
    assert list(store.there) == ["made-2"]
    assert report.run.left_over == ("job made-2: HTTP 500 Internal",)


def test_what_was_created_without_an_answer_is_found_by_its_title(pretend: Pretend) -> None:
    store = Store(there={"of-the-user": "My job"}, lose=True)
    report = run_checks(*pretend(store), [make(create)])
    assert list(store.there) == ["of-the-user"]
    assert report.run.left_over == ()


def test_what_may_be_there_and_is_not_found_is_told(pretend: Pretend) -> None:
    store = Store(there={"of-the-user": "My job"}, lose=True)
    report = run_checks(*pretend(store), [make(lambda backend: backend.user.post("/jobs", {}) and None)])
    assert "of-the-user" in store.there
    assert report.run.left_over[0].startswith("job: a request to create one was not answered")


def interrupting(times: int = 1, number: int = signal.SIGINT) -> Run:
    def run(backend: BackEnd) -> None:
        create(backend, 2)
        for _ in range(times):
            os.kill(os.getpid(), number)
        backend.anonymous.get("/")

    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_interrupts_gets_a_report_and_a_tidy_back_end(pretend: Pretend, number: int) -> None:
    store = Store()
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    checks = [make(interrupting(number=number)), make(fine, "jobs.later"), NO_SERVER_ERROR]  # type: ignore[arg-type]
    report = run_checks(*pretend(store), checks)
    assert store.there == {}
    assert not report.complete
    assert [(result.state, result.reason) for result in report.results[:2]] == [
        (State.SKIPPED, "interrupted")
    ] * 2
    assert report.results[2].state is State.PASS
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_an_interruption_while_something_is_created_waits(pretend: Pretend) -> None:
    store = Store()

    def answer(request: httpx.Request) -> httpx.Response:
        given = store(request)
        if request.method == "POST":
            os.kill(os.getpid(), signal.SIGINT)
        return given

    report = run_checks(*pretend(answer), [make(create)])
    assert not report.complete
    assert store.asked == ["POST /jobs", "DELETE /jobs/made-1"]
    assert store.there == {}


def test_one_interruption_does_not_stop_tidying_and_two_do(pretend: Pretend) -> None:
    def disturbed(times: int) -> tuple[Store, Report]:
        store = Store()

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "DELETE" and len(store.there) == 3:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
            return store(request)

        return store, run_checks(*pretend(answer), [make(lambda backend: create(backend, 3))])

    store, report = disturbed(1)
    assert (store.there, report.run.left_over, report.complete) == ({}, (), True)
    store, report = disturbed(2)
    assert len(store.there) == 3
    assert report.run.left_over == ("job made-1", "job made-2", "job made-3")


class Gone:
    """A listener whose terminal has gone."""

    def started(self, total: int) -> None:
        raise OSError(5, "Input/output error")

    def running(self, check: Check) -> None:
        raise OSError(5, "Input/output error")

    def finished(self, result: Result) -> None:
        raise OSError(5, "Input/output error")

    def said(self, text: str) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_has_gone_does_no_harm(pretend: Pretend) -> None:
    store = Store()
    report = run_checks(*pretend(store), [make(create)], Gone())
    assert store.there == {}
    assert report.results[0].state is State.PASS


def test_a_run_that_breaks_tidies_up_too(pretend: Pretend) -> None:
    store = Store()

    class Broken(Gone):
        def finished(self, result: Result) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_checks(*pretend(store), [make(create)], Broken())
    assert store.there == {}


def test_inspection_that_trips_does_not_stop_tidying(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()

    def trip(self: Inspection, exchange: Any) -> None:
        raise KeyError("surprise")

    back = pretend(store)
    monkeypatch.setattr(Inspection, "inspect", trip)
    report = run_checks(*back, [make(create), make(create, "jobs.second")])
    assert [result.state for result in report.results] == [State.ERROR] * 2
    assert store.there == {}
    assert all("KeyError" in each for each in report.run.left_over)


def test_time_that_is_up_makes_a_run_incomplete(pretend: Pretend) -> None:
    store = Store()
    back = pretend(store, max_requests=2)
    report = run_checks(
        *back, [make(lambda backend: create(backend, 9)), make(violated_always, "jobs.second")]
    )
    assert not report.complete
    assert report.results[0].state is State.SKIPPED
    assert store.there == {}


def violated_always(backend: BackEnd) -> None:
    violated("it is wrong")
