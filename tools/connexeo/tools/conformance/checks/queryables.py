"""Queryables of collections: the properties that can be filtered by."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.json_types import is_schema
from connexeo.tools.conformance.members import is_served
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import collection_entries, is_here, object_of
from connexeo.tools.conformance.shapes import mapping, targets, text
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation

_OPERATION = "GET /collections/{collection_id}/queryables"
_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
_MOST = 5


@requirement(
    330, layer="collections", operations=(_OPERATION,), mend="Answer with a JSON Schema of type object."
)
def schemas(backend: BackEnd) -> Iterator[Violation]:
    """Each is a valid JSON Schema."""
    for entry in backend.once(collection_entries)[:_MOST]:
        place = f"queryables of {entry.id}"
        answer = backend.reader.get(f"/collections/{encoded(entry.id)}/queryables")
        document = object_of(answer)
        if document is None and answer.status == 503 and not is_served(backend, entry.value):
            continue
        if document is None:
            yield Violation(f"HTTP {answer.status}, and no JSON object", answer, place=place)
            continue
        if fault := is_schema(document):
            yield Violation(f"it is no JSON Schema: {fault}", answer, place=place)
        if document.get("type") != "object" or not isinstance(document.get("properties"), dict):
            message = "it is no schema of an object with `properties`"
            # Clients read nothing else; without properties they find nothing to filter by.
            severity = Severity.MAJOR if document.get("type") != "object" else None
            yield Violation(message, answer, place=place, severity=severity)
        for name, schema in mapping(document.get("properties")).items():
            # A queryable may be described elsewhere, by a reference.
            if fault := is_schema(schema):
                yield Violation(f"the queryable {name} is no JSON Schema: {fault}", answer, place=place)


@check(
    "queryables.declared",
    "Queryables name the JSON Schema that they are, and where they are",
    layer="collections",
    source="openEO API, GET /collections/{collection_id}/queryables; OGC API - Features, Part 3",
    operations=(_OPERATION,),
    severity=Severity.MINOR,
    mend="Set `$schema` and `$id`, and link to the queryables from the collection.",
)
def declared(backend: BackEnd) -> Iterator[Violation]:
    """``$schema`` names a draft that clients know, ``$id`` the document."""
    for entry in backend.once(collection_entries)[:1]:
        answer = backend.reader.get(f"/collections/{encoded(entry.id)}/queryables")
        document = object_of(answer)
        if document is None:
            raise NotApplicable("there are no queryables")
        place = f"queryables of {entry.id}"
        if "json-schema.org" not in text(document.get("$schema")):
            yield Violation(
                f"`$schema` is {document.get('$schema')!r}, no draft of JSON Schema", answer, place=place
            )
        if not text(document.get("$id")).startswith(("https://", "http://", "urn:")):
            yield Violation(f"`$id` is {document.get('$id')!r}, no URI", answer, place=place)
        for target in targets(entry.value, _RELATION):
            if is_here(backend, target) and object_of(backend.reader.get(target)) is None:
                yield Violation("the link to the queryables leads nowhere", entry.evidence, place=place)
