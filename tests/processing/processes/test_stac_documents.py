"""Changes of STAC documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.processes.stac_documents import stac_modify

ITEM = {
    "id": "a",
    "properties": {"datetime": "2024-07-01", "gsd": 10},
    "keywords": ["x", "y"],
    "title": "An item",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ITEM),
        ({"id": "b"}, ITEM | {"id": "b"}),
        ({"title": None, "nothing": None}, {key: value for key, value in ITEM.items() if key != "title"}),
        ({"keywords": ["z"]}, ITEM | {"keywords": ["z"]}),
        (
            {"properties": {"gsd": None, "mission": {"name": "m", "end": None}}},
            ITEM | {"properties": {"datetime": "2024-07-01", "mission": {"name": "m"}}},
        ),
        ({"title": {"de": "Ein Item"}}, ITEM | {"title": {"de": "Ein Item"}}),
        ({"properties": "none"}, ITEM | {"properties": "none"}),
    ],
)
def test_merge_patch(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    before = deepcopy(ITEM)
    assert stac_modify(ITEM, changes) == expected
    assert before == ITEM


def test_only_documents_can_be_changed() -> None:
    with pytest.raises(ProcessParameterInvalid, match="a STAC document is expected"):
        stac_modify(["Item"], {})
