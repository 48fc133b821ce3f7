"""What operators rely on: stopping, restarting, health checks, logs, and messages that say what is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import environment, free_port, stop

SHARED = Path(__file__).parents[3] / "shared"
OFFICIAL = SHARED / "reference" / "openeo-api-1.3.0.yaml"
PASSWORD = "a rather long sentence"
DISCOVERY = ("/", "/collections", "/processes", "/file_formats", "/conformance", "/openapi.json", "/api.html")

Expect = Callable[..., str]
WaitUntil = Callable[..., None]


@pytest.fixture(scope="module")
def data(run_command: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the account ``maria``."""
    folder = tmp_path_factory.mktemp("operations")
    added = run_command("users", "add", "maria", "--password-stdin", "--data", folder, text=f"{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    return folder


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], data: Path, demo_data: Path) -> Any:
    """A server that gunicorn starts without our command line."""
    command = ("gunicorn", "-c", "python:connexeo.server.gunicorn_conf")
    return start_server(command=command, data=data, catalogues=demo_data / "demo", metrics=True)


@pytest.fixture(scope="module")
def token(server: Any, token_of: Callable[..., str]) -> str:
    return token_of(server, "maria", PASSWORD)


def ask(server: Any, path: str, token: str | None = None) -> httpx.Response:
    """A request on a connection of its own."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.get(server.url + path, headers=headers, timeout=30)


def resident(process: int) -> float:
    """Memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    (kilobytes,) = re.findall(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024


def slow_graph() -> dict[str, Any]:
    """A second or two of work."""
    child: dict[str, Any] = {}
    for step in range(20):
        x = {"from_node": f"s{step - 1}"} if step else {"from_parameter": "x"}
        child[f"s{step}"] = {"process_id": "sin", "arguments": {"x": x}, "result": step == 19}
    load = {"id": "sentinel-2-l2a-demo", "spatial_extent": None, "bands": ["B04"]}
    load["temporal_extent"] = ["2024-06-01", "2024-07-01"]
    apply = {"data": {"from_node": "load"}, "process": {"process_graph": child}}
    save = {"data": {"from_node": "apply"}, "format": "GTiff"}
    return {
        "load": {"process_id": "load_collection", "arguments": load},
        "apply": {"process_id": "apply", "arguments": apply},
        "save": {"process_id": "save_result", "arguments": save, "result": True},
    }


def compute(server: Any, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"process": {"process_graph": slow_graph()}}
    return httpx.post(f"{server.url}/result", json=body, headers=headers, timeout=60)


def test_idle_workers_are_small(server: Any) -> None:
    for path in DISCOVERY * 8:
        assert ask(server, path).status_code == 200
    sizes = [resident(worker) for worker in server.workers()]
    print("memory of the workers in MB:", sizes)
    assert len(sizes) == 2
    assert max(sizes) < 200


def test_health(server: Any) -> None:
    assert ask(server, "/health").json() == {"status": "ok"}
    ready = ask(server, "/ready")
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "parts": {"database": True, "storage": True}},
    )
    assert "no-store" in ready.headers["cache-control"]


def test_metrics_are_summed_over_the_workers(server: Any) -> None:
    def counted() -> float:
        text = ask(server, "/metrics").text
        pattern = r'^connexeo_requests_total\{method="GET",operation="conformance",status="200"\} ([\d.]+)$'
        return sum(map(float, re.findall(pattern, text, re.MULTILINE)))

    before = counted()
    for _ in range(20):
        ask(server, "/conformance")
    assert counted() == before + 20


def test_killed_worker_is_replaced(server: Any, token: str, wait_until: WaitUntil) -> None:
    first, second = server.workers()
    os.kill(first, signal.SIGKILL)
    wait_until(
        lambda: second in server.workers() and len(server.workers()) == 2, "the worker is not replaced"
    )
    wait_until(lambda: first not in server.workers(), "the worker lives")
    for _ in range(10):
        assert ask(server, "/me", token).json()["user_id"] == "maria"


def test_each_worker_knows_the_tokens_of_the_other(
    server: Any, token: str, token_of: Callable[..., str]
) -> None:
    """While one worker is halted, the other one answers."""
    workers = server.workers()
    assert len(workers) == 2
    tokens = [token]
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
        try:
            tokens.append(token_of(server, "maria", PASSWORD))
            for known in tokens:
                assert ask(server, "/me", known).json()["user_id"] == "maria"
        finally:
            os.kill(worker, signal.SIGCONT)


@pytest.fixture(scope="module")
def restarted(server: Any, token: str, data: Path, demo_data: Path, start_server: Callable[..., Any]) -> Any:
    """The server again, stopped with SIGTERM while it computed a result for somebody."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(compute, server, token)
        while not server.computing():
            assert not answer.done(), answer.result().text
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(60)
        result = answer.result(60)
    again = start_server(data=data, catalogues=demo_data / "demo")
    return again, result, status


def test_stopping_waits_for_answers(server: Any, restarted: Any) -> None:
    _, result, status = restarted
    assert result.status_code == 200, result.text
    assert result.headers["content-type"].startswith("image/tiff")
    assert len(result.content) > 10_000
    assert status == 0
    assert list(server.temporary.iterdir()) == []
    events = [json.loads(line).get("event") for line in server.log.read_text().splitlines()]
    assert events.count("server.stopped") == 2


def test_tokens_outlive_a_restart(restarted: Any, token: str) -> None:
    assert ask(restarted[0], "/me", token).json()["user_id"] == "maria"


def test_database_that_is_gone(restarted: Any, wait_until: WaitUntil) -> None:
    again = restarted[0]
    # Workers read the database when they start.
    wait_until(lambda: again.log.read_text().count("server.ready") == 2, "the workers do not start")
    database = again.data / "connexeo.sqlite"
    kept = database.rename(database.with_suffix(".kept"))
    for content in (None, b"no database\n" * 1000):
        if content is not None:
            database.write_bytes(content)
        ready = ask(again, "/ready")
        assert ready.status_code == 503
        assert ready.json() == {"status": "unavailable", "parts": {"database": False, "storage": True}}
        assert ask(again, "/health").status_code == 200
        assert ask(again, "/collections").status_code == 200
    kept.rename(database)
    assert ask(again, "/ready").status_code == 200


def test_log_is_json_and_holds_no_secret(
    server: Any, restarted: Any, demo_server: Any, token: str, issued: list[str], data: Path
) -> None:
    lines = server.log.read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert all({"timestamp", "level", "event"} <= entry.keys() for entry in entries)
    requests = [entry for entry in entries if entry["event"] == "request"]
    assert {"request_id", "method", "path", "status", "ms"} <= requests[0].keys()
    assert "server.ready" in {entry["event"] for entry in entries}
    log = "".join(each.log.read_text() for each in (server, restarted[0], demo_server))
    assert token.removeprefix("basic//") in issued
    secrets = [PASSWORD, (data / "secret").read_text(), (demo_server.data / "secret").read_text(), *issued]
    for secret in secrets:
        assert len(secret) > 8
        assert secret not in log
    assert "authorization" not in log.lower()


def test_contract_of_another_origin(
    start_server: Callable[..., Any], run_command: Callable[..., Any], tmp_path: Path
) -> None:
    if not OFFICIAL.is_file():
        pytest.skip("needs the published API document in ../shared/reference")
    contract = tmp_path / "official.json"
    built = run_command("spec", "build", "--base", OFFICIAL, "-o", contract)
    assert built.returncode == 0, built.stderr
    server = start_server("--contract", str(contract))
    capabilities = ask(server, "/").json()
    assert capabilities["api_version"] == "1.3.0"
    assert {"/collections", "/processes", "/result"} <= {each["path"] for each in capabilities["endpoints"]}
    for path in DISCOVERY:
        assert ask(server, path).status_code == 200
    assert ask(server, "/jobs").status_code == 401
    graph = {"a": {"process_id": "add", "arguments": {"x": 1, "y": "one"}, "result": True}}
    faults = httpx.post(f"{server.url}/validation", json={"process_graph": graph}).json()["errors"]
    assert [fault["code"] for fault in faults] == ["ProcessParameterInvalid"]


def test_demo_is_refused_on_public_addresses(run_command: Callable[..., Any], demo_data: Path) -> None:
    refused = run_command("serve", "--demo", "--host", "0.0.0.0", "--port", 0, data=demo_data)
    assert refused.returncode != 0
    assert "only served on loopback, not on 0.0.0.0" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_port_that_is_taken(run_command: Callable[..., Any], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run_command("serve", "--port", port, data=tmp_path)
    assert refused.returncode != 0
    assert re.search(rf"{port}.*in use", refused.stderr)
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"driver": "sky"}, "no driver 'sky'; installed: .*local"),
        ({"secret": "short"}, "secret: must have at least 16 characters"),
        ({"workers": "many"}, "workers: .*integer"),
    ],
    ids=["driver", "secret", "workers"],
)
def test_settings_that_do_not_work(
    settings: dict[str, str], says: str, run_command: Callable[..., Any], tmp_path: Path
) -> None:
    refused = run_command("serve", "--port", 0, data=tmp_path, **settings)
    assert refused.returncode != 0
    assert re.search(says, refused.stderr)
    assert "Traceback" not in refused.stderr


def test_database_that_cannot_be_reached(tmp_path: Path, wait_until: WaitUntil) -> None:
    """The server waits for it, and serves meanwhile what needs no account."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    port = free_port()
    settings = {
        "database": "postgresql://nobody:hunter2hunter2@127.0.0.1:1/x",
        "data": tmp_path,
        "port": port,
    }
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "connexeo.tools", "serve", "--workers", "1"]
        process = subprocess.Popen(command, env=environment(**settings), stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

            def answers() -> bool:
                try:
                    return client.get("/health").status_code == 200
                except httpx.TransportError:
                    return False

            wait_until(answers, "the server answers")
            assert client.get("/ready").json() == {
                "status": "unavailable",
                "parts": {"database": False, "storage": True},
            }
            assert client.get("/processes").status_code == 200
            refused = client.get("/credentials/basic", auth=("ana", "a password"))
            assert (refused.status_code, refused.json()["code"]) == (503, "InfrastructureBusy")
    finally:
        stop(process)
    assert "database_unreachable" in log.read_text()
    assert "hunter2hunter2" not in log.read_text()
    assert "Traceback" not in log.read_text()
