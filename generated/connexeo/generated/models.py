"""The objects of the contract.

Written by `connexeo generate` from spec/; changes by hand are lost.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, Union

ConformsTo: TypeAlias = list[str]
"""
URIs of the OGC API, STAC API and openEO conformance classes that are met. `https://api.openeo.org/1.3.0` stands for openEO as a whole; extensions define classes of their own.
"""


Production: TypeAlias = bool


ResultStatus: TypeAlias = Literal["running", "canceled", "finished", "error"]


JobId: TypeAlias = str


Updated: TypeAlias = str


Queued: TypeAlias = str


Started: TypeAlias = str


Expires: TypeAlias = str


Unpublished: TypeAlias = str


GeoJsonPoint3D: TypeAlias = list[float]
"""
Position with two coordinates, or three with height.
"""


class GeoJsonPoint(TypedDict):
    type: Literal["Point"]
    coordinates: GeoJsonPoint3D


class File(TypedDict):
    path: str
    size: NotRequired[int]
    modified: NotRequired[str]


ServiceType: TypeAlias = str


class ServiceConfiguration(TypedDict):
    """
    Settings of the service by name: protocol version, visualization, … The service type determines which exist, see `GET /service_types`.
    """


ServiceEnabled: TypeAlias = bool


ServiceId: TypeAlias = str


StorageQuotaFree: TypeAlias = int


MaxStorageQuota: TypeAlias = int


Money: TypeAlias = float | None


Budget: TypeAlias = float | None


BudgetUpdate: TypeAlias = float | None


BillingPlan: TypeAlias = str


BillingPlanNull: TypeAlias = str | None


BillingPlanNullDefault: TypeAlias = str | None


GeometryType: TypeAlias = Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"]


class Dimensions1(TypedDict):
    type: Literal["geometry"]
    geometry_type: NotRequired[list[GeometryType]]


class Dimensions2(TypedDict):
    type: Literal["bands", "temporal", "other"]


JsonSchemaType: TypeAlias = Literal["array", "boolean", "integer", "null", "number", "object", "string"]


class Link(TypedDict):
    """
    Link to another web resource, modelled on [RFC 5988](https://www.rfc-editor.org/rfc/rfc5988.html).
    """

    rel: str
    href: str
    type: NotRequired[str]
    title: NotRequired[str]


LogCode: TypeAlias = str


LogLinks: TypeAlias = list[Link]
"""
Links on this entry or error, e.g. to an explanation. See the [common relation types](#section/API-Principles/Web-Linking).
"""


LogLevel: TypeAlias = Literal["error", "warning", "info", "debug"]


MinLogLevelDefault: TypeAlias = Literal["error", "warning", "info", "debug"]


MinLogLevelUpdate: TypeAlias = Literal["error", "warning", "info", "debug"]


Created: TypeAlias = str


Description: TypeAlias = str


ObjectTitle: TypeAlias = str


EoTitle: TypeAlias = str | None


EoDescription: TypeAlias = str | None


class ProcessArgumentValue1(TypedDict):
    """
    Value of an argument, see [Process Graphs](#section/Processes/Process-Graphs).
    """

    from_parameter: NotRequired[Any]
    from_node: NotRequired[Any]
    process_graph: NotRequired[Any]


class ProcessArgumentValue2(TypedDict):
    """
    Stands for the result of another node.
    """

    from_node: str


class ProcessArgumentValue3(TypedDict):
    """
    Stands for a parameter of a process graph, whose value comes from the user or from the process that runs the graph.
    """

    from_parameter: str


ProcessNamespace: TypeAlias = str | None


ProcessId: TypeAlias = str


ProcessSummary: TypeAlias = str


ProcessCategories: TypeAlias = list[str]
"""
Categories of the process.
"""


Experimental: TypeAlias = bool


Deprecated: TypeAlias = bool


class ProcessExceptions1(TypedDict):
    description: NotRequired[str]
    message: str
    http: NotRequired[int]


ProcessExceptions: TypeAlias = dict[str, ProcessExceptions1]
"""
Errors that may end the execution of the process, chiefly those that users cause. Each key is an error code and
MUST match `^\\w+$`.

For information only, possibly incomplete. What does not stop the process (warnings, notices, debug messages)
MUST NOT be listed. Mentioning the errors in the descriptions of the process or its parameters is RECOMMENDED.
The form is that of the [list of error codes](errors.json).
"""


ProcessDescription: TypeAlias = str


class Error(TypedDict):
    """
    Reports a fault of the client or of the server. See [Error Handling](#section/API-Principles/Error-Handling) for the rules and the [list of error codes](errors.json).
    """

    id: NotRequired[str]
    code: LogCode
    message: str
    links: NotRequired[LogLinks]


class Asset(TypedDict):
    href: str
    title: NotRequired[str]
    description: NotRequired[str]
    type: NotRequired[str]
    roles: NotRequired[list[str]]


IntervalItem: TypeAlias = list[str]


class Temporal(TypedDict):
    """
    When there *may* be data.
    """

    interval: NotRequired[list[IntervalItem]]


class CubeDimensions(TypedDict):
    """
    One dimension; its name is the key.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]


StacVersion: TypeAlias = str


StacExtensions: TypeAlias = list[str]
"""
STAC extensions in use, as URLs of the JSON Schemas to validate against.
"""


StacLicense: TypeAlias = str


class StacProvider(TypedDict):
    name: str
    description: NotRequired[str]
    roles: NotRequired[list[Literal["producer", "licensor", "processor", "host"]]]
    url: NotRequired[str]


StacProviders: TypeAlias = list[StacProvider]
"""
Who captured, processed or hosts the data; any of them MAY be listed. The order SHOULD be chronological, latest last.
"""


StacAssets: TypeAlias = dict[str, Asset]
"""
Downloadable files by unique key. Clients MAY take the keys as file names.
"""


class CollectionSummaryStats(TypedDict):
    """
    Range of values that have an order: numbers, dates, times, or other strings with a rank such as grades from A to F. Further figures (`mean`, `stddev`, …) may be added.
    """

    minimum: str | float
    maximum: str | float


Bbox: TypeAlias = list[float]
"""
Bounding box in WGS 84 longitude and latitude (http://www.opengis.net/def/crs/OGC/1.3/CRS84), with four numbers, or
six if there is a vertical axis:

1. west
2. south
3. bottom (only with a vertical axis)
4. east
5. north
6. top (only with a vertical axis)

West is greater than east if the box crosses the antimeridian.
"""


CollectionId: TypeAlias = str


class Dimension(TypedDict):
    """
    One dimension; its name is the key.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]


DimensionAxisXyz: TypeAlias = Literal["x", "y", "z"]


class DimensionTemporal(TypedDict):
    """
    Dates or times after ISO 8601 (Gregorian calendar, UTC). Data that follow another system fit into an *additional dimension* whose `type` is `temporal`.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    values: NotRequired[list[str]]
    extent: list[str]
    step: NotRequired[str]


CollectionDimensionSrs: TypeAlias = float | str | dict[str, Any]


CollectionDimensionExtentOpen: TypeAlias = list[float]
"""
Lower and upper bound of [ordinal](https://en.wikipedia.org/wiki/Level_of_measurement#Ordinal_scale) values. `null` leaves that side open.
"""


CollectionDimensionValues: TypeAlias = list[float | str]
"""
All values that may occur, most useful for [nominal](https://en.wikipedia.org/wiki/Level_of_measurement#Nominal_level) ones. **The order MUST be that of the data cube**; band names MUST also be in the order of the band fields (`eo:bands`, `sar:bands`).
"""


CollectionDimensionStep: TypeAlias = float | None


CollectionDimensionUnit: TypeAlias = str


class Cpu(TypedDict):
    """
    CPU time, mostly in `cpu-seconds`.
    """

    value: float
    unit: str


class Memory(TypedDict):
    """
    Memory over time, mostly in `mb-seconds` or `gb-hours`.
    """

    value: float
    unit: str


class Duration(TypedDict):
    """
    Wall time, mostly in `seconds`, `minutes` or `hours`.
    """

    value: float
    unit: str


class Network(TypedDict):
    """
    Data sent and received over the network, mostly in `b`, `kb`, `mb` or `gb`.
    """

    value: float
    unit: str


class Disk(TypedDict):
    """
    Data read from and written to disks or other storage, mostly in `b`, `kb`, `mb` or `gb`.
    """

    value: float
    unit: str


class Storage(TypedDict):
    """
    Storage space taken up, mostly in `b`, `kb`, `mb` or `gb`.
    """

    value: float
    unit: str


class Usage(TypedDict):
    cpu: NotRequired[Cpu]
    memory: NotRequired[Memory]
    duration: NotRequired[Duration]
    network: NotRequired[Network]
    disk: NotRequired[Disk]
    storage: NotRequired[Storage]


class UsageMetric(TypedDict):
    value: float
    unit: str


class FederationBackend(TypedDict):
    """
    One back-end of the federation.
    """

    url: str
    title: NotRequired[str]
    description: NotRequired[str]
    status: NotRequired[Literal["online", "offline"]]
    last_status_check: NotRequired[str]
    last_successful_check: NotRequired[str]
    experimental: NotRequired[bool]
    deprecated: NotRequired[bool]


FederationMissing: TypeAlias = list[str]
"""
Identifiers of the back-ends that had no part in this response, for example because they did not answer in time. Those that the capabilities list as offline are named as well. Absent or empty: all took part.
"""


FederationBackends: TypeAlias = list[str]
"""
Identifiers of the back-ends that have or support this; all of them do when it is absent.
"""


class Endpoint(TypedDict):
    path: str
    methods: list[Literal["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]]


class Plan(TypedDict):
    name: str
    description: str
    paid: bool
    url: NotRequired[str]


class Billing(TypedDict):
    """
    Currency and plans. MUST be present if any billing function of the API (budgets, estimates, …) is in use. Its absence does not imply that the service is free of charge: costs may be settled outside of the API, for example by a monthly fee.
    """

    currency: str
    default_plan: NotRequired[str]
    plans: NotRequired[list[Plan]]


class Version(TypedDict):
    url: str
    production: NotRequired[Production]
    api_version: str


class WellKnownDiscovery(TypedDict):
    versions: list[Version]


class OGCConformanceClasses(TypedDict):
    conformsTo: ConformsTo


UDFRuntimes1 = TypedDict(
    "UDFRuntimes1",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "type": str,
        "default": str,
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
    },
)


UDFRuntimes: TypeAlias = dict[str, UDFRuntimes1]
"""
Environments by name; an environment is a programming language or a Docker image. Processes select it
by this key, so names should be meaningful and must not change lightly. RECOMMENDED names:

- for languages, the spelling of the [Scriptol list](https://www.scriptol.com/programming/list-programming-languages.php),
- for Docker images, the image identifier without its registry path.
"""


class Spatial(TypedDict):
    """
    Where there *may* be data.
    """

    bbox: NotRequired[list[Bbox]]


class Temporal1(TypedDict):
    """
    When there *may* be data.
    """

    interval: NotRequired[list[IntervalItem]]


class Extent1(TypedDict):
    """
    Extent of the data. Each array starts with the overall extent, which is enough for most clients; further elements are more precise, e.g. one for each cluster. Other extents (thermal, pressure, …) MAY be added as further members.
    """

    spatial: Spatial
    temporal: Temporal1


ValidationResult = TypedDict(
    "ValidationResult",
    {
        "errors": list[Error],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


class BatchJobEstimate(TypedDict):
    costs: NotRequired[Money]
    duration: NotRequired[str]
    size: NotRequired[int]
    downloads_included: NotRequired[int]
    expires: NotRequired[str]


class Temporal2(TypedDict):
    """
    When there *may* be data.
    """

    interval: NotRequired[list[IntervalItem]]


class Extent2(TypedDict):
    """
    Extent of the data. Each array starts with the overall extent, which is enough for most clients; further elements are more precise, e.g. one for each cluster. Other extents (thermal, pressure, …) MAY be added as further members.
    """

    spatial: Spatial
    temporal: Temporal2


class DefaultClient(TypedDict):
    id: str
    grant_types: list[Literal["implicit", "authorization_code", "authorization_code+pkce", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:device_code+pkce", "refresh_token"]]
    redirect_urls: NotRequired[list[str]]


class Provider(TypedDict):
    id: str
    issuer: str
    scopes: NotRequired[list[str]]
    title: str
    description: NotRequired[str]
    default_clients: NotRequired[list[DefaultClient]]
    authorization_parameters: NotRequired[dict[str, Any]]
    links: NotRequired[list[Link]]


class OpenIDConnectProviders(TypedDict):
    providers: list[Provider]


class HTTPBasicAccessToken(TypedDict):
    access_token: str


class Storage1(TypedDict):
    """
    Storage of the user, in bytes.
    """

    free: StorageQuotaFree
    quota: MaxStorageQuota


class UserData(TypedDict):
    """
    Profile. `budget` and `storage` MUST be `null` where no limit applies.
    """

    user_id: str
    name: NotRequired[str]
    default_plan: NotRequired[str]
    storage: NotRequired[Storage1]
    budget: NotRequired[float]
    links: NotRequired[list[Link]]


class Temporal3(TypedDict):
    """
    When there *may* be data.
    """

    interval: NotRequired[list[IntervalItem]]


class Extent3(TypedDict):
    """
    Extent of the data. Each array starts with the overall extent, which is enough for most clients; further elements are more precise, e.g. one for each cluster. Other extents (thermal, pressure, …) MAY be added as further members.
    """

    spatial: Spatial
    temporal: Temporal3


class DescribeSharedItemResponse(TypedDict):
    pass


class TileJSON(TypedDict):
    tilejson: str
    name: NotRequired[str]
    description: NotRequired[str]
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: NotRequired[list[float]]


UdfRuntime = TypedDict(
    "UdfRuntime",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "type": str,
        "default": str,
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
    },
)


Versions = TypedDict(
    "Versions",
    {
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "libraries": Any,
        "federation:backends": NotRequired[FederationBackends],
    },
)


UdfProgrammingLanguage = TypedDict(
    "UdfProgrammingLanguage",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "type": str,
        "default": str,
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
        "versions": dict[str, Versions],
    },
)


UdfDocker = TypedDict(
    "UdfDocker",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "type": str,
        "default": str,
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
        "docker": str,
        "tags": list[str],
    },
)


Properties = TypedDict(
    "Properties",
    {
        "datetime": str,
        "start_datetime": NotRequired[str],
        "end_datetime": NotRequired[str],
        "title": NotRequired[EoTitle],
        "description": NotRequired[EoDescription],
        "license": NotRequired[StacLicense],
        "providers": NotRequired[StacProviders],
        "created": NotRequired[Created],
        "updated": NotRequired[Updated],
        "queued": NotRequired[Queued],
        "started": NotRequired[Started],
        "expires": NotRequired[Expires],
        "unpublished": NotRequired[Unpublished],
        "openeo:status": NotRequired[ResultStatus],
    },
)


class GeoJsonGeometry(TypedDict):
    type: GeometryType


class GeoJsonLineString(TypedDict):
    type: GeometryType
    coordinates: list[GeoJsonPoint3D]


class GeoJsonPolygon(TypedDict):
    type: GeometryType
    coordinates: list[list[GeoJsonPoint3D]]


class GeoJsonMultiPoint(TypedDict):
    type: GeometryType
    coordinates: list[GeoJsonPoint3D]


class GeoJsonMultiLineString(TypedDict):
    type: GeometryType
    coordinates: list[list[GeoJsonPoint3D]]


class GeoJsonMultiPolygon(TypedDict):
    type: GeometryType
    coordinates: list[list[list[GeoJsonPoint3D]]]


class GeoJsonGeometryCollection(TypedDict):
    type: GeometryType
    geometries: list[GeoJsonGeometry]


class Dimensions(TypedDict):
    type: Literal["spatial"]
    axis: NotRequired[list[DimensionAxisXyz]]


class DatacubeJsonSchema(TypedDict):
    subtype: NotRequired[Literal["datacube"]]
    dimensions: NotRequired[list[Dimensions | Dimensions1 | Dimensions2]]


JsonSchema = TypedDict(
    "JsonSchema",
    {
        "$schema": NotRequired[str],
        "$id": NotRequired[str],
        "type": NotRequired[JsonSchemaType | list[JsonSchemaType]],
        "pattern": NotRequired[str],
        "enum": NotRequired[list[Any]],
        "minimum": NotRequired[float],
        "maximum": NotRequired[float],
        "minItems": NotRequired[float],
        "maxItems": NotRequired[float],
        "items": NotRequired[Union[list["JsonSchema"], "JsonSchema"]],
    },
)


LinksPagination: TypeAlias = list[Link]
"""
Links that belong to the list as a whole, e.g. to other pages or to an HTML version. This array itself MUST
NOT be split into pages.

Relation types of a paginated list:

- `next` (REQUIRED): following page; absent on the last one.
- `prev` (OPTIONAL): preceding page; absent on the first one.
- `first` (OPTIONAL): first page; absent there.
- `last` (OPTIONAL): last page; absent there.

See also the [common relation types](#section/API-Principles/Web-Linking).
"""


class PathItem(TypedDict):
    node_id: str
    process_id: NotRequired[ProcessId]
    namespace: NotRequired[ProcessNamespace]
    parameter: NotRequired[str]


LogEntry = TypedDict(
    "LogEntry",
    {
        "id": str,
        "code": NotRequired[LogCode],
        "level": LogLevel,
        "message": str,
        "time": NotRequired[str],
        "data": NotRequired[Any],
        "path": NotRequired[list[PathItem]],
        "usage": NotRequired[Usage],
        "stacktrace": NotRequired[str],
        "links": NotRequired[LogLinks],
        "federation:backends": NotRequired[FederationBackends],
    },
)


ResourceParameter = TypedDict(
    "ResourceParameter",
    {
        "$schema": NotRequired[str],
        "$id": NotRequired[str],
        "type": NotRequired[JsonSchemaType | list[JsonSchemaType]],
        "pattern": NotRequired[str],
        "enum": NotRequired[list[Any]],
        "minimum": NotRequired[float],
        "maximum": NotRequired[float],
        "minItems": NotRequired[float],
        "maxItems": NotRequired[float],
        "items": NotRequired[list[JsonSchema] | JsonSchema],
        "description": str,
        "required": NotRequired[bool],
        "experimental": NotRequired[Experimental],
        "default": NotRequired[Any],
        "federation:backends": NotRequired[FederationBackends],
    },
)


BaseParameter = TypedDict(
    "BaseParameter",
    {
        "name": str,
        "description": ProcessDescription,
        "optional": NotRequired[bool],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "default": NotRequired[Any],
        "federation:backends": NotRequired[FederationBackends],
    },
)


class Extent(TypedDict):
    """
    Extent of the data. Each array starts with the overall extent, which is enough for most clients; further elements are more precise, e.g. one for each cluster. Other extents (thermal, pressure, …) MAY be added as further members.
    """

    spatial: Spatial
    temporal: Temporal


Collection = TypedDict(
    "Collection",
    {
        "stac_version": StacVersion,
        "stac_extensions": NotRequired[StacExtensions],
        "type": NotRequired[Literal["Collection"]],
        "id": CollectionId,
        "title": NotRequired[str],
        "description": str,
        "keywords": NotRequired[list[str]],
        "version": NotRequired[str],
        "deprecated": NotRequired[bool],
        "license": StacLicense,
        "providers": NotRequired[StacProviders],
        "extent": Extent,
        "links": list[Link],
        "cube:dimensions": NotRequired[dict[str, CubeDimensions]],
        "summaries": NotRequired[dict[str, list[Any] | CollectionSummaryStats | JsonSchema]],
        "assets": NotRequired[StacAssets],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


class DimensionOther(TypedDict):
    """
    One dimension; its name is the key.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    extent: NotRequired[CollectionDimensionExtentOpen]
    values: NotRequired[CollectionDimensionValues]
    step: NotRequired[CollectionDimensionStep]
    unit: NotRequired[CollectionDimensionUnit]
    reference_system: NotRequired[str]


class DimensionGeometry(TypedDict):
    """
    One dimension; its name is the key.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    axes: NotRequired[list[DimensionAxisXyz]]
    bbox: Bbox
    values: NotRequired[list[str]]
    geometry_types: NotRequired[list[GeometryType]]
    reference_system: NotRequired[CollectionDimensionSrs]


class DimensionBands(TypedDict):
    """
    Only the names of the bands, which are the labels of the dimension. More about them is in `summaries`, under `eo:bands` or `sar:bands`.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    values: CollectionDimensionValues


class DimensionSpatial(TypedDict):
    """
    Raster dimension along a horizontal (x, y) or vertical (z) axis.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    axis: DimensionAxisXyz
    extent: NotRequired[list[float]]
    values: NotRequired[list[float]]
    step: NotRequired[CollectionDimensionStep]
    reference_system: NotRequired[CollectionDimensionSrs]


class DimensionSpatialHorizontal(TypedDict):
    """
    Raster dimension along a horizontal (x, y) or vertical (z) axis.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    axis: DimensionAxisXyz
    extent: list[float]
    values: NotRequired[list[float]]
    step: NotRequired[CollectionDimensionStep]
    reference_system: NotRequired[CollectionDimensionSrs]


class DimensionSpatialVertical(TypedDict):
    """
    Raster dimension along a horizontal (x, y) or vertical (z) axis.
    """

    type: Literal["spatial", "temporal", "bands", "geometry", "other"]
    description: NotRequired[Description]
    axis: DimensionAxisXyz
    extent: NotRequired[list[float]]
    values: NotRequired[list[float]]
    step: NotRequired[CollectionDimensionStep]
    reference_system: NotRequired[CollectionDimensionSrs]


Federation: TypeAlias = dict[str, FederationBackend]
"""
The back-ends of the federation, by the identifier that all other responses use for them.
"""


class Capabilities(TypedDict):
    api_version: Literal["1.3.0"]
    backend_version: str
    stac_version: StacVersion
    type: Literal["Catalog"]
    id: str
    title: str
    description: str
    conformsTo: ConformsTo
    production: NotRequired[Production]
    endpoints: list[Endpoint]
    billing: NotRequired[Billing]
    links: list[Link]
    federation: NotRequired[Federation]


Collections = TypedDict(
    "Collections",
    {
        "collections": list[Collection],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


DescribeCollectionResponse = TypedDict(
    "DescribeCollectionResponse",
    {
        "stac_version": StacVersion,
        "stac_extensions": NotRequired[StacExtensions],
        "type": NotRequired[Literal["Collection"]],
        "id": CollectionId,
        "title": NotRequired[str],
        "description": str,
        "keywords": NotRequired[list[str]],
        "version": NotRequired[str],
        "deprecated": NotRequired[bool],
        "license": StacLicense,
        "providers": NotRequired[StacProviders],
        "extent": Extent1,
        "links": list[Link],
        "cube:dimensions": dict[str, CubeDimensions],
        "summaries": dict[str, list[Any] | CollectionSummaryStats | JsonSchema],
        "assets": NotRequired[StacAssets],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


DebugJobResponse = TypedDict(
    "DebugJobResponse",
    {
        "level": NotRequired[Literal["error", "warning", "info", "debug"]],
        "logs": list[LogEntry],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


ListResultsResponse1 = TypedDict(
    "ListResultsResponse1",
    {
        "stac_version": StacVersion,
        "stac_extensions": NotRequired[StacExtensions],
        "type": NotRequired[Literal["Collection"]],
        "id": CollectionId,
        "title": NotRequired[str],
        "description": str,
        "keywords": NotRequired[list[str]],
        "version": NotRequired[str],
        "deprecated": NotRequired[bool],
        "license": StacLicense,
        "providers": NotRequired[StacProviders],
        "extent": Extent2,
        "links": list[Link],
        "cube:dimensions": NotRequired[dict[str, CubeDimensions]],
        "summaries": NotRequired[dict[str, list[Any] | CollectionSummaryStats | JsonSchema]],
        "assets": StacAssets,
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
        "created": NotRequired[Created],
        "updated": NotRequired[Updated],
        "queued": NotRequired[Queued],
        "started": NotRequired[Started],
        "expires": NotRequired[Expires],
        "unpublished": NotRequired[Unpublished],
        "openeo:status": NotRequired[ResultStatus],
    },
)


WorkspaceFiles = TypedDict(
    "WorkspaceFiles",
    {
        "files": list[File],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


DebugServiceResponse = TypedDict(
    "DebugServiceResponse",
    {
        "level": NotRequired[Literal["error", "warning", "info", "debug"]],
        "logs": list[LogEntry],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


DebugResultResponse = TypedDict(
    "DebugResultResponse",
    {
        "level": NotRequired[Literal["error", "warning", "info", "debug"]],
        "logs": list[LogEntry],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


ListSharedResultsResponse = TypedDict(
    "ListSharedResultsResponse",
    {
        "stac_version": StacVersion,
        "stac_extensions": NotRequired[StacExtensions],
        "type": NotRequired[Literal["Collection"]],
        "id": CollectionId,
        "title": NotRequired[str],
        "description": str,
        "keywords": NotRequired[list[str]],
        "version": NotRequired[str],
        "deprecated": NotRequired[bool],
        "license": StacLicense,
        "providers": NotRequired[StacProviders],
        "extent": Extent3,
        "links": list[Link],
        "cube:dimensions": NotRequired[dict[str, CubeDimensions]],
        "summaries": NotRequired[dict[str, list[Any] | CollectionSummaryStats | JsonSchema]],
        "assets": StacAssets,
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


FileFormat = TypedDict(
    "FileFormat",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "gis_data_types": list[Literal["raster", "vector", "table", "pointcloud", "other"]],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "parameters": dict[str, ResourceParameter],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
    },
)


BatchJobResult = TypedDict(
    "BatchJobResult",
    {
        "stac_version": StacVersion,
        "stac_extensions": NotRequired[StacExtensions],
        "id": JobId,
        "type": Literal["Feature"],
        "bbox": NotRequired[Bbox],
        "geometry": GeoJsonGeometry | dict[str, Any],
        "properties": Properties,
        "assets": StacAssets,
        "links": list[Link],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


class ProcessJsonSchema1(JsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[str]
    deprecated: NotRequired[Deprecated]


class ProcessJsonSchema3(DatacubeJsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[Literal["datacube"]]
    deprecated: NotRequired[Deprecated]


class Returns1(JsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[str]
    deprecated: NotRequired[Deprecated]


class Returns3(DatacubeJsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[Literal["datacube"]]
    deprecated: NotRequired[Deprecated]


FileFormats = TypedDict(
    "FileFormats",
    {
        "input": dict[str, FileFormat],
        "output": dict[str, FileFormat],
        "federation:missing": NotRequired[FederationMissing],
    },
)


ListResultsResponse: TypeAlias = BatchJobResult | ListResultsResponse1


BatchJob = TypedDict(
    "BatchJob",
    {
        "id": JobId,
        "title": NotRequired[EoTitle],
        "description": NotRequired[EoDescription],
        "process": NotRequired["ProcessGraphWithMetadata"],
        "status": Literal["created", "queued", "running", "canceled", "finished", "error"],
        "progress": NotRequired[float],
        "created": Created,
        "updated": NotRequired[Updated],
        "queued": NotRequired[Queued],
        "started": NotRequired[Started],
        "unpublished": NotRequired[Unpublished],
        "plan": NotRequired[BillingPlan],
        "costs": NotRequired[Money],
        "budget": NotRequired[Budget],
        "usage": NotRequired[Usage],
        "log_level": NotRequired[MinLogLevelDefault],
        "links": NotRequired[list[Link]],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


class Example(TypedDict):
    title: NotRequired[str]
    description: NotRequired[ProcessDescription]
    arguments: ProcessArguments
    returns: NotRequired[Any]


UserDefinedProcessMeta = TypedDict(
    "UserDefinedProcessMeta",
    {
        "summary": NotRequired[str],
        "description": NotRequired[str],
        "parameters": NotRequired[list[Any]],
        "returns": NotRequired[Union["ProcessReturnValue", dict[str, Any]]],
        "id": ProcessId,
        "categories": NotRequired[ProcessCategories],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": NotRequired["ProcessGraph"],
        "federation:backends": NotRequired[FederationBackends],
    },
)


Service = TypedDict(
    "Service",
    {
        "id": ServiceId,
        "title": NotRequired[EoTitle],
        "description": NotRequired[EoDescription],
        "url": str,
        "type": ServiceType,
        "enabled": ServiceEnabled,
        "process": NotRequired["ProcessGraphWithMetadata"],
        "configuration": NotRequired[ServiceConfiguration],
        "attributes": NotRequired[dict[str, Any]],
        "created": NotRequired[Created],
        "plan": NotRequired[BillingPlan],
        "costs": NotRequired[Money],
        "budget": NotRequired[Budget],
        "usage": NotRequired[Usage],
        "log_level": NotRequired[MinLogLevelDefault],
        "federation:backends": NotRequired[FederationBackends],
    },
)


DataTypeSchema: TypeAlias = Union["ProcessJsonSchema", list["ProcessJsonSchema"]]


ProcessSchema: TypeAlias = Union["ProcessJsonSchema", list["ProcessJsonSchema"]]


ProcessJsonSchema: TypeAlias = Union[ProcessJsonSchema1, "ProcessJsonSchema2", ProcessJsonSchema3]


class Returns4(TypedDict):
    """
    What the child process graph returns.
    """

    description: NotRequired[ProcessDescription]
    schema: DataTypeSchema


Returns: TypeAlias = Union["Returns5", "Returns6", "Returns7"]
"""
What the child process graph returns.
"""


class ProcessGraphJsonSchema(TypedDict):
    subtype: NotRequired[Literal["process-graph"]]
    parameters: NotRequired[list[Parameter]]
    returns: NotRequired[Returns]


ProcessArguments: TypeAlias = dict[str, "ProcessArgumentValue"]


ProcessArgumentValue: TypeAlias = Union[
    ProcessArgumentValue1,
    str,
    float,
    bool,
    list["ProcessArgumentValue"],
    "ProcessGraphWithMetadata",
    ProcessArgumentValue2,
    ProcessArgumentValue3,
]


class ProcessGraph1(TypedDict):
    process_id: ProcessId
    namespace: NotRequired[ProcessNamespace]
    result: NotRequired[bool]
    description: NotRequired[str]
    arguments: ProcessArguments


ProcessGraph: TypeAlias = dict[str, ProcessGraph1]
"""
Processes that are connected by references to each other's results. Each key is a node id, unique within the graph.
"""


Process = TypedDict(
    "Process",
    {
        "id": NotRequired[ProcessId],
        "summary": NotRequired[ProcessSummary],
        "description": NotRequired[ProcessDescription],
        "categories": NotRequired[ProcessCategories],
        "parameters": NotRequired["ProcessParameters"],
        "returns": NotRequired["ProcessReturnValue"],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": NotRequired[ProcessGraph],
        "federation:backends": NotRequired[FederationBackends],
    },
)


ProcessGraphWithMetadata = TypedDict(
    "ProcessGraphWithMetadata",
    {
        "id": NotRequired[ProcessId | None],
        "summary": NotRequired[str],
        "description": NotRequired[str],
        "parameters": NotRequired[list[Any]],
        "returns": NotRequired[Union["ProcessReturnValue", dict[str, Any]]],
        "categories": NotRequired[ProcessCategories],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": ProcessGraph,
        "federation:backends": NotRequired[FederationBackends],
    },
)


ProcessReturnValue = TypedDict(
    "ProcessReturnValue",
    {
        "description": NotRequired[ProcessDescription],
        "schema": ProcessSchema,
        "federation:backends": NotRequired[FederationBackends],
    },
)


ProcessParameters: TypeAlias = list["ProcessParameter"]
"""
Parameters, in the order that clients use where parameters have no names.

An empty array says that there are no parameters. Absent or (where allowed) `null` says that they are unknown: the
user has not listed them, yet the process graph may use some.
"""


Parameter = TypedDict(
    "Parameter",
    {
        "name": str,
        "description": ProcessDescription,
        "optional": NotRequired[bool],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "default": NotRequired[Any],
        "federation:backends": NotRequired[FederationBackends],
        "schema": DataTypeSchema,
    },
)


ProcessParameter = TypedDict(
    "ProcessParameter",
    {
        "name": str,
        "description": ProcessDescription,
        "optional": NotRequired[bool],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "default": NotRequired[Any],
        "federation:backends": NotRequired[FederationBackends],
        "schema": ProcessSchema,
    },
)


Process1 = TypedDict(
    "Process1",
    {
        "id": ProcessId,
        "summary": NotRequired[ProcessSummary],
        "description": ProcessDescription,
        "categories": NotRequired[ProcessCategories],
        "parameters": ProcessParameters,
        "returns": ProcessReturnValue,
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": NotRequired[ProcessGraph],
        "federation:backends": NotRequired[FederationBackends],
    },
)


Processes = TypedDict(
    "Processes",
    {
        "version": NotRequired[str],
        "processes": list[Process1],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


class SynchronousResultRequest(TypedDict):
    process: ProcessGraphWithMetadata
    budget: NotRequired[Budget]
    plan: NotRequired[BillingPlanNullDefault]
    log_level: NotRequired[MinLogLevelDefault]


BatchJobs = TypedDict(
    "BatchJobs",
    {
        "jobs": list[BatchJob],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


class StoreBatchJobRequest(TypedDict):
    title: NotRequired[EoTitle]
    description: NotRequired[EoDescription]
    process: ProcessGraphWithMetadata
    plan: NotRequired[BillingPlanNullDefault]
    budget: NotRequired[Budget]
    log_level: NotRequired[MinLogLevelDefault]


class UpdateBatchJobRequest(TypedDict):
    title: NotRequired[EoTitle]
    description: NotRequired[EoDescription]
    process: NotRequired[ProcessGraphWithMetadata]
    plan: NotRequired[BillingPlanNull]
    budget: NotRequired[BudgetUpdate]
    log_level: NotRequired[MinLogLevelUpdate]


DescribeJobResponse = TypedDict(
    "DescribeJobResponse",
    {
        "id": JobId,
        "title": NotRequired[EoTitle],
        "description": NotRequired[EoDescription],
        "process": ProcessGraphWithMetadata,
        "status": Literal["created", "queued", "running", "canceled", "finished", "error"],
        "progress": NotRequired[float],
        "created": Created,
        "updated": NotRequired[Updated],
        "queued": NotRequired[Queued],
        "started": NotRequired[Started],
        "unpublished": NotRequired[Unpublished],
        "plan": NotRequired[BillingPlan],
        "costs": NotRequired[Money],
        "budget": NotRequired[Budget],
        "usage": NotRequired[Usage],
        "log_level": NotRequired[MinLogLevelDefault],
        "links": NotRequired[list[Link]],
        "federation:missing": NotRequired[FederationMissing],
        "federation:backends": NotRequired[FederationBackends],
    },
)


UserDefinedProcesses = TypedDict(
    "UserDefinedProcesses",
    {
        "processes": list[UserDefinedProcessMeta],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


DescribeCustomProcessResponse = TypedDict(
    "DescribeCustomProcessResponse",
    {
        "summary": NotRequired[str],
        "description": NotRequired[str],
        "parameters": NotRequired[list[Any]],
        "returns": NotRequired[ProcessReturnValue | dict[str, Any]],
        "id": ProcessId,
        "categories": NotRequired[ProcessCategories],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": ProcessGraph,
        "federation:backends": NotRequired[FederationBackends],
    },
)


ServiceTypes1 = TypedDict(
    "ServiceTypes1",
    {
        "title": NotRequired[ObjectTitle],
        "description": NotRequired[Description],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "configuration": dict[str, ResourceParameter],
        "process_parameters": list[ProcessParameter],
        "links": NotRequired[list[Link]],
        "federation:backends": NotRequired[FederationBackends],
    },
)


ServiceTypes: TypeAlias = dict[str, ServiceTypes1]
"""
Service types by name.
"""


SecondaryWebServices = TypedDict(
    "SecondaryWebServices",
    {
        "services": list[Service],
        "links": LinksPagination,
        "federation:missing": NotRequired[FederationMissing],
    },
)


class StoreSecondaryWebServiceRequest(TypedDict):
    title: NotRequired[EoTitle]
    description: NotRequired[EoDescription]
    process: ProcessGraphWithMetadata
    type: ServiceType
    enabled: NotRequired[ServiceEnabled]
    configuration: NotRequired[ServiceConfiguration]
    plan: NotRequired[BillingPlanNullDefault]
    budget: NotRequired[Budget]
    log_level: NotRequired[MinLogLevelDefault]


class UpdateSecondaryWebServiceRequest(TypedDict):
    title: NotRequired[EoTitle]
    description: NotRequired[EoDescription]
    process: NotRequired[ProcessGraphWithMetadata]
    enabled: NotRequired[ServiceEnabled]
    configuration: NotRequired[ServiceConfiguration]
    plan: NotRequired[BillingPlanNull]
    budget: NotRequired[BudgetUpdate]
    log_level: NotRequired[MinLogLevelUpdate]


DescribeServiceResponse = TypedDict(
    "DescribeServiceResponse",
    {
        "id": ServiceId,
        "title": NotRequired[EoTitle],
        "description": NotRequired[EoDescription],
        "url": str,
        "type": ServiceType,
        "enabled": ServiceEnabled,
        "process": ProcessGraphWithMetadata,
        "configuration": ServiceConfiguration,
        "attributes": dict[str, Any],
        "created": NotRequired[Created],
        "plan": NotRequired[BillingPlan],
        "costs": NotRequired[Money],
        "budget": NotRequired[Budget],
        "usage": NotRequired[Usage],
        "log_level": NotRequired[MinLogLevelDefault],
        "federation:backends": NotRequired[FederationBackends],
    },
)


DescribeSharedProcessResponse = TypedDict(
    "DescribeSharedProcessResponse",
    {
        "summary": NotRequired[str],
        "description": NotRequired[str],
        "parameters": NotRequired[list[Any]],
        "returns": NotRequired[ProcessReturnValue | dict[str, Any]],
        "id": ProcessId,
        "categories": NotRequired[ProcessCategories],
        "deprecated": NotRequired[Deprecated],
        "experimental": NotRequired[Experimental],
        "exceptions": NotRequired[ProcessExceptions],
        "examples": NotRequired[list[Example]],
        "links": NotRequired[list[Link]],
        "process_graph": ProcessGraph,
        "federation:backends": NotRequired[FederationBackends],
    },
)


class Returns5(Returns1, Returns4):
    """
    What the child process graph returns.
    """

    description: NotRequired[ProcessDescription]
    schema: DataTypeSchema


class Returns7(Returns3, Returns4):
    """
    What the child process graph returns.
    """

    description: NotRequired[ProcessDescription]
    schema: DataTypeSchema


class ProcessJsonSchema2(ProcessGraphJsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[Literal["process-graph"]]
    deprecated: NotRequired[Deprecated]


class Returns2(ProcessGraphJsonSchema):
    """
    Data type of a parameter or return value, given as [JSON Schema draft-07](http://json-schema.org/); see
    [Defining Processes](#section/Processes/Defining-Processes).

    - `default`, `allOf`, `anyOf`, `oneOf` and `not` SHOULD NOT appear at the top level; alternatives are separate elements of the array.
    - These keywords SHOULD NOT be used: `patternProperties`, `minProperties`, `maxProperties`, `dependencies`, `readOnly`, `writeOnly`, `if`, `then`, `else`.
    - Every `$ref` SHOULD be resolved beforehand; clients need not be able to do that.
    - Only common keywords are listed here, others MAY be used.
    """

    subtype: NotRequired[Literal["process-graph"]]
    deprecated: NotRequired[Deprecated]


class Returns6(Returns2, Returns4):
    """
    What the child process graph returns.
    """

    description: NotRequired[ProcessDescription]
    schema: DataTypeSchema