from typing import Any

import jsonschema_rs
import pytest

from connexeo.tools.conformance.faults import describe

SHAPE: dict[str, Any] = {
    "properties": {
        "a/b": {
            "anyOf": [
                {
                    "type": "object",
                    "required": ["type", "unit"],
                    "properties": {"type": {"enum": ["length"]}, "unit": {"type": "string"}},
                },
                {
                    "type": "object",
                    "required": ["type", "code"],
                    "properties": {"type": {"enum": ["code"]}, "code": {"type": "string"}},
                },
                {"type": "null"},
            ]
        },
        "list": {"items": {"type": "number"}},
    }
}


def faults(value: Any) -> list[str]:
    return describe(jsonschema_rs.Draft4Validator(SHAPE).iter_errors(value))


def test_a_fault_has_a_json_pointer() -> None:
    assert faults({"list": [1, "x"]}) == ['/list/1: "x" is not of type "number"']
    assert faults({}) == []


def test_the_alternative_that_is_meant_is_explained() -> None:
    assert faults({"a/b": {"type": "code"}}) == ['/a~1b: "code" is a required property']
    assert faults({"a/b": {"type": "length", "unit": 1}}) == ['/a~1b/unit: 1 is not of type "string"']


def test_where_no_alternative_is_meant_that_is_what_is_said() -> None:
    (fault,) = faults({"a/b": 3})
    assert fault.startswith("/a~1b: 3 is not valid under any of the schemas")


@pytest.mark.parametrize("length", [10, 10_000])
def test_long_values_do_not_hide_what_is_wrong_with_them(length: int) -> None:
    (fault,) = faults({"list": ["x" * length]})
    assert fault.endswith('is not of type "number"')
    assert len(fault) < 400
