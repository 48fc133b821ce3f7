"""Logs of synchronous computations, kept for a day in the data folder, where all workers find them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from connexeo.generated.errors import NotFound, StorageFailure

LIFETIME = 24 * 3600.0
"""Seconds for which logs are kept."""

MAX_ENTRIES = 10_000
"""Entries that are kept of one computation, the first ones."""

_ID = re.compile(r"[0-9a-f]{32}")


class ResultLogs:
    """Writes and reads the logs; blocking, so called in threads."""

    def __init__(self, folder: Path, *, lifetime: float = LIFETIME) -> None:
        self._folder = folder
        self._lifetime = lifetime
        self._swept = 0.0

    def save(self, user_id: str, logs: Sequence[Mapping[str, Any]]) -> str:
        """Keep the logs of one computation of a user; the identifier cannot be guessed.

        Raises:
            StorageFailure: when they cannot be written.
        """
        identifier = secrets.token_hex(16)
        content = orjson.dumps({"user": user_id, "logs": _entries(logs)}, default=str)
        target = self._folder / f"{identifier}.json"
        unfinished = target.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            unfinished.write_bytes(content)
            os.replace(unfinished, target)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise StorageFailure() from error
        return identifier

    def load(self, user_id: str, identifier: str) -> list[dict[str, Any]]:
        """The log entries of a computation.

        Raises:
            NotFound: when there are none, when they are too old, or when they are another user's.
        """
        if not _ID.fullmatch(identifier):
            raise NotFound()
        path = self._folder / f"{identifier}.json"
        try:
            if time.time() - path.stat().st_mtime > self._lifetime:
                raise NotFound()
            content = orjson.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound() from error
        if content["user"] != user_id:
            raise NotFound()
        logs: list[dict[str, Any]] = content["logs"]
        return logs

    def _sweep(self) -> None:
        """Delete what is too old, at most once an hour."""
        now = time.time()
        if now - self._swept < 3600:
            return
        self._swept = now
        for path in self._folder.iterdir():
            # Another worker may be faster.
            with contextlib.suppress(FileNotFoundError):
                if now - path.stat().st_mtime > self._lifetime:
                    path.unlink()


def _entries(logs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Log entries as the contract has them."""
    entries = []
    for number, log in enumerate(logs[:MAX_ENTRIES], start=1):
        entry = {"id": str(number), "level": log["level"], "message": log["message"]}
        entry |= {key: log[key] for key in ("code", "data") if log.get(key) is not None}
        if log.get("node") is not None:
            entry["path"] = [{"node_id": log["node"]}]
        entries.append(entry)
    return entries
