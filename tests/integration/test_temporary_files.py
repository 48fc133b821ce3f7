"""Temporary files of web workers that are killed, whatever they were at."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import Server, children, link_demo
from working import ODD, TESTS, node, process


@pytest.fixture
def server(
    start_server: Callable[..., Server],
    demo_collections: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Server:
    """One web worker, whose children know the processes of tests."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    data = link_demo(demo_collections, tmp_path / "data")
    return start_server("--demo", data=data, workers=1, job_workers=0, **ODD)


@pytest.fixture
def client(server: Server, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token_of(server)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


@pytest.mark.parametrize("child_dies", [False, True])
def test_nothing_is_left_of_requests_that_compute_or_wait(
    tmp_path: Path,
    server: Server,
    client: httpx.Client,
    wait_until: Callable[..., None],
    child_dies: bool,
) -> None:
    """The second one waits for the first: it has a folder, of which no child has heard."""

    def compute(name: str) -> Any:
        graph = process(wait=node("wait_for", path=str(tmp_path / name)))
        return client.post("/result", json={"process": graph})

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(compute, name) for name in ("first", "second")]
        wait_until(lambda: len(list(server.temporary.glob("*/result-*"))) == 2, "nobody waits")
        wait_until(lambda: list(tmp_path.glob("*.waiting")), "nothing is computed")
        (worker,) = server.workers()
        os.kill(worker, signal.SIGSTOP)
        if child_dies:
            for child in children(worker):
                os.kill(child, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        for answer in answers:
            with pytest.raises(httpx.TransportError):
                answer.result(60)
    wait_until(lambda: not list(server.temporary.glob("*/result-*")), "folders are left behind")
    wait_until(lambda: server.workers() not in ([], [worker]), "the worker is not replaced")
    (tmp_path / "third").touch()
    assert compute("third").json() is True
    # Only the folder of the worker that lives.
    assert len(list(server.temporary.glob("*connexeo-run-*"))) == 1
