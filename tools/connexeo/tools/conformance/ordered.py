"""What users order, batch jobs and secondary web services: created, described, changed and removed alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import Job, create_job, created_job
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.listing import Listing
from connexeo.tools.conformance.registry import Case, Function, check
from connexeo.tools.conformance.resources import Entry
from connexeo.tools.conformance.serving import Service, create_service, created_service, order
from connexeo.tools.conformance.verdicts import NotTestable, Skipped
from connexeo.tools.conformance.workload import process, workload

FURTHER = "conformance:further"
"""A property that no back-end knows."""

_ENOUGH = 3
"""Things that show what pages are."""


class Thing(Protocol):
    """Something that this run has ordered."""

    @property
    def id(self) -> str:
        """What the back-end calls it."""
        ...

    @property
    def path(self) -> str:
        """Its path in the API."""
        ...

    @property
    def creation(self) -> Exchange:
        """The answer to the order."""
        ...

    @property
    def given(self) -> Mapping[str, Any]:
        """The order."""
        ...

    def answer(self) -> Exchange:
        """Ask for its metadata."""
        ...

    def described(self) -> Entry:
        """Its metadata, with the answer they came in."""
        ...

    def change(self, **properties: Any) -> Exchange:
        """Change properties of it."""
        ...

    def delete(self) -> Exchange:
        """Remove it."""
        ...


T_co = TypeVar("T_co", bound=Thing, covariant=True)


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """One sort of these things."""

    noun: str
    listing: Listing
    layer: str
    one: str
    """Path of one of them."""
    first: Callable[[BackEnd], T_co]
    """Makes one, for ``backend.once``: it stays for the whole run, and checks must leave it as it is."""
    new: Callable[..., T_co]
    """Makes another one, with other properties."""
    order: Callable[..., dict[str, Any]]
    """The body of a request for such a one, with other properties."""
    listed: tuple[str, ...]
    """Texts that each entry of a list has."""
    members: tuple[str, ...]
    """What the metadata have at least."""
    same: tuple[str, ...]
    """What is the same in a list."""
    flags: tuple[str, ...] = ()
    """Properties that are true or false."""
    start: str | None = None
    """What makes it run; None when nothing needs to."""

    @property
    def read(self) -> str:
        """The operation that lists them."""
        return f"GET {self.listing.path}"

    @property
    def create(self) -> str:
        """The operation that makes one."""
        return f"POST {self.listing.path}"

    @property
    def describe(self) -> str:
        """The operation that tells of one."""
        return f"GET {self.one}"

    @property
    def edit(self) -> str:
        """The operation that changes one."""
        return f"PATCH {self.one}"

    @property
    def remove(self) -> str:
        """The operation that removes one."""
        return f"DELETE {self.one}"

    @property
    def missing(self) -> str:
        """The error code for one that does not exist."""
        return f"{self.noun.title()}NotFound"

    def several(self, backend: BackEnd) -> list[str]:
        """Identifiers of some that stay for the whole run, so that lists have something in them.

        None when nothing may be created, or nothing can be.
        """
        try:
            first = backend.once(self.first)
            more = [self.new(backend, title=backend.name(f"page {number}")) for number in range(_ENOUGH - 1)]
        except (NotTestable, Skipped):
            return []
        return [first.id, *(each.id for each in more)]


def _order_job(backend: BackEnd, **properties: Any) -> dict[str, Any]:
    return process(backend.once(workload).graph, **{"title": backend.name("job"), **properties})


def _new_job(backend: BackEnd, **properties: Any) -> Job:
    return create_job(backend, backend.once(workload).graph, None, **properties)


JOBS: Kind[Job] = Kind(
    noun="job",
    listing=Listing("/jobs", "jobs"),
    layer="jobs",
    one="/jobs/{job_id}",
    first=created_job,
    new=_new_job,
    order=_order_job,
    listed=("id", "status", "created"),
    members=("id", "process", "status", "created"),
    same=("status", "title", "created"),
    start="POST /jobs/{job_id}/results",
)
SERVICES: Kind[Service] = Kind(
    noun="service",
    listing=Listing("/services", "services"),
    layer="services",
    one="/services/{service_id}",
    first=created_service,
    new=create_service,
    order=order,
    listed=("id", "url", "type"),
    members=("id", "url", "type", "enabled", "process", "configuration", "attributes"),
    same=("url", "type", "enabled", "title"),
    flags=("enabled",),
)
KINDS: tuple[Kind[Thing], ...] = (JOBS, SERVICES)


def both(job: int, service: int, *operations: str) -> dict[int, Case]:
    """Cases of a requirement that the profiles have for jobs and for services.

    Args:
        job: its number for jobs.
        service: the same for services.
        operations: what is needed, as names of `Kind`.
    """
    return {
        number: Case(kind, layer=kind.layer, operations=_operations(kind, operations))
        for number, kind in ((job, JOBS), (service, SERVICES))
    }


def check_of_both(
    name: str, title: str, *operations: str, source: str, **needs: Any
) -> Callable[[Function], Function]:
    """Register a check for jobs and for services; the function takes the kind as its second argument.

    Args:
        name: the second part of its id.
        title: the requirement, with ``{noun}`` in the place of what it is about.
        operations: what is needed, as names of `Kind`.
        source: the operation that asks for it, as name of `Kind`.
        needs: see ``Check``.
    """

    def register(function: Function) -> Function:
        for kind in KINDS:
            check(
                f"{kind.layer}.{name}",
                title.format(noun=kind.noun),
                layer=kind.layer,
                source=f"openEO API, {getattr(kind, source)}",
                operations=_operations(kind, operations),
                **needs,
            )(partial(function, case=kind))
        return function

    return register


def _operations(kind: Kind[Thing], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(getattr(kind, name) for name in names)
