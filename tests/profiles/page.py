"""Writes ``docs/profiles.md``: every requirement of the API profiles with its state.

Run it as ``python -m profiles.page`` in ``tests/``; a test says when it has to be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connexeo.processing.registry import implemented
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.profiles import Requirement, load_levels, load_requirements
from connexeo.tools.spec.sources import SpecFolder, find_spec
from profiles.requirement import collect_tests

PAGE = Path(__file__).parents[2] / "docs" / "profiles.md"

Tests = Mapping[int, Sequence[str]]

HEAD = """# Profiles

The openEO community sorts what it expects of a back-end into levels: the
[API profiles](https://openeo.org/documentation/1.0/developers/profiles/api.html) say what requests have to do, the
process profiles which processes there are. This page is written from `spec/profiles/` and `tests/profiles/` by
`python -m profiles.page` in `tests/`. The requirements are in our own words, with the numbers of the profiles.

A requirement that is *tested* has a test with its number in the name, against a real server with two web workers and a
worker for batch jobs: `pytest tests/profiles -k 710`. That server is in production: users log in with OpenID Connect
only, and there is a billing plan that costs something.
"""


def page(spec: SpecFolder, tests: Tests) -> str:
    """The text of the page."""
    requirements = load_requirements(spec)
    parts = [HEAD, *_summary(load_levels(spec), requirements, tests), "## Requirements\n"]
    areas: dict[str, list[Requirement]] = {}
    for requirement in requirements.values():
        areas.setdefault(requirement.area, []).append(requirement)
    for area, members in areas.items():
        parts.append(f"### {area}\n")
        parts.append(_table(("Number", "Levels", "Endpoint", "Requirement", "State"), _rows(members, tests)))
    return "\n".join([*parts, *_processes(spec)])


def state(requirement: Requirement, tests: Sequence[str]) -> str:
    """What is known of a requirement, in a cell of the table."""
    if requirement.localhost:
        return f"**not on localhost**: {requirement.localhost}"
    if requirement.later:
        return f"**later**: {requirement.later}"
    shown = ", ".join(f"`{name}`" for name in tests) or "**nothing is known**"
    return f"**conflict**: {requirement.conflict} {shown}" if requirement.conflict else shown


def _summary(
    levels: Mapping[str, str], requirements: Mapping[int, Requirement], tests: Tests
) -> Iterator[str]:
    rows = []
    for level, meaning in levels.items():
        members = [each for each in requirements.values() if level in each.levels]
        tested = sum(each.number in tests for each in members)
        local, later = (sum(bool(getattr(each, name)) for each in members) for name in ("localhost", "later"))
        rows.append((level, meaning, len(members), tested, local, later))
    everything = requirements.values()
    rows.append(
        (
            "all",
            "Every number once",
            len(everything),
            sum(each.number in tests for each in everything),
            sum(bool(each.localhost) for each in everything),
            sum(bool(each.later) for each in everything),
        )
    )
    yield _table(("Level", "Meaning", "Requirements", "Tested", "Not on localhost", "Later"), rows)


def _rows(members: Sequence[Requirement], tests: Tests) -> Iterator[tuple[str, ...]]:
    for each in members:
        endpoint = f"`{each.endpoint}`" if each.endpoint and "/" in each.endpoint else each.endpoint or ""
        tested = tests.get(each.number, ())
        yield f"#{each.number}", ", ".join(each.levels), endpoint, each.text, state(each, tested)


def _processes(spec: SpecFolder) -> Iterator[str]:
    profiles = read_mapping(spec.profiles.with_name("processes.yaml"))
    there = implemented() & {path.stem for path in spec.processes}
    rows = []
    for profile, names in profiles["profiles"].items():
        missing = [f"`{name}`" for name in names if name not in there]
        rows.append((profile, len(names), len(names) - len(missing), ", ".join(missing)))
    yield "## Processes\n"
    yield _table(("Profile", "Processes", "There", "Later"), rows)
    notes = [f"- `{name}`: {note}" for name, note in profiles["undefined"].items()]
    yield "Some names are not among the process definitions:\n\n" + "\n".join(notes) + "\n"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[object, ...]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(find_spec(), collect_tests()), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")


if __name__ == "__main__":
    main()
