"""Process graphs compiled to steps: functions, and where each of their arguments comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import (
    Internal,
    OpenEOError,
    ProcessParameterInvalid,
    ProcessParameterRequired,
)
from connexeo.processing.definitions import Parameter
from connexeo.processing.process import PerPixel, ProcessFunction

if TYPE_CHECKING:
    from connexeo.processing.environment import Environment
    from connexeo.processing.planning.pushdown import Demand

Values = Mapping[str, Any]
Argument = Callable[["Frame"], Any]
"""Gives the value of an argument."""


@dataclass(slots=True)
class Frame:
    """What one run of a program knows while it runs."""

    parameters: Values
    results: list[Any]
    environment: Environment


@dataclass(frozen=True)
class FromNode:
    """The value of an earlier step."""

    step: int

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        return frame.results[self.step]


@dataclass(frozen=True)
class FromParameter:
    """The value of a parameter of this graph or of one around it."""

    name: str
    process_id: str

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        try:
            return frame.parameters[self.name]
        except KeyError:
            message = (
                f"No value was given for parameter '{self.name}', which process '{self.process_id}' needs."
            )
            raise ProcessParameterRequired(message, process=self.process_id, parameter=self.name) from None


@dataclass(frozen=True)
class Constant:
    """A value that stands in the graph."""

    value: Any

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        return self.value


@dataclass(frozen=True)
class Items:
    """An array with references in it."""

    items: tuple[Argument, ...]

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        from connexeo.processing.values import as_argument

        return as_argument([item(frame) for item in self.items])


@dataclass(frozen=True)
class Properties:
    """An object with references or child process graphs in it."""

    properties: tuple[tuple[str, Argument], ...]

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        return {key: value(frame) for key, value in self.properties}


@dataclass(frozen=True)
class Child:
    """A child process graph, bound to the parameters around it that it uses."""

    program: Program
    own: frozenset[str]
    """Parameters that the calling process passes."""
    defaults: Values
    """Values of those that it need not pass."""

    def __call__(self, frame: Frame) -> Any:
        """The value of the argument."""
        from connexeo.processing.callback import Callback

        around = self.program.free - self.own
        scope = {name: frame.parameters[name] for name in around if name in frame.parameters}
        return Callback(self.program, {**scope, **self.defaults}, frame.environment)


@dataclass(frozen=True)
class Step:
    """One node: a function with its arguments."""

    node: str
    process_id: str
    arguments: tuple[tuple[str, Parameter | None, Argument], ...]
    """Name, parameter (None where the process does not tell it), value."""
    exceptions: frozenset[str]
    """Codes of the exceptions that the definition of the process names."""
    function: ProcessFunction
    """Of a predefined process its implementation, of a user-defined one a `Body`."""
    wants_environment: bool
    ends: tuple[int, ...]
    """Steps whose values are not needed after this one."""
    demand: Demand | None = None
    """Of steps that load cubes: what the steps behind them use."""

    def run(self, frame: Frame) -> Any:
        """The value of the node; errors carry the node's id in the attribute `node`."""
        try:
            given = {
                name: self._value(name, known, argument, frame) for name, known, argument in self.arguments
            }
            if self.wants_environment:
                given["environment"] = self._environment(frame)
            return self.function(**given)
        except PerPixel:
            raise
        except OpenEOError as error:
            _placed(self.node, error)
            raise
        except (ArithmeticError, TypeError, ValueError) as error:
            message = f"Process '{self.process_id}' can't work with the given arguments: {error} (node '{self.node}')."
            raise _placed(self.node, ProcessParameterInvalid(message, process=self.process_id)) from error
        except Exception as error:
            # Whatever a library raises: users get an openEO error that names the node, the log gets the cause.
            message = f"Process '{self.process_id}' failed unexpectedly (node '{self.node}')."
            raise _placed(self.node, Internal(message)) from error

    def parameters(self) -> frozenset[str]:
        """Parameters of the graph that the node uses, be it in child process graphs."""
        return frozenset().union(*(_parameters_in(argument) for _, _, argument in self.arguments))

    def _environment(self, frame: Frame) -> Environment:
        world = frame.environment.at(self.node)
        if self.demand is None or not world.pushdown:
            return world
        return replace(world, needs=self.demand(frame))

    def _value(self, name: str, known: Parameter | None, argument: Argument, frame: Frame) -> Any:
        """The value of an argument, checked where it was not known before."""
        from connexeo.processing.kinds import check_argument

        value = argument(frame)
        if known is None or isinstance(argument, Constant):
            return value
        return check_argument(value, known, self.process_id, self.exceptions)


@dataclass(frozen=True)
class Program:
    """A process graph that can be run any number of times, in any thread."""

    steps: tuple[Step, ...]
    result: int
    free: frozenset[str]
    """Parameters that the graph uses, those of its child graphs included where they are not theirs."""
    size: int
    """Number of steps, those of called user-defined processes included each time that they are called."""

    def run(
        self, parameters: Values, environment: Environment, on_value: Callable[[Any], None] | None = None
    ) -> Any:
        """Run every step once, in order, and give the value of the result node.

        Values are dropped as soon as no later step needs them.

        Args:
            parameters: Values by name.
            environment: What the process functions may use.
            on_value: Called with the value of each step.
        """
        frame = Frame(parameters, [None] * len(self.steps), environment)
        result = None
        for index, step in enumerate(self.steps):
            value = _settled(step.run(frame))
            frame.results[index] = value
            if index == self.result:
                result = value
            if on_value is not None:
                on_value(value)
            for ended in step.ends:
                frame.results[ended] = None
        return result


@dataclass(frozen=True)
class Body:
    """A user-defined process as a function."""

    program: Program
    defaults: Values

    def __call__(self, *, environment: Environment, **arguments: Any) -> Any:
        """Run the graph of the process."""
        return self.program.run({**self.defaults, **arguments}, environment)


def _parameters_in(argument: Argument) -> frozenset[str]:
    if isinstance(argument, FromParameter):
        return frozenset({argument.name})
    if isinstance(argument, Child):
        return argument.program.free - argument.own
    if isinstance(argument, Items):
        return frozenset().union(*map(_parameters_in, argument.items))
    if isinstance(argument, Properties):
        return frozenset().union(*(_parameters_in(value) for _, value in argument.properties))
    return frozenset()


def _settled(value: Any) -> Any:
    """A value as later steps take it; see `pixelwise.without_nan`."""
    if not isinstance(value, list) and not (isinstance(value, float) and math.isnan(value)):
        return value
    from connexeo.processing.pixelwise import without_nan

    return without_nan(value)


def _placed(node: str, error: OpenEOError) -> OpenEOError:
    """The error with the node that it happened in, which the message names too; inner nodes precede outer ones."""
    if "node" not in error.__dict__:
        error.__dict__["node"] = node
        if f"(node '{node}')" not in error.message:
            error.message = f"{error.message.rstrip('.')} (node '{node}')."
            error.args = (error.message,)
    return error
