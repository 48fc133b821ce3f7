"""Our own server passes each of the checks that read what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

MODULES = {
    "account",
    "capabilities",
    "collection_details",
    "collections",
    "credentials",
    "dimensions",
    "endpoints",
    "formats",
    "fundamentals",
    "items",
    "open_documents",
    "process_definitions",
    "process_examples",
    "process_graphs",
    "processes",
    "queryables",
    "representations",
    "udf_runtimes",
    "well_known",
}

HEALTHY = {State.PASS, State.NOT_APPLICABLE, State.NOT_TESTABLE}


def _module(run: Any) -> str:
    return str(getattr(run, "func", run).__module__).rpartition(".")[2]


OWN = [check.id for check in load_checks() if check.run is not None and _module(check.run) in MODULES]


@pytest.mark.parametrize("check_id", OWN)
def test_our_server_is_healthy(check_id: str, look: Look) -> None:
    result = look(check_id)
    if result.state is State.SKIPPED:
        assert "second account" in result.reason
        return
    assert result.state in HEALTHY, [finding.message for finding in result.findings]
    assert result.state is State.PASS or result.reason
