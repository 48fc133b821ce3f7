"""The proxy with seeded faults: with none it changes nothing, and each fault shows."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from conformance.mutations import DRESSES, Fault, Proxy, faults, start_proxy
from conformance.mutations.fault import Turn, matches
from conformance.mutations.message import Answer, Request
from ownership import GRAPH, MAP_GRAPH, make_file, make_job, make_log, make_process, make_service
from served import Server

_STEP = re.compile(
    r"(?:(?P<who>anonymous|stranger|malformed|forged|nobody|login) )?(?P<method>[A-Z]+) (?P<target>\S+)"
    r"(?: <(?P<body>[\w-]+)>)?(?P<headers>(?: \| .+)?)"
)
_RASTER = {
    "load": {
        "process_id": "load_collection",
        "arguments": {
            "id": "sentinel-2-l2a-demo",
            "spatial_extent": {"west": 10.65, "south": 47.56, "east": 10.66, "north": 47.57},
            "temporal_extent": ["2024-06-01", "2024-06-15"],
            "bands": ["B04"],
        },
    },
    "save": {
        "process_id": "save_result",
        "arguments": {"data": {"from_node": "load"}, "format": "GTiff"},
        "result": True,
    },
}


def _graph(process: str, **arguments: Any) -> dict[str, Any]:
    return {"process_graph": {"node": {"process_id": process, "arguments": arguments, "result": True}}}


def _service(type: str = "XYZ") -> dict[str, Any]:
    return {
        "title": "t",
        "type": type,
        "enabled": False,
        "configuration": {"tile_size": 512},
        "process": {"process_graph": MAP_GRAPH},
    }


_PLAIN = {"Accept-Encoding": "identity"}

BODIES: Mapping[str, Any] = {
    "job": {"title": "t", "process": {"process_graph": GRAPH}},
    "job-long": {
        "process": {
            "process_graph": {
                "load": {
                    "process_id": "load_collection",
                    "arguments": {
                        "id": "sentinel-2-l2a-demo",
                        "spatial_extent": None,
                        "temporal_extent": ["2024-01-01", "2025-01-01"],
                    },
                },
                "save": _RASTER["save"],
            }
        }
    },
    "title": {"title": "another"},
    "empty": {},
    "add": {"process": {"process_graph": GRAPH}},
    "unknown": {"process": _graph("nothing_known")},
    "graph": {"process_graph": GRAPH},
    "graph-argument": _graph("add", x=1, y=2, z=3),
    "graph-missing": _graph("add", x=1),
    "graph-unknown": _graph("nothing_known"),
    "graph-collection": _graph("load_collection", id="nothing", spatial_extent=None, temporal_extent=None),
    "format-lower": {
        "process_graph": json.loads(json.dumps(_RASTER).replace("GTiff", "gtiff")),
    },
    "udp": {"process_graph": GRAPH, "summary": "s", "description": "d"},
    "udp-renamed": {"process_graph": GRAPH, "summary": "another"},
    "udp-other-id": {"id": "elsewhere", "process_graph": GRAPH},
    "service": _service(),
    "service-lower": _service("xyz"),
    "service-unknown": _service("nothing"),
    "text": b"one\ntwo\n",
    "garbage": b"{not json",
}


@dataclass
class World:
    """Two users, things of the first one, and what earlier requests have told."""

    client: httpx.Client
    tokens: Mapping[str, str | None]
    values: dict[str, str] = field(default_factory=dict)

    def send(self, step: str) -> httpx.Response:
        """Send the request of a line such as ``stranger PUT /files/{file} <text> | Accept: text/plain``."""
        parsed = _STEP.fullmatch(step)
        assert parsed, step
        headers = dict(line.split(": ", 1) for line in parsed["headers"].split(" | ")[1:])
        headers = {name: self._filled(value) for name, value in headers.items()}
        token = self.tokens[parsed["who"] or "owner"]
        if token:
            headers["Authorization"] = token
        body = BODIES[parsed["body"]] if parsed["body"] else None
        if isinstance(body, bytes):
            kind = "application/octet-stream" if body == BODIES["text"] else "application/json"
            answer = self._request(parsed, headers | {"Content-Type": kind}, content=body)
        else:
            answer = self._request(parsed, headers, json=body)
        self._learn(answer)
        return answer

    def _request(self, parsed: re.Match[str], headers: Mapping[str, str], **body: Any) -> httpx.Response:
        return self.client.request(parsed["method"], self._filled(parsed["target"]), headers=headers, **body)

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.values[found[1]], text)

    def _learn(self, answer: httpx.Response) -> None:
        """``{made}`` is what was created last, ``{next}`` the next page."""
        if answer.status_code == 201 and "OpenEO-Identifier" in answer.headers:
            kind = answer.request.url.path
            self.values["made"] = f"{kind}/{answer.headers['OpenEO-Identifier']}"
        elif answer.status_code < 300 and answer.headers.get("location", "").startswith("http"):
            self.values["made"] = httpx.URL(answer.headers["location"]).path
        if answer.request.method == "GET" and "limit=" in str(answer.request.url):
            try:
                links = answer.json()["links"]
            except (ValueError, KeyError, TypeError):
                return
            for link in links:
                if link.get("rel") == "next" and link["href"].startswith("http"):
                    self.values["next"] = httpx.URL(link["href"]).raw_path.decode()


@pytest.fixture(scope="module")
def proxy(demo_server: Server) -> Iterator[Proxy]:
    with start_proxy(demo_server.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def world(
    proxy: Proxy, demo_server: Server, run_command: Callable[..., Any], token_of: Callable[..., str]
) -> Iterator[World]:
    """Everything that the tour needs, made through the proxy, so that it learns whose it is."""
    added = run_command(
        "users", "add", "mutation-stranger", "--password-stdin", text="secret-secret", data=demo_server.data
    )
    # Other tests of this server may have made it.
    assert added.returncode == 0 or "there is an account" in added.stderr, added.stderr
    owner = token_of(proxy, "demo", "demo")
    tokens = {
        "owner": f"Bearer {owner}",
        "stranger": f"Bearer {token_of(proxy, 'mutation-stranger', 'secret-secret')}",
        "malformed": "Bearer basic//nobody-gave-this-out",
        "forged": f"Bearer {_forged(owner)}",
        "nobody": _basic("demo", "wrong"),
        "login": _basic("demo", "demo"),
        "anonymous": None,
    }
    with httpx.Client(base_url=proxy.url, timeout=60, headers=_PLAIN) as client:
        world = World(client, tokens)
        client.headers["Authorization"] = str(tokens["owner"])
        _furnish(client, world.values)
        del client.headers["Authorization"]
        world.send("stranger GET /me")
        world.send("GET /me")
        yield world


def _furnish(client: httpx.Client, values: dict[str, str]) -> None:
    values["file"] = make_file(client).value
    values["udp"] = make_process(client).value
    client.put(f"/process_graphs/{values['udp']}", json=BODIES["udp"]).raise_for_status()
    client.put("/process_graphs/zz_second", json=BODIES["udp"]).raise_for_status()
    client.put("/files/folder/per%20cent.txt", content=BODIES["text"], headers=_OCTETS).raise_for_status()
    for name in ("other", "service"):
        values[name] = make_service(client).value
    values["log"] = make_log(client).value
    values["finished"] = make_job(client).value
    values["created"] = client.post("/jobs", json=BODIES["job"]).headers["OpenEO-Identifier"]
    values["raster"] = _raster(client)
    results = client.get(f"/jobs/{values['raster']}/results").json()
    asset = next(each for each in results["assets"].values() if "tiff" in each["type"])
    values["asset"] = httpx.URL(asset["href"]).raw_path.decode()
    item = next(link for link in results["links"] if link["rel"] == "item")
    values["item"] = httpx.URL(item["href"]).raw_path.decode()
    values["etag"] = client.get("/collections").headers["ETag"]


_OCTETS = {"Content-Type": "application/octet-stream"}


def _raster(client: httpx.Client) -> str:
    made = client.post("/jobs", json={"title": "raster", "process": {"process_graph": _RASTER}})
    job: str = made.headers["OpenEO-Identifier"]
    client.post(f"/jobs/{job}/results").raise_for_status()
    while client.get(f"/jobs/{job}").json()["status"] in {"queued", "running"}:
        pass
    assert client.get(f"/jobs/{job}").json()["status"] == "finished"
    return job


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _forged(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{signature[::-1]}"


DIRECT = (
    "GET /",
    "GET / | Accept-Encoding: gzip",
    "HEAD /",
    "OPTIONS /jobs | Origin: https://app.example | Access-Control-Request-Method: POST",
    "GET /.well-known/openeo",
    "GET /collections?limit=1",
    "GET /collections | If-None-Match: {etag}",
    "GET /collections/sentinel-2-l2a-demo/queryables",
    "GET /collections/nothing",
    "GET /processes | Accept-Encoding: gzip",
    "anonymous GET /jobs",
    "GET /jobs?limit=2",
    "GET /jobs/{finished}",
    "GET /jobs/{finished}/results",
    "HEAD /files/{file}",
    "GET /files/{file} | Range: bytes=2-5",
    "GET /files/folder/per%20cent.txt",
    "GET /files/folder%2Fper%20cent.txt",
    "GET /process_graphs/{udp}",
    "anonymous GET {asset}",
    "PUT /jobs <job>",
    "POST /validation <graph-argument>",
    "POST /validation <garbage>",
    "PATCH /jobs/{created} <title>",
    "DELETE /jobs/nothing",
)


@pytest.mark.parametrize("step", DIRECT)
def test_without_faults_nothing_is_changed(
    world: World, proxy: Proxy, demo_server: Server, step: str
) -> None:
    proxy.clear()
    host = httpx.URL(proxy.url).netloc.decode()
    with httpx.Client(base_url=demo_server.url, timeout=60, headers={"Host": host, **_PLAIN}) as client:
        direct = World(client, world.tokens, world.values)
        wanted, again = (_seen(direct.send(step)) for _ in range(2))
    through = _seen(world.send(step))
    stable = {key for key in wanted if wanted[key] == again.get(key)}
    assert through.keys() == wanted.keys()
    assert {key: through[key] for key in stable} == {key: wanted[key] for key in stable}
    assert {"status", "body"} & stable


async def _nothing(turn: Turn) -> Answer:
    return await turn.send(turn.request)


@pytest.mark.parametrize("step", [step for step in DIRECT if "gzip" not in step])
def test_a_fault_changes_nothing_else(world: World, proxy: Proxy, step: str) -> None:
    none = replace(faults()[0], id="none", on=("* /*",), apply=_nothing)
    proxy.clear()
    wanted, again = (_seen(world.send(step)) for _ in range(2))
    proxy.switchboard.on = (none,)
    try:
        spoiled = _seen(world.send(step))
    finally:
        proxy.clear()
    assert spoiled.keys() == wanted.keys()
    for key, value in wanted.items():
        assert again[key] != value or spoiled[key] == value, key


def test_links_lead_through_the_proxy(world: World, proxy: Proxy) -> None:
    proxy.clear()
    links = world.send("GET /").json()["links"]
    assert all(
        link["href"].startswith(proxy.url) for link in links if link["rel"] in {"self", "data", "root"}
    )


@pytest.mark.parametrize("dress", sorted(DRESSES))
def test_a_dress_is_worn(world: World, proxy: Proxy, dress: str) -> None:
    proxy.clear()
    plain = world.send("GET /").json()
    proxy.switch(dress=dress)
    assert world.send("GET /").json() != plain
    proxy.clear()
    assert world.send("GET /").json() == plain


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.id) for fault in faults()])
def test_a_fault_shows(world: World, proxy: Proxy, fault: Fault) -> None:
    without = [_tour(world, proxy, fault, on=False) for _ in range(2)]
    spoiled = _tour(world, proxy, fault, on=True)
    without.append(_tour(world, proxy, fault, on=False))
    keys = set(itertools.chain(*without))
    stable = {key for key in keys if len({repr(seen.get(key)) for seen in without}) == 1}
    # Keys that no tour without the fault has are new by it; lists that grow have theirs in the last tour, too.
    differing = {key for key in stable | (spoiled.keys() - keys) if spoiled.get(key) != without[0].get(key)}
    assert differing, f"{fault.shown_by} show no difference"


def _tour(world: World, proxy: Proxy, fault: Fault, *, on: bool) -> dict[str, Any]:
    proxy.switch(*[fault.id] if on else [], dress=fault.dress)
    try:
        answers = [_seen(world.send(step)) for step in fault.shown_by]
    finally:
        proxy.clear()
    return {f"{number} {key}": value for number, seen in enumerate(answers) for key, value in seen.items()}


def _seen(answer: httpx.Response) -> dict[str, Any]:
    """What a client sees of an answer, flat."""
    seen: dict[str, Any] = {"status": answer.status_code, "body": answer.content}
    for name in set(answer.headers) - {"date"}:
        seen[f"header {name}"] = answer.headers.get_list(name)
        # Known whatever the value is, which may be another one each time.
        seen[f"form {name}"] = re.match(r"https?://|", answer.headers[name])[0]  # type: ignore[index]
    try:
        document = json.loads(answer.content)
    except ValueError:
        return seen
    del seen["body"]
    return seen | dict(_leaves(document, "body"))


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    yield place, type(value).__name__
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{place}/{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _leaves(entry, f"{place}/{number}")
    else:
        yield f"{place}=", value


def test_faults_are_described() -> None:
    known = faults()
    assert len(known) >= 75
    assert len({fault.id for fault in known}) == len(known)
    for fault in known:
        assert re.fullmatch(r"[a-z0-9-]+", fault.id)
        assert fault.title, fault.id
        assert fault.layers, fault.id
        assert fault.rule, fault.id
        assert not fault.title.endswith("."), fault.id
        assert not fault.dress or fault.dress in DRESSES


def test_faults_are_switched_by_requests(world: World, proxy: Proxy) -> None:
    proxy.clear()
    post = world.client.post("/__faults", json={"on": ["head-refused"]})
    assert post.json() == {"on": ["head-refused"], "dress": ""}
    assert world.send("HEAD /").status_code == 405
    assert world.client.post("/__faults", json={"on": ["no-such-fault"]}).status_code == 400
    assert world.client.get("/__faults").json() == post.json()
    world.client.post("/__faults", json={"on": []})
    assert world.send("HEAD /").status_code == 200


def test_etags_follow_faults(world: World, proxy: Proxy) -> None:
    proxy.switch("capabilities-title-null")
    spoiled = world.send("GET /")
    again = world.send("GET / | If-None-Match: " + spoiled.headers["ETag"])
    assert again.status_code == 304
    proxy.clear()
    assert world.send("GET /").headers["ETag"] != spoiled.headers["ETag"]


@pytest.mark.parametrize(
    ("operation", "method", "target", "same"),
    [
        ("GET /jobs/{job_id}", "GET", "/jobs/1?x=2", True),
        ("GET /jobs/{job_id}", "HEAD", "/jobs/1", True),
        ("GET /jobs/{job_id}", "GET", "/jobs/1/logs", False),
        ("GET /jobs/{job_id}", "DELETE", "/jobs/1", False),
        ("PUT /files/{path}", "PUT", "/files/a/b%20c", True),
        ("* /*", "DELETE", "/", True),
        ("GET /jobs", "GET", "/jobs/", False),
    ],
)
def test_operations_are_recognized(operation: str, method: str, target: str, same: bool) -> None:
    assert matches(operation, Request([], b"", method, target)) is same
