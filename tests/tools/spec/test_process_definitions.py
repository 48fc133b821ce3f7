"""The process definitions against those of the standard: the same for programs, in words of our own for people."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

PUBLISHED = Path(__file__).parents[3].parent / "shared" / "reference" / "processes"
PROCESSES = {path.stem: path for path in find_spec().processes}
STANDARD = {
    path.stem: path
    for folder in (PUBLISHED, PUBLISHED / "proposals")
    for path in sorted(folder.glob("*.json"))
}

pytestmark = pytest.mark.skipif(not STANDARD, reason="the reference documents are not beside the checkout")

OURS = {
    "fit_class_random_forest",
    "fit_regr_random_forest",
    "load_ml_model",
    "load_result",
    "predict_random_forest",
    "save_ml_model",
}
"""Processes that clients know and the standard has no longer; nothing to compare them with."""

WORDS = {"description", "summary", "title", "message"}
"""Keys whose values are prose."""

FREE = {"examples", "process_graph", "links"}
"""Keys whose values may differ: examples are our own, graphs of other processes do not tell how a process is computed
here, and of links only the addresses are compared."""

LONG = 60
"""Shorter sentences, such as names of formats, may coincide."""


def structure(value: Any, *, names: bool = False) -> Any:
    """What a program sees: everything but prose; a mapping of names is kept whole."""
    if isinstance(value, list):
        return [structure(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: structure(entry, names=key in ("properties", "exceptions"))
        for key, entry in value.items()
        if names or key not in WORDS | FREE
    }


def addresses(definition: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Relation and address of each link."""
    return {(link["rel"], link["href"]) for link in definition.get("links", ())}


def prose(value: Any, *, names: bool = False) -> Iterator[str]:
    """All texts of a definition that people read, those of its examples included."""
    if isinstance(value, list):
        for entry in value:
            yield from prose(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if key in WORDS and not names and isinstance(entry, str):
                yield entry
            elif key != "arguments":
                yield from prose(entry, names=key in ("properties", "exceptions"))


def sentences(definition: Any) -> Iterator[str]:
    """The sentences of a definition, bullets of lists and cells of tables among them, without what marks them."""
    for text in prose(definition):
        for part in re.split(r"(?<=[.!?:;])\s|\n|\s\|\s", text):
            yield " ".join(part.strip(" \t*-|").split()).casefold()


def copied(ours: Any, theirs: Any) -> set[str]:
    """Long sentences that both have."""
    return {sentence for sentence in sentences(ours) if len(sentence) > LONG} & set(sentences(theirs))


@pytest.fixture(scope="module")
def standard() -> dict[str, Any]:
    """The published definitions by id."""
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in STANDARD.items()}


@pytest.mark.parametrize("process_id", STANDARD)
def test_every_process_of_the_standard_is_defined_as_there(
    process_id: str, standard: Mapping[str, Any]
) -> None:
    ours, theirs = read_mapping(PROCESSES[process_id]), standard[process_id]
    assert structure(ours) == structure(theirs)
    assert addresses(ours) == addresses(theirs)


@pytest.mark.parametrize("process_id", PROCESSES)
def test_our_words_are_our_own(process_id: str, standard: Mapping[str, Any]) -> None:
    assert copied(read_mapping(PROCESSES[process_id]), list(standard.values())) == set()


def test_the_standard_does_not_have_ours() -> None:
    assert STANDARD.keys() & OURS == set()
    assert PROCESSES.keys() - STANDARD.keys() == OURS


def test_differences_are_found(standard: Mapping[str, Any]) -> None:
    """So that the comparison cannot become blind."""
    assert len(STANDARD) > 150
    definition = standard["apply_neighborhood"]
    assert "dimension" in structure(definition)["parameters"][2]["schema"]["items"]["properties"]
    assert len(copied(definition, definition)) > 10
    (value,) = (each["schema"] for each in definition["parameters"] if each["name"] == "size")
    changed = json.loads(json.dumps(value))
    changed["items"]["properties"]["unit"]["default"] = "px"
    assert structure(changed) != structure(value)
    changed = json.loads(json.dumps(value))
    changed["items"]["properties"]["unit"]["description"] = "Other words."
    assert structure(changed) == structure(value)
