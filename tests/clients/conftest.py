"""One server with everything that clients use: two web workers, a job worker, an OpenID Connect provider, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer


@pytest.fixture(scope="package")
def issuer(start_oidc_issuer: Callable[..., OidcIssuer]) -> OidcIssuer:
    """Where the clients log in."""
    return start_oidc_issuer()


@pytest.fixture(scope="package")
def clients_server(issuer: OidcIssuer, start_lasting_server: Callable[..., Any], demo_data: Path) -> Any:
    """The demo with an OpenID Connect provider besides the demo account, and tokens that expire while one waits."""
    oidc = json.dumps([issuer.provider()])
    return start_lasting_server("--demo", data=demo_data, oidc=oidc, token_lifetime=600, job_workers=1)
