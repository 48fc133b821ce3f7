"""Plans: how large the values of a graph are and what it takes to compute them, before a pixel is read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connexeo.generated.errors import EstimateComplexity, OpenEOError, ProcessGraphComplexity
from connexeo.processing.environment import Environment, LogEntry
from connexeo.processing.evaluation import prepare
from connexeo.processing.execution import SUMMARY, Execution, Layout, using
from connexeo.processing.planning import costs
from connexeo.processing.planning.dry_run import DryRun, PixelsNeeded
from connexeo.processing.planning.pushdown import is_ours
from connexeo.processing.program import Body, Child, FromNode, Program, Properties, Step
from connexeo.processing.result import Result

BYTES_OF_BLOCK = 2048
"""What the scheduler keeps for each block of each cube."""

COPIES = 3
"""How often a block is in memory while it is computed: read, computed, on its way to a file."""

DETAILS = 2**22
"""Bytes of what is computed in between, of which only pieces of blocks are in memory, and of open files."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """A dimension of a cube."""

    name: str
    type: str
    size: int
    step: float | None = None
    """Distance of pixel centres, of spatial dimensions with more than one."""


@dataclass(frozen=True)
class CubeSize:
    """How large a cube is."""

    axes: tuple[Axis, ...]
    dtype: str
    crs: Any
    """Reference system of x and y: EPSG code, WKT2 or PROJJSON; None where there is none."""
    blocks: int
    """Into which it is cut when it is computed."""
    block_bytes: int
    """Of the largest block."""
    stack_bytes: int
    """Of all blocks that lie upon each other along x and y."""

    @property
    def values(self) -> int:
        """Number of values."""
        return math.prod(axis.size for axis in self.axes)


@dataclass(frozen=True)
class PlannedNode:
    """A node and its value."""

    id: str
    process_id: str
    size: CubeSize | None
    """None where the value is no data cube."""


@dataclass(frozen=True)
class Plan:
    """What a process graph takes."""

    nodes: tuple[PlannedNode, ...]
    """In the order of execution; those of user-defined processes are part of the node that calls them."""
    pixels: int
    """Values that are read from files: pixels of all bands and dates that the results need."""
    input_bytes: int
    """Of these, not compressed."""
    output_bytes: int
    """Of the results, not compressed."""
    seconds: float
    """An upper estimate on one core; see `costs`."""
    least_seconds: float
    """A lower estimate on all cores."""
    memory: int
    """Bytes besides those for libraries that computing one part after the other takes, roughly: the least."""
    graph_bytes: int = 0
    """Of these, what is kept of all blocks as long as a result is computed."""
    part_bytes: int = 0
    """What one stack of blocks, with all that is computed from it, takes while it is computed."""
    reach: int = 1
    """How many stacks beside each other a block of a result is computed from: 1 where each pixel stands for itself."""

    def memory_for(self, threads: int, columns: int) -> int:
        """Bytes that an execution takes.

        Args:
            threads: Parts that are computed at a time.
            columns: Stacks of a part where they have pixels in common.
        """
        if self.reach == 1:
            return self.graph_bytes + threads * self.part_bytes
        around = math.sqrt(columns) + math.sqrt(self.reach) - 1
        return self.graph_bytes + math.ceil(around**2 * self.part_bytes)


def plan(
    process: Json,
    environment: Environment,
    parameters: Mapping[str, Any] | None = None,
    layout: Layout | None = None,
) -> Plan:
    """The plan of a process.

    Args:
        process: A process object with a `process_graph`, or the graph itself.
        environment: What the processes may use; nothing is logged.
        parameters: Values by name.
        layout: Of the blocks that it is computed in.

    Raises:
        OpenEOError: What is wrong with the graph, as far as that shows without pixels.
        EstimateComplexity: A process needs pixels at once, or is not one of ours.
    """
    dry_run = DryRun(layout or Layout())
    world = replace(environment, dry_run=dry_run, log=_discard)
    program, values = prepare(process, parameters, world)
    unknown = next(_unknown_steps(program), None)
    if unknown is not None:
        raise EstimateComplexity(f"What the process '{unknown.process_id}' takes is not known.")
    seen = _Seen(program, dry_run.layout)
    try:
        with using(Execution(layout=dry_run.layout)):
            value = program.run(values, world, on_value=seen)
    except OpenEOError as error:
        if _has_cause(error, PixelsNeeded):
            message = "A process of the graph needs pixels to tell how large its result is."
            raise EstimateComplexity(message) from error
        raise
    results = [result.data for result in seen.results] or [value]
    needed = list(dry_run.needed(results))
    read = sum(count for _, count in needed)
    remote = sum(count for source, count in needed if source.remote)
    written = sum(int(getattr(data, "size", 0)) for data in results)
    sizes = [node.size for node in seen.nodes if node.size is not None]
    cores = os.cpu_count() or 1
    graph = BYTES_OF_BLOCK * sum(size.blocks for size in sizes)
    part, reach = seen.part_bytes(), dry_run.reach(results)
    return Plan(
        nodes=tuple(seen.nodes),
        pixels=round(read),
        input_bytes=round(sum(count * source.itemsize for source, count in needed)),
        output_bytes=sum(int(getattr(data, "nbytes", 0)) for data in results),
        seconds=costs.seconds(local=read - remote, remote=remote, steps=seen.work, written=written),
        least_seconds=costs.least(read=read, cores=cores),
        memory=graph + reach * part,
        graph_bytes=graph,
        part_bytes=part,
        reach=reach,
    )


def check_limits(
    planned: Plan,
    *,
    output_bytes: int | None = None,
    memory: int | None = None,
    seconds: float | None = None,
    instead: str = "",
) -> None:
    """Refuse what cannot succeed.

    Args:
        planned: The plan.
        output_bytes: How large results may be, not compressed.
        memory: How much memory there is besides that for libraries.
        seconds: How long it may take.
        instead: What to do instead, for the message; e.g. "or a batch job".

    Raises:
        ProcessGraphComplexity: One of the limits is exceeded; the message says by how much.
    """
    advice = f"Ask for a smaller extent, fewer bands or dates{', ' if instead else ''}{instead}."
    if output_bytes is not None and planned.output_bytes > output_bytes:
        raise ProcessGraphComplexity(
            f"The result would have {_size(planned.output_bytes)} of pixels, more than the {_size(output_bytes)} that "
            f"are allowed. {advice}"
        )
    if memory is not None and planned.memory > memory:
        raise ProcessGraphComplexity(
            f"The computation would need about {_size(planned.memory)} of memory, more than the {_size(memory)} that "
            f"there are. {advice}"
        )
    if seconds is not None and planned.least_seconds > seconds:
        raise ProcessGraphComplexity(
            f"The computation would read {planned.pixels / 1e6:,.0f} million pixels, which takes longer than the "
            f"{seconds:.0f} s that are allowed. {advice}"
        )


class _Seen:
    """Called with the value of each step in order, keeps what is to be known of it."""

    def __init__(self, program: Program, layout: Layout) -> None:
        self._steps = program.steps
        self._layout = layout
        self._live: dict[int, int] = {}
        self._most_live = 0
        self._summaries: set[str] = set()
        self.nodes: list[PlannedNode] = []
        self.results: list[Result] = []
        self.work = 0.0
        self.largest_block = 0

    def __call__(self, value: Any) -> None:
        step = self._steps[len(self.nodes)]
        if isinstance(value, Result):
            self.results.append(value)
            value = value.data
        size = _size_of(value, self._layout) if hasattr(value, "dims") else None
        self.nodes.append(PlannedNode(step.node, step.process_id, size))
        inputs = [self.nodes[index].size for index in _inputs(step)]
        most = max((one.values for one in (size, *inputs) if one is not None), default=0)
        self.work += most * _steps_in(step)
        self._count_live(step, size)
        if size is not None and size.values:
            # A block of the result needs as many times its values as the whole result does, unless it sums up.
            share = 1.0 if self._sums_up(value) else max(1.0, most / size.values)
            self.largest_block = max(self.largest_block, math.ceil(size.block_bytes * share))

    def _sums_up(self, value: Any) -> bool:
        """Whether a cube is made from summaries of blocks that no cube before was made from."""
        layers = () if value.chunks is None else value.data.dask.layers
        new = {name for name in layers if name.startswith(SUMMARY)} - self._summaries
        self._summaries |= new
        return bool(new)

    def part_bytes(self) -> int:
        """Of a stack of blocks, with all that is computed from it."""
        if self._layout.together:
            return self._most_live + DETAILS
        return COPIES * self.largest_block + DETAILS

    def _count_live(self, step: Step, size: CubeSize | None) -> None:
        """Values of steps are kept until no other needs them, also when a stack of blocks is computed."""
        number = len(self.nodes) - 1
        if size is not None:
            self._live[number] = size.stack_bytes
            self._most_live = max(self._most_live, sum(self._live.values()))
        for ended in step.ends:
            self._live.pop(ended, None)


def _size_of(cube: Any, layout: Layout) -> CubeSize:
    from connexeo.processing.alignment import spacing
    from connexeo.processing.cube import coordinates, crs_of, dimensions_of

    axes = []
    blocks = block = stack = 1
    for number, dimension in enumerate(dimensions_of(cube)):
        size = cube.sizes[dimension.name]
        chunks = cube.chunks[number] if cube.chunks is not None else (size,)
        if dimension.type == "spatial":
            step = spacing(coordinates(cube, dimension.name))
            axes.append(Axis(dimension.name, dimension.type, size, None if step is None else abs(step)))
            # Blocks of a dry run may be larger.
            blocks *= max(1, math.ceil(size / layout.edge))
            block *= min(size, layout.edge)
            stack *= min(size, layout.edge)
        else:
            axes.append(Axis(dimension.name, dimension.type, size))
            blocks *= len(chunks)
            block *= max(chunks, default=0)
            stack *= size
    return CubeSize(
        tuple(axes),
        str(cube.dtype),
        crs_of(cube),
        blocks,
        block * cube.dtype.itemsize,
        stack * cube.dtype.itemsize,
    )


def _unknown_steps(program: Program) -> Iterator[Step]:
    """Steps with functions of the deployment: these may compute at once, and have effects of their own."""
    for step in program.steps:
        if not isinstance(step.function, Body) and not is_ours(step):
            yield step
        for inner in _programs_in(step):
            yield from _unknown_steps(inner)


def _programs_in(step: Step) -> Iterator[Program]:
    """Those of callbacks, and of the user-defined process that it calls."""
    if isinstance(step.function, Body):
        yield step.function.program
    for _, _, value in step.arguments:
        children: Sequence[Any] = (
            [one for _, one in value.properties] if isinstance(value, Properties) else [value]
        )
        yield from (child.program for child in children if isinstance(child, Child))


def _inputs(step: Step) -> Iterator[int]:
    for _, _, value in step.arguments:
        if isinstance(value, FromNode):
            yield value.step


def _steps_in(step: Step) -> int:
    """Processes that a step runs on each value: those of its callbacks, or of the process that it calls."""
    return max(1, sum(program.size for program in _programs_in(step)))


def _has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, kind):
            return True
        cause = cause.__cause__
    return False


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MB" if count < 10 * 2**30 else f"{count / 2**30:,.0f} GB"


def _discard(entry: LogEntry) -> None:
    """Whoever runs the graph gets its log."""
