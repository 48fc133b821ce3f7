"""The proxy with seeded faults: with none it changes nothing, and each fault shows."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from conformance.mutations import DRESSES, Fault, Proxy, faults, start_proxy
from conformance.mutations.fault import Turn, matches
from conformance.mutations.message import Answer, Request
from conformance.mutations.tour import PLAIN, World, basic, forged, furnish
from served import Server


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
        "forged": f"Bearer {forged(owner)}",
        "nobody": basic("demo", "wrong"),
        "login": basic("demo", "demo"),
        "anonymous": None,
    }
    with httpx.Client(base_url=proxy.url, timeout=60, headers=PLAIN) as client:
        world = World(client, tokens)
        client.headers["Authorization"] = str(tokens["owner"])
        furnish(client, world.values)
        del client.headers["Authorization"]
        world.send("stranger GET /me")
        world.send("GET /me")
        yield world


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
    with httpx.Client(base_url=demo_server.url, timeout=60, headers={"Host": host, **PLAIN}) as client:
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
