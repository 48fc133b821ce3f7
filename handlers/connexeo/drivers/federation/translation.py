"""What users are told when a back-end says no, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.connection import Answer
from connexeo.drivers.federation.faults import Garbled, Refused, UpstreamFault, is_about_credentials
from connexeo.generated import errors
from connexeo.generated.errors import (
    InfrastructureBusy,
    Internal,
    OpenEOError,
    RequestInvalid,
    TokenInvalid,
)


def _by_code() -> Mapping[str, type[OpenEOError]]:
    classes = (
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, OpenEOError)
    )
    return {each.code: each for each in classes}


_CLASSES = _by_code()


def translated(fault: UpstreamFault, missing: OpenEOError | None = None) -> OpenEOError:
    """The error that the user gets.

    Args:
        fault: What went wrong at the back-end.
        missing: For a thing that is not there, where that is what a 404 means.
    """
    if not isinstance(fault, Refused):
        return InfrastructureBusy(
            f"The back-end '{fault.upstream}' does not answer: {fault.reason}. Please try again in a minute."
        )
    if fault.status == 404 and missing is not None:
        return missing
    told = f"{fault.upstream}: {fault.message}" if fault.message else f"{fault.upstream}: HTTP {fault.status}"
    if is_about_credentials(fault):
        return TokenInvalid(
            f"The back-end '{fault.upstream}' does not accept your token. Please log in again. ({told})"
        )
    known = _CLASSES.get(fault.code)
    if known is not None and errors.HTTP_STATUS.get(fault.code, 500) // 100 == fault.status // 100:
        return known(told)
    if 400 <= fault.status < 500:
        return RequestInvalid(told)
    return Internal(f"The back-end failed: {told}")


def object_of(answer: Answer) -> dict[str, Any]:
    """The document of an answer.

    Raises:
        OpenEOError: when it is no object.
    """
    try:
        return answer.object()
    except Garbled as fault:
        raise translated(fault) from fault
