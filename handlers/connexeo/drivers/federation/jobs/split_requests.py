"""What back-ends are asked for when the job of a part is to be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.jobs.split_ledger import Ledger
from connexeo.drivers.interface import Json

TITLE = 100
"""Characters of a user's title: a back-end that shortens titles must not take away what the part is found by."""


def request_for(ledger: Ledger, part: Mapping[str, Any], process_graph: Json) -> dict[str, Any]:
    """The request for the job of a part.

    Args:
        ledger: Of the split job.
        part: Row of the part.
        process_graph: What it runs.
    """
    job = ledger.job
    title = (job["title"] or "Split job")[:TITLE]
    request: dict[str, Any] = {
        **(job["extra"] or {}),
        "title": f"{title}: {part['name']} {ledger.marker(part)}",
        "process": {"process_graph": process_graph},
        "log_level": job["log_level"],
    }
    if job["plan"] is not None:
        request["plan"] = job["plan"]
    if job["budget"] is not None:
        # Together they may cost as much as the user wants to pay.
        request["budget"] = job["budget"] / len(ledger.parts)
    return request
