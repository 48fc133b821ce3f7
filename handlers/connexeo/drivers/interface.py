"""What a driver must offer: one Protocol per openEO microservice.

A handler of the same name calls the method of the same name. A driver leaves out what it does not support: set
the microservice to None, or leave out single methods; the operation is then not listed and answers
FeatureUnsupported. Drivers know nothing of HTTP; they raise the errors of ``connexeo.generated.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    id: str
    """Unique and stable; ``<provider>~<subject>`` for OpenID Connect, as the contract allows no slash."""
    name: str | None = None
    email: str | None = None
    provider: str = "basic"
    """``basic`` or the id of the OpenID Connect provider."""
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token as it came: ``basic//…``, ``oidc/<provider>/…`` or a bare JWT."""

    method: str
    """``basic``, ``oidc`` or ``jwt``."""
    provider: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: Sequence[Json]
    next_offset: str | None = None
    """Opaque start of the following page; None on the last one."""


@dataclass(frozen=True, slots=True)
class ComputedResult:
    """Files of a synchronous computation; they are the caller's to send and to delete with their folder."""

    folder: Path
    files: Sequence[Path]
    media_type: str
    """Media type of the only file; of the archive when there are several."""
    log_id: str | None = None
    """Identifier of what the processes logged; None when nothing is kept."""


class Capabilities(Protocol):
    """General information: formats, runtimes, and what else belongs in ``GET /``."""

    async def capabilities(self, user: User | None) -> Json:
        """Properties that the driver adds to the capabilities, such as ``billing``; often empty."""
        ...

    async def list_file_types(self, user: User | None) -> Json:
        """The ``input`` and ``output`` formats."""
        ...

    async def list_udf_runtimes(self, user: User | None) -> Json:
        """The runtimes for user-defined functions, by name."""
        ...

    async def ready(self) -> Mapping[str, bool]:
        """Which of the things that the driver depends on can be reached, by name."""
        ...


class DataDiscovery(Protocol):
    """STAC collections. Documents carry no links to this API; handlers add them."""

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        """Collections in a stable order."""
        ...

    async def describe_collection(self, user: User | None, collection_id: str) -> Json:
        """One collection in full.

        Raises:
            CollectionNotFound: when there is none with this id.
        """
        ...

    async def list_collection_queryables(self, user: User | None, collection_id: str) -> Json:
        """JSON Schema of the properties that the collection's items can be filtered by."""
        ...


class ProcessDiscovery(Protocol):
    """Predefined processes."""

    async def list_processes(self, user: User | None) -> Sequence[Json]:
        """Definitions of all predefined processes that are implemented."""
        ...


class DataProcessing(Protocol):
    """Validation and synchronous processing."""

    async def validate_custom_process(self, user: User | None, process: Json) -> Sequence[Json]:
        """Faults of a process as openEO error objects; empty when it is valid."""
        ...

    async def compute_result(self, user: User, request: Json, *, request_id: str) -> ComputedResult:
        """Run a process now.

        Raises:
            OpenEOError: whatever the graph or the data is at fault for; ProcessGraphComplexity when it is too
                large for synchronous processing; RequestTimeout when it took too long.
        """
        ...

    async def debug_result(self, user: User, log_id: str) -> Sequence[Json]:
        """Log entries of a synchronous computation.

        Raises:
            NotFound: when the user has no computation with this identifier.
        """
        ...


class AccountManagement(Protocol):
    """Who may log in, and who is asking."""

    async def authenticate(self, token: Token) -> User:
        """The user that a bearer token stands for.

        Raises:
            TokenInvalid: when it is malformed, expired, revoked, or of a provider that is not known.
            PermissionsInsufficient: when the account is disabled.
        """
        ...

    async def authenticate_basic(self, username: str, password: str) -> str:
        """A new access token for a user of HTTP Basic.

        Raises:
            CredentialsInvalid: when user or password is wrong.
        """
        ...

    async def authenticate_oidc(self) -> Sequence[Json]:
        """The OpenID Connect providers."""
        ...

    async def describe_account(self, user: User) -> Json:
        """The user's own account."""
        ...


class BatchJobs(Protocol):
    """Batch jobs; methods bear the names of the operations."""


class FileStorage(Protocol):
    """Files of a user; methods bear the names of the operations."""


class UserDefinedProcesses(Protocol):
    """Stored processes of a user; methods bear the names of the operations."""


class SecondaryServices(Protocol):
    """Secondary web services; methods bear the names of the operations."""


class Driver(Protocol):
    """The nine microservices of one back-end, and its life cycle."""

    @property
    def capabilities(self) -> Capabilities:
        """General information."""
        ...

    @property
    def data_discovery(self) -> DataDiscovery | None:
        """STAC collections."""
        ...

    @property
    def process_discovery(self) -> ProcessDiscovery | None:
        """Predefined processes."""
        ...

    @property
    def data_processing(self) -> DataProcessing | None:
        """Validation and synchronous processing."""
        ...

    @property
    def batch_jobs(self) -> BatchJobs | None:
        """Batch jobs."""
        ...

    @property
    def file_storage(self) -> FileStorage | None:
        """Files of users."""
        ...

    @property
    def user_defined_processes(self) -> UserDefinedProcesses | None:
        """Stored processes of users."""
        ...

    @property
    def secondary_services(self) -> SecondaryServices | None:
        """Secondary web services."""
        ...

    @property
    def account_management(self) -> AccountManagement | None:
        """Who may log in, and who is asking."""
        ...

    async def start(self) -> None:
        """Open what is needed; called once in every worker."""
        ...

    async def stop(self) -> None:
        """Close it again."""
        ...
