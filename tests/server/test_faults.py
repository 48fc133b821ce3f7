"""How a body's fault is found and told, and that looking for it stays cheap."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from asgi_client import Client
from connexeo.server.faults import LARGEST_DESCRIBED, body_fault, nesting
from connexeo.server.schema import SchemaCompiler


@pytest.mark.parametrize(
    ("value", "depth"),
    [(1, 0), ("a", 0), (None, 0), ([], 1), ({}, 1), ({"a": [1, [2]], "b": 1}, 3), ([[[]], {}], 3)],
)
def test_nesting(value: Any, depth: int) -> None:
    assert nesting(value) == depth


def test_nesting_of_what_python_could_not_recurse_into() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    assert nesting(value) == 100_000
    while isinstance(value, list):
        # Freed from the outside in, because Python would free it recursively.
        value = value.pop()


def callbacks(depth: int, innermost: str) -> bytes:
    """A process graph with callbacks inside callbacks."""
    start = '{"a": {"process_id": "apply", "arguments": {"process": {"process_graph": ' * depth
    return ('{"process_graph": ' + start + innermost + "}}}}" * depth + "}").encode()


@pytest.mark.parametrize("depth", [1, 10, 60, 200, 300])
@pytest.mark.parametrize("innermost", ["5", '{"a": {}}'])
def test_fault_deep_inside_is_refused(client: Client, depth: int, innermost: str) -> None:
    response = client.post(
        "/validation", content=callbacks(depth, innermost), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400, response.text
    assert response.json()["code"] in ("ProcessGraphInvalid", "RequestInvalid")
    assert len(response.content) < 2000


def test_deep_graph_without_a_fault_is_accepted(client: Client) -> None:
    response = client.post(
        "/validation", content=callbacks(200, "{}"), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200


class Unexplained:
    """A validator that must not be asked for an explanation."""

    def iter_errors(self, body: Any) -> Any:
        raise AssertionError("an explanation would be too expensive")


def test_fault_of_a_large_and_deep_body_is_not_looked_for() -> None:
    body = orjson.loads(callbacks(20, "5"))
    error = body_fault(Unexplained(), body, LARGEST_DESCRIBED // 20)  # type: ignore[arg-type]
    assert error.code == "RequestInvalid"
    assert "too large" in error.message


def test_long_values_are_cut() -> None:
    validator = SchemaCompiler({}).compile({"type": "object", "properties": {"a": {"type": "integer"}}})
    body = {"a": "long " * 1000}
    error = body_fault(validator, body, 5000)
    assert error.code == "RequestInvalid"
    assert "a:" in error.message
    assert len(error.message) < 400
