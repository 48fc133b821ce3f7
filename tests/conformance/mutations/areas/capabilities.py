"""Capabilities, versions and conformance classes that do not tell the truth."""

from __future__ import annotations

from typing import Any

from conformance.mutations.edits import answers, document, each, error, put, without
from conformance.mutations.fault import Fault
from conformance.mutations.message import Answer
from connexeo.tools.conformance.verdicts import Severity

_HOME = ("GET /",)
_KNOWN = ("GET /.well-known/openeo",)
_API = "openEO API, GET /"
_VERSIONS = "openEO API, GET /.well-known/openeo"
_SHOWN = ("GET /",)
_SHOWN_KNOWN = ("GET /.well-known/openeo",)


def _endpoint_more(found: Any) -> None:
    if all(each["path"] != "/udf_runtimes" for each in found["endpoints"]):
        found["endpoints"].append({"path": "/udf_runtimes", "methods": ["GET"]})


_listed = document(_endpoint_more)
_gone = error(501, "FeatureUnsupported")


def _listed_but_gone(answer: Answer) -> None:
    edit = _gone if answer.asked.endswith("/udf_runtimes") else _listed
    edit(answer)


def _endpoint_less(found: Any) -> None:
    found["endpoints"] = [each for each in found["endpoints"] if each["path"] != "/jobs/{job_id}/results"]


def _flask_paths(path: str) -> str:
    return path.replace("{", "<").replace("}", ">")


def _without_api_class(classes: list[str]) -> list[str]:
    return [name for name in classes if not name.startswith("https://api.openeo.org/1.")]


FAULTS = (
    Fault(
        "capabilities-unimplemented",
        "An endpoint is listed that is not there",
        (*_HOME, "GET /udf_runtimes"),
        ("profiles", "schema"),
        f"{_API}: `endpoints` has what is implemented",
        Severity.MAJOR,
        answers(_listed_but_gone),
        ("GET /udf_runtimes",),
    ),
    Fault(
        "capabilities-omits-results",
        "Batch jobs are offered, their results are not listed",
        _HOME,
        ("profiles", "jobs"),
        f"{_API}: `endpoints` has all that is implemented",
        Severity.MAJOR,
        answers(document(_endpoint_less)),
        _SHOWN,
    ),
    Fault(
        "capabilities-without-endpoints",
        "`endpoints` is missing",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `endpoints` is required",
        Severity.MAJOR,
        answers(without("endpoints")),
        _SHOWN,
    ),
    Fault(
        "capabilities-flask-paths",
        "Path parameters stand in angle brackets, as the web framework has them",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: parameters of paths stand in curly brackets",
        Severity.MAJOR,
        answers(each("endpoints/*/path", _flask_paths)),
        _SHOWN,
    ),
    Fault(
        "capabilities-lowercase-methods",
        "Methods of endpoints are in lower case",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: methods are GET, POST, PATCH, PUT, DELETE or OPTIONS",
        Severity.MAJOR,
        answers(each("endpoints/*/methods/*", str.lower)),
        _SHOWN,
    ),
    Fault(
        "capabilities-version-short",
        "`api_version` has two numbers only",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `api_version` is a semantic version",
        Severity.MAJOR,
        answers(put("api_version", "1.3")),
        _SHOWN,
    ),
    Fault(
        "capabilities-without-stac-version",
        "`stac_version` is missing",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `stac_version` is required",
        Severity.MAJOR,
        answers(without("stac_version")),
        _SHOWN,
    ),
    Fault(
        "capabilities-title-null",
        "Texts that nobody wrote are null instead of left out",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `title` and `description` are strings",
        Severity.MAJOR,
        answers(put("title", None), put("description", None)),
        _SHOWN,
    ),
    Fault(
        "capabilities-production-text",
        "`production` is a text",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `production` is a boolean",
        Severity.MAJOR,
        answers(put("production", "False")),
        _SHOWN,
    ),
    Fault(
        "capabilities-link-without-rel",
        "A link has no `rel`",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `rel` of links is required",
        Severity.MAJOR,
        answers(without("links/0/rel")),
        _SHOWN,
    ),
    Fault(
        "billing-without-currency",
        "`billing` has plans, but no currency",
        _HOME,
        ("profiles", "schema"),
        f"{_API}: `currency` of `billing` is required",
        Severity.MAJOR,
        answers(put("billing", {"plans": [{"name": "free", "description": "Free.", "paid": False}]})),
        _SHOWN,
    ),
    Fault(
        "billing-default-plan-unknown",
        "The default plan is none of the plans",
        _HOME,
        ("profiles",),
        f"{_API}: `default_plan` is the name of a plan",
        Severity.MAJOR,
        answers(
            put(
                "billing",
                {
                    "currency": "EUR",
                    "default_plan": "gold",
                    "plans": [{"name": "free", "description": "Free.", "paid": False}],
                },
            )
        ),
        _SHOWN,
    ),
    Fault(
        "conformance-class-missing",
        "The class of the openEO API is not among the conformance classes",
        ("GET /", "GET /conformance"),
        ("profiles",),
        f"{_API}: `conformsTo` has the class of the API's version",
        Severity.MAJOR,
        answers(each("conformsTo", _without_api_class)),
        (*_SHOWN, "GET /conformance"),
    ),
    Fault(
        "conformance-differs",
        "GET /conformance says something else than the capabilities",
        ("GET /conformance",),
        ("profiles",),
        "openEO API, GET /conformance: the same classes as in GET /",
        Severity.MAJOR,
        answers(put("conformsTo", ["https://api.openeo.org/1.0.0"])),
        ("GET /conformance",),
    ),
    Fault(
        "well-known-relative-url",
        "The URL of a version is relative",
        _KNOWN,
        ("profiles", "schema"),
        f"{_VERSIONS}: `url` is absolute",
        Severity.MAJOR,
        answers(put("versions/0/url", "/")),
        _SHOWN_KNOWN,
    ),
    Fault(
        "well-known-without-versions",
        "`versions` is missing",
        _KNOWN,
        ("profiles", "schema"),
        f"{_VERSIONS}: `versions` is required",
        Severity.MAJOR,
        answers(without("versions")),
        _SHOWN_KNOWN,
    ),
    Fault(
        "well-known-other-version",
        "Another version is announced than the URL serves",
        _KNOWN,
        ("profiles",),
        f"{_VERSIONS}: `api_version` is that of the API at `url`",
        Severity.MAJOR,
        answers(put("versions/0/api_version", "1.2.0")),
        _SHOWN_KNOWN,
    ),
    Fault(
        "well-known-missing",
        "There is no list of versions",
        _KNOWN,
        ("profiles",),
        f"{_VERSIONS}: must be there",
        Severity.MAJOR,
        answers(error(404, "NotFound")),
        _SHOWN_KNOWN,
    ),
    Fault(
        "me-without-user-id",
        "The account has no `user_id`",
        ("GET /me",),
        ("profiles", "schema"),
        "openEO API, GET /me: `user_id` is required",
        Severity.MAJOR,
        answers(without("user_id")),
        ("GET /me",),
    ),
    Fault(
        "me-storage-text",
        "Storage is told with units, as a text",
        ("GET /me",),
        ("profiles", "schema"),
        "openEO API, GET /me: `storage` has numbers of bytes",
        Severity.MAJOR,
        answers(put("storage", {"free": "9.3 GB", "quota": "10 GB"})),
        ("GET /me",),
    ),
)
