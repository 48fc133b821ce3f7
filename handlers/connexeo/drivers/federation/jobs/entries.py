"""Jobs, results and logs of back-ends as the federation shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.checked import checked_entry
from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.merging import BACKENDS, MISSING, Belonging

_OURS = frozenset({"links", BACKENDS, MISSING})
_NOT_IN_LISTS = frozenset({"process"})


def listed_job(upstream: str, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """An entry of the list of jobs; None when it is none that a client could use."""
    shown = described_job(upstream, job)
    return None if shown is None else {key: value for key, value in shown.items() if key not in _NOT_IN_LISTS}


def described_job(upstream: str, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """A job in full, without links; None when it lacks what every job must have."""
    identifier = job.get("id")
    kept = {key: value for key, value in job.items() if key not in _OURS}
    if isinstance(identifier, str):
        kept["id"] = federated(upstream, identifier)
    return checked_entry(Belonging.JOB, upstream, {**kept, BACKENDS: [upstream]})


def creation_of(job: Mapping[str, Any]) -> str:
    """For sorting; empty where it is not told."""
    created = job.get("created")
    return created if isinstance(created, str) else ""


def newest_first(job: Mapping[str, Any]) -> tuple[int, ...]:
    """Key of a job in a list that begins with the newest one."""
    return tuple(-ord(each) for each in creation_of(job))
