"""What users choose for one computation beside its process, in properties that the standard leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.generated.errors import RequestInvalid

_OPTIONS = "job_options"
"""The property in which clients put them; beside the process, they count as well."""
_NAMES = ("soft-errors", "soft_errors")


def soft_errors(request: Mapping[str, Any], default: float) -> float:
    """The part of all assets, from 0 to 1, that may be missing in a result: 0 makes the first one an error.

    Args:
        request: The request, or what was kept of it.
        default: For those who do not say.

    Raises:
        RequestInvalid: it is no such number, nor true or false.
    """
    options = request.get(_OPTIONS)
    places = [options, request] if isinstance(options, Mapping) else [request]
    given = [place[name] for place in places for name in _NAMES if place.get(name) is not None]
    if not given:
        return default
    value = given[0]
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    raise RequestInvalid(reason=f"'{_NAMES[0]}' must be true, false, or a number from 0 to 1")
