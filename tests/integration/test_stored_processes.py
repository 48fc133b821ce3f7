"""Stored processes at a real server: over HTTP, with two users, and with the Python client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from openeo.api.process import Parameter
from openeo.rest import OpenEoApiError
from openeo.rest.connection import Connection, connect
from PIL import Image

COLLECTION = "sentinel-2-l2a-demo"
BOX = {"west": 623000, "south": 5267000, "east": 623500, "north": 5267500, "crs": 32632}
NUMBER = {"type": "number"}

Expect = Callable[..., str]
Json = dict[str, Any]


def node(process_id: str, *, namespace: str | None = None, result: bool = True, **arguments: Any) -> Json:
    named = {} if namespace is None else {"namespace": namespace}
    return {"process_id": process_id, "arguments": arguments, "result": result, **named}


def parameter(name: str, schema: Json = NUMBER, **more: Any) -> Json:
    return {"name": name, "description": f"The {name}.", "schema": schema, **more}


def given(name: str) -> Json:
    return {"from_parameter": name}


SCALED: Json = {
    "summary": "Times a factor",
    "parameters": [parameter("x"), parameter("factor", default=2)],
    "returns": {"description": "The product.", "schema": NUMBER},
    "process_graph": {"m": node("multiply", x=given("x"), y=given("factor"))},
}


PASSWORD = "a rather long sentence"


@pytest.fixture(scope="module")
def server(demo_server: Any) -> Any:
    return demo_server


@pytest.fixture(scope="module")
def users(
    server: Any, token_of: Callable[..., str], run_command: Callable[..., Any]
) -> Iterator[dict[str, httpx.Client]]:
    tokens = {}
    for name in ("ana", "bo"):
        added = run_command("users", "add", name, "--password-stdin", data=server.data, text=f"{PASSWORD}\n")
        assert added.returncode == 0, added.stderr
        tokens[name] = token_of(server, name, PASSWORD)
    clients = {
        name: httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=90)
        for name, token in tokens.items()
    }
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def ana(users: dict[str, httpx.Client]) -> Iterator[httpx.Client]:
    """A user who has no processes, neither before a test nor after it."""
    yield users["ana"]
    for process in users["ana"].get("/process_graphs").json()["processes"]:
        users["ana"].delete(f"/process_graphs/{process['id']}")


@pytest.fixture
def bo(users: dict[str, httpx.Client]) -> Iterator[httpx.Client]:
    """Another one."""
    yield users["bo"]
    for process in users["bo"].get("/process_graphs").json()["processes"]:
        users["bo"].delete(f"/process_graphs/{process['id']}")


def store(client: httpx.Client, process_id: str, process: Json) -> None:
    answer = client.put(f"/process_graphs/{process_id}", json=process)
    assert answer.status_code == 200, answer.text
    assert answer.content == b""


def faults(client: httpx.Client, **nodes: Json) -> list[str]:
    answer = client.post("/validation", json={"process_graph": nodes})
    assert answer.status_code == 200, answer.text
    return [error["message"] for error in answer.json()["errors"]]


def compute(client: httpx.Client, **nodes: Json) -> httpx.Response:
    return client.post("/result", json={"process": {"process_graph": nodes}})


def canonical(client: httpx.Client, process_id: str) -> str:
    links = client.get(f"/process_graphs/{process_id}").json()["links"]
    return str(next(link["href"] for link in links if link["rel"] == "canonical"))


def test_from_storing_to_deleting(ana: httpx.Client) -> None:
    store(
        ana, "scaled", {**SCALED, "id": "other", "links": [{"rel": "about", "href": "https://docs.example"}]}
    )
    (listed,) = ana.get("/process_graphs").json()["processes"]
    assert listed == {"id": "scaled", **{k: SCALED[k] for k in ("summary", "parameters", "returns")}}
    described = ana.get("/process_graphs/scaled").json()
    assert described["process_graph"] == SCALED["process_graph"]
    assert {link["rel"] for link in described["links"]} == {"self", "canonical", "about"}
    assert ana.delete("/process_graphs/scaled").status_code == 204
    assert ana.get("/process_graphs/scaled").status_code == 404
    assert ana.get("/process_graphs").json()["processes"] == []


def test_pages_lead_through_all(ana: httpx.Client) -> None:
    for number in range(7):
        store(ana, f"p{number}", SCALED)
    url: str | None = "/process_graphs?limit=3"
    sizes, seen = [], []
    while url is not None:
        page = ana.get(url).json()
        sizes.append(len(page["processes"]))
        seen += [process["id"] for process in page["processes"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        assert url is None or url.startswith(str(ana.base_url).rstrip("/"))
    assert (sizes, seen) == ([3, 3, 1], [f"p{number}" for number in range(7)])


def test_every_way_to_use_one(ana: httpx.Client) -> None:
    store(ana, "scaled", SCALED)
    four = node("add", x=node_of("s"), y=0) | {"result": True}
    for namespace in (None, "user"):
        graph = {"s": node("scaled", namespace=namespace, result=False, x=2), "a": four}
        assert faults(ana, **graph) == []
        assert compute(ana, **graph).json() == 4
    assert "'factor'" in faults(ana, s=node("scaled", x=2, factor="much"))[0]
    assert "'x' is required" in faults(ana, s=node("scaled"))[0]
    assert "namespace 'backend'" in faults(ana, s=node("scaled", namespace="backend", x=2))[0]
    created = ana.post("/jobs", json={"process": {"process_graph": {"s": node("scaled", x=2)}}})
    assert created.status_code == 201, created.text
    ana.delete(f"/jobs/{created.headers['openeo-identifier']}")
    refused = ana.post("/jobs", json={"process": {"process_graph": {"s": node("scaled", y=2)}}})
    assert refused.json()["code"] == "ProcessParameterUnsupported"


def node_of(name: str) -> Json:
    return {"from_node": name}


def test_in_callbacks_over_pixels(ana: httpx.Client, tmp_path: Path) -> None:
    store(ana, "scaled", SCALED)
    data = parameter("data", {"type": "array"})
    span = {
        "high": node("max", result=False, data=given("data")),
        "low": node("min", result=False, data=given("data")),
        "d": node("subtract", result=False, x=node_of("high"), y=node_of("low")),
        "s": node("scaled", x=node_of("d"), factor=10),
    }
    store(ana, "span", {"parameters": [data], "process_graph": span})
    extent: Json = {"spatial_extent": BOX, "temporal_extent": ["2024-05-01", "2024-09-01"], "bands": ["B04"]}
    load = node("load_collection", result=False, id=COLLECTION, **extent)

    def result(reducer: Json, name: str) -> np.ndarray:
        reduced = node(
            "reduce_dimension",
            result=False,
            data=node_of("load"),
            dimension="t",
            reducer={"process_graph": reducer},
        )
        answer = compute(ana, load=load, r=reduced, s=node("save_result", data=node_of("r"), format="GTiff"))
        assert answer.status_code == 200, answer.text
        (tmp_path / name).write_bytes(answer.content)
        with rasterio.open(tmp_path / name) as source:
            pixels: np.ndarray = source.read(1)
            return pixels

    ours = result({"s": node("span", data=given("data"))}, "ours.tif")
    by_hand = {key: value for key, value in span.items() if key != "s"}
    theirs = result({**by_hand, "s": node("multiply", x=node_of("d"), y=10)}, "theirs.tif")
    assert ours.shape == (50, 50)
    assert ours.max() > 0
    np.testing.assert_array_equal(ours, theirs)


def test_others_use_what_is_shared(ana: httpx.Client, bo: httpx.Client, server: Any) -> None:
    store(ana, "scaled", SCALED)
    outer = node("scaled", x=node_of("s"), factor=given("by"))
    twice = {"s": node("scaled", result=False, x=given("x"), factor=given("by")), "t": outer}
    store(ana, "scaled_twice", {"parameters": [parameter("x"), parameter("by")], "process_graph": twice})
    assert "no stored one" in faults(bo, s=node("scaled_twice", x=1, by=3))[0]
    address = canonical(ana, "scaled_twice")
    shared = httpx.get(address).json()
    assert shared["id"] == "scaled_twice"
    inner = {one["namespace"] for one in shared["process_graph"].values()}
    assert inner == {canonical(ana, "scaled")}
    assert faults(bo, s=node("scaled_twice", namespace=address, x=1, by=3)) == []
    assert compute(bo, s=node("scaled_twice", namespace=address, x=1, by=3)).json() == 9
    assert bo.get("/process_graphs/scaled_twice").json()["code"] == "ProcessGraphNotFound"
    assert bo.delete("/process_graphs/scaled_twice").status_code == 404
    ana.delete("/process_graphs/scaled_twice")
    assert httpx.get(address).json()["code"] == "ProcessGraphNotFound"
    assert "deleted" in faults(bo, s=node("scaled_twice", namespace=address, x=1, by=3))[0]


def with_schema(schema: Json) -> Json:
    return {**SCALED, "parameters": [parameter("x", schema), parameter("factor")]}


@pytest.mark.parametrize(
    ("process_id", "process", "status", "code", "says"),
    [
        ("add", SCALED, 400, "PredefinedProcessExists", "predefined"),
        ("own", {"process_graph": {"o": node("own")}}, 400, "ProcessGraphInvalid", "circle.*'own' → 'own'"),
        ("bad", {"process_graph": {"o": node("gone")}}, 400, "ProcessUnsupported", "'gone'"),
        ("bad", {"process_graph": {}}, 400, "ProcessGraphInvalid", "At least one node"),
        (
            "bad",
            {"process_graph": {"a": node("pi", result=False)}},
            400,
            "ProcessGraphInvalid",
            "'result' to true",
        ),
        ("bad", {"summary": "no graph"}, 400, "ProcessGraphMissing|RequestInvalid", "process_graph"),
        ("bad", [1], 400, "RequestInvalid", "object"),
        (
            "bad",
            {**SCALED, "parameters": [parameter("x", {"$ref": "file:///etc/passwd"})]},
            400,
            "ProcessInvalid",
            r"\$ref",
        ),
        (
            "bad",
            {**SCALED, "parameters": [parameter("x", {"type": "nuber"})]},
            400,
            "ProcessInvalid|RequestInvalid",
            ".",
        ),
        (
            "bad",
            {**SCALED, "parameters": [parameter("x"), parameter("x")]},
            400,
            "ProcessInvalid",
            "two parameters",
        ),
        ("x" * 201, SCALED, 400, "ProcessInvalid", "200 characters"),
        ("bad", {**SCALED, "description": "x" * 100_000}, 400, "ProcessInvalid", "Shorten"),
        (
            "bad",
            {**SCALED, "examples": [{"arguments": {"x": "x" * 2**21}}]},
            413,
            "RequestTooLarge",
            "1048576",
        ),
    ],
)
def test_what_is_not_stored(
    ana: httpx.Client,
    server: Any,
    expect_error: Expect,
    process_id: str,
    process: Any,
    status: int,
    code: str,
    says: str,
) -> None:
    answer = ana.put(f"/process_graphs/{process_id}", json=process)
    assert answer.json()["code"] in code.split("|")
    expect_error(answer, server, status, answer.json()["code"], says)
    assert ana.get("/process_graphs").json()["processes"] == []


@pytest.mark.parametrize("process_id", ["a/b", "a%2Fb", "..", "a b", "%00", "a-b", "a.b", "%F0%9F%8C%8D"])
def test_ids_that_cannot_be(ana: httpx.Client, server: Any, process_id: str) -> None:
    answer = ana.put(f"/process_graphs/{process_id}", json=SCALED)
    assert answer.status_code in (400, 404, 405), answer.text
    assert ana.get("/process_graphs").json()["processes"] == []


def test_deep_and_broken_bodies(ana: httpx.Client, server: Any, expect_error: Expect) -> None:
    deep = (
        b'{"process_graph": {"a": {"process_id": "add", "arguments": {"x": '
        + b"[" * 5000
        + b"]" * 5000
        + b"}}}}"
    )
    for body in (deep, b"{", b'{"process_graph": NaN}', b"\xff\xfe"):
        answer = ana.put("/process_graphs/bad", content=body, headers={"Content-Type": "application/json"})
        expect_error(answer, server, 400, answer.json()["code"])


@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ("http://127.0.0.1:1/process.json", "use a public address"),
        ("https://localhost/process.json", "use a public address"),
        ("http://169.254.169.254/latest", "use a public address"),
        ("http://[::1]/x", "use a public address"),
        ("https://user:secret@example.org/x", "not allowed"),
        ("file:///etc/passwd", "namespace 'file:///etc/passwd'"),
        ("/shared/processes/nothing", "not complete"),
        ("nowhere", "namespace 'nowhere'"),
    ],
)
def test_namespaces_that_are_not_read(ana: httpx.Client, namespace: str, says: str) -> None:
    (message,) = faults(ana, s=node("scaled", namespace=namespace, x=2))
    assert says in message
    answer = compute(ana, s=node("scaled", namespace=namespace, x=2))
    assert (answer.status_code, answer.json()["code"]) == (400, "ProcessUnsupported")


def test_anonymous_users_validate_with_shared_processes(ana: httpx.Client, server: Any) -> None:
    store(ana, "scaled", SCALED)
    with httpx.Client(base_url=server.url) as nobody:
        assert faults(nobody, s=node("scaled", namespace=canonical(ana, "scaled"), x=2)) == []
        assert faults(nobody, s=node("scaled", x=2)) != []


def test_unresolved_parameters_are_no_faults(ana: httpx.Client) -> None:
    assert faults(ana, s=node("add", x=given("anything"), y=1)) == []
    answer = compute(ana, s=node("add", x=given("anything"), y=1))
    assert answer.json()["code"] == "ProcessGraphInvalid"


def end_of_job(client: httpx.Client, job_id: str, wait_until: Callable[..., None]) -> str:
    """Starts a job, and gives how it ended."""
    assert client.post(f"/jobs/{job_id}/results").status_code == 202
    ended = ("finished", "error", "canceled")
    wait_until(lambda: client.get(f"/jobs/{job_id}").json()["status"] in ended, "the job did not end")
    return str(client.get(f"/jobs/{job_id}").json()["status"])


def test_jobs_use_what_is_stored_when_they_run(ana: httpx.Client, wait_until: Callable[..., None]) -> None:
    store(ana, "scaled", SCALED)
    created = ana.post("/jobs", json={"process": {"process_graph": {"s": node("scaled", x=2)}}})
    job_id = created.headers["openeo-identifier"]
    assert end_of_job(ana, job_id, wait_until) == "finished"
    ana.delete("/process_graphs/scaled")
    assert end_of_job(ana, job_id, wait_until) == "error"
    (last,) = [e for e in ana.get(f"/jobs/{job_id}/logs").json()["logs"] if e["level"] == "error"]
    assert last["code"] == "ProcessUnsupported"
    assert "'scaled' is not predefined, and no stored one" in last["message"]


def test_services_draw_with_stored_processes(ana: httpx.Client) -> None:
    """Whoever looks at the map needs no account; the process is the one of the user whose service it is."""
    data = {"parameters": [parameter("data", {"type": "array"})]}
    store(ana, "brightest", {**data, "process_graph": {"m": node("max", data=given("data"))}})
    callback = {"process_graph": {"b": node("brightest", data=given("data"))}}
    load = node(
        "load_collection",
        result=False,
        id=COLLECTION,
        spatial_extent=None,
        temporal_extent=None,
        bands=["B04"],
    )
    reduced = node("reduce_dimension", result=False, data=node_of("load"), dimension="t", reducer=callback)
    save = node("save_result", data=node_of("r"), format="PNG")
    graph = {"load": load, "r": reduced, "s": save}
    created = ana.post(
        "/services", json={"type": "XYZ", "enabled": True, "process": {"process_graph": graph}}
    )
    assert created.status_code == 201, created.text
    url = ana.get(f"/services/{created.headers['openeo-identifier']}").json()["url"]
    tile = url.replace("{z}", "15").replace("{x}", "17354").replace("{y}", "11446")
    answer = httpx.get(tile, timeout=60)
    assert answer.status_code == 200, answer.text
    with Image.open(BytesIO(answer.content)) as image:
        assert np.asarray(image.convert("RGBA"))[..., 3].any()


def computed(connection: Connection, cube: Any) -> Any:
    return connection.execute(cube)


def test_python_client(ana: httpx.Client, server: Any) -> None:
    connection: Connection = connect(server.url)
    connection.authenticate_basic("ana", PASSWORD)
    graph = {"m": node("multiply", x=given("x"), y=given("factor"))}
    parameters: list[dict[Any, Any] | Parameter] = [
        Parameter("x", description="A number.", schema=NUMBER),
        Parameter("factor", description="Another one.", schema=NUMBER, default=2),
    ]
    stored = connection.save_user_defined_process("scaled", graph, parameters=parameters, summary="Scales")
    (listed,) = connection.list_user_defined_processes()
    assert (listed["id"], listed["summary"]) == ("scaled", "Scales")
    assert stored.describe()["process_graph"] == graph
    assert connection.user_defined_process("scaled").describe()["parameters"][1]["default"] == 2
    called = connection.datacube_from_process("scaled", x=21)
    assert connection.validate_process_graph(called) == []
    assert computed(connection, called) == 42
    shared = connection.datacube_from_process("scaled", namespace=canonical(ana, "scaled"), x=5, factor=5)
    assert computed(connection, shared) == 25
    with (
        pytest.warns(UserWarning, match="pre-defined"),
        pytest.raises(OpenEoApiError, match="PredefinedProcess"),
    ):
        connection.save_user_defined_process("add", graph, parameters=parameters)
    stored.delete()
    assert list(connection.list_user_defined_processes()) == []
