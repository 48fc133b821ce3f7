"""File formats."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.json_types import fits, is_schema
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import answer_to, file_formats
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.validating import told, validate
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, process, workload

_OPERATION = "GET /file_formats"

_DRIVERS = (
    "AAIGrid BMP COG CSV DXF ENVI FlatGeobuf GeoJSON GeoJSONSeq GIF GML GPKG GRIB GTiff HDF4 HDF5 HFA "
    "JP2OpenJPEG JPEG JPEGXL KML KMLSUPEROVERLAY LERC LIBKML MBTiles MVT netCDF NITF Parquet PDF PMTiles "
    "PNG SQLite SRTMHGT TopoJSON VRT WEBP XLSX Zarr"
)
"""Short names of drivers that a back-end may have; a selection."""

_NICKNAMES = {
    "geotiff": "GTiff",
    "geotif": "GTiff",
    "tiff": "GTiff",
    "tif": "GTiff",
    "jpg": "JPEG",
    "geopackage": "GPKG",
    "shapefile": "ESRI Shapefile",
    "shp": "ESRI Shapefile",
    "nc": "netCDF",
}

_OF_CUBES = re.compile(
    "dimension|band|cube|label|array|geometr|feature|pixel|time|temporal|axis|variable|layer|raster|vector|value"
    "|row|column|date"
)
"""Words that a description of how a cube is stored has."""


def _formats(backend: BackEnd) -> Iterator[tuple[str, str, Mapping[str, Any], Exchange]]:
    """Direction, name, description and evidence of each format."""
    document = backend.once(file_formats)
    answer = backend.once(answer_to("/file_formats"))
    for direction in ("input", "output"):
        for name, about in document[direction].items():
            yield direction, name, mapping(about), answer.showing({direction: {name: about}})


@requirement(40, layer="profiles", operations=(_OPERATION,))
def both_directions(backend: BackEnd) -> Iterator[Violation]:
    """There are objects for both directions."""
    answer = backend.once(answer_to("/file_formats"))
    document = answer.object()
    for key in ("input", "output"):
        if not isinstance(document.get(key), Mapping):
            yield Violation(f"there is no object `{key}`", answer)


@requirement(43, layer="profiles", operations=(_OPERATION,), mend="List the formats that results can have.")
def some_output(backend: BackEnd) -> Iterator[Violation]:
    """Results can be written."""
    if not backend.once(file_formats)["output"]:
        yield Violation("`output` is empty", backend.once(answer_to("/file_formats")))


@requirement(44, layer="profiles", operations=(_OPERATION,), mend="Call the format as GDAL does.")
def names_of_gdal(backend: BackEnd) -> Iterator[Violation]:
    """What GDAL knows is called as there."""
    names = {name.lower(): name for name in _DRIVERS.split()} | _NICKNAMES
    for direction, name, _, evidence in _formats(backend):
        wanted = names.get(name.lower(), name)
        if name != wanted:
            yield Violation(f"the {direction} format {name} is called {wanted} in GDAL", evidence)


@requirement(
    46, layer="profiles", operations=(_OPERATION, "POST /validation"),
    mend="Compare names of formats without regard to letter case.",
)  # fmt: skip
def any_letter_case(backend: BackEnd) -> Iterator[Violation]:
    """A graph that is valid stays so when its format is written in other letters."""
    graph = _saving(backend)
    faults, _ = validate(backend, graph)
    if faults:
        raise NotTestable(f"the graph to try it with is not valid: {told(faults)}")
    for name, other in _spellings(graph):
        faults, answer = validate(backend, other)
        if faults:
            yield Violation(f"the format {name} is not understood: {told(faults)}", answer)


@requirement(
    46, id="formats.letter-case", layer="profiles", operations=(_OPERATION, "POST /result"), costs=True,
    title="Results are written in a format whose name has other letter case",
    mend="Compare names of formats without regard to letter case.",
)  # fmt: skip
def any_letter_case_computed(backend: BackEnd) -> Iterator[Violation]:
    """What can be computed can be so with the format in other letters."""
    graph = _saving(backend)
    answer = backend.user.post("/result", process(graph))
    if not answer.ok:
        raise NotTestable(f"the graph to try it with is not computed: HTTP {answer.status}")
    name, other = next(_spellings(graph))
    answer = backend.user.post("/result", process(other))
    if not answer.ok:
        yield Violation(
            f"the format {name} is not understood: HTTP {answer.status} {answer.code or ''}", answer
        )


def _saving(backend: BackEnd) -> Graph:
    work = backend.once(workload)
    if not any(each.get("process_id") == "save_result" for each in work.graph.values()):
        raise NotTestable("the process graph to run has no save_result")
    return work.graph


def _spellings(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Other ways to write the format, with the graph that does."""
    node = next(name for name, each in graph.items() if each.get("process_id") == "save_result")
    written = str(graph[node]["arguments"].get("format"))
    for spelling in dict.fromkeys((written.upper(), written.lower(), written.swapcase())):
        if spelling != written:
            arguments = {**graph[node]["arguments"], "format": spelling}
            yield spelling, {**graph, node: {**graph[node], "arguments": arguments}}


@requirement(
    47, layer="profiles", operations=(_OPERATION,),
    mend="Describe how dimensions, labels and bands of a cube end up in files of this format.",
)  # fmt: skip
def tell_of_cubes(backend: BackEnd) -> Iterator[Violation]:
    """Output formats say how a cube is stored."""
    for direction, name, about, evidence in _formats(backend):
        description = text(about.get("description")).lower()
        if direction == "output" and not _OF_CUBES.search(description):
            kind = "does not say how a cube is stored" if description else "is missing"
            yield Violation(f"the description of the output format {name} {kind}", evidence)


@requirement(48, layer="profiles", operations=(_OPERATION,))
def types_and_parameters(backend: BackEnd) -> Iterator[Violation]:
    """Each format tells the kinds of data and its parameters."""
    for direction, name, about, evidence in _formats(backend):
        if not isinstance(about.get("gis_data_types"), list):
            yield Violation(f"the {direction} format {name} has no array `gis_data_types`", evidence)
        if not isinstance(about.get("parameters"), Mapping):
            yield Violation(f"the {direction} format {name} has no object `parameters`", evidence)


@requirement(
    49, layer="profiles", operations=(_OPERATION,), mend="Give each format a title and a description."
)
def titles_and_descriptions(backend: BackEnd) -> Iterator[Violation]:
    """Users see what a format is."""
    for direction, name, about, evidence in _formats(backend):
        for key in ("title", "description"):
            if not text(about.get(key)):
                yield Violation(f"a format has no {key}", evidence, place=f"{direction} format {name}")


@check(
    "formats.parameters",
    "Parameters of formats are valid JSON Schemas, and defaults fit them",
    layer="profiles",
    source="openEO API, GET /file_formats",
    operations=(_OPERATION,),
    severity=Severity.MINOR,
    mend="Correct the schema of the parameter, or its default.",
)
def parameters(backend: BackEnd) -> Iterator[Violation]:
    """Clients make forms of these schemas."""
    for direction, name, about, evidence in _formats(backend):
        for parameter, given in mapping(about.get("parameters")).items():
            schema = _without_flag(given)
            place = f"the parameter {parameter} of the {direction} format {name}"
            if fault := is_schema(schema):
                yield Violation(f"{place} is not a JSON Schema: {fault}", evidence)
            elif mapping(schema).get("default") is not None and not fits(schema["default"], schema):
                yield Violation(f"{place} has a default that its schema forbids", evidence)


def _without_flag(schema: Any) -> Any:
    """In descriptions of parameters ``required`` says whether this one must be given; JSON Schema has a list there."""
    if isinstance(schema, Mapping) and isinstance(schema.get("required"), bool):
        return {key: value for key, value in schema.items() if key != "required"}
    return schema


@check(
    "formats.unique",
    "Names of formats differ in more than letter case",
    layer="profiles",
    source="openEO API, GET /file_formats",
    operations=(_OPERATION,),
    mend="Keep one of them.",
)
def unique(backend: BackEnd) -> Iterator[Violation]:
    """Whoever selects a format without regard to letter case finds one."""
    seen: dict[tuple[str, str], str] = {}
    for direction, name, _, evidence in _formats(backend):
        other = seen.setdefault((direction, name.lower()), name)
        if other != name:
            yield Violation(
                f"the {direction} formats {other} and {name} differ in letter case only", evidence
            )
