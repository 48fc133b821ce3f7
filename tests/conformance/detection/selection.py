"""The faults that are tried whenever the tests run: a part of them, for the sake of time.

All critical ones; those that stand for what must never be overlooked; and of each other area the first one, whether it
is found or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from conformance.mutations import Fault
from conformance.mutations.catalogue import AREAS
from connexeo.tools.conformance.verdicts import Severity

KINDS: Mapping[str, tuple[str, ...]] = {
    "wrong status": ("job-created-200", "udp-put-201", "result-202"),
    "missing header": ("job-without-location", "service-without-identifier", "cors-missing"),
    "dropped field": ("me-without-user-id", "results-without-assets", "collection-without-license"),
    "wrong type": ("capabilities-production-text", "job-progress-text", "service-enabled-text"),
    "broken paging": ("jobs-limit-ignored", "collections-next-loops", "jobs-page-loses"),
    "stale ETag": ("etag-stale",),
    "token not checked": ("token-unchecked-jobs", "token-forged-accepted"),
    "foreign job visible": ("foreign-job-visible", "foreign-jobs-listed", "foreign-results-visible"),
    "wrong order of job states": ("job-finishes-twice", "job-starts-at-once"),
    "extents off": ("collection-bbox-metres", "collection-interval-turned", "results-bbox-elsewhere"),
    "item that is not STAC": ("item-untyped", "item-without-stac-version"),
    "federation:missing wrong": ("federation-missing-unknown", "federation-missing-and-there"),
    "endpoint listed that is not there": ("capabilities-unimplemented",),
    "404 that is no openEO error": ("not-found-as-detail", "not-found-as-page"),
    "unknown argument accepted": ("validation-argument-accepted",),
}
"""Kinds of faults that each selection must have, with those that stand for them."""


def selected() -> tuple[Fault, ...]:
    """The selection, in the order of the areas."""
    named = {id for ids in KINDS.values() for id in ids}
    found: list[Fault] = []
    for faults in AREAS.values():
        chosen = [fault for fault in faults if fault.id in named or fault.severity is Severity.CRITICAL]
        found += chosen or faults[:1]
    return tuple(found)
