"""Work grows with graphs, no faster: what is counted for a graph ten times as large is ten times as much."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest

from bench.graphs import SHAPES, Graph
from connexeo.processing.compilation import compile_graph
from connexeo.processing.environment import Environment
from connexeo.processing.validation import validate

WORLD = Environment()


def counted(function: Callable[[], Any]) -> Counter[str]:
    """How often functions of the process engine are called, and calls of it in all."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and "processing" in frame.f_code.co_filename:
            calls[frame.f_code.co_name] += 1
        elif event == "c_call":
            calls[f"builtin {argument.__name__}"] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return calls


def check(graph: Graph) -> None:
    validate({"process_graph": graph}, definitions=WORLD.definitions)


def compile_(graph: Graph) -> None:
    compile_graph(graph, WORLD)


CASES = [(name, check) for name in SHAPES] + [(name, compile_) for name in SHAPES if name != "faulty"]


@pytest.mark.parametrize(("name", "work"), CASES)
def test_ten_times_the_nodes_are_ten_times_the_calls(name: str, work: Callable[[Graph], None]) -> None:
    graphs = [SHAPES[name](size) for size in (40, 400)]
    work(graphs[0])  # loads what is used
    few, many = (counted(partial(work, graph)) for graph in graphs)
    assert few.total() > 40
    assert many.total() <= 11 * few.total()


@pytest.mark.parametrize("name", [name for name in SHAPES if name not in ("faulty", "callbacks")])
def test_each_node_is_visited_once(name: str) -> None:
    graph = SHAPES[name](100)
    calls = counted(partial(compile_, graph))
    assert calls["_read_node"] == calls["step"] == 100
