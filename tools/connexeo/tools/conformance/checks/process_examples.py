"""Processes do what their definitions say: examples are valid, and come out as they should."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.process_comparison import standard_processes
from connexeo.tools.conformance.process_examples import (
    Example,
    alone,
    applicable,
    examples,
    same,
    together,
)
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import listed_processes
from connexeo.tools.conformance.shapes import text
from connexeo.tools.conformance.validating import validate
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import has, process

_LIST = "GET /processes"
_VALIDATION = "POST /validation"
_GROUP = 25
"""Examples in one request."""

_REQUESTS = 120
"""Requests of one check at most."""


@requirement(
    206, layer="processes", operations=(_LIST, _VALIDATION),
    mend="Let definitions be those of what is implemented: parameters, schemas, values.",
)  # fmt: skip
def own_examples(backend: BackEnd) -> Iterator[Violation]:
    """Examples that a back-end gives are valid there."""
    yield from _refused(backend, _own(backend))


def _own(backend: BackEnd) -> list[Example]:
    """Examples of the definitions that are listed."""
    found = [example for entry in backend.once(listed_processes) for example in examples(entry.value)]
    if not found:
        raise NotTestable("no process has an example that stands for itself")
    return found


@check(
    "processes.standard-examples",
    "Examples of the standard are valid for processes of the standard",
    layer="processes",
    source="openEO processes 2.0.0-rc.2",
    operations=(_LIST, _VALIDATION),
    severity=Severity.MINOR,
    mend="Accept what the standard's definition of the process accepts.",
)
def standard_examples(backend: BackEnd) -> Iterator[Violation]:
    """Whoever follows the standard is understood."""
    yield from _refused(backend, _of_standard(backend))


def _of_standard(backend: BackEnd) -> list[Example]:
    """Examples of the standard for processes that are listed, as far as they fit what is listed."""
    found: list[Example] = []
    for entry in backend.once(listed_processes):
        defined = standard_processes().get(entry.id, {})
        if defined.get("experimental") is not True:
            found += [each for each in examples(defined) if applicable(each, entry.value)]
    if not found:
        raise NotApplicable("no process of the standard is listed")
    return found


def _refused(backend: BackEnd, found: Sequence[Example]) -> Iterator[Violation]:
    """Examples that are not valid, found by halves: most often all are."""
    budget = [_REQUESTS]
    for start in range(0, len(found), _GROUP):
        yield from _refused_of(backend, found[start : start + _GROUP], budget)


def _refused_of(backend: BackEnd, group: Sequence[Example], budget: list[int]) -> Iterator[Violation]:
    budget[0] -= 1
    if budget[0] < 0:
        return
    graph = {f"n{number}": example.node for number, example in enumerate(group)}
    last = list(graph)[-1]
    faults, answer = validate(backend, {**graph, last: {**graph[last], "result": True}})
    if not faults:
        return
    if len(group) == 1:
        # What exactly, the evidence tells: many processes often have one fault in common.
        message = f"an example is refused: {text(faults[0].get('code')) or 'without a code'}"
        yield Violation(message, answer, place=f"process {group[0].process}")
        return
    half = len(group) // 2
    yield from _refused_of(backend, group[:half], budget)
    yield from _refused_of(backend, group[half:], budget)


def _shown(example: Example) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in example.arguments.items())[:150] or "none"


@requirement(
    206, id="processes.computed", layer="processes", operations=(_LIST, "POST /result"), costs=True,
    title="Processes compute what the examples of their definitions say",
    severity=Severity.MAJOR,
    mend="Compute what the definition of the process says, or correct the example.",
)  # fmt: skip
def computed(backend: BackEnd) -> Iterator[Violation]:
    """Examples of a back-end give what they return."""
    _need_numbers(backend)
    yield from backend.once(_wrong_own)


def _wrong_own(backend: BackEnd) -> list[Violation]:
    return list(_wrong_ones(backend, _own(backend)))


@check(
    "processes.standard-computed",
    "Processes of the standard compute what its examples say",
    layer="processes",
    source="openEO processes 2.0.0-rc.2",
    operations=(_LIST, "POST /result"),
    costs=True,
    mend="Compute what the standard's definition of the process says.",
)
def standard_computed(backend: BackEnd) -> Iterator[Violation]:
    """Examples of the standard give what they return."""
    _need_numbers(backend)
    told = {each.place for each in backend.known(_wrong_own) or ()}
    yield from (each for each in _wrong_ones(backend, _of_standard(backend)) if each.place not in told)


def _wrong_ones(backend: BackEnd, found: Sequence[Example]) -> Iterator[Violation]:
    """Examples that come out otherwise: one for each process."""
    budget = [_REQUESTS]
    size = _GROUP if has(backend, "array_create") else 1
    told: set[str | None] = set()
    for start in range(0, len(found), size):
        for violation in _wrong(backend, found[start : start + size], budget):
            if violation.place not in told:
                told.add(violation.place)
                yield violation


def _need_numbers(backend: BackEnd) -> None:
    """Many back-ends give cubes only."""
    probe = Example("add", {"x": 1, "y": 2}, 3)
    if has(backend, "add"):
        value, answer = _result(backend, alone(probe))
        if answer.ok and isinstance(value, int | float):
            require(same(value, 3), f"1 + 2 is {value}", answer, place="process add")
            return
    raise NotTestable("plain numbers cannot be computed")


def _result(backend: BackEnd, graph: dict[str, Any]) -> tuple[Any, Exchange]:
    """What a graph gives, as JSON; the answer's body where it is none."""
    answer = backend.user.post("/result", process(graph))
    try:
        return answer.json(), answer
    except NotJson:
        return answer.body, answer


def _wrong(backend: BackEnd, group: Sequence[Example], budget: list[int]) -> Iterator[Violation]:
    """Examples that come out otherwise: together, and those that fail alone, so that one does not hide others."""
    budget[0] -= 1
    if budget[0] < 0:
        return
    if len(group) == 1:
        yield from _wrong_alone(backend, group[0])
        return
    values, answer = _result(backend, together(group))
    if answer.ok and isinstance(values, list) and len(values) == len(group):
        for example, value in zip(group, values, strict=True):
            if not same(value, example.returns):
                yield from _wrong(backend, [example], budget)
        return
    half = len(group) // 2
    yield from _wrong(backend, group[:half], budget)
    yield from _wrong(backend, group[half:], budget)


def _wrong_alone(backend: BackEnd, example: Example) -> Iterator[Violation]:
    value, answer = _result(backend, alone(example))
    place = f"process {example.process}"
    if not answer.ok:
        message = f"an example is refused: HTTP {answer.status} {answer.code or ''}".strip()
        yield Violation(message, answer, place=place, severity=Severity.MINOR)
    elif not same(value, example.returns):
        message = f"with {_shown(example)} it gives {value!r}"[:300] + f", not {example.returns!r}"
        yield Violation(message, answer, place=place)
