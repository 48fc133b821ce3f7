"""The list of predefined processes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd, next_page
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import NOWHERE, Entry, answer_to, listed_processes
from connexeo.tools.conformance.shapes import listed, mapping, nulls, objects, text, texts
from connexeo.tools.conformance.validating import Faults, finds_fault, validate
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Violation, require
from connexeo.tools.conformance.workload import Graph, node

_LIST = "GET /processes"
_VALUES = {"default", "enum", "const", "examples", "arguments", "process_graph"}
"""Keys below which null is a value."""

_TOGETHER = 20
"""Processes in one graph."""

_UNSUPPORTED = "ProcessUnsupported"


def place_of(entry: Entry) -> str:
    """What violations of a process are about."""
    return f"process {entry.id}" if entry.id else _LIST


@requirement(200, layer="processes", operations=(_LIST,))
def arrays(backend: BackEnd) -> Iterator[Violation]:
    """There are processes and links."""
    answer = backend.once(answer_to("/processes"))
    require(answer.ok, f"the processes are answered with HTTP {answer.status}", answer)
    document = answer.object()
    for key in ("processes", "links"):
        if not isinstance(document.get(key), list):
            yield Violation(f"there is no array `{key}`", answer)


@requirement(
    203, layer="processes", operations=(_LIST,),
    mend="Give `limit` entries and a link `next`, or ignore `limit` and give all.",
)  # fmt: skip
def pages(backend: BackEnd) -> Iterator[Violation]:
    """A page has a link to the next, unless there is one with all; clients that read one page miss nothing then."""
    ids = [entry.id for entry in backend.once(listed_processes)]
    if len(ids) < 2:
        raise NotTestable("there are too few processes to see pages")
    limit = max(1, -(-len(ids) // 4))
    found: list[str] = []
    first = None
    for answer, document in backend.pages(backend.reader, "/processes", limit):
        first = first or answer
        names = [text(each.get("id")) for each in objects(document.get("processes"))]
        if len(names) > limit and set(names) != set(ids):
            yield Violation(f"a page has {len(names)} entries, `limit` is {limit}", answer)
        found += names
    if missing := sorted(set(ids) - set(found)):
        yield Violation(f"no page has {listed(missing)}", first, severity=Severity.MAJOR)
    if twice := sorted({name for name in found if found.count(name) > ids.count(name)}):
        yield Violation(f"pages repeat {listed(twice)}", first, severity=Severity.MAJOR)


@requirement(204, layer="processes", operations=(_LIST,), mend="Without `limit` give all processes at once.")
def all_at_once(backend: BackEnd) -> Iterator[Violation]:
    """Clients that know no pages get all processes."""
    answer = backend.once(answer_to("/processes"))
    if answer.ok and next_page(answer.object()) is not None:
        yield Violation("without `limit` there is a page only, with a link to the next", answer)


@requirement(207, layer="processes", operations=(_LIST,), mend="Add a summary and at least one category.")
def summaries_and_categories(backend: BackEnd) -> Iterator[Violation]:
    """Users find what they look for."""
    for entry in backend.once(listed_processes):
        if not text(entry.value.get("summary")):
            yield Violation("there is no summary", entry.evidence, place=place_of(entry))
        if not texts(entry.value.get("categories")):
            yield Violation("there are no categories", entry.evidence, place=place_of(entry))


@requirement(209, layer="processes", operations=(_LIST,), mend="Leave out what a process does not have.")
def nothing_null(backend: BackEnd) -> Iterator[Violation]:
    """What is not there is left out."""
    for entry in backend.once(listed_processes):
        for place in nulls(entry.value):
            if not _VALUES & set(place.split("/")):
                yield Violation(f"{place} is null", entry.evidence, place=place_of(entry))


@check(
    "processes.unique",
    "No two processes have one identifier",
    layer="processes",
    source="openEO API, Defining Processes",
    operations=(_LIST,),
    mend="List each process once.",
)
def unique(backend: BackEnd) -> Iterator[Violation]:
    """Identifiers tell processes apart."""
    seen: set[str] = set()
    for entry in backend.once(listed_processes):
        if entry.id in seen:
            yield Violation(f"{entry.id or 'an empty identifier'} is listed twice", entry.evidence)
        seen.add(entry.id)


@check(
    "processes.known",
    "Every process that is listed is known to validation, and no other",
    layer="processes",
    source="openEO API, POST /validation",
    operations=(_LIST, "POST /validation"),
    mend="Take the process out of the list, or implement it.",
)
def known(backend: BackEnd) -> Iterator[Violation]:
    """A node for each process: arguments may be wrong, but no process is unsupported."""
    ids = [entry.id for entry in backend.once(listed_processes) if entry.id]
    found, answer = finds_fault(backend, {"n": {**node(NOWHERE), "result": True}})
    if not found:
        yield Violation("a process that does not exist is found valid", answer)
        return
    for start in range(0, len(ids), _TOGETHER):
        for name in _suspects(backend, ids[start : start + _TOGETHER]):
            faults, answer = validate(backend, _naming([name]))
            if _unsupported(faults):
                yield Violation("it is listed, but not supported", answer, place=f"process {name}")


def _suspects(backend: BackEnd, ids: list[str]) -> list[str]:
    """Those of some processes that may be unsupported: one graph names them all, and one that does not exist.

    When the back-end does not tell of that one, it does not tell of all faults, and each process is to be looked at.
    """
    faults, _ = validate(backend, _naming([*ids, NOWHERE]))
    told = _unsupported(faults)
    if not any(NOWHERE in each for each in told):
        return ids
    if len(told) == 1:
        return []
    named = [name for name in ids if any(re.search(rf"\b{re.escape(name)}\b", each) for each in told)]
    return named or ids


def _naming(ids: list[str]) -> Graph:
    graph = {f"n{number}": node(name) for number, name in enumerate(ids)}
    last = list(graph)[-1]
    return {**graph, last: {**graph[last], "result": True}}


def _unsupported(faults: Faults) -> list[str]:
    return [text(mapping(each).get("message")) for each in faults if each.get("code") == _UNSUPPORTED]
