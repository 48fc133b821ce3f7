"""Which back-ends a user has chosen for a process; never passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.routing.route import FORCE
from connexeo.drivers.interface import Json
from connexeo.generated.errors import RequestInvalid

OPTIONS = "job_options"
_IN_OPTIONS = (FORCE, "_agg_force_backend")
"""Where users of other federations are used to say it."""


def chosen(request: Json) -> tuple[str, ...] | None:
    """The back-ends that a request may go to; None: any.

    Raises:
        RequestInvalid: when that is no identifier of a back-end, nor several.
    """
    given = request.get(FORCE)
    options = request.get(OPTIONS)
    if given is None and isinstance(options, Mapping):
        given = next((options[name] for name in _IN_OPTIONS if options.get(name) is not None), None)
    if given is None:
        return None
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
        raise RequestInvalid(reason=f"`{FORCE}` must be the identifiers of the back-ends that may be used")
    return tuple(dict.fromkeys(names))


def without_choice(request: Json) -> dict[str, Any]:
    """The request as it is passed on."""
    passed = {key: value for key, value in request.items() if key != FORCE}
    options = passed.get(OPTIONS)
    if isinstance(options, Mapping) and any(name in options for name in _IN_OPTIONS):
        passed[OPTIONS] = {key: value for key, value in options.items() if key not in _IN_OPTIONS}
    return passed
