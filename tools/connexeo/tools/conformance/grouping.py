"""One fault, one finding: what is the same in violations that different requests show."""

from __future__ import annotations

import re

_INDEX = re.compile(r"(?<=/)\d+(?=/|$)")
_OPERATION = re.compile(r"[A-Z]+ /")

_LONG = 3
"""Characters from which a place is told apart from other words of a message."""


def without_indices(message: str) -> str:
    """A message whose JSON pointer has no numbers of entries: ``/links/3/rel: …`` → ``/links/*/rel: …``."""
    pointer, colon, rest = message.partition(": ")
    return f"{_INDEX.sub('*', pointer)}{colon}{rest}" if pointer.startswith("/") else message


def kind_of(message: str, place: str = "") -> str:
    """A message without what differs from request to request: values, numbers of entries, and its place.

    ``/logs/3/level: "loud" is not one of …`` → ``/logs/*/level: is not one of …``
    """
    if len(place) >= _LONG:
        message = message.replace(place, "*")
    pointer, colon, rest = without_indices(message).partition(": ")
    if not colon or not pointer.startswith("/"):
        return message
    if not rest.endswith("is a required property"):
        rest = re.sub(r"^.* (?=(is|does|has) )", "", rest, count=1, flags=re.DOTALL)
    return f"{pointer}: {rest}"


def told_places(places: tuple[str, ...]) -> str:
    """Places in a few words: the first, and how many more there are."""
    if len(places) < 2:
        return places[0] if places else ""
    others = len(places) - 1
    noun = "operation" if all(map(_OPERATION.match, places)) else "place"
    return f"{places[0]} and {others} other {noun}{'s' if others > 1 else ''}"
