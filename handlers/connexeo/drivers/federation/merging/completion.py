"""What slightly broken documents lack, filled in with what the standard has for "unknown", and old spellings.

Licences that are missing are ``various``, or ``other`` since STAC 1.1; missing intervals are open on both sides;
missing boxes stay missing; a schema that is missing allows everything; missing texts are empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from connexeo.drivers.federation.merging.contract import Kind
from connexeo.drivers.federation.merging.equality import distinct

Json = dict[str, Any]
Told = list[str]
"""What was done, as texts."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?\s*([Zz]|[+-]\d{2}:?\d{2})?")


def _fill(document: Json, name: str, kind: type, value: Any, told: Told, where: str = "") -> None:
    """Give a required property a value that says nothing, when it is missing, null, or of another type."""
    if not isinstance(document.get(name), kind):
        told.append(
            f"{where}{name} is missing" if document.get(name) is None else f"{where}{name} is not valid"
        )
        document[name] = value


def _collection(document: Json, told: Told) -> None:
    _fill(document, "links", list, [], told)
    text = next((document[k] for k in ("title", "id") if isinstance(document.get(k), str)), "")
    _fill(document, "description", str, text, told)
    version = document.get("stac_version")
    if version is None:
        _fill(document, "stac_version", str, "1.0.0", told)
    elif isinstance(version, str) and re.fullmatch(r"1\.\d+", version):
        told.append("stac_version has two numbers only")
        document["stac_version"] = f"{version}.0"
    recent = re.match(r"1\.[1-9]", str(document["stac_version"])) is not None
    _fill(document, "license", str, "other" if recent else "various", told)
    if isinstance(document.get("type"), str) and document["type"] != "Collection":
        told.append(f"type is {document['type'][:40]}")
        document["type"] = "Collection"
    extensions = document.get("stac_extensions")
    if isinstance(extensions, list):
        kept = list(dict.fromkeys(each for each in extensions if isinstance(each, str)))
        if len(kept) < len(extensions):
            told.append("stac_extensions has an entry twice, or one that is no text")
        document["stac_extensions"] = kept
    _dimension_types(document.get("cube:dimensions"), told)
    _extent(document, told)


def _dimension_types(dimensions: Any, told: Told) -> None:
    """STAC allows any type of further dimensions, openEO calls them all ``other``."""
    for name, dimension in dimensions.items() if isinstance(dimensions, dict) else ():
        if not isinstance(dimension, dict):
            continue
        kind = dimension.get("type")
        if kind is None:
            told.append(f"the dimension {name[:40]} has no type")
            dimension["type"] = "spatial" if dimension.get("axis") in ("x", "y", "z") else "other"
        elif isinstance(kind, str) and kind not in ("spatial", "temporal", "bands", "geometry", "other"):
            told.append(f"the dimension {name[:40]} has the type {kind[:40]}")
            dimension["type"] = "other"


def _extent(document: Json, told: Told) -> None:
    _fill(document, "extent", dict, {}, told)
    extent = document["extent"]
    for name in ("spatial", "temporal"):
        _fill(extent, name, dict, {}, told, "extent/")
    boxes = extent["spatial"].get("bbox")
    if _is_number_list(boxes) and len(boxes) in (4, 6):
        told.append("extent/spatial/bbox is one box, not a list of them")
        extent["spatial"]["bbox"] = [boxes]
    elif boxes is None or boxes == []:
        told.append("extent/spatial/bbox is missing")
        extent["spatial"].pop("bbox", None)
    elif isinstance(boxes, list) and any(_lacks_heights(box) for box in boxes):
        told.append("extent/spatial/bbox has boxes with heights that are null")
        extent["spatial"]["bbox"] = [[*box[:2], *box[3:5]] if _lacks_heights(box) else box for box in boxes]
    _intervals(extent["temporal"], told)


def _lacks_heights(box: Any) -> bool:
    return isinstance(box, list) and len(box) == 6 and (box[2] is None or box[5] is None)


def _intervals(temporal: Json, told: Told) -> None:
    intervals = temporal.get("interval")
    if (
        isinstance(intervals, list)
        and len(intervals) == 2
        and not any(isinstance(each, list) for each in intervals)
    ):
        told.append("extent/temporal/interval is one interval, not a list of them")
        intervals = [intervals]
    if not isinstance(intervals, list) or not intervals:
        told.append("extent/temporal/interval is missing")
        intervals = [[None, None]]
    spelled = [
        [_time(each, end=n == 1) for n, each in enumerate(i)] if isinstance(i, list) else i for i in intervals
    ]
    if spelled != temporal.get("interval"):
        told.append("extent/temporal/interval has times that are not spelled as RFC 3339 asks")
    temporal["interval"] = spelled


def _is_number_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int | float) for each in value)


def _time(text: Any, *, end: bool) -> Any:
    """A time as RFC 3339 has it: dates count as whole days, times without a zone as UTC, empty ones as open."""
    if not isinstance(text, str):
        return text
    if text in ("", "..", "null", "None"):
        return None
    if _DATE.fullmatch(text):
        return f"{text}T23:59:59Z" if end else f"{text}T00:00:00Z"
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    date, minutes, seconds, zone = match.groups()
    zone = (zone or "Z").upper()
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{date}T{minutes}{seconds or ':00'}{zone}"


def _process(document: Json, told: Told) -> None:
    summary = document.get("summary")
    _fill(document, "description", str, summary if isinstance(summary, str) else "", told)
    _fill(document, "parameters", list, [], told)
    _fill(document, "returns", dict, {"schema": {}}, told)
    _schema(document["returns"], told, "returns/")
    _parameters(document["parameters"], told)


def _parameters(parameters: list[Any], told: Told) -> None:
    for parameter in parameters:
        if isinstance(parameter, dict):
            where = f"parameters/{str(parameter.get('name'))[:40]}/"
            _fill(parameter, "description", str, "", told, where)
            _schema(parameter, told, where)


def _schema(holder: Json, told: Told, where: str) -> None:
    """No schema, and an empty list of them, allow any value: so does the empty schema."""
    schema = holder.get("schema")
    if not isinstance(schema, dict | list) or schema == []:
        _fill(holder, "schema", dict, {}, told, where)
    elif isinstance(schema, list) and len(distinct(schema)) < len(schema):
        told.append(f"{where}schema has an entry twice")
        holder["schema"] = distinct(schema)


def _format(document: Json, told: Told) -> None:
    _fill(document, "gis_data_types", list, [], told)
    _fill(document, "parameters", dict, {}, told)
    _resource_parameters(document["parameters"], told, "parameters/")


def _resource_parameters(parameters: Mapping[str, Any], told: Told, where: str) -> None:
    for name, parameter in parameters.items():
        if isinstance(parameter, dict):
            _fill(parameter, "description", str, "", told, f"{where}{str(name)[:40]}/")


def _runtime(document: Json, told: Told) -> None:
    if document.get("type") is None:
        for kind, name in (("docker", "docker"), ("language", "versions")):
            if name in document:
                _fill(document, "type", str, kind, told)
    default = document.get("default")
    if isinstance(default, int | float) and not isinstance(default, bool):
        told.append("default is a number")
        document["default"] = default = str(default)
    if document.get("type") == "docker" and isinstance(default, str):
        _fill(document, "tags", list, [default], told)
    if document.get("type") == "language":
        if isinstance(default, str):
            _fill(document, "versions", dict, {default: {}}, told)
        versions = document.get("versions")
        for name, version in versions.items() if isinstance(versions, dict) else ():
            if isinstance(version, dict):
                _fill(version, "libraries", dict, {}, told, f"versions/{name}/")
        if not isinstance(default, str) and isinstance(versions, dict) and versions:
            _fill(document, "default", str, str(list(versions)[-1]), told)


def _service_type(document: Json, told: Told) -> None:
    _fill(document, "configuration", dict, {}, told)
    _fill(document, "process_parameters", list, [], told)
    _resource_parameters(document["configuration"], told, "configuration/")
    _parameters(document["process_parameters"], told)


COMPLETIONS: dict[Kind, Callable[[Json, Told], None]] = {
    Kind.COLLECTION: _collection,
    Kind.PROCESS: _process,
    Kind.FORMAT: _format,
    Kind.RUNTIME: _runtime,
    Kind.SERVICE_TYPE: _service_type,
}
"""Kind → what completes a document in place, and tells what it did."""
