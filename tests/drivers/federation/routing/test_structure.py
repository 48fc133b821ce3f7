"""Faults of form, which need no definitions to be found."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.routing.structure import faults_of_form


def node(*, result: bool = True, **arguments: Any) -> dict[str, Any]:
    return {"process_id": "p", "arguments": arguments, "result": result}


def child(**nodes: Any) -> dict[str, Any]:
    return {"process_graph": nodes}


@pytest.mark.parametrize(
    "process",
    [
        child(a=node()),
        {"a": node()},
        child(a=node(f=child(b=node(x={"from_parameter": "anything"})))),
        child(a=node(f={"from_parameter": "f"})),
        # Plain values that look like a process graph.
        child(a=node(context={"process_graph": {}}, other={"process_graph": {"a": 5}})),
        {"parameters": [{"name": "a", "schema": {"type": "number"}}], **child(a=node())},
    ],
)
def test_what_has_a_form_has_no_faults(process: Any) -> None:
    assert faults_of_form(process) == []


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ({}, "no nodes"),
        (5, "incomplete"),
        (child(), "no nodes"),
        (child(a=node(result=False)), "No node is the result"),
        (child(a=node(), b=node()), "More than one"),
        (child(a=node(x={"from_node": "b"})), "'b', which does not exist"),
        (child(a=node(x={"from_node": "a"})), "circle"),
        (child(a=5), "must be an object"),
        (child(a=node(f=child(b=node(result=False)))), "in the process graph of 'f' of node 'a'"),
        (child(a=node(f={"cloud": child(b=node(x={"from_node": "c"}))})), "'c', which does not exist"),
        ({"parameters": 5, **child(a=node())}, "array"),
    ],
)
def test_faults_are_said(process: Any, said: str) -> None:
    (fault,) = faults_of_form(process)
    assert said in fault.message
