"""Definitions of processes and formats that clients cannot rely on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.mutations.edits import Edit, answers, document, each, put, without
from conformance.mutations.fault import Fault, Turn
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity

_API = "openEO API, GET /processes"
_SPEC = "openEO processes"
_FORMATS = "openEO API, GET /file_formats"
_GHOST = {
    "id": "reproject_by_magic",
    "summary": "Reproject",
    "description": "Reprojects.",
    "parameters": [],
    "returns": {"description": "A number.", "schema": {"type": "number"}},
}


def _of(id: str, change: Callable[[dict[str, Any]], Any]) -> Edit:
    """Changes the definition of one process."""

    def spoil(found: Any) -> None:
        for process in found["processes"]:
            if process["id"] == id:
                change(process)

    return document(spoil)


def _parameter(id: str, name: str, change: Callable[[dict[str, Any]], Any]) -> Edit:
    """Changes one parameter of a process."""

    def spoil(process: dict[str, Any]) -> None:
        for parameter in process["parameters"]:
            if parameter["name"] == name:
                change(parameter)

    return _of(id, spoil)


def _without_last_parameter(process: dict[str, Any]) -> None:
    process["parameters"].pop()


def _old_subtype(found: Any) -> Any:
    """The subtype that data cubes had in older versions of the processes."""
    return {"type": "object", "subtype": "raster-cube"} if found == _CUBE else found


_CUBE = {"type": "object", "subtype": "datacube"}


def _case_sensitive(text: str, known: set[str]) -> bool:
    """Whether a body names an output format in another spelling than the list has it."""
    named = re.findall(r'"format"\s*:\s*"([^"]+)"', text)
    return any(name not in known for name in named)


async def _exact_formats(turn: Turn) -> Answer:
    formats = await turn.send(turn.request.other(method="GET", target="/file_formats", body=b""))
    known = set((formats.json or {}).get("output", {}))
    if not known or not _case_sensitive(turn.request.body.decode("utf-8", "replace"), known):
        return await turn.send(turn.request)
    found = await turn.send(turn.request)
    problem = {"code": "FormatUnsuitable", "message": "The format is unknown."}
    if turn.request.path == "/validation" and found.ok:
        found.write({"errors": [problem]})
    elif found.ok:
        found.refuse(400, problem["code"], problem["message"])
    return found


def _fault(id: str, title: str, rule: str, *edits: Edit, severity: Severity = Severity.MAJOR) -> Fault:
    return Fault(
        id,
        title,
        ("GET /processes",),
        ("processes", "schema"),
        rule,
        severity,
        answers(*edits),
        ("GET /processes",),
    )


def _format(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return Fault(
        f"formats-{id}",
        title,
        ("GET /file_formats",),
        ("schema", "profiles"),
        f"{_FORMATS}: {rule}",
        Severity.MAJOR,
        answers(*edits),
        ("GET /file_formats",),
    )


FAULTS = (
    _fault(
        "process-without-returns",
        "Processes do not tell what they return",
        f"{_API}: `returns` is required",
        without("processes/*/returns"),
    ),
    _fault(
        "process-without-description",
        "A process has no description",
        f"{_API}: `description` is required",
        _of("add", lambda process: process.pop("description")),
    ),
    _fault(
        "process-parameter-missing",
        "A process lacks a parameter",
        f"{_SPEC}: add has the parameters x and y",
        _of("add", _without_last_parameter),
    ),
    _fault(
        "process-parameter-renamed",
        "A parameter has another name",
        f"{_SPEC}: load_collection has the parameter spatial_extent",
        _parameter("load_collection", "spatial_extent", lambda found: found.update(name="bbox")),
    ),
    _fault(
        "process-default-wrong",
        "A parameter has another default",
        f"{_SPEC}: outputMax of linear_scale_range is 1 by default",
        _parameter("linear_scale_range", "outputMax", lambda found: found.update(default=255)),
    ),
    _fault(
        "process-optional-required",
        "An optional parameter is required",
        f"{_SPEC}: context of reduce_dimension is optional",
        _parameter(
            "reduce_dimension", "context", lambda found: [found.pop("optional"), found.pop("default", 0)]
        ),
    ),
    _fault(
        "process-schema-wrong",
        "A parameter has another type",
        f"{_SPEC}: x of absolute is a number or null",
        _parameter("absolute", "x", lambda found: found.update(schema={"type": "string"})),
    ),
    _fault(
        "process-subtype-old",
        "Data cubes have the subtype of an old version",
        f"{_SPEC} 2.0: the subtype is datacube",
        each("processes/*/parameters/*/schema", _old_subtype),
        each("processes/*/returns/schema", _old_subtype),
        severity=Severity.MINOR,
    ),
    _fault(
        "process-returns-wrong",
        "A process returns another type",
        f"{_SPEC}: eq returns a boolean or null",
        _of(
            "eq", lambda process: process.update(returns={"description": "D.", "schema": {"type": "string"}})
        ),
    ),
    _fault(
        "process-schema-missing",
        "Parameters have no schema",
        f"{_API}: `schema` of parameters is required",
        without("processes/*/parameters/*/schema"),
    ),
    _fault(
        "process-listed-twice",
        "A process is listed twice",
        f"{_API}: ids are unique",
        document(lambda found: found["processes"].append(found["processes"][1])),
    ),
    _fault(
        "process-not-runnable",
        "A process is listed that cannot be used",
        f"{_API}: what is listed is supported",
        document(lambda found: found["processes"].append(_GHOST)),
    ),
    _fault(
        "processes-by-id",
        "Processes are an object by id",
        f"{_API}: `processes` is a list",
        each("processes", lambda listed: {process["id"]: process for process in listed}),
    ),
    _fault(
        "process-null-fields",
        "Fields without a value are null",
        f"{_API}: `deprecated` is a boolean, `exceptions` an object",
        put("processes/*/deprecated", None),
        put("processes/*/exceptions", None),
    ),
    _fault(
        "processes-without-links",
        "The list of processes has no links",
        f"{_API}: `links` is required",
        without("links"),
    ),
    _format(
        "without-types",
        "Formats do not tell what they are for",
        "`gis_data_types` is required",
        without("input/*/gis_data_types", "output/*/gis_data_types"),
    ),
    _format(
        "type-unknown",
        "Formats are for something that is no type of data",
        "`gis_data_types` are raster, vector, table, pointcloud, other",
        put("output/*/gis_data_types", ["datacube"]),
    ),
    _format("without-output", "There are no output formats", "`output` is required", without("output")),
    _format(
        "without-parameters",
        "Formats do not tell their parameters",
        "`parameters` is required",
        without("output/*/parameters"),
    ),
    Fault(
        "formats-case-sensitive",
        "Names of formats count only in their exact spelling",
        ("POST /validation", "POST /result", "POST /jobs"),
        ("processes", "jobs", "profiles"),
        f"{_FORMATS}: names of formats are case-insensitive",
        Severity.MAJOR,
        _exact_formats,
        ("POST /validation <format-lower>",),
    ),
)
