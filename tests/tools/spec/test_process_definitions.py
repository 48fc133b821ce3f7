import json
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

PROCESSES = {path.stem: path for path in find_spec().processes}

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


@pytest.mark.parametrize("process_id", PROCESSES)
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
