"""The operations of the contract.

Written by `connexeo generate` from spec/; changes by hand are lost.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path or query parameter."""

    name: str
    keyword: str
    """Keyword argument of the handler."""
    location: str
    """``path`` or ``query``."""
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    id: str
    """The operationId."""
    method: str
    """In lower case."""
    path: str
    """Template as the document spells it."""
    module: str
    """The microservice; handlers live in the module of this name."""
    function: str
    """Name of the handler."""
    security: tuple[tuple[str, ...], ...]
    """Alternatives, each a set of security schemes; an empty one lets anybody in."""
    parameters: tuple[Parameter, ...]
    has_body: bool
    media_types: tuple[str, ...]
    """Media types of the request body."""
    success: tuple[int, ...]
    """Statuses of success."""

    @property
    def public(self) -> bool:
        """Whether it may be called without credentials."""
        return not self.security or () in self.security


_ALL = (
    Operation(
        id="capabilities",
        method="get",
        path="/",
        module="capabilities",
        function="capabilities",
        security=((),),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="connect",
        method="get",
        path="/.well-known/openeo",
        module="capabilities",
        function="connect",
        security=((),),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="conformance",
        method="get",
        path="/conformance",
        module="capabilities",
        function="conformance",
        security=((), ("Bearer",)),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-file-types",
        method="get",
        path="/file_formats",
        module="capabilities",
        function="list_file_types",
        security=((), ("Bearer",)),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-udf-runtimes",
        method="get",
        path="/udf_runtimes",
        module="capabilities",
        function="list_udf_runtimes",
        security=((), ("Bearer",)),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-collections",
        method="get",
        path="/collections",
        module="data_discovery",
        function="list_collections",
        security=((), ("Bearer",)),
        parameters=(
            Parameter("limit", "limit", "query", False),
            Parameter("offset", "offset", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-collection-queryables",
        method="get",
        path="/collections/{collection_id}/queryables",
        module="data_discovery",
        function="list_collection_queryables",
        security=((), ("Bearer",)),
        parameters=(
            Parameter("collection_id", "collection_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="describe-collection",
        method="get",
        path="/collections/{collection_id}",
        module="data_discovery",
        function="describe_collection",
        security=((), ("Bearer",)),
        parameters=(
            Parameter("collection_id", "collection_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-processes",
        method="get",
        path="/processes",
        module="process_discovery",
        function="list_processes",
        security=((), ("Bearer",)),
        parameters=(
            Parameter("limit", "limit", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="validate-custom-process",
        method="post",
        path="/validation",
        module="data_processing",
        function="validate_custom_process",
        security=((), ("Bearer",)),
        parameters=(),
        has_body=True,
        media_types=("application/json",),
        success=(200,),
    ),
    Operation(
        id="compute-result",
        method="post",
        path="/result",
        module="data_processing",
        function="compute_result",
        security=(("Bearer",),),
        parameters=(),
        has_body=True,
        media_types=("application/json",),
        success=(200,),
    ),
    Operation(
        id="list-jobs",
        method="get",
        path="/jobs",
        module="batch_jobs",
        function="list_jobs",
        security=(("Bearer",),),
        parameters=(
            Parameter("limit", "limit", "query", False),
            Parameter("offset", "offset", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="create-job",
        method="post",
        path="/jobs",
        module="batch_jobs",
        function="create_job",
        security=(("Bearer",),),
        parameters=(),
        has_body=True,
        media_types=("application/json",),
        success=(201,),
    ),
    Operation(
        id="update-job",
        method="patch",
        path="/jobs/{job_id}",
        module="batch_jobs",
        function="update_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=True,
        media_types=("application/json",),
        success=(204,),
    ),
    Operation(
        id="describe-job",
        method="get",
        path="/jobs/{job_id}",
        module="batch_jobs",
        function="describe_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="delete-job",
        method="delete",
        path="/jobs/{job_id}",
        module="batch_jobs",
        function="delete_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(204,),
    ),
    Operation(
        id="estimate-job",
        method="get",
        path="/jobs/{job_id}/estimate",
        module="batch_jobs",
        function="estimate_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="debug-job",
        method="get",
        path="/jobs/{job_id}/logs",
        module="batch_jobs",
        function="debug_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
            Parameter("offset", "offset", "query", False),
            Parameter("level", "level", "query", False),
            Parameter("limit", "limit", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-results",
        method="get",
        path="/jobs/{job_id}/results",
        module="batch_jobs",
        function="list_results",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
            Parameter("partial", "partial", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="start-job",
        method="post",
        path="/jobs/{job_id}/results",
        module="batch_jobs",
        function="start_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(202,),
    ),
    Operation(
        id="stop-job",
        method="delete",
        path="/jobs/{job_id}/results",
        module="batch_jobs",
        function="stop_job",
        security=(("Bearer",),),
        parameters=(
            Parameter("job_id", "job_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(204,),
    ),
    Operation(
        id="list-files",
        method="get",
        path="/files",
        module="file_storage",
        function="list_files",
        security=(("Bearer",),),
        parameters=(
            Parameter("limit", "limit", "query", False),
            Parameter("offset", "offset", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="download-file",
        method="get",
        path="/files/{path}",
        module="file_storage",
        function="download_file",
        security=(("Bearer",),),
        parameters=(
            Parameter("path", "path", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="upload-file",
        method="put",
        path="/files/{path}",
        module="file_storage",
        function="upload_file",
        security=(("Bearer",),),
        parameters=(
            Parameter("path", "path", "path", True),
        ),
        has_body=True,
        media_types=("application/octet-stream",),
        success=(200,),
    ),
    Operation(
        id="delete-file",
        method="delete",
        path="/files/{path}",
        module="file_storage",
        function="delete_file",
        security=(("Bearer",),),
        parameters=(
            Parameter("path", "path", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(204,),
    ),
    Operation(
        id="list-custom-processes",
        method="get",
        path="/process_graphs",
        module="user_defined_processes",
        function="list_custom_processes",
        security=(("Bearer",),),
        parameters=(
            Parameter("limit", "limit", "query", False),
            Parameter("offset", "offset", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="describe-custom-process",
        method="get",
        path="/process_graphs/{process_graph_id}",
        module="user_defined_processes",
        function="describe_custom_process",
        security=(("Bearer",),),
        parameters=(
            Parameter("process_graph_id", "process_graph_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="store-custom-process",
        method="put",
        path="/process_graphs/{process_graph_id}",
        module="user_defined_processes",
        function="store_custom_process",
        security=(("Bearer",),),
        parameters=(
            Parameter("process_graph_id", "process_graph_id", "path", True),
        ),
        has_body=True,
        media_types=("application/json",),
        success=(200,),
    ),
    Operation(
        id="delete-custom-process",
        method="delete",
        path="/process_graphs/{process_graph_id}",
        module="user_defined_processes",
        function="delete_custom_process",
        security=(("Bearer",),),
        parameters=(
            Parameter("process_graph_id", "process_graph_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(204,),
    ),
    Operation(
        id="list-service-types",
        method="get",
        path="/service_types",
        module="secondary_services",
        function="list_service_types",
        security=((), ("Bearer",)),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="list-services",
        method="get",
        path="/services",
        module="secondary_services",
        function="list_services",
        security=(("Bearer",),),
        parameters=(
            Parameter("limit", "limit", "query", False),
            Parameter("offset", "offset", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="create-service",
        method="post",
        path="/services",
        module="secondary_services",
        function="create_service",
        security=(("Bearer",),),
        parameters=(),
        has_body=True,
        media_types=("application/json",),
        success=(201,),
    ),
    Operation(
        id="update-service",
        method="patch",
        path="/services/{service_id}",
        module="secondary_services",
        function="update_service",
        security=(("Bearer",),),
        parameters=(
            Parameter("service_id", "service_id", "path", True),
        ),
        has_body=True,
        media_types=("application/json",),
        success=(204,),
    ),
    Operation(
        id="describe-service",
        method="get",
        path="/services/{service_id}",
        module="secondary_services",
        function="describe_service",
        security=(("Bearer",),),
        parameters=(
            Parameter("service_id", "service_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="delete-service",
        method="delete",
        path="/services/{service_id}",
        module="secondary_services",
        function="delete_service",
        security=(("Bearer",),),
        parameters=(
            Parameter("service_id", "service_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(204,),
    ),
    Operation(
        id="debug-service",
        method="get",
        path="/services/{service_id}/logs",
        module="secondary_services",
        function="debug_service",
        security=(("Bearer",),),
        parameters=(
            Parameter("service_id", "service_id", "path", True),
            Parameter("offset", "offset", "query", False),
            Parameter("level", "level", "query", False),
            Parameter("limit", "limit", "query", False),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="authenticate-oidc",
        method="get",
        path="/credentials/oidc",
        module="account_management",
        function="authenticate_oidc",
        security=((),),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="authenticate-basic",
        method="get",
        path="/credentials/basic",
        module="account_management",
        function="authenticate_basic",
        security=(("Basic",),),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="describe-account",
        method="get",
        path="/me",
        module="account_management",
        function="describe_account",
        security=(("Bearer",),),
        parameters=(),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
    Operation(
        id="debug-result",
        method="get",
        path="/logs/{log_id}",
        module="data_processing",
        function="debug_result",
        security=(("Bearer",),),
        parameters=(
            Parameter("log_id", "log_id", "path", True),
        ),
        has_body=False,
        media_types=(),
        success=(200,),
    ),
)

OPERATIONS: dict[str, Operation] = {operation.id: operation for operation in _ALL}
"""By operationId, in the order in which paths are matched."""
