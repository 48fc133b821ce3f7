"""Proves whether an openEO back-end keeps the contract, given its URL.

    from connexeo.tools.conformance import Options, run

    report = run("https://openeo.example", Options(layers=("schema", "collections")))

It speaks HTTP only, and knows nothing of the server that it tests.
"""

from __future__ import annotations

from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.report import Finding, Report, Result
from connexeo.tools.conformance.session import run
from connexeo.tools.conformance.verdicts import Severity, State

__all__ = ["Finding", "Options", "Report", "Result", "Severity", "State", "run"]
