"""Which back-ends a user has chosen for a process; never passed on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def chosen_of(request: Json, upstreams: Collection[str]) -> frozenset[str] | None:
    """`chosen`, of the back-ends that there are.

    Raises:
        RequestInvalid: also when it is none of them.
    """
    names = chosen(request)
    for name in names or ():
        if name not in upstreams:
            raise RequestInvalid(
                reason=f"`{FORCE}` names '{name}', which is no back-end here; there are: {', '.join(upstreams)}"
            )
    return None if names is None else frozenset(names)


def check_stays(request: Json, upstream: str, upstreams: Collection[str]) -> None:
    """See that changes of what is at a back-end do not choose others.

    Raises:
        RequestInvalid: when they do.
    """
    names = chosen_of(request, upstreams)
    if names is not None and upstream not in names:
        raise RequestInvalid(
            reason=f"`{FORCE}` names {', '.join(sorted(names))}, but this is at '{upstream}', and cannot be moved: "
            "make a new one there"
        )


def without_choice(request: Json) -> dict[str, Any]:
    """The request as it is passed on."""
    passed = {key: value for key, value in request.items() if key != FORCE}
    options = passed.get(OPTIONS)
    if isinstance(options, Mapping) and any(name in options for name in _IN_OPTIONS):
        passed[OPTIONS] = {key: value for key, value in options.items() if key not in _IN_OPTIONS}
    return passed
