"""Checks of the process definitions: the contract's own schema, and what no schema can say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

from connexeo.tools.spec.check import Finding
from connexeo.tools.spec.documents import SpecError, read_mapping
from connexeo.tools.spec.json_schema import SchemaJudge
from connexeo.tools.spec.references import resolve
from connexeo.tools.spec.sources import SpecFolder

_REFERENCE_KEYS = ("from_node", "from_parameter", "process_graph")


def check_processes(spec: SpecFolder, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Check every file of ``spec/processes``."""
    faults_of = SchemaJudge(document).compile(_process_schema(document))
    seen: dict[str, str] = {}
    for path in spec.processes:
        label = spec.label(path)
        try:
            process = read_mapping(path)
        except SpecError as error:
            yield Finding(label, str(error))
            continue
        faults = [Finding(label, fault) for fault in faults_of(process)]
        yield from faults
        identifier = process.get("id", path.stem)
        if identifier in seen:
            yield Finding(label, f"the id '{identifier}' is also that of {seen[identifier]}")
        seen[identifier] = label
        if not faults:
            yield from _check_process(process, path, label)


def _process_schema(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """What ``GET /processes`` promises for each process."""
    try:
        response = document["paths"]["/processes"]["get"]["responses"]["200"]
        body = resolve(document, resolve(document, response)["content"]["application/json"]["schema"])
        schema: Mapping[str, Any] = body["properties"]["processes"]["items"]
    except KeyError as error:
        raise SpecError(
            f"the document does not declare what GET /processes lists ({error} is missing)"
        ) from error
    return schema


def _check_process(process: Mapping[str, Any], path: Path, label: str) -> Iterator[Finding]:
    if process["id"] != path.stem:
        yield Finding(label, f"the id '{process['id']}' is not the file name")
    if not process.get("categories"):
        yield Finding(label, "there are no categories")
    if not process.get("summary"):
        yield Finding(label, "there is no summary")
    yield from _check_parameters(process, label)
    yield from _check_schema(process["returns"]["schema"], f"{label}, returns")
    for code in process.get("exceptions", {}):
        if not re.fullmatch(r"[A-Z]\w*", code):
            yield Finding(f"{label}, exceptions", f"'{code}' is not a name in CamelCase")
    for number, example in enumerate(process.get("examples", ()), 1):
        yield from _check_example(process, example, f"{label}, example {number}")


def _check_parameters(process: Mapping[str, Any], label: str) -> Iterator[Finding]:
    names = [parameter["name"] for parameter in process["parameters"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(label, f"the parameter '{name}' is declared twice")
    optional = False
    for parameter in process["parameters"]:
        place = f"{label}, parameter {parameter['name']}"
        if optional and not parameter.get("optional", False):
            yield Finding(place, "a required parameter stands after an optional one")
        optional = optional or parameter.get("optional", False)
        schema_faults = list(_check_schema(parameter["schema"], place))
        yield from schema_faults
        if "default" in parameter and not parameter.get("optional", False):
            yield Finding(place, "only optional parameters have a default")
        # An optional null means "not given" whether the schema lists null or not.
        if not schema_faults and parameter.get("default") is not None:
            yield from _check_value(parameter["default"], parameter["schema"], f"{place}, default")


def _check_example(process: Mapping[str, Any], example: Mapping[str, Any], place: str) -> Iterator[Finding]:
    parameters = {parameter["name"]: parameter for parameter in process["parameters"]}
    for name, value in example["arguments"].items():
        if name not in parameters:
            yield Finding(place, f"there is no parameter '{name}'")
        else:
            yield from _check_value(value, parameters[name]["schema"], f"{place}, {name}")
    for name, parameter in parameters.items():
        if not parameter.get("optional", False) and name not in example["arguments"]:
            yield Finding(place, f"the required parameter '{name}' is missing")
    if "returns" in example:
        yield from _check_value(example["returns"], process["returns"]["schema"], f"{place}, returns")


def _check_schema(schema: Any, place: str) -> Iterator[Finding]:
    for entry in schema if isinstance(schema, list) else [schema]:
        try:
            jsonschema_rs.Draft7Validator(entry)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            yield Finding(place, f"not a JSON Schema of draft 7: {error.args[0]}")


def _check_value(value: Any, schema: Any, place: str) -> Iterator[Finding]:
    if _holds_reference(value):
        return
    alternatives = schema if isinstance(schema, list) else [schema]
    validators = [jsonschema_rs.Draft7Validator(_plain(entry)) for entry in alternatives]
    if not any(validator.is_valid(value) for validator in validators):
        fault = next(iter(validators[0].iter_errors(value)))
        yield Finding(place, fault.message[:300])


def _plain(schema: Any) -> Any:
    """The schema without openEO's ``parameters`` and ``returns``, and for cubes and graphs only their type."""
    if isinstance(schema, Mapping) and schema.get("subtype") in ("process-graph", "datacube"):
        return {"type": schema.get("type", "object")}
    return schema


def _holds_reference(value: Any) -> bool:
    """Values that are known only when a process graph runs cannot be judged."""
    if isinstance(value, Mapping):
        return any(key in value for key in _REFERENCE_KEYS) or any(map(_holds_reference, value.values()))
    return isinstance(value, list) and any(map(_holds_reference, value))
