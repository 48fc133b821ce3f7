"""What a driver must offer: one Protocol per openEO microservice.

A handler of the same name calls the method of the same name. A driver leaves out what it does not support: set
the microservice to None, or leave out single methods; the operation is then not listed and answers
FeatureUnsupported. Drivers know nothing of HTTP; they raise the errors of ``connexeo.generated.errors``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from connexeo.drivers.values import (
    ComputedResult,
    Content,
    Gauge,
    JobFailed,
    JobResults,
    Json,
    LogPage,
    Page,
    StreamedResult,
    Tile,
    TileSource,
    Token,
    User,
    Validation,
)

__all__ = [
    "AccountManagement",
    "BatchJobs",
    "Capabilities",
    "ComputedResult",
    "Content",
    "DataDiscovery",
    "DataProcessing",
    "Driver",
    "FileStorage",
    "Gauge",
    "JobFailed",
    "JobResults",
    "Json",
    "LogPage",
    "Page",
    "ProcessDiscovery",
    "Reporting",
    "SecondaryServices",
    "StreamedResult",
    "Tile",
    "TileSource",
    "Token",
    "User",
    "UserDefinedProcesses",
    "Validation",
    "Versioned",
    "Watched",
]


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


@runtime_checkable
class Watched(Protocol):
    """What `Capabilities` may offer as well: numbers for ``/metrics``."""

    async def gauges(self) -> Sequence[Gauge]:
        """The numbers of now, or of a moment ago; those that cannot be told now are left out.

        It is asked every few seconds, and must answer soon.
        """
        ...


@runtime_checkable
class Reporting(Protocol):
    """What `Capabilities` may offer as well: what ``/health`` tells besides that the process answers."""

    async def health(self) -> Json:
        """Properties of the answer; whatever they say, the process itself is well."""
        ...


@runtime_checkable
class Selective(Protocol):
    """What `Capabilities` may offer as well: which operations have nothing to offer now."""

    def idle(self) -> Sequence[str]:
        """Paths of endpoints that exist, but that ``GET /`` must not list now."""
        ...


@runtime_checkable
class Versioned(Protocol):
    """What `Capabilities` may offer as well: whether public documents may be others than before."""

    def version(self, operation_id: str) -> str:
        """Another text whenever the answer of an operation to an anonymous question may be another one.

        As long as it is the same, the server answers with what it has. It is asked with each request.
        """
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

    async def list_processes(self, user: User | None) -> Page:
        """Definitions of all predefined processes that are implemented, on one page."""
        ...


class DataProcessing(Protocol):
    """Validation and synchronous processing."""

    async def validate_custom_process(self, user: User | None, process: Json) -> Validation:
        """Faults of a process."""
        ...

    async def compute_result(
        self, user: User, request: Json, *, request_id: str
    ) -> ComputedResult | StreamedResult:
        """Run a process now.

        Raises:
            OpenEOError: whatever the graph or the data is at fault for; ProcessGraphComplexity when it is too
                large for synchronous processing; RequestTimeout when it took too long; BillingPlanInvalid,
                BudgetInvalid; PaymentRequired when it would cost more than the budget.
        """
        ...

    async def debug_result(self, user: User, log_id: str) -> Page:
        """Log entries of a synchronous computation, on one page.

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
    """Batch jobs. A job of another user is as unknown as one that does not exist.

    All methods with a ``job_id`` raise JobNotFound.
    """

    async def list_jobs(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's jobs without their processes, newest first.

        Without a limit a page has as many as the driver likes.
        """
        ...

    async def create_job(self, user: User, request: Json) -> str:
        """Identifier of a new job.

        Raises:
            OpenEOError: whatever is wrong with the process; BillingPlanInvalid, BudgetInvalid.
        """
        ...

    async def describe_job(self, user: User, job_id: str) -> Json:
        """Everything about a job."""
        ...

    async def update_job(self, user: User, job_id: str, changes: Json) -> None:
        """Change some properties.

        Raises:
            JobLocked: while it is queued or running.
        """
        ...

    async def delete_job(self, user: User, job_id: str) -> None:
        """Stop and remove a job with all that belongs to it."""
        ...

    async def estimate_job(self, user: User, job_id: str) -> Json:
        """What the job will cost and take.

        Raises:
            EstimateComplexity: when that cannot be told.
        """
        ...

    async def debug_job(
        self, user: User, job_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """Log entries, oldest first.

        Args:
            user: Who asks.
            job_id: The job.
            limit: Most entries of a page; without it, as many as the driver likes.
            offset: Where the page starts: a page's `next_offset`, or the id of the last entry that is known.
            level: Least severe level.
        """
        ...

    async def start_job(self, user: User, job_id: str) -> None:
        """Put a job into the queue; nothing happens when it is there already, or running."""
        ...

    async def stop_job(self, user: User, job_id: str) -> None:
        """Cancel a job; nothing happens when it is neither queued nor running."""
        ...

    async def list_results(self, user: User, job_id: str, *, partial: bool) -> JobResults:
        """The results.

        Raises:
            JobNotFinished: when there are none yet, and ``partial`` is not wanted or there is no part either.
            JobNotStarted: when it was never started.
            JobFailed: when it failed.
        """
        ...

    async def list_shared_results(self, job_id: str, permission: str) -> JobResults:
        """The results, for whoever has a permission.

        Raises:
            ResultLinkExpired: when the permission is not valid (any longer).
            NotFound: when the results are gone.
        """
        ...

    async def describe_shared_item(self, job_id: str, permission: str, item_id: str) -> JobResults:
        """The results with no other of their Items, for whoever has a permission.

        Raises:
            ResultLinkExpired: when the permission is not valid (any longer).
            NotFound: when there is no such Item.
        """
        ...

    async def download_result(self, job_id: str, permission: str, path: str) -> Content:
        """One file of the results, for whoever has a permission.

        Raises:
            ResultLinkExpired: when the permission is not valid (any longer).
            NotFound: when there is no such file.
        """
        ...


class FileStorage(Protocol):
    """Files of a user, by paths such as ``folder/file.tif``."""

    async def list_files(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's files by path."""
        ...

    async def download_file(self, user: User, path: str) -> Content:
        """A file.

        Raises:
            FileNotFound: when there is none.
            FileOperationUnsupported: when it is a folder.
        """
        ...

    async def upload_file(
        self, user: User, path: str, content: AsyncIterator[bytes], *, size: int | None
    ) -> Json:
        """Store a file, in place of the one that is there; the old one stays until the new one is complete.

        Args:
            user: Whose file it is.
            path: Where to.
            content: Its bytes, as they come.
            size: How many they will be, where that is known.

        Raises:
            FilePathInvalid: when the path cannot be.
            StorageQuotaExceeded: when it is too much.
            FileOperationUnsupported: when there is a folder with this path.
        """
        ...

    async def delete_file(self, user: User, path: str) -> None:
        """Remove a file.

        Raises:
            FileNotFound: when there is none.
            FileOperationUnsupported: when it is a folder.
        """
        ...


class UserDefinedProcesses(Protocol):
    """Stored processes of a user."""

    async def list_custom_processes(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's processes by id, without their graphs."""
        ...

    async def describe_custom_process(self, user: User, process_graph_id: str) -> Json:
        """One process in full.

        Raises:
            ProcessGraphNotFound: when there is none.
        """
        ...

    async def store_custom_process(self, user: User, process_graph_id: str, process: Json) -> None:
        """Store a process, in place of the one that is there.

        Raises:
            PredefinedProcessExists: when a predefined process has this id.
            OpenEOError: whatever is wrong with the process.
        """
        ...

    async def delete_custom_process(self, user: User, process_graph_id: str) -> None:
        """Remove a process.

        Raises:
            ProcessGraphNotFound: when there is none.
        """
        ...

    async def share_custom_process(self, user: User, process_graph_id: str) -> str:
        """Permission to read a process without an account, as long as it exists."""
        ...

    async def describe_shared_process(self, permission: str) -> Json:
        """The process that a permission is for.

        Other stored processes of its author that it calls have as namespace ``/shared/processes/<permission>``, of
        which handlers make absolute URLs.

        Raises:
            ProcessGraphNotFound: when the permission is not valid, or the process is gone.
        """
        ...


class SecondaryServices(Protocol):
    """Secondary web services. All methods with a ``service_id`` raise ServiceNotFound."""

    async def list_service_types(self, user: User | None) -> Json:
        """The types of services, by name."""
        ...

    async def list_services(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's services without their processes, newest first."""
        ...

    async def create_service(self, user: User, request: Json) -> str:
        """Identifier of a new service.

        Raises:
            ServiceUnsupported, ServiceConfigInvalid, ServiceConfigUnsupported: what is wrong with the service.
            OpenEOError: whatever is wrong with the process.
        """
        ...

    async def describe_service(self, user: User, service_id: str) -> Json:
        """Everything about a service."""
        ...

    async def update_service(self, user: User, service_id: str, changes: Json) -> None:
        """Change some properties."""
        ...

    async def delete_service(self, user: User, service_id: str) -> None:
        """Remove a service."""
        ...

    async def debug_service(
        self, user: User, service_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """Log entries, oldest first; arguments as for `BatchJobs.debug_job`."""
        ...

    async def describe_tiles(self, service_id: str, service_type: str) -> TileSource:
        """What the tiles of a service show, for whoever knows its identifier.

        Args:
            service_id: The service.
            service_type: The type that it must have, such as ``XYZ``.

        Raises:
            ServiceDisabled: when it is not enabled.
        """
        ...

    async def draw_tile(
        self, service_id: str, service_type: str, *, matrix_set: str | None, zoom: int, column: int, row: int
    ) -> Tile:
        """One tile, for whoever knows the identifier of the service.

        Args:
            service_id: The service.
            service_type: The type that it must have, such as ``XYZ``.
            matrix_set: Identifier of a tile matrix set; None for types that have only one.
            zoom: Zoom level, the identifier of a tile matrix.
            column: Counted from the left.
            row: Counted from the top.

        Raises:
            ServiceDisabled: when it is not enabled.
            NotFound: when there is no such tile.
            OpenEOError: whatever the process or the data is at fault for; RequestTimeout when it took too long.
        """
        ...


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
