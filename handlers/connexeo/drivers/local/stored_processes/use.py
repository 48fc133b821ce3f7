"""The stored processes that a graph uses: loaded together with those that they use themselves."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from connexeo.drivers.local.state.ownership import owned
from connexeo.drivers.local.state.tables import stored_processes
from connexeo.generated.errors import ProcessGraphComplexity
from connexeo.processing.calls import calls_of
from connexeo.processing.validation import MAX_CALLS

if TYPE_CHECKING:
    from sqlalchemy import Connection

Json = dict[str, Any]

MAX_USED = 100
"""Stored processes that one graph may use, directly and through others."""
MAX_ASKED = 5_000
"""Different process ids that are looked up for one graph."""
LONGEST_ID = 200
_BATCH = 500
"""Ids of one query; databases limit how many parameters it may have."""


def used_by(
    connection: Connection, user_id: str, process: Any, *, besides: Container[str] = ()
) -> dict[str, Json]:
    """The user's stored processes that a process calls, directly or through others, by id.

    One query finds those of each level of calls. Ids that are not stored are left out: they may be predefined, and
    if not, validation says so where they are called.

    Args:
        connection: A transaction.
        user_id: Whose processes they are.
        process: A process or process graph; whether it is valid does not matter.
        besides: Ids that need no look-up, as no user has a process with that id.

    Raises:
        ProcessGraphComplexity: they are more than `MAX_USED`.
    """
    found: dict[str, Json] = {}
    asked: set[str] = set()
    level: Iterable[Any] = [process]
    for _ in range(MAX_CALLS + 1):
        new = _ids(level, besides) - asked
        asked |= new
        if not new:
            break
        if len(asked) > MAX_ASKED:
            raise ProcessGraphComplexity(
                f"The process graph calls more than {MAX_ASKED} different processes."
            )
        loaded = dict(_load(connection, user_id, new, MAX_USED + 1 - len(found)))
        found |= loaded
        if len(found) > MAX_USED:
            raise ProcessGraphComplexity(
                f"The process graph uses more than {MAX_USED} stored processes, those included that they call "
                "themselves. Put some of them together."
            )
        level = [definition.get("process_graph") for definition in loaded.values()]
    return found


def _ids(processes: Iterable[Any], besides: Container[str]) -> set[str]:
    """Ids among the users' processes that are called, as the database can have them."""
    return {
        call.process_id
        for process in processes
        for call in calls_of(process)
        if call.namespace in (None, "user")
        and call.process_id not in besides
        and len(call.process_id) <= LONGEST_ID
        and "\0" not in call.process_id
    }


def _load(connection: Connection, user_id: str, ids: set[str], limit: int) -> Iterator[tuple[str, Json]]:
    from sqlalchemy import select

    columns = stored_processes.c
    for some in batches(ids):
        mine = owned(stored_processes, user_id)
        query = select(columns.id, columns.definition).where(mine, columns.id.in_(some)).limit(limit)
        for row in connection.execute(query):
            yield row.id, row.definition


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in portions that a query can take."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]
