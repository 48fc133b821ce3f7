"""How much of the openEO process profiles a back-end has."""

from __future__ import annotations

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.report import ProcessProfile
from connexeo.tools.conformance.resources import listed_processes
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec

_MISSPELT = {"unflatten_dimensions": "unflatten_dimension"}
"""Name in the profiles → process that is meant."""


def process_profiles(backend: BackEnd) -> tuple[ProcessProfile, ...]:
    """The process profiles, by what ``GET /processes`` lists; empty when it was not asked.

    What the profiles name, but nobody has defined, nobody can have: it is not asked for.
    """
    processes = backend.known(listed_processes)
    if processes is None:
        return ()
    listed = {entry.id for entry in processes}
    document = read_mapping(find_spec().profiles.with_name("processes.yaml"))
    undefined = set(document["undefined"]) - set(_MISSPELT)
    return tuple(_profile(name, asked, listed, undefined) for name, asked in document["profiles"].items())


def _profile(name: str, named: list[str], listed: set[str], undefined: set[str]) -> ProcessProfile:
    asked = tuple(dict.fromkeys(_MISSPELT.get(each, each) for each in named if each not in undefined))
    return ProcessProfile(name, asked, tuple(each for each in asked if each not in listed))
