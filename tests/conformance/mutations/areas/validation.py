"""Validation and synchronous processing that mislead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.mutations.edits import (
    Edit,
    answers,
    document,
    each,
    error,
    html,
    put,
    status,
    without,
    without_headers,
)
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity

_VALIDATION = "openEO API, POST /validation"
_RESULT = "openEO API, POST /result"


def _forgives(codes: Iterable[str]) -> Edit:
    """Keeps quiet about some mistakes."""
    kept = frozenset(codes)

    def change(found: Any) -> None:
        found["errors"] = [problem for problem in found["errors"] if problem.get("code") not in kept]

    return document(change)


async def _bad_request(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    problems = (found.json or {}).get("errors") if found.ok else None
    if problems:
        found.refuse(400, problems[0]["code"], problems[0]["message"])
    return found


def _one_more(found: Answer) -> None:
    if found.body.strip() == b"3":
        found.set_body(b"4")


def _validation(id: str, title: str, rule: str, apply: Apply, shown: str) -> Fault:
    return Fault(
        f"validation-{id}",
        title,
        ("POST /validation",),
        ("processes", "profiles"),
        f"{_VALIDATION}: {rule}",
        Severity.MAJOR,
        apply,
        (f"POST /validation {shown}",),
    )


def _result(id: str, title: str, rule: str, apply: Apply, shown: str = "<add>") -> Fault:
    return Fault(
        f"result-{id}",
        title,
        ("POST /result",),
        ("processes", "jobs"),
        f"{_RESULT}: {rule}",
        Severity.MAJOR,
        apply,
        (f"POST /result {shown}",),
    )


FAULTS = (
    _validation(
        "argument-accepted",
        "Unknown arguments are accepted",
        "ProcessParameterUnsupported",
        answers(_forgives({"ProcessParameterUnsupported"})),
        "<graph-argument>",
    ),
    _validation(
        "missing-accepted",
        "Missing arguments are accepted",
        "ProcessParameterRequired",
        answers(_forgives({"ProcessParameterRequired"})),
        "<graph-missing>",
    ),
    _validation(
        "process-accepted",
        "Unknown processes are accepted",
        "ProcessUnsupported",
        answers(_forgives({"ProcessUnsupported"})),
        "<graph-unknown>",
    ),
    _validation(
        "collection-accepted",
        "Unknown collections are accepted",
        "CollectionNotFound",
        answers(_forgives({"CollectionNotFound"})),
        "<graph-collection>",
    ),
    _validation(
        "all-accepted",
        "Everything is valid",
        "lists what is wrong",
        answers(put("errors", [])),
        "<graph-unknown>",
    ),
    _validation(
        "valid-refused",
        "A valid process graph is refused",
        "lists nothing where nothing is wrong",
        answers(put("errors", [{"code": "ProcessGraphInvalid", "message": "It is not valid."}])),
        "<graph>",
    ),
    _validation(
        "invalid-400",
        "What is wrong with a process is the error of the request",
        "200 with `errors`",
        _bad_request,
        "<graph-unknown>",
    ),
    _validation(
        "empty",
        "The answer is an empty object",
        "`errors` is required",
        answers(without("errors")),
        "<graph>",
    ),
    _validation(
        "errors-text",
        "Errors are texts",
        "`errors` has objects with `code` and `message`",
        answers(each("errors/*", lambda problem: problem["message"])),
        "<graph-unknown>",
    ),
    _validation(
        "no-content",
        "The answer to a valid process has no content",
        "200 with `errors`",
        answers(
            status(204),
            lambda found: found.drop_header("content-length"),
            lambda found: setattr(found, "body", b""),
        ),
        "<graph>",
    ),
    _result("wrong", "One and two are four", "what the process computes", answers(_one_more)),
    _result(
        "202",
        "Synchronous processing only says that it was accepted",
        "200 with the result",
        answers(status(202)),
    ),
    _result(
        "without-type",
        "The result has no media type",
        "Content-Type of the format",
        answers(without_headers("content-type")),
    ),
    _result(
        "invalid-fails",
        "A process that is not valid is a failure of the server",
        "400 ProcessUnsupported",
        answers(html(500, "Internal Server Error"), status=400),
        "<unknown>",
    ),
    _result(
        "error-code",
        "The error of a process that is not valid is Internal",
        "400 ProcessUnsupported",
        answers(error(500, "Internal"), status=400),
        "<unknown>",
    ),
)
