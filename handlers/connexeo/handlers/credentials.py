"""The ``Authorization`` header."""

from __future__ import annotations

import base64
import binascii

from starlette.types import Scope

from connexeo.generated.errors import (
    AuthenticationRequired,
    AuthenticationSchemeInvalid,
    CredentialsInvalid,
    RequestInvalid,
)


def authorization(scope: Scope) -> tuple[str, str]:
    """Scheme in lower case and credentials; both empty when there is no header.

    Raises:
        RequestInvalid: when there are several, since whoever stands before this server may have read another one.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise RequestInvalid(reason="there are several `Authorization` headers; send one")
    scheme, _, rest = b"".join(values).decode("latin-1").strip().partition(" ")
    return scheme.lower(), rest.strip()


def basic_credentials(scope: Scope) -> tuple[str, str]:
    """User name and password of HTTP Basic.

    Raises:
        AuthenticationRequired: without the header.
        AuthenticationSchemeInvalid: when it is not Basic.
        CredentialsInvalid: when it cannot be decoded.
    """
    scheme, value = authorization(scope)
    if scheme != "basic":
        raise AuthenticationSchemeInvalid() if scheme else AuthenticationRequired()
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise CredentialsInvalid() from error
    username, colon, password = text.partition(":")
    if not colon:
        raise CredentialsInvalid()
    return username, password
