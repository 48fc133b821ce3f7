"""Who has something, and who was not asked: ``federation:backends`` and ``federation:missing``.

``federation:backends`` inside an object refers to the back-ends of that object: a parameter without it is known to all
that have the process. Collections and processes always carry it; everything else only when not all have it.
``federation:missing`` belongs to an answer. An upstream that is down but whose last documents are still served is
missing from the list, while the documents go on to say that it hosts them; within one object it is never both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

BACKENDS = "federation:backends"
MISSING = "federation:missing"


def in_order(upstreams: Iterable[str], order: Sequence[str]) -> list[str]:
    """Distinct upstreams in the configured order, unknown ones last."""
    rank = {upstream: number for number, upstream in reversed(list(enumerate(order)))}
    return sorted(set(upstreams), key=lambda each: (rank.get(each, len(rank)), each))


def missing(order: Sequence[str], considered: Collection[str], having: Collection[str] = ()) -> list[str]:
    """The configured upstreams that had no part in an answer.

    Args:
        order: all upstreams.
        considered: those that were asked, and answered.
        having: the ``federation:backends`` of the same object: who has a thing is not missing for it.
    """
    return [each for each in dict.fromkeys(order) if each not in considered and each not in having]


def say_presence(
    document: Mapping[str, Any],
    order: Sequence[str],
    considered: Collection[str],
    having: Collection[str] = (),
) -> dict[str, Any]:
    """A document with its ``federation:missing``, and with ``federation:backends`` when somebody has it.

    For answers such as jobs, logs and validations, which carry both at once.
    """
    result = {key: value for key, value in document.items() if key not in (BACKENDS, MISSING)}
    if having:
        result[BACKENDS] = in_order(having, order)
    result[MISSING] = missing(order, considered, having)
    return result


def marked(document: dict[str, Any], having: Sequence[str], around: Sequence[str]) -> dict[str, Any]:
    """The document with its back-ends, when fewer than those of the object around it."""
    if len(having) < len(around):
        document[BACKENDS] = list(having)
    return document


def backends_of(document: Mapping[str, Any]) -> list[str]:
    """What a document says of who has it, at the top or, for collections, in its summaries; empty: nothing."""
    summaries = document.get("summaries")
    below = summaries.get(BACKENDS) if isinstance(summaries, Mapping) else None
    named = document.get(BACKENDS) or below
    return [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
