"""Callbacks that run user-defined functions: found, and given their code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from connexeo.processing.callback import Callback
from connexeo.processing.definitions import Parameter
from connexeo.processing.environment import Environment
from connexeo.processing.program import (
    Argument,
    Body,
    Child,
    Constant,
    FromParameter,
    Program,
    Properties,
    Step,
)

if TYPE_CHECKING:
    from connexeo.processing.blocks import Bound

PROCESS = "run_udf"
EXTERNAL = "run_udf_externally"
_PROCESSES = frozenset({PROCESS, EXTERNAL})


def runs_udf(function: Any) -> TypeGuard[Bound]:
    """Whether a function for blocks is a callback (see `blocks.Bound`) that runs a UDF, here or elsewhere."""
    callback = getattr(function, "callback", None)
    return isinstance(callback, Callback) and _calls(callback.program)


def udf_process(function: Bound) -> str:
    """By which process a callback runs a UDF; if by both, the one that is elsewhere."""
    callback: Any = function.callback
    return EXTERNAL if _calls(callback.program, frozenset({EXTERNAL})) else PROCESS


def step_runs_udf(step: Step) -> bool:
    """Whether a step runs code of users on blocks, which may look at other values than the ones that it computes."""
    return any(map(_calls, _inner(step)))


def prepare(callback: Callback) -> Callback:
    """The callback with source code in place of the names of files and URLs, so that any process can run it.

    Raises:
        OpenEOError: The code can't be had; see `code.source_of`.
    """
    return replace(callback, program=_prepared(callback.program, callback.scope, callback.environment))


def _calls(program: Program, processes: frozenset[str] = _PROCESSES) -> bool:
    return any(
        step.process_id in processes or any(_calls(inner, processes) for inner in _inner(step))
        for step in program.steps
    )


def _inner(step: Step) -> Iterator[Program]:
    if isinstance(step.function, Body):
        yield step.function.program
    for _, _, value in step.arguments:
        values = [one for _, one in value.properties] if isinstance(value, Properties) else [value]
        yield from (child.program for child in values if isinstance(child, Child))


def _prepared(program: Program, scope: Mapping[str, Any], environment: Environment) -> Program:
    if not _calls(program):
        return program
    return replace(program, steps=tuple(_prepared_step(step, scope, environment) for step in program.steps))


def _prepared_step(step: Step, scope: Mapping[str, Any], environment: Environment) -> Step:
    from connexeo.processing.udf.code import source_of

    if isinstance(step.function, Body):
        body = replace(step.function, program=_prepared(step.function.program, {}, environment))
        return replace(step, function=body)
    arguments: list[tuple[str, Parameter | None, Argument]] = []
    for name, known, given in step.arguments:
        value = _prepared_child(given, environment)
        udf = _known(given, scope) if step.process_id == PROCESS and name == "udf" else None
        if udf is not None:
            value = Constant(source_of(udf, environment.at(step.node)))
        arguments.append((name, known, value))
    return replace(step, arguments=tuple(arguments))


def _prepared_child(value: Argument, environment: Environment) -> Argument:
    if isinstance(value, Child):
        return replace(value, program=_prepared(value.program, {}, environment))
    if isinstance(value, Properties):
        return Properties(tuple((key, _prepared_child(one, environment)) for key, one in value.properties))
    return value


def _known(value: Argument, scope: Mapping[str, Any]) -> str | None:
    """A text that does not depend on what the callback is called with."""
    if isinstance(value, FromParameter):
        found = scope.get(value.name)
    else:
        found = value.value if isinstance(value, Constant) else None
    return found if isinstance(found, str) else None
