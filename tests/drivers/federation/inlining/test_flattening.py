"""Graphs from which calls of stored processes are gone compute the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.inlining.flattening import MAX_NODES, flattened
from connexeo.generated.errors import (
    OpenEOError,
    ProcessGraphComplexity,
    ProcessGraphInvalid,
    ProcessParameterRequired,
)
from connexeo.processing.calls import calls_of
from connexeo.processing.definitions import default_definitions
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate

Graph = dict[str, Any]
DEFINITIONS = default_definitions()
NUMBER = {"type": "number"}


def node(process_id: str, *, result: bool = False, **arguments: Any) -> Graph:
    return {"process_id": process_id, "arguments": arguments, "result": result}


def from_(name: str) -> Graph:
    return {"from_parameter": name}


def to(name: str) -> Graph:
    return {"from_node": name}


def stored(graph: Graph, **defaults: Any) -> Graph:
    """A process with the parameters a, without a default, and those that have one."""
    parameters: list[Graph] = [{"name": "a", "description": "", "schema": NUMBER}]
    for name, default in defaults.items():
        schema = NUMBER if isinstance(default, int | float) else {}
        parameters.append({"name": name, "description": "", "schema": schema, "default": default})
    return {"parameters": parameters, "process_graph": graph}


def flat(graph: Graph, processes: dict[str, Graph]) -> Graph:
    process: Graph = flattened({"process_graph": graph}, user_processes=processes, definitions=DEFINITIONS)
    return process


def both(graph: Graph, processes: dict[str, Graph], **parameters: Any) -> tuple[Any, Any]:
    """What a graph gives as it is, and flattened."""
    inlined = flat(graph, processes)
    called = {call.process_id for call in calls_of(inlined)}
    assert not called & processes.keys()
    world = replace(Environment(), user_processes=processes)
    expected = evaluate({"process_graph": graph}, parameters, environment=world)
    return expected, evaluate(inlined, parameters)


def count(data: Any, condition: Graph, **more: Any) -> Graph:
    return node("count", data=data, condition={"process_graph": condition}, **more)


def number_of(draw: Any, scope: tuple[str, ...], nodes: Graph) -> Any:
    sources: list[Any] = [draw(st.integers(-3, 3))]
    sources += [from_(name) for name in scope]
    sources += [to(name) for name in nodes]
    return draw(st.sampled_from(sources))


@st.composite
def bodies(draw: Any, callable_: tuple[str, ...], scope: tuple[str, ...], depth: int) -> Graph:
    """Graphs over numbers, with callbacks, that use parameters and call processes."""
    nodes: Graph = {}

    def number() -> Any:
        return number_of(draw, scope, nodes)

    for index in range(draw(st.integers(1, 3))):
        kinds = ["add", "multiply", *(("call", "call") if callable_ else ()), *(("array",) if depth else ())]
        kind = draw(st.sampled_from(kinds))
        if kind == "array":
            inner = draw(bodies(callable_, (*scope, "x"), depth - 1))
            last = next(name for name, each in inner.items() if each.pop("result"))
            inner["above"] = node("gt", x=to(last), y=number_of(draw, (*scope, "x"), inner), result=True)
            nodes[f"n{index}"] = count([number() for _ in range(3)], inner)
        elif kind == "call":
            arguments = {"a": number()} | ({"b": number()} if draw(st.booleans()) else {})
            nodes[f"n{index}"] = node(draw(st.sampled_from(callable_)), **arguments)
        else:
            nodes[f"n{index}"] = node(kind, x=number(), y=number())
    nodes[f"n{index}"]["result"] = True
    return nodes


@st.composite
def programs(draw: Any) -> tuple[Graph, dict[str, Graph]]:
    processes: dict[str, Graph] = {}
    for index in range(draw(st.integers(1, 3))):
        body = draw(bodies(tuple(processes), ("a", "b"), 1))
        processes[f"f{index}"] = stored(body, b=draw(st.integers(-3, 3)))
    return draw(bodies(tuple(processes), ("p",), 1)), processes


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_the_value_is_the_same(program: tuple[Graph, dict[str, Graph]]) -> None:
    graph, processes = program
    try:
        expected, value = both(graph, processes, p=2)
    except ProcessGraphInvalid as error:
        assume("another name" not in error.message)
        raise
    assert value == expected


def test_what_calls_nothing_stored_stays_as_it_is() -> None:
    process = {"process_graph": {"a": node("add", x=1, y=2, result=True)}, "title": "Sum"}
    assert flattened(process, user_processes={}, definitions=DEFINITIONS) is process


def test_the_rest_of_the_process_stays() -> None:
    graph = {"n": node("double", a=3, result=True)}
    double = stored({"m": node("multiply", x=from_("a"), y=2, result=True)})
    process = {"id": "mine", "process_graph": graph, "description": "Mine"}
    inlined = flattened(process, user_processes={"double": double}, definitions=DEFINITIONS)
    assert (inlined["id"], inlined["description"]) == ("mine", "Mine")
    assert inlined["process_graph"] == {"n_m": {**node("multiply", x=3, y=2, result=True)}}
    assert graph == {"n": node("double", a=3, result=True)}


def test_names_of_nodes_that_are_taken_are_not_taken_twice() -> None:
    double = stored({"m": node("multiply", x=from_("a"), y=2, result=True)})
    graph = {
        "n_m": node("add", x=1, y=1),
        "n": node("double", a=to("n_m")),
        "s": node("add", x=to("n"), y=to("n_m"), result=True),
    }
    assert both(graph, {"double": double}) == (6, 6)


ABOVE = {"c": count([1, 2, 30], {"g": node("gt", x=from_("x"), y=from_("a"), result=True)}, result=True)}
"""Counts the numbers that are greater than the parameter a."""


def test_values_of_nodes_are_carried_into_callbacks() -> None:
    graph = {
        "one": node("subtract", x=3, y=2),
        "two": node("add", x=to("one"), y=to("one")),
        "n": node("above", a=to("two"), result=True),
    }
    assert both(graph, {"above": stored(ABOVE)}) == (1, 1)


def test_parameters_of_callbacks_hide_those_of_the_process() -> None:
    body = {"c": count([1, 2, 30], {"g": node("gt", x=from_("x"), y=1, result=True)}, result=True)}
    assert both({"n": node("f", a=1, x=1000, result=True)}, {"f": stored(body, x=5)}) == (2, 2)


def test_what_would_mean_something_else_in_a_callback_is_refused() -> None:
    with pytest.raises(ProcessGraphInvalid, match="'x'"):
        flat({"n": node("above", a=from_("x"), result=True)}, {"above": stored(ABOVE)})


def test_callbacks_can_be_arguments_and_defaults() -> None:
    def condition(limit: int) -> Graph:
        return {"process_graph": {"g": node("gt", x=from_("x"), y=limit, result=True)}}

    takes = {
        "type": "object",
        "subtype": "process-graph",
        "parameters": [{"name": "x", "description": "", "schema": {}}],
    }
    f = {
        "parameters": [{"name": "when", "description": "", "schema": takes, "default": condition(1)}],
        "process_graph": {"c": node("count", data=[1, 2, 30], condition=from_("when"), result=True)},
    }
    assert both({"n": node("f", result=True)}, {"f": f}) == (2, 2)
    assert both({"n": node("f", when=condition(2), result=True)}, {"f": f}) == (1, 1)


def test_calls_in_callbacks_are_replaced() -> None:
    double = stored({"m": node("multiply", x=from_("a"), y=2, result=True)})
    inner = {"d": node("double", a=from_("x")), "g": node("gt", x=to("d"), y=3, result=True)}
    assert both({"c": count([1, 2, 30], inner, result=True)}, {"double": double}) == (2, 2)


def test_nulls_and_objects_are_passed_on() -> None:
    first = stored({"f": node("first", data=[from_("a"), from_("b")], ignore_nodata=False, result=True)}, b=2)
    inlined = flat({"n": node("f", a=None, b={"c": [1]}, result=True)}, {"f": first})
    assert inlined["process_graph"]["n_f"]["arguments"]["data"] == [None, {"c": [1]}]


@pytest.mark.parametrize(
    ("processes", "fault"),
    [
        ({"f": stored({"n": node("f", a=1, result=True)})}, ProcessGraphInvalid),
        (
            {
                "f": stored({"n": node("g", a=1, result=True)}),
                "g": stored({"n": node("f", a=1, result=True)}),
            },
            ProcessGraphInvalid,
        ),
        ({"f": stored({"n": node("add", x=from_("zzz"), y=1, result=True)})}, ProcessParameterRequired),
        ({"f": {"process_graph": {}}}, ProcessGraphInvalid),
        ({"f": {"parameters": 5, "process_graph": {"n": node("pi", result=True)}}}, OpenEOError),
    ],
    ids=["itself", "each other", "unknown parameter", "no nodes", "no parameters"],
)
def test_unsound_processes_are_refused(processes: dict[str, Graph], fault: type[OpenEOError]) -> None:
    with pytest.raises(fault):
        flat({"n": node("f", a=1, result=True)}, processes)


def test_required_arguments_must_be_there() -> None:
    double = stored({"m": node("multiply", x=from_("a"), y=2, result=True)})
    with pytest.raises(ProcessParameterRequired, match="'a'"):
        flat({"n": node("double", result=True)}, {"double": double})


def test_graphs_do_not_explode() -> None:
    processes = {"f0": stored({"n": node("add", x=from_("a"), y=1, result=True)})}
    for index in range(1, 18):
        call = {"a": node(f"f{index - 1}", a=from_("a")), "b": node(f"f{index - 1}", a=to("a"), result=True)}
        processes[f"f{index}"] = stored(call)
    with pytest.raises(ProcessGraphComplexity, match=str(MAX_NODES)):
        flat({"n": node("f17", a=1, result=True)}, processes)
