"""What belongs to one user cannot be seen, changed or removed by another, nor by whoever has no token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.batch import finished_job
from connexeo.tools.conformance.checks.security.belongings import (
    KINDS,
    REPLACEMENTS,
    Attempt,
    Belonging,
    private_file,
    private_job,
    private_process,
    private_service,
)
from connexeo.tools.conformance.checks.security.probes import NOBODY, NOTHING
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check
from connexeo.tools.conformance.resources import object_of
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Skipped,
    Violation,
)
from connexeo.tools.conformance.workload import has

SOURCE = "openEO API, Authentication"
MEND = (
    "Look things up by their owner as well as by their identifier, and answer 404 as if they were not there."
)

_KEPT = ("id", "title", "process", "process_graph", "description", "summary", "type", "enabled")
"""Properties that stay as they are when nobody changes them; status and times may go on."""


def _tried(thing: Belonging) -> Iterator[Violation]:
    """All attempts in the stranger's name; and whether the owner still has it as it was."""
    backend, stranger = thing.backend, thing.backend.stranger
    before = thing.look()
    if not before.ok:
        raise NotTestable(f"the owner gets HTTP {before.status}, so that nobody can tell what others get")
    # First in the list: what the attempts below remove is in no list any more.
    yield from _listed(thing)
    for attempt in thing.offered():
        answer = stranger.request(attempt.method, attempt.path, json=attempt.json)
        if answer.ok and not (attempt.method == "DELETE" and _harmless(thing, attempt, before)):
            # What is said of nothing, too, tells others less.
            known = attempt.method == "GET" and (
                _is_said_of_nothing(thing, attempt) or _is_another_log(thing, attempt, answer)
            )
            severity = Severity.MAJOR if known else None
            message = f"HTTP {answer.status} for another user"
            yield Violation(message, answer, place=attempt.name, severity=severity)
    after = thing.look()
    if not _unchanged(before, after):
        yield Violation("another user has changed or removed it", after, place=after.name)
        return
    if thing.template in REPLACEMENTS and backend.offers(f"PUT {thing.template}"):
        yield from _same_name(thing, before)


def _harmless(thing: Belonging, attempt: Attempt, before: Exchange) -> bool:
    """Whether the back-end says of what is not there, too, that it has been removed, and has done nothing."""
    return _unchanged(before, thing.look()) and _is_said_of_nothing(thing, attempt)


def _is_another_log(thing: Belonging, attempt: Attempt, answer: Exchange) -> bool:
    """Whether a log is given that is not the owner's: one of a failure, say."""
    if not attempt.path.endswith("/logs"):
        return False
    own, given = object_of(thing.backend.user.get(attempt.path)), object_of(answer)
    return own is not None and given is not None and own.get("logs") != given.get("logs")


def _is_said_of_nothing(thing: Belonging, attempt: Attempt) -> bool:
    """Whether the same is answered with success where there is nothing."""
    nothing = NOTHING if "process_graph" in thing.template else NOBODY
    path = re.sub(r"\{[^}]*\}", nothing, attempt.name.partition(" ")[2])
    return thing.backend.stranger.request(attempt.method, path).ok


def _unchanged(before: Exchange, after: Exchange) -> bool:
    """Whether it is still there as it was."""
    if not after.ok:
        return False
    old, new = object_of(before), object_of(after)
    if old is None or new is None:
        return before.body == after.body
    return all(old.get(name) == new.get(name) for name in _KEPT)


def _same_name(thing: Belonging, before: Exchange) -> Iterator[Violation]:
    """Names are free for each user: one stored by somebody else leaves the first as it is."""
    stranger = thing.backend.stranger
    stored = stranger.put(thing.path, **REPLACEMENTS[thing.template])
    after = thing.look()
    if stored.ok:
        # The ledger has the owner's of this name: this one is removed here.
        stranger.delete(thing.path)
    if not _unchanged(before, after):
        yield Violation("one of the same name of another user has replaced it", after)
    elif stored.ok and not _unchanged(before, last := thing.look()):
        yield Violation("removing one of the same name of another user has removed it", last)


def _listed(thing: Belonging) -> Iterator[Violation]:
    if not thing.backend.offers(thing.listing):
        return
    answer = thing.backend.stranger.get(thing.listing.partition(" ")[2])
    entries = (object_of(answer) or {}).get(thing.key)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get(thing.name) == thing.identifier:
            yield Violation("it is in the list of another user", answer, place=thing.listing)


@check(
    "security.foreign-job",
    "Nobody sees, changes, starts, stops or removes a job of another user",
    layer="security",
    source=SOURCE,
    operations=("POST /jobs", "GET /jobs/{job_id}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_job(backend: BackEnd) -> Iterator[Violation]:
    """Every operation on a job, as somebody else."""
    yield from _tried(backend.once(private_job))


@check(
    "security.foreign-results",
    "Nobody sees results or logs of another user's job",
    layer="security",
    source=SOURCE,
    operations=("GET /jobs/{job_id}/results",),
    severity=Severity.CRITICAL,
    writes=True,
    costs=True,
    stranger=True,
    mend=MEND,
)
def foreign_results(backend: BackEnd) -> Iterator[Violation]:
    """The results of a finished job, as somebody else and as nobody."""
    job = backend.once(finished_job)
    one = "/jobs/{job_id}"
    for name, path in ((f"GET {one}/results", "results"), (f"GET {one}/logs", "logs")):
        if not backend.offers(name):
            continue
        for caller, whom in ((backend.stranger, "for another user"), (backend.anonymous, "without a token")):
            answer = caller.get(f"{job.path}/{path}")
            if answer.ok:
                yield Violation(f"HTTP {answer.status} {whom}", answer, place=name)


@check(
    "security.foreign-file",
    "Nobody sees, changes or removes a file of another user",
    layer="security",
    source=SOURCE,
    operations=("PUT /files/{path}", "GET /files/{path}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_file(backend: BackEnd) -> Iterator[Violation]:
    """Download, overwrite, delete, as somebody else."""
    yield from _tried(backend.once(private_file))


@check(
    "security.foreign-process",
    "Nobody sees, changes or removes a stored process of another user",
    layer="security",
    source=SOURCE,
    operations=("PUT /process_graphs/{process_graph_id}", "GET /process_graphs/{process_graph_id}"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_process(backend: BackEnd) -> Iterator[Violation]:
    """Describe, delete; and an own one of the same name, which must not touch the other's."""
    if not has(backend, "add"):
        raise NotTestable("there is no process `add`")
    yield from _tried(backend.once(private_process))


@check(
    "security.foreign-service",
    "Nobody sees, changes or removes a service of another user",
    layer="security",
    source=SOURCE,
    operations=("POST /services", "GET /services/{service_id}", "GET /service_types"),
    severity=Severity.CRITICAL,
    writes=True,
    stranger=True,
    mend=MEND,
)
def foreign_service(backend: BackEnd) -> Iterator[Violation]:
    """Every operation on a service, as somebody else."""
    yield from _tried(backend.once(private_service))


@check(
    "security.closed-things",
    "What a user has created is not given to somebody without a token",
    layer="security",
    source=SOURCE,
    severity=Severity.CRITICAL,
    writes=True,
    mend="Check the token before anything else, for this operation too.",
)
def closed_things(backend: BackEnd) -> Iterator[Violation]:
    """Things that exist, without a token: what is not there is refused more easily than what is."""
    told = ""
    looked = False
    for make in KINDS:
        try:
            thing = backend.once(make)
        except (NotApplicable, NotTestable, Skipped) as reason:
            told = told or str(reason)
            continue
        looked = True
        yield from _closed(thing)
    if not looked:
        raise NotApplicable(f"nothing can be created: {told}")


def _closed(thing: Belonging) -> Iterator[Violation]:
    for attempt in thing.offered():
        if attempt.method != "GET":
            continue
        for kind, token in (
            ("without a token", ""),
            ("with a wrong token", "basic//conformance-not-a-token"),
        ):
            answer = thing.backend.anonymous.get(attempt.path, token=token)
            if answer.ok:
                yield Violation(f"HTTP {answer.status} {kind}", answer, place=attempt.name)
