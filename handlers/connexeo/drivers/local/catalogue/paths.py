"""Links of local STAC documents as paths."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any


def linked(document: Mapping[str, Any], path: str, relation: str) -> Iterator[str]:
    """Paths of the local files that a document in the file `path` links to."""
    links = document.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == relation and isinstance(link.get("href"), str):
            target = local_path(link["href"], os.path.dirname(path))
            if target is not None:
                yield target


def local_path(href: str, folder: str) -> str | None:
    """The path that an href in a document in `folder` means; None for URLs."""
    href = href.removeprefix("file://")
    return None if "://" in href else os.path.normpath(os.path.join(folder, href))
