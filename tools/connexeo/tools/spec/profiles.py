"""The openEO API profiles: what they ask of a back-end, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.spec.build import operations
from connexeo.tools.spec.check import Finding
from connexeo.tools.spec.documents import SpecError, read_mapping
from connexeo.tools.spec.sources import SpecFolder

REASONS = ("localhost", "later")
"""Why a requirement is not tested."""

NOTES = ("conflict", *REASONS)

_OPERATION = re.compile(r"[A-Z]+ /[^*]*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a profile asks for."""

    number: int
    levels: tuple[str, ...]
    area: str
    endpoint: str | None
    """Method and path, or which endpoints are meant; None when it is about none of them."""
    text: str
    conflict: str | None = None
    """What connexeo does instead, because the standard or its clients need it."""
    localhost: str | None = None
    """Why it cannot hold without a network."""
    later: str | None = None
    """What it waits for."""

    @property
    def reason(self) -> str | None:
        """Why there is no test."""
        return self.localhost or self.later


def load_levels(spec: SpecFolder) -> dict[str, str]:
    """What each level stands for, in their order."""
    levels: dict[str, str] = read_mapping(spec.profiles)["levels"]
    return levels


def load_requirements(spec: SpecFolder) -> dict[int, Requirement]:
    """All requirements by number, in the order of the file.

    Raises:
        SpecError: when the file is not as it should be.
    """
    requirements: dict[int, Requirement] = {}
    for group in read_mapping(spec.profiles)["requirements"]:
        for number, entry in group["asks"].items():
            requirement = _requirement(spec, group, int(number), entry)
            if requirement.number in requirements:
                raise SpecError(f"{spec.label(spec.profiles)}: #{number} is there twice")
            requirements[requirement.number] = requirement
    return requirements


def _requirement(
    spec: SpecFolder, group: Mapping[str, Any], number: int, entry: Mapping[str, Any]
) -> Requirement:
    notes = {key: entry[key] for key in NOTES if key in entry}
    missing = {"levels", "text"} - entry.keys()
    unknown = entry.keys() - {"levels", "text", *NOTES}
    if missing or unknown or len(notes) > 1:
        raise SpecError(
            f"{spec.label(spec.profiles)}, #{number}: give levels, text, and at most one of {', '.join(NOTES)}"
        )
    return Requirement(
        number=number,
        levels=tuple(entry["levels"]),
        area=group["area"],
        endpoint=group.get("endpoint"),
        text=entry["text"],
        **notes,
    )


def check_profiles(spec: SpecFolder, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Levels must be explained, and endpoints be operations of the contract."""
    if not spec.profiles.is_file():
        return
    label = spec.label(spec.profiles)
    try:
        levels, requirements = load_levels(spec), load_requirements(spec)
    except SpecError as error:
        yield Finding(label, str(error))
        return
    known = {f"{method.upper()} {_anonymous(path)}" for path, method, _ in operations(document)}
    for requirement in requirements.values():
        place = f"{label}, #{requirement.number}"
        for level in requirement.levels:
            if level not in levels:
                yield Finding(place, f"the level '{level}' is not explained")
        endpoint = requirement.endpoint or ""
        if _OPERATION.fullmatch(endpoint) and _anonymous(endpoint) not in known:
            yield Finding(place, f"there is no operation '{endpoint}'")


def _anonymous(path: str) -> str:
    """The path with parameters that have no name: the profiles name them otherwise than the API."""
    return re.sub(r"\{\w+\}", "{}", path)
