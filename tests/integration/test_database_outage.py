"""A database that goes away while the server runs, and comes back."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from databases import kill, stop

PASSWORD = "a rather long sentence"
GRAPH = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}


@pytest.fixture(scope="module")
def server(postgres: Any, start_server: Callable[..., Any], run_command: Callable[..., Any]) -> Any:
    database = postgres.get_uri()
    added = run_command("users", "add", "maria", "--password-stdin", database=database, text=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    return start_server(database=database, job_workers=0, metrics=True)


@pytest.fixture
def client(server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token_of(server, 'maria', PASSWORD)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as client:
        assert client.get("/me").status_code == 200
        yield client


def metrics(server: Any) -> str:
    answer = httpx.get(f"{server.url}/metrics", timeout=20)
    assert answer.status_code == 200
    return answer.text


def test_answers_while_the_database_is_gone(
    postgres: Any,
    server: Any,
    client: httpx.Client,
    expect_error: Callable[..., str],
    wait_until: Callable[..., None],
) -> None:
    stop(postgres)
    try:
        for path in ("/me", "/jobs", "/files", "/process_graphs", "/services"):
            answer = client.get(path)
            expect_error(answer, server, 503, "InfrastructureBusy")
            assert int(answer.headers["retry-after"]) > 0
        answer = client.post("/jobs", json={"process": {"process_graph": GRAPH}})
        expect_error(answer, server, 503, "InfrastructureBusy")
        expect_error(
            client.put("/files/a.txt", content=b"a", headers={"Content-Type": "application/octet-stream"}),
            server,
            503,
            "InfrastructureBusy",
        )
        login = httpx.get(f"{server.url}/credentials/basic", auth=("maria", PASSWORD), timeout=60)
        expect_error(login, server, 503, "InfrastructureBusy")
        # What needs no database is served, and whoever distributes requests is told.
        assert [client.get(path).status_code for path in ("/", "/collections", "/processes", "/health")] == [
            200
        ] * 4
        assert httpx.get(f"{server.url}/ready", timeout=60).status_code == 503
        wait_until(lambda: "connexeo_jobs" not in metrics(server), "jobs are counted without a database")
        assert "connexeo_requests_total" in metrics(server)
    finally:
        postgres.ensure_postgres_running()
    wait_until(lambda: httpx.get(f"{server.url}/ready").status_code == 200, "the server does not recover")
    for path in ("/me", "/jobs", "/files", "/process_graphs", "/services"):
        assert client.get(path).status_code == 200, path
    wait_until(lambda: 'connexeo_jobs{status="queued"} 0.0' in metrics(server), "jobs are not counted")
    assert client.get("/jobs").json()["jobs"] == []
    assert client.get("/files").json()["files"] == []


def test_an_outage_under_load_fails_no_request_for_good(
    postgres: Any, server: Any, client: httpx.Client, wait_until: Callable[..., None]
) -> None:
    """Requests go on all the time: each is answered, or told to come again, and none sees a fault of the server."""
    answers: Counter[tuple[int, str]] = Counter()
    good, busy = (200, ""), (503, "InfrastructureBusy")
    ending = threading.Event()
    headers = client.headers

    def ask() -> None:
        with httpx.Client(base_url=server.url, headers=headers, timeout=120) as own:
            while not ending.is_set():
                for path in ("/me", "/jobs", "/process_graphs"):
                    answer = own.get(path)
                    answers[answer.status_code, answer.json().get("code", "")] += 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            before = answers[good]
            wait_until(lambda before=before: answers[good] > before + 20, "nothing is answered")
            stop(postgres)
            refused = answers[busy]
            wait_until(lambda refused=refused: answers[busy] > refused + 20, "nobody is told to wait")
            postgres.ensure_postgres_running()
        before = answers[good]
        wait_until(lambda: answers[good] > before + 50, "the server does not recover")
    finally:
        ending.set()
        for thread in threads:
            thread.join()
        postgres.ensure_postgres_running()
    print("answers:", dict(answers))
    assert set(answers) == {good, busy}


def test_a_database_that_hangs_is_busy_too(
    postgres: Any,
    server: Any,
    client: httpx.Client,
    expect_error: Callable[..., str],
    wait_until: Callable[..., None],
) -> None:
    """It takes connections and never answers, as behind a network that is cut."""
    kill(postgres, signal.SIGSTOP)
    try:
        answer = client.get("/me")
        expect_error(answer, server, 503, "InfrastructureBusy")
        assert client.get("/health").status_code == 200
        assert "connexeo_requests_total" in metrics(server)
    finally:
        kill(postgres, signal.SIGCONT)
    wait_until(lambda: client.get("/me").status_code == 200, "the server does not recover")
