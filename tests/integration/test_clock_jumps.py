"""A server whose wall clock is set: what expires, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from clocks import Clock
from served import Server, link_demo

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def server(
    start_server: Callable[..., Server], clock: Clock, demo_collections: Path, tmp_path: Path
) -> Server:
    """All of its processes see the clock."""
    data = link_demo(demo_collections, tmp_path / "data")
    clock.apply()
    # Tokens are good for eight hours, links to results for a week.
    started = start_server("--demo", data=data, workers=1, job_workers=1)
    clock.spare()
    return started


def run_job(client: httpx.Client, wait_until: Callable[..., None]) -> str:
    """The signed address of a result."""
    graph = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    created = client.post("/jobs", json={"process": {"process_graph": graph}})
    job = f"/jobs/{created.headers['openeo-identifier']}"
    client.post(f"{job}/results").raise_for_status()
    wait_until(lambda: client.get(job).json()["status"] == "finished", "the job does not end")
    (asset,) = client.get(f"{job}/results").json()["assets"].values()
    return str(asset["href"])


def test_tokens_and_links_expire_by_the_wall_clock(
    server: Server,
    clock: Clock,
    token_of: Callable[..., str],
    wait_until: Callable[..., None],
    expect_error: Callable[..., str],
) -> None:
    """A clock that is set ahead ends them, one that is set back does not; and all go on after it is right again."""

    def client_of(token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=server.url, headers=headers, timeout=30)

    def status(client: httpx.Client) -> int:
        return client.get("/me").status_code

    with client_of(token_of(server)) as client:
        link = run_job(client, wait_until)
        clock.set(days=-1)
        assert status(client) == 200
        assert httpx.get(link).content == b"3"
        assert httpx.get(run_job(client, wait_until)).content == b"3"
        clock.set(days=1)
        # What was verified is believed for a few seconds.
        wait_until(lambda: status(client) == 403, "the token does not expire")
        expect_error(client.get("/me"), server, 403, "TokenInvalid")
        assert httpx.get(link).content == b"3"
        with client_of(token_of(server)) as later:
            assert httpx.get(run_job(later, wait_until)).content == b"3"
            clock.set(days=8)
            expect_error(httpx.get(link), server, 410, "ResultLinkExpired")
            assert httpx.get(f"{server.url}/ready").status_code == 200
            clock.set(days=0)
            # That of tomorrow is good, and the first one is again.
            wait_until(lambda: status(later) == 200, "a token of the future is refused")
            wait_until(lambda: status(client) == 200, "the token stays refused")
            assert httpx.get(link).content == b"3"
    assert "Traceback" not in server.log.read_text()
