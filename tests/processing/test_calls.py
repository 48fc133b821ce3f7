from __future__ import annotations

from typing import Any

import pytest

from connexeo.processing.calls import Call, calls_of


def _node(process_id: Any, **more: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": {}, **more}


def test_calls_of_child_graphs() -> None:
    inner = {"x": _node("inner", namespace="user")}
    graph = {
        "a": _node("outer", arguments={"data": [1], "reducer": {"process_graph": inner}}),
        "b": _node("b"),
    }
    expected = {Call("outer", None), Call("inner", "user"), Call("b", None)}
    assert set(calls_of({"process_graph": graph})) == expected
    assert set(calls_of(graph)) == expected


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"a": None}, {"a": {"process_id": 5}}])
def test_calls_of_anything_else(value: Any) -> None:
    assert list(calls_of(value)) == []


def test_calls_of_a_deep_document() -> None:
    value: Any = _node("deepest")
    for _ in range(100_000):
        value = [value]
    assert [call.process_id for call in calls_of(value)] == ["deepest"]
