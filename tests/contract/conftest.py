"""schemathesis, as a user would run it: in a process of its own, against a server that really runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from served import Server

SEED = 20260101

EXAMPLES = int(os.environ.get("CONNEXEO_TEST_EXAMPLES", "20"))
"""Random requests of each operation, besides those that are derived from its schema."""

PHASES = ("examples", "coverage", "fuzzing", "stateful")

PROCESS = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
"""A process that every back-end can run, and quickly: it is run some thousand times."""

RUNS_A_PROCESS = (
    "compute-result",
    "create-job",
    "update-job",
    "create-service",
    "update-service",
    "store-custom-process",
)
"""Operations that take a process to be run, or to be stored for a run."""

SAME_PROCESS = ("/jobs", "/jobs/{job_id}", "/services", "/services/{service_id}")
"""Paths of operations that take a process among other things: it is always the same one there, as what can be wrong
with a process, thousands of requests, is tried where one is validated, stored and run at once.
"""

REFUSES: Mapping[str, tuple[int, ...]] = {
    # Offsets are opaque: what no page has given is refused, though the schema takes any text.
    "list-jobs": (400,),
    "debug-job": (400,),
    "list-files": (400,),
    "list-custom-processes": (400,),
    "list-services": (400,),
    "debug-service": (400,),
    # WMTS has its own rules for what goes together.
    "query-wmts": (400,),
    # Paths with control characters, for example: back-ends may exclude more than the schema does.
    "upload-file": (400,),
    # A job that has not ended, or has failed.
    "list-results": (400, 424),
    # No schema can tell which permission is valid.
    "list-shared-results": (410,),
    "describe-shared-item": (410,),
    "download-result": (410,),
}
"""Operations that refuse requests which fit the schema, and how."""


@dataclass(frozen=True)
class Outcome:
    """What schemathesis has to say."""

    exit_code: int
    text: str
    report: Mapping[str, Any]

    @property
    def failures(self) -> set[tuple[str, str]]:
        """Operation and kind of each failure."""
        return {
            (name, failure["title"]) for failure in self.report["failures"] for name in failure["operations"]
        }

    @property
    def accepted(self) -> dict[str, int]:
        """Operation → how many of its requests were answered with success."""
        return {
            operation: sum(phase["accepted"] for phase in phases.values())
            for operation, phases in self.report["valid_rates"].items()
        }


RunSchemathesis = Callable[..., Outcome]


@pytest.fixture
def run_schemathesis(tmp_path: Path, token_of: Callable[..., str]) -> RunSchemathesis:
    """Runs schemathesis against a server, all its operations unless ``only`` names some."""

    def run(
        server: Server, *, only: Iterable[str] = (), phases: Iterable[str] = PHASES, examples: int = EXAMPLES
    ) -> Outcome:
        token = token_of(server)
        document = httpx.get(f"{server.url}/openapi.json", timeout=30).json()
        give_process(document)
        location = tmp_path / "openapi.json"
        location.write_text(json.dumps(document))
        config = tmp_path / "schemathesis.toml"
        config.write_text(configuration(document, known_parameters(server, token), examples))
        report = tmp_path / "report.json"
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", location]
        command += ["--url", server.url, "--phases", ",".join(phases), "--no-color"]
        command += ["--report", "json", "--report-json-path", report]
        command += [option for name in only for option in ("--include-operation-id", name)]
        done = subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path,
            env={**os.environ, "CONTRACT_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert report.is_file(), done.stdout + done.stderr
        return Outcome(done.returncode, done.stdout + done.stderr, json.loads(report.read_text()))

    return run


def give_process(document: dict[str, Any]) -> None:
    """Let the requests that the document shows be such that this server can fulfil them.

    The examples of the contract load a collection that does not exist, so they end in 404.
    """
    for path in ("/result", *SAME_PROCESS):
        for method in {"post", "patch"} & document["paths"].get(path, {}).keys():
            media = document["paths"][path][method]["requestBody"]["content"]["application/json"]
            media.pop("examples", None)
            media["example"] = {"process": {"process_graph": PROCESS}}
            if (method, path) == ("post", "/services"):
                media["example"] |= {"type": "XYZ"}
            if path in SAME_PROCESS:
                media["schema"]["properties"]["process"] = {"enum": [{"process_graph": PROCESS}]}


def known_parameters(server: Server, token: str) -> dict[str, list[Any]]:
    """Path parameters that lead to something, by name; by operationId and name where they are for one operation."""
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        collections = client.get("/collections").json()["collections"]
        result = client.post("/result", json={"process": {"process_graph": PROCESS}})
        result.raise_for_status()
        return {
            "collection_id": [collection["id"] for collection in collections],
            "log_id": [result.headers["openeo-identifier"]],
            **job_parameters(client),
            **stored_process_parameters(client),
            **service_parameters(client),
        }


def job_parameters(client: httpx.Client) -> dict[str, list[str]]:
    """Jobs for the operations that change or remove them, and one with results for those that only read."""
    (done, *others) = [create_job(client) for _ in range(21)]
    client.post(f"/jobs/{done}/results").raise_for_status()
    deadline = time.monotonic() + 60
    while client.get(f"/jobs/{done}").json()["status"] != "finished":
        assert time.monotonic() < deadline, "the job does not finish"
        time.sleep(0.1)
    results = client.get(f"/jobs/{done}/results").json()
    (canonical,) = (link["href"] for link in results["links"] if link["rel"] == "canonical")
    names = list(results["assets"])
    reading = ("list-results", "list-shared-results", "describe-shared-item", "download-result")
    return {
        "job_id": others,
        "permission": [canonical.rpartition("/")[2]],
        "item_id": names,
        "download-result path": names,
        **{f"{operation} job_id": [done] for operation in reading},
    }


def stored_process_parameters(client: httpx.Client) -> dict[str, list[str]]:
    """Stored processes for the operations that replace or remove them, and one for those that only read."""
    (kept, *others) = [f"stored_{number}" for number in range(21)]
    for name in (kept, *others):
        client.put(f"/process_graphs/{name}", json={"process_graph": PROCESS}).raise_for_status()
    links = client.get(f"/process_graphs/{kept}").json()["links"]
    (canonical,) = (link["href"] for link in links if link["rel"] == "canonical")
    return {
        "process_graph_id": others,
        "describe-custom-process process_graph_id": [kept],
        "describe-shared-process permission": [canonical.rpartition("/")[2]],
    }


def service_parameters(client: httpx.Client) -> dict[str, list[Any]]:
    """Services for the operations that change or remove them, and one of each type to be looked at."""
    (shown, *others) = [create_service(client, "XYZ") for _ in range(21)]
    wmts = create_service(client, "WMTS")
    tile = {"layer": "result", "style": "default", "tile_matrix_set": "WebMercatorQuad"}
    place = {"tile_matrix": "9", "tile_row": 178, "tile_column": "271"}
    return {
        "service_id": others,
        **{f"{operation} service_id": [shown] for operation in ("draw-xyz-tile", "describe-xyz-tiles")},
        **{f"draw-xyz-tile {name}": [value] for name, value in (("z", 9), ("x", 271), ("y", "178"))},
        **{
            f"{operation} service_id": [wmts]
            for operation in ("query-wmts", "describe-wmts", "draw-wmts-tile")
        },
        **{f"draw-wmts-tile {name}": [value] for name, value in {**tile, **place}.items()},
    }


def create_service(client: httpx.Client, service_type: str) -> str:
    """A new service that shows a demo collection."""
    arguments = {
        "id": "sentinel-2-l2a-demo",
        "spatial_extent": None,
        "temporal_extent": ["2024-07-01", "2024-07-02"],
    }
    load = {"process_id": "load_collection", "arguments": {**arguments, "bands": ["B04"]}, "result": True}
    configuration = {"bounds": [10, 47, 11, 48], "min": 0, "max": 5000}
    process = {"process_graph": {"load": load}}
    request = {"type": service_type, "process": process, "configuration": configuration}
    created = client.post("/services", json=request)
    created.raise_for_status()
    return str(created.headers["openeo-identifier"])


def create_job(client: httpx.Client) -> str:
    """A new job."""
    created = client.post("/jobs", json={"process": {"process_graph": PROCESS}})
    created.raise_for_status()
    return str(created.headers["openeo-identifier"])


def configuration(document: Mapping[str, Any], parameters: Mapping[str, list[Any]], examples: int) -> str:
    """The settings of schemathesis, as TOML."""
    lines = [
        f"seed = {SEED}",
        # With several threads, Python 3.11 sometimes fails in ast.parse, which Hypothesis calls.
        "workers = 1",
        "continue-on-failure = true",
        "request-timeout = 60.0",
        f'generation = {{ max-examples = {examples}, database = "none" }}',
        "[auth.openapi]",
        'Bearer = { bearer = "${CONTRACT_TOKEN}" }',
        'Basic = { username = "demo", password = "demo" }',
        "[parameters]",
        *(from_dictionary(name) for name in parameters if " " not in name),
    ]
    for name, values in parameters.items():
        lines += [f'[dictionaries."{name}"]', f"values = {json.dumps(values)}"]
    served = {node["operationId"] for item in document["paths"].values() for node in operations(item)}
    for operation in sorted(served):
        own = [name for name in parameters if name.startswith(f"{operation} ")]
        if own or operation in RUNS_A_PROCESS or operation in REFUSES:
            lines += ["[[operations]]", f'include-operation-id = "{operation}"']
        if own:
            lines += ["[operations.parameters]", *map(from_dictionary, own)]
        if operation in RUNS_A_PROCESS:
            # The schema tells what a process looks like, not what it means: a graph without a result node, or
            # with a process that does not exist, fits the schema and is refused with 400, as the standard has it.
            lines += ["[operations.checks.positive_data_acceptance]", "enabled = false"]
        elif operation in REFUSES:
            statuses = ["2xx", "3xx", "401", "403", "404", "5xx", *map(str, REFUSES[operation])]
            lines += ["[operations.checks.positive_data_acceptance]", f"expected-statuses = {statuses}"]
    return "\n".join(lines)


def from_dictionary(name: str) -> str:
    """The setting that takes a path parameter from the dictionary of this name, most of the time."""
    parameter = name.rpartition(" ")[2]
    return f'"path.{parameter}" = {{ dictionary = "{name}", probability = 0.75 }}'


def operations(item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The operations of a path."""
    return (item[method] for method in ("get", "put", "post", "patch", "delete") if method in item)
