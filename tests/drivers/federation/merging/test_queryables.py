"""What items can be filtered by at several upstreams."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connexeo.drivers.federation.merging import BACKENDS, Part, merge_queryables, our_contract
from drivers.federation.merging import documents
from drivers.federation.merging.documents import UPSTREAMS

Json = dict[str, Any]


def merged(*schemas: Json) -> Any:
    parts = [Part(upstream, schema) for upstream, schema in zip(UPSTREAMS, schemas, strict=False)]
    return merge_queryables(parts[::-1], UPSTREAMS)


def test_every_property_is_there_with_those_that_have_it() -> None:
    cloud = {"title": "Clouds", "type": "number", "minimum": 0, "maximum": 100}
    platform = {"type": "string", "enum": ["a"]}
    one = {
        "$id": "https://a.example",
        "title": "Snow",
        "properties": {"cloud": cloud},
        "additionalProperties": False,
    }
    two = {
        "properties": {"cloud": {"type": "integer", "minimum": 0}, "platform": platform},
        "additionalProperties": False,
    }
    result = merged(one, two)
    assert result.document == {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "type": "object",
        "title": "Snow",
        "properties": {
            "cloud": {"title": "Clouds", "type": ["number", "integer"], "minimum": 0},
            "platform": {**platform, BACKENDS: ["bay"]},
        },
        "additionalProperties": False,
    }
    assert {each.pointer for each in result.conflicts} == {
        "/properties/cloud/type",
        "/properties/cloud/maximum",
    }


def test_further_properties_are_allowed_where_one_allows_them() -> None:
    assert merged({"additionalProperties": False}, {}).document["additionalProperties"] is True


def test_what_is_no_schema_is_left_out_and_told() -> None:
    result = merged(
        {"properties": {"a": {"type": "colour"}, "b": 5, "c": {"type": "string"}}}, {"properties": []}
    )
    assert result.document["properties"] == {"c": {"type": "string", BACKENDS: ["alps"]}}
    assert {each.pointer for each in result.conflicts} == {"/properties/a", "/properties/b"}


keys = st.sampled_from(["properties", "title", "$id", "type", "enum", "additionalProperties", "$defs"])
schemas = st.dictionaries(keys, st.dictionaries(documents.names, documents.schemas) | documents.values)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.dictionaries(st.sampled_from(UPSTREAMS), schemas, min_size=1), random=st.randoms())
def test_the_result_is_a_schema_whatever_upstreams_say(drawn: dict[str, Json], random: Any) -> None:
    parts = [Part(upstream, schema) for upstream, schema in drawn.items()]
    result = merge_queryables(parts, UPSTREAMS)
    assert our_contract().is_schema(result.document)
    assert merge_queryables(random.sample(parts, len(parts)), UPSTREAMS) == result
