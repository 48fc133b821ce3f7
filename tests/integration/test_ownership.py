"""No user sees, changes or guesses anything of another's: for every operation of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connexeo.generated import load_openapi
from ownership import BODIES, CHOSEN, MAKERS, PUBLIC, Operation, Thing, operations, uncovered, unknown

PASSWORD = "a rather long sentence"
OPERATIONS = list(operations(load_openapi()))
OWNED = [operation for operation in OPERATIONS if operation.owned]
LISTS = [op for op in OPERATIONS if op.method == "GET" and not (op.parameters or op.public or op.login)]

Maker = Callable[[str], Thing]


@pytest.fixture(scope="module")
def log_in(
    demo_server: Any, run_command: Callable[..., Any], token_of: Callable[..., str]
) -> Iterator[Callable[[str], httpx.Client]]:
    """Makes an account, and gives a client that is logged in."""
    clients: list[httpx.Client] = []

    def log_in(name: str) -> httpx.Client:
        added = run_command(
            "users", "add", name, "--password-stdin", data=demo_server.data, text=f"{PASSWORD}\n"
        )
        assert added.returncode == 0, added.stderr
        headers = {"Authorization": f"Bearer {token_of(demo_server, name, PASSWORD)}"}
        clients.append(httpx.Client(base_url=demo_server.url, headers=headers, timeout=120))
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def owner(log_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return log_in("olga")


@pytest.fixture(scope="module")
def stranger(log_in: Callable[[str], httpx.Client]) -> httpx.Client:
    return log_in("sven")


@pytest.fixture(scope="module")
def thing_of_owner(owner: httpx.Client) -> Maker:
    """Makes the owner's thing for a path parameter, or gives the one that is there; tries once."""
    made: dict[str, Thing | None] = {}

    def make(parameter: str) -> Thing:
        if parameter not in made:
            made[parameter] = None
            made[parameter] = MAKERS[parameter](owner)
        thing = made[parameter]
        assert thing is not None, f"the first attempt to make a thing for {parameter} has failed"
        return thing

    return make


@pytest.fixture(scope="module")
def offered(demo_server: Any) -> set[tuple[str, str]]:
    """Method and path of what the server offers."""
    endpoints = httpx.get(f"{demo_server.url}/", timeout=30).json()["endpoints"]
    return {(method, endpoint["path"]) for endpoint in endpoints for method in endpoint["methods"]}


def skip_unless_offered(operation: Operation, offered: set[tuple[str, str]]) -> None:
    if (operation.method, operation.path) not in offered:
        pytest.skip(f"{operation.id} is not offered by this server")


def test_every_operation_is_covered() -> None:
    assert uncovered(OPERATIONS) == []
    assert len(OWNED) >= 19


def test_the_public_ones_are_still_there() -> None:
    """A reason that nobody needs any longer hides the next operation of that name."""
    assert set(PUBLIC) <= {operation.id for operation in OPERATIONS if operation.public}
    assert set(BODIES) <= {operation.id for operation in OWNED}


def test_an_operation_that_nobody_thought_of_is_noticed() -> None:
    new = Operation("read-diary", "GET", "/diaries/{diary_id}", public=False, login=False, takes_body=False)
    assert uncovered([new]) == ["read-diary: add a maker for {diary_id} to ownership.MAKERS"]
    assert "ownership.PUBLIC" in uncovered([replace(new, public=True)])[0]
    writing = Operation("write-job", "PUT", "/jobs/{job_id}/x", public=False, login=False, takes_body=True)
    assert uncovered([writing]) == ["write-job: add a valid request to ownership.BODIES"]
    assert uncovered([replace(writing, path="/jobs/{job_id}/{page}", takes_body=False)]) != []


def call(client: httpx.Client, operation: Operation, value: str) -> httpx.Response:
    arguments = BODIES.get(operation.id, {})
    return client.request(operation.method, operation.url({operation.parameters[0]: value}), **arguments)


def seen(client: httpx.Client, thing: Thing) -> list[tuple[int, bytes]]:
    """What its owner sees of a thing."""
    answers = [client.get(look) for look in thing.looks]
    return [(answer.status_code, answer.content) for answer in answers]


def comparable(answer: httpx.Response, value: str) -> tuple[int, str]:
    """Status and body, without the identifier that was asked for and that of the request."""
    body = answer.text.replace(value, "…")
    return answer.status_code, body.replace(answer.headers["X-Request-ID"], "…")


@pytest.mark.parametrize("operation", OWNED, ids=str)
def test_a_thing_of_another_is_as_unknown_as_one_that_is_not_there(
    operation: Operation,
    owner: httpx.Client,
    stranger: httpx.Client,
    thing_of_owner: Maker,
    offered: set[tuple[str, str]],
) -> None:
    skip_unless_offered(operation, offered)
    thing = thing_of_owner(operation.parameters[0])
    nothing = unknown(thing.value)
    before = seen(owner, thing)
    assert {status for status, _ in before} == {200}
    makes_own = operation.method == "PUT" and operation.parameters[0] in CHOSEN
    try:
        foreign, missing = call(stranger, operation, thing.value), call(stranger, operation, nothing)
    finally:
        if makes_own:
            for value in (thing.value, nothing):
                stranger.delete(operation.url({operation.parameters[0]: value}))
    if makes_own:
        assert (foreign.status_code, missing.status_code) == (200, 200), foreign.text
        assert foreign.text == "" or foreign.json().keys() == missing.json().keys()
    else:
        assert foreign.status_code == 404, foreign.text
        assert foreign.json()["code"].endswith("NotFound")
        assert comparable(foreign, thing.value) == comparable(missing, nothing)
    names = [sorted(set(answer.headers) - {"date"}) for answer in (foreign, missing)]
    assert names[0] == names[1]
    assert seen(owner, thing) == before


@pytest.mark.parametrize("operation", [op for op in OWNED if op.method == "GET"], ids=str)
def test_asking_for_the_header_alone_tells_no_more(
    operation: Operation, stranger: httpx.Client, thing_of_owner: Maker, offered: set[tuple[str, str]]
) -> None:
    skip_unless_offered(operation, offered)
    value = thing_of_owner(operation.parameters[0]).value
    answers = [call(stranger, replace(operation, method="HEAD"), v) for v in (value, unknown(value))]
    assert {answer.status_code for answer in answers} <= {404, 405}
    assert answers[0].status_code == answers[1].status_code


@pytest.mark.parametrize("operation", OWNED, ids=str)
def test_without_a_token_nobody_learns_what_is_there(
    operation: Operation,
    owner: httpx.Client,
    demo_server: Any,
    thing_of_owner: Maker,
    offered: set[tuple[str, str]],
) -> None:
    skip_unless_offered(operation, offered)
    thing = thing_of_owner(operation.parameters[0])
    before = seen(owner, thing)
    with httpx.Client(base_url=demo_server.url, timeout=60) as nobody:
        for value in (thing.value, unknown(thing.value)):
            answer = call(nobody, operation, value)
            assert (answer.status_code, answer.json()["code"]) == (401, "AuthenticationRequired")
    assert seen(owner, thing) == before


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_lists_show_only_the_own_things(
    operation: Operation,
    owner: httpx.Client,
    stranger: httpx.Client,
    thing_of_owner: Maker,
    offered: set[tuple[str, str]],
) -> None:
    skip_unless_offered(operation, offered)
    makers = [op.parameters[0] for op in OWNED if (op.method, op.path) in offered]
    things = [thing_of_owner(parameter) for parameter in dict.fromkeys(makers)]
    own = owner.get(operation.path)
    assert own.status_code == 200, own.text
    answers = [stranger.get(operation.path, params=query) for query in ({}, {"limit": 1000}, {"offset": "0"})]
    assert answers[0].status_code == 200
    for answer in answers:
        for thing in things:
            assert not [text for text in (thing.value, *thing.traces) if text in answer.text]
    if operation.id != "describe-account":
        assert any(thing.value in own.text for thing in things), "the list of the owner is empty"


def canonical(client: httpx.Client, path: str) -> str:
    """Path of the link for sharing."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    (href,) = [link["href"] for link in answer.json()["links"] if link["rel"] == "canonical"]
    return str(httpx.URL(href).raw_path.decode())


def test_a_permission_for_one_job_opens_no_other(
    owner: httpx.Client, stranger: httpx.Client, demo_server: Any, thing_of_owner: Maker
) -> None:
    first, second = thing_of_owner("job_id"), MAKERS["job_id"](owner)
    third = MAKERS["job_id"](stranger)
    shared = canonical(owner, f"/jobs/{first.value}/results")
    assert first.value in shared
    (asset, *_) = httpx.get(demo_server.url + shared, timeout=30).json()["assets"].values()
    file = httpx.URL(asset["href"]).raw_path.decode()
    with httpx.Client(base_url=demo_server.url, timeout=30) as nobody:
        assert nobody.get(shared).status_code == nobody.get(file).status_code == 200
        wrong = []
        for path in (shared, file):
            others = (second.value, third.value, unknown(first.value))
            wrong += [nobody.get(path.replace(first.value, other)) for other in others]
            garbled = path.replace(".", ".A", 1) if "." in path else path[:-1]
            wrong.append(nobody.get(garbled))
            # A token makes a wrong link no better, whoever's it is.
            token = {"Authorization": owner.headers["Authorization"]}
            wrong.append(nobody.get(path.replace(first.value, second.value), headers=token))
        assert {answer.status_code for answer in wrong} == {wrong[0].status_code}
        assert wrong[0].status_code in (403, 404, 410)
        assert len({answer.json()["code"] for answer in wrong}) == 1
        for answer in wrong:
            assert not [text for text in (*second.traces, *third.traces) if text in answer.text]


def test_a_permission_for_one_process_opens_no_other(
    owner: httpx.Client, stranger: httpx.Client, demo_server: Any, thing_of_owner: Maker
) -> None:
    first, second = thing_of_owner("process_graph_id"), MAKERS["process_graph_id"](owner)
    third = MAKERS["process_graph_id"](stranger)
    links = [
        canonical(client, f"/process_graphs/{thing.value}")
        for client, thing in ((owner, first), (owner, second), (stranger, third))
    ]
    with httpx.Client(base_url=demo_server.url, timeout=30) as nobody:
        for link, thing in zip(links, (first, second, third), strict=True):
            assert nobody.get(link).json()["summary"] == thing.traces[0]
        named, _, signed = links[0].rpartition("/")[2].partition(".")
        for other in links[1:]:
            its_name, _, its_sign = other.rpartition("/")[2].partition(".")
            for mixed in (f"{its_name}.{signed}", f"{named}.{its_sign}", f"{its_name}.", its_name):
                answer = nobody.get(f"/shared/processes/{mixed}")
                assert answer.status_code == 404
                assert not [text for text in (*second.traces, *third.traces) if text in answer.text]
