"""Errors of the openEO API and of its processes, one class per code.

Written by `connexeo generate` from spec/; changes by hand are lost.

    OpenEOError                 every error that a client gets to see
    ├── Internal                one per code of spec/errors.yaml
    └── ProcessError            one subclass per exception that a process definition names
"""

from __future__ import annotations

from typing import Any, ClassVar


class OpenEOError(Exception):
    """An error with a code of the openEO API; ``values`` fill the template of its message."""

    code: ClassVar[str] = "Internal"
    template: ClassVar[str] = "{message}"

    def __init__(self, message: str | None = None, /, **values: Any) -> None:
        self.values = values
        self.message = message if message is not None else self.template.format_map(_Given(values))
        super().__init__(self.message)


class _Given(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class ProcessError(OpenEOError):
    """An exception that a process definition declares."""


class Internal(OpenEOError):
    """Any failure on the server side that no other code fits. The message is the back-end's own."""

    code = "Internal"
    template = "The server failed: {message}"


class NotFound(OpenEOError):
    """The resource is missing and there is no code of its own for it, such as `JobNotFound` or
    `FileNotFound`. An endpoint that the back-end does not implement MAY answer
    `FeatureUnsupported` instead.
    """

    code = "NotFound"
    template = "Nothing was found here. Check the path of the request."


class FeatureUnsupported(OpenEOError):
    """The openEO API defines the endpoint, this back-end does not implement it."""

    code = "FeatureUnsupported"
    template = "This back-end does not offer the feature. See the capabilities at `GET /` for the endpoints that it has."


class InfrastructureMaintenance(OpenEOError):
    """Maintenance of the infrastructure makes the service unavailable for a while."""

    code = "InfrastructureMaintenance"
    template = "The service is down for maintenance. Repeat the request later, or ask our support."


class InfrastructureBusy(OpenEOError):
    """The infrastructure works, but has more requests to process than it can take right now."""

    code = "InfrastructureBusy"
    template = "The service is overloaded. Repeat the request later, or ask our support."


class UnsupportedApiVersion(OpenEOError):
    """The URL of the request names an openEO API version that the service lacks. The well-known
    document tells clients which ones it has.
    """

    code = "UnsupportedApiVersion"
    template = "API version '{version}' is not available here. Choose one that `/.well-known/openeo` lists."


class RequestTimeout(OpenEOError):
    """Handling the request exceeded the time limit."""

    code = "RequestTimeout"
    template = "The request ran out of time. Ask for less at once, or use a batch job for processing."


class BudgetInvalid(OpenEOError):
    """The budget is 0, negative, or less than the costs."""

    code = "BudgetInvalid"
    template = "The budget is too low. Set it above 0 and at least to the expected costs, or leave it out."


class EstimateComplexity(OpenEOError):
    """Costs can't be predicted reliably, for example because the process contains a UDF or other
    steps of unknown effort.
    """

    code = "EstimateComplexity"
    template = "No estimate is possible for a process this complex."


class NoDataForUpdate(OpenEOError):
    """A PATCH request came without any valid data."""

    code = "NoDataForUpdate"
    template = "The request changes nothing. Send at least one property to update."


class PropertyNotEditable(OpenEOError):
    """A PATCH request tries to change something read-only."""

    code = "PropertyNotEditable"
    template = "Property '{property}' can't be changed. Remove it from the request."


class CollectionNotFound(OpenEOError):
    """No collection has the requested id."""

    code = "CollectionNotFound"
    template = "There is no collection '{identifier}'. Choose one that `GET /collections` lists."


class StorageFailure(OpenEOError):
    """Files could not be written, for a reason that lies on the server."""

    code = "StorageFailure"
    template = "The server failed to store files. Repeat the request later, or ask our support."


class StorageQuotaExceeded(OpenEOError):
    """The user has used up the storage quota."""

    code = "StorageQuotaExceeded"
    template = "Your storage is full. Delete files or results that you no longer need."


class FileNotFound(OpenEOError):
    """No file exists at the requested path."""

    code = "FileNotFound"
    template = "There is no file '{file}'. Check the path against `GET /files`."


class FilePathInvalid(OpenEOError):
    """The path is malformed or off limits, for example with characters that are not allowed, naming
    an existing folder, or leading out of the user's folder.
    """

    code = "FilePathInvalid"
    template = "This file path can't be used: {reason}"


class FileOperationUnsupported(OpenEOError):
    """The file operation can't be applied to what the path refers to."""

    code = "FileOperationUnsupported"
    template = "This operation is not available for the path. Use another path or operation."


class FolderOperationUnsupported(OpenEOError):
    """The operation works on files, but the path leads to a folder."""

    code = "FolderOperationUnsupported"
    template = "The path is a folder. Name a file instead."


class ContentTypeInvalid(OpenEOError):
    """The `Content-Type` header names a media type that the endpoint does not accept."""

    code = "ContentTypeInvalid"
    template = "Unsupported media type. Send one of: {types}"


class FileTypeInvalid(OpenEOError):
    """The back-end refuses the file for its format or its extension."""

    code = "FileTypeInvalid"
    template = "Files of type {type} are not accepted. Use one of: {types}"


class FileSizeExceeded(OpenEOError):
    """The file is larger than the back-end accepts."""

    code = "FileSizeExceeded"
    template = "The file is too large. Upload at most {size}"


class FileContentInvalid(OpenEOError):
    """The content is not what it should be, for example damaged or not of the stated format."""

    code = "FileContentInvalid"
    template = "The file can't be read. Check its content."


class FileLocked(OpenEOError):
    """A running job, or something else, holds a lock on the file."""

    code = "FileLocked"
    template = "File '{file}' is in use. Repeat the request when the job or process that uses it has ended."


class ProcessGraphNotFound(OpenEOError):
    """The user has not stored such a process. Meant for the endpoints below `/process_graphs`."""

    code = "ProcessGraphNotFound"
    template = "There is no user-defined process '{identifier}'. Choose one that `GET /process_graphs` lists."


class ProcessInvalid(OpenEOError):
    """The process definition has faults, most often in its metadata."""

    code = "ProcessInvalid"
    template = "The process is invalid. Check its metadata against the API specification."


class ProcessGraphMissing(OpenEOError):
    """A process came without process graph. The `process` of batch jobs, services and synchronous
    requests must have a `process_graph`.
    """

    code = "ProcessGraphMissing"
    template = "The process is incomplete. Add a `process_graph` to it."


class ProcessGraphInvalid(OpenEOError):
    """The process graph violates the structure or schema that the API requires."""

    code = "ProcessGraphInvalid"
    template = "The process graph is invalid. Check its nodes and their structure."


class PredefinedProcessExists(OpenEOError):
    """A user-defined process can't be stored with an id that a predefined process has."""

    code = "PredefinedProcessExists"
    template = "This id belongs to a predefined process. Choose another one."


class ProcessGraphComplexity(OpenEOError):
    """Computing the process graph would take so long that a synchronous request would probably time
    out. A batch job can do it.
    """

    code = "ProcessGraphComplexity"
    template = "This is too much work for a synchronous request. Create a batch job."


class ProcessUnsupported(OpenEOError):
    """Validation or execution of a process graph meets an id that neither a predefined nor a user-
    defined process has.
    """

    code = "ProcessUnsupported"
    template = "There is no process '{process}' in namespace '{namespace}'. Check both names."


class ProcessParameterUnsupported(OpenEOError):
    """A node passes an argument that the process definition does not know."""

    code = "ProcessParameterUnsupported"
    template = "Process '{process}' has no parameter '{parameter}'. Remove or rename the argument."


class ProcessParameterInvalid(OpenEOError):
    """A node passes a value that violates the schema or the rules of the parameter."""

    code = "ProcessParameterInvalid"
    template = "Argument '{parameter}' of process '{process}' is not acceptable: {reason}"


class ProcessParameterRequired(OpenEOError):
    """A node lacks an argument for a parameter that is not optional."""

    code = "ProcessParameterRequired"
    template = "Process '{process}' needs a value for '{parameter}'. Add this argument."


class JobNotFound(OpenEOError):
    """The user has no batch job with the requested id."""

    code = "JobNotFound"
    template = "There is no batch job '{identifier}'. Choose one that `GET /jobs` lists."


class JobLocked(OpenEOError):
    """The job can't be changed as long as its computation lasts."""

    code = "JobLocked"
    template = "The batch job is queued or running. Wait until it has ended, or cancel it first."


class JobNotFinished(OpenEOError):
    """Results were requested before the computation had come to its end."""

    code = "JobNotFinished"
    template = "The batch job has no complete results yet. Repeat the request later, or ask our support."


class JobNotStarted(OpenEOError):
    """The user has not yet queued or started the job, or has canceled it without a new start."""

    code = "JobNotStarted"
    template = "This batch job is not running. Start it first."


class ResultLinkExpired(OpenEOError):
    """The signed URLs of the results are too old. `GET /jobs/{job_id}/results` hands out new ones.
    """

    code = "ResultLinkExpired"
    template = "This link is no longer valid. Get new links from the results of the batch job."


class PaymentRequired(OpenEOError):
    """The user lacks the money that the request would cost."""

    code = "PaymentRequired"
    template = "The budget does not cover this request. Make a payment first."


class BillingPlanInvalid(OpenEOError):
    """The back-end does not offer the billing plan."""

    code = "BillingPlanInvalid"
    template = "There is no such billing plan. Choose one that `GET /` lists."


class BillingPlanMissing(OpenEOError):
    """The user has not chosen a billing plan, and there is no single one to assume."""

    code = "BillingPlanMissing"
    template = "No billing plan is set. Choose one with `plan`."


class AuthenticationRequired(OpenEOError):
    """The resource needs authentication, and the request carries none, or wrong details."""

    code = "AuthenticationRequired"
    template = "Authentication is required. Send a valid access token in the `Authorization` header."


class AuthenticationSchemeInvalid(OpenEOError):
    """The scheme of the `Authorization` header, for example `Bearer`, is not valid."""

    code = "AuthenticationSchemeInvalid"
    template = "This authentication method is not accepted here. Choose one that the back-end offers."


class TokenInvalid(OpenEOError):
    """The token is malformed, unknown, revoked, or past its expiry."""

    code = "TokenInvalid"
    template = "The access token is not or no longer valid. Log in again."


class CredentialsInvalid(OpenEOError):
    """Login failed."""

    code = "CredentialsInvalid"
    template = "User name and password do not match. Check both."


class PermissionsInsufficient(OpenEOError):
    """The user is authenticated, but has no right to the resource."""

    code = "PermissionsInsufficient"
    template = "Your account lacks the permission for this request."


class ServiceNotFound(OpenEOError):
    """No secondary web service has the requested id."""

    code = "ServiceNotFound"
    template = "There is no service '{identifier}'. Choose one that `GET /services` lists."


class ServiceUnsupported(OpenEOError):
    """The back-end can't create secondary web services of this type."""

    code = "ServiceUnsupported"
    template = "There is no service type '{type}'. Choose one that `GET /service_types` lists."


class ServiceConfigUnsupported(OpenEOError):
    """The `configuration` of a secondary web service holds an unknown parameter."""

    code = "ServiceConfigUnsupported"
    template = "The service type has no parameter '{parameter}'. Remove it from `configuration`."


class ServiceConfigInvalid(OpenEOError):
    """A value in the `configuration` of a secondary web service violates the schema of its type."""

    code = "ServiceConfigInvalid"
    template = "Service parameter '{parameter}' is not acceptable: {reason}"


class ServiceConfigRequired(OpenEOError):
    """A required parameter is missing in the `configuration` of a secondary web service."""

    code = "ServiceConfigRequired"
    template = "The service needs a value for '{parameter}'. Add it to `configuration`."


class ServiceDisabled(OpenEOError):
    """A request for tiles of a secondary web service that is not enabled, or whose owner has no
    account any longer.
    """

    code = "ServiceDisabled"
    template = "The service is switched off. Its owner can set `enabled` to true."


class RequestInvalid(OpenEOError):
    """A parameter or the request body does not fulfil the contract. The reason names the place and
    what is expected there.
    """

    code = "RequestInvalid"
    template = "The request is invalid: {reason}"


class RequestTooLarge(OpenEOError):
    """The request body exceeds the limit of the back-end."""

    code = "RequestTooLarge"
    template = "The request body is larger than the {limit} bytes that are accepted. Send less, or upload the data as a file."


class MethodNotAllowed(OpenEOError):
    """The path exists in the contract, but not with this HTTP method."""

    code = "MethodNotAllowed"
    template = "This path does not support {method}. Allowed methods: {allowed}"


class PreconditionFailed(OpenEOError):
    """A condition of the request (`If-Match`, `If-Unmodified-Since`) does not hold for the file."""

    code = "PreconditionFailed"
    template = "The file has changed since you read it. Download it anew, or repeat the request without the condition."


class RangeNotSatisfiable(OpenEOError):
    """None of the parts that the `Range` header asks for lies within the file."""

    code = "RangeNotSatisfiable"
    template = "The file ends before the range that was asked for. See `Content-Range` for its size."


class ArrayElementNotAvailable(ProcessError):
    """Thrown by ``array_element``, ``array_modify``."""

    code = "ArrayElementNotAvailable"
    template = "The array ends before that index, so it can't be changed there."


class ArrayElementParameterConflict(ProcessError):
    """Thrown by ``array_element``."""

    code = "ArrayElementParameterConflict"
    template = "Set only one of `index` and `label`; `array_element` does not accept both."


class ArrayElementParameterMissing(ProcessError):
    """Thrown by ``array_element``."""

    code = "ArrayElementParameterMissing"
    template = "Set `index` or `label`; `array_element` needs one of them."


class ArrayLabelConflict(ProcessError):
    """Thrown by ``array_concat``, ``array_modify``."""

    code = "ArrayLabelConflict"
    template = "The arrays have a label in common, rename it in one of them first."


class ArrayLengthMismatch(ProcessError):
    """Thrown by ``array_create_labeled``."""

    code = "ArrayLengthMismatch"
    template = "There must be as many `labels` as elements in `data`."


class ArrayNotLabeled(ProcessError):
    """Thrown by ``array_append``, ``array_element``."""

    code = "ArrayNotLabeled"
    template = "The array has no labels, set `index` instead of `label`."


class AscendingProbabilitiesRequired(ProcessError):
    """Thrown by ``quantiles``."""

    code = "AscendingProbabilitiesRequired"
    template = "`probabilities` must be in ascending order."


class BandExists(ProcessError):
    """Thrown by ``ndvi``."""

    code = "BandExists"
    template = "The data cube already has a band with the target name."


class BandFilterParameterMissing(ProcessError):
    """Thrown by ``filter_bands``."""

    code = "BandFilterParameterMissing"
    template = "Set `bands` or `wavelengths`; `filter_bands` needs at least one criterion."


class CountMismatch(ProcessError):
    """Thrown by ``vector_to_random_points``."""

    code = "CountMismatch"
    template = "Every geometry needs a point, but `total_count` is less than their number."


class DataCubeEmpty(ProcessError):
    """Thrown by ``save_result``."""

    code = "DataCubeEmpty"
    template = "This output format can't store an empty data cube."


class DataCubePropertiesImmutable(ProcessError):
    """Thrown by ``apply_neighborhood``."""

    code = "DataCubePropertiesImmutable"
    template = "The process changed the dimensions of the data cube, but name, type, labels, reference system and resolution have to stay as they are."


class DigitalElevationModelInvalid(ProcessError):
    """Thrown by ``ard_normalized_radar_backscatter``, ``atmospheric_correction``,
    ``sar_backscatter``.
    """

    code = "DigitalElevationModelInvalid"
    template = "The collection is no digital elevation model, or it does not suit the data cube."


class DimensionAmbiguous(ProcessError):
    """Thrown by ``ndvi``."""

    code = "DimensionAmbiguous"
    template = "The data cube has no dimension of type `bands`, or more than one."


class DimensionExists(ProcessError):
    """Thrown by ``add_dimension``, ``rename_dimension``."""

    code = "DimensionExists"
    template = "The data cube already has a dimension of that name."


class DimensionLabelCountMismatch(ProcessError):
    """Thrown by ``drop_dimension``."""

    code = "DimensionLabelCountMismatch"
    template = "The dimension has more than one label, reduce or filter it first."


class DimensionMismatch(ProcessError):
    """Thrown by ``resample_cube_temporal``."""

    code = "DimensionMismatch"
    template = "The temporal dimensions of the two data cubes do not match."


class DimensionMissing(ProcessError):
    """Thrown by ``filter_bands``."""

    code = "DimensionMissing"
    template = "The data cube has no dimension of type bands."


class DimensionNotAvailable(ProcessError):
    """Thrown by ``aggregate_temporal``, ``aggregate_temporal_period``, ``apply_dimension``,
    ``apply_neighborhood``, ``dimension_labels``, ``drop_dimension``, ``filter_labels``,
    ``filter_temporal``, ``flatten_dimensions``, ``reduce_dimension``, ``rename_dimension``,
    ``resample_cube_temporal``, ``unflatten_dimension``, ``vector_reproject``.
    """

    code = "DimensionNotAvailable"
    template = "The data cube has no dimension of that name."


class DistinctDimensionLabelsRequired(ProcessError):
    """Thrown by ``aggregate_temporal``."""

    code = "DistinctDimensionLabelsRequired"
    template = "The labels are not distinct, set distinct ones with `labels`."


class DivisionByZero(ProcessError):
    """Thrown by ``divide``, ``mod``."""

    code = "DivisionByZero"
    template = "The divisor is zero, which is not supported here."


class FormatUnsuitable(ProcessError):
    """Thrown by ``load_uploaded_files``, ``load_url``, ``save_result``."""

    code = "FormatUnsuitable"
    template = "The data can't be converted to this output format."


class GeometriesOverlap(ProcessError):
    """Thrown by ``apply_polygon``."""

    code = "GeometriesOverlap"
    template = "Some of the geometries overlap, but each pixel may be processed only once."


class IncompatibleDataCubes(ProcessError):
    """Thrown by ``mask``."""

    code = "IncompatibleDataCubes"
    template = "Data cube and mask do not fit, for example because their dimensions or labels differ."


class IncompatibleGeometryTypes(ProcessError):
    """Thrown by ``merge_cubes``."""

    code = "IncompatibleGeometryTypes"
    template = "The geometry types of the two data cubes can't be combined."


class InvalidOgcApiProcess(ProcessError):
    """Thrown by ``run_ogcapi``, ``run_ogcapi_externally``."""

    code = "InvalidOgcApiProcess"
    template = "The OGC API at this address has no process with this identifier."


class InvalidRuntime(ProcessError):
    """Thrown by ``run_udf``."""

    code = "InvalidRuntime"
    template = "The back-end does not have this UDF runtime."


class InvalidVersion(ProcessError):
    """Thrown by ``run_udf``."""

    code = "InvalidVersion"
    template = "The back-end does not have this version of the UDF runtime."


class KernelDimensionsUneven(ProcessError):
    """Thrown by ``apply_kernel``."""

    code = "KernelDimensionsUneven"
    template = "The kernel needs an odd number of rows, and an odd number of weights in each row."


class LabelExists(ProcessError):
    """Thrown by ``array_append``, ``rename_labels``."""

    code = "LabelExists"
    template = "The array already has an element with that label."


class LabelMismatch(ProcessError):
    """Thrown by ``rename_labels``."""

    code = "LabelMismatch"
    template = "`source` and `target` differ in length."


class LabelNotAvailable(ProcessError):
    """Thrown by ``rename_labels``."""

    code = "LabelNotAvailable"
    template = "The dimension has no label of that name."


class LabelsNotEnumerated(ProcessError):
    """Thrown by ``rename_labels``."""

    code = "LabelsNotEnumerated"
    template = "The labels are not enumerated, so `source` is required."


class MinMaxSwapped(ProcessError):
    """Thrown by ``clip``."""

    code = "MinMaxSwapped"
    template = "`min` must not be greater than `max`."


class MultiplicandMissing(ProcessError):
    """Thrown by ``multiply``."""

    code = "MultiplicandMissing"
    template = "Two numbers are required for a multiplication."


class NirBandAmbiguous(ProcessError):
    """Thrown by ``ndvi``."""

    code = "NirBandAmbiguous"
    template = "The near infrared band is not clear, name it with `nir`."


class NoDataAvailable(ProcessError):
    """Thrown by ``load_collection``, ``load_result``, ``load_stac``."""

    code = "NoDataAvailable"
    template = "There is no data within the given extents."


class OverlapResolverMissing(ProcessError):
    """Thrown by ``merge_cubes``."""

    code = "OverlapResolverMissing"
    template = "The data cubes overlap, an overlap resolver is required."


class PropertiesUnsupported(ProcessError):
    """Thrown by ``load_stac``."""

    code = "PropertiesUnsupported"
    template = "What lies at the address cannot be searched by `properties`."


class QuantilesParameterConflict(ProcessError):
    """Thrown by ``quantiles``."""

    code = "QuantilesParameterConflict"
    template = "Set only one of `probabilities` and `q`; `quantiles` does not accept both."


class QuantilesParameterMissing(ProcessError):
    """Thrown by ``quantiles``."""

    code = "QuantilesParameterMissing"
    template = "Set `probabilities` or `q`; `quantiles` needs one of them."


class RedBandAmbiguous(ProcessError):
    """Thrown by ``ndvi``."""

    code = "RedBandAmbiguous"
    template = "The red band is not clear, name it with `red`."


class TargetDimensionExists(ProcessError):
    """Thrown by ``aggregate_spatial``, ``flatten_dimensions``, ``unflatten_dimension``."""

    code = "TargetDimensionExists"
    template = "The data cube already has a dimension with the target name."


class TemporalExtentEmpty(ProcessError):
    """Thrown by ``aggregate_temporal``, ``filter_temporal``, ``load_collection``, ``load_result``,
    ``load_stac``.
    """

    code = "TemporalExtentEmpty"
    template = "The temporal extent is empty, its end must be later than its start."


class TooManyDimensions(ProcessError):
    """Thrown by ``aggregate_temporal``, ``aggregate_temporal_period``."""

    code = "TooManyDimensions"
    template = "The data cube has several temporal dimensions, name one with `dimension`."


class UnitMismatch(ProcessError):
    """Thrown by ``vector_buffer``, ``vector_to_regular_points``."""

    code = "UnitMismatch"
    template = "The reference system of the geometries is not in metres, as the distance is."


HTTP_STATUS: dict[str, int] = {
    "Internal": 500,
    "NotFound": 404,
    "FeatureUnsupported": 501,
    "InfrastructureMaintenance": 503,
    "InfrastructureBusy": 503,
    "UnsupportedApiVersion": 404,
    "RequestTimeout": 408,
    "BudgetInvalid": 400,
    "EstimateComplexity": 500,
    "NoDataForUpdate": 400,
    "PropertyNotEditable": 400,
    "CollectionNotFound": 404,
    "StorageFailure": 500,
    "StorageQuotaExceeded": 400,
    "FileNotFound": 404,
    "FilePathInvalid": 400,
    "FileOperationUnsupported": 400,
    "FolderOperationUnsupported": 400,
    "ContentTypeInvalid": 400,
    "FileTypeInvalid": 400,
    "FileSizeExceeded": 400,
    "FileContentInvalid": 400,
    "FileLocked": 400,
    "ProcessGraphNotFound": 404,
    "ProcessInvalid": 400,
    "ProcessGraphMissing": 400,
    "ProcessGraphInvalid": 400,
    "PredefinedProcessExists": 400,
    "ProcessGraphComplexity": 400,
    "ProcessUnsupported": 400,
    "ProcessParameterUnsupported": 400,
    "ProcessParameterInvalid": 400,
    "ProcessParameterRequired": 400,
    "JobNotFound": 404,
    "JobLocked": 400,
    "JobNotFinished": 400,
    "JobNotStarted": 400,
    "ResultLinkExpired": 410,
    "PaymentRequired": 402,
    "BillingPlanInvalid": 400,
    "BillingPlanMissing": 400,
    "AuthenticationRequired": 401,
    "AuthenticationSchemeInvalid": 403,
    "TokenInvalid": 403,
    "CredentialsInvalid": 403,
    "PermissionsInsufficient": 403,
    "ServiceNotFound": 404,
    "ServiceUnsupported": 400,
    "ServiceConfigUnsupported": 400,
    "ServiceConfigInvalid": 400,
    "ServiceConfigRequired": 400,
    "ServiceDisabled": 403,
    "RequestInvalid": 400,
    "RequestTooLarge": 413,
    "MethodNotAllowed": 405,
    "PreconditionFailed": 412,
    "RangeNotSatisfiable": 416,
    "ArrayElementNotAvailable": 400,
    "ArrayElementParameterConflict": 400,
    "ArrayElementParameterMissing": 400,
    "ArrayLabelConflict": 400,
    "ArrayLengthMismatch": 400,
    "ArrayNotLabeled": 400,
    "AscendingProbabilitiesRequired": 400,
    "BandExists": 400,
    "BandFilterParameterMissing": 400,
    "CountMismatch": 400,
    "DataCubeEmpty": 400,
    "DataCubePropertiesImmutable": 400,
    "DigitalElevationModelInvalid": 400,
    "DimensionAmbiguous": 400,
    "DimensionExists": 400,
    "DimensionLabelCountMismatch": 400,
    "DimensionMismatch": 400,
    "DimensionMissing": 400,
    "DimensionNotAvailable": 400,
    "DistinctDimensionLabelsRequired": 400,
    "DivisionByZero": 400,
    "FormatUnsuitable": 400,
    "GeometriesOverlap": 400,
    "IncompatibleDataCubes": 400,
    "IncompatibleGeometryTypes": 400,
    "InvalidOgcApiProcess": 400,
    "InvalidRuntime": 400,
    "InvalidVersion": 400,
    "KernelDimensionsUneven": 400,
    "LabelExists": 400,
    "LabelMismatch": 400,
    "LabelNotAvailable": 400,
    "LabelsNotEnumerated": 400,
    "MinMaxSwapped": 400,
    "MultiplicandMissing": 400,
    "NirBandAmbiguous": 400,
    "NoDataAvailable": 400,
    "OverlapResolverMissing": 400,
    "PropertiesUnsupported": 400,
    "QuantilesParameterConflict": 400,
    "QuantilesParameterMissing": 400,
    "RedBandAmbiguous": 400,
    "TargetDimensionExists": 400,
    "TemporalExtentEmpty": 400,
    "TooManyDimensions": 400,
    "UnitMismatch": 400,
}
"""HTTP status by code; 400 for those of processes."""
