"""A database that takes requests and does not answer them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connexeo.drivers.local.state import State, state
from connexeo.drivers.local.state.database import patience_of
from connexeo.generated.errors import InfrastructureBusy


def test_what_takes_too_long_is_busy_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "PATIENCE", 0.05)
    over = threading.Event()

    async def use() -> int:
        parts = State(f"sqlite:///{tmp_path / 'state.sqlite'}", threads=2)
        await parts.start()
        try:
            with pytest.raises(InfrastructureBusy):
                await parts.run(over.wait, 60)
            return await parts.run(int, "42")
        finally:
            over.set()
            await parts.stop()

    assert asyncio.run(use()) == 42


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://maria@db.example/eo", 5),
        ("postgresql+psycopg://maria@db.example/eo?connect_timeout=60", None),
        ("sqlite:///eo.sqlite", None),
    ],
)
def test_hosts_that_are_gone_are_noticed(url: str, expected: int | None) -> None:
    patience = patience_of(make_url(url))
    assert patience.get("connect_timeout") == expected
    assert ("tcp_user_timeout" in patience) == url.startswith("postgresql")
