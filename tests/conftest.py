"""Fixtures that tests of several packages share."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from httpx import create_ssl_context

from oidc_issuer import OidcIssuer

# Those that start servers, those with an app in this process, databases, and clocks that are set.
pytest_plugins = ("served", "faked", "databases", "clocks")


@pytest.fixture(scope="session", autouse=True)
def shared_certificates() -> Iterator[None]:
    """Clients read the certificates that they trust once, not for each request that is made without a client."""
    contexts: dict[Any, ssl.SSLContext] = {}

    def shared(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert is not None:
            return create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
        key = trust_env and (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if key not in contexts:
            contexts[key] = create_ssl_context(trust_env=trust_env)
        return contexts[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", shared)
        yield


@pytest.fixture(scope="session")
def start_oidc_issuer() -> Iterator[Callable[..., OidcIssuer]]:
    """Starts issuers that run until the end of the session; takes their attributes."""
    with ExitStack() as stack:

        def start(**attributes: Any) -> OidcIssuer:
            issuer = OidcIssuer(**attributes)
            stack.callback(issuer.close)
            return issuer

        yield start


@pytest.fixture
def oidc_issuer() -> Iterator[OidcIssuer]:
    """An OpenID Connect issuer of one test."""
    issuer = OidcIssuer()
    yield issuer
    issuer.close()
