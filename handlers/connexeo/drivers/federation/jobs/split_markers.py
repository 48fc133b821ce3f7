"""Titles of the parts' jobs at the back-ends, by which they are found again, and kept from the list of jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connexeo.drivers.federation.paging import Told

_MARKER = re.compile(r"\[split ([0-9a-f]{32})/\d+/[a-z0-9-]+/\d+\]\Z")


def marker(row_id: str, run: int, part: str, attempt: int) -> str:
    """What the title of a part's job ends with, and that of no other job."""
    return f"[split {row_id.partition('-')[2]}/{run}/{part}/{attempt}]"


def is_marker(text: str) -> bool:
    """Whether a text is a marker, and so no identifier of a job."""
    return _MARKER.match(text) is not None


def split_job_of(entry: Mapping[str, Any]) -> str | None:
    """Identifier in the database of the split job that a job at a back-end may be a part of."""
    title = entry.get("title")
    match = _MARKER.search(title) if isinstance(title, str) else None
    return None if match is None else f"p-{match[1]}"


def without(told: Told, hidden: Sequence[bool]) -> Told:
    """What a back-end told, without some of its entries, whose places are passed over."""
    entries, places = [], [told.places[0]]
    for entry, place, is_hidden in zip(told.entries, told.places[1:], hidden, strict=True):
        if is_hidden:
            places[-1] = place
        else:
            entries.append(entry)
            places.append(place)
    return Told(entries, places)
