"""Evaluation of process graphs: validated, compiled, then run node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.arguments import check_value, error_of
from connexeo.processing.compilation import compile_graph
from connexeo.processing.definitions import ProcessDefinition
from connexeo.processing.environment import Environment
from connexeo.processing.process import PerPixel
from connexeo.processing.program import Program
from connexeo.processing.result import Result
from connexeo.processing.validation import check, process_graph_of

_JSON = (type(None), bool, int, float, str, list, dict)


@dataclass(frozen=True)
class Evaluation:
    """What a process graph gave."""

    value: Any
    """The value of the result node."""
    results: tuple[Result, ...]
    """Everything that `save_result` was called for, in the order of execution."""


def evaluate(
    process_graph: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    environment: Environment | None = None,
) -> Any:
    """The value of a process graph.

    Cubes are lazy: pixels are read and computed when the value is written or its `compute` is called.

    Args:
        process_graph: A process object with a `process_graph`, or the graph itself.
        parameters: Values by name: plain Python values, numpy arrays, or `xr.DataArray` for data cubes.
        environment: What the processes may use; by default there are no collections.

    Raises:
        OpenEOError: The graph is invalid, or a process failed; the attribute `node` names the node.
    """
    return execute(process_graph, parameters, environment=environment).value


def execute(
    process_graph: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    environment: Environment | None = None,
) -> Evaluation:
    """Like `evaluate`, with all results that the graph saves rather than only the one of the result node."""
    world = Environment() if environment is None else environment
    program, values = prepare(process_graph, parameters, world)
    results: list[Result] = []

    def collect(value: Any) -> None:
        # Processes that take a result may return the same one.
        if isinstance(value, Result) and all(value is not known for known in results):
            results.append(value)

    try:
        value = program.run(values, world, on_value=collect)
    except PerPixel as error:
        reason = "Arrays of numpy can't be used for texts, or for arrays that differ in length; give lists instead."
        raise ProcessParameterInvalid(reason) from error
    return Evaluation(_plain(value), tuple(results))


def prepare(
    process_graph: Mapping[str, Any], parameters: Mapping[str, Any] | None, environment: Environment
) -> tuple[Program, dict[str, Any]]:
    """A process as a program, and the values of its parameters.

    Raises:
        OpenEOError: The graph or a parameter is invalid.
    """
    given = {name: _as_value(value) for name, value in (parameters or {}).items()}
    check(
        process_graph,
        definitions=environment.definitions,
        user_processes=environment.user_processes,
        parameters=given,
    )
    graph = process_graph_of(process_graph)
    values = _with_defaults(process_graph, given) if graph is not process_graph else given
    return compile_graph(graph, environment), values


def _with_defaults(process: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Declared defaults, replaced by the values that were given, which are checked against their schemas."""
    definition = ProcessDefinition.from_json(process)
    for name, parameter in definition.parameters.items():
        if name in given and isinstance(given[name], _JSON):
            fault = check_value(parameter, given[name], definition.exceptions)
            if fault is not None:
                raise error_of(fault, definition.id or "process", name)
    return {**definition.defaults, **given}


def _as_value(value: Any) -> Any:
    """A parameter as the processes take it: cubes have no other no-data than NaN."""
    from connexeo.processing.kinds import is_cube

    if not is_cube(value):
        return value
    from connexeo.processing.cube import with_nodata

    return with_nodata(value)


def _plain(value: Any) -> Any:
    """Numbers without axes as Python numbers, for those who asked with plain values."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value
