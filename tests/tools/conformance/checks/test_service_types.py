"""Types of secondary web services."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.doctored import Change, assert_found, assert_kept, drop, edit, put, reply
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

TYPES = "/service_types"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
SIZE = ("XYZ", "configuration", "tile_size")


def _with_token(change: Change) -> Change:
    """The change, for whoever has a token only."""
    return Change(
        change.method,
        change.path,
        lambda request, send: (
            change.apply(request, send) if "authorization" in request.headers else send(request)
        ),
    )


FAULTS: dict[str, list[Change]] = {
    "profile.600": [reply(TYPES, 200, {}), reply(TYPES, 404, ERROR)],
    "profile.601": [reply(TYPES, 401, ERROR)],
    "profile.602": [_with_token(reply(TYPES, 403, ERROR)), _with_token(drop(TYPES, "WMTS"))],
    "profile.603": [
        drop(TYPES, "XYZ", "configuration"),
        drop(TYPES, "WMTS", "process_parameters"),
        put(TYPES, "XYZ", value=None),
    ],
    "profile.604": [drop(TYPES, "XYZ", "title"), put(TYPES, "WMTS", "description", value="")],
    "service-types.distinct": [edit(TYPES, lambda found: found.update(xyz=found["XYZ"]))],
    "service-types.defaults": [
        put(TYPES, *SIZE, "default", value=300),
        put(TYPES, *SIZE, value={"type": "integer", "required": True, "default": "large"}),
    ],
    "service-types.parameters": [
        edit(TYPES, lambda found: found["XYZ"]["process_parameters"].append(found["XYZ"]["process_parameters"][0]))
    ],
}  # fmt: skip

UNHURT: list[tuple[str, Change]] = [
    ("profile.603", put(TYPES, "WCS", value={"configuration": {}, "process_parameters": []})),
    ("service-types.defaults", put(TYPES, *SIZE, "default", value=None)),
    ("service-types.defaults", put(TYPES, *SIZE, value={"type": "nonsense", "default": 5})),
    ("service-types.defaults", put(TYPES, *SIZE, value="no schema at all")),
]
"""What is odd, but not wrong."""


@pytest.mark.parametrize(
    ("check_id", "change"),
    [
        pytest.param(check_id, change, id=f"{check_id}-{number}")
        for check_id, cases in FAULTS.items()
        for number, change in enumerate(cases)
    ],
)
def test_faults_are_found(check_id: str, change: Change, look: Look) -> None:
    assert_found(look(check_id, change))


@pytest.mark.parametrize(("check_id", "change"), UNHURT)
def test_what_is_sound_passes(check_id: str, change: Change, look: Look) -> None:
    assert_kept(look(check_id, change))


def test_several_types_with_one_fault_are_one_finding(look: Look) -> None:
    result = look(
        "profile.603",
        edit(TYPES, lambda found: [each.pop("configuration") for each in found.values()] and None),
    )
    assert [(finding.message, finding.count) for finding in result.findings] == [
        ("a type has no `configuration`", 2)
    ]


def test_no_types_where_services_cannot_be_created(look: Look) -> None:
    def without_services(document: dict[str, list[dict[str, str]]]) -> None:
        document["endpoints"] = [each for each in document["endpoints"] if each["path"] != "/services"]

    result = look("profile.600", reply(TYPES, 200, {}), edit("/", without_services))
    assert result.state is State.NOT_APPLICABLE


@pytest.mark.parametrize("check_id", FAULTS)
@pytest.mark.parametrize(
    "document", [[], {"XYZ": 5}, {"XYZ": {"configuration": [], "process_parameters": {"a": 1}}}]
)
def test_documents_of_any_shape(check_id: str, document: object, look: Look) -> None:
    result = look(check_id, reply(TYPES, 200, document))
    assert result.state is not State.ERROR, result.reason
