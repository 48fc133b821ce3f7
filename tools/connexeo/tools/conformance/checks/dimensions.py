"""``cube:dimensions`` of collections: the cube that is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.extents import Box, boxes, covers, intervals, is_known, overlap, to_degrees
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry, collection_entries
from connexeo.tools.conformance.shapes import listed, mapping, numbers, text
from connexeo.tools.conformance.stac import band_names
from connexeo.tools.conformance.validating import validate
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, has, loading, node, of, process, with_result, workload

_ONE = "GET /collections/{collection_id}"
_SOURCE = "openEO API, GET /collections/{collection_id}, `cube:dimensions`"
_NAMING: Mapping[str, Callable[[str], dict[str, str]]] = {
    "rename_dimension": lambda name: {"source": name, "target": "conformance"},
    "dimension_labels": lambda name: {"dimension": name},
}
"""Processes that take the name of a dimension, with the arguments that do."""

_LAG = timedelta(days=400)
"""What an extent may be longer than the times of the data: a year that has begun, and some days."""

_MISSING = {"DimensionNotAvailable", "DimensionMissing"}


def _dimensions(entry: Entry) -> Mapping[str, Mapping[str, Any]]:
    return {name: mapping(about) for name, about in mapping(entry.value.get("cube:dimensions")).items()}


def _found(backend: BackEnd) -> Iterator[tuple[Entry, Mapping[str, Mapping[str, Any]], str]]:
    """Collections with their dimensions, and what violations are about."""
    for entry in backend.once(collection_entries):
        yield entry, _dimensions(entry), f"collection {entry.id}"


@check(
    "dimensions.sound",
    "Dimensions are complete: axes, ordered extents, values that occur once",
    layer="collections",
    source=_SOURCE,
    operations=(_ONE,),
    mend="Correct the dimension.",
)
def sound(backend: BackEnd) -> Iterator[Violation]:
    """What each dimension says of itself can be true."""
    for entry, dimensions, place in _found(backend):
        for name, about in dimensions.items():
            evidence = entry.exchange.showing({name: about})
            for message, severity in _faults(name, about):
                yield Violation(message, evidence, place=place, severity=severity)
        axes = [text(about.get("axis")) for about in dimensions.values() if about.get("type") == "spatial"]
        for axis in sorted({axis for axis in axes if axis and axes.count(axis) > 1}):
            yield Violation(f"two dimensions have the axis {axis}", entry.evidence, place=place)
        if ("x" in axes) != ("y" in axes):
            yield Violation("there is only one of the axes x and y", entry.evidence, place=place)


def _missing(name: str, about: Mapping[str, Any]) -> Iterator[str]:
    """What each type of dimension must tell; the schema of the contract leaves that to its text."""
    kind, axis = about.get("type"), about.get("axis")
    needed = {"spatial": "axis", "temporal": "extent", "bands": "values", "geometry": "bbox"}.get(text(kind))
    if needed is not None and needed not in about:
        yield f"the {kind} dimension {name} has no `{needed}`"
    if kind == "spatial" and axis in {"x", "y"} and numbers(about.get("extent"), 2) is None:
        yield f"the dimension {name} has no `extent` of two numbers"
    if kind == "spatial" and axis == "z" and "extent" not in about and "values" not in about:
        yield f"the dimension {name} has neither `extent` nor `values`"
    if kind == "bands" and about.get("values") == []:
        yield f"the dimension {name} has no values"


def _faults(name: str, about: Mapping[str, Any]) -> Iterator[tuple[str, Severity | None]]:
    yield from ((message, None) for message in _missing(name, about))
    extent = numbers(about.get("extent"), 2)
    if extent and extent[0] > extent[1]:
        yield f"the extent of {name} goes from {extent[0]:g} down to {extent[1]:g}", None
    step = about.get("step")
    if extent and isinstance(step, int | float) and not isinstance(step, bool):
        if step == 0:
            yield f"the step of {name} is 0", None
        elif abs(step) > (extent[1] - extent[0]) * 1.001 and about.get("type") == "spatial":
            yield f"the step of {name} is {step:g}, longer than its extent", Severity.MINOR
    times = about.get("extent")
    if (
        about.get("type") == "temporal"
        and isinstance(times, list)
        and len(times) == 2
        and not overlap(times, times)
    ):
        yield f"the extent of {name} ends at {times[1]}, before its start {times[0]}", None
    values = about.get("values")
    if isinstance(values, list) and len({str(each) for each in values}) != len(values):
        yield f"values of {name} occur twice", None
    code = about.get("reference_system")
    if about.get("type") == "spatial" and isinstance(code, int) and code > 0 and not is_known(code):
        yield f"the reference system {code} of {name} is no EPSG code", Severity.MINOR


@check(
    "dimensions.space",
    "Spatial dimensions are where the collection is",
    layer="collections",
    source=_SOURCE,
    operations=(_ONE,),
    mend="Make `extent` and `cube:dimensions` of the same data.",
)
def space(backend: BackEnd) -> Iterator[Violation]:
    """The box of x and y is that of the extent."""
    for entry, dimensions, place in _found(backend):
        overall = next(iter(boxes(entry.value)), None)
        box = _box(dimensions)
        if overall is None or box is None:
            continue
        if not box.meets(overall, overall.slack):
            yield Violation(f"x and y span {box}, the extent is {overall}", entry.evidence, place=place)
        elif not box.holds(overall, box.slack) or not overall.holds(
            box, overall.slack + _bulge(dimensions, overall)
        ):
            yield Violation(
                f"x and y span {box}, which differs from the extent {overall}",
                entry.evidence,
                place=place,
                severity=Severity.MINOR,
            )


def _box(dimensions: Mapping[str, Mapping[str, Any]]) -> Box | None:
    """What x and y span, in degrees; None when nobody can tell."""
    axes = {about.get("axis"): about for about in dimensions.values() if about.get("type") == "spatial"}
    if "x" not in axes or "y" not in axes:
        return None
    x, y = (numbers(axes[axis].get("extent"), 2) for axis in ("x", "y"))
    reference = axes["x"].get("reference_system", 4326)
    if x is None or y is None or reference != axes["y"].get("reference_system", 4326):
        return None
    return to_degrees(Box(x[0], y[0], x[1], y[1]), reference)


def _bulge(dimensions: Mapping[str, Mapping[str, Any]], overall: Box) -> float:
    """How far a box in another reference system may reach beyond the data when it is turned to degrees."""
    projected = any(
        about.get("reference_system", 4326) != 4326 for about in dimensions.values() if about.get("axis")
    )
    return max(overall.east - overall.west, overall.north - overall.south) if projected else 0.0


@check(
    "dimensions.time",
    "Temporal dimensions are when the collection is",
    layer="collections",
    source=_SOURCE,
    operations=(_ONE,),
    mend="Make `extent` and `cube:dimensions` of the same data.",
)
def time(backend: BackEnd) -> Iterator[Violation]:
    """The extent of t is within the interval of the collection."""
    for entry, dimensions, place in _found(backend):
        overall = next(iter(intervals(entry.value)), None)
        if overall is None or overall == [None, None]:
            # Nothing was said.
            continue
        for name, about in dimensions.items():
            extent = about.get("extent")
            if about.get("type") != "temporal" or not isinstance(extent, list) or len(extent) != 2:
                continue
            if not overlap(extent, overall):
                yield Violation(
                    f"{name} spans {extent}, the extent is {overall}", entry.evidence, place=place
                )
            elif not covers(overall, extent) or not covers(extent, overall, _LAG):
                yield Violation(
                    f"{name} spans {extent}, which differs from the extent {overall}",
                    entry.evidence,
                    place=place,
                    severity=Severity.MINOR,
                )


@check(
    "dimensions.bands",
    "Bands are those that are described, in the same order",
    layer="collections",
    source=f"{_SOURCE}, `values`",
    operations=(_ONE,),
    mend="Name bands alike, and in the same order, in `cube:dimensions` and where they are described.",
)
def bands(backend: BackEnd) -> Iterator[Violation]:
    """Names of bands fit ``eo:bands``, ``sar:bands`` or ``bands``."""
    for entry, dimensions, place in _found(backend):
        described = band_names(entry.value)
        every = {name for names in described for name in names}
        for about in dimensions.values():
            values = about.get("values")
            if about.get("type") != "bands" or not isinstance(values, list) or not every:
                continue
            labels = [str(value) for value in values]
            if not every & set(labels):
                yield Violation(
                    f"the bands are {listed(labels)}, but {listed(sorted(every))} are described",
                    entry.evidence,
                    place=place,
                )
                continue
            if missing := [label for label in labels if label not in every]:
                yield Violation(
                    f"nothing is said of the bands {listed(missing)}", entry.evidence, place=place,
                    severity=Severity.MINOR,
                )  # fmt: skip
            for names in described:
                common = [name for name in names if name in labels]
                if common != [label for label in labels if label in names]:
                    yield Violation("bands are described in another order", entry.evidence, place=place)


@requirement(
    326, layer="collections", operations=(_ONE, "POST /validation"),
    mend="Let `cube:dimensions` be the dimensions that load_collection gives.",
)  # fmt: skip
def usable(backend: BackEnd) -> Iterator[Violation]:
    """Whoever names a dimension of a collection is not told that it is missing."""
    trying = next((each for each in _NAMING if has(backend, "load_collection", each)), None)
    if trying is None:
        raise NotTestable("there is no process that takes the name of a dimension of a loaded cube")
    for entry, dimensions, place in _found(backend):
        for name in dimensions:
            load = node("load_collection", id=entry.id, spatial_extent=None, temporal_extent=None)
            used = node(trying, data=of("load"), **_NAMING[trying](name))
            faults, answer = validate(backend, with_result({"load": load, "used": used}))
            if any(fault.get("code") in _MISSING for fault in faults):
                yield Violation(
                    f"a loaded cube has no dimension {name}, though it is listed", answer, place=place
                )


@requirement(
    326, id="dimensions.loaded", layer="collections", operations=("POST /result",), costs=True,
    title="Labels of the bands of a loaded cube are those of `cube:dimensions`",
    mend="Let `cube:dimensions` list the labels that load_collection gives, in their order.",
)  # fmt: skip
def loaded(backend: BackEnd) -> Iterator[Violation]:
    """The labels of the bands, as ``dimension_labels`` tells them."""
    work = backend.once(workload)
    if not work.bands or not has(backend, "dimension_labels"):
        raise NotTestable("there are no bands, or no process dimension_labels to see them")
    entry = next(entry for entry in backend.once(collection_entries) if entry.id == work.collection)
    name = next(name for name, about in _dimensions(entry).items() if about.get("type") == "bands")
    graph: Graph = {"load": loading(work, bands=None)}
    graph["labels"] = node("dimension_labels", data=of("load"), dimension=name)
    answer = backend.user.post("/result", process(with_result(graph)))
    labels = answer.json() if answer.ok and "json" in answer.media_type else None
    if not isinstance(labels, list):
        raise NotTestable(
            f"labels of a dimension cannot be computed: HTTP {answer.status} {answer.code or ''}".strip()
        )
    if [str(label) for label in labels] != list(work.bands):
        yield Violation(
            f"the bands of a loaded cube are {listed(labels)}, listed are {listed(work.bands)}",
            answer,
            place=f"collection {entry.id}",
        )
