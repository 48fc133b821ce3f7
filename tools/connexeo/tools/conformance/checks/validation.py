"""Validation: which requests it takes, and how it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, may_call, object_of
from connexeo.tools.conformance.shapes import mapping, objects, text
from connexeo.tools.conformance.validating import told, validate
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation
from connexeo.tools.conformance.workload import Graph, addition, has, node, with_result, workload

VALIDATION = "POST /validation"
_SOURCE = "openEO API, POST /validation"
_NUMBER = {"name": "x", "description": "A number.", "schema": {"type": "number"}}


def sound_graph(backend: BackEnd) -> Graph:
    """The smallest graph that has to be valid.

    Raises:
        NotTestable: when nothing can be made of what the back-end lists.
    """
    return addition() if has(backend, "add") else backend.once(workload).graph


def ask(backend: BackEnd, body: Any) -> Exchange:
    """The answer to any body."""
    return may_call(backend, VALIDATION).post("/validation", body)


def is_clean(answer: Exchange) -> bool:
    """Whether it says that nothing is wrong."""
    return answer.ok and mapping(object_of(answer)).get("errors", ()) == []


def _of_nothing() -> Graph:
    return with_result({"nothing": node(NOWHERE)})


@requirement(490, layer="processes", operations=(VALIDATION,), mend="Answer 200, with or without errors.")
def validates(backend: BackEnd) -> Iterator[Violation]:
    """Whoever has a token may ask; most back-ends answer without one, too."""
    answer = ask(backend, {"process_graph": sound_graph(backend)})
    if not answer.ok:
        yield Violation(f"a process is answered with HTTP {answer.status}, not 200", answer)


@requirement(
    491, layer="processes", operations=(VALIDATION,), severity=Severity.MAJOR,
    mend="Answer 200 with an empty array `errors`.",
)  # fmt: skip
def valid(backend: BackEnd) -> Iterator[Violation]:
    """What is made of what the back-end lists has no faults, with metadata or without."""
    about = {"id": "conformance_valid", "summary": "Valid", "description": "A *valid* process."}
    for graph, properties in _valid(backend):
        for more in ({}, about):
            faults, answer = validate(backend, graph, **properties, **more)
            if faults:
                yield Violation(f"a valid process is refused: {told(faults)}", answer)
                break


def _valid(backend: BackEnd) -> Iterator[tuple[Graph, dict[str, Any]]]:
    yield sound_graph(backend), {}
    if has(backend, "add"):
        returns = {"description": "The sum.", "schema": {"type": "number"}}
        properties = {"parameters": [_NUMBER], "returns": returns}
        yield addition({"from_parameter": "x"}), properties
    try:
        work = backend.once(workload)
    except NotTestable:
        return
    if backend.options.process_graph is None:
        yield work.graph, {}


@requirement(
    492, layer="processes", operations=(VALIDATION,), severity=Severity.MAJOR,
    mend="Answer 200, and list each fault in `errors` with `code` and `message`.",
)  # fmt: skip
def faulty(backend: BackEnd) -> Iterator[Violation]:
    """A process that does not exist is a fault, with code and message."""
    answer = ask(backend, {"process_graph": _of_nothing()})
    if not answer.ok:
        yield Violation(f"a faulty process is answered with HTTP {answer.status}, not 200", answer)
        return
    errors = mapping(object_of(answer)).get("errors")
    if not isinstance(errors, list) or not errors:
        yield Violation("a process that does not exist is found valid", answer)
        return
    complete = [each for each in objects(errors) if text(each.get("code")) and text(each.get("message"))]
    if len(complete) < len(errors):
        yield Violation("an entry of `errors` has no `code` or no `message`", answer)


@requirement(
    493, layer="processes", operations=(VALIDATION,), severity=Severity.MAJOR,
    mend="Answer 200 when the process is wrong, 4xx when the body is no process.",
)  # fmt: skip
def other_statuses(backend: BackEnd) -> Iterator[Violation]:
    """Faults of the process are never those of the request, nor the other way round."""
    graphs = {"an unknown process": _of_nothing()}
    if has(backend, "add"):
        graphs["a missing argument"] = with_result({"sum": node("add", x=1)})
        graphs["a reference to no node"] = addition({"from_node": NOWHERE})
    for what, graph in graphs.items():
        answer = ask(backend, {"process_graph": graph})
        if answer.status != 200:
            yield Violation(f"{what} is answered with HTTP {answer.status}, not 200 with `errors`", answer)
    yield from _faults_of_requests(backend)


def _faults_of_requests(backend: BackEnd) -> Iterator[Violation]:
    """Bodies that hold no process at all."""
    caller = may_call(backend, VALIDATION)
    headers = {"Content-Type": "application/json"}
    for content, what in (
        (b'{"process_graph"', "broken JSON"),
        (b"[]", "an array"),
        (b"{}", "an empty object"),
    ):
        answer = caller.request("POST", "/validation", content=content, headers=headers)
        if is_clean(answer):
            yield Violation(f"{what} is found valid", answer)
        elif answer.status < 400:
            message = f"{what} is answered with HTTP {answer.status}, not 4xx"
            # The missing graph may be told as a fault of the process.
            yield Violation(message, answer, severity=Severity.MINOR)


@requirement(
    494, layer="processes", operations=(VALIDATION,),
    mend="Refuse an `id` that is not made of letters, digits and underscores.",
)  # fmt: skip
def ids(backend: BackEnd) -> Iterator[Violation]:
    """An id with a space is wrong: a fault of the process, or of the request."""
    answer = ask(backend, {"id": "two words", "process_graph": sound_graph(backend)})
    if is_clean(answer):
        yield Violation("the id `two words` is found valid", answer)


@requirement(
    495, layer="processes", operations=(VALIDATION,), mend="Check `parameters`: names, schemas, defaults."
)
def parameters(backend: BackEnd) -> Iterator[Violation]:
    """Parameters that contradict themselves, each other, or their use."""
    _need_addition(backend)
    graph = addition({"from_parameter": "x"})
    unnamed = {key: value for key, value in _NUMBER.items() if key != "name"}
    for declared, what in (
        ([_NUMBER, _NUMBER], "two parameters of one name"),
        ([unnamed], "a parameter without name"),
        ([{**_NUMBER, "schema": "number"}], "a parameter whose schema is a text"),
        ([{**_NUMBER, "optional": True, "default": "text"}], "a default that is a text, for a number"),
    ):
        answer = ask(backend, {"process_graph": graph, "parameters": declared})
        if is_clean(answer):
            yield Violation("faulty parameters are found valid", answer, place=f"{VALIDATION}, {what}")


@requirement(
    496, layer="processes", operations=(VALIDATION,), mend="Check `returns`: it needs a JSON Schema."
)
def return_value(backend: BackEnd) -> Iterator[Violation]:
    """A return value whose schema is none."""
    graph = sound_graph(backend)
    for returns, what in (
        ({"description": "The sum."}, "a return value without schema"),
        ({"description": "The sum.", "schema": "number"}, "a return value whose schema is a text"),
        ({"description": "The sum.", "schema": {"type": "sum"}}, "a return value of a type that JSON lacks"),
    ):
        answer = ask(backend, {"process_graph": graph, "returns": returns})
        if is_clean(answer):
            yield Violation("a faulty return value is found valid", answer, place=f"{VALIDATION}, {what}")


def _need_addition(backend: BackEnd) -> None:
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`, of which a small graph could be made")


@check(
    "validation.open-parameters",
    "A parameter that is not declared yet is no error",
    layer="processes",
    source=f"{_SOURCE}: parameters that cannot be resolved MUST NOT count as errors",
    operations=(VALIDATION,),
    mend="Leave arguments with `from_parameter` alone when the process does not declare any parameters.",
)
def open_parameters(backend: BackEnd) -> Iterator[Violation]:
    """A graph with `from_parameter`, and nothing that declares it."""
    _need_addition(backend)
    faults, answer = validate(backend, addition({"from_parameter": "x"}))
    if faults:
        yield Violation(f"a parameter that is not declared is an error: {told(faults)}", answer)


@check(
    "validation.no-effect",
    "Validation stores nothing",
    layer="processes",
    source=_SOURCE,
    operations=(VALIDATION, "GET /process_graphs/{process_graph_id}"),
    account=True,
    mend="Check the process only, although it has an `id`.",
)
def no_effect(backend: BackEnd) -> Iterator[Violation]:
    """A process with an id is checked, and is not there afterwards."""
    name = backend.name("validated")
    answer = backend.user.post("/validation", {"id": name, "process_graph": sound_graph(backend)})
    if answer.ok and backend.user.get(f"/process_graphs/{name}").ok:
        backend.ledger.add("process", name, backend.user)
        yield Violation("a process that was validated is stored", answer)
