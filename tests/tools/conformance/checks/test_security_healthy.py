"""Our own server passes each check of security; the federation's say why they do not apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]


def _module(run: Any) -> str:
    return str(getattr(getattr(run, "func", run), "__module__", ""))


OWN = [check.id for check in load_checks() if ".security." in _module(check.run)]
FEDERATION = [check.id for check in load_checks() if check.layer == "federation" and check.run is not None]


@pytest.mark.parametrize("check_id", OWN)
def test_our_server_is_safe(check_id: str, look: Look, stranger_token: str) -> None:
    result = look(check_id, stranger=stranger_token)
    assert result.state is State.PASS, [result.reason, *(finding.message for finding in result.findings)]


@pytest.mark.parametrize("check_id", FEDERATION)
def test_our_server_is_no_federation(check_id: str, look: Look) -> None:
    result = look(check_id)
    assert result.state is State.NOT_APPLICABLE
    assert "no federation" in result.reason
