"""Reducers that need not have all numbers at once: summaries of some suffice.

The mean of a region follows from the sums and counts of its blocks, so that a region of any size can be reduced within
the memory for one block. `summing_up` finds out whether a callback can be computed in this way: each of its nodes that
takes the whole array is one of our own implementations below, and the other nodes use what these give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from connexeo.processing.blocks import BlockFunction, Bound
from connexeo.processing.callback import Callback
from connexeo.processing.execution import SUMMARY
from connexeo.processing.process import PerPixel, ProcessFunction
from connexeo.processing.processes.logic import all_, any_
from connexeo.processing.processes.statistics import count, max_, mean, min_, product, sd, sum_, variance
from connexeo.processing.processes.tiles import float_type, missing_in
from connexeo.processing.program import Child, Constant, Frame, FromParameter, Program, Step
from connexeo.processing.values import Array, Block

State = tuple[Block, ...]
"""What is known of some numbers of each pixel, or series."""

_PIECE = 2**18
"""Values that are looked at together, so that what is computed in between takes little memory."""


class Summary(Protocol):
    """How a reducer sums up."""

    def take(self, values: Block) -> State:
        """What is to be known of numbers along axis 0, of which there is at least one."""

    def join(self, first: State, second: State) -> State:
        """What is known of both."""

    def give(self, state: State, source: np.dtype[Any]) -> Block:
        """What the reducer gives for numbers of a type."""


@dataclass(frozen=True)
class _Itself:
    """A reducer of what it has made of parts gives what it makes of the whole."""

    function: ProcessFunction
    arguments: Mapping[str, Any]

    def take(self, values: Block) -> State:
        return (np.asarray(self.function(data=Array(values), **self.arguments)),)

    def join(self, first: State, second: State) -> State:
        return self.take(np.stack([first[0], second[0]]))

    def give(self, state: State, source: np.dtype[Any]) -> Block:
        return state[0]


@dataclass(frozen=True)
class _Total:
    """The number of values, and their sum or product, which may be NaN where values are infinite."""

    ignore_nodata: bool
    operation: np.ufunc

    def take(self, values: Block) -> State:
        number, known = _known(values, self.ignore_nodata, self.operation.identity)
        return number, self.operation.reduce(known, axis=0, dtype=np.float64)

    def join(self, first: State, second: State) -> State:
        return first[0] + second[0], self.operation(first[1], second[1])

    def give(self, state: State, source: np.dtype[Any]) -> Block:
        total = np.where(state[0] > 0, state[1], math.nan)
        return total.astype(float_type(np.empty(0, source)))


@dataclass(frozen=True)
class _Count:
    """Counts are added up."""

    arguments: Mapping[str, Any]

    def take(self, values: Block) -> State:
        return (np.asarray(count(Array(values), **self.arguments), np.int64),)

    def join(self, first: State, second: State) -> State:
        return (first[0] + second[0],)

    def give(self, state: State, source: np.dtype[Any]) -> Block:
        return state[0].astype(np.uint32)


@dataclass(frozen=True)
class _Moments:
    """The number of values, their mean and the sum of the squares of their distances from it.

    They are joined as in T. F. Chan, G. H. Golub, R. J. LeVeque: Updating formulae and a pairwise algorithm for
    computing sample variances, 1979, since the difference of sums of squares would lose digits.
    """

    ignore_nodata: bool
    squares: bool
    finish: Callable[[State], Block]

    def take(self, values: Block) -> State:
        number, known = _known(values, self.ignore_nodata, 0)
        average = known.sum(axis=0, dtype=np.float64) / np.maximum(number, 1)
        if not self.squares:
            return number, average
        distances = np.subtract(values, average, dtype=np.float64)
        if known is not values:
            distances[np.isnan(values)] = 0
        return number, average, np.square(distances, out=distances).sum(axis=0)

    def join(self, first: State, second: State) -> State:
        number = first[0] + second[0]
        share = second[0] / np.maximum(number, 1)
        between = second[1] - first[1]
        # Weighted, rather than one and a part of the distance to the other: both may be infinite.
        average = _weighted(first[1], 1 - share) + _weighted(second[1], share)
        if not self.squares:
            return number, average
        return number, average, first[2] + second[2] + _weighted(between**2, first[0] * share)

    def give(self, state: State, source: np.dtype[Any]) -> Block:
        return self.finish(state).astype(float_type(np.empty(0, source)))


def _known(values: Block, ignore_nodata: bool, instead: Any) -> tuple[Block, Block]:
    """How many values along axis 0 there are, and the values, with something instead of no-data."""
    missing = missing_in(values) if ignore_nodata else None
    number = np.full(values.shape[1:], float(len(values)))
    if missing is None:
        return number, values
    return number - missing.sum(axis=0), np.where(missing, instead, values)


def _weighted(values: Block, weights: Block) -> Block:
    """Without what has no weight, be it infinite."""
    return np.where(weights > 0, values * weights, 0)


def _mean(state: State) -> Block:
    return np.where(state[0] > 0, state[1], math.nan)


def _variance(state: State) -> Block:
    return np.where(state[0] > 1, state[2] / (state[0] - 1), math.nan)


def _deviation(state: State) -> Block:
    return np.sqrt(_variance(state))


def _moments(finish: Callable[[State], Block], squares: bool, *, ignore_nodata: bool = True) -> Summary:
    return _Moments(ignore_nodata, squares, finish)


def _total(operation: np.ufunc, *, ignore_nodata: bool = True) -> Summary:
    return _Total(ignore_nodata, operation)


def _itself(function: ProcessFunction, **arguments: Any) -> Summary:
    return _Itself(function, arguments)


def _count(**arguments: Any) -> Summary:
    return _Count(arguments)


_SUMMARIES: Mapping[ProcessFunction, Callable[..., Summary]] = {
    mean: partial(_moments, _mean, False),
    variance: partial(_moments, _variance, True),
    sd: partial(_moments, _deviation, True),
    count: _count,
    sum_: partial(_total, np.add),
    product: partial(_total, np.multiply),
    **{function: partial(_itself, function) for function in (min_, max_, any_, all_)},
}


@dataclass(frozen=True)
class Summing:
    """A callback that is computed from what is known of parts of an array."""

    rest: Callback
    """What is computed of the values of the nodes that take the array: they are parameters."""
    fixed: Mapping[str, Any]
    """Further parameters."""
    summaries: Mapping[str, Summary]
    """By parameter."""
    source: np.dtype[Any]
    """Type of the values."""

    def take(self, values: Block) -> tuple[State, ...]:
        """What is to be known of values along axis 0, of which there is at least one."""
        step = max(1, _PIECE // max(1, math.prod(values.shape[1:])))
        return self.join([self._take(values[start : start + step]) for start in range(0, len(values), step)])

    def join(self, known: Sequence[tuple[State, ...]]) -> tuple[State, ...]:
        """What is known of all parts."""
        whole, *others = known
        with np.errstate(all="ignore"):
            for other in others:
                whole = tuple(
                    summary.join(*states)
                    for summary, *states in zip(self.summaries.values(), whole, other, strict=True)
                )
        return whole

    def give(self, known: tuple[State, ...]) -> Any:
        """What the callback gives."""
        with np.errstate(all="ignore"):
            values = {
                name: summary.give(state, self.source)
                for (name, summary), state in zip(self.summaries.items(), known, strict=True)
            }
            return self.rest(**values, **self.fixed)

    def _take(self, values: Block) -> tuple[State, ...]:
        with np.errstate(all="ignore"):
            return tuple(summary.take(values) for summary in self.summaries.values())


def summing_up(function: BlockFunction, source: np.dtype[Any]) -> Summing | None:
    """How to reduce arrays in parts; None where a function may need all of an array at once.

    Args:
        function: Reduces an `Array`.
        source: Type of its values.
    """
    if not isinstance(function, Bound) or not isinstance(function.callback, Callback):
        return None
    callback = function.callback
    (name,) = function.names
    summaries: dict[str, Summary] = {}
    steps = []
    frame = Frame({**callback.scope, **function.fixed}, [], callback.environment)
    for number, step in enumerate(callback.program.steps):
        if name not in step.parameters():
            steps.append(step)
            continue
        summary = _summary_of(step, name, frame)
        if summary is None:
            return None
        parameter = f"{name}, reduced by {number}"
        summaries[parameter] = summary
        value = ("value", None, FromParameter(parameter, step.process_id))
        steps.append(replace(step, function=_given, arguments=(value,), wants_environment=False))
    rest = Program(tuple(steps), callback.program.result, callback.program.free, callback.program.size)
    summing = Summing(Callback(rest, callback.scope, callback.environment), function.fixed, summaries, source)
    return summing if summaries and _goes_by_blocks(summing) else None


def _given(value: Any) -> Any:
    """The value of a node that is known already."""
    return value


def _summary_of(step: Step, name: str, frame: Frame) -> Summary | None:
    """How a step sums up the whole array, if it takes just that, and its implementation is known."""
    make = _SUMMARIES.get(step.function)
    arguments = {argument: value for argument, _, value in step.arguments}
    data = arguments.pop("data", None)
    if make is None or not isinstance(data, FromParameter) or data.name != name:
        return None
    others = replace(step, arguments=tuple(each for each in step.arguments if each[0] != "data"))
    if name in others.parameters() or not all(
        isinstance(each, Constant | Child) for each in arguments.values()
    ):
        return None
    return make(**{argument: value(frame) for argument, value in arguments.items()})


def _goes_by_blocks(summing: Summing) -> bool:
    """Whether nothing in it needs plain values; see `PerPixel`."""
    try:
        summing.give(summing.take(np.ones((2, 1), summing.source)))
    except PerPixel:
        return False
    return True


def with_summaries(data: Any, name: str, tasks: Mapping[Any, Any], summaries: Mapping[Any, Any]) -> Any:
    """The graph of an array that is made from the blocks of another one, be it by summaries of them.

    Args:
        data: The other array.
        name: Of the array.
        tasks: Those that make its blocks.
        summaries: Those that make summaries, and what only these need; see `execution.is_summary`.
    """
    from dask.highlevelgraph import HighLevelGraph

    if not summaries:
        return HighLevelGraph.from_collections(name, tasks, dependencies=[data])
    before = f"{SUMMARY}{name}"
    layers = {**data.dask.layers, before: summaries, name: tasks}
    # What is not summed up needs blocks of the data, too.
    dependencies = {**data.dask.dependencies, before: {data.name}, name: {data.name, before}}
    return HighLevelGraph(layers, dependencies)
