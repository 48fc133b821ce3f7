"""Callbacks as functions of plain values and blocks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
import pytest

from connexeo.generated.errors import ProcessParameterRequired
from connexeo.processing.callback import Callback
from connexeo.processing.compilation import compile_graph
from connexeo.processing.environment import Environment
from connexeo.processing.values import Array

X, Y = {"from_parameter": "x"}, {"from_parameter": "y"}


@pytest.fixture
def callback(environment: Environment) -> Callable[..., Callback]:
    def make(nodes: dict[str, Any], **scope: Any) -> Callback:
        return Callback(compile_graph(nodes, environment), scope, environment)

    return make


def node(process_id: str, **arguments: Any) -> dict[str, Any]:
    return {"process_id": process_id, "arguments": arguments, "result": True}


def test_each_call_has_values_of_its_own(callback: Callable[..., Callback]) -> None:
    add = callback({"n": node("add", x=X, y=1)})
    assert [add(x=i) for i in range(3)] == [1, 2, 3]


def test_parameters_precede_the_scope(callback: Callable[..., Callback]) -> None:
    add = callback({"n": node("add", x=X, y=Y)}, y=10, x=99)
    assert add(x=1) == 11
    with pytest.raises(ProcessParameterRequired, match="'y'"):
        callback({"n": node("add", x=X, y=Y)})(x=1)


def test_blocks(callback: Callable[..., Callback]) -> None:
    mean = callback({"n": node("mean", data={"from_parameter": "data"})})
    block = np.arange(12, dtype="float32").reshape(3, 2, 2)
    np.testing.assert_allclose(mean(data=Array(block)), block.mean(axis=0))


def test_threads_do_not_disturb_each_other(callback: Callable[..., Callback]) -> None:
    nodes = {"a": node("multiply", x=X, y=2) | {"result": False}, "b": node("add", x={"from_node": "a"}, y=X)}
    triple = callback(nodes)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: triple(x=np.full(100, i)), range(200)))
    assert all((result == 3 * i).all() for i, result in enumerate(results))


def test_callbacks_travel_without_the_log(callback: Callable[..., Callback]) -> None:
    entries: list[Any] = []
    add = callback({"n": node("add", x=X, y=Y)}, y=10)
    logging = replace(add, environment=replace(add.environment, log=entries.append))
    copy = cloudpickle.loads(cloudpickle.dumps(logging))
    assert copy(x=1) == 11
    assert copy.environment.log is not logging.environment.log
