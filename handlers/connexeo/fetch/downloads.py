"""Local copies of files that lie at URLs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from connexeo.fetch.client import GuardedClient
from connexeo.fetch.errors import FetchTooLarge
from connexeo.fetch.patience import patiently
from connexeo.fetch.policy import FetchPolicy

TIMEOUT = 900.0
"""Seconds that one file may take."""


class Downloads:
    """Fetches documents, and files of which each comes once; for several threads.

    Args:
        policy: What may be fetched; its limits are those of documents.
        folder: Gives the folder for copies, when it is first needed; whoever made it removes it.
        max_bytes: Bytes of all files together.
    """

    def __init__(self, policy: FetchPolicy, folder: Callable[[], Path], max_bytes: int) -> None:
        self._client = GuardedClient(policy)
        self._folder = folder
        self._left = max_bytes
        self._limit = max_bytes
        self._copies: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._number = 0

    def document(self, url: str) -> Any:
        """A JSON document.

        Raises:
            FetchError: it cannot be had.
        """
        return patiently(lambda: self._client.get_json(url))

    def file(self, url: str) -> Path:
        """A local copy, whose name ends like that of the file.

        Raises:
            FetchError: it cannot be had, or is more than may be.
        """
        with self._lock:
            known = self._copies.get(url)
            if known is not None:
                return known
            self._number += 1
            target = self._folder() / f"{self._number}{_suffix(url)}"
            left = self._left
        if left <= 0:
            raise FetchTooLarge(f"the files have more than {self._limit} bytes together")
        policy = replace(self._client.policy, max_bytes=left, timeout=TIMEOUT)
        client = GuardedClient(policy)
        size = patiently(lambda: client.download(url, target))
        with self._lock:
            self._left -= size
            self._copies[url] = target
        return target


def _suffix(url: str) -> str:
    """The suffix of a file's name, as far as it is one: it becomes part of a path."""
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 8 else ""
