"""Fixtures that tests of several packages share."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

# Those that start servers.
pytest_plugins = ("served",)

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer


def _load(name: str) -> ModuleType:
    """A module of this folder, which is not on the import path."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def start_oidc_issuer() -> Iterator[Callable[..., OidcIssuer]]:
    """Starts issuers that run until the end of the session; takes their attributes."""
    module = _load("oidc_issuer")
    with ExitStack() as stack:

        def start(**attributes: Any) -> OidcIssuer:
            issuer: OidcIssuer = module.OidcIssuer(**attributes)
            stack.callback(issuer.close)
            return issuer

        yield start


@pytest.fixture
def oidc_issuer() -> Iterator[OidcIssuer]:
    """An OpenID Connect issuer of one test."""
    issuer: OidcIssuer = _load("oidc_issuer").OidcIssuer()
    yield issuer
    issuer.close()
