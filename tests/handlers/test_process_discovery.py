"""The predefined processes."""

from __future__ import annotations

from asgi_client import HOST, Client
from connexeo.generated import load_processes


def test_all_processes_on_one_page(client: Client) -> None:
    document = client.get("/processes?limit=2").json()
    assert document["processes"] == load_processes()
    assert {link["rel"] for link in document["links"]} == {"self", "root"}
    assert document["links"][0]["href"] == f"http://{HOST}/processes"
