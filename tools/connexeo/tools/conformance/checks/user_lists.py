"""Lists of what users have: files, stored processes, batch jobs, services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connexeo.tools.conformance import stored_files, stored_processes
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.listing import (
    Listing,
    faults_of_arrays,
    faults_of_pages,
    faults_of_whole,
    read_whole,
)
from connexeo.tools.conformance.ordered import JOBS, SERVICES
from connexeo.tools.conformance.registry import Case, requirement
from connexeo.tools.conformance.verdicts import Violation


@dataclass(frozen=True)
class _Owned:
    """A list, and how to have something in it."""

    listing: Listing
    prepare: Callable[[BackEnd], list[str]]
    """What this run has made of it, made now where that is allowed."""


def _files(backend: BackEnd) -> list[str]:
    return [file.path for file in stored_files.prepared(backend)]


def _jobs(backend: BackEnd) -> list[str]:
    return backend.once(JOBS.several) if backend.options.write and backend.offers(JOBS.create) else []


def _services(backend: BackEnd) -> list[str]:
    return backend.once(SERVICES.several) if backend.options.write and backend.offers(SERVICES.create) else []


_LISTS = (
    (400, "udp", _Owned(stored_processes.PROCESSES, stored_processes.prepared)),
    (500, "files", _Owned(stored_files.FILES, _files)),
    (610, "services", _Owned(SERVICES.listing, _services)),
    (710, "jobs", _Owned(JOBS.listing, _jobs)),
)
"""Number of the first requirement of each."""


def _each(number: int) -> dict[int, Case]:
    """The requirement of each list that stands at this place among those of the list."""
    return {
        first + number: Case(owned, layer=layer, operations=(f"GET {owned.listing.path}",))
        for first, layer, owned in _LISTS
    }


@requirement(_each(0), account=True, mend="Give what the user has, with 200.")
def lists(backend: BackEnd, case: _Owned) -> Iterator[Violation]:
    """Whoever has a token gets a list."""
    answer = backend.user.get(case.listing.path)
    if not answer.ok:
        yield Violation(
            f"the {case.listing.key} of a user are answered with HTTP {answer.status}, not 200", answer
        )


@requirement(_each(1), account=True, mend="Give both arrays, empty ones when there is nothing.")
def arrays(backend: BackEnd, case: _Owned) -> Iterator[Violation]:
    """There are entries and links."""
    yield from faults_of_arrays(read_whole(backend, case.listing), case.listing)


@requirement(
    _each(2),
    account=True,
    mend="Give `limit` entries and a link `next`, so that all pages together have each entry once.",
)
def pages(backend: BackEnd, case: _Owned) -> Iterator[Violation]:
    """Pages are as long as asked for, and have each entry once."""
    case.prepare(backend)
    yield from faults_of_pages(backend, case.listing)


@requirement(_each(3), account=True, mend="Without `limit` give all entries at once.")
def all_at_once(backend: BackEnd, case: _Owned) -> Iterator[Violation]:
    """Clients that know no pages get everything."""
    own = case.prepare(backend)
    yield from faults_of_whole(read_whole(backend, case.listing), case.listing, own)
