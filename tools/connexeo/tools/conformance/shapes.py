"""Reads documents that may have any shape: what is not there, or is something else, counts as empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of an array."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """The strings of an array."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value when it is a string, without space around it, else an empty one."""
    return value.strip() if isinstance(value, str) else ""


def numbers(value: Any, *lengths: int) -> list[float] | None:
    """An array of numbers that has one of these lengths, None when it is anything else."""
    if not isinstance(value, list) or len(value) not in lengths:
        return None
    real = all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
    return [float(each) for each in value] if real else None


def links_of(document: Any, *relations: str) -> list[Mapping[str, Any]]:
    """Links of a document that have a target, all or those of these relations."""
    found = objects(mapping(document).get("links"))
    return [
        each for each in found if text(each.get("href")) and (not relations or each.get("rel") in relations)
    ]


def targets(document: Any, *relations: str) -> list[str]:
    """Targets of the links with these relations."""
    return [text(each["href"]) for each in links_of(document, *relations)]


def is_absolute(target: str) -> bool:
    """Whether a link leads somewhere by itself, wherever the document is read."""
    return "://" in target or target.startswith(("mailto:", "tel:", "urn:", "doi:", "data:"))


def nulls(value: Any, place: str = "") -> Iterator[str]:
    """Places of all nulls in a document, as JSON pointers."""
    if value is None:
        yield place
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from nulls(entry, f"{place}/{key}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from nulls(entry, f"{place}/{number}")


def listed(names: Any, most: int = 5) -> str:
    """Names for a sentence; of many the first."""
    shown = [str(each) for each in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest
