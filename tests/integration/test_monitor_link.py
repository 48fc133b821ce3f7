"""The logs of a synchronous computation, by the link in its response."""

from __future__ import annotations

import re
from typing import Any

import httpx

GRAPH = {
    "sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}},
    "look": {
        "process_id": "inspect",
        "arguments": {"data": {"from_node": "sum"}, "message": "a sum", "code": "Sum", "level": "warning"},
        "result": True,
    },
}


def test_monitor_link(demo_server: Any) -> None:
    with httpx.Client(base_url=demo_server.url, timeout=60) as client:
        token = client.get("/credentials/basic", auth=("demo", "demo")).json()["access_token"]
        headers = {"Authorization": f"Bearer basic//{token}"}
        answer = client.post("/result", headers=headers, json={"process": {"process_graph": GRAPH}})
        assert answer.status_code == 200, answer.text
        assert answer.json() == 3
        found = re.fullmatch(r'<(.+)>; rel="monitor"', answer.headers["Link"])
        assert found is not None
        assert found[1] == f"{demo_server.url}/logs/{answer.headers['OpenEO-Identifier']}"
        (entry,) = client.get(found[1], headers=headers).json()["logs"]
        assert entry["level"] == "warning"
        assert entry["message"] == "a sum"
        assert entry["path"] == [{"node_id": "look"}]
        assert client.get(found[1]).status_code == 401
        assert client.get(f"{found[1]}0", headers=headers).json()["code"] == "NotFound"
