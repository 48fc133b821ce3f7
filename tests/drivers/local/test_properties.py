"""Properties of the things that users make."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.properties import Properties, merge_extra
from connexeo.generated.errors import NoDataForUpdate, PropertyNotEditable, RequestInvalid
from connexeo.settings import Settings

PROPERTIES = Properties(
    known=frozenset(("title", "process", "plan")),
    ours=frozenset(("id", "links")),
    longest={"title": 3, "description": 99},
)


@pytest.fixture
def billing() -> Billing:
    """Nothing is charged."""
    return Billing.from_settings(Settings())


def test_own_properties_are_those_that_mean_nothing() -> None:
    request = {"title": "a", "id": 1, "federation:backends": [], "colour": "red", "_:x": None}
    assert PROPERTIES.extra_of(request) == {"colour": "red", "_:x": None}


def test_values_of_a_new_thing(billing: Billing) -> None:
    values = PROPERTIES.values_of({"process": {"id": "p"}, "colour": "red"}, billing)
    assert (values["process"], values["extra"]) == ({"id": "p"}, {"colour": "red"})
    assert (values["title"], values["log_level"]) == (None, "info")
    assert PROPERTIES.values_of({"process": {}}, billing)["extra"] is None


def test_only_what_is_given_changes(billing: Billing) -> None:
    changes = {"title": None, "plan": None, "colour": "red"}
    assert PROPERTIES.changed_values(changes, billing) == {"title": None}


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({}, NoDataForUpdate, None),
        ({"title": "a", "id": "b"}, PropertyNotEditable, "id"),
        ({"title": "four"}, RequestInvalid, "at most 3 characters"),
        ({"description": "a\0"}, RequestInvalid, "NUL"),
    ],
)
def test_changes_that_cannot_be(changes: dict[str, Any], error: type[Exception], says: str | None) -> None:
    PROPERTIES.check_changes({"title": "abc", "description": "as long as one likes"})
    with pytest.raises(error, match=says):
        PROPERTIES.check_changes(changes)


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        (None, {}, None),
        (None, {"a": 1}, {"a": 1}),
        ({"a": 1, "b": 2}, {"a": None, "c": 3}, {"b": 2, "c": 3}),
        ({"a": 1}, {"a": None}, None),
    ],
)
def test_merged_properties(
    before: dict[str, Any] | None, changes: dict[str, Any], after: dict[str, Any] | None
) -> None:
    assert merge_extra(before, changes) == after
