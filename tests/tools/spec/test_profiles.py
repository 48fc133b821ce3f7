import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.documents import SpecError, read_mapping
from connexeo.tools.spec.profiles import check_profiles, load_levels, load_requirements
from connexeo.tools.spec.sources import SpecFolder

Write = Callable[..., SpecFolder]


def test_requirements_are_those_of_the_profiles(spec: SpecFolder, reference: Path) -> None:
    with (reference / "api_profiles.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    published: dict[int, tuple[list[str], str | None]] = {}
    for row in rows:
        levels, _ = published.setdefault(int(row["id_or_section"]), ([], row["endpoint"] or None))
        levels.append(row["level"])
    ours = load_requirements(spec)
    assert {n: (list(each.levels), each.endpoint) for n, each in ours.items()} == published
    assert len(ours) == 235
    assert set(load_levels(spec)) == {row["level"] for row in rows}


def test_requirements_are_in_our_own_words(spec: SpecFolder, reference: Path) -> None:
    with (reference / "api_profiles.csv").open(newline="", encoding="utf-8") as file:
        theirs = {row["requirement"].partition("] ")[2].rstrip(".").lower() for row in csv.DictReader(file)}
    for requirement in load_requirements(spec).values():
        assert requirement.text.lower() not in theirs, requirement


def test_processes_are_those_of_the_process_profiles(spec: SpecFolder, reference: Path) -> None:
    ours = read_mapping(spec.profiles.with_name("processes.yaml"))
    assert ours["profiles"] == json.loads((reference / "process_profiles.json").read_text())
    defined = {path.stem for path in (reference / "processes").rglob("*.json")}
    named = {name for names in ours["profiles"].values() for name in names}
    assert named - defined == set(ours["undefined"])


GROUP = {"area": "Capabilities", "endpoint": "GET /", "asks": {30: {"levels": ["L1"], "text": "It answers"}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoint": "PUT /"}, "no operation 'PUT /'"),
        ({"asks": {30: {"levels": ["L9"], "text": "It answers"}}}, "level 'L9'"),
        ({"asks": {30: {"levels": ["L1"]}}}, "#30: give levels, text"),
        ({"asks": {30: {"levels": ["L1"], "text": "x", "later": "y", "localhost": "z"}}}, "at most one of"),
        ({"asks": {30: {"levels": ["L1"], "text": "x", "why": "y"}}}, "#30"),
    ],
)
def test_faults_are_found(change: dict[str, Any], message: str, write_spec: Write) -> None:
    spec = write_spec({"profiles/api.yaml": {"levels": {"L1": "All"}, "requirements": [{**GROUP, **change}]}})
    findings = [str(finding) for finding in check_profiles(spec, build_document(spec=spec))]
    assert any(message in finding for finding in findings), findings


def test_a_sound_file_has_no_faults(write_spec: Write) -> None:
    spec = write_spec({"profiles/api.yaml": {"levels": {"L1": "All"}, "requirements": [GROUP]}})
    assert list(check_profiles(spec, build_document(spec=spec))) == []


def test_a_number_stands_once(write_spec: Write) -> None:
    spec = write_spec({"profiles/api.yaml": {"levels": {"L1": "All"}, "requirements": [GROUP, GROUP]}})
    with pytest.raises(SpecError, match="#30 is there twice"):
        load_requirements(spec)
