"""Validation: every fault is found, has the code of the standard and names node and place."""

import subprocess
import sys
from typing import Any

import pytest

from connexeo.generated.errors import OpenEOError
from connexeo.processing.definitions import Definitions, default_definitions
from connexeo.processing.graph import MAX_FAULTS
from connexeo.processing.validation import MAX_CALLS, check, is_plain, validate

LOAD = {
    "process_id": "load_collection",
    "arguments": {"id": "S2", "spatial_extent": None, "temporal_extent": ["2020-01-01", "2021-01-01"]},
}

ADD = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}


def process(
    process_id: str, *, result: bool = True, namespace: str | None = None, **arguments: Any
) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": result, "namespace": namespace}


def child(**nodes: Any) -> dict[str, Any]:
    return {"process_graph": nodes}


def faults(graph: Any, definitions: Definitions, **options: Any) -> list[tuple[str, str]]:
    return [
        (one.code, one.message)
        for one in validate({"process_graph": graph}, definitions=definitions, **options)
    ]


def only_fault(graph: Any, definitions: Definitions, **options: Any) -> tuple[str, str]:
    found = faults(graph, definitions, **options)
    assert len(found) == 1, found
    return found[0]


def test_a_correct_graph_has_no_faults(definitions: Definitions) -> None:
    reducer = child(
        mean=process("mean", data={"from_parameter": "data"}, ignore_nodata={"from_parameter": "context"})
    )
    graph = {
        "load": LOAD,
        "mean": process(
            "reduce_dimension", data={"from_node": "load"}, dimension="t", reducer=reducer, result=False
        ),
        "save": process("save_result", data={"from_node": "mean"}, format="GTiff"),
    }
    assert faults(graph, definitions) == []


@pytest.mark.parametrize(
    ("node", "code", "message"),
    [
        (process("nope"), "ProcessUnsupported", "'nope'"),
        (
            process("add", namespace="https://example.org/p", x=1, y=2),
            "ProcessUnsupported",
            "https://example.org/p",
        ),
        (process("add", namespace="user", x=1, y=2), "ProcessUnsupported", "namespace 'user'"),
        (process("add", x=1), "ProcessParameterRequired", "parameter 'y' is required"),
        (process("add", x=1, y=2, z=3), "ProcessParameterUnsupported", "parameter 'z'"),
        (process("add", x=1, y="2"), "ProcessParameterInvalid", "null or a number is expected, not '2'"),
        (process("add", x=True, y=2), "ProcessParameterInvalid", "null or a number is expected"),
        (process("mean", data=5), "ProcessParameterInvalid", "an array is expected, not 5"),
        (process("mean", data=[1, "a"]), "ProcessParameterInvalid", "at [1]"),
        (process("mean", data={"from_parameter": "x"}), "ProcessGraphInvalid", "parameter 'x'"),
        (process("count", data=[1], condition=False), "ProcessParameterInvalid", "condition"),
        (
            process("count", data=[1], condition={"gt": process("gt")}),
            "ProcessParameterInvalid",
            "process graph",
        ),
        (process("apply", data={"from_node": "load"}, process=5), "ProcessParameterInvalid", "process graph"),
        (process("filter_bbox", data={"from_node": "load"}, extent={}), "ProcessParameterInvalid", "extent"),
    ],
)
def test_faults_of_a_node(node: Any, code: str, message: str, definitions: Definitions) -> None:
    found = only_fault({"load": LOAD, "node": node}, definitions)
    assert found[0] == code
    assert message in found[1]
    assert "'node'" in found[1]


@pytest.mark.parametrize(
    ("extent", "message"),
    [
        ({"west": 2, "east": 1, "south": 0, "north": 1}, "'west' (2) must be less than 'east' (1)"),
        ({"west": 0, "east": 1, "south": 3, "north": 1}, "'south' (3) must be less than 'north' (1)"),
        ({"west": 0, "east": 1, "south": 0, "north": 1, "base": 5, "height": 5}, "'base' (5) must be less"),
        ({"west": 0, "east": 1, "south": 0, "north": float("inf")}, "'north' must be a finite number"),
        ({"west": 0, "east": 1, "south": 0, "north": 1, "crs": 12}, "extent"),
    ],
)
def test_bounding_boxes(extent: Any, message: str, definitions: Definitions) -> None:
    graph = {"load": LOAD, "node": process("filter_bbox", data={"from_node": "load"}, extent=extent)}
    code, text = only_fault(graph, definitions)
    assert code == "ProcessParameterInvalid"
    assert message in text


@pytest.mark.parametrize(
    ("extent", "code"),
    [
        (["2020-01-01", "2020-01-01"], "TemporalExtentEmpty"),
        (["2020-01-02", "2020-01-01"], "TemporalExtentEmpty"),
        (["2020-01-01T12:00:00+02:00", "2020-01-01T10:00:00Z"], "TemporalExtentEmpty"),
        ([None, None], "ProcessParameterInvalid"),
        (["2020-02-30", None], "ProcessParameterInvalid"),
        (["2020-01-01"], "ProcessParameterInvalid"),
        ("2020-01-01", "ProcessParameterInvalid"),
    ],
)
def test_temporal_intervals(extent: Any, code: str, definitions: Definitions) -> None:
    graph = {"load": LOAD, "node": process("filter_temporal", data={"from_node": "load"}, extent=extent)}
    assert only_fault(graph, definitions)[0] == code


def test_values_with_references_are_checked_around_them(definitions: Definitions) -> None:
    extent = {"west": {"from_node": "west"}, "east": 1, "south": 0, "north": 1}
    graph = {
        "load": LOAD,
        "west": process("add", x=1, y=2, result=False),
        "box": process("filter_bbox", data={"from_node": "load"}, extent=extent),
    }
    assert faults(graph, definitions) == []
    extent["east"] = "far"
    assert only_fault(graph, definitions)[0] == "ProcessParameterInvalid"


def test_types_that_flow_between_nodes(definitions: Definitions) -> None:
    graph = {"load": LOAD, "node": process("add", x={"from_node": "load"}, y=1)}
    code, message = only_fault(graph, definitions)
    assert code == "ProcessParameterInvalid"
    assert "node 'load' gives a data cube" in message


def test_child_graphs_know_the_parameters_of_their_process_and_those_around(definitions: Definitions) -> None:
    inner = child(add=process("add", x={"from_parameter": "x"}, y={"from_parameter": "offset"}))
    graph = {"load": LOAD, "node": process("apply", data={"from_node": "load"}, process=inner)}
    assert "parameter 'offset'" in only_fault(graph, definitions)[1]
    assert faults(graph, definitions, parameters=["offset"]) == []


def test_faults_in_child_graphs_name_the_node_around(definitions: Definitions) -> None:
    inner = child(abs=process("absolute", x={"from_parameter": "data"}))
    graph = {
        "load": LOAD,
        "node": process("reduce_dimension", data={"from_node": "load"}, dimension="t", reducer=inner),
    }
    code, message = only_fault(graph, definitions)
    assert code == "ProcessParameterInvalid"
    assert "parameter 'data' gives an array" in message
    assert "in the process graph of 'reducer' of node 'node'" in message


def test_what_a_child_graph_returns_is_checked(definitions: Definitions) -> None:
    inner = child(mean=process("mean", data={"from_parameter": "data"}))
    graph = {
        "load": LOAD,
        "node": process("apply_dimension", data={"from_node": "load"}, dimension="t", process=inner),
    }
    assert "an array is required" in only_fault(graph, definitions)[1]


def test_all_faults_are_reported_in_document_order(definitions: Definitions) -> None:
    graph = {
        "a": process("nope", result=False),
        "b": 5,
        "c": process("add", x="1", y={"from_node": "lost"}, result=False),
        "d": process("mean", data={"from_node": "e"}, result=False),
        "e": process("median", data={"from_node": "d"}),
    }
    codes = [code for code, _ in faults(graph, definitions)]
    assert codes[:4] == [
        "ProcessUnsupported",
        "ProcessGraphInvalid",
        "ProcessGraphInvalid",
        "ProcessParameterInvalid",
    ]
    assert "in a circle" in faults(graph, definitions)[-1][1]


@pytest.mark.parametrize("value", [None, 5, [], {"id": "x"}, {"process_graph": None}])
def test_what_has_no_process_graph(value: Any, definitions: Definitions) -> None:
    assert [one.code for one in validate(value, definitions=definitions)] == ["ProcessGraphMissing"]


def test_a_bare_graph_is_accepted(definitions: Definitions) -> None:
    assert validate({"process_graph": process("add", x=1, y=2)}, definitions=definitions) == []
    assert [one.code for one in validate({}, definitions=definitions)] == ["ProcessGraphInvalid"]


def test_check_raises_the_first_fault(definitions: Definitions) -> None:
    with pytest.raises(OpenEOError) as caught:
        check({"a": process("nope")}, definitions=definitions)
    assert caught.value.code == "ProcessUnsupported"


def test_declared_parameters_can_be_used_and_have_types(definitions: Definitions) -> None:
    graph = {"a": process("add", x={"from_parameter": "n"}, y={"from_parameter": "text"})}
    parameters = [
        {"name": "n", "description": "", "schema": {"type": "number"}},
        {"name": "text", "description": "", "schema": {"type": "string"}},
    ]
    found = validate({"process_graph": graph, "parameters": parameters}, definitions=definitions)
    assert [one.code for one in found] == ["ProcessParameterInvalid"]
    assert "parameter 'text' gives a string" in found[0].message


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({"type": "number"}, 0),
        ({}, 0),
        ([{"type": "string"}, {"type": "number"}], 0),
        ({"type": "string"}, 1),
        ({"type": "object", "subtype": "datacube"}, 1),
    ],
)
def test_declared_return_value(schema: Any, count: int, definitions: Definitions) -> None:
    graph = {"a": process("add", x=1, y=2)}
    described = {"process_graph": graph, "returns": {"description": "", "schema": schema}}
    found = validate(described, definitions=definitions)
    assert [one.code for one in found] == ["ProcessGraphInvalid"] * count
    assert all("The result node 'a' (process 'add') returns null or a number" in one.message for one in found)


DOUBLE = {
    "id": "double",
    "parameters": [{"name": "n", "description": "", "schema": {"type": "number"}}],
    "returns": {"description": "", "schema": {"type": "number"}},
    "process_graph": {"m": process("multiply", x={"from_parameter": "n"}, y=2)},
}


@pytest.mark.parametrize("namespace", [None, "user"])
def test_user_defined_processes(namespace: str | None, definitions: Definitions) -> None:
    stored = {"double": DOUBLE}
    graph = {"a": process("double", namespace=namespace, n=1)}
    assert faults(graph, definitions, user_processes=stored) == []
    assert only_fault({"a": process("double", n="x")}, definitions, user_processes=stored)[0] == (
        "ProcessParameterInvalid"
    )
    assert (
        only_fault({"a": process("double")}, definitions, user_processes=stored)[0]
        == "ProcessParameterRequired"
    )
    assert only_fault({"a": process("double", namespace="backend", n=1)}, definitions, user_processes=stored)[
        0
    ] == ("ProcessUnsupported")


def test_user_defined_processes_precede_predefined_ones(definitions: Definitions) -> None:
    stored = {"add": DOUBLE}
    assert faults({"a": process("add", n=1)}, definitions, user_processes=stored) == []
    assert (
        faults({"a": process("add", x=1, y=2, namespace="backend")}, definitions, user_processes=stored) == []
    )


def test_unknown_parameters_of_a_stored_process_are_accepted(definitions: Definitions) -> None:
    stored = {"open": {"process_graph": {"m": process("multiply", x={"from_parameter": "any"}, y=2)}}}
    assert faults({"a": process("open", any=1)}, definitions, user_processes=stored) == []


def test_parameters_that_are_not_listed(definitions: Definitions) -> None:
    """Whoever asks whether a process is valid need not know its parameters; whoever lists them has to list all."""
    graph = {"m": process("multiply", x={"from_parameter": "any"}, y=2)}
    for unlisted, count in ((True, 0), (False, 1)):
        for one in (graph, {"process_graph": graph}, {"process_graph": graph, "parameters": None}):
            assert len(validate(one, definitions=definitions, unlisted=unlisted)) == count
        listing = {"process_graph": graph, "parameters": []}
        assert len(validate(listing, definitions=definitions, unlisted=unlisted)) == 1


def test_faults_in_stored_processes_are_reported_once(definitions: Definitions) -> None:
    stored = {"bad": {"parameters": [], "process_graph": {"m": process("nope")}}}
    graph = {"a": process("bad", result=False), "b": process("bad")}
    code, message = only_fault(graph, definitions, user_processes=stored)
    assert code == "ProcessUnsupported"
    assert "in user-defined process 'bad', node 'a'" in message


def test_processes_that_call_each_other_in_a_circle(definitions: Definitions) -> None:
    stored = {
        "a": {"parameters": [], "process_graph": {"n": process("b")}},
        "b": {"parameters": [], "process_graph": {"n": process("a")}},
    }
    code, message = only_fault({"start": process("a")}, definitions, user_processes=stored)
    assert code == "ProcessGraphInvalid"
    assert "'a' → 'b' → 'a'" in message


def test_a_process_that_calls_itself(definitions: Definitions) -> None:
    own = {"id": "own", "parameters": [], "process_graph": {"n": process("own")}}
    found = validate(own, definitions=definitions, user_processes={"own": own})
    assert "in a circle" in found[0].message


def test_processes_that_call_each_other_too_deeply(definitions: Definitions) -> None:
    stored: dict[str, Any] = {"p0": {"parameters": [], "process_graph": {"n": process("pi")}}}
    for level in range(1, 2_000):
        stored[f"p{level}"] = {"parameters": [], "process_graph": {"n": process(f"p{level - 1}")}}
    code, message = only_fault({"a": process("p1999")}, definitions, user_processes=stored)
    assert code == "ProcessGraphInvalid"
    assert str(MAX_CALLS) in message


def test_deep_graphs_are_refused_with_an_openeo_error(definitions: Definitions) -> None:
    value: Any = 1
    for _ in range(2_000):
        value = [value]
    assert only_fault({"a": process("constant", x=value)}, definitions)[0] == "ProcessGraphInvalid"


def test_validation_loads_neither_numpy_nor_xarray() -> None:
    code = (
        "import sys\n"
        "from connexeo.processing.validation import validate\n"
        "from connexeo.processing.definitions import Definitions\n"
        "import connexeo.processing.registry, connexeo.processing.graph\n"
        "validate({'a': {'process_id': 'x', 'arguments': {}, 'result': True}}, definitions=Definitions([]))\n"
        "print([name for name in ('numpy', 'xarray', 'dask', 'pyproj') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_faults_are_told_up_to_a_limit() -> None:
    nodes = {
        f"n{i}": {"process_id": "add", "arguments": {"x": {"from_parameter": "q"}, "y": 1}}
        for i in range(3000)
    }
    parameters = [{"name": f"p{i}", "schema": {}} for i in range(3000)]
    faults = validate({"parameters": parameters, "process_graph": nodes}, definitions=default_definitions())
    assert len(faults) == MAX_FAULTS
    assert max(len(fault.message) for fault in faults) < 1000


@pytest.mark.parametrize(
    ("extent", "said"),
    [
        (["yesterday", None], "'yesterday' is no date or time"),
        (["2024-02-30", "2024-03-01"], "'2024-02-30' is no date or time"),
        (["0001-01-01T00:00:00+14:00", "2024-07-01T00:00:00Z"], "is no date or time"),
        ([None, None], "only one end of the interval may be null"),
        (["2024-07-01", "2024-07-01"], "the end of the interval must be later than its start"),
    ],
)
def test_temporal_extents_are_explained(extent: list[str | None], said: str) -> None:
    arguments = {"id": "X", "spatial_extent": None, "temporal_extent": extent}
    node = {"process_id": "load_collection", "arguments": arguments, "result": True}
    (fault,) = validate({"process_graph": {"a": node}}, definitions=default_definitions())
    assert said in fault.message


@pytest.mark.parametrize(
    ("process", "others", "plain"),
    [
        ({"process_graph": ADD}, (), True),
        (ADD, (), True),
        ({"process_graph": ADD}, ("add",), False),
        ({"process_graph": {"own": {"process_id": "mine", "arguments": {}, "result": True}}}, (), False),
        ({"process_graph": {"sum": {**ADD["sum"], "namespace": "user"}}}, (), False),
        ({"process_graph": {"sum": {**ADD["sum"], "arguments": {"x": 1}}}}, (), False),
        ({"process_graph": ADD, "parameters": []}, (), False),
        ({}, (), False),
        ({"process_graph": None}, (), False),
    ],
)
def test_what_is_plain_needs_nothing_but_predefined_processes(
    process: dict[str, Any], others: tuple[str, ...], plain: bool
) -> None:
    assert is_plain(process, definitions=default_definitions(), others=others) == plain
