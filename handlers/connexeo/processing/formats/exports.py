"""Copies of written files in the workspace of a user, with a STAC Item that describes them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from connexeo.generated.errors import FileNotFound, FileOperationUnsupported
from connexeo.processing.environment import Workspace
from connexeo.processing.formats.interface import BoundingBox, WrittenFile
from connexeo.processing.formats.storage import storing

ITEM = "item.json"

_EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
)


@dataclass(frozen=True)
class Export:
    """Called with the files of a result when they are written."""

    workspace: Workspace
    folder: str
    """Path in the workspace."""

    def __call__(self, files: Sequence[WrittenFile]) -> None:
        """Copy them.

        Raises:
            StorageQuotaExceeded: they are too large.
            FilePathInvalid: the folder cannot be.
        """
        if not files:
            return
        with storing():
            staged = Path(tempfile.mkdtemp(prefix=".exporting-", dir=files[0].path.parent))
        try:
            for file in files:
                self._save(file.path.name, _copy(file.path, staged))
            item = staged / ITEM
            described = merge_items(self._present_item(), make_item(self.folder, files))
            with storing():
                item.write_bytes(orjson.dumps(described, option=orjson.OPT_INDENT_2))
            self._save(ITEM, item)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _save(self, name: str, path: Path) -> None:
        self.workspace.save(f"{self.folder}/{name}", path)

    def _present_item(self) -> Mapping[str, Any] | None:
        """The Item that an earlier export has left in the folder."""
        try:
            item = orjson.loads(self.workspace.file(f"{self.folder}/{ITEM}").read_bytes())
        except (FileNotFound, FileOperationUnsupported, orjson.JSONDecodeError):
            return None
        return item if isinstance(item, dict) and item.get("type") == "Feature" else None


def make_item(folder: str, files: Sequence[WrittenFile]) -> dict[str, Any]:
    """A STAC Item whose assets are files beside it."""
    box = _union([file.bbox for file in files if file.bbox is not None])
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(_EXTENSIONS),
        "id": folder.replace("/", "-"),
        "geometry": None,
        "properties": _times(label for file in files for label in file.times),
        "links": [],
        "assets": {file.path.name: file.asset(f"./{file.path.name}") for file in files},
    }
    return item if box is None else _placed(item, box)


def merge_items(present: Mapping[str, Any] | None, added: Mapping[str, Any]) -> dict[str, Any]:
    """The Item of a folder that has one already: with the assets of both, and what both cover."""
    if present is None:
        return dict(added)
    properties = [each.get("properties") or {} for each in (present, added)]
    instants = [
        each[key]
        for each in properties
        for key in ("datetime", "start_datetime", "end_datetime")
        if isinstance(each.get(key), str)
    ]
    merged = {
        **present,
        "properties": {**properties[0], **_times(instants)},
        "assets": {**(present.get("assets") or {}), **added["assets"]},
    }
    boxes = [each.get("bbox") for each in (present, added)]
    box = _union([tuple(each) for each in boxes if isinstance(each, list) and len(each) == 4])
    return merged if box is None else _placed(merged, box)


def _placed(item: Mapping[str, Any], box: BoundingBox) -> dict[str, Any]:
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {**item, "bbox": list(box), "geometry": {"type": "Polygon", "coordinates": [ring]}}


def _union(boxes: Sequence[Any]) -> BoundingBox | None:
    """The box around others; None where there is none, or one lies across the antimeridian."""
    if not boxes or any(west > east for west, _, east, _ in boxes):
        return None
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return min(wests), min(souths), max(easts), max(norths)


def _times(labels: Iterable[str]) -> dict[str, Any]:
    """What the labels of time, of which some may be no instants, say of an Item; now, where none is one."""
    instants = sorted(label for label in labels if label.endswith("Z") and "T" in label)
    if not instants:
        return {"datetime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if instants[0] == instants[-1]:
        return {"datetime": instants[0]}
    return {"datetime": None, "start_datetime": instants[0], "end_datetime": instants[-1]}


def _copy(path: Path, folder: Path) -> Path:
    """The file once more, without its bytes where that is possible: the workspace may move it."""
    copy = folder / path.name
    with storing():
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)
    return copy
