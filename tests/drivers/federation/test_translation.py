"""What users are told when a back-end fails."""

from __future__ import annotations

import pytest

from connexeo.drivers.federation.connection import Answer
from connexeo.drivers.federation.faults import (
    Busy,
    Garbled,
    NotAsked,
    Refused,
    TooSlow,
    Unreachable,
    UpstreamFault,
)
from connexeo.drivers.federation.translation import object_of, translated
from connexeo.generated.errors import HTTP_STATUS, JobNotFound, OpenEOError

MISSING = JobNotFound(identifier="x")


@pytest.mark.parametrize("fault", [Unreachable, TooSlow, Busy, Garbled, NotAsked])
def test_a_back_end_that_does_not_answer_is_named_and_nothing_is_unknown(fault: type[UpstreamFault]) -> None:
    error = translated(fault("coast", "why"), MISSING)
    assert (error.code, HTTP_STATUS[error.code]) == ("InfrastructureBusy", 503)
    assert "coast" in error.message
    assert "why" in error.message


@pytest.mark.parametrize(
    ("status", "document", "code"),
    [
        (404, {"code": "JobNotFound", "message": "Gone."}, "JobNotFound"),
        (404, None, "JobNotFound"),
        (400, {"code": "JobNotFinished", "message": "Wait."}, "JobNotFinished"),
        (400, {"code": "OfTheirOwn", "message": "Odd."}, "RequestInvalid"),
        (400, {"code": "Internal", "message": "Odd."}, "RequestInvalid"),
        (401, {"code": "AuthenticationRequired", "message": "Who?"}, "TokenInvalid"),
        (403, None, "TokenInvalid"),
        (403, {"code": "PermissionsInsufficient", "message": "No."}, "PermissionsInsufficient"),
        (500, {"code": "Internal", "message": "Oops."}, "Internal"),
        (500, "<html>", "Internal"),
        (418, {"code": 3, "message": ["?"]}, "RequestInvalid"),
    ],
)
def test_errors_of_back_ends_are_passed_on(status: int, document: object, code: str) -> None:
    error = translated(Refused("coast", status, document), MISSING)
    assert isinstance(error, OpenEOError)
    assert error.code == code


def test_a_document_that_is_none_is_a_fault_of_the_back_end() -> None:
    assert object_of(Answer("coast", "https://c.example/jobs/x", 200, {}, b'{"a": 1}')) == {"a": 1}
    for body in (b"[]", b"{", b""):
        with pytest.raises(OpenEOError, match="coast") as caught:
            object_of(Answer("coast", "https://c.example/jobs/x", 200, {}, body))
        assert caught.value.code == "InfrastructureBusy"
