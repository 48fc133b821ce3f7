"""Faults for which less is enough, and why."""

from __future__ import annotations

from collections.abc import Mapping

RECOMMENDED: Mapping[str, str] = {
    "options-200": "the standard asks for 204, and browsers take any success",
    "head-refused": "the standard does not mention HEAD; RFC 9110 asks general servers for it",
    "etag-ignored": "conditional requests are optional",
    "etag-new-each-time": "conditional requests are optional",
    "etag-unquoted": "clients give back what they got, whatever it is",
    "token-absent-as-403": "401 is for who has not said who they are, yet both refuse",
    "collection-bands-differ": "the extensions only recommend equal names",
    "process-subtype-old": "subtypes are hints for user interfaces",
    "jobs-limit-ignored": "pages are optional: who has none lists everything",
    "job-not-found-code": "`NotFound` is a code of the standard as well, if a less helpful one",
    "conformance-class-missing": "the list is required, no class in it is",
    "collection-not-found-code": "a code of one's own may take the place of the standard's",
    "udp-not-found-code": "a code of one's own may take the place of the standard's",
    "service-not-found-code": "a code of one's own may take the place of the standard's",
    "collections-limit-ignored": "pages are optional: all entries on one page are no fault of the list",
    "udp-limit-ignored": "pages are optional: all entries on one page are no fault of the list",
    "services-limit-ignored": "pages are optional: all entries on one page are no fault of the list",
    "logs-limit-ignored": "pages are optional: all entries on one page are no fault of the list",
    "validation-collection-accepted": "the standard leaves open whether arguments are looked up",
    "file-range-ignored": "RFC 9110 allows to ignore a range",
    "federation-partial-cached": "the standard says nothing of how long lists may be kept",
    "federation-without-class": "classes may be left out by older versions of the extension",
    "federation-validation-silent": "the field is recommended only",
}
"""Faults that break a recommendation: a warning is all that may be said of them."""

STUCK = frozenset({"job-stays-queued", "job-stays-created", "job-without-status", "job-status-unknown"})
"""Faults that keep jobs from ever being seen to end: there is no use in waiting."""
