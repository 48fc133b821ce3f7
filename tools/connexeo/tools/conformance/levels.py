"""How much of the openEO process profiles a back-end has."""

from __future__ import annotations

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.report import ProcessProfile
from connexeo.tools.conformance.resources import all_processes
from connexeo.tools.spec.documents import read_mapping
from connexeo.tools.spec.sources import find_spec


def process_profiles(backend: BackEnd) -> tuple[ProcessProfile, ...]:
    """The process profiles, by what ``GET /processes`` lists; empty when it was not asked."""
    processes = backend.known(all_processes)
    if processes is None:
        return ()
    ids = (process.get("id") for process in processes)
    listed = {each for each in ids if isinstance(each, str)}
    document = read_mapping(find_spec().profiles.with_name("processes.yaml"))
    undefined = set(document["undefined"])
    return tuple(
        ProcessProfile(name, tuple(asked), tuple(each for each in asked if each not in listed | undefined))
        for name, asked in document["profiles"].items()
    )
