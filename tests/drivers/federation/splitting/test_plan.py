from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.federation.splitting.plan import CannotSplit, Plan, filled, placeholder, split
from connexeo.processing.graph import read_graph

Graph = dict[str, Any]

WHERE = {"A1": {"alps"}, "A2": {"alps"}, "C1": {"coast"}, "C2": {"coast"}, "BOTH": {"alps", "coast"}}
CALLBACK = {"process_graph": {"m": {"process_id": "mean", "arguments": {}, "result": True}}}


class Offering:
    """Collections are at those that have them; some processes are at one back-end only."""

    def __init__(self, formats: Mapping[str, set[str]] | None = None, **only: str) -> None:
        self._formats = formats
        self._only = only

    def __call__(self, process_graph: Any) -> Mapping[str, str]:
        return {upstream: self._lacks(upstream, process_graph) for upstream in ("alps", "coast")}

    def _lacks(self, upstream: str, process_graph: Any) -> str:
        for node in process_graph.values():
            process_id, arguments = node["process_id"], node["arguments"]
            if self._only.get(process_id, upstream) != upstream:
                return f"it has no process '{process_id}'"
            if process_id == "load_collection" and upstream not in WHERE[arguments["id"]]:
                return f"it has no collection '{arguments['id']}'"
            written = None if self._formats is None else self._formats[upstream]
            if process_id == "save_result" and written is not None and arguments["format"] not in written:
                return f"it does not write {arguments['format']}"
        return ""


def load(collection: str) -> Graph:
    arguments = {"id": collection, "spatial_extent": None, "temporal_extent": None}
    return {"process_id": "load_collection", "arguments": arguments}


def step(process_id: str, *nodes: str, **arguments: Any) -> Graph:
    names = ("data",) if len(nodes) == 1 else tuple(f"cube{number}" for number in range(1, len(nodes) + 1))
    given_nodes = {name: {"from_node": node} for name, node in zip(names, nodes, strict=True)}
    return {"process_id": process_id, "arguments": {**given_nodes, **arguments}}


def joined() -> Graph:
    return {
        "a": load("A1"),
        "a2": step("filter_bbox", "a", extent={}),
        "c": load("C1"),
        "c2": step("reduce_dimension", "c", dimension="t", reducer=CALLBACK),
        "join": step("merge_cubes", "a2", "c2"),
        "save": {**step("save_result", "join", format="GTiff"), "result": True},
    }


def test_each_loads_what_it_has() -> None:
    plan = split(joined(), Offering())
    part, primary = plan.parts
    assert (part.upstream, part.nodes) == ("coast", ("c", "c2"))
    assert part.process_graph["save"] == {
        "process_id": "save_result",
        "arguments": {"data": {"from_node": "add_t"}, "format": "netCDF"},
        "result": True,
    }
    assert part.process_graph["add_t"]["arguments"]["type"] == "temporal"
    assert (primary.upstream, primary.inputs) == ("alps", {"c2_loaded": "part-1"})
    assert primary.process_graph["c2_loaded"] == {
        "process_id": "load_stac",
        "arguments": {"url": placeholder("part-1")},
    }
    assert primary.process_graph["c2"] == {
        "process_id": "drop_dimension",
        "arguments": {"data": {"from_node": "c2_loaded"}, "name": "t"},
    }
    assert plan.upstreams == ["alps", "coast"]


def test_the_primary_has_most_of_it() -> None:
    graph = joined()
    graph["c0"] = step("merge_cubes", "c2", "more")
    graph["more"] = load("C2")
    graph["join"] = step("merge_cubes", "a2", "c0")
    plan = split(graph, Offering())
    assert plan.primary.upstream == "coast"
    assert [part.nodes for part in plan.parts[:-1]] == [("a", "a2")]


def test_a_process_that_one_has_decides() -> None:
    assert split(joined(), Offering(merge_cubes="coast")).primary.upstream == "coast"


def test_one_that_can_do_all_does() -> None:
    graph = {"c": load("C1"), "save": {**step("save_result", "c", format="GTiff"), "result": True}}
    plan = split(graph, Offering())
    assert [(part.upstream, part.inputs) for part in plan.parts] == [("coast", {})]
    assert plan.primary.process_graph == graph


def test_a_value_that_is_used_twice_is_cut_there() -> None:
    graph = joined()
    graph["again"] = step("merge_cubes", "join", "c")
    graph["save"]["arguments"]["data"] = {"from_node": "again"}
    part, primary = split(graph, Offering(ndvi="coast")).parts
    assert part.nodes == ("c",)
    assert primary.inputs == {"c": "part-1"}


@pytest.mark.parametrize(
    ("node", "offering"),
    [
        (step("reduce_dimension", "c", dimension="x", reducer=CALLBACK), Offering()),
        (step("apply_dimension", "c", dimension="t", target_dimension="u", process=CALLBACK), Offering()),
        (step("rename_labels", "c", dimension="t", target=["a"]), Offering()),
        (step("aggregate_temporal_period", "c", period="month", reducer=CALLBACK), Offering()),
        (step("aggregate_temporal", "c", intervals=[], labels=["a"], reducer=CALLBACK), Offering()),
        (step("reduce_dimension", "c", dimension="t", reducer=CALLBACK), Offering(add_dimension="alps")),
        (step("reduce_dimension", "c", dimension="t", reducer=CALLBACK), Offering(drop_dimension="coast")),
    ],
)
def test_what_cannot_travel_stays(node: Graph, offering: Offering) -> None:
    graph = {**joined(), "c2": node}
    plan = split(graph, offering)
    part = next(part for part in plan.parts if part.upstream == "coast")
    assert part is plan.primary or part.nodes == ("c",)


def test_several_dimensions_are_restored() -> None:
    graph = joined()
    graph["c3"] = step("ndvi", "c2")
    graph["join"] = step("merge_cubes", "a2", "c3")
    part, primary = split(graph, Offering(merge_cubes="alps")).parts
    assert set(part.process_graph) == {"c", "c2", "c3", "add_bands", "add_t", "save"}
    assert list(primary.process_graph)[-3:] == ["c3_loaded", "c3_bands", "c3"]
    assert primary.process_graph["c3"]["arguments"] == {"data": {"from_node": "c3_bands"}, "name": "t"}


def test_addresses() -> None:
    plan = split(joined(), Offering())
    graph = filled(plan.primary, {"part-1": "https://coast.example/r"})
    assert graph["c2_loaded"]["arguments"]["url"] == "https://coast.example/r"
    assert graph["join"] == plan.primary.process_graph["join"]


def test_plans_can_be_kept() -> None:
    plan = split(joined(), Offering())
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("formats", "used"),
    [
        ({"alps": {"GTiff", "netCDF"}, "coast": {"GTiff"}}, "GTiff"),
        ({"alps": {"GTiff", "netCDF"}, "coast": {"GTiff", "netCDF"}}, "netCDF"),
    ],
)
def test_formats_that_both_know(formats: Mapping[str, set[str]], used: str) -> None:
    part = split(joined(), Offering(formats)).parts[0]
    assert part.process_graph["save"]["arguments"]["format"] == used


def _with_callback() -> Graph:
    graph = joined()
    inner = {"x": load("A1"), "y": {**load("C1"), "result": True}}
    graph["c2"]["arguments"]["reducer"] = {"process_graph": inner}
    return graph


class Nested(Offering):
    def _lacks(self, upstream: str, process_graph: Any) -> str:
        found = super()._lacks(upstream, process_graph)
        for node in process_graph.values():
            inner = node["arguments"].get("reducer", {}).get("process_graph", {})
            found = found or (super()._lacks(upstream, inner) if len(inner) > 1 else "")
        return found


def _changed(node: str, **changes: Any) -> Graph:
    graph = joined()
    graph[node] = {**graph[node], **changes}
    return graph


@pytest.mark.parametrize(
    ("graph", "offering", "told"),
    [
        (_changed("a", arguments={"id": {"from_parameter": "p"}}), Offering(), "parameter 'p'"),
        (_changed("a2", arguments={"data": {"from_node": "save"}}), Offering(), "circle|cycle"),
        (_with_callback(), Nested(), "node 'c2'.*alps: .*coast: "),
        (joined(), Offering(merge_cubes="nobody"), "node 'join'"),
        (joined(), Offering(load_stac="nobody"), "cannot load results"),
        (joined(), Offering({"alps": {"GTiff"}, "coast": {"netCDF"}}), "no format"),
        ({}, Offering(), "no nodes"),
    ],
)
def test_refusals(graph: Graph, offering: Offering, told: str) -> None:
    with pytest.raises(CannotSplit, match=told):
        split(graph, offering)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any number of sources, steps and joins; all that is left over is joined in the end."""
    graph: Graph = {}
    for number in range(draw(st.integers(1, 5))):
        graph[f"l{number}"] = load(draw(st.sampled_from(sorted(WHERE))))
    for number in range(draw(st.integers(0, 8))):
        known = sorted(graph)
        process_id = draw(
            st.sampled_from(["ndvi", "filter_bands", "apply", "merge_cubes", "aggregate_spatial"])
        )
        nodes = [draw(st.sampled_from(known)) for _ in range(2 if process_id == "merge_cubes" else 1)]
        graph[f"s{number}"] = step(process_id, *nodes)
    ends = sorted(set(graph) - {target for node in graph.values() for target in _targets(node)})
    last = ends[0]
    for number, end in enumerate(ends[1:]):
        graph[f"j{number}"] = step("merge_cubes", last, end)
        last = f"j{number}"
    graph["save"] = {**step("save_result", last, format="netCDF"), "result": True}
    return graph


def _targets(node: Graph) -> list[str]:
    return [each["from_node"] for each in node["arguments"].values() if isinstance(each, dict) and each]


offerings = st.builds(
    lambda only: Offering(**only),
    st.dictionaries(
        st.sampled_from(["ndvi", "merge_cubes", "apply", "add_dimension"]), st.sampled_from(["alps", "coast"])
    ),
)


@given(graphs(), offerings)
def test_parts_make_up_the_whole(graph: Graph, offering: Offering) -> None:
    try:
        plan = split(graph, offering)
    except CannotSplit:
        return
    everywhere = [node for part in plan.parts for node in part.nodes]
    assert sorted(everywhere) == sorted(graph)
    known: set[str] = set()
    for part in plan.parts:
        read_graph(part.process_graph)
        assert set(part.inputs.values()) <= known
        known.add(part.name)
        for node_id, node in part.process_graph.items():
            assert offering({node_id: node})[part.upstream] == ""
        for node_id in part.nodes:
            assert part.process_graph[node_id] | {"result": None} == graph[node_id] | {"result": None}
    assert sorted(plan.primary.inputs.values()) == [part.name for part in plan.parts[:-1]]
    assert _undone(plan) == {key: {**node} for key, node in graph.items()}


def _undone(plan: Plan) -> Graph:
    """The whole process: each `load_stac` replaced with what its part does."""
    whole = dict(plan.primary.process_graph)
    added = set(whole) - set(plan.primary.nodes)
    whole = {node_id: node for node_id, node in whole.items() if node_id not in added}
    for name in plan.primary.inputs.values():
        whole |= {node: plan.part(name).process_graph[node] for node in plan.part(name).nodes}
    return whole
