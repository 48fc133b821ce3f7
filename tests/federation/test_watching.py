"""The watch beside the web workers: one for all of them, whoever is killed; and what they say agrees."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from fake_driver import make_collection
from federation.fake_upstream import FakeUpstream
from federation.harness import FrontEnd, StartFrontEnd, within
from federation.proxy import FaultProxy
from served import children, command_of

WATCH = "connexeo.drivers.federation.watch"


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[FakeUpstream, FaultProxy]]:
    with ExitStack() as stack:
        fake = FakeUpstream(name="alps")
        stack.callback(fake.close)
        proxy = FaultProxy(fake.url)
        stack.callback(proxy.close)
        yield fake, proxy


@pytest.fixture(scope="module")
def front(start_lasting_front_end: StartFrontEnd, parts: tuple[FakeUpstream, FaultProxy]) -> FrontEnd:
    return start_lasting_front_end([{"id": "alps", "url": parts[1].url}], workers=2, refresh_interval=1.0)


def below(process: int) -> list[int]:
    """All processes that a process has started, and those that these have."""
    return [found for child in children(process) for found in (child, *below(child))]


def watches(front: FrontEnd) -> list[int]:
    """The watches of a front-end: whoever got the lock first, a web worker or one for jobs, has started it."""
    return [each for each in below(front.server.process.pid) if WATCH in command_of(each)]


def answers(
    front: FrontEnd, path: str, see: Callable[[httpx.Response], object], times: int = 12
) -> set[object]:
    """What is seen of answers over new connections, which any worker may get."""
    return {see(httpx.get(f"{front.url}{path}", timeout=30)) for _ in range(times)}


def ids(answer: httpx.Response) -> tuple[str, ...]:
    return tuple(each["id"] for each in answer.json()["collections"])


def test_one_watch_serves_all_workers_which_agree(
    front: FrontEnd, parts: tuple[FakeUpstream, FaultProxy]
) -> None:
    assert len(front.server.workers()) == 2
    assert len(watches(front)) == 1
    parts[0].collections = [make_collection("RIVERS"), make_collection("NEW")]
    within(
        3.0, lambda: answers(front, "/collections", ids) == {("NEW", "RIVERS")}, "the workers do not agree"
    )
    assert len(answers(front, "/collections", lambda answer: (answer.headers["etag"], answer.content))) == 1


def test_a_watch_that_is_killed_is_started_anew(
    front: FrontEnd, parts: tuple[FakeUpstream, FaultProxy]
) -> None:
    (before,) = watches(front)
    os.kill(before, signal.SIGKILL)
    parts[0].collections = [make_collection("AFTERWARDS")]
    within(
        12.0, lambda: answers(front, "/collections", ids) == {("AFTERWARDS",)}, "nobody watches any longer"
    )
    assert watches(front) != [before]


def test_another_process_takes_over_from_one_that_is_killed(
    front: FrontEnd, parts: tuple[FakeUpstream, FaultProxy]
) -> None:
    (before,) = watches(front)
    (owner,) = [each for each in below(front.server.process.pid) if before in children(each)]
    os.kill(owner, signal.SIGKILL)
    within(10.0, lambda: not command_of(before), "the watch of a worker that is gone goes on")
    within(20.0, lambda: len(front.server.workers()) == 2 and len(watches(front)) == 1, "no watch is started")
    parts[1].refuse()
    within(
        10.0,
        lambda: (
            answers(front, "/collections", lambda answer: str(answer.json()["federation:missing"]))
            == {"['alps']"}
        ),
        "nobody watches any longer",
    )
    parts[1].heal()
    within(
        10.0,
        lambda: (
            answers(front, "/collections", lambda answer: str(answer.json()["federation:missing"])) == {"[]"}
        ),
        "the back-end does not return",
    )
