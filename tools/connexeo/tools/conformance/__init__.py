"""Proves whether an openEO back-end keeps the contract, given its URL.

    from connexeo.tools.conformance import Options, run

    report = run("https://openeo.example", Options(layers=("schema", "collections")))

It speaks HTTP only, and knows nothing of the server that it tests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.tools.conformance.authentication import Basic, Bearer, ClientCredentials, OidcClient
    from connexeo.tools.conformance.options import Options
    from connexeo.tools.conformance.report import Finding, Report, Result
    from connexeo.tools.conformance.session import run
    from connexeo.tools.conformance.verdicts import Severity, State

__all__ = [
    "Basic",
    "Bearer",
    "ClientCredentials",
    "Finding",
    "OidcClient",
    "Options",
    "Report",
    "Result",
    "Severity",
    "State",
    "run",
]

_MODULES = {
    "Basic": "authentication",
    "Bearer": "authentication",
    "ClientCredentials": "authentication",
    "Finding": "report",
    "OidcClient": "authentication",
    "Options": "options",
    "Report": "report",
    "Result": "report",
    "Severity": "verdicts",
    "State": "verdicts",
    "run": "session",
}


def __getattr__(name: str) -> Any:
    """What is public, imported when it is used: every pytest of an environment imports this package for its plugin."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
