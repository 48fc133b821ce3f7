"""Logs of results: what they are called here, and where they are asked for."""

from __future__ import annotations

import asyncio
from typing import cast

import httpx
import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.result_logs import log_id, logs_of_result
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.interface import LogPage, User
from connexeo.generated.errors import InfrastructureBusy, NotFound
from connexeo.settings import Upstream
from drivers.federation.test_asking import ACCOUNTS, ANA, Here
from drivers.federation.upstreams import connected

URL = "https://alps.example/api"
ALPS = Upstream(id="alps", url=URL)
ENTRY = {"id": "1", "level": "info", "message": "It snows."}


def called(**headers: str) -> str | None:
    given = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return log_id(ALPS, httpx.Response(200, headers=given, request=httpx.Request("POST", f"{URL}/result")))


@pytest.mark.parametrize(
    ("identifier", "link", "found"),
    [
        ("r-7", f'<{URL}/logs/r-7>; rel="monitor"', "r-7"),
        ("r-7", "<logs/r-7>; rel=monitor", "r-7"),
        ("r-7", f'<{URL}/other>; rel="next", <{URL}/logs/r-7>; rel="monitor"', "r-7"),
        # It does not know that it is behind a proxy.
        ("r-7", '<http://inside:8080/logs/r-7>; rel="monitor"', "r-7"),
        ("r/ü", f'<{URL}/logs/r%2F%C3%BC>; rel="monitor"', "r/ü"),
        # Each back-end has its own address for logs.
        ("r-7", f'<{URL}/results/r-7/logs>; rel="monitor"', "/results/r-7/logs"),
        ("", f'<{URL}/results/7/logs>; rel="monitor"', "/results/7/logs"),
    ],
)
def test_a_log_is_called_so_that_it_is_found_again(identifier: str, link: str, found: str) -> None:
    assert called(openeo_identifier=identifier, link=link) == federated("alps", found)


@pytest.mark.parametrize(
    "link",
    [
        None,
        f'<{URL}/logs/r-7>; rel="other"',
        # Nobody is sent to another host with a user's credentials, nor out of the API.
        '<https://evil.example/api/other/r-7>; rel="monitor"',
        '<https://alps.example/elsewhere>; rel="monitor"',
        f'<{URL}.evil.example/x>; rel="monitor"',
        f'<{URL}/x%2F..%2Fy>; rel="monitor"',
        f'<{URL}/logs?id=r-7>; rel="monitor"',
        f'<{URL}/{"x" * 3000}>; rel="monitor"',
        f'<{URL}>; rel="monitor"',
        f'<{URL}/>; rel="monitor"',
    ],
)
def test_or_it_has_no_name(link: str | None) -> None:
    assert called(openeo_identifier="r-7", **({} if link is None else {"link": link})) is None
    assert called() is None


def logs(identifier: str, answer: httpx.Response, asked: list[str], user: User = ANA) -> LogPage:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            return httpx.Response(200, json={"access_token": "t"})
        assert request.headers["authorization"] == "Bearer basic//t"
        asked.append(str(request.url))
        return answer

    async def run() -> LogPage:
        here = Here(connected(handle, accounts=ACCOUNTS))
        fanout = Fanout(cast(Members, here), cast(Snapshots, here))
        return await logs_of_result(
            Asking(cast(Members, here), fanout, Credentials((), dict)), user, identifier
        )

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        ("r-7", "/logs/r-7"),
        ("r/7?", "/logs/r%2F7%3F"),
        ("/results/7/logs", "/results/7/logs"),
        ("/jobs/a%20b/logs", "/jobs/a%20b/logs"),
    ],
)
def test_a_log_is_read_where_it_is_in_the_users_name(identifier: str, path: str) -> None:
    asked: list[str] = []
    entries = [ENTRY, {"id": "2"}, {**ENTRY, "federation:backends": ["inner"]}]
    answer = httpx.Response(200, json={"logs": entries, "links": []})
    page = logs(federated("alps", identifier), answer, asked)
    assert asked == [f"{URL}{path}"]
    assert page.items == [{**ENTRY, "federation:backends": ["alps"]}] * 2
    assert page.extra == {"federation:missing": []}


@pytest.mark.parametrize(
    "identifier",
    [
        "r-7",
        "coast~r-7",
        federated("alps", "/../private"),
        federated("alps", "/x/%2e%2e/y"),
        federated("alps", "/x%2F..%2Fy"),
        federated("alps", "//evil.example/x"),
        federated("alps", "/x?y=https://evil.example"),
        federated("alps", "/x#y"),
        federated("alps", "/"),
        "alps~..",
    ],
)
def test_nothing_else_is_asked_for(identifier: str) -> None:
    asked: list[str] = []
    with pytest.raises(NotFound):
        logs(identifier, httpx.Response(200, json={"logs": []}), asked)
    assert asked == []


def test_a_log_that_is_gone_is_not_there() -> None:
    with pytest.raises(NotFound):
        logs("alps~r-7", httpx.Response(404, json={"code": "NotFound", "message": "Gone."}), [])
    with pytest.raises(InfrastructureBusy, match="alps"):
        logs("alps~r-7", httpx.Response(503), [])
