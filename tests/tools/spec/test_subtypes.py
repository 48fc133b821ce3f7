import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

SUBTYPES = read_mapping(find_spec().root / "processes" / "meta" / "subtypes.yaml")
PROSE = {"title", "description", "examples"}
OURS = {"job-id", "ml-model"}
"""Subtypes of processes that the standard has no longer."""


def structure(value: Any) -> Any:
    """What a program sees: everything but prose, with references as this project writes them."""
    if isinstance(value, list):
        return [structure(entry) for entry in value]
    if isinstance(value, dict):
        return {key: structure(entry) for key, entry in value.items() if key not in PROSE}
    return value.replace("#/definitions/", "#/") if isinstance(value, str) else value


def subtypes_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("subtype"), str):
            yield value["subtype"]
        for entry in value.values():
            yield from subtypes_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from subtypes_in(entry)


def test_the_subtypes_are_those_of_the_standard(reference: Path) -> None:
    path = reference / "processes" / "meta" / "subtype-schemas.json"
    theirs = json.loads(path.read_text(encoding="utf-8"))["definitions"]
    assert {name: structure(schema) for name, schema in SUBTYPES.items() if name not in OURS} == structure(
        theirs
    )


def test_the_standard_does_not_have_ours(reference: Path) -> None:
    path = reference / "processes" / "meta" / "subtype-schemas.json"
    assert OURS.isdisjoint(json.loads(path.read_text(encoding="utf-8"))["definitions"])


def test_processes_use_no_others() -> None:
    used = {name for path in find_spec().processes for name in subtypes_in(read_mapping(path))}
    assert used - SUBTYPES.keys() == set()


@pytest.mark.parametrize("name", sorted(SUBTYPES))
def test_a_subtype_bears_its_name(name: str) -> None:
    assert SUBTYPES[name]["subtype"] == name


@pytest.mark.parametrize("name", [name for name, schema in SUBTYPES.items() if "examples" in schema])
def test_examples_are_valid(name: str) -> None:
    validator = jsonschema_rs.Draft7Validator({"$ref": f"#/{name}", **SUBTYPES})
    assert [value for value in SUBTYPES[name]["examples"] if not validator.is_valid(value)] == []
