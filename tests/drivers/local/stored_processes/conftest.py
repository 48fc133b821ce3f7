"""Stored processes in a database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from connexeo.drivers.local.state.state import transaction
from connexeo.drivers.local.state.tables import stored_processes

if TYPE_CHECKING:
    from sqlalchemy import Engine

MakeProcess = Callable[..., dict[str, Any]]


@pytest.fixture
def calling() -> MakeProcess:
    """Makes a process that calls these processes, one after the other."""

    def make(*ids: str, **more: Any) -> dict[str, Any]:
        graph: dict[str, Any] = {
            f"n{index}": {"process_id": id_, "arguments": {}} for index, id_ in enumerate(ids)
        }
        graph["end"] = {"process_id": "pi", "arguments": {}, "result": True}
        return {"process_graph": graph, **more}

    return make


@pytest.fixture
def put(engine: Engine) -> Callable[[str, str, dict[str, Any]], None]:
    """Puts a row into the table, whatever is in it."""

    def insert(user_id: str, process_id: str, definition: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        with transaction(engine) as connection:
            connection.execute(
                stored_processes.insert().values(
                    user_id=user_id,
                    id=process_id,
                    definition=definition,
                    summary={},
                    created=now,
                    updated=now,
                )
            )

    return insert
