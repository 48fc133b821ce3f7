"""Requirements of all endpoints: CORS, text, errors, and what process graphs may hold."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import httpx
import pytest

from profiles.api import DOCUMENT, operations, refused
from profiles.graphs import add, load, mean_over_time, node, of, process, save
from profiles.requirement import requirement

EXPOSED = {"location", "openeo-identifier", "openeo-costs", "link"}
ORIGIN = {"Origin": "https://editor.example"}


def listed(header: str) -> set[str]:
    return {entry.strip().lower() for entry in header.split(",")}


def concrete(path: str) -> str:
    """A path with something that does not exist in place of its parameters."""
    for parameter in ("collection_id", "job_id", "path", "process_graph_id", "service_id", "log_id"):
        path = path.replace(f"{{{parameter}}}", "nothing_like_it")
    return path


@requirement(1)
@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_preflight(path: str, anonymous: httpx.Client) -> None:
    methods = {method for method, each in operations() if each == path}
    at_root = path.startswith("/.well-known")
    target = str(anonymous.base_url.copy_with(path=path)) if at_root else concrete(path)
    asking = {**ORIGIN, "Access-Control-Request-Method": min(methods)}
    answer = anonymous.options(target, headers=asking)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert methods <= {method.upper() for method in listed(answer.headers["access-control-allow-methods"])}
    assert {"authorization", "content-type"} <= listed(answer.headers["access-control-allow-headers"])
    assert listed(answer.headers["access-control-expose-headers"]) >= EXPOSED


def one_of_each(client: httpx.Client) -> list[httpx.Response]:
    """An answer to a request of each method, and two errors of the server itself."""
    faulty = add(x="one")
    return [
        client.get("/collections", headers=ORIGIN),
        client.post("/validation", json={"process_graph": faulty}, headers=ORIGIN),
        client.put("/process_graphs/nothing", json={"process_graph": faulty}, headers=ORIGIN),
        client.patch("/jobs/nothing", json={"title": "x"}, headers=ORIGIN),
        client.delete("/jobs/nothing", headers=ORIGIN),
        client.get("/nowhere", headers=ORIGIN),
        client.put("/collections", headers=ORIGIN),
    ]


@requirement(2)
def test_any_origin_may_read(user: httpx.Client) -> None:
    for answer in one_of_each(user):
        assert answer.headers["access-control-allow-origin"] == "*", answer.request


@requirement(3)
def test_headers_are_exposed(user: httpx.Client) -> None:
    for answer in one_of_each(user):
        assert listed(answer.headers["access-control-expose-headers"]) >= EXPOSED, answer.request


@requirement(5)
def test_text_is_utf_8(user: httpx.Client) -> None:
    name = "größe λ"
    graph = {"näher": {**node("add", x=name, y=1), "result": True}}
    text = json.dumps({"process_graph": graph}, ensure_ascii=False)
    for media_type in (
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=UTF-8",
    ):
        answer = user.post("/validation", content=text.encode(), headers={"Content-Type": media_type})
        assert name in answer.content.decode("utf-8"), answer.text
        assert name in answer.json()["errors"][0]["message"]
        kind, _, charset = answer.headers["content-type"].partition(";")
        assert (kind, charset.lower().replace(" ", "")) in {
            ("application/json", ""),
            ("application/json", "charset=utf-8"),
        }
    latin = user.post(
        "/validation", content=text.encode("utf-16"), headers={"Content-Type": "application/json"}
    )
    refused(latin, 400, "RequestInvalid")


def failures(user: httpx.Client, anonymous: httpx.Client) -> dict[str, tuple[httpx.Response, int]]:
    """Answers to all kinds of wrong requests, and the status that each must have."""
    bad = {"Authorization": "Bearer oidc/river/nonsense"}
    invalid = {"Content-Type": "application/json"}
    return {
        "no such path": (user.get("/nowhere"), 404),
        "no such method": (user.patch("/collections"), 405),
        "no such collection": (user.get("/collections/nothing"), 404),
        "no token": (anonymous.get("/me"), 401),
        "wrong token": (anonymous.get("/me", headers=bad), 403),
        "no JSON": (user.post("/validation", content=b"{", headers=invalid), 400),
        "wrong media type": (
            user.post("/validation", content=b"x", headers={"Content-Type": "text/csv"}),
            400,
        ),
        "wrong parameter": (user.get("/collections?limit=0"), 400),
        "wrong process": (user.post("/result", json=process(add(x="one"))), 400),
        "switched off": (anonymous.get("/credentials/basic", auth=("a", "b")), 501),
    }


@requirement(6)
def test_status_of_failures(user: httpx.Client, anonymous: httpx.Client) -> None:
    for name, (answer, status) in failures(user, anonymous).items():
        assert answer.status_code == status, f"{name}: {answer.text}"


@requirement(7)
def test_body_of_failures(user: httpx.Client, anonymous: httpx.Client) -> None:
    for name, (answer, _) in failures(user, anonymous).items():
        assert answer.headers["content-type"].partition(";")[0] == "application/json", name
        error = answer.json()
        assert isinstance(error["code"], str), name
        assert error["code"].isidentifier(), name
        assert isinstance(error["message"], str), name
        assert len(error["message"]) > 10, name


@requirement(8)
def test_identifier_of_failures(user: httpx.Client, anonymous: httpx.Client) -> None:
    ids = [answer.json()["id"] for answer, _ in failures(user, anonymous).values()]
    assert all(isinstance(each, str) and each for each in ids)
    assert len(set(ids)) == len(ids)


@requirement(9)
def test_namespaces(user: httpx.Client) -> None:
    stored = user.put(
        "/process_graphs/incremented",
        json={
            "process_graph": add(x={"from_parameter": "x"}, y=1),
            "parameters": [{"name": "x", "description": "A number.", "schema": {"type": "number"}}],
        },
    )
    assert stored.status_code == 200, stored.text
    predefined = user.post("/result", json=process(add(namespace="backend")))
    assert predefined.json() == 3
    unspecified = user.post("/result", json=process(add(namespace=None)))
    assert unspecified.json() == 3
    own = {"own": {**node("incremented", x=41), "namespace": "user", "result": True}}
    assert user.post("/result", json=process(own)).json() == 42
    for namespace, graph in (("backend", own), ("user", add()), ("nowhere", add())):
        wrong = {name: {**each, "namespace": namespace} for name, each in graph.items()}
        refused(user.post("/result", json=process(wrong)), 400, "ProcessUnsupported")


@requirement(10)
def test_several_results(user: httpx.Client) -> None:
    graph: dict[str, Any] = {
        "load": load(),
        "raster": save("load", "GTiff"),
        "file": {**save("load", "netCDF"), "result": True},
    }
    answer = user.post("/result", json=process(graph))
    assert answer.status_code == 200, answer.text
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        names = archive.getnames()
    assert {name.rpartition(".")[2] for name in names} >= {"tif", "nc"}, names


@requirement(11)
def test_stored_process_in_a_graph(user: httpx.Client, api: Any) -> None:
    stored = user.put("/process_graphs/seventeen", json={"process_graph": add(8, 9)})
    assert stored.status_code == 200, stored.text
    graph = {"own": node("seventeen"), "twice": {**node("add", x=of("own"), y=of("own")), "result": True}}
    assert user.post("/result", json=process(graph)).json() == 34
    stranger = api.user().post("/result", json=process(graph))
    refused(stranger, 400, "ProcessUnsupported")


@requirement(12)
def test_parameters_of_a_process(user: httpx.Client) -> None:
    parameters = [
        {"name": "low", "description": "A number.", "schema": {"type": "number"}},
        {
            "name": "high",
            "description": "A number.",
            "schema": {"type": "number"},
            "optional": True,
            "default": 100,
        },
    ]
    graph = add(x={"from_parameter": "low"}, y={"from_parameter": "high"})
    stored = user.put("/process_graphs/both", json={"process_graph": graph, "parameters": parameters})
    assert stored.status_code == 200, stored.text

    def result(**arguments: Any) -> httpx.Response:
        return user.post("/result", json=process({"both": {**node("both", **arguments), "result": True}}))

    assert result(low=1, high=2).json() == 3
    assert result(low=1).json() == 101
    refused(result(high=2), 400, "ProcessParameterRequired")
    refused(result(low="one"), 400, "ProcessParameterInvalid")


@requirement(13)
def test_callbacks(user: httpx.Client) -> None:
    child = {"more": {**node("add", x={"from_parameter": "x"}, y=10), "result": True}}
    applied = {
        "values": node("array_create", data=[1, 2, 3]),
        "mean": {**node("mean", data=of("values")), "result": True},
    }
    assert user.post("/result", json=process(applied)).json() == 2
    answer = user.post("/result", json=process(mean_over_time("netCDF")))
    assert answer.status_code == 200, answer.text
    cube = {
        "load": load(),
        "more": node("apply", data=of("load"), process={"process_graph": child}),
        "save": {**save("more"), "result": True},
    }
    assert user.post("/result", json=process(cube)).headers["content-type"].startswith("image/tiff")
    child["more"]["arguments"]["x"] = {"from_parameter": "value"}
    refused(user.post("/result", json=process(cube)), 400, "ProcessGraphInvalid")
