"""Fixtures that tests of several packages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from oidc_issuer import OidcIssuer

# Those that start servers, those with an app in this process, databases, and clocks that are set.
pytest_plugins = ("served", "faked", "databases", "clocks")


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
