"""Back-ends that nobody here wrote show the faults that are known of them; see ``docs/conformance-findings.md``.

They are installed in a cache of environments: the folder that ``CONNEXEO_TEST_PEERS`` names (made when it is missing,
which downloads packages), else ``~/.cache/connexeo-peers`` when it is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from conformance.peers.openeo_aggregator import openeo_aggregator
from conformance.peers.openeo_driver import openeo_driver
from conformance.peers.openeo_fastapi import openeo_fastapi
from conformance.peers.serving import Peer, free_port
from conformance.peers.titiler_openeo import titiler_openeo
from connexeo.tools.conformance import Bearer, Options, Report, State, run

Start = Callable[[Path, Path, int], AbstractContextManager[Peer]]

_NAMED = os.environ.get("CONNEXEO_TEST_PEERS")
CACHE = Path(_NAMED) if _NAMED else Path.home() / ".cache" / "connexeo-peers"

pytestmark = [
    pytest.mark.skipif(
        not (_NAMED or CACHE.is_dir()), reason="needs a folder of environments: set CONNEXEO_TEST_PEERS"
    ),
    pytest.mark.xdist_group("peers"),
    pytest.mark.timeout(1800),
]

PEERS: dict[str, Start] = {
    "titiler-openeo": titiler_openeo,
    "openeo-fastapi": openeo_fastapi,
    "openeo-driver": openeo_driver,
    "openeo-aggregator": openeo_aggregator,
}

KNOWN: dict[str, dict[str, tuple[str, str, str]]] = {
    "titiler-openeo": {
        "a 404 body is no openEO error": ("profile.7", "lacks code and message", "GET /jobs"),
        "errors have no CORS": (
            "profile.2",
            "an error is without Access-Control-Allow-Origin",
            "GET /collections/{collection_id}",
        ),
        "an unknown argument is valid": (
            "validation.unknown-argument",
            "an argument that the process does not have is found valid",
            "POST /validation",
        ),
        "services ignore `limit`": ("profile.612", "`limit` is ignored", "GET /services"),
    },
    "openeo-fastapi": {
        "files are listed and not implemented": ("profile.32", "HTTP 501 FeatureUnsupported", "GET /files"),
        "the wrong method is listed": ("profile.32", "HTTP 405", "POST /jobs/{job_id}"),
        "there is no CORS": (
            "profile.2",
            "answers are without Access-Control-Allow-Origin",
            "GET /collections",
        ),
        "a job is readable by another user": (
            "security.foreign-job",
            "HTTP 200 for another user",
            "GET /jobs/{job_id}",
        ),
        "jobs ignore `limit`": ("profile.712", "`limit`", "GET /jobs"),
    },
    "openeo-driver": {
        "logs of another user's job are answered": (
            "security.foreign-job",
            "HTTP 200 for another user",
            "GET /jobs/{job_id}/logs",
        ),
        "stored processes ignore `limit`": ("profile.402", "`limit`", "GET /process_graphs"),
    },
    "openeo-aggregator": {
        "logs of another user's job are answered": (
            "security.foreign-job",
            "HTTP 200 for another user",
            "GET /jobs/{job_id}/logs",
        ),
    },
}
"""Back-end → what is known → check, part of its message, place."""

SOUND = {
    "titiler-openeo": ("profile.32",),
    "openeo-fastapi": ("profile.7",),
    "openeo-driver": ("profile.2", "profile.7", "profile.32", "validation.unknown-argument"),
    "openeo-aggregator": ("profile.2", "profile.7", "profile.32", "validation.unknown-argument"),
}
"""Back-end → checks that it is known to pass."""


@pytest.fixture(scope="module", params=PEERS)
def examined(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Report]]:
    """A back-end with the report of what these checks find."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    # A database may run as a user of its own, who has to come through.
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    wanted = {check for check, _, _ in KNOWN[name].values()} | set(SOUND[name])
    # What judges all answers needs some that are errors.
    options = Options(
        only=(*sorted(wanted), "profile.31", "endpoints.", "collections.unknown"),
        write=True,
        allow_costs=True,
        job_timeout=20,
    )
    with PEERS[name](CACHE.resolve(), folder, free_port()) as peer:
        yield name, run(peer.url, options, account=Bearer(peer.token), second_account=Bearer(peer.stranger))


def test_known_faults_are_found(examined: tuple[str, Report]) -> None:
    name, report = examined
    found = [
        (finding.check.id, finding.message, place) for finding in report.findings for place in finding.places
    ]
    missed = [
        what
        for what, (check, message, where) in KNOWN[name].items()
        if not any(id == check and message in text and place == where for id, text, place in found)
    ]
    assert missed == [], found


def test_what_is_known_to_be_right_is_not_blamed(examined: tuple[str, Report]) -> None:
    name, report = examined
    states = {result.check.id: result.state for result in report.results}
    assert {check: states[check] for check in SOUND[name]} == dict.fromkeys(SOUND[name], State.PASS)


def test_no_check_fails_by_itself(examined: tuple[str, Report]) -> None:
    _, report = examined
    assert [result.reason for result in report.results if result.state is State.ERROR] == []
    assert report.complete


def test_all_is_removed_that_can_be(examined: tuple[str, Report]) -> None:
    """openeo-fastapi cannot delete jobs, nor can the services of openeo-driver be removed."""
    _, report = examined
    known = ("HTTP 501 FeatureUnsupported", "HTTP 500 Internal")
    assert [each for each in report.run.left_over if not each.endswith(known)] == []
