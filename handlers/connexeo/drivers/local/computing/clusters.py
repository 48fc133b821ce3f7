"""Where the pixels of a task are computed: in threads of the child, or by the cluster that the deployment has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.processing.environment import Environment
    from connexeo.processing.execution import Strategy

_NO_WORKERS = "The cluster has no workers at the moment; the computation waits for some."


def strategy_of(
    request: Mapping[str, Any], environment: Environment, here: Strategy
) -> AbstractContextManager[Strategy]:
    """The strategy for a task; whatever it has connected to is left at the end.

    Args:
        request: With the address of a scheduler as ``dask``, if there is one.
        environment: Its log and its gaps hear of what happens elsewhere.
        here: The strategy without a scheduler.
    """
    from connexeo.processing.shared_logs import SharedLog

    address = request.get("dask")
    if address is None:
        return nullcontext(here)
    from connexeo.processing.execution.cluster import connected

    topics: dict[str, Callable[[Any], None]] = {}
    if isinstance(environment.log, SharedLog):
        topics[environment.log.topic] = environment.log.receive
    if environment.gaps is not None:
        topics[environment.gaps.topic] = environment.gaps.leave
    return connected(address, topics, _Waiting(environment))


class _Waiting:
    """Logs once that there are no workers."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._told = False

    def __call__(self) -> None:
        from connexeo.processing.environment import LogEntry

        if not self._told:
            self._told = True
            self._environment.log(LogEntry("warning", _NO_WORKERS))
