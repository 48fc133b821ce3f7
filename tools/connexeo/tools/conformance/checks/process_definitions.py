"""Definitions of predefined processes: sound in themselves, and those of the standard where they bear its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.processes import place_of
from connexeo.tools.conformance.json_types import alternatives, fits, is_schema
from connexeo.tools.conformance.process_comparison import differences, standard_processes
from connexeo.tools.conformance.process_examples import holds_reference
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import listed_processes
from connexeo.tools.conformance.shapes import is_absolute, links_of, mapping, objects, text
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation
from connexeo.tools.conformance.versions import version_number

_LIST = "GET /processes"


@check(
    "processes.standard",
    "Processes that bear names of the standard are those of the standard",
    layer="processes",
    source="openEO processes 2.0.0-rc.2",
    operations=(_LIST,),
    mend="Define the process as the standard does, or give it another name.",
)
def standard(backend: BackEnd) -> Iterator[Violation]:
    """A graph that the standard allows is understood."""
    defined = standard_processes()
    found = [entry for entry in backend.once(listed_processes) if entry.id in defined]
    if not found:
        raise NotApplicable("no process of the standard is listed")
    for entry in found:
        for difference in differences(defined[entry.id], entry.value):
            yield Violation(
                difference.message, entry.evidence, place=place_of(entry), severity=difference.severity
            )


@check(
    "processes.schemas",
    "Schemas of parameters and return values are valid, and defaults and examples fit them",
    layer="processes",
    source="openEO API, Defining Processes",
    operations=(_LIST,),
    mend="Correct the schema, or the value that does not fit it.",
)
def schemas(backend: BackEnd) -> Iterator[Violation]:
    """Schemas are JSON Schemas of draft 7."""
    for entry in backend.once(listed_processes):
        place = place_of(entry)
        schema = mapping(entry.value.get("returns")).get("schema")
        for fault in _no_schemas(schema):
            yield Violation(
                f"the schema of the return value is no JSON Schema: {fault}", entry.evidence, place=place
            )
        for parameter in objects(entry.value.get("parameters")):
            name, schema = parameter.get("name"), parameter.get("schema")
            faults = list(_no_schemas(schema))
            for fault in faults:
                message = f"the schema of the parameter {name} is no JSON Schema: {fault}"
                yield Violation(message, entry.evidence, place=place)
            # An optional null means that it is not given, whether the schema has null or not.
            default = parameter.get("default")
            if not faults and default is not None and not fits(default, schema):
                message = f"the default {default!r} of the parameter {name} does not fit its schema"
                yield Violation(message, entry.evidence, place=place)


def _no_schemas(schema: Any) -> Iterator[str]:
    if not isinstance(schema, Mapping | list):
        yield "it is missing"
    for each in alternatives(schema):
        if fault := is_schema(each):
            yield fault


@check(
    "processes.parameters",
    "Parameters are told apart, and required ones come first",
    layer="processes",
    source="openEO API, Defining Processes",
    operations=(_LIST,),
    mend="Give each parameter its own name, and list those first that must be given.",
)
def parameters(backend: BackEnd) -> Iterator[Violation]:
    """Names occur once; clients that give arguments by position can leave out the last ones."""
    for entry in backend.once(listed_processes):
        place = place_of(entry)
        found = objects(entry.value.get("parameters"))
        names = [text(parameter.get("name")) for parameter in found]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Violation(f"two parameters are called {name}", entry.evidence, place=place)
        optional = [parameter.get("optional") is True for parameter in found]
        if optional != sorted(optional):
            message = "a required parameter comes after an optional one"
            yield Violation(message, entry.evidence, place=place, severity=Severity.MINOR)
        for parameter in found:
            if parameter.get("default") is not None and parameter.get("optional") is not True:
                message = f"the parameter {parameter.get('name')} has a default, but is not optional"
                yield Violation(message, entry.evidence, place=place, severity=Severity.MINOR)


@check(
    "processes.examples-fit",
    "Examples of processes give the parameters that there are, with values that fit",
    layer="processes",
    source="openEO API, GET /processes, `examples`",
    operations=(_LIST,),
    severity=Severity.MINOR,
    mend="Correct the example.",
)
def examples(backend: BackEnd) -> Iterator[Violation]:
    """Whoever copies an example is understood."""
    for entry in backend.once(listed_processes):
        declared = {text(each.get("name")): each for each in objects(entry.value.get("parameters"))}
        for example in objects(entry.value.get("examples")):
            for message, about in _faults_of_example(declared, entry.value, example):
                place = f"{place_of(entry)}, {about}" if about else place_of(entry)
                yield Violation(f"an example {message}", entry.exchange.showing(example), place=place)


def _faults_of_example(
    declared: Mapping[str, Mapping[str, Any]], process: Mapping[str, Any], example: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Each with the parameter that it is about."""
    arguments = mapping(example.get("arguments"))
    for name, value in arguments.items():
        if name not in declared:
            yield "has an argument that is no parameter", name
        elif (
            not holds_reference(value) and value is not None and not fits(value, declared[name].get("schema"))
        ):
            yield "has an argument that does not fit its schema", name
    for name, parameter in declared.items():
        if parameter.get("optional") is not True and name not in arguments:
            yield "lacks a required parameter", name
    returned = example.get("returns")
    if returned is not None and not fits(returned, mapping(process.get("returns")).get("schema")):
        yield "returns what does not fit its schema", ""


@check(
    "processes.subtypes",
    "Data cubes have the subtype that clients know",
    layer="processes",
    source="openEO processes 2.0.0-rc.2, subtypes",
    operations=(_LIST,),
    severity=Severity.MINOR,
    mend="Call the subtype datacube; `dimensions` tells raster and vector cubes apart.",
)
def subtypes(backend: BackEnd) -> Iterator[Violation]:
    """Since 2.0 there is one subtype of cubes, which API 1.3 refers to."""
    if (version_number(backend.discovery.api_version) or (0, 0))[:2] < (1, 3):
        raise NotApplicable("this version of the API comes with processes that have other subtypes")
    for entry in backend.once(listed_processes):
        schemas = [each.get("schema") for each in objects(entry.value.get("parameters"))]
        schemas.append(mapping(entry.value.get("returns")).get("schema"))
        found = {text(each.get("subtype")) for schema in schemas for each in alternatives(schema)}
        for old in sorted(found & {"raster-cube", "vector-cube"}):
            yield Violation(f"the subtype {old} is now datacube", entry.evidence, place=place_of(entry))


@check(
    "processes.links",
    "Links of processes are absolute",
    layer="processes",
    source="openEO API, Web Linking",
    operations=(_LIST,),
    severity=Severity.MINOR,
    mend="Give whole URLs.",
)
def links(backend: BackEnd) -> Iterator[Violation]:
    """Links can be followed wherever a definition is read."""
    for entry in backend.once(listed_processes):
        for link in links_of(entry.value):
            if not is_absolute(text(link["href"])):
                evidence = entry.exchange.showing(link)
                yield Violation(f"the link {link['href']} is not absolute", evidence, place=place_of(entry))
