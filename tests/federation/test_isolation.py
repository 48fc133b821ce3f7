"""Behaviours 12, 23 and 24, and what more of 25 small back-ends can show: none stands in for another, nobody for
somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connexeo.generated import load_openapi, load_processes
from federation.fake_upstream import FakeUpstream, make_job, make_service
from federation.harness import BASIC, PASSWORD, FrontEnd, StartFrontEnd, within
from federation.proxy import Fault, FaultProxy, busy, cut, hang, reset, truncate, wrong
from oidc_issuer import OidcIssuer

Json = dict[str, Any]

GRAPH: Json = {
    "process_graph": {
        "load": {
            "process_id": "load_collection",
            "arguments": {"id": "RIVERS", "spatial_extent": None, "temporal_extent": None},
            "result": True,
        }
    }
}

THINGS = {
    "job_id": "JobNotFound",
    "service_id": "ServiceNotFound",
    "path": "FileNotFound",
    "log_id": "NotFound",
}
"""Parameter that stands for something at one back-end → error when it is not there."""

DOWNLOADS = (("GET", "/files/{path}"),)
BROKEN = ("cut", "truncate", "wrong")
"""Faults after the head of an answer, when a download has begun."""

NOT_OFFERED = ("/results/", "/xyz", "/tilejson", "/wmts")
"""Parts of paths of what back-ends give out themselves."""


def operations() -> list[tuple[str, str]]:
    """All that are about one thing at one back-end, by the contract."""
    return [
        (method.upper(), path)
        for path, item in load_openapi()["paths"].items()
        if any(f"{{{name}}}" in path for name in THINGS) and not any(each in path for each in NOT_OFFERED)
        for method in item
        if method in ("get", "put", "post", "patch", "delete")
    ]


@dataclass
class Federation:
    """Two back-ends that have the same things."""

    front: FrontEnd
    proxy: FaultProxy
    """In front of ``coast``."""
    token: str

    def ask(self, method: str, path: str, upstream: str = "coast", thing: str = "one") -> httpx.Response:
        """The answer to an operation on something at a back-end."""
        filled = path.format(
            job_id=f"{upstream}~{thing}",
            service_id=f"{upstream}~{thing}",
            log_id=f"{upstream}~{thing}",
            path=f"{upstream}/{thing}",
        )
        headers = {"authorization": f"Bearer {self.token}"}
        body: Json = {"json": {"title": "T"}} if method == "PATCH" else {}
        if method == "PUT":
            body = {"content": b"content", "headers": headers | {"content-type": "application/octet-stream"}}
        return httpx.request(method, f"{self.front.url}{filled}", timeout=60, **{"headers": headers, **body})

    def ask_all(
        self, without: Sequence[tuple[str, str]] = (), **given: Any
    ) -> dict[tuple[str, str], httpx.Response]:
        """The answers to all operations, which are asked for at the same time."""
        names = [each for each in operations() if each not in without]
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(lambda each: self.ask(*each, **given), names), strict=True))


@pytest.fixture(scope="module")
def lasting(start_lasting_front_end: StartFrontEnd, token_of: Callable[..., str]) -> Iterator[Federation]:
    with ExitStack() as stack:
        things: Json = {
            "jobs": {None: [make_job("one")]},
            "services": [make_service("one")],
            "files": [{"path": "one"}],
        }
        alps, coast = (FakeUpstream(name=name, **things) for name in ("alps", "coast"))
        stack.callback(alps.close)
        stack.callback(coast.close)
        proxy = FaultProxy(coast.url)
        stack.callback(proxy.close)
        upstreams = [{"id": "alps", "url": alps.url, **BASIC}, {"id": "coast", "url": proxy.url, **BASIC}]
        front = start_lasting_front_end(
            upstreams,
            users=["ana"],
            request_timeout=2.0,
            # Each request is to find out for itself.
            breaker={"failures": 1000, "pause": 0.3},
        )
        yield Federation(front, proxy, token_of(front.server, "ana", PASSWORD))


@pytest.fixture
def federation(lasting: Federation) -> Federation:
    lasting.proxy.heal()
    within(3.0, lambda: len(lasting.front.online()) == 2, "the back-end is not seen")
    return lasting


def check_unavailable(answers: dict[tuple[str, str], httpx.Response]) -> None:
    for name, answer in answers.items():
        assert answer.status_code in (502, 503), (name, answer.text)
        assert "'coast'" in answer.json()["message"], name
        assert int(answer.headers["retry-after"]) > 0, name
        assert "alps" not in answer.text


@pytest.mark.parametrize("fault", [hang(), reset(), cut(), busy(), truncate(), wrong()], ids=str)
def test_12_nothing_of_a_back_end_that_fails_is_unknown(federation: Federation, fault: Fault) -> None:
    assert federation.ask("GET", "/jobs/{job_id}").status_code == 200
    for prefix in ("/jobs/", "/services/", "/files/", "/logs/"):
        federation.proxy.fail(fault, prefix)
    answers = federation.ask_all(without=DOWNLOADS if fault.kind in BROKEN else ())
    if fault.kind in BROKEN:
        # Where nothing is read of the answer, it may be anything.
        answers = {each: answer for each, answer in answers.items() if each[0] == "GET"}
    check_unavailable(answers)
    assert federation.ask("GET", "/jobs/{job_id}", "alps").status_code == 200


def test_12_nor_of_one_that_is_gone(federation: Federation) -> None:
    federation.proxy.refuse()
    check_unavailable(federation.ask_all())
    within(3.0, lambda: "coast" not in federation.front.online(), "it is not seen that the back-end is gone")
    check_unavailable(federation.ask_all())


def test_12_only_what_the_back_end_does_not_know_is_unknown(federation: Federation) -> None:
    unknown: list[Json] = [{"thing": "two"}, {"upstream": "nowhere"}]
    for given in unknown:
        for (method, path), answer in federation.ask_all(**given).items():
            code = next(code for name, code in THINGS.items() if f"{{{name}}}" in path)
            if method == "PUT":
                assert answer.status_code == (400 if "upstream" in given else 200), answer.text
                continue
            assert (answer.status_code, answer.json()["code"]) == (404, code), (method, path)


def test_12_all_of_it_is_there_otherwise(federation: Federation) -> None:
    federation.proxy.requests.clear()
    answers = federation.ask_all()
    odd = ("/jobs/{job_id}/estimate", "/logs/{log_id}")
    for (method, path), answer in answers.items():
        assert answer.status_code < 300 or path in odd, (method, path, answer.text)
    asked = {(method, path) for method, path, _ in federation.proxy.requests}
    assert {("GET", "/jobs/one"), ("PUT", "/files/one"), ("DELETE", "/services/one")} <= asked


@dataclass
class Issuers:
    """A front-end with two OpenID Connect providers, before five back-ends."""

    front: FrontEnd
    fakes: dict[str, FakeUpstream]
    river: OidcIssuer
    lake: OidcIssuer

    def header(self, provider: str, subject: str = "ana") -> dict[str, str]:
        """Of a user who has logged in with a provider."""
        issuer = self.river if provider == "river" else self.lake
        return {"authorization": f"Bearer oidc/{provider}/{issuer.jwt(subject)}"}

    def presented(self) -> set[tuple[str, str, str]]:
        """Back-end, its own name of the provider, and the real issuer of each token that any of them ever got."""
        found = set()
        for name, fake in self.fakes.items():
            for _, value in list(fake.authorizations):
                if value is not None:
                    method, provider, token = value.removeprefix("Bearer ").split("/", 2)
                    assert method == "oidc"
                    found.add((name, provider, issuer_of(token)))
        return found


def issuer_of(token: str) -> str:
    import base64
    import json

    claims = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"])


@pytest.fixture(scope="module")
def issuers(start_lasting_front_end: StartFrontEnd) -> Iterator[Issuers]:
    with ExitStack() as stack:
        people = {name: {"name": name} for name in ("ana", "ben")}
        river, lake = OidcIssuer(userinfo=people), OidcIssuer(userinfo=people)
        stack.callback(river.close)
        stack.callback(lake.close)

        def listed(identifier: str, issuer: Any) -> Json:
            return {"id": identifier, "issuer": issuer, "title": "-"}

        providers = {
            # Under a name of their own, and with a slash.
            "alps": [listed("other", "https://other.example"), listed("theirs", f"{river.url}/")],
            "coast": [listed("lake", lake.url)],
            # Both, with the names exchanged.
            "delta": [listed("lake", river.url), listed("river", lake.url)],
            # The name alone is nothing, nor is half of an issuer.
            "fraud": [
                listed("river", f"{river.url}.evil.example"),
                listed("lake", f"{lake.url}/realms/evil"),
                listed("river", river.url[:-1]),
                listed("river", None),
            ],
            "elder": [],
        }
        fakes = {
            name: FakeUpstream(
                name=name,
                providers=each,
                processes=[each for each in load_processes() if each["id"] == "load_collection"],
                service_types={"XYZ": {"configuration": {}, "process_parameters": []}},
                jobs={None: [make_job("one")]},
                files=[{"path": "one"}],
            )
            for name, each in providers.items()
        }
        for each in fakes.values():
            stack.callback(each.close)
        front = start_lasting_front_end(
            [{"id": name, "url": each.url, **BASIC} for name, each in fakes.items()],
            oidc=[river.provider("river"), lake.provider("lake")],
            deadline=10.0,
            request_timeout=20.0,
        )
        assert front.missing("/collections") == []
        yield Issuers(front, fakes, river, lake)


KNOWN = {"river": ["alps", "delta"], "lake": ["coast", "delta"]}
"""Provider of the front-end → back-ends that know its issuer."""


@pytest.mark.parametrize("provider", KNOWN)
def test_24_lists_are_of_those_that_know_the_issuer(issuers: Issuers, provider: str) -> None:
    headers = issuers.header(provider)
    others = [name for name in issuers.fakes if name not in KNOWN[provider]]
    for path in ("/jobs", "/files", "/services", "/collections", "/processes", "/file_formats"):
        answer = httpx.get(f"{issuers.front.url}{path}", headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        expected = others if path in ("/jobs", "/files", "/services") else []
        assert answer.json()["federation:missing"] == expected, path
    jobs = httpx.get(f"{issuers.front.url}/jobs", headers=headers, timeout=60).json()["jobs"]
    assert {each["id"] for each in jobs} == {f"{name}~one" for name in KNOWN[provider]}


@pytest.mark.parametrize("provider", KNOWN)
def test_24_a_token_goes_to_nobody_else_whatever_is_asked(issuers: Issuers, provider: str) -> None:
    headers, url = issuers.header(provider), issuers.front.url
    for name in issuers.fakes:
        for method, path, body in (
            ("GET", f"/jobs/{name}~one", None),
            ("GET", f"/jobs/{name}~one/logs", None),
            ("GET", f"/jobs/{name}~one/results", None),
            ("POST", f"/jobs/{name}~one/results", None),
            ("DELETE", f"/jobs/{name}~one", None),
            ("GET", f"/services/{name}~one", None),
            ("GET", f"/files/{name}/one", None),
            ("DELETE", f"/files/{name}/one", None),
            ("POST", "/jobs", {"process": GRAPH, "federation:backends": [name]}),
            ("POST", "/result", {"process": GRAPH, "federation:backends": [name]}),
            ("POST", "/services", {"process": GRAPH, "type": "XYZ", "federation:backends": [name]}),
            ("POST", "/validation", {**GRAPH, "federation:backends": [name]}),
        ):
            answer = httpx.request(method, f"{url}{path}", headers=headers, json=body, timeout=60)
            knows = name in KNOWN[provider]
            if path == "/validation":
                assert answer.json().get("federation:backends") == ([name] if knows else None)
            elif not knows:
                assert answer.status_code in (400, 401, 403, 503), (name, method, path, answer.text)
                assert answer.status_code != 404
                assert name in answer.json()["message"]
            elif path not in ("/services", f"/services/{name}~one"):
                assert answer.status_code < 300, (name, method, path, answer.text)
    river, lake = issuers.river.url, issuers.lake.url
    allowed = {
        ("alps", "theirs", river),
        ("coast", "lake", lake),
        ("delta", "lake", river),
        ("delta", "river", lake),
    }
    assert issuers.presented() <= allowed
    assert {
        name for name, _, issuer in issuers.presented() if issuer == getattr(issuers, provider).url
    } == set(KNOWN[provider])


def test_24_a_token_does_not_follow_a_redirect(
    start_fake: Callable[..., FakeUpstream], start_front_end: StartFrontEnd, oidc_issuer: OidcIssuer
) -> None:
    """The back-end may know the issuer, and lead astray."""
    from loopback_site import LoopbackSite

    trap = LoopbackSite(pages={"/jobs": {"jobs": [], "links": []}})
    listed = [{"id": "r", "issuer": oidc_issuer.url, "title": "-"}]
    own = start_fake(name="alps", providers=listed)
    front_site = LoopbackSite(pages={"/jobs": (307, f"{trap.url}/jobs"), "/": own._documents()["/"]})
    front_site.pages |= {
        path: own._documents()[path]
        for path in ("/collections", "/processes", "/file_formats", "/credentials/oidc")
    }
    try:
        front = start_front_end(
            [{"id": "alps", "url": front_site.url}, {"id": "coast", "url": own.url}],
            oidc=[oidc_issuer.provider()],
            deadline=5.0,
        )
        assert front.missing("/jobs", f"oidc/river/{oidc_issuer.jwt()}") == ["alps"]
        assert trap.requests == []
        assert any("authorization" in headers for _, path, headers in front_site.requests if path == "/jobs")
    finally:
        trap.close()
        front_site.close()


def test_25_tokens_of_many_users_at_once_are_never_exchanged(issuers: Issuers) -> None:
    """Each of them is told only the job that belongs to the token that came with the request."""
    headers = [
        issuers.header(provider, subject) for provider in ("river", "lake") for subject in ("ana", "ben")
    ]
    tokens = [each["authorization"].rpartition("/")[2] for each in headers]
    names = {"alps": "theirs", "coast": "lake"}
    before = {name: fake.jobs for name, fake in issuers.fakes.items()}
    for name, provider in names.items():
        issuers.fakes[name].jobs = {
            f"Bearer oidc/{provider}/{token}": [make_job(f"of-{number}")]
            for number, token in enumerate(tokens)
        }
    for fake in issuers.fakes.values():
        fake.latency = 0.01

    def ask(number: int) -> None:
        which = number % len(headers)
        name = "alps" if which < 2 else "coast"
        found = httpx.get(f"{issuers.front.url}/jobs", headers=headers[which], timeout=90).json()
        assert [each["id"] for each in found["jobs"] if not each["id"].startswith("delta")] == [
            f"{name}~of-{which}"
        ]

    try:
        with ThreadPoolExecutor(40) as pool:
            list(pool.map(ask, range(120)))
    finally:
        for name, fake in issuers.fakes.items():
            fake.jobs, fake.latency = before[name], 0.0


PAGED: dict[str, tuple[str, Callable[[str, int], Json]]] = {
    # Identifiers as no openEO back-end should have them.
    "/jobs": ("id", lambda name, number: make_job(f"{name}/{number} ä~", number)),
    "/services": ("id", lambda name, number: make_service(f"{name}{number}")),
    "/files": ("path", lambda name, number: {"path": f"{name}{number:02d}"}),
}
"""List → what identifies its entries, and makes them."""


@pytest.fixture(scope="module")
def paged(start_lasting_front_end: StartFrontEnd, token_of: Callable[..., str]) -> Iterator[Federation]:
    """Two back-ends with eleven things of each sort, in pages of four."""
    with ExitStack() as stack:
        proxies = []
        for name in ("alps", "coast"):
            fake = FakeUpstream(name=name, page=4)
            stack.callback(fake.close)
            proxy = FaultProxy(fake.url)
            stack.callback(proxy.close)
            fake.base = proxy.url
            fake.jobs = {None: [PAGED["/jobs"][1](name, each) for each in reversed(range(11))]}
            fake.services = [PAGED["/services"][1](name, each) for each in range(11)]
            fake.files = [PAGED["/files"][1](name, each) for each in range(11)]
            proxies.append(proxy)
        upstreams = [
            {"id": name, "url": proxy.url, **BASIC}
            for name, proxy in zip(("alps", "coast"), proxies, strict=True)
        ]
        front = start_lasting_front_end(upstreams, users=["ana"])
        yield Federation(front, proxies[1], token_of(front.server, "ana", PASSWORD))


def pages(federation: Federation, path: str, limit: int) -> Iterator[list[str]]:
    """Identifiers, page by page."""
    url: str | None = f"{federation.front.url}{path}?limit={limit}"
    while url is not None:
        document = federation.front.get(url, federation.token).json()
        yield [each[PAGED[path][0]] for each in document[path[1:]]]
        url = next((each["href"] for each in document["links"] if each["rel"] == "next"), None)


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("limit", [3, 5, 100])
def test_23_each_entry_of_each_list_comes_once(paged: Federation, path: str, limit: int) -> None:
    told = list(pages(paged, path, limit))
    assert all(len(each) == limit for each in told[:-1])
    assert len(told[-1]) <= limit
    everything = [each for page in told for each in page]
    assert len(everything) == len(set(everything)) == 22


def test_23_jobs_come_newest_first_and_can_be_asked_for(paged: Federation) -> None:
    url: str | None = f"{paged.front.url}/jobs?limit=5"
    created = []
    while url is not None:
        document = paged.front.get(url, paged.token).json()
        created += [each["created"] for each in document["jobs"]]
        url = next((each["href"] for each in document["links"] if each["rel"] == "next"), None)
    assert created == sorted(created, reverse=True)
    for each in paged.front.get("/jobs", paged.token).json()["jobs"][:3]:
        assert paged.front.get(f"/jobs/{each['id']}", paged.token).json()["id"] == each["id"]


@pytest.mark.parametrize("path", PAGED)
def test_23_also_when_a_back_end_goes_and_returns_between_pages(paged: Federation, path: str) -> None:
    front, walk = paged.front, pages(paged, path, 4)
    told = [next(walk)]
    paged.proxy.refuse()
    within(3.0, lambda: "coast" not in front.online(), "it is not seen that the back-end is gone")
    told.append(next(walk))
    assert not any(each.startswith("coast") for each in told[-1])
    paged.proxy.heal()
    within(3.0, lambda: "coast" in front.online(), "it is not seen that the back-end is back")
    within(3.0, lambda: not front.missing(path, paged.token), "the list does not recover")
    told += list(walk)
    assert all(len(each) <= 4 for each in told)
    everything = [each for page in told for each in page]
    assert len(everything) == len(set(everything)) == 22


@pytest.mark.parametrize("path", PAGED)
def test_23_without_those_of_one_that_goes_for_good(paged: Federation, path: str) -> None:
    front, walk = paged.front, pages(paged, path, 4)
    told = next(walk)
    paged.proxy.refuse()
    try:
        within(3.0, lambda: "coast" not in front.online(), "it is not seen that the back-end is gone")
        told += [each for page in walk for each in page]
    finally:
        paged.proxy.heal()
        within(3.0, lambda: "coast" in front.online(), "it is not seen that the back-end is back")
    assert len(told) == len(set(told))
    assert sum(each.startswith("alps") for each in told) == 11
