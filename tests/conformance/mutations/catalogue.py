"""All faults, and what answers can be made to look like before they are spoiled."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.mutations import dresses
from conformance.mutations.areas import (
    caching,
    capabilities,
    collections,
    cors,
    credentials,
    federation,
    files,
    jobs,
    paging,
    processes,
    results,
    security,
    services,
    stored_processes,
    transport,
    validation,
)
from conformance.mutations.fault import Fault

AREAS: Mapping[str, tuple[Fault, ...]] = {
    "capabilities": capabilities.FAULTS,
    "transport": transport.FAULTS,
    "cors": cors.FAULTS,
    "caching": caching.FAULTS,
    "paging": paging.FAULTS,
    "security": security.FAULTS,
    "credentials": credentials.FAULTS,
    "collections": collections.FAULTS,
    "processes": processes.FAULTS,
    "validation": validation.FAULTS,
    "jobs": jobs.FAULTS,
    "results": results.FAULTS,
    "files": files.FAULTS,
    "stored_processes": stored_processes.FAULTS,
    "services": services.FAULTS,
    "federation": federation.FAULTS,
}
"""Faults by area."""

DRESSES: Mapping[str, Fault] = {dress.id: dress for dress in (dresses.FEDERATION, dresses.OIDC)}
"""Changes that break no rule: answers like those of a server with more features than ours."""


def faults() -> tuple[Fault, ...]:
    """All faults."""
    return tuple(fault for area in AREAS.values() for fault in area)
