"""Fundamentals, capabilities, formats, credentials and the account: what is wrong is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import (
    Answer,
    Change,
    assert_found,
    assert_kept,
    drop,
    edit,
    header,
    put,
    reply,
    status,
)
from connexeo.tools.conformance.registry import load_checks
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.runner import run_check
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]


def _endpoints(change: Callable[[list[Any]], Any]) -> Change:
    return edit("/", lambda document: change(document["endpoints"]))


def _without(path: str) -> Change:
    return _endpoints(lambda listed: listed.remove(next(each for each in listed if each["path"] == path)))


def _link(rel: str, href: str | None) -> Change:
    def change(document: Any) -> None:
        links = [each for each in document["links"] if each["rel"] != rel]
        document["links"] = links if href is None else [*links, {"rel": rel, "href": href}]

    return edit("/", change)


def _no_method(name: str) -> Change:
    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        response = send(request)
        allowed = response.headers["access-control-allow-methods"].split(", ")
        response.headers["access-control-allow-methods"] = ", ".join(each for each in allowed if each != name)
        return response

    return Change("OPTIONS", ".*", apply)


def _version(**change: Any) -> Change:
    return edit("/.well-known/openeo", lambda document: document["versions"][0].update(change))


def _mangled(document: Any) -> Any:
    return json.loads(json.dumps(document, ensure_ascii=False).encode().decode("latin-1"))


def _latin_1(request: httpx.Request, send: Answer) -> httpx.Response:
    response = send(request)
    body = json.dumps({**response.json(), "note": "größe"}, ensure_ascii=False).encode("latin-1", "replace")
    return httpx.Response(200, headers={"content-type": "application/json"}, content=body)


PROVIDER = {
    "id": "river",
    "issuer": "https://id.river.example",
    "title": "River",
    "scopes": ["openid"],
    "default_clients": [
        {"id": "x", "grant_types": ["authorization_code+pkce"], "redirect_urls": ["https://a.example"]}
    ],
}
RUNTIME = {
    "title": "Python",
    "description": "CPython.",
    "type": "language",
    "default": "3",
    "versions": {"3": {"libraries": {}}},
}


def _oidc(**change: Any) -> tuple[Change, ...]:
    return (
        _endpoints(lambda listed: listed.append({"path": "/credentials/oidc", "methods": ["GET"]})),
        reply("/credentials/oidc", 200, {"providers": [{**PROVIDER, **change}]}),
        reply("/.well-known/openid-configuration", 200, {"issuer": "https://id.river.example"}),
    )


def _providers(*providers: Any) -> tuple[Change, ...]:
    return (*_oidc()[:1], reply("/credentials/oidc", 200, {"providers": providers}))


def _runtimes(**change: Any) -> tuple[Change, ...]:
    return (
        _endpoints(lambda listed: listed.append({"path": "/udf_runtimes", "methods": ["GET"]})),
        reply("/udf_runtimes", 200, {"Python": {**RUNTIME, **change}}),
    )


def _billing(**billing: Any) -> Change:
    return put("/", "billing", value=billing)


PLANS = [{"name": "free", "description": "Free.", "paid": False}]
FORMAT = ("output", "GTiff")
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing at /x."}

UNHEALTHY: dict[str, list[tuple[Change, ...]]] = {
    "profile.1": [
        (reply(".*", 405, ERROR, "OPTIONS"),),
        (header(".*", "OPTIONS", access_control_allow_origin=None),),
        (header(".*", "OPTIONS", access_control_allow_headers="Content-Type"),),
        (header(".*", "OPTIONS", access_control_expose_headers="Link"),),
        (_no_method("PUT"),),
        (status(".*", 200, "OPTIONS"),),
    ],
    "profile.5": [
        (header("/collections", content_type="application/json; charset=latin-1"),),
        (edit("/validation", _mangled, "POST"),),
        (Change("GET", "/file_formats", _latin_1),),
    ],
    "fundamentals.text-kept": [(edit("/process_graphs/.*", _mangled),)],
    "profile.20": [(reply("/.well-known/openeo", 404, ERROR),)],
    "profile.21": [
        (edit("/.well-known/openeo", lambda found: found["versions"].append({"url": "https://a.example"})),),
        (_version(url="/openeo"),),
    ],
    "versions.lead-to-the-api": [(_version(api_version="1.2.0"),), (_version(production=True),)],
    "versions.unique": [
        (edit("/.well-known/openeo", lambda found: found["versions"].append(found["versions"][0])),),
    ],
    "profile.30": [(put("/", "title", value=""),), (drop("/", "backend_version"),), (put("/", "links", value=None),)],
    "profile.33": [(put("/", "api_version", value="1.2"),), (put("/", "api_version", value="1.0.0"),)],
    "profile.34": [(put("/", "stac_version", value="0.8.1"),), (drop("/", "stac_version"),)],
    "profile.35": [
        (_billing(currency="EUR", default_plan="gold", plans=PLANS),),
        (_billing(currency="EUR", plans=[*PLANS, {**PLANS[0], "name": "FREE"}]),),
        (_billing(currency=None, plans=[{**PLANS[0], "paid": True}]),),
        (_billing(plans=PLANS),),
    ],
    "profile.60": [(reply("/conformance", 401, ERROR),)],
    "profile.61": [(reply("/conformance", 200, {"conforms": []}),)],
    "capabilities.conformance": [
        (drop("/conformance", "conformsTo", 0),),
        (drop("/", "conformsTo", 0), drop("/conformance", "conformsTo", 0)),
        (put("/", "conformsTo", 0, value="openEO"),),
    ],
    "capabilities.links": [
        (_link("data", "/collections"),),
        (reply("/conformance", 200, {"classes": []}),),
        (reply("/api.html", 404, ERROR),),
    ],
    "capabilities.stac-api": [
        (drop("/", "type"),),
        (_link("self", None),),
        (_link("data", None),),
        (edit("/", lambda document: document["conformsTo"].append("https://api.stacspec.org/v1.0.0/item-search")),),
    ],
    "profile.31": [
        (_without("/collections"),),
        (_without("/me"),),
        (_without("/jobs/{job_id}/logs"),),
        (_without("/validation"),),
        (_endpoints(lambda found: next(each for each in found if each["path"] == "/jobs/{job_id}").update(
            methods=["GET", "PATCH"])),),
    ],
    "profile.32": [
        (_endpoints(lambda found: next(each for each in found if each["path"] == "/jobs/{job_id}")["methods"].append(
            "POST")),),
        (reply("/service_types", 404, ERROR),),
        (reply("/files", 501, ERROR),),
        (reply("/jobs", 405, ERROR, "POST"),),
        (reply("/jobs/[^/]*", 404, ERROR, "DELETE"), reply("/conformance_no.*", 404, ERROR)),
        (reply("/jobs/[^/]*/logs", 404, ERROR), reply("/conformance_no.*", 404, ERROR)),
        (_endpoints(lambda listed: listed.append({"path": "/own", "methods": ["GET"]})),),
        (reply("/validation", 501, ERROR, "POST"),),
    ],
    "endpoints.unknown-identifiers": [
        (reply("/jobs/[^/]*", 400, ERROR),),
        (reply("/jobs/[^/]*", 404, ERROR),),
        (reply("/jobs/[^/]*/logs", 200, {}),),
    ],
    "endpoints.templates": [
        (put("/", "endpoints", 5, "path", value="/collections/:id"),),
        (put("/", "endpoints", 5, "path", value="collections"),),
        (put("/", "endpoints", 5, "path", value="/collections/"),),
        (put("/", "endpoints", 5, "methods", value=["get"]),),
        (_endpoints(lambda listed: listed.append(listed[3])),),
        (_endpoints(lambda listed: next(each for each in listed if each["path"] == "/jobs/{job_id}").update(
            path="/jobs/{job}")),),
    ],
    "profile.40": [(drop("/file_formats", "input"),)],
    "profile.41": [(reply("/file_formats", 401, ERROR),)],
    "profile.42": [(status("/file_formats", 403),)],
    "profile.43": [(put("/file_formats", "output", value={}),)],
    "profile.44": [
        (edit("/file_formats", lambda found: found["output"].update(gtiff=found["output"].pop("GTiff"))),),
        (edit("/file_formats", lambda found: found["output"].update(GeoTIFF=found["output"].pop("GTiff"))),),
    ],
    "profile.47": [(put("/file_formats", *FORMAT, "description", value="Cloud-optimized."),)],
    "profile.48": [
        (drop("/file_formats", *FORMAT, "gis_data_types"),),
        (drop("/file_formats", *FORMAT, "parameters"),),
    ],
    "profile.49": [(drop("/file_formats", *FORMAT, "title"),)],
    "formats.parameters": [
        (put("/file_formats", *FORMAT, "parameters", value={"x": {"type": "nothing"}}),),
        (put("/file_formats", *FORMAT, "parameters", value={"x": {"type": "string", "default": 1}}),),
    ],
    "formats.unique": [(edit("/file_formats", lambda found: found["output"].update(gtiff={})),)],
    "profile.71": [(
        _endpoints(lambda listed: listed.__setitem__(
            slice(None), [each for each in listed if each["path"] != "/udf_runtimes"])),
        edit("/processes", lambda found: found["processes"].append({"id": "run_udf"})),
    )],
    "profile.72": [(*_runtimes(), reply("/udf_runtimes", 401, ERROR))],
    "profile.73": [(*_runtimes(), reply("/udf_runtimes", 403, ERROR))],
    "profile.74": [_runtimes(default="4"), _runtimes(versions={}), _runtimes(type=None)],
    "profile.75": [_runtimes(title="")],
    "profile.100": [(reply("/me", 403, ERROR),)],
    "profile.110": [(_without("/credentials/basic"),)],
    "profile.111": [(put("/", "production", value=True),)],
    "profile.112": [_providers()],
    "credentials.providers": [
        _providers(PROVIDER, PROVIDER),
        _oidc(scopes=["email"]),
        _oidc(issuer="id.river.example"),
        _oidc(default_clients=[{"id": "x", "grant_types": ["implicit"]}]),
        _oidc(default_clients=[*PROVIDER["default_clients"], *PROVIDER["default_clients"]]),
    ],
    "credentials.wrong-password": [(reply("/credentials/basic", 200, {"access_token": "x"}),)],
    "profile.120": [(reply("/me", 404, ERROR),)],
    "profile.121": [(drop("/me", "user_id"),), (edit("/me", lambda found: {"user_id": f"u{id(found)}"}),)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check_id", "changes"),
    [
        pytest.param(check_id, changes, id=f"{check_id}-{number}")
        for check_id, cases in UNHEALTHY.items()
        for number, changes in enumerate(cases)
    ],
)
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look) -> None:
    assert_found(look(check_id, *changes))


SOUND: dict[str, tuple[Change, ...]] = {
    "profile.112": _oidc(),
    "credentials.providers": _oidc(),
    "profile.72": _runtimes(),
    "profile.73": _runtimes(),
    "profile.74": _runtimes(),
    "profile.75": _runtimes(),
    "profile.71": _runtimes(),
    "profile.35": (_billing(currency="EUR", default_plan="FREE", plans=PLANS),),
    "profile.22": (edit("/.well-known/openeo", lambda found: found["versions"].append(
        {"url": "https://prod.example", "api_version": "1.2.0", "production": True})),),
    "formats.parameters": (put("/file_formats", *FORMAT, "parameters", value={
        "x": {"type": "string", "default": "a", "required": True}}),),
    "versions.lead-to-the-api": (edit("/.well-known/openeo", lambda found: found["versions"].append(
        {"url": "https://old.example", "api_version": "1.0.0"})),),
}  # fmt: skip


@pytest.mark.parametrize("check_id", SOUND)
def test_what_is_sound_passes(check_id: str, look: Look) -> None:
    assert_kept(look(check_id, *SOUND[check_id]))


def test_issuers_are_asked(look: Look, demo_server: Any) -> None:
    right = reply("/.well-known/openid-configuration", 200, {"issuer": demo_server.url})
    wrong = reply("/.well-known/openid-configuration", 200, {"issuer": "https://elsewhere.example"})
    assert look("credentials.issuers", *_oidc(issuer=demo_server.url), right).state is State.PASS
    assert look("credentials.issuers", *_oidc(issuer=demo_server.url), wrong).state is State.WARNING
    nothing = reply("/.well-known/openid-configuration", 404, ERROR)
    assert look("credentials.issuers", *_oidc(issuer=demo_server.url), nothing).state is State.FAIL


def test_two_accounts_are_two_users(look: Look, demo_token: str) -> None:
    same = look("account.distinct", stranger=demo_token)
    assert same.state is State.FAIL
    assert same.findings[0].severity == "critical"


def test_letter_case_of_formats(look: Look) -> None:
    def particular(request: httpx.Request, send: Answer) -> httpx.Response:
        if b'"GTiff"' in request.content or b'"format"' not in request.content:
            return send(request)
        problem = {"code": "FormatUnsuitable", "message": "No such format."}
        if request.url.path == "/validation":
            return httpx.Response(200, json={"errors": [problem]})
        return httpx.Response(400, json=problem)

    change = Change("POST", "/validation|/result", particular)
    assert look("profile.46", change).state is State.FAIL
    assert look("formats.letter-case", change).state is State.FAIL


def test_unlisted_classes_are_a_lesser_fault(look: Look) -> None:
    """The capabilities say the same."""
    assert look("profile.31", _without("/conformance")).state is State.WARNING
    assert look("profile.31", _without("/conformance"), drop("/", "conformsTo")).state is State.FAIL


def test_paths_that_are_listed_often_are_one_finding(look: Look) -> None:
    (finding,) = look("endpoints.templates", _endpoints(lambda listed: listed.extend(listed[3:5]))).findings
    assert finding.message == "a path is listed more than once"
    assert len(finding.places) == 2


def test_evidence_is_the_part_that_tells(look: Look) -> None:
    (finding,) = look("profile.49", drop("/file_formats", *FORMAT, "title")).findings
    assert (finding.message, finding.places) == ("a format has no title", ("output format GTiff",))
    assert finding.evidence is not None
    assert '{"output": {"GTiff":' in finding.evidence.answer
    assert "authorization" not in finding.evidence.request.lower().replace("authorization: bearer ***", "")


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://backend.example/openeo", State.PASS),
        ("http://backend.example/openeo", State.FAIL),
        ("http://localhost:8080", State.NOT_TESTABLE),
        ("http://[::1]:8080", State.NOT_TESTABLE),
    ],
)
def test_the_api_is_reached_by_https(url: str, state: State, pretend: Callable[..., Any]) -> None:
    (check,) = (each for each in load_checks() if each.id == "profile.4")
    backend, _ = pretend(lambda request: httpx.Response(200, json={}))
    backend.anonymous.url = url
    assert run_check(backend, check).state is state
