"""The task "estimate", and the check of every computation before it begins: what a dry run tells of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.computing.tasks import MEMORY_FOR_LIBRARIES
from connexeo.generated.errors import EstimateComplexity

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import World
    from connexeo.processing.environment import Environment
    from connexeo.processing.execution import Execution


def compute(request: Mapping[str, Any], world: World) -> dict[str, Any]:
    """What a process takes: ``pixels``, ``input_bytes``, ``output_bytes`` and, at most, ``seconds``.

    Args:
        request: ``process``.
        world: Collections and processes.

    Raises:
        OpenEOError: whatever the graph or the metadata is at fault for; EstimateComplexity when nothing can be told
            without computing.
    """
    from connexeo.processing.planning.planner import plan

    planned = plan(request["process"], world.environment())
    return {
        "pixels": planned.pixels,
        "input_bytes": planned.input_bytes,
        "output_bytes": planned.output_bytes,
        "seconds": planned.seconds,
    }


@dataclass(frozen=True)
class Ready:
    """What a process is computed in."""

    environment: Environment
    execution: Execution


def prepare(
    process: Mapping[str, Any],
    environment: Environment,
    *,
    count: Callable[[int], None],
    memory: int | None,
    output_bytes: int | None = None,
    seconds: float | None = None,
    instead: str = "",
) -> Ready:
    """What to compute a process in, once a dry run has found nothing against it: in blocks that fit into the memory.

    What the dry run has searched for is not searched for again. Where it cannot tell, the computation may begin.

    Args:
        process: The process.
        environment: What its graph runs in.
        count: Takes the number of pixels that will be read, where that can be told.
        memory: Bytes that the child may take, those for libraries included.
        output_bytes: How large results may be, not compressed.
        seconds: How long it may take.
        instead: What to do instead of what is refused, for the message.

    Raises:
        OpenEOError: what the dry run found; ProcessGraphComplexity when the computation is too large.
    """
    from connexeo.processing.execution import Execution, Layout
    from connexeo.processing.planning.budget import fit
    from connexeo.processing.planning.planner import check_limits
    from connexeo.processing.planning.remembering import remembering

    world = remembering(environment)
    for_pixels = None if memory is None else memory - MEMORY_FOR_LIBRARIES
    try:
        fitted = fit(process, world, for_pixels)
    except EstimateComplexity:
        return Ready(world, Execution(Layout(512)))
    check_limits(fitted.plan, output_bytes=output_bytes, memory=for_pixels, seconds=seconds, instead=instead)
    count(fitted.plan.pixels)
    return Ready(world, fitted.execution)
