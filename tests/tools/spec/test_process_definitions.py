import json
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

PROCESSES = {path.stem: path for path in find_spec().processes}

OURS = {"load_result"}
"""Processes that clients know and the standard has no longer; nothing to compare them with."""

PROSE = {"description", "summary", "title", "message", "examples"}


def structure(value: Any, *, names: bool = False) -> Any:
    """What a program sees: everything but prose; a mapping of names is kept whole."""
    if isinstance(value, list):
        return [structure(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: structure(entry, names=key in ("properties", "exceptions"))
        for key, entry in value.items()
        if names or key not in PROSE
    }


@pytest.mark.parametrize("process_id", sorted(PROCESSES.keys() - OURS))
def test_definitions_equal_those_of_the_standard(process_id: str, reference: Path) -> None:
    folder = reference / "processes"
    official = folder / f"{process_id}.json"
    if not official.is_file():
        official = folder / "proposals" / f"{process_id}.json"
    theirs = json.loads(official.read_text(encoding="utf-8"))
    ours = read_mapping(PROCESSES[process_id])
    for definition in (theirs, ours):
        definition.pop("links", None)
        definition.pop("process_graph", None)
    assert structure(ours) == structure(theirs)


def test_the_standard_does_not_have_ours(reference: Path) -> None:
    theirs = {path.stem for path in (reference / "processes").rglob("*.json")}
    assert theirs & OURS == set()
    assert PROCESSES.keys() >= OURS
