"""Checks of the contract: everything that can be found out before a server runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from connexeo.tools.spec.build import build_document, operations
from connexeo.tools.spec.documents import Document, SpecError, read_mapping
from connexeo.tools.spec.json_schema import SchemaJudge
from connexeo.tools.spec.references import find, pointer
from connexeo.tools.spec.sources import SpecFolder
from connexeo.tools.spec.walk import references, samples


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def check_contract(spec: SpecFolder, generated: Path | None) -> Iterator[Finding]:
    """All checks of a spec folder, and of the files generated from it unless ``generated`` is None."""
    try:
        document = build_document(spec=spec)
        for driver in spec.driver_overlays():
            yield from check_document(build_document(spec=spec, driver=driver))
    except SpecError as error:
        yield Finding("build", str(error))
        return
    faults = list(check_document(document))
    yield from faults
    yield from check_errors(spec)
    if not faults:
        # Imported here: these modules need this one.
        from connexeo.tools.spec.process_definitions import check_processes
        from connexeo.tools.spec.profiles import check_profiles

        yield from check_processes(spec, document)
        yield from check_profiles(spec, document)
        if generated is not None:
            yield from _check_generated(spec, generated)


def check_document(document: Mapping[str, Any], *, strict: bool = True) -> Iterator[Finding]:
    """Checks of one merged document: valid OpenAPI, resolvable references, unique ids, fitting examples.

    Raises:
        SpecError: when openapi-spec-validator is not installed, unless ``strict`` is off.
    """
    faults = [*_check_references(document), *_check_operation_ids(document)]
    # Each step needs what the one before has found to be right.
    if not faults and (strict or importlib.util.find_spec("openapi_spec_validator") is not None):
        faults = list(_check_openapi(document))
    yield from faults or check_samples(document)


def _check_references(document: Mapping[str, Any]) -> Iterator[Finding]:
    for place, reference in references(document):
        try:
            find(document, reference)
        except SpecError as error:
            yield Finding(place, str(error))


def _check_operation_ids(document: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, method, node in operations(document):
        place = f"{method.upper()} {path}"
        identifier = node.get("operationId")
        if not identifier:
            yield Finding(place, "the operation has no operationId")
        elif identifier in seen:
            yield Finding(place, f"the operationId '{identifier}' is also that of {seen[identifier]}")
        else:
            seen[identifier] = place


def _check_openapi(document: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        # A development dependency.
        from openapi_spec_validator import OpenAPIV30SpecValidator
        from openapi_spec_validator.schemas import schema_v30
        from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
    except ModuleNotFoundError as error:
        raise SpecError(
            "openapi-spec-validator is not installed; it comes with the dependency group 'test'"
        ) from error
    structure = jsonschema_rs.Draft4Validator(dict(schema_v30))
    for fault in structure.iter_errors(document):
        cause = _deepest(fault)
        yield Finding(pointer(*cause.instance_path), cause.message[:300])
    for finding in OpenAPIV30SpecValidator(document).iter_errors():
        # What is left besides the structure has classes of its own: path parameters that are missing or doubled.
        # Its check of defaults is not among them; ours knows the place.
        if isinstance(finding, OpenAPIValidationError) and type(finding) is not OpenAPIValidationError:
            yield Finding("#/paths", finding.message)


def _deepest(fault: jsonschema_rs.ValidationError) -> jsonschema_rs.ValidationError:
    """Of alternatives that all fail, the one that got furthest: most often it is what was meant."""
    context = getattr(fault.kind, "context", None)
    inner = [_deepest(entry) for alternative in context or () for entry in alternative]
    inner = [entry for entry in inner if "$ref" not in entry.message]
    return max(inner, key=lambda entry: len(entry.instance_path), default=fault)


def check_samples(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Examples and defaults that do not fit their schema."""
    judge = SchemaJudge(document)
    for sample in samples(document):
        for fault in judge.compile(sample.schema)(sample.value):
            yield Finding(sample.place, fault)


def check_errors(spec: SpecFolder) -> Iterator[Finding]:
    """The error codes: each needs status, message, description and tags."""
    label = spec.label(spec.errors)
    try:
        errors: Document = read_mapping(spec.errors)
    except SpecError as error:
        yield Finding(label, str(error))
        return
    for code, entry in errors.items():
        for fault in _error_faults(code, entry):
            yield Finding(f"{label}, {code}", fault)


def _error_faults(code: str, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "not a mapping"
        return
    if not code.isidentifier() or not code[0].isupper():
        yield "a code is a name in CamelCase"
    if not isinstance(entry.get("http"), int) or not 400 <= entry["http"] <= 599:
        yield "http is a status between 400 and 599"
    for key in ("message", "description"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f"there is no {key}"
    if not isinstance(entry.get("tags"), list) or not entry["tags"]:
        yield "there are no tags"


def _check_generated(spec: SpecFolder, folder: Path) -> Iterator[Finding]:
    from connexeo.tools.generate.package import generate_files, stale_files  # slow to import

    for name in stale_files(generate_files(spec), folder):
        yield Finding(f"generated/{name}", "stale; run `connexeo generate`")
