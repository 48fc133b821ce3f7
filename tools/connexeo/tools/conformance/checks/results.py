"""Synchronous processing: what comes of it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.contents import format_of, incomplete, mismatch
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, file_formats
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import (
    Graph,
    Workload,
    addition,
    has,
    loading,
    node,
    of,
    process,
    with_result,
    workload,
)

RESULT = "POST /result"
SOURCE = f"openEO API, {RESULT}"
NEEDS: dict[str, Any] = {"layer": "jobs", "operations": (RESULT,), "account": True, "costs": True}
_X, _Y = 1, 2


def compute(backend: BackEnd, graph: Graph, **properties: Any) -> Exchange:
    """Process at once."""
    return backend.user.post("/result", process(graph, **properties))


def computed(backend: BackEnd) -> Exchange:
    """What comes of the process that jobs compute, too."""
    return compute(backend, backend.once(workload).graph)


def data(backend: BackEnd) -> Exchange:
    """The same, when it has come.

    Raises:
        NotTestable: when it has not, which is told once.
    """
    answer = backend.once(computed)
    if not answer.ok:
        raise NotTestable(f"builds on a small computation, which is answered with HTTP {answer.status}")
    return answer


def _sum(backend: BackEnd) -> Graph:
    """A computation of which the result is known, in a form that this back-end can answer.

    Raises:
        NotTestable: when it has none.
    """
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`")
    bare = addition(_X, _Y)
    if compute(backend, bare).ok:
        return bare
    formats = backend.once(file_formats)["output"] if backend.offers("GET /file_formats") else {}
    name = next((each for each in formats if each.lower() == "json"), None)
    if name is not None and has(backend, "save_result"):
        graph: Graph = {
            "sum": node("add", x=_X, y=_Y),
            "save": node("save_result", data=of("sum"), format=name),
        }
        if compute(backend, with_result(graph)).ok:
            return with_result(graph)
    raise NotTestable("single numbers cannot be results here")


def small(backend: BackEnd) -> Graph:
    """The cheapest computation there is: a sum, else the process that jobs compute."""
    try:
        return backend.once(_sum)
    except NotTestable:
        return backend.once(workload).graph if data(backend) else {}


@requirement(900, mend="Compute what is asked for, and answer 200 with it.", **NEEDS)
def for_users(backend: BackEnd) -> None:
    """A small computation succeeds."""
    answer = backend.once(computed)
    require(
        answer.status == 200,
        f"a computation of a few pixels is answered with HTTP {answer.status} {answer.code or ''}".rstrip(),
        answer,
        mend="When the process is not one for this back-end give another one by --process-graph or --collection.",
    )


def _faulty(backend: BackEnd) -> dict[str, Graph]:
    """Processes that are not valid anywhere."""
    found: dict[str, Graph] = {
        "a process that does not exist": with_result({"one": node(NOWHERE, x=1)}),
        "no node": {},
    }
    if has(backend, "add"):
        found["a required argument missing"] = with_result({"one": node("add", x=1)})
        found["a reference to a node that is not there"] = with_result({"one": node("add", x=1, y=of("two"))})
    return found


@requirement(
    901, mend="Validate the process before anything is computed: answer 400 with the fitting code.", **NEEDS
)
def valid_only(backend: BackEnd) -> Iterator[Violation]:
    """Processes that are not valid are refused."""
    for name, graph in _faulty(backend).items():
        answer = compute(backend, graph)
        if answer.ok:
            yield Violation(f"a process graph with {name} is computed: HTTP {answer.status}", answer)


def _refused_data(backend: BackEnd) -> dict[str, tuple[Graph, int, frozenset[str]]]:
    """Valid graphs that ask for what is not there, with the status and the codes that fit."""
    work: Workload = backend.once(workload)
    if work.collection is None:
        raise NotTestable("nobody can tell what the process of --process-graph asks for")
    load = {**loading(work)["arguments"]}
    load.pop("bands", None)
    unknown = {"load": node("load_collection", **{**load, "id": NOWHERE})}
    unknown["save"] = node("save_result", data=of("load"), format=work.format)
    odd = {"load": loading(work)}
    odd["save"] = node("save_result", data=of("load"), format=NOWHERE)
    return {
        "a collection that does not exist": (
            with_result(unknown),
            404,
            frozenset({"CollectionNotFound", "ProcessParameterInvalid", "ProcessArgumentInvalid"}),
        ),
        "an output format that does not exist": (
            with_result(odd),
            400,
            frozenset(
                {"FormatUnsupported", "FormatUnsuitable", "ProcessParameterInvalid", "ProcessArgumentInvalid"}
            ),
        ),
    }


@requirement(905, mend="Answer 200 with the data, or a 4xx or 5xx with an error object.", **NEEDS)
def success_and_failure(backend: BackEnd) -> Iterator[Violation]:
    """Data come where there are some, and an error where there are none."""
    answer = backend.once(computed)
    if answer.ok and not answer.body:
        yield Violation(f"HTTP {answer.status} comes without data", answer)
    elif answer.ok and answer.status != 200:
        yield Violation(f"the result comes with HTTP {answer.status}, not 200", answer)
    if backend.options.process_graph is not None:
        return
    for name, (graph, _, _) in _refused_data(backend).items():
        refused = compute(backend, graph)
        if refused.ok:
            # Who falls back on another format gives data at least.
            severity = Severity.MINOR if "format" in name else None
            yield Violation(
                f"a process that asks for {name} is answered with HTTP {refused.status}",
                refused,
                severity=severity,
            )


@check(
    "results.error-codes", "What is wrong with a process is told by the code of the standard that fits",
    source="openEO API, errors.json", severity=Severity.MINOR,
    mend="Give the code that the standard has for it, so that clients can tell users what to change.", **NEEDS,
)  # fmt: skip
def error_codes(backend: BackEnd) -> Iterator[Violation]:
    """The codes of usual mistakes."""
    unknown = with_result({"one": node(NOWHERE, x=1)})
    mistakes = {"a process that does not exist": (unknown, 400, frozenset({"ProcessUnsupported"}))}
    with suppress(NotTestable):
        mistakes |= _refused_data(backend)
    for name, (graph, status, codes) in mistakes.items():
        answer = compute(backend, graph)
        # Success is for other checks to say, and failures of the server for `inspection`.
        told_otherwise = answer.ok or answer.status in {401, 402, 403, 429} or answer.status >= 500
        if not told_otherwise and answer.code not in codes:
            told = f"HTTP {answer.status} {answer.code or 'without a code'}"
            expected = " or ".join(sorted(codes))
            yield Violation(f"{name} is answered with {told}, not {status} or so with {expected}", answer)


@check(
    "results.right", "A sum is the sum", source="openEO processes, add",
    mend="Compute what the process describes, and answer with that.", **NEEDS,
)  # fmt: skip
def right(backend: BackEnd) -> None:
    """What is known beforehand comes out."""
    graph = backend.once(_sum)
    answer = compute(backend, graph)
    try:
        numbers = list(_numbers(answer.json()))
    except NotJson as error:
        raise NotTestable("the sum does not come as JSON") from error
    if len(numbers) != 1:
        raise NotTestable("the sum does not come as one number")
    require(
        abs(numbers[0] - (_X + _Y)) < 1e-6,
        f"{_X} + {_Y} is {numbers[0]:g}, where {_X + _Y} was expected",
        answer,
    )


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each)


def _answers(backend: BackEnd) -> list[Exchange]:
    """Results that have come."""
    found = [backend.once(computed)]
    with suppress(NotTestable):
        found.append(compute(backend, backend.once(_sum)))
    if not any(answer.ok for answer in found):
        raise NotTestable("no result has come")
    return [answer for answer in found if answer.ok]


@requirement(906, mend="Send the media type of the format as Content-Type.", **NEEDS)
def media_types(backend: BackEnd) -> Iterator[Violation]:
    """``Content-Type`` is there, and fits the bytes."""
    for answer in backend.once(_answers):
        if not answer.media_type:
            yield Violation("there is no Content-Type", answer)
        elif not answer.truncated and (why := mismatch(answer.media_type, answer.body)):
            yield Violation(f"what comes as {answer.media_type} is something else: {why}", answer)
        elif answer.media_type == "application/octet-stream" and format_of(answer.body):
            message = f"Content-Type is application/octet-stream, where it is {format_of(answer.body)}"
            yield Violation(message, answer, severity=Severity.MINOR)


@check(
    "results.complete", "Results are complete", source=SOURCE, mend="Send the result to its end.", **NEEDS,
)  # fmt: skip
def complete(backend: BackEnd) -> Iterator[Violation]:
    """The file ends where its format says."""
    answer = data(backend)
    if answer.truncated:
        raise NotTestable("the result is too large to be looked at")
    if why := incomplete(answer.body):
        yield Violation(f"the result is not complete: {why}", answer)
