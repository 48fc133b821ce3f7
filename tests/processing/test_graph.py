"""Reading of process graphs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.generated.errors import ProcessGraphInvalid
from connexeo.processing.graph import MAX_DEPTH, check_depth, place, read_graph


def node(*references: str, result: bool = False, **arguments: Any) -> dict[str, Any]:
    given_arguments = {
        f"a{i}": {"from_node": reference} for i, reference in enumerate(references)
    } | arguments
    return {"process_id": "p", "arguments": given_arguments, "result": result}


def message_of(graph: Any) -> str:
    with pytest.raises(ProcessGraphInvalid) as caught:
        read_graph(graph)
    return caught.value.message


def test_nodes_come_after_those_they_refer_to() -> None:
    graph = read_graph({"c": node("b", "a", result=True), "a": node(), "b": node("a"), "d": node("c", "a")})
    order = [one.id for one in graph.nodes]
    assert order == ["a", "b", "c", "d"]
    assert graph.result == "c"


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=31), st.randoms())
def test_order_of_any_acyclic_graph(edges: list[list[int]], random: Any) -> None:
    nodes = {f"n{i}": node(*(f"n{t % i}" for t in targets if i)) for i, targets in enumerate(edges)}
    nodes["n0"]["result"] = True
    names = list(nodes)
    random.shuffle(names)
    seen: set[str] = set()
    for one in read_graph({name: nodes[name] for name in names}).nodes:
        assert {reference.target for reference in one.references} <= seen
        seen.add(one.id)
    assert seen == set(nodes)


def test_references_are_found_wherever_they_are_nested() -> None:
    arguments = {
        "list": [1, {"from_node": "a"}, [{"from_parameter": "p"}]],
        "object": {"deep": {"er": [{"from_node": "b"}]}},
        "child": {"process_graph": {"x": {"process_id": "q", "arguments": {"y": {"from_node": "inner"}}}}},
    }
    graph = read_graph({"a": node(), "b": node(), "c": node(result=True, **arguments)})
    found = [(ref.kind, ref.target, place(ref.path)) for ref in graph.nodes[-1].references]
    assert found == [
        ("from_node", "a", "list[1]"),
        ("from_parameter", "p", "list[2][0]"),
        ("from_node", "b", "object.deep.er[0]"),
    ]


def test_a_long_chain_is_read_without_recursion() -> None:
    chain = {f"n{i}": node(*([f"n{i + 1}"] if i < 19_999 else [])) for i in range(20_000)}
    chain["n0"]["result"] = True
    graph = read_graph(chain)
    assert [graph.nodes[0].id, graph.nodes[-1].id] == ["n19999", "n0"]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (None, "must be an object, not null"),
        ([], "must be an object, not an array"),
        ({}, "has no nodes"),
        ({"a": 5}, "Node 'a' must be an object, not a number"),
        ({"": node(result=True)}, "Node identifiers must be non-empty strings"),
        ({1: node(result=True)}, "Node identifiers must be non-empty strings"),
        ({"a": {"arguments": {}}}, "Node 'a' has no process"),
        ({"a": {"process_id": 3, "arguments": {}}}, "Node 'a' has no process"),
        ({"a": {"process_id": "p", "result": True}}, "Node 'a' (process 'p') needs 'arguments'"),
        ({"a": {"process_id": "p", "arguments": []}}, "Node 'a' (process 'p') needs 'arguments'"),
        (
            {"a": {"process_id": "p", "arguments": {}, "namespace": 1}},
            "The namespace of node 'a' must be a string",
        ),
        (
            {"a": {"process_id": "p", "arguments": {}, "result": "yes"}},
            "'result' of node 'a' must be true or false",
        ),
        ({"a": node()}, "No node is the result"),
        ({"a": node(result=True), "b": node(result=True)}, "More than one node is the result: 'a', 'b'"),
        ({"a": node("b", result=True)}, "Argument 'a0' of node 'a' refers to node 'b', which does not exist"),
        ({"a": node(result=True, x=[{"from_node": "a"}])}, "in a circle: 'a' → 'a'"),
        ({"a": node(result=True, x={"from_node": 5})}, "'from_node' must be a string"),
        (
            {"a": node(result=True, x={"from_node": "a", "from_parameter": "b"})},
            "only 'from_node' may be given",
        ),
    ],
)
def test_faults_name_the_node_and_the_place(graph: Any, expected: str) -> None:
    assert expected in message_of(graph)


def test_a_circle_is_named_without_the_nodes_behind_it() -> None:
    graph = {
        "start": node(),
        "a": node("c", "start"),
        "b": node("a"),
        "c": node("b"),
        "end": node("c", result=True),
    }
    circle = message_of(graph).split(": ")[1]
    assert sorted(set(circle.rstrip(".").split(" → "))) == ["'a'", "'b'", "'c'"]


def nested(levels: int, *, wrap: str) -> dict[str, Any]:
    value: Any = 1
    for _ in range(levels):
        match wrap:
            case "list":
                value = [value]
            case "object":
                value = {"a": value}
            case _:
                value = {
                    "process_graph": {"n": {"process_id": "p", "arguments": {"x": value}, "result": True}}
                }
    return {"n": node(result=True, x=value)}


@pytest.mark.parametrize("wrap", ["list", "object", "graph"])
def test_deep_documents_are_refused(wrap: str) -> None:
    fault = check_depth(nested(2_000, wrap=wrap))
    assert isinstance(fault, ProcessGraphInvalid)
    assert str(MAX_DEPTH) in fault.message


@pytest.mark.parametrize("wrap", ["list", "object", "graph"])
def test_documents_of_usual_depth_are_accepted(wrap: str) -> None:
    assert check_depth(nested(20, wrap=wrap)) is None
