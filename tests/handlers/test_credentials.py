"""The ``Authorization`` header."""

from __future__ import annotations

import base64

import pytest

from connexeo.generated.errors import (
    AuthenticationRequired,
    AuthenticationSchemeInvalid,
    CredentialsInvalid,
    RequestInvalid,
)
from connexeo.handlers.credentials import authorization, basic_credentials


def scope_of(header: bytes | None) -> dict[str, object]:
    return {"headers": [(b"host", b"x")] + ([] if header is None else [(b"authorization", header)])}


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        (None, ("", "")),
        (b"", ("", "")),
        (b"Bearer", ("bearer", "")),
        (b"Bearer  abc ", ("bearer", "abc")),
        (b"BASIC YTpi", ("basic", "YTpi")),
    ],
)
def test_authorization(header: bytes | None, parts: tuple[str, str]) -> None:
    assert authorization(scope_of(header)) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a:b", ("a", "b")), ("a:b:c", ("a", "b:c")), ("grüße:ß", ("grüße", "ß")), (":", ("", ""))],
)
def test_basic_credentials(text: str, expected: tuple[str, str]) -> None:
    assert basic_credentials(scope_of(b"Basic " + base64.b64encode(text.encode()))) == expected


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (None, AuthenticationRequired),
        (b"Bearer x", AuthenticationSchemeInvalid),
        (b"Basic", CredentialsInvalid),
        (b"Basic ***", CredentialsInvalid),
        (b"Basic " + base64.b64encode(b"\xff:x"), CredentialsInvalid),
        (b"Basic " + base64.b64encode(b"no colon"), CredentialsInvalid),
    ],
)
def test_basic_credentials_that_are_none(header: bytes | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        basic_credentials(scope_of(header))


def test_several_headers_are_refused() -> None:
    header = (b"authorization", b"Basic " + base64.b64encode(b"a:b"))
    with pytest.raises(RequestInvalid, match="several"):
        basic_credentials({"headers": [header, header]})
