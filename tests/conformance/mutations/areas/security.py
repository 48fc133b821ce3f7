"""Tokens that are not checked, and things of others that can be seen or changed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from conformance.mutations.edits import answers, error, html
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request
from connexeo.tools.conformance.verdicts import Severity

_TOKENS = "openEO API, Authentication"
_PROPERTY = "openEO API: what belongs to a user is for this user"
_ANY = ("* /*",)


def _absent(request: Request) -> bool:
    return not request.header("authorization")


def _malformed(request: Request) -> bool:
    return not _absent(request) and _payload(request) is None


def _forged(request: Request) -> bool:
    return _payload(request) is not None


def _present(request: Request) -> bool:
    return not _absent(request)


def _payload(request: Request) -> dict[str, object] | None:
    """What a JWT says, whoever has signed it."""
    parts = (request.header("authorization") or "").rpartition("/")[2].split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "==="))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _lets_in(whom: Callable[[Request], bool], refused: tuple[int, ...] = (401, 403)) -> Apply:
    """Serves in the owner's name whoever was refused."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        owner = turn.users.owner(turn.request.path)
        login = turn.request.path.startswith("/credentials/")
        if found.status in refused and owner and whom(turn.request) and not login:
            return await turn.send(turn.request.as_user(owner))
        return found

    return apply


async def _lists_of_all(turn: Turn) -> Answer:
    """Adds what others have to a user's list."""
    found = await turn.send(turn.request)
    mine = turn.request.header("authorization")
    others = {who for who in turn.users.owners.values() if who != mine}
    if found.ok and mine and "limit" not in turn.request.query:
        listed = found.json
        (entries,) = (key for key in listed if key != "links" and isinstance(listed[key], list))
        for who in sorted(others):
            more = await turn.send(turn.request.as_user(who))
            listed[entries] += (more.json or {}).get(entries, []) if more.ok else []
        found.write(listed)
    return found


async def _any_password(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if not found.ok and turn.users.last and _present(turn.request):
        found.status = 200
        found.write({"access_token": turn.users.last.rpartition("/")[2]})
    return found


def _unchecked(service: str, path: str, shown: str) -> Fault:
    return Fault(
        f"token-unchecked-{service}",
        f"{path} needs no token",
        (f"* {path}", f"* {path}/*"),
        ("security",),
        f"{_TOKENS}: 401 AuthenticationRequired",
        Severity.CRITICAL,
        _lets_in(_absent),
        (f"anonymous {shown}",),
    )


def _foreign(id: str, title: str, on: tuple[str, ...], *shown: str, apply: Apply | None = None) -> Fault:
    return Fault(
        f"foreign-{id}",
        title,
        on,
        ("security",),
        _PROPERTY,
        Severity.CRITICAL,
        apply or _lets_in(_present, (404,)),
        shown,
    )


def _token(id: str, title: str, rule: str, severity: Severity, apply: Apply, shown: str) -> Fault:
    return Fault(f"token-{id}", title, _ANY, ("security",), f"{_TOKENS}: {rule}", severity, apply, (shown,))


FAULTS = (
    _unchecked("jobs", "/jobs", "GET /jobs/{finished}"),
    _unchecked("files", "/files", "GET /files/{file}"),
    _unchecked("processes", "/process_graphs", "GET /process_graphs/{udp}"),
    _unchecked("services", "/services", "GET /services/{service}"),
    _unchecked("me", "/me", "GET /me"),
    _unchecked("result", "/result", "POST /result <add>"),
    _token(
        "malformed-accepted",
        "Whatever stands in the header is let in, unless it is a JWT",
        "403 TokenInvalid",
        Severity.CRITICAL,
        _lets_in(_malformed),
        "malformed GET /me",
    ),
    _token(
        "forged-accepted",
        "The signature of JWTs is not verified",
        "403 TokenInvalid",
        Severity.CRITICAL,
        _lets_in(_forged),
        "forged GET /me",
    ),
    _token(
        "absent-as-404",
        "Without a token, things are not found",
        "401 AuthenticationRequired",
        Severity.MAJOR,
        answers(error(404, "NotFound"), status=401),
        "anonymous GET /jobs",
    ),
    _token(
        "absent-as-403",
        "Without a token, the answer is that it is not allowed",
        "401 AuthenticationRequired",
        Severity.MINOR,
        answers(error(403, "TokenInvalid"), status=401),
        "anonymous GET /jobs",
    ),
    _token(
        "invalid-fails",
        "A token that is not valid is a failure of the server",
        "403 TokenInvalid",
        Severity.MAJOR,
        answers(html(500, "Internal Server Error"), status=403),
        "malformed GET /me",
    ),
    Fault(
        "basic-any-password",
        "Any password logs in",
        ("GET /credentials/basic",),
        ("security",),
        "openEO API, GET /credentials/basic: 403 CredentialsInvalid",
        Severity.CRITICAL,
        _any_password,
        ("nobody GET /credentials/basic",),
    ),
    _foreign(
        "job-visible", "Jobs of others can be read", ("GET /jobs/{job_id}",), "stranger GET /jobs/{finished}"
    ),
    _foreign(
        "results-visible",
        "Results of others can be read",
        ("GET /jobs/{job_id}/results",),
        "stranger GET /jobs/{finished}/results",
    ),
    _foreign(
        "logs-visible",
        "Logs of others can be read",
        ("GET /jobs/{job_id}/logs",),
        "stranger GET /jobs/{finished}/logs",
    ),
    _foreign(
        "job-changed",
        "Jobs of others can be changed",
        ("PATCH /jobs/{job_id}",),
        "stranger PATCH /jobs/{created} <title>",
    ),
    _foreign(
        "job-deleted",
        "Jobs of others can be deleted",
        ("DELETE /jobs/{job_id}",),
        "POST /jobs <job>",
        "stranger DELETE {made}",
    ),
    _foreign(
        "job-stopped",
        "Jobs of others can be stopped",
        ("DELETE /jobs/{job_id}/results",),
        "stranger DELETE /jobs/{created}/results",
    ),
    _foreign(
        "jobs-listed", "Jobs of others are listed", ("GET /jobs",), "stranger GET /jobs", apply=_lists_of_all
    ),
    _foreign(
        "file-readable",
        "Files of others can be read",
        ("GET /files/{path}",),
        "stranger GET /files/{file}",
    ),
    _foreign(
        "file-deleted",
        "Files of others can be deleted",
        ("DELETE /files/{path}",),
        "PUT /files/passing.txt <text>",
        "stranger DELETE /files/passing.txt",
    ),
    _foreign(
        "files-listed",
        "Files of others are listed",
        ("GET /files",),
        "stranger GET /files",
        apply=_lists_of_all,
    ),
    _foreign(
        "process-visible",
        "Stored processes of others can be read",
        ("GET /process_graphs/{process_graph_id}",),
        "stranger GET /process_graphs/{udp}",
    ),
    _foreign(
        "service-visible",
        "Services of others can be read",
        ("GET /services/{service_id}",),
        "stranger GET /services/{service}",
    ),
    _foreign(
        "service-changed",
        "Services of others can be changed",
        ("PATCH /services/{service_id}",),
        "stranger PATCH /services/{service} <title>",
    ),
)
