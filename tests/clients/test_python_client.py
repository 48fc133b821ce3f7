"""The openEO Python client, from connecting to deleting, against two web workers and a job worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.python_calls import CALLS, Session

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer

HOME = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "OPENEO_CONFIG_HOME")
"""Where the client keeps refresh tokens and settings."""


@pytest.fixture(scope="module")
def failures(
    clients_server: Any,
    issuer: OidcIssuer,
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[..., None],
) -> dict[str, Exception]:
    """What each call that failed raised; each call goes on with what the calls before it left."""
    folder: Path = tmp_path_factory.mktemp("python-client")
    session = Session(clients_server.url, issuer, folder, {"wait": wait_until})
    failed: dict[str, Exception] = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in HOME:
            patch.setenv(name, str(folder / "home"))
        for name, function in CALLS.items():
            try:
                function(session)
            except Exception as error:  # noqa: BLE001 - raised again by the test of the call
                failed[name] = error
    return failed


@pytest.mark.parametrize("name", CALLS)
def test_call(failures: dict[str, Exception], name: str) -> None:
    if name in failures:
        raise failures[name]


def test_all_calls_are_there() -> None:
    assert len(CALLS) == 48
