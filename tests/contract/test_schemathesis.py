"""Property-based testing of all that is served, by the document that is served.

What is checked of every answer: no 5xx, and status, media type, headers and body as declared; valid requests are
accepted, invalid ones refused; credentials matter; methods that are not declared are refused and `Allow` is right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.xdist_group("contract")

RunSchemathesis = Callable[..., Any]

GIVEN_UP = "Schemathesis does not support a `not` whose complement is not spelled out"
"""What it says when it has chosen, by chance, to turn a part of a schema into its opposite that it cannot make values
of: fuzzing of the operation ends there. What its requests before have found, and all other phases, count.
"""


def test_what_is_served_keeps_the_contract(demo_server: Any, run_schemathesis: RunSchemathesis) -> None:
    outcome = run_schemathesis(demo_server)
    assert outcome.failures == set(), outcome.text
    given_up = outcome.text.count(GIVEN_UP)
    assert outcome.report["errors"] == ([{"title": "Schema Error", "count": given_up}] if given_up else [])
    assert outcome.exit_code == min(given_up, 1), outcome.text
    phases = {name: phase["status"] for name, phase in outcome.report["phases"].items()}
    assert phases == {
        **dict.fromkeys(("examples", "coverage", "stateful"), "success"),
        "fuzzing": "error" if given_up else "success",
    }
    endpoints = httpx.get(f"{demo_server.url}/", timeout=30).json()["endpoints"]
    offered = {f"{method} {endpoint['path']}" for endpoint in endpoints for method in endpoint["methods"]}
    # An operation that only ever answered 401 or 404 would not have been tested.
    assert {operation for operation, count in outcome.accepted.items() if count} == offered


BROKEN = """
async def conformance(context):
    return {"conformsTo": "everything"}


async def list_file_types(context):
    raise RuntimeError


async def describe_account(context):
    return {"user_id": "demo", "budget": "plenty"}
"""


def test_what_breaks_the_contract_is_found(
    start_server: Callable[..., Any],
    demo_data: Path,
    run_schemathesis: RunSchemathesis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "broken_handlers.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = start_server("--demo", data=demo_data, handlers="broken_handlers", workers=1)
    broken = ("conformance", "list-file-types", "describe-account")
    outcome = run_schemathesis(server, only=(*broken, "capabilities"), phases=("coverage",), examples=5)
    assert outcome.exit_code == 1
    assert outcome.failures == {
        ("GET /conformance", "Response violates schema"),
        ("GET /file_formats", "Server error"),
        ("GET /me", "Response violates schema"),
    }
