"""A federation that misleads; before that, our answers are made to look like those of one, see ``dresses``."""

from __future__ import annotations

from typing import Any

from conformance.mutations.dresses import BACKENDS, FEDERATION_CLASS, LISTS, MISSING
from conformance.mutations.edits import Edit, answers, document, each, error, header, put, without
from conformance.mutations.fault import Apply, Fault, Turn, matches
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity

_EXTENSION = "Federation Extension 0.1.0"
_HOME = ("GET /",)
_ONE = ("GET /collections/{collection_id}",)


def _class(classes: list[str]) -> list[str]:
    return [*classes, FEDERATION_CLASS]


def _no_class(classes: list[str]) -> list[str]:
    return [name for name in classes if name != FEDERATION_CLASS]


def _to_offline(found: Any) -> None:
    found["federation"]["baltic"].update(status="offline", last_successful_check="2024-05-01T12:00:00Z")


def _with_offline(spoil: Edit, *operations: str) -> Apply:
    """A federation with a member that is offline: all lists say so, but for those operations that are spoiled."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        if found.ok and turn.request.path == "/":
            document(_to_offline)(found)
        elif found.ok:
            put(MISSING, ["baltic"])(found)
            found.set_header("cache-control", "private, no-cache")
            if any(matches(operation, turn.request) for operation in operations):
                spoil(found)
        return found

    return apply


def _fault(
    id: str,
    title: str,
    on: tuple[str, ...],
    rule: str,
    apply: Apply,
    *shown: str,
    dress: str = "federation",
    severity: Severity = Severity.MAJOR,
) -> Fault:
    return Fault(
        f"federation-{id}", title, on, ("federation",), f"{_EXTENSION}: {rule}", severity, apply, shown, dress
    )


FAULTS = (
    _fault(
        "missing-unknown",
        "A list lacks a back-end that is no member",
        LISTS,
        "`federation:missing` has ids of members",
        answers(put(MISSING, ["nobody"])),
        "GET /collections",
    ),
    _fault(
        "missing-urls",
        "A list names the missing back-ends by URL",
        LISTS,
        "`federation:missing` has ids of members",
        answers(put(MISSING, ["https://baltic.example/openeo/1.3/"])),
        "GET /collections",
    ),
    _fault(
        "missing-text",
        "`federation:missing` is a text",
        LISTS,
        "`federation:missing` is a list",
        answers(put(MISSING, "baltic")),
        "GET /collections",
    ),
    _fault(
        "missing-and-there",
        "A collection is at a back-end that was not asked for it",
        (*_ONE, "POST /validation"),
        "a back-end is either in `federation:backends` or in `federation:missing`",
        answers(put(MISSING, ["baltic"])),
        "GET /collections/sentinel-2-l2a-demo",
    ),
    _fault(
        "offline-unsaid",
        "A member is offline, and no list says that it lacks it",
        ("GET /", *LISTS),
        "members that are offline are in `federation:missing`",
        _with_offline(put(MISSING, []), *LISTS),
        "GET /",
    ),
    _fault(
        "partial-cached",
        "Lists that lack a member may be kept for an hour",
        ("GET /", *LISTS),
        "partial answers are not kept",
        _with_offline(header("cache-control", "public, max-age=3600"), *LISTS[:3]),
        "GET /collections",
        severity=Severity.MINOR,
    ),
    _fault(
        "down-fails",
        "Lists fail while a member is offline",
        ("GET /", *LISTS),
        "lists of the others, with `federation:missing`",
        _with_offline(error(500, "Internal", "'NoneType' object is not subscriptable"), LISTS[0]),
        "GET /collections",
    ),
    _fault(
        "without-url",
        "A member has no URL",
        _HOME,
        "`url` is required",
        answers(without("federation/baltic/url")),
        "GET /",
    ),
    _fault(
        "url-relative",
        "The URL of a member has no scheme",
        _HOME,
        "`url` is a URI",
        answers(put("federation/baltic/url", "baltic.example/openeo")),
        "GET /",
    ),
    _fault(
        "one-member",
        "There is one member only",
        _HOME,
        "two members at least",
        answers(without("federation/baltic")),
        "GET /",
    ),
    _fault(
        "status-unknown",
        "A member is `down`",
        _HOME,
        "`status` is online or offline",
        answers(put("federation/baltic/status", "down")),
        "GET /",
    ),
    _fault(
        "members-listed",
        "Members are a list",
        _HOME,
        "`federation` is an object by id",
        answers(
            each("federation", lambda members: [{"id": name, **about} for name, about in members.items()])
        ),
        "GET /",
    ),
    _fault(
        "check-number",
        "Times of checks are numbers",
        _HOME,
        "`last_status_check` is a date-time",
        answers(put("federation/*/last_status_check", 1717243200)),
        "GET /",
    ),
    _fault(
        "without-property",
        "The extension is announced, and there is no `federation`",
        _HOME,
        "`federation` is required",
        answers(each("conformsTo", _class)),
        "GET /",
        dress="",
    ),
    _fault(
        "without-class",
        "There is a federation, and its conformance class is not announced",
        ("GET /", "GET /conformance"),
        "the conformance class",
        answers(each("conformsTo", _no_class)),
        "GET /",
        severity=Severity.MINOR,
    ),
    _fault(
        "backends-unknown",
        "A collection is at a back-end that is no member",
        ("GET /collections", *_ONE),
        "`federation:backends` has ids of members",
        answers(
            each(f"collections/*/{BACKENDS}", lambda _: ["nobody"]), each(BACKENDS, lambda _: ["nobody"])
        ),
        "GET /collections/sentinel-2-l2a-demo",
    ),
    _fault(
        "backends-empty",
        "Processes are at no back-end",
        ("GET /processes",),
        "`federation:backends` has one at least",
        answers(put(f"processes/*/{BACKENDS}", [])),
        "GET /processes",
    ),
    _fault(
        "backends-differ",
        "A collection is listed at other back-ends than it describes",
        _ONE,
        "list and description agree",
        answers(put(BACKENDS, ["baltic"]), put(f"summaries/{BACKENDS}", ["baltic"])),
        "GET /collections/sentinel-2-l2a-demo",
    ),
    _fault(
        "validation-silent",
        "Validation does not tell who could validate",
        ("POST /validation",),
        "`federation:backends` of validation",
        answers(without(BACKENDS)),
        "POST /validation <graph>",
        severity=Severity.MINOR,
    ),
)
