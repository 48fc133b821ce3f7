"""Random requests to servers that really run."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import util
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.discovery import discover
from connexeo.tools.conformance.fuzzing import campaign as campaigns
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.login import Basic
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.runner import run_checks
from connexeo.tools.conformance.session import chosen, contract_for, open_backend
from connexeo.tools.conformance.verdicts import State

pytestmark = pytest.mark.xdist_group("fuzzing")

ONLY = ("schema.", "answers.", "profile.2", "profile.3", "profile.6", "profile.7", "profile.8", "run.")

GRAPH = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}

MARK = re.compile(rb"conformance_[0-9a-f]{8}")
"""Part of the names of this run."""

Edit = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Doctored(httpx.BaseTransport):
    """Changes what a server answers, and keeps what it was asked."""

    def __init__(self, edit: Edit) -> None:
        self.inner = httpx.HTTPTransport()
        self.edit = edit
        self.accepted: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        answer = self.inner.handle_request(request)
        if answer.is_success:
            self.accepted.add(f"{request.method} {request.url.path}")
        return self.edit(request, answer)

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


@contextmanager
def opened(
    url: str, edit: Edit = lambda request, answer: answer, *, account: bool = True, **options: Any
) -> Iterator[tuple[BackEnd, Inspection, Doctored]]:
    """A back-end whose answers may be doctored."""
    transport = Doctored(edit)
    with httpx.Client(transport=transport) as client:
        chosen_options = Options(layers=("schema",), only=ONLY, **options)
        discovery = discover(client, url)
        contract = contract_for(discovery, chosen_options)
        inspection = Inspection(contract)
        login = Basic("demo", "demo") if account else None
        yield (
            open_backend(client, discovery, contract, chosen_options, inspection, login, None),
            inspection,
            transport,
        )


def run(url: str, edit: Edit = lambda request, answer: answer, **options: Any) -> Report:
    """Run the checks of this layer."""
    with opened(url, edit, **options) as (backend, inspection, _):
        return run_checks(backend, inspection, chosen(backend.options))


def states(report: Report) -> dict[str, State]:
    """Check → how it ended."""
    return {result.check.id: result.state for result in report.results}


@pytest.fixture(scope="module")
def user(demo_server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    """The user of the demo server."""
    headers = {"Authorization": f"Bearer {token_of(demo_server)}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def property_of_the_user(user: httpx.Client) -> None:
    """What the user had before."""
    process = {"process": {"process_graph": GRAPH}}
    user.post("/jobs", json={**process, "title": "mine"}).raise_for_status()
    user.put("/process_graphs/mine", json={"process_graph": GRAPH}).raise_for_status()
    user.put("/files/mine.txt", content=b"mine").raise_for_status()


def belongings(user: httpx.Client) -> dict[str, Any]:
    """All that the user has."""
    found = {path: user.get(path).json() for path in ("/jobs", "/process_graphs", "/files", "/services")}
    found["file"] = user.get("/files/mine.txt").text
    return found


@pytest.mark.usefixtures("property_of_the_user")
def test_our_server_stands_it_and_nothing_of_the_user_is_touched(
    demo_server: Any, user: httpx.Client
) -> None:
    before = belongings(user)
    with opened(demo_server.url, write=True, allow_costs=True, examples=8) as (
        backend,
        inspection,
        transport,
    ):
        report = run_checks(backend, inspection, chosen(backend.options))
    assert report.findings == ()
    assert set(states(report).values()) == {State.PASS}
    assert report.run.left_over == ()
    assert belongings(user) == before
    accepted = {name.replace("/openeo/1.3", "") for name in transport.accepted}
    # A server that only ever refused would not have been tested.
    for method, path in (
        ("POST", "/jobs"),
        ("POST", "/services"),
        ("POST", "/validation"),
        ("PATCH", "/jobs/"),
        ("PATCH", "/services/"),
        ("DELETE", "/jobs/"),
        ("PUT", "/process_graphs/"),
        ("DELETE", "/process_graphs/"),
        ("PUT", "/files/"),
        ("GET", "/files/"),
        ("GET", "/jobs/"),
        ("GET", "/collections/"),
    ):
        assert any(name.startswith(f"{method} {path}") for name in accepted), (method, path)


@pytest.mark.usefixtures("property_of_the_user")
def test_reading_changes_nothing_and_is_the_same_each_time(demo_server: Any) -> None:
    def watch(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        asked.append((request.method, request.url.raw_path, request.content))
        return answer

    runs = []
    for _ in range(2):
        asked: list[tuple[str, bytes, bytes]] = []
        report = run(demo_server.url, watch, examples=2)
        assert report.findings == ()
        assert {method for method, _, _ in asked} == {"GET", "POST", "TRACE"}
        assert {path for method, path, _ in asked if method == "POST"} == {b"/validation"}
        assert report.run.left_over == ()
        runs.append([(method, MARK.sub(b"", path), content) for method, path, content in asked])
    assert [pair for pair in zip_longest(*runs) if pair[0] != pair[1]] == []


Open = tuple[Report, list[tuple[str, str]]]
"""A report, and the texts that schemathesis was given: document and settings."""


@pytest.fixture(scope="module")
def without_account(demo_server: Any) -> Open:
    """A run without account, beside a token that is meant for others."""
    seen: list[tuple[str, str]] = []
    real = campaigns._run

    def look(folder: Path, gateway: Any, seconds: float) -> tuple[int | None, str]:
        seen.append(
            (folder.joinpath("openapi.json").read_text(), folder.joinpath("schemathesis.toml").read_text())
        )
        assert not any("CONNEXEO" in name for name in campaigns._environment())
        return real(folder, gateway, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaigns, "_run", look)
        patch.setenv("CONNEXEO_CONFORMANCE_TOKEN", "basic//x")
        return run(demo_server.url, account=False, examples=2), seen


def test_without_account_only_what_is_open_is_asked(without_account: Open) -> None:
    report, _ = without_account
    assert report.findings == ()
    assert states(report)["schema.random-requests"] is State.PASS
    assert states(report)["schema.rejects-invalid"] is State.PASS


def test_neither_token_nor_address_of_the_back_end_are_told_to_schemathesis(
    demo_server: Any, without_account: Open
) -> None:
    report, seen = without_account
    assert states(report)["schema.random-requests"] is State.PASS
    ((document, settings),) = seen
    assert demo_server.url not in document + settings


NEXT = {"rel": "next", "href": "https://backend.example/page/2"}


def spoil(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """Answer some requests as the contract forbids."""
    path = request.url.path
    answer.read()
    if request.method == "TRACE":
        return httpx.Response(200, text="TRACE")
    if path == "/conformance":
        return json_answer(200, {"conformsTo": "everything"}, answer)
    if path == "/file_formats":
        return json_answer(500, {"id": "1", "code": "Internal", "message": "Sorry"}, answer)
    if path == "/validation":
        return json_answer(200, {"errors": []}, answer)
    if path == "/processes" and answer.status_code == 400:
        return json_answer(200, {"processes": [], "links": [NEXT]}, answer)
    if path == "/collections" and request.url.query:
        return json_answer(400, {"id": "1", "code": "Bad", "message": "No"}, answer)
    return answer


def json_answer(status: int, body: Any, like: httpx.Response) -> httpx.Response:
    """Another answer with the headers that all have."""
    kept = {name: value for name, value in like.headers.items() if name.startswith("access-control-")}
    return httpx.Response(status, json=body, headers=kept)


def test_what_breaks_the_contract_is_found(demo_server: Any) -> None:
    report = run(demo_server.url, spoil, account=False, examples=2)
    found = {(each.check.id, each.place, str(each.severity)) for each in report.findings}
    assert found == {
        ("schema.methods", "TRACE", "major"),
        ("answers.body", "GET /conformance", "major"),
        ("answers.no-server-error", "GET /file_formats", "major"),
        ("schema.rejects-invalid", "POST /validation", "major"),
        ("schema.rejects-invalid", "GET /processes", "minor"),
        ("schema.accepts-valid", "GET /collections", "major"),
    }
    for finding in report.findings:
        assert finding.evidence is not None


def test_when_time_is_up_the_process_ends_and_nothing_is_left(
    demo_server: Any, user: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "SECONDS", 4.0)
    started = watch_processes(monkeypatch)
    jobs = user.get("/jobs").json()["jobs"]
    report = run(demo_server.url, write=True, examples=200)
    reasons = {result.check.id: result.reason for result in report.results}
    assert states(report)["schema.random-requests"] is State.SKIPPED
    assert "4 s for random requests are over; more with --max-time" in reasons["schema.random-requests"]
    assert report.findings == ()
    assert report.run.left_over == ()
    assert user.get("/jobs").json()["jobs"] == jobs
    (process,) = started
    assert process.poll() == -9


def test_interrupted_the_process_ends_and_nothing_is_left(
    demo_server: Any, user: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = watch_processes(monkeypatch)
    jobs = user.get("/jobs").json()["jobs"]
    created = threading.Event()

    def watch(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        if (
            request.method == "POST"
            and request.url.path == "/jobs"
            and answer.is_success
            and not created.is_set()
        ):
            created.set()
            # As a terminal does, while the main thread waits.
            os.kill(os.getpid(), 2)
        return answer

    report = run(demo_server.url, watch, write=True)
    assert created.is_set()
    assert not report.complete
    assert report.run.left_over == ()
    assert user.get("/jobs").json()["jobs"] == jobs
    (process,) = started
    assert process.poll() is not None


def watch_processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started from now on."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("connexeo.tools.conformance.fuzzing.campaign.subprocess.Popen", popen)
    return started


def test_without_schemathesis_it_says_how_to_get_it(
    demo_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = util.find_spec
    monkeypatch.setattr(campaigns, "find_spec", lambda name: None if name == "schemathesis" else known(name))
    report = run(demo_server.url)
    (reason,) = {result.reason for result in report.results if result.check.id == "schema.random-requests"}
    assert reason == "needs schemathesis: python -m pip install 'connexeo[conformance]'"
    assert states(report)["schema.rejects-invalid"] is State.SKIPPED
