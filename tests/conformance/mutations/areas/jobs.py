"""Batch jobs whose life is not as the contract has it."""

from __future__ import annotations

import json
from typing import Any

from conformance.mutations.edits import (
    Edit,
    answers,
    document,
    each,
    error,
    html,
    put,
    requests,
    status,
    without,
    without_headers,
)
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request, answer
from connexeo.tools.conformance.verdicts import Severity

_ONE = "GET /jobs/{job_id}"
_LIST = "GET /jobs"
_CREATE = "POST /jobs"
_CHANGE = "PATCH /jobs/{job_id}"
_DELETE = "DELETE /jobs/{job_id}"
_START = "POST /jobs/{job_id}/results"
_CANCEL = "DELETE /jobs/{job_id}/results"


def _fault(
    id: str, title: str, on: str, rule: str, apply: Apply, *shown: str, severity: Severity = Severity.MAJOR
) -> Fault:
    operations = tuple(on.split(", "))
    return Fault(
        id,
        title,
        operations,
        ("jobs", "schema"),
        f"openEO API, {operations[0]}: {rule}",
        severity,
        apply,
        shown,
    )


def _relative(found: Answer) -> None:
    found.set_header("location", "/" + (found.header("location") or "").split("/", 3)[-1])


def _with_body(found: Answer) -> None:
    found.status = 200
    found.set_header("content-type", "application/json")
    found.write({"success": True})


def _no_utc(text: str) -> str:
    return text.replace("T", " ").removesuffix("Z")


def _in_states(*states: str | None) -> Apply:
    """What a job that was started looks like, one state after the other; None is the true one."""

    async def apply(turn: Turn) -> Answer:
        found = await turn.send(turn.request)
        job = found.json
        if found.ok and isinstance(job, dict) and job.get("status") not in {"created", None}:
            number = turn.memory.get(turn.request.path, 0)
            turn.memory[turn.request.path] = number + 1
            job["status"] = states[min(number, len(states) - 1)] or job["status"]
            found.write(job)
        return found

    return apply


async def _not_done(turn: Turn) -> Answer:
    """Says that it was done."""
    found = await turn.send(
        turn.request.other(method="GET", body=b"", target=turn.request.path.removesuffix("/results"))
    )
    return answer(204) if found.ok else found


async def _still_listed(turn: Turn) -> Answer:
    request = turn.request
    if request.method == "DELETE":
        before = await turn.send(request.other(method="GET", body=b""))
        found = await turn.send(request)
        if found.ok and isinstance(before.json, dict):
            gone = turn.memory.setdefault(str(request.header("authorization")), [])
            gone.append({key: before.json[key] for key in ("id", "status", "created")})
        return found
    found = await turn.send(request)
    listed = found.json
    if found.ok and listed:
        listed["jobs"] = turn.memory.get(str(request.header("authorization")), []) + listed["jobs"]
        found.write(listed)
    return found


async def _still_there(turn: Turn) -> Answer:
    path = turn.request.path
    if turn.request.method == "DELETE":
        before = await turn.send(turn.request.other(method="GET", body=b""))
        found = await turn.send(turn.request)
        if found.ok:
            turn.memory[path] = before
        return found
    found = await turn.send(turn.request)
    return turn.memory[path] if found.status == 404 and path in turn.memory else found


async def _anything_accepted(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.status == 400:
        made = [("location", f"{turn.request.origin}/jobs/j-0"), ("openeo-identifier", "j-0")]
        return answer(201, headers=made)
    return found


async def _started_at_once(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    made = found.header("openeo-identifier")
    if found.ok and made:
        await turn.send(turn.request.other(method="POST", target=f"/jobs/{made}/results", body=b""))
    return found


def _without_title(request: Request) -> None:
    body = request.json
    if isinstance(body, dict):
        body.pop("title", None)
        request.set_body(json.dumps(body).encode())


def _process_gone(found: Any) -> None:
    found["process"] = {"process_graph": {}}


def _created(id: str, title: str, rule: str, *edits: Edit, severity: Severity = Severity.MAJOR) -> Fault:
    return _fault(id, title, _CREATE, rule, answers(*edits), "POST /jobs <job>", severity=severity)


def _described(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return _fault(id, title, _ONE, rule, answers(*edits), "GET /jobs/{finished}")


def _listed(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return _fault(id, title, _LIST, rule, answers(*edits), "GET /jobs?limit=1")


FAULTS = (
    _created("job-created-200", "Creation is answered with 200", "201", status(200)),
    _created("job-without-location", "No Location", "Location is required", without_headers("location")),
    _created(
        "job-without-identifier",
        "No OpenEO-Identifier",
        "OpenEO-Identifier is required",
        without_headers("openeo-identifier"),
    ),
    _created("job-location-relative", "Location is relative", "Location is a URL", _relative),
    _fault(
        "job-title-lost",
        "The title is lost",
        _CREATE,
        "what was given is kept",
        requests(_without_title),
        "POST /jobs <job>",
        "GET {made}",
    ),
    _fault(
        "job-starts-at-once",
        "Jobs start when they are created",
        _CREATE,
        "a job is created, and started by POST /jobs/{job_id}/results",
        _started_at_once,
        "POST /jobs <job>",
        "GET {made}",
    ),
    _fault(
        "job-anything-accepted",
        "A job without a process is created",
        _CREATE,
        "`process` is required",
        _anything_accepted,
        "POST /jobs <empty>",
    ),
    _described("job-id-differs", "A job has another id", "`id` is that of the path", each("id", str.upper)),
    _described("job-without-status", "A job has no status", "`status` is required", without("status")),
    _described(
        "job-status-unknown", "Finished jobs are `done`", "`status` is one of six", put("status", "done")
    ),
    _described("job-without-process", "A job has no process", "`process` is required", without("process")),
    _described(
        "job-process-empty", "The process graph is lost", "what was given is kept", document(_process_gone)
    ),
    _described("job-progress-text", "Progress is a text", "`progress` is a number", put("progress", "100%")),
    _described(
        "job-null-fields",
        "Fields without a value are null",
        "left out",
        put("description", None),
        put("links", None),
    ),
    _described("job-time-local", "Times have no zone", "RFC 3339", each("created", _no_utc)),
    _listed(
        "jobs-without-created", "Listed jobs have no `created`", "it is required", without("jobs/*/created")
    ),
    _listed(
        "jobs-without-status", "Listed jobs have no `status`", "it is required", without("jobs/*/status")
    ),
    _listed("jobs-without-links", "The list has no links", "`links` is required", without("links")),
    _listed(
        "jobs-list-alone", "The list is not in an object", "an object", document(lambda found: found["jobs"])
    ),
    _fault(
        "job-not-found-code",
        "An unknown job has the code of unknown paths",
        _ONE,
        "404 JobNotFound",
        answers(put("code", "NotFound"), status=404),
        "GET /jobs/j-nothing",
    ),
    _fault(
        "job-not-found-fails",
        "An unknown job is a failure of the server",
        _ONE,
        "404 JobNotFound",
        answers(html(500, "Internal Server Error"), status=404),
        "GET /jobs/j-nothing",
    ),
    _fault(
        "job-patch-ignored",
        "Changes are not made",
        _CHANGE,
        "204 when the job was changed",
        _not_done,
        "POST /jobs <job>",
        "PATCH {made} <title>",
        "GET {made}",
    ),
    _fault(
        "job-patch-200",
        "Changes are answered with 200 and a body",
        _CHANGE,
        "204",
        answers(_with_body),
        "PATCH /jobs/{created} <title>",
    ),
    _fault(
        "job-delete-200",
        "Deletion is answered with 200 and a body",
        _DELETE,
        "204",
        answers(_with_body),
        "POST /jobs <job>",
        "DELETE {made}",
    ),
    _fault(
        "job-delete-ignored",
        "Deleted jobs stay",
        _DELETE,
        "204 when the job is gone",
        _not_done,
        "POST /jobs <job>",
        "DELETE {made}",
        "GET {made}",
    ),
    _fault(
        "job-deleted-listed",
        "Deleted jobs are listed",
        f"{_DELETE}, {_LIST}",
        "the job is gone",
        _still_listed,
        "POST /jobs <job>",
        "DELETE {made}",
        "GET /jobs?limit=1",
    ),
    _fault(
        "job-deleted-described",
        "Deleted jobs can be read",
        f"{_DELETE}, {_ONE}",
        "404 JobNotFound",
        _still_there,
        "POST /jobs <job>",
        "DELETE {made}",
        "GET {made}",
    ),
    _fault(
        "job-start-200",
        "The start is answered with 200",
        _START,
        "202",
        answers(status(200)),
        "POST /jobs <job>",
        "POST {made}/results",
    ),
    _fault(
        "job-finishes-twice",
        "A job is finished, and then runs",
        _ONE,
        "`finished` and `error` are the last states",
        _in_states("queued", "finished", "running", None),
        "GET /jobs/{finished}",
        "GET /jobs/{finished}",
        "GET /jobs/{finished}",
    ),
    _fault(
        "job-stays-queued",
        "Jobs never leave the queue",
        f"{_ONE}, {_LIST}",
        "the state follows the processing",
        _in_states("queued"),
        "GET /jobs/{finished}",
    ),
    _fault(
        "job-stays-created",
        "Jobs that were started are `created`",
        _ONE,
        "`queued` once it was started",
        _in_states("created"),
        "GET /jobs/{finished}",
    ),
    _fault(
        "job-cancel-ignored",
        "Jobs are not canceled",
        _CANCEL,
        "204 when the job does not run any more",
        _not_done,
        "POST /jobs <job-long>",
        "POST {made}/results",
        "DELETE {made}/results",
        "GET {made}",
    ),
    _fault(
        "job-cancel-404",
        "There is no way to cancel",
        _CANCEL,
        "204",
        answers(error(404, "NotFound")),
        "DELETE /jobs/{created}/results",
    ),
    _fault(
        "estimate-empty",
        "An estimate has no costs, no duration and no size",
        "GET /jobs/{job_id}/estimate",
        "one of `costs`, `duration`, `size` is required",
        answers(without("costs", "duration", "size")),
        "GET /jobs/{created}/estimate",
    ),
)
