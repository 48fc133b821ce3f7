"""Definitions at addresses: what is in the documents, and a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connexeo.drivers.local.state import State
from connexeo.drivers.local.stored_processes import finding
from connexeo.drivers.local.stored_processes.elsewhere import fetch_definition
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.fetch import FetchFailed, FetchRefused
from connexeo.generated.errors import ProcessGraphComplexity, ProcessGraphInvalid, ProcessUnsupported
from connexeo.processing.calls import Call, user_key
from connexeo.processing.definitions import default_definitions
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.processing.validation import check
from connexeo.settings import Settings

ADDRESS = "https://processes.example/all"


def node(
    process_id: str, *, namespace: str | None = None, result: bool = True, **arguments: Any
) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result, "namespace": namespace}


def process(name: str, **nodes: Any) -> dict[str, Any]:
    return {"id": name, "process_graph": nodes}


class Documents:
    """A client to whom each URL gives the same document."""

    def __init__(self, document: Any) -> None:
        self.document = document

    async def aget_json(self, url: str) -> Any:
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


def fetch(document: Any, name: str = "own") -> dict[str, Any]:
    return asyncio.run(fetch_definition(Documents(document), Call(name, ADDRESS)))


def namespaces(definition: dict[str, Any]) -> list[Any]:
    return [one["namespace"] for one in definition["process_graph"].values()]


def test_a_single_process() -> None:
    graph = {
        "a": node("add", result=False),
        "b": node("add", namespace="backend", result=False),
        "c": node("own"),
    }
    other = node("far", namespace="http://x.example/far")
    found = fetch(process("own", **graph, d=other))
    assert namespaces(found) == ["backend", "backend", "backend", "http://x.example/far"]
    assert fetch({"process_graph": {"a": node("pi")}})["process_graph"]["a"]["process_id"] == "pi"


def test_the_stored_processes_of_who_uses_it_are_out_of_reach() -> None:
    (namespace,) = namespaces(fetch(process("own", a=node("mine", namespace="user"))))
    assert namespace == f"user of {ADDRESS}"


def test_processes_of_one_document_call_each_other() -> None:
    several = [process("own", a=node("other")), process("other", a=node("pi")), {"id": "described_only"}]
    document = {"processes": [*several, "no process"], "links": []}
    assert namespaces(fetch(document)) == [ADDRESS]
    inside = {"x": node("apply", process={"process_graph": {"y": node("other", namespace="user")}})}
    (applied,) = fetch({"processes": [process("own", **inside), *several[1:]]})["process_graph"].values()
    assert applied["arguments"]["process"]["process_graph"]["y"]["namespace"] == ADDRESS


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (FetchRefused("the address of x is not allowed"), "not read.*use a public address"),
        (FetchFailed("the server answers with status 404", 404), "cannot be read.*404"),
        ([1], "is not a process"),
        ({"id": "other", "process_graph": {}}, "the document defines 'other'"),
        ({"processes": [{"id": "p1"}, {"id": "p2"}]}, "defines 'p1', 'p2'"),
        ({"id": "own"}, "document defines 'own'"),
        ({"processes": [{"id": "own"}]}, "no process graph"),
        ({"id": "own", "process_graph": []}, "no process graph"),
    ],
)
def test_what_is_no_definition(document: Any, message: str) -> None:
    with pytest.raises(ProcessUnsupported, match=message) as caught:
        fetch(document)
    assert ADDRESS in caught.value.message


def test_deep_documents() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(ProcessUnsupported, match="nested too deeply"):
        fetch({"id": "own", "process_graph": deep})


class _Handler(BaseHTTPRequestHandler):
    documents: dict[str, Any]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = json.dumps(self.documents.get(self.path)).encode()
        self.send_response(200 if self.path in self.documents else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[Any]:
    """A server on loopback; documents by path, and what it was asked for."""
    handler = type("Handler", (_Handler,), {"documents": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
        yield handler
        server.shutdown()
        thread.join()


def finder(tmp_path: Path, **settings: Any) -> ProcessFinder:
    given = Settings(data=tmp_path, secret=SecretStr("a secret of the tests"), **settings)
    return ProcessFinder(given, State(given.database_url), default_definitions())


def used_by(one: ProcessFinder, **nodes: Any) -> dict[str, Any]:
    return asyncio.run(one.used_by(None, {"process_graph": nodes}))


def test_over_the_network(tmp_path: Path, web: Any) -> None:
    double, deeper = f"{web.url}/double", f"{web.url}/deeper"
    x = {"name": "x", "description": "", "schema": {"type": "number"}}
    given = {"from_parameter": "x"}
    web.documents["/double"] = process("double", m=node("multiply", x=given, y=2)) | {"parameters": [x]}
    web.documents["/deeper"] = process("deeper", m=node("double", namespace=double, x=given)) | {
        "parameters": [x]
    }
    open_finder = finder(tmp_path, allow_private_network=True)
    call = node("deeper", namespace=deeper, x=21)
    known = used_by(open_finder, a=call)
    assert known.keys() == {user_key("double", double), user_key("deeper", deeper)}
    assert evaluate({"a": call}, environment=Environment(user_processes=known)) == 42
    used_by(open_finder, a=call)
    assert web.asked == ["/deeper", "/double"]  # the second time they were known
    with pytest.raises(ProcessUnsupported, match="use a public address"):
        used_by(finder(tmp_path), a=call)
    assert len(web.asked) == 2


def test_lists_without_process_graphs(tmp_path: Path, web: Any) -> None:
    """As `GET /process_graphs` gives them; predefined ones are in lists of all processes."""
    address = f"{web.url}/process_graphs"
    web.documents["/process_graphs"] = {"processes": [{"id": "twice"}, {"id": "four"}, {"id": "add"}]}
    x, given = {"name": "x", "description": "", "schema": {"type": "number"}}, {"from_parameter": "x"}
    twice = process("twice", m=node("add", x=given, y=given)) | {"parameters": [x]}
    steps = {
        "a": node("twice", result=False, x=given),
        "b": node("twice", namespace="user", x={"from_node": "a"}),
    }
    web.documents["/process_graphs/twice"] = twice
    web.documents["/process_graphs/four"] = process("four", **steps) | {"parameters": [x]}
    call = node("four", namespace=address, x=3)
    known = used_by(finder(tmp_path, allow_private_network=True), a=call)
    assert known.keys() == {user_key("twice", address), user_key("four", address)}
    assert evaluate({"a": call}, environment=Environment(user_processes=known)) == 12


def test_lists_whose_processes_cannot_be_had(tmp_path: Path, web: Any) -> None:
    address = f"{web.url}/process_graphs/?of=me"
    web.documents["/process_graphs/?of=me"] = {"processes": [{"id": "a b"}, {"id": "half"}]}
    web.documents["/process_graphs/half?of=me"] = {"id": "half"}
    mine = finder(tmp_path, allow_private_network=True)
    with pytest.raises(ProcessUnsupported, match="404"):
        used_by(mine, a=node("a b", namespace=address))
    assert web.asked[-1] == "/process_graphs/a%20b?of=me"
    with pytest.raises(ProcessUnsupported, match="has no process graph"):
        used_by(mine, a=node("half", namespace=address))


def test_circles_through_callbacks_over_the_network_end(tmp_path: Path, web: Any) -> None:
    here, there = f"{web.url}/a", f"{web.url}/b"

    def calling(other: str, address: str) -> dict[str, Any]:
        child = {"process_graph": {"c": node(other, namespace=address)}}
        return node("apply", data={"from_parameter": "data"}, process=child)

    cube = {"name": "data", "description": "", "schema": {"type": "object", "subtype": "datacube"}}
    web.documents["/a"] = process("a", m=calling("b", there)) | {"parameters": [cube]}
    web.documents["/b"] = process("b", m=calling("a", here)) | {"parameters": [cube]}
    known = used_by(finder(tmp_path, allow_private_network=True), a=node("a", namespace=here))
    assert len(known) == 2
    with pytest.raises(ProcessGraphInvalid, match="in a circle"):
        check({"a": node("a", namespace=here)}, definitions=default_definitions(), user_processes=known)


def test_circles_over_the_network_end(tmp_path: Path, web: Any) -> None:
    here, there = f"{web.url}/a", f"{web.url}/b"
    web.documents["/a"] = process("a", m=node("b", namespace=there))
    web.documents["/b"] = process("b", m=node("a", namespace=here))
    known = used_by(finder(tmp_path, allow_private_network=True), a=node("a", namespace=here))
    assert len(known) == 2
    with pytest.raises(Exception, match="in a circle"):
        evaluate({"a": node("a", namespace=here)}, environment=Environment(user_processes=known))


def test_the_number_of_documents_is_bounded(
    tmp_path: Path, web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_ELSEWHERE", 3)
    for number in range(9):
        following = node(f"p{number + 1}", namespace=f"{web.url}/p{number + 1}")
        web.documents[f"/p{number}"] = process(f"p{number}", m=following)
    with pytest.raises(ProcessGraphComplexity, match="more than 3"):
        used_by(finder(tmp_path, allow_private_network=True), a=node("p0", namespace=f"{web.url}/p0"))
    assert len(web.asked) == 3


def test_nobody_asks_themselves(tmp_path: Path, web: Any) -> None:
    """A worker that waits for an answer of its own server might wait for ever."""
    address = f"{web.url}/shared/processes/wrong"
    mine = finder(tmp_path, allow_private_network=True, public_url=web.url)
    with pytest.raises(ProcessUnsupported, match="not complete"):
        used_by(mine, a=node("a", namespace=address))
    assert web.asked == []
