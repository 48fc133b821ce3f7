"""What of the upstreams' capabilities is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.merging import (
    BACKENDS,
    Member,
    Part,
    federation,
    merge_capabilities,
    our_contract,
)
from connexeo.generated import load_openapi
from drivers.federation.merging import documents

Json = dict[str, Any]
ORDER = ("alps", "bay", "coast")
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def parts(*documents: Json) -> list[Part]:
    return [Part(upstream, each) for upstream, each in zip(ORDER, documents, strict=False)][::-1]


def test_members_are_shown_in_full() -> None:
    members = [
        Member(
            "alps", "https://alps.example/v1", "Alps", True, NOW, NOW - timedelta(1), "High up.", True, True
        ),
        Member(
            "bay", "https://bay.example/v1", "", False, NOW.astimezone(timezone(timedelta(hours=2))), None
        ),
    ]
    shown = federation(members)
    assert shown == {
        "alps": {
            "url": "https://alps.example/v1",
            "title": "Alps",
            "status": "online",
            "last_status_check": "2026-01-02T03:04:05Z",
            "last_successful_check": "2026-01-02T03:04:05Z",
            "description": "High up.",
            "experimental": True,
            "deprecated": True,
        },
        "bay": {
            "url": "https://bay.example/v1",
            "title": "bay",
            "status": "offline",
            "last_status_check": "2026-01-02T03:04:05Z",
            "experimental": False,
            "deprecated": False,
        },
    }
    components = load_openapi()["components"]
    schema = {"$ref": "#/components/schemas/federation", "components": components}
    assert jsonschema_rs.Draft4Validator(schema, validate_formats=True).is_valid(shown)


EUR = {"currency": "EUR"}
PLANS = [{"name": "free", "description": "Free.", "paid": False}]
BILLING: dict[str, tuple[list[Json], Json | None]] = {
    "nobody bills": ([{}, {}], None),
    "one bills": ([{}, {"billing": {"currency": "EUR", "plans": PLANS}}], {"currency": "EUR", "plans": PLANS}),
    "the same": ([{"billing": {"currency": "EUR"}}, {"billing": {"currency": "EUR"}}], {"currency": "EUR"}),
    "other plans": ([{"billing": EUR | {"plans": PLANS}}, {"billing": EUR}], EUR),
    "two currencies": ([{"billing": {"currency": "EUR"}}, {"billing": {"currency": "credits"}}], None),
    "no currency": ([{"billing": {"currency": None}}, {}], {"currency": None}),
    "plans that are none": ([{"billing": EUR | {"plans": [5]}}], EUR),
    "nonsense": ([{"billing": "EUR"}, {"billing": {"currency": 5}}], None),
}  # fmt: skip


@pytest.mark.parametrize(("documents", "billing"), BILLING.values(), ids=BILLING)
def test_billing_is_shown_where_it_is_unambiguous(documents: list[Json], billing: Json | None) -> None:
    assert merge_capabilities(parts(*documents), ORDER).document.get("billing") == billing


@settings(max_examples=60, deadline=None)
@given(
    drawn=st.lists(
        st.dictionaries(st.sampled_from(["billing", "links", "conformsTo"]), documents.values), max_size=3
    )
)
def test_capabilities_of_any_shape_make_nothing_fail(drawn: list[Json]) -> None:
    merged = merge_capabilities(parts(*drawn), ORDER)
    assert all(our_contract().is_capability(name, value) for name, value in merged.document.items())
    assert merge_capabilities(parts(*drawn)[::-1], ORDER) == merged


def test_two_currencies_are_told() -> None:
    result = merge_capabilities(
        parts({"billing": {"currency": "EUR"}}, {"billing": {"currency": "USD"}}), ORDER
    )
    (conflict,) = result.conflicts
    assert conflict.pointer == "/billing/currency"
    assert conflict.values == {"alps": "EUR", "bay": "USD"}


def test_terms_of_upstreams_are_linked() -> None:
    terms = {"rel": "terms-of-service", "href": "https://terms.example"}
    privacy = {"rel": "privacy-policy", "href": "https://bay.example/privacy"}
    own = {"rel": "data", "href": "https://bay.example/collections"}
    result = merge_capabilities(
        parts({"links": [terms]}, {"links": [own, privacy, terms, {"rel": []}, 5]}), ORDER
    )
    assert result.document["links"] == [terms | {BACKENDS: ["alps", "bay"]}, privacy | {BACKENDS: ["bay"]}]
