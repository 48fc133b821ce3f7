"""Processes on files of the user, through requests to a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from served import Server

PASSWORD = "a rather long sentence"


@pytest.fixture(scope="module")
def server(
    start_server: Callable[..., Server],
    run_command: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Server:
    folder = tmp_path_factory.mktemp("workspace")
    for name in ("maria", "otto"):
        added = run_command("users", "add", name, "--password-stdin", "--data", folder, text=f"{PASSWORD}\n")
        assert added.returncode == 0, added.stderr
    return start_server(data=folder, storage_quota=100_000)


@pytest.fixture(scope="module")
def clients(server: Server, token_of: Callable[..., str]) -> Iterator[dict[str, httpx.Client]]:
    made = {
        name: httpx.Client(
            base_url=server.url,
            headers={"Authorization": f"Bearer {token_of(server, name, PASSWORD)}"},
            timeout=120,
        )
        for name in ("maria", "otto")
    }
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def maria(clients: dict[str, httpx.Client]) -> httpx.Client:
    """A client of a user without files."""
    for file in clients["maria"].get("/files").json()["files"]:
        clients["maria"].delete(f"/files/{file['path']}").raise_for_status()
    return clients["maria"]


def image(value: int) -> bytes:
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=4, height=3, count=1, dtype="uint8", crs="EPSG:32632",
            transform=Affine(10, 0, 600_000, 0, -10, 5_200_000),
        ) as target:  # fmt: skip
            target.write(np.full((1, 3, 4), value, np.uint8))
        return bytes(memory.read())


def graph(*paths: str, **export: Any) -> dict[str, Any]:
    """A process that adds up the dates of files, and may export the sum."""
    reducer = {
        "sum": {"process_id": "sum", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
    }
    nodes: dict[str, Any] = {
        "load": {
            "process_id": "load_uploaded_files",
            "arguments": {"paths": list(paths), "format": "GTiff"},
        },
        "sum": {
            "process_id": "reduce_dimension",
            "arguments": {
                "data": {"from_node": "load"},
                "dimension": "t",
                "reducer": {"process_graph": reducer},
            },
        },
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "sum"}, "format": "GTiff"},
            "result": not export,
        },
    }
    if export:
        arguments = {"data": {"from_node": "save"}, "workspace": "files", **export}
        nodes["export"] = {"process_id": "export_workspace", "arguments": arguments, "result": True}
    return {"process": {"process_graph": nodes}}


def values(content: bytes) -> Any:
    with MemoryFile(content) as memory, memory.open() as source:
        return source.read()


def test_uploaded_files_are_computed_with(maria: httpx.Client) -> None:
    for day in (1, 2):
        maria.put(f"/files/in/ndvi_2024-06-0{day}.tif", content=image(day)).raise_for_status()
    answer = maria.post("/result", json=graph("in/ndvi_2024-06-01.tif", "in/ndvi_2024-06-02.tif"))
    assert answer.status_code == 200, answer.text
    assert (values(answer.content) == 3).all()
    assert len(maria.get("/files").json()["files"]) == 2


def test_results_are_exported_and_loaded_again(maria: httpx.Client) -> None:
    maria.put("/files/a_20240601.tif", content=image(7)).raise_for_status()
    answer = maria.post("/result", json=graph("a_20240601.tif", merge="out/20240701"))
    assert answer.status_code == 200, answer.text
    listed = {file["path"]: file for file in maria.get("/files").json()["files"]}
    assert list(listed) == ["a_20240601.tif", "out/20240701/item.json", "out/20240701/openEO.tif"]
    exported = maria.get("/files/out/20240701/openEO.tif")
    assert exported.content == answer.content
    item = maria.get("/files/out/20240701/item.json").json()
    assert item["assets"]["openEO.tif"]["href"] == "./openEO.tif"


def test_files_of_others_cannot_be_loaded(maria: httpx.Client, clients: dict[str, httpx.Client]) -> None:
    maria.put("/files/a_20240601.tif", content=image(7)).raise_for_status()
    for path in ("a_20240601.tif", "../maria/a_20240601.tif", "/never.tif"):
        answer = clients["otto"].post("/result", json=graph(path))
        assert (answer.status_code, answer.json()["code"]) == (404, "FileNotFound"), answer.text


def test_what_is_wrong_with_files_is_told(maria: httpx.Client, server: Server) -> None:
    maria.put("/files/a_20240601.tif", content=b"no image").raise_for_status()
    answer = maria.post("/result", json=graph("a_20240601.tif"))
    assert (answer.status_code, answer.json()["code"]) == (400, "FormatUnsuitable"), answer.text
    assert "'a_20240601.tif' cannot be read as GTiff" in answer.json()["message"]
    maria.put("/files/a_20240601.tif", content=image(1)).raise_for_status()
    maria.put("/files/large", content=bytes(99_000)).raise_for_status()
    answer = maria.post("/result", json=graph("a_20240601.tif", merge="out"))
    assert (answer.status_code, answer.json()["code"]) == (400, "StorageQuotaExceeded"), answer.text
    answer = maria.post("/result", json=graph("a_20240601.tif", merge="large"))
    assert (answer.status_code, answer.json()["code"]) == (400, "FilePathInvalid"), answer.text


def test_batch_jobs_use_files_and_export(maria: httpx.Client, wait_until: Callable[..., None]) -> None:
    maria.put("/files/a_20240601.tif", content=image(7)).raise_for_status()
    job = maria.post("/jobs", json=graph("a_20240601.tif", merge="job")).headers["OpenEO-Identifier"]
    assert maria.post(f"/jobs/{job}/results").status_code == 202
    ended = ("finished", "error", "canceled")
    wait_until(lambda: maria.get(f"/jobs/{job}").json()["status"] in ended, "the job does not end")
    assert maria.get(f"/jobs/{job}").json()["status"] == "finished", maria.get(f"/jobs/{job}/logs").text
    assert (values(maria.get("/files/job/openEO.tif").content) == 7).all()


def test_nothing_is_left_over(server: Server, maria: httpx.Client, wait_until: Callable[..., None]) -> None:
    maria.put("/files/a_20240601.tif", content=image(7)).raise_for_status()
    maria.post("/result", json=graph("a_20240601.tif", merge="out")).raise_for_status()
    data = ("*.tif", "*.json")
    # The folder of a result is removed after it was sent.
    wait_until(
        lambda: not any(path for kind in data for path in server.temporary.rglob(kind)), "files are left over"
    )


def test_input_formats_are_listed(server: Server) -> None:
    formats = httpx.get(f"{server.url}/file_formats", timeout=30).json()
    assert {"GTiff", "netCDF"} <= set(formats["input"])
    processes = httpx.get(f"{server.url}/processes", timeout=30).json()["processes"]
    assert {"load_uploaded_files", "export_workspace"} <= {process["id"] for process in processes}
