"""Configurations of secondary web services, made of what their types tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.json_types import fits, is_schema
from connexeo.tools.conformance.resources import NOWHERE, Entry
from connexeo.tools.conformance.serving import settings
from connexeo.tools.conformance.shapes import mapping


def another_value(about: Mapping[str, Any], but: Any = None) -> tuple[str, Any] | None:
    """A configuration parameter with a value that is not its default, None when none can be made up.

    Args:
        about: the type of the service.
        but: a value that it must not be either.
    """
    for name, schema in settings(about).items():
        for value in _values(schema):
            if value not in (schema.get("default"), but) and fits(value, schema):
                return name, value
    return None


def _values(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Values that may fit a schema; of what could mean anything none."""
    if isinstance(schema.get("enum"), list):
        yield from (each for each in schema["enum"] if isinstance(each, str | int) and each != "")
    elif schema.get("type") == "boolean":
        yield from (True, False)
    elif schema.get("type") == "integer":
        low, high = schema.get("minimum"), schema.get("maximum")
        # Without bounds a number may be anything from a port to a year.
        if isinstance(low, int) and isinstance(high, int):
            yield from (low + 1, high - 1)


def misfit(about: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Configurations that a type does not have, by what is wrong with them."""
    found: dict[str, dict[str, Any]] = {}
    parameters = settings(about)
    told = about.get("configuration")
    if isinstance(told, Mapping):
        found["unknown parameter"] = {NOWHERE: 1}
    for name, schema in parameters.items():
        wrong: Any = {"conformance": ["wrong"]}
        if is_schema(schema) is None and not fits(wrong, schema):
            found["parameter of the wrong type"] = {name: wrong}
            break
    return found


def is_kept(entry: Entry, name: str, value: Any) -> bool:
    """Whether the metadata of a service have a parameter with this value."""
    told = mapping(entry.value.get("configuration")).get(name)
    if isinstance(value, str) and isinstance(told, str):
        return told.lower() == value.lower()
    return bool(told == value)
