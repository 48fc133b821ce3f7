"""Why a part has failed that loads what other parts have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.jobs.split_remote import RemoteJobs
from connexeo.drivers.federation.splitting.plan import Plan
from connexeo.drivers.interface import Json


async def has_lacked_input(
    remote: RemoteJobs, plan: Plan, part: Mapping[str, Any], errors: Sequence[Json]
) -> bool:
    """Whether a part could not load what it needs: a back-end was away, or the address had expired.

    Args:
        remote: The user's jobs at the back-ends.
        plan: Of the split job.
        part: Row of the part.
        errors: Of its log.

    Raises:
        UpstreamFault: when its back-end does not answer.
    """
    inputs = plan.part(part["name"]).inputs
    if not inputs:
        return False
    if any(node in inputs for entry in errors for node in _nodes_of(entry)):
        return True
    process_graph = await remote.process_graph(part["upstream"], part["remote"])
    for node, name in inputs.items():
        url = _url_of(process_graph.get(node))
        if url is not None and not await remote.is_readable(plan.part(name).upstream, url):
            return True
    return False


def _nodes_of(entry: Json) -> Iterator[str]:
    """Where in the process an error has happened, as far as the back-end tells."""
    path = entry.get("path")
    for step in path if isinstance(path, list) else ():
        if isinstance(step, Mapping) and isinstance(step.get("node_id"), str):
            yield step["node_id"]


def _url_of(node: Any) -> str | None:
    arguments = node.get("arguments") if isinstance(node, Mapping) else None
    url = arguments.get("url") if isinstance(arguments, Mapping) else None
    return url if isinstance(url, str) else None
