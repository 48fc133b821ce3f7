"""STAC in folders of this machine that the deployment lets all users load from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from connexeo.fetch import FetchFailed, FetchRefused, FetchTooLarge

MAX_DOCUMENT = 16 * 2**20
"""Bytes of a document."""
SCHEME = "file"


def as_local_url(place: str) -> str | None:
    """A path, or a URL with the scheme ``file``, as such a URL; None for other addresses."""
    if place.startswith("/"):
        return Path(place).as_uri()
    return place if urlsplit(place).scheme == SCHEME else None


@dataclass(frozen=True)
class Folders:
    """What lies in folders, links within them followed, as far as it stays in one of them.

    Has the methods of `connexeo.processing.environment.Web` that read documents and files.
    """

    folders: Sequence[Path]

    def document(self, url: str) -> Any:
        """A JSON document.

        Raises:
            FetchError: it cannot be had.
        """
        path = self.file(url)
        try:
            if path.stat().st_size > MAX_DOCUMENT:
                raise FetchTooLarge(f"the document has more than {MAX_DOCUMENT} bytes")
            return json.loads(path.read_bytes())
        except OSError as error:
            raise FetchFailed("it cannot be read") from error
        except ValueError as error:
            raise FetchFailed("it is no JSON document") from error

    def file(self, url: str) -> Path:
        """The path of a file.

        Raises:
            FetchError: it does not exist, or lies elsewhere.
        """
        split = urlsplit(url)
        refused = FetchRefused("it is in none of the folders that this back-end lets users load from")
        if split.scheme != SCHEME or split.netloc not in ("", "localhost"):
            raise refused
        try:
            path = Path(url2pathname(split.path)).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise refused from error
        # Whether other files exist is nobody's business.
        if not any(path.is_relative_to(folder.resolve()) for folder in self.folders):
            raise refused
        if not path.exists():
            raise FetchFailed("it does not exist")
        return path
