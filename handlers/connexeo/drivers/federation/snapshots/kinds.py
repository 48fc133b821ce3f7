"""What is kept of each back-end, and how it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CAPABILITIES = "capabilities"
COLLECTIONS = "collections"
COLLECTION = "collection"
"""One collection in full; its key is the id of the collection."""
PROCESSES = "processes"
FILE_FORMATS = "file_formats"
UDF_RUNTIMES = "udf_runtimes"
SERVICE_TYPES = "service_types"
PROVIDERS = "providers"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of documents."""

    name: str
    path: str
    """Where it is."""
    entries: str | None = None
    """Property of a list with pages; None where one document is all."""


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(COLLECTIONS, "/collections", "collections"),
        Kind(PROCESSES, "/processes", "processes"),
        Kind(FILE_FORMATS, "/file_formats"),
        Kind(UDF_RUNTIMES, "/udf_runtimes"),
        Kind(SERVICE_TYPES, "/service_types"),
        Kind(PROVIDERS, "/credentials/oidc", "providers"),
    )
}
"""What is refreshed in the background, besides the capabilities that each check brings."""

ABSENT = frozenset({404, 405, 501})
"""HTTP statuses of back-ends that do not have such a thing."""
