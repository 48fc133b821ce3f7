"""The demo server, healthy and doctored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.doctored import Change, examine
from conformance.stock import Stock, stocked
from connexeo.tools.conformance.report import Result
from served import Server, StartServer, another_demo_server

Examine = Callable[..., Result]


@pytest.fixture(scope="session")
def demo_server(
    start_lasting_server: StartServer, demo_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """A demo server of their own: what they keep for each other must not be in the way of other tests."""
    return another_demo_server(start_lasting_server, demo_data, tmp_path_factory.mktemp("checks"))


@pytest.fixture(scope="session")
def demo_token(demo_server: Server, token_of: Callable[..., str]) -> str:
    """The token of the demo account."""
    return token_of(demo_server)


@pytest.fixture
def look(demo_server: Server, demo_token: str) -> Examine:
    """Runs one check with an account that may do everything, against changed answers."""

    def run(check_id: str, *changes: Change, **options: Any) -> Result:
        given = {"token": demo_token, "write": True, "allow_costs": True, **options}
        return examine(demo_server.url, check_id, *changes, **given)

    return run


@pytest.fixture(scope="session")
def stranger_token(demo_server: Server, token_of: Callable[..., str], run_command: Callable[..., Any]) -> str:
    """The token of a second account."""
    name, password = "checks-stranger", "secret-secret"
    added = run_command("users", "add", name, "--password-stdin", text=f"{password}\n", data=demo_server.data)
    assert added.returncode == 0, added.stderr
    return token_of(demo_server, name, password)


@pytest.fixture(scope="session")
def stock(demo_server: Server, demo_token: str) -> Iterator[Stock]:
    """The demo server with jobs that have run, for checks that would run them else."""
    with stocked(demo_server.url, demo_token) as stock:
        yield stock
