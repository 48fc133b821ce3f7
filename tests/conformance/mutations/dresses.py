"""What our answers can be made to look like, without any fault: servers with features that ours has not."""

from __future__ import annotations

from typing import Any

from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, answer
from connexeo.tools.conformance.verdicts import Severity

FEDERATION_CLASS = "https://api.openeo.org/extensions/federation/0.1.0"
MISSING = "federation:missing"
BACKENDS = "federation:backends"
LISTS = (
    "GET /collections",
    "GET /processes",
    "GET /file_formats",
    "GET /process_graphs",
    "GET /jobs",
    "GET /services",
)
"""Lists that tell which members of a federation are missing."""

_MEMBERS = ("alpine", "baltic")
_CHECKED = "2024-06-01T12:00:00Z"


def _member(name: str) -> dict[str, Any]:
    return {
        "title": name.title(),
        "url": f"https://{name}.example/openeo/1.3/",
        "description": f"Data of the {name} region.",
        "status": "online",
        "last_status_check": _CHECKED,
        "last_successful_check": _CHECKED,
    }


async def _dressed(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    document = found.json
    if found.ok and isinstance(document, dict):
        _dress(turn.request.path, document)
        found.write(document)
    return found


def _dress(path: str, document: dict[str, Any]) -> None:
    if path == "/":
        document["federation"] = {name: _member(name) for name in _MEMBERS}
    if "conformsTo" in document:
        document["conformsTo"].append(FEDERATION_CLASS)
    if f"GET {path}" in LISTS:
        document[MISSING] = []
    for name in ("collections", "processes", "jobs", "services"):
        for entry in document.get(name, []) if path == f"/{name}" else []:
            entry[BACKENDS] = list(_MEMBERS)
    if path.startswith("/collections/") and not path.endswith("/queryables"):
        document[BACKENDS] = list(_MEMBERS)
        document.setdefault("summaries", {})[BACKENDS] = list(_MEMBERS)
    if path == "/validation":
        document[BACKENDS] = list(_MEMBERS)
    if path == "/file_formats":
        for formats in (document["input"], document["output"]):
            for entry in formats.values():
                entry[BACKENDS] = list(_MEMBERS)


async def _oidc(turn: Turn) -> Answer:
    """Log-in by OpenID Connect; the issuer is at the same address."""
    issuer = f"{turn.request.origin}/issuer"
    if turn.request.path == "/":
        found = await turn.send(turn.request)
        listed = found.json
        listed["endpoints"].append({"path": "/credentials/oidc", "methods": ["GET"]})
        found.write(listed)
        return found
    reply = answer(200, headers=[("content-type", "application/json")])
    if turn.request.path == "/credentials/oidc":
        client = {
            "id": "web",
            "grant_types": ["authorization_code+pkce"],
            "redirect_urls": ["https://editor.example"],
        }
        provider = {
            "id": "example",
            "title": "Example",
            "issuer": issuer,
            "scopes": ["openid", "email"],
            "default_clients": [client],
        }
        reply.write({"providers": [provider]})
    else:
        reply.write(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "grant_types_supported": ["authorization_code"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "email"],
            }
        )
    return reply


def _dress_fault(id: str, title: str, on: tuple[str, ...], apply: Apply, shown: str) -> Fault:
    return Fault(id, title, on, (), "no fault", Severity.MINOR, apply, (shown,), dress=id)


FEDERATION = _dress_fault(
    "federation",
    "Answers look like those of a federation of two back-ends",
    ("GET /", "GET /conformance", *LISTS, "GET /collections/{collection_id}", "POST /validation"),
    _dressed,
    "GET /",
)
OIDC = _dress_fault(
    "oidc",
    "Log-in by OpenID Connect is announced",
    ("GET /", "GET /credentials/oidc", "GET /issuer/.well-known/openid-configuration"),
    _oidc,
    "GET /",
)
