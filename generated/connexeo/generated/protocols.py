"""What the handler of each operation takes and gives.

Written by `connexeo generate` from spec/; changes by hand are lost.

A handler is called with the context of the server and, as keywords, the path and query parameters; query
parameters that are not given are left out, so they have defaults. A JSON body comes as ``body``; other bodies
are streamed from the context. It returns the JSON body of success, or None where there is none, or a response.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeVar

from starlette.responses import Response

from connexeo.generated import models

ContextT_contra = TypeVar("ContextT_contra", contravariant=True)


class Capabilities(Protocol[ContextT_contra]):
    """Back-end capabilities: ``GET /``."""

    async def __call__(self, context: ContextT_contra) -> models.Capabilities | Response: ...


class Connect(Protocol[ContextT_contra]):
    """API versions on offer: ``GET /.well-known/openeo``."""

    async def __call__(self, context: ContextT_contra) -> models.WellKnownDiscovery | Response: ...


class Conformance(Protocol[ContextT_contra]):
    """Conformance classes: ``GET /conformance``."""

    async def __call__(
        self,
        context: ContextT_contra,
    ) -> models.OGCConformanceClasses | Response: ...


class ListFileTypes(Protocol[ContextT_contra]):
    """File formats: ``GET /file_formats``."""

    async def __call__(self, context: ContextT_contra) -> models.FileFormats | Response: ...


class ListUdfRuntimes(Protocol[ContextT_contra]):
    """UDF runtimes: ``GET /udf_runtimes``."""

    async def __call__(self, context: ContextT_contra) -> models.UDFRuntimes | Response: ...


class ListCollections(Protocol[ContextT_contra]):
    """Collections in brief: ``GET /collections``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
        offset: str | None = None,
    ) -> models.Collections | Response: ...


class ListCollectionQueryables(Protocol[ContextT_contra]):
    """Queryables of a collection: ``GET /collections/{collection_id}/queryables``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        collection_id: str,
    ) -> models.JsonSchema | Response: ...


class DescribeCollection(Protocol[ContextT_contra]):
    """Complete metadata of a collection: ``GET /collections/{collection_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        collection_id: str,
    ) -> models.DescribeCollectionResponse | Response: ...


class ListProcesses(Protocol[ContextT_contra]):
    """Predefined processes: ``GET /processes``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
    ) -> models.Processes | Response: ...


class ValidateCustomProcess(Protocol[ContextT_contra]):
    """Validate a process: ``POST /validation``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        body: models.ProcessGraphWithMetadata,
    ) -> models.ValidationResult | Response: ...


class ComputeResult(Protocol[ContextT_contra]):
    """Compute a result synchronously: ``POST /result``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        body: models.SynchronousResultRequest,
    ) -> Response: ...


class ListJobs(Protocol[ContextT_contra]):
    """Batch jobs of the user: ``GET /jobs``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
        offset: str | None = None,
    ) -> models.BatchJobs | Response: ...


class CreateJob(Protocol[ContextT_contra]):
    """Create a batch job: ``POST /jobs``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        body: models.StoreBatchJobRequest,
    ) -> Response: ...


class UpdateJob(Protocol[ContextT_contra]):
    """Change a batch job: ``PATCH /jobs/{job_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        body: models.UpdateBatchJobRequest,
    ) -> Response | None: ...


class DescribeJob(Protocol[ContextT_contra]):
    """Complete metadata of a batch job: ``GET /jobs/{job_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
    ) -> models.DescribeJobResponse | Response: ...


class DeleteJob(Protocol[ContextT_contra]):
    """Delete a batch job: ``DELETE /jobs/{job_id}``."""

    async def __call__(self, context: ContextT_contra, *, job_id: str) -> Response | None: ...


class EstimateJob(Protocol[ContextT_contra]):
    """Estimate a batch job: ``GET /jobs/{job_id}/estimate``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
    ) -> models.BatchJobEstimate | Response: ...


class DebugJob(Protocol[ContextT_contra]):
    """Logs of a batch job: ``GET /jobs/{job_id}/logs``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        offset: str | None = None,
        level: Literal['error', 'warning', 'info', 'debug'] = 'debug',
        limit: int | None = None,
    ) -> models.DebugJobResponse | Response: ...


class ListResults(Protocol[ContextT_contra]):
    """Results of a batch job: ``GET /jobs/{job_id}/results``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        partial: bool = False,
    ) -> models.ListResultsResponse | Response: ...


class StartJob(Protocol[ContextT_contra]):
    """Start a batch job: ``POST /jobs/{job_id}/results``."""

    async def __call__(self, context: ContextT_contra, *, job_id: str) -> Response | None: ...


class StopJob(Protocol[ContextT_contra]):
    """Cancel a batch job: ``DELETE /jobs/{job_id}/results``."""

    async def __call__(self, context: ContextT_contra, *, job_id: str) -> Response | None: ...


class ListFiles(Protocol[ContextT_contra]):
    """Files in the workspace: ``GET /files``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
        offset: str | None = None,
    ) -> models.WorkspaceFiles | Response: ...


class DownloadFile(Protocol[ContextT_contra]):
    """Download a file: ``GET /files/{path}``."""

    async def __call__(self, context: ContextT_contra, *, path: str) -> Response: ...


class UploadFile(Protocol[ContextT_contra]):
    """Upload a file: ``PUT /files/{path}``."""

    async def __call__(self, context: ContextT_contra, *, path: str) -> models.File | Response: ...


class DeleteFile(Protocol[ContextT_contra]):
    """Delete a file: ``DELETE /files/{path}``."""

    async def __call__(self, context: ContextT_contra, *, path: str) -> Response | None: ...


class ListCustomProcesses(Protocol[ContextT_contra]):
    """User-defined processes: ``GET /process_graphs``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
        offset: str | None = None,
    ) -> models.UserDefinedProcesses | Response: ...


class DescribeCustomProcess(Protocol[ContextT_contra]):
    """Complete metadata of a user-defined process: ``GET /process_graphs/{process_graph_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        process_graph_id: str,
    ) -> models.DescribeCustomProcessResponse | Response: ...


class StoreCustomProcess(Protocol[ContextT_contra]):
    """Store a user-defined process: ``PUT /process_graphs/{process_graph_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        process_graph_id: str,
        body: models.ProcessGraphWithMetadata,
    ) -> Response | None: ...


class DeleteCustomProcess(Protocol[ContextT_contra]):
    """Delete a user-defined process: ``DELETE /process_graphs/{process_graph_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        process_graph_id: str,
    ) -> Response | None: ...


class ListServiceTypes(Protocol[ContextT_contra]):
    """Types of secondary web services: ``GET /service_types``."""

    async def __call__(self, context: ContextT_contra) -> models.ServiceTypes | Response: ...


class ListServices(Protocol[ContextT_contra]):
    """Secondary web services of the user: ``GET /services``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        limit: int | None = None,
        offset: str | None = None,
    ) -> models.SecondaryWebServices | Response: ...


class CreateService(Protocol[ContextT_contra]):
    """Create a secondary web service: ``POST /services``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        body: models.StoreSecondaryWebServiceRequest,
    ) -> Response: ...


class UpdateService(Protocol[ContextT_contra]):
    """Change a secondary web service: ``PATCH /services/{service_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
        body: models.UpdateSecondaryWebServiceRequest,
    ) -> Response | None: ...


class DescribeService(Protocol[ContextT_contra]):
    """Complete metadata of a secondary web service: ``GET /services/{service_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
    ) -> models.DescribeServiceResponse | Response: ...


class DeleteService(Protocol[ContextT_contra]):
    """Delete a secondary web service: ``DELETE /services/{service_id}``."""

    async def __call__(self, context: ContextT_contra, *, service_id: str) -> Response | None: ...


class DebugService(Protocol[ContextT_contra]):
    """Logs of a secondary web service: ``GET /services/{service_id}/logs``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
        offset: str | None = None,
        level: Literal['error', 'warning', 'info', 'debug'] = 'debug',
        limit: int | None = None,
    ) -> models.DebugServiceResponse | Response: ...


class AuthenticateOidc(Protocol[ContextT_contra]):
    """OpenID Connect providers: ``GET /credentials/oidc``."""

    async def __call__(
        self,
        context: ContextT_contra,
    ) -> models.OpenIDConnectProviders | Response: ...


class AuthenticateBasic(Protocol[ContextT_contra]):
    """HTTP Basic login: ``GET /credentials/basic``."""

    async def __call__(
        self,
        context: ContextT_contra,
    ) -> models.HTTPBasicAccessToken | Response: ...


class DescribeAccount(Protocol[ContextT_contra]):
    """The logged-in user: ``GET /me``."""

    async def __call__(self, context: ContextT_contra) -> models.UserData | Response: ...


class DebugResult(Protocol[ContextT_contra]):
    """Logs of a synchronous computation: ``GET /logs/{log_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        log_id: str,
    ) -> models.DebugResultResponse | Response: ...


class ListSharedResults(Protocol[ContextT_contra]):
    """Shared results of a batch job: ``GET /results/{job_id}/{permission}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        permission: str,
    ) -> models.ListSharedResultsResponse | Response: ...


class DescribeSharedItem(Protocol[ContextT_contra]):
    """STAC Item of shared results: ``GET /results/{job_id}/{permission}/items/{item_id}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        permission: str,
        item_id: str,
    ) -> models.DescribeSharedItemResponse | Response: ...


class DownloadResult(Protocol[ContextT_contra]):
    """Download a result of a batch job: ``GET /results/{job_id}/{permission}/{path}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        job_id: str,
        permission: str,
        path: str,
    ) -> Response: ...


class DescribeSharedProcess(Protocol[ContextT_contra]):
    """A process that its author shares: ``GET /shared/processes/{permission}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        permission: str,
    ) -> models.DescribeSharedProcessResponse | Response: ...


class DrawXyzTile(Protocol[ContextT_contra]):
    """A tile of an XYZ service: ``GET /services/{service_id}/xyz/{z}/{x}/{y}``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
        z: int,
        x: int,
        y: str,
    ) -> Response: ...


class DescribeXyzTiles(Protocol[ContextT_contra]):
    """TileJSON of an XYZ service: ``GET /services/{service_id}/tilejson``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
    ) -> models.TileJSON | Response: ...


class QueryWmts(Protocol[ContextT_contra]):
    """A WMTS service, asked by query parameters: ``GET /services/{service_id}/wmts``."""

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
        request: str | None = None,
    ) -> Response: ...


class DescribeWmts(Protocol[ContextT_contra]):
    """Capabilities of a WMTS service: ``GET
    /services/{service_id}/wmts/1.0.0/WMTSCapabilities.xml``.
    """

    async def __call__(self, context: ContextT_contra, *, service_id: str) -> Response: ...


class DrawWmtsTile(Protocol[ContextT_contra]):
    """A tile of a WMTS service: ``GET
    /services/{service_id}/wmts/1.0.0/{layer}/{style}/{tile_matrix_set}/{tile_matrix}/{tile_row}/{tile_column}``.
    """

    async def __call__(
        self,
        context: ContextT_contra,
        *,
        service_id: str,
        layer: str,
        style: str,
        tile_matrix_set: str,
        tile_matrix: str,
        tile_row: int,
        tile_column: str,
    ) -> Response: ...
