"""Addresses of results here, which processes load without a request to ourselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from connexeo.drivers.local.jobs.results import SharedResults, local_items
from connexeo.drivers.local.storage import Storage
from connexeo.generated.errors import JobNotFound, ResultLinkExpired

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SIGNED = re.compile(
    r"/results/(?P<job>j-[0-9a-f]{32})/(?P<permission>[\w.~-]+)(/items/(?P<item>[^/]+))?/?", re.ASCII
)
_OWN = re.compile(r"/jobs/(?P<job>j-[0-9a-f]{32})/results/?", re.ASCII)


def items_at(
    connection: Connection, storage: Storage, secrets: Sequence[bytes], user_id: str, url: str, scratch: Path
) -> list[dict[str, Any]] | None:
    """STAC Items of the results that an address leads to, with local paths as ``href`` of the assets.

    Under which name we are reached does not matter: a signed address carries what nobody else can have made, and any
    other one leads to jobs of the user only. None where it is neither.

    Args:
        connection: A transaction.
        storage: Where results lie.
        secrets: What addresses are signed with.
        user_id: Who asks.
        url: The address.
        scratch: A folder for copies of what is not stored on this machine.

    Raises:
        JobNotFinished: when a job of the user has no results.
        NotFound: when results are no longer kept.
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return None  # Whoever fetches it will say what is wrong.
    signed, own = _at_the_end(_SIGNED, path), _at_the_end(_OWN, path)
    if signed is not None:
        # Whether it has expired yet does not depend on how long links made now would be valid.
        shared = SharedResults(lambda: secrets, lifetime=0.0)
        try:
            items = shared.local_items(connection, storage, signed["job"], signed["permission"], scratch)
        except ResultLinkExpired:
            return None
        item = signed["item"]
        return items if item is None else [one for one in items if one["id"] == unquote(item)]
    if own is not None:
        try:
            return local_items(connection, storage, user_id, own["job"], scratch)
        except JobNotFound:
            return None
    return None


def _at_the_end(pattern: re.Pattern[str], path: str) -> re.Match[str] | None:
    found = pattern.search(path)
    return found if found is not None and found.end() == len(path) else None
