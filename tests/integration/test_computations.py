"""Synchronous computations that are too much, that are killed, or that nobody waits for any longer."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from graphs import Graph, add, chain, heavy, loading

Expect = Callable[..., str]


@pytest.fixture(scope="module")
def limited_server(
    start_server: Callable[..., Any], run_command: Callable[..., Any], demo_data: Path, tmp_path_factory: Any
) -> Any:
    """A server with tight limits and an account of its own."""
    data = tmp_path_factory.mktemp("limited")
    added = run_command("users", "add", "maria", "--password-stdin", "--data", data, text="correct horse\n")
    assert added.returncode == 0, added.stderr
    return start_server(
        data=data, catalogues=demo_data / "demo", result_timeout=6, result_memory=2**26, max_body=100_000
    )


@pytest.fixture(scope="module")
def limited(limited_server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    token = token_of(limited_server, "maria", "correct horse")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=limited_server.url, headers=headers, timeout=60) as client:
        yield client


def compute(client: httpx.Client, graph: Graph) -> httpx.Response:
    return client.post("/result", json={"process": {"process_graph": graph}})


def assert_computes(client: httpx.Client) -> None:
    """Both workers still compute: the requests are sent on connections of their own."""
    for _ in range(6):
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60) as fresh:
            answer = compute(fresh, {"a": add()})
        assert (answer.status_code, answer.text) == (200, "2")


def at_work(server: Any) -> list[int]:
    """Children that have threads, and so have been told what to do."""
    return [child for child in server.computing() if len(list(Path(f"/proc/{child}/task").glob("*"))) > 1]


def kill_computing(server: Any) -> None:
    for process in server.computing():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def nothing_computes(limited_server: Any, wait_until: Callable[..., None]) -> None:
    """The children that wait for work are gone, so that one that is there computes."""
    kill_computing(limited_server)
    wait_until(lambda: not limited_server.computing(), "a killed process lives")


@pytest.mark.usefixtures("nothing_computes")
def test_graph_that_takes_too_long(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    answer = compute(limited, heavy())
    expect_error(answer, limited_server, 408, "RequestTimeout", "6 s.*smaller extent")
    assert not limited_server.computing()
    assert_computes(limited)


def test_result_that_is_too_large(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    graph = loading(spatial_extent=None, temporal_extent=None, bands=None)
    answer = compute(limited, graph)
    expect_error(answer, limited_server, 400, "ProcessGraphComplexity", "64 MB.*smaller extent")


def test_more_memory_than_there_is(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    """The limit is about 1.3 GB here; the array would take 8 GB."""
    repeated = {"process_id": "array_create", "arguments": {"data": [1], "repeat": 10**9}, "result": True}
    answer = compute(limited, {"a": repeated})
    expect_error(answer, limited_server, 400, "ProcessGraphComplexity", "more memory.*smaller extent")
    assert_computes(limited)


def test_body_beyond_the_setting(limited: httpx.Client, limited_server: Any, expect_error: Expect) -> None:
    answer = compute(limited, chain(5_000))
    expect_error(answer, limited_server, 413, "RequestTooLarge", "100000 bytes")


@pytest.mark.usefixtures("nothing_computes")
def test_computation_that_is_killed(
    limited: httpx.Client, limited_server: Any, expect_error: Expect, wait_until: Callable[..., None]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(compute, limited, heavy())
        wait_until(limited_server.computing, "nothing is computed")
        kill_computing(limited_server)
        message = expect_error(answer.result(60), limited_server, 500, "Internal", "ended unexpectedly")
    assert "SIGKILL" not in message
    assert_computes(limited)


def test_idle_children_that_are_killed(limited: httpx.Client, limited_server: Any) -> None:
    assert_computes(limited)
    assert limited_server.computing()
    kill_computing(limited_server)
    assert_computes(limited)


@pytest.mark.usefixtures("nothing_computes")
def test_client_that_goes_away(
    limited: httpx.Client, limited_server: Any, wait_until: Callable[..., None]
) -> None:
    body = json.dumps({"process": {"process_graph": heavy()}}).encode()
    head = [
        "POST /result HTTP/1.1",
        "Host: test",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"Authorization: {limited.headers['Authorization']}",
        "X-Request-ID: impatient",
    ]
    address = urlsplit(limited_server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        wait_until(limited_server.computing, "nothing is computed")
    wait_until(lambda: not limited_server.computing(), "the computation goes on")

    def logged() -> list[int]:
        lines = [json.loads(line) for line in limited_server.log.read_text().splitlines() if line[0] == "{"]
        return [line["status"] for line in lines if line.get("request_id") == "impatient"]

    wait_until(logged, "the request is not logged")
    assert logged() == [499]
    assert_computes(limited)


@pytest.mark.usefixtures("nothing_computes")
def test_worker_that_dies_takes_its_computation_along(
    limited: httpx.Client, limited_server: Any, wait_until: Callable[..., None]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(compute, limited, heavy())
        wait_until(lambda: at_work(limited_server), "nothing is computed")
        (busy,) = at_work(limited_server)
        status = Path(f"/proc/{busy}/status").read_text()
        (worker,) = re.findall(r"^PPid:\s*(\d+)$", status, re.MULTILINE)
        os.kill(int(worker), signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            answer.result(60)
    wait_until(lambda: not Path(f"/proc/{busy}").exists(), "the computation goes on")
    wait_until(lambda: len(limited_server.workers()) == 2, "the worker is not replaced")
    assert_computes(limited)


def test_results_leave_no_files(limited_server: Any, wait_until: Callable[..., None]) -> None:
    # They go when the answer has been sent, so the last ones a moment after it has arrived.
    wait_until(lambda: not list(limited_server.temporary.glob("*/result-*")), "files are left behind")
