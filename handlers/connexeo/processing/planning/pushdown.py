"""Pushdown: which part of a loaded cube the nodes behind it use, told by a compiled graph alone.

Filters drop pixels, dates and bands that were loaded in vain. Going backwards from the result, each node tells what it
needs of its inputs: a filter its extent; a process that computes each pixel (date, band) from the same pixel (date,
band) alone, what is needed of itself; all others everything. Several nodes that use a value need the union. What
reaches `load_collection` is handed to it when it runs, as extents may depend on parameters; the filters still run, on
less. Results are the same with and without, dates and labels included, and so are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from connexeo.processing.planning.needs import BandNeed, Needs, Resampling
from connexeo.processing.program import (
    Argument,
    Child,
    Constant,
    Frame,
    FromNode,
    FromParameter,
    Items,
    Program,
    Properties,
    Step,
)
from connexeo.processing.udf.preparation import step_runs_udf

Kind = Literal["space", "time", "bands"]
KINDS: Final[tuple[Kind, ...]] = ("space", "time", "bands")

_LOADS = frozenset({"load_collection"})
_OURS = "connexeo.processing.processes."

_TYPES: dict[str, Kind] = {
    **dict.fromkeys(("t", "time", "date", "datetime", "temporal"), "time"),
    **dict.fromkeys(("bands", "band", "b", "spectral"), "bands"),
}
"""Dimensions by their usual names; whether they are what they are called is checked when the cube is loaded."""
_TYPE_NAMES: dict[Kind, str] = {"time": "temporal", "bands": "bands", "space": "spatial"}

_MOST = 16
"""Alternatives of one need; where there are more, everything is needed."""

Wanted = frozenset[int] | None
"""Steps whose filters say what is needed, of which any; None: everything is."""

_LACKS = -1
"""As an origin: the value has no such dimension."""


@dataclass(frozen=True)
class Demand:
    """What the steps of a program need of a cube that one of them loads."""

    boxes: tuple[Argument, ...] | None
    intervals: tuple[Argument, ...] | None
    bands: tuple[Argument | BandNeed, ...] | None
    """Either what is known by now, or an argument that gives names."""
    assumed: frozenset[tuple[str, str]]
    resampling: Argument | None = None
    """Gives the arguments of the one `resample_spatial` that all pixels go through."""

    def __call__(self, frame: Frame) -> Needs:
        """The demand with the parameters of a run."""
        return Needs(
            None if self.boxes is None else tuple(box(frame) for box in self.boxes),
            None if self.intervals is None else tuple(interval(frame) for interval in self.intervals),
            None if self.bands is None else tuple(_band_need(each, frame) for each in self.bands),
            self.assumed,
            None if self.resampling is None else _resampling(self.resampling(frame)),
        )


def push_down(program: Program) -> Program:
    """The program with demands at the steps that load collections."""
    if not any(step.process_id in _LOADS for step in program.steps):
        return program
    analysis = _Analysis(program)
    wanted = analysis.wanted()
    steps = [
        replace(step, demand=analysis.demand(index, wanted[index])) if step.process_id in _LOADS else step
        for index, step in enumerate(program.steps)
    ]
    return replace(program, steps=tuple(steps))


def is_ours(step: Step) -> bool:
    """Whether a step's function is known here; that of a deployment may do what it likes."""
    return str(getattr(step.function, "__module__", "")).startswith(_OURS)


class _Analysis:
    def __init__(self, program: Program) -> None:
        self._steps = program.steps
        self._result = program.result
        self._assumed: set[tuple[str, str]] = set()
        self._given = [{name: value for name, _, value in step.arguments} for step in program.steps]
        self._users: list[list[int]] = [[] for _ in program.steps]
        for index, given in enumerate(self._given):
            for used in {node for value in given.values() for node in _nodes_in(value)}:
                self._users[used].append(index)
        self._origins: list[dict[Kind, int | None]] = []
        for index in range(len(program.steps)):
            self._origins.append(self._origin(index))

    def wanted(self) -> list[dict[Kind, Wanted]]:
        """For each step, which steps' filters tell what is needed of its value."""
        wanted: list[dict[Kind, Wanted]] = [dict.fromkeys(KINDS, frozenset()) for _ in self._steps]
        wanted[self._result] = dict.fromkeys(KINDS)
        for index in reversed(range(len(self._steps))):
            cubes = self._cubes(index)
            own = wanted[index]
            for name, value in self._given[index].items():
                passed = self._passed(index, own) if name in cubes and isinstance(value, FromNode) else None
                for target in _nodes_in(value):
                    for kind in KINDS:
                        other = None if passed is None else passed[kind]
                        wanted[target][kind] = _union(wanted[target][kind], other)
        return wanted

    def demand(self, index: int, wanted: Mapping[Kind, Wanted]) -> Demand | None:
        """What a step that loads a collection is to be told; None where everything is needed."""
        boxes = self._arguments(wanted["space"], "extent")
        intervals = self._arguments(wanted["time"], "extent")
        bands = [self._bands_used(step) for step in sorted(wanted["bands"] or ())]
        known = tuple(each for each in bands if each is not None)
        resampling = self._resampled(index)
        if boxes is None and intervals is None and not known and resampling is None:
            return None
        return Demand(boxes, intervals, known if known else None, frozenset(self._assumed), resampling)

    def _resampled(self, index: int) -> Argument | None:
        """The arguments of the `resample_spatial` that all pixels of a value go through before anything else."""
        while index != self._result:
            users = self._users[index]
            if len(users) != 1 or not is_ours(self._steps[users[0]]):
                return None
            process_id, given = self._steps[users[0]].process_id, self._given[users[0]]
            others = {name: value for name, value in given.items() if name != "data"}
            if not isinstance(given.get("data"), FromNode) or not all(map(_is_independent, others.values())):
                return None
            if process_id == "resample_spatial":
                return Properties(tuple(others.items()))
            if process_id not in ("filter_bands", "filter_temporal"):
                return None
            index = users[0]
        return None

    def _arguments(self, wanted: Wanted, name: str) -> tuple[Argument, ...] | None:
        if not wanted:
            return None
        given = [self._given[step] for step in sorted(wanted)]
        return tuple(each[name] if name in each else each["geometries"] for each in given)

    def _cubes(self, index: int) -> tuple[str, ...]:
        """Arguments of a step that are cubes which it treats in a way that is known here."""
        step = self._steps[index]
        if not is_ours(step) or step_runs_udf(step):
            return ()
        if step.process_id == "mask":
            return ("data", "mask")
        if step.process_id == "merge_cubes":
            return ("cube1", "cube2")
        return ("data",) if step.process_id in _SINGLE else ()

    def _passed(self, index: int, own: Mapping[Kind, Wanted]) -> dict[Kind, Wanted]:
        """What a step needs of its cubes where this is needed of its own value."""
        filtered = self._filtered(index)
        passed: dict[Kind, Wanted] = {}
        for kind in KINDS:
            if kind == filtered:
                passed[kind] = frozenset({index})
            else:
                passed[kind] = own[kind] if self._keeps(index, kind) else None
        return passed

    def _filtered(self, index: int) -> Kind | None:
        """What a step selects by arguments that do not depend on other nodes."""
        step, given = self._steps[index], self._given[index]
        if step.process_id in ("filter_bbox", "filter_temporal"):
            extent = given.get("extent")
            usable = extent is not None and _is_independent(extent)
            return None if not usable else "space" if step.process_id == "filter_bbox" else "time"
        if step.process_id in ("filter_spatial", "aggregate_spatial"):
            geometries = given.get("geometries")
            return "space" if geometries is not None and _is_independent(geometries) else None
        return "bands" if self._bands_used(index) is not None else None

    def _bands_used(self, index: int) -> Argument | BandNeed | None:
        """The bands that a step uses of its `data`; None where these may be all."""
        step, given = self._steps[index], self._given[index]
        if step.process_id == "filter_bands":
            arguments = {name: given[name] for name in ("bands", "wavelengths") if name in given}
            if arguments and all(map(_is_independent, arguments.values())):
                return Properties(tuple(arguments.items()))
        if step.process_id == "ndvi" and self._is_absent(index, "target_band"):
            names = [given.get(name, Constant(name)) for name in ("nir", "red")]
            if all(isinstance(name, Constant) and isinstance(name.value, str) for name in names):
                return BandNeed(tuple(name.value for name in names if isinstance(name, Constant)))
        if step.process_id == "reduce_dimension" and self._dimension(index) == "bands":
            reducer = given.get("reducer")
            labels = _labels_used(reducer.program) if isinstance(reducer, Child) else None
            return BandNeed(tuple(sorted(labels)), labels=True) if labels else None
        return None

    def _keeps(self, index: int, kind: Kind) -> bool:
        """Whether a step computes each pixel, date or band from the same one alone, and keeps the labels."""
        step, given = self._steps[index], self._given[index]
        if step.process_id in ("mask", "merge_cubes"):
            cubes = [given.get(name) for name in self._cubes(index)]
            one, other = (
                self._origins[cube.step][kind] if isinstance(cube, FromNode) else None for cube in cubes
            )
            repeated = step.process_id == "mask" and kind != "space" and other == _LACKS
            return one is not None and one != _LACKS and (one == other or repeated)
        if step.process_id in ("reduce_dimension", "apply_dimension", "rename_labels"):
            dimension = self._dimension(index)
            same = step.process_id != "apply_dimension" or self._is_absent(index, "target_dimension")
            return dimension is not None and kind != dimension and same
        return kind in _SINGLE[step.process_id]

    def _origin(self, index: int) -> dict[Kind, int | None]:
        """Which step's labels a value has, by kind; None where that is not known."""
        step, given = self._steps[index], self._given[index]
        if step.process_id in _LOADS:
            return dict.fromkeys(KINDS, index)
        cubes = self._cubes(index)
        cube = given.get(cubes[0]) if cubes else None
        if not isinstance(cube, FromNode):
            return dict.fromkeys(KINDS)
        before = self._origins[cube.step]
        origins: dict[Kind, int | None] = {
            kind: before[kind] if self._keeps(index, kind) else None for kind in KINDS
        }
        dropped = self._dropped(index)
        if dropped is not None:
            origins[dropped] = _LACKS
        return origins

    def _dropped(self, index: int) -> Kind | None:
        process_id = self._steps[index].process_id
        if process_id == "reduce_dimension":
            return self._dimension(index)
        return "bands" if process_id == "ndvi" and self._is_absent(index, "target_band") else None

    def _dimension(self, index: int) -> Kind | None:
        """What the dimension is that a step works along; None where its name does not tell."""
        name = self._given[index].get("dimension")
        if not isinstance(name, Constant) or not isinstance(name.value, str):
            return None
        kind = _TYPES.get(name.value)
        if kind is not None:
            self._assumed.add((name.value, _TYPE_NAMES[kind]))
        return kind

    def _is_absent(self, index: int, name: str) -> bool:
        value = self._given[index].get(name)
        return value is None or (isinstance(value, Constant) and value.value is None)


_SINGLE: dict[str, frozenset[Kind]] = {
    "apply": frozenset(KINDS),
    "aggregate_spatial": frozenset({"time", "bands"}),
    "aggregate_spatial_window": frozenset({"time", "bands"}),
    "aggregate_temporal": frozenset({"space", "bands"}),
    "aggregate_temporal_period": frozenset({"space", "bands"}),
    "apply_dimension": frozenset(),
    "apply_kernel": frozenset({"time", "bands"}),
    "filter_bands": frozenset({"space", "time"}),
    "filter_bbox": frozenset({"time", "bands"}),
    "filter_spatial": frozenset({"time", "bands"}),
    "filter_temporal": frozenset({"space", "bands"}),
    "mask_polygon": frozenset({"time", "bands"}),
    "ndvi": frozenset({"space", "time"}),
    "reduce_dimension": frozenset(),
    "reduce_spatial": frozenset({"time", "bands"}),
    "rename_labels": frozenset(),
}
"""Processes with one cube, `data`, and what they keep: see `_Analysis._keeps`, which knows more of some."""


def _union(one: Wanted, other: Wanted) -> Wanted:
    both = None if one is None or other is None else one | other
    return None if both is None or len(both) > _MOST else both


def _nodes_in(value: Argument) -> Iterator[int]:
    """Steps whose values an argument uses."""
    if isinstance(value, FromNode):
        yield value.step
    for inner in _inner(value):
        yield from _nodes_in(inner)


def _inner(value: Argument) -> Sequence[Argument]:
    if isinstance(value, Items):
        return value.items
    return [inner for _, inner in value.properties] if isinstance(value, Properties) else []


def _is_independent(value: Argument) -> bool:
    """Whether an argument is known before any step has run."""
    if isinstance(value, Items | Properties):
        return all(map(_is_independent, _inner(value)))
    return isinstance(value, Constant | FromParameter)


def _labels_used(program: Program) -> frozenset[str] | None:
    """The labels of the array `data` that a reducer uses; None where it uses the array in any other way."""
    labels: set[str] = set()
    for step in program.steps:
        given = {name: value for name, _, value in step.arguments}
        uses = [name for name, value in given.items() if _uses_data(value)]
        if not uses:
            continue
        label = given.get("label")
        known = step.process_id == "array_element" and is_ours(step) and uses == ["data"]
        if (
            not known
            or "index" in given
            or not isinstance(label, Constant)
            or not isinstance(label.value, str)
        ):
            return None
        labels.add(label.value)
    return frozenset(labels)


def _uses_data(value: Argument) -> bool:
    if isinstance(value, FromParameter):
        return value.name == "data"
    if isinstance(value, Child):
        return "data" in value.program.free - value.own
    return any(map(_uses_data, _inner(value)))


def _band_need(need: Argument | BandNeed, frame: Frame) -> BandNeed:
    if isinstance(need, BandNeed):
        return need
    given: Mapping[str, Any] = need(frame)
    return BandNeed(
        tuple(given.get("bands") or ()), tuple((low, high) for low, high in given.get("wavelengths") or ())
    )


def _resampling(given: Mapping[str, Any]) -> Resampling | None:
    """What `resample_spatial` was given, with its defaults; None where it will refuse it."""
    resolution = given.get("resolution") or 0
    sizes = [resolution, resolution] if isinstance(resolution, int | float) else list(resolution)
    projection = given.get("projection")
    if len(sizes) != 2 or (not any(sizes) and projection is None):
        return None
    method, align = given.get("method") or "near", given.get("align") or "upper-left"
    return Resampling((float(sizes[0]), float(sizes[1])), projection, method, align)
