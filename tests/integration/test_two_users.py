"""Many requests of two users at once: no answer reaches the wrong one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from ownership import MAKERS, Thing

PASSWORD = "a rather long sentence"
REQUESTS = 200
ROUNDS = 3
LISTED = {
    "job_id": "/jobs",
    "path": "/files",
    "process_graph_id": "/process_graphs",
    "service_id": "/services",
    "log_id": None,
}
"""Where things are listed, by path parameter."""


@dataclass(frozen=True)
class Known:
    """A user, with a token and things."""

    name: str
    token: str
    things: dict[str, Thing]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def marks(self) -> list[str]:
        """Texts that only answers to this user may hold."""
        return [text for thing in self.things.values() for text in (thing.value, *thing.traces)]


@pytest.fixture(scope="module")
def users(demo_server: Any, run_command: Callable[..., Any], token_of: Callable[..., str]) -> list[Known]:
    known = []
    for name in ("tilda", "ulf"):
        added = run_command(
            "users", "add", name, "--password-stdin", data=demo_server.data, text=f"{PASSWORD}\n"
        )
        assert added.returncode == 0, added.stderr
        user = Known(name, token_of(demo_server, name, PASSWORD), {})
        with httpx.Client(base_url=demo_server.url, headers=user.headers, timeout=120) as client:
            user.things.update({parameter: make(client) for parameter, make in MAKERS.items()})
        known.append(user)
    return known


Request = Callable[[httpx.AsyncClient, Known], Awaitable[httpx.Response]]


def requests_of(user: Known) -> list[tuple[str, Request, str | None]]:
    """Requests by name, with the text that the answer must hold, if any."""
    graph = {"id": {"process_id": "constant", "arguments": {"x": f"result of {user.name}"}, "result": True}}
    result = {"process": {"process_graph": graph}}
    found: list[tuple[str, Request, str | None]] = [
        ("me", _get("/me"), f'"user_id":"{user.name}"'),
        ("result", lambda client, user: client.post("/result", json=result, headers=user.headers), user.name),
    ]
    for parameter, thing in user.things.items():
        for look in thing.looks:
            mark = thing.traces[0] if look == thing.looks[0] else None
            found.append((f"{parameter} {look.partition('/')[2].partition('/')[0]}", _get(look), mark))
        listed = LISTED[parameter]
        if listed is not None:
            found.append((f"list {listed}", _get(listed), thing.value))
    file = user.things["path"]
    found.append(("replace file", _put(f"/files/{file.value}", file.traces[0]), file.value))
    return found


def _get(path: str) -> Request:
    return lambda client, user: client.get(path, headers=user.headers)


def _put(path: str, content: str) -> Request:
    async def put(client: httpx.AsyncClient, user: Known) -> httpx.Response:
        headers = {**user.headers, "Content-Type": "application/octet-stream"}
        return await client.put(path, content=content, headers=headers)

    return put


async def ask_at_once(
    url: str, users: list[Known], seed: int
) -> list[tuple[Known, str, str | None, httpx.Response]]:
    """Requests of all users, mixed, all sent before the first answer, over connections that they share."""
    chosen = random.Random(seed)
    calls = []
    for number in range(REQUESTS):
        user = users[number % len(users)]
        name, request, mark = chosen.choice(requests_of(user))
        calls.append((user, name, request, mark))
    chosen.shuffle(calls)
    # Fewer connections than requests, so that each serves one user after the other.
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        answers = await asyncio.gather(*(request(client, user) for user, _, request, _ in calls))
    return [(user, name, mark, answer) for (user, name, _, mark), answer in zip(calls, answers, strict=True)]


def test_no_answer_reaches_the_wrong_user(demo_server: Any, users: list[Known]) -> None:
    assert len(demo_server.workers()) >= 2
    seen: Counter[str] = Counter()
    for seed in range(ROUNDS):
        for user, name, mark, answer in asyncio.run(ask_at_once(demo_server.url, users, seed)):
            others = [text for other in users if other is not user for text in (*other.marks, other.name)]
            assert not [text for text in others if text in answer.text], (
                f"{name} of {user.name}: {answer.text}"
            )
            # A worker with too much to compute says so; that is an answer to the right user as well.
            if not (name == "result" and answer.status_code == 503):
                assert answer.status_code == 200, f"{name} of {user.name}: {answer.text}"
                assert mark is None or mark in answer.text, f"{name} of {user.name}: {answer.text}"
            seen[f"{name} {answer.status_code}"] += 1
    print("answers:", dict(seen))
    assert sum(seen.values()) == REQUESTS * ROUNDS
    # Every kind of request was among them, and answered.
    assert {name for user in users for name, _, _ in requests_of(user)} == {
        name.rpartition(" ")[0] for name in seen if name.endswith(" 200")
    }


def test_a_connection_belongs_to_no_user(demo_server: Any, users: list[Known]) -> None:
    """One connection to one worker, whose every request comes from another user, or from nobody."""
    with httpx.Client(base_url=demo_server.url, timeout=60, limits=httpx.Limits(max_connections=1)) as client:
        for _ in range(10):
            for user in users:
                assert client.get("/me", headers=user.headers).json()["user_id"] == user.name
                for thing in user.things.values():
                    assert client.get(thing.looks[0], headers=user.headers).status_code == 200
                    assert client.get(thing.looks[0]).status_code == 401
            wrong = {"Authorization": f"{users[0].headers['Authorization']}x"}
            assert client.get("/me", headers=wrong).json()["code"] == "TokenInvalid"
