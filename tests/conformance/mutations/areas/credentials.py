"""Clients that cannot log in."""

from __future__ import annotations

from typing import Any

from conformance.mutations.edits import Edit, answers, document, each, put, without
from conformance.mutations.fault import Fault
from connexeo.tools.conformance.verdicts import Severity

_OIDC = "openEO API, GET /credentials/oidc"


def _renamed(found: Any) -> Any:
    return {"token": found["access_token"]}


def _oidc(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return Fault(
        f"oidc-{id}",
        title,
        ("GET /credentials/oidc",),
        ("profiles", "schema", "security"),
        f"{_OIDC}: {rule}",
        Severity.MAJOR,
        answers(*edits),
        ("GET /credentials/oidc",),
        dress="oidc",
    )


FAULTS = (
    Fault(
        "basic-token-renamed",
        "The token of HTTP Basic has another name",
        ("GET /credentials/basic",),
        ("profiles", "schema", "security"),
        "openEO API, GET /credentials/basic: `access_token` is required",
        Severity.MAJOR,
        answers(document(_renamed)),
        ("login GET /credentials/basic",),
    ),
    Fault(
        "basic-token-prefixed",
        "The token of HTTP Basic has the prefix that clients put before it",
        ("GET /credentials/basic",),
        ("profiles", "security"),
        "openEO API, GET /credentials/basic: `access_token` has no prefix",
        Severity.MAJOR,
        answers(each("access_token", "basic//{}".format)),
        ("login GET /credentials/basic",),
    ),
    _oidc(
        "without-issuer", "A provider has no issuer", "`issuer` is required", without("providers/0/issuer")
    ),
    _oidc(
        "scopes-text", "Scopes are a text", "`scopes` is a list", put("providers/0/scopes", "openid email")
    ),
    _oidc(
        "without-scope", "`openid` is no scope", "`scopes` has openid", put("providers/0/scopes", ["email"])
    ),
    _oidc(
        "client-without-grants",
        "A default client has no grant types",
        "`grant_types` of default clients are required",
        without("providers/0/default_clients/0/grant_types"),
    ),
    _oidc("empty", "There is no provider", "there is one at least", put("providers", [])),
    _oidc(
        "same-ids",
        "Two providers have one id",
        "`id` is unique",
        each("providers", lambda listed: listed + listed),
    ),
)
