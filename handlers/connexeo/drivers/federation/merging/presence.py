"""Who has something, and who was not asked: ``federation:backends`` and ``federation:missing``.

``federation:backends`` inside an object refers to the back-ends of that object: a parameter without it is known to all
that have the process. Collections and processes always carry it; everything else only when not all have it.
``federation:missing`` belongs to an answer. An upstream that is down but whose last documents are still served is
missing from the list, while the documents go on to say that it hosts them; within one object it is never both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

BACKENDS = "federation:backends"
MISSING = "federation:missing"


def in_order(upstreams: Iterable[str], order: Sequence[str]) -> list[str]:
    """Distinct upstreams in the configured order, unknown ones last."""
    rank = {upstream: number for number, upstream in reversed(list(enumerate(order)))}
    return sorted(set(upstreams), key=lambda each: (rank.get(each, len(rank)), each))


def marked(document: dict[str, Any], having: Sequence[str], around: Sequence[str]) -> dict[str, Any]:
    """The document with its back-ends, when fewer than those of the object around it."""
    if len(having) < len(around):
        document[BACKENDS] = list(having)
    return document
