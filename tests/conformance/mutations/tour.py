"""Requests that show faults, written as lines, and a world of things that they are about."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from ownership import GRAPH, MAP_GRAPH, make_file, make_job, make_log, make_process, make_service

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


PLAIN = {"Accept-Encoding": "identity"}

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


def furnish(client: httpx.Client, values: dict[str, str]) -> None:
    """Make the things that requests are about, and tell what they are called."""
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


def basic(user: str, password: str) -> str:
    """The header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def forged(token: str) -> str:
    """A token with another signature."""
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{signature[::-1]}"
