"""The task "estimate", and the check of every computation before it begins: what a dry run tells of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.computing.tasks import MEMORY_FOR_LIBRARIES
from connexeo.generated.errors import EstimateComplexity

if TYPE_CHECKING:
    from connexeo.drivers.local.computing.world import World
    from connexeo.processing.environment import Environment


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


def planned_environment(
    process: Mapping[str, Any],
    environment: Environment,
    *,
    count: Callable[[int], None],
    memory: int | None,
    output_bytes: int | None = None,
    seconds: float | None = None,
    instead: str = "",
) -> Environment:
    """The environment to compute a process in, once a dry run has found nothing against it.

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
    from connexeo.processing.planning.planner import check_limits, plan
    from connexeo.processing.planning.remembering import remembering

    world = remembering(environment)
    try:
        planned = plan(process, world)
    except EstimateComplexity:
        return world
    for_pixels = None if memory is None else memory - MEMORY_FOR_LIBRARIES
    check_limits(planned, output_bytes=output_bytes, memory=for_pixels, seconds=seconds, instead=instead)
    count(planned.pixels)
    return world
