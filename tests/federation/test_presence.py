"""Behaviours 1 to 13 and 25: back-ends that fail, and what users notice of it.

Durations are asserted with the margin of ``harness.MARGIN``, where the duration is the behaviour.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from fake_driver import make_collection
from federation.fake_upstream import FakeUpstream, make_job
from federation.harness import BASIC, MARGIN, PASSWORD, QUICK, FrontEnd, StartFrontEnd, measured, within
from federation.proxy import FaultProxy, busy, cut, hang, huge, reset, slow, trickle, truncate, wrong

Upstreams = list[dict[str, Any]]
Proxies = dict[str, FaultProxy]

VIEWS = ("/collections", "/processes", "/file_formats")
LISTS = ("/jobs", "/files", "/services")
RECOVERY = QUICK["probe_interval"] + QUICK["deadline"]


def test_01_cold_capabilities_do_not_wait_for_a_hung_back_end_02_nor_do_lists_for_longer_than_the_deadline(
    start_front_end: StartFrontEnd, upstreams: Upstreams, proxies: Proxies
) -> None:
    proxies["coast"].fail(hang())
    front = start_front_end(upstreams, deadline=3.0)
    with ThreadPoolExecutor() as pool:
        root = pool.submit(measured, lambda: front.get("/"))
        lists = {path: pool.submit(measured, partial(front.get, path)) for path in VIEWS}
        answer, seconds = root.result()
        assert answer.status_code == 200
        assert set(answer.json()["federation"]) == {"alps", "coast", "delta"}
        assert answer.json()["federation"]["coast"]["status"] == "offline"
        # 13: although no check has come to an end.
        assert answer.json()["federation"]["coast"]["last_status_check"]
        assert seconds < 1.0 * MARGIN
        for path, each in lists.items():
            answer, seconds = each.result()
            assert (answer.status_code, answer.json()["federation:missing"]) == (200, ["coast"]), path
            assert seconds < 3.5 * MARGIN, path


def test_02_a_back_end_that_hangs_at_one_list_only_is_missing_there_only(
    start_front_end: StartFrontEnd, upstreams: Upstreams, proxies: Proxies
) -> None:
    proxies["coast"].fail(hang(), "/collections")
    front = start_front_end(upstreams)
    answer, seconds = measured(lambda: front.get("/collections"))
    assert answer.json()["federation:missing"] == ["coast"]
    assert answer.json()["collections"]
    assert seconds < 1.5 * MARGIN
    assert front.missing("/processes") == []
    assert front.members()["coast"]["status"] == "online"
    # Nobody waits a second time.
    assert measured(lambda: front.get("/collections"))[1] < 0.5 * MARGIN


def test_03_a_trickling_back_end_is_cut_at_the_total_deadline(
    front_end: FrontEnd, proxies: Proxies, ana: str
) -> None:
    proxies["coast"].fail(trickle(0.1), "/jobs")
    answer, seconds = measured(lambda: front_end.get("/jobs", ana))
    assert (answer.status_code, answer.json()["federation:missing"]) == (200, ["coast"])
    assert seconds < QUICK["deadline"] * MARGIN + 0.5


def test_04_a_cold_listing_of_ten_back_ends_takes_as_long_as_one(
    start_front_end: StartFrontEnd, start_fake: Callable[..., FakeUpstream]
) -> None:
    fakes = [
        start_fake(name=f"u{number}", latency=1.0, collections=[make_collection(f"C{number}")])
        for number in range(10)
    ]
    front = start_front_end([{"id": each.name, "url": each.url} for each in fakes], deadline=8.0)
    answer, seconds = measured(lambda: front.get("/collections"))
    assert answer.json()["federation:missing"] == []
    assert [each["id"] for each in answer.json()["collections"]] == [f"C{number}" for number in range(10)]
    # Asked one after the other, they would take ten at least.
    assert seconds < 5


def test_05_no_request_waits_for_a_status_check(front_end: FrontEnd, proxies: Proxies) -> None:
    proxies["coast"].fail(slow(0.7), "/", exactly=True)
    time.sleep(QUICK["probe_interval"])
    before = proxies["alps"].count("/")
    times = [measured(partial(front_end.get, path))[1] for path in ("/", *VIEWS) * 15]
    checks = proxies["alps"].count("/") - before
    assert sorted(times)[len(times) // 2] < 0.3 * MARGIN
    # Each request would have made one.
    assert checks < len(times) / 3


@pytest.mark.parametrize(("retry_after", "tries"), [(None, 2), ("0", 2), ("100", 1)])
def test_06_a_busy_back_end_is_asked_once_more_at_most(
    front_end: FrontEnd, proxies: Proxies, ana: str, retry_after: str | None, tries: int
) -> None:
    proxies["coast"].fail(busy(retry_after), "/jobs")
    before = proxies["coast"].count("/jobs")
    answer, seconds = measured(lambda: front_end.get("/jobs", ana))
    assert (answer.status_code, answer.json()["federation:missing"]) == (200, ["coast"])
    assert proxies["coast"].count("/jobs") - before == tries
    assert seconds < QUICK["deadline"] * MARGIN + 0.5


def test_06_a_back_end_that_is_busy_once_is_not_missing(
    front_end: FrontEnd, proxies: Proxies, ana: str
) -> None:
    proxies["coast"].fail(busy(times=1), "/jobs")
    assert front_end.missing("/jobs", ana) == []


@pytest.mark.parametrize("path", LISTS)
def test_07_after_some_failures_nobody_waits_until_the_back_end_answers_again(
    front_end: FrontEnd, proxies: Proxies, ana: str, path: str
) -> None:
    proxies["coast"].fail(hang(), path)
    for _ in range(QUICK["breaker"]["failures"]):
        assert front_end.missing(path, ana) == ["coast"]
    for _ in range(5):
        answer, seconds = measured(lambda: front_end.get(path, ana))
        assert answer.json()["federation:missing"] == ["coast"]
        assert seconds < 0.4 * MARGIN
        time.sleep(0.2)
    assert "coast" in front_end.online()
    proxies["coast"].heal()
    within(RECOVERY, lambda: not front_end.missing(path, ana), "it is not seen that the back-end answers")


def test_08_what_a_back_end_has_stays_when_it_is_gone_and_10_it_is_missing_until_it_is_back(
    start_front_end: StartFrontEnd, upstreams: Upstreams, proxies: Proxies
) -> None:
    only = "climate-monthly-demo"
    for each in upstreams:
        if each["id"] != "coast":
            each |= {"collections": {"deny": [only]}, "processes": {"deny": ["ndvi"]}}
    front = start_front_end(upstreams)
    for path in VIEWS:
        within(RECOVERY, lambda path=path: not front.missing(path), f"not all are there at {path}")  # type: ignore[misc]
    before = {path: front.get(path).json() for path in (*VIEWS, f"/collections/{only}")}
    proxies["coast"].refuse()
    for path in VIEWS:
        within(RECOVERY, lambda path=path: front.missing(path) == ["coast"], f"not missing at {path}")  # type: ignore[misc]
        answer = front.get(path)
        assert answer.json() == {**before[path], "federation:missing": ["coast"]}
        # 09
        assert "no-store" in answer.headers["cache-control"]
    for _ in range(5):
        answer, seconds = measured(lambda: front.get(f"/collections/{only}"))
        assert answer.status_code == 200, answer.text
        assert answer.json()["federation:backends"] == ["coast"]
        assert seconds < 1.0 * MARGIN
    assert front.get("/collections/nobody-has-it").status_code == 404
    proxies["coast"].heal()
    for path in VIEWS:
        within(RECOVERY, lambda path=path: not front.missing(path), f"still missing at {path}")  # type: ignore[misc]
        answer = front.get(path)
        assert answer.json() == before[path]
        assert "no-store" not in answer.headers["cache-control"]


@pytest.mark.parametrize("fault", [hang(), reset(), cut(), busy(), truncate(), wrong(), huge()])
def test_08_a_known_collection_is_never_unknown_whatever_its_back_ends_do(
    front_end: FrontEnd, proxies: Proxies, fault: Any
) -> None:
    front_end.get("/collections/climate-monthly-demo")
    for proxy in proxies.values():
        proxy.fail(fault)
    for _ in range(3):
        answer = front_end.get("/collections/climate-monthly-demo")
        assert answer.status_code == 200, answer.text
    answer = front_end.get("/collections/sentinel-2-l2a-demo")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("fault", [reset(), cut(), truncate(), wrong(), busy("7")])
@pytest.mark.parametrize("path", LISTS)
def test_09_partial_lists_are_not_kept_whatever_the_back_end_does(
    front_end: FrontEnd, proxies: Proxies, ana: str, fault: Any, path: str
) -> None:
    proxies["coast"].fail(fault, path)
    answer = front_end.get(path, ana)
    assert (answer.status_code, answer.json()["federation:missing"]) == (200, ["coast"])
    assert "no-store" in answer.headers["cache-control"]


def test_11_with_all_back_ends_down_lists_are_good_and_say_so(
    start_front_end: StartFrontEnd, upstreams: Upstreams, proxies: Proxies, token_of: Callable[..., str]
) -> None:
    for proxy in proxies.values():
        proxy.refuse()
    front = start_front_end(upstreams, users=["ana"])
    token = token_of(front.server, "ana", PASSWORD)
    check_lists(front, token, ["alps", "coast", "delta"])
    for path in ("/", "/udf_runtimes", "/service_types", "/conformance", "/process_graphs"):
        assert front.get(path, token).status_code == 200, path
    unknown = front.get("/collections/anything")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "InfrastructureBusy")
    # 13
    for name, member in front.members().items():
        assert member["title"] == name
        assert member["url"] == proxies[name].url
        assert member["status"] == "offline"
        assert member["last_status_check"]


def test_11_the_same_when_they_were_there_before(front_end: FrontEnd, proxies: Proxies, ana: str) -> None:
    for proxy in proxies.values():
        proxy.refuse()
    within(RECOVERY, lambda: not front_end.online(), "it is not seen that they are gone")
    check_lists(front_end, ana, ["alps", "coast", "delta"])
    assert front_end.get("/collections").json()["collections"]


def check_lists(front: FrontEnd, token: str, missing: list[str]) -> None:
    from connexeo.tools.conformance.contract import load_contract

    contract = load_contract("1.3.0", federation=True)
    for path in (*VIEWS, *LISTS):
        answer = front.get(path, token)
        assert answer.status_code == 200, answer.text
        assert sorted(answer.json()["federation:missing"]) == missing, path
        operation = contract.match("GET", path)
        assert operation is not None
        assert contract.faults(operation, 200, "application/json", answer.json()) == [], path


def test_12_a_job_of_a_back_end_that_is_gone_is_not_unknown(
    front_end: FrontEnd, proxies: Proxies, ana: str
) -> None:
    job = make_job_at(proxies["coast"], "Twelve")
    listed = {
        each["title"]: each["id"] for each in front_end.get("/jobs", ana).json()["jobs"] if "title" in each
    }
    job_id = listed["Twelve"]
    assert job_id.startswith(("coast~", "alps~", "delta~"))
    job_id = f"coast~{job_id.partition('~')[2]}"
    assert front_end.get(f"/jobs/{job_id}", ana).json()["federation:backends"] == ["coast"]
    unknown = front_end.get("/jobs/coast~j-00000000000000000000000000000000", ana)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "JobNotFound")
    assert front_end.get("/jobs/nowhere~x", ana).status_code == 404
    # More faults, and all operations: see `test_isolation`.
    for fault in (reset(), busy()):
        proxies["coast"].heal()
        proxies["coast"].fail(fault, "/jobs/")
        for below in ("", "/logs", "/results", "/estimate"):
            answer = front_end.get(f"/jobs/{job_id}{below}", ana)
            assert answer.status_code in (502, 503), (fault, below, answer.text)
            assert "coast" in answer.json()["message"]
            assert int(answer.headers["retry-after"]) > 0
    proxies["coast"].heal()
    proxies["coast"].refuse()
    within(RECOVERY, lambda: "coast" not in front_end.online(), "it is not seen that the back-end is gone")
    for method in ("GET", "DELETE", "PATCH"):
        url = f"{front_end.url}/jobs/{job_id}"
        body = {"title": "x"} if method == "PATCH" else None
        answer, seconds = measured(
            lambda method=method, url=url, body=body: httpx.request(  # type: ignore[misc]
                method, url, json=body, headers={"authorization": f"Bearer {ana}"}, timeout=60
            )
        )
        assert answer.status_code in (502, 503), answer.text
        assert "coast" in answer.json()["message"]
        assert int(answer.headers["retry-after"]) > 0
        assert seconds < 1.0 * MARGIN
    assert job


def test_13_all_is_said_of_each_back_end(
    start_front_end: StartFrontEnd, upstreams: Upstreams, proxies: Proxies
) -> None:
    upstreams[1] |= {
        "title": "The coast",
        "description": "By the sea",
        "experimental": True,
        "deprecated": True,
    }
    front = start_front_end(upstreams)
    within(2.0, lambda: len(front.online()) == 3, "not all are online")
    proxies["coast"].fail(reset())
    within(RECOVERY, lambda: front.online() == {"alps", "delta"}, "it is not seen that the back-end is gone")
    members = front.members()
    coast = members["coast"]
    assert {
        key: coast[key] for key in ("title", "url", "description", "experimental", "deprecated", "status")
    } == {
        "title": "The coast",
        "url": proxies["coast"].url,
        "description": "By the sea",
        "experimental": True,
        "deprecated": True,
        "status": "offline",
    }
    assert coast["last_status_check"] >= coast["last_successful_check"]
    assert members["alps"]["title"]
    for member in members.values():
        assert member["last_status_check"]
        assert member["last_successful_check"]


def test_25_many_users_at_once_see_their_own_and_operators_see_all(
    start_front_end: StartFrontEnd, start_fake: Callable[..., FakeUpstream], token_of: Callable[..., str]
) -> None:
    jobs = {f"Bearer basic//token-of-{name}": [make_job(f"of-{name}")] for name in ("ana", "ben")}
    fakes = [start_fake(name=name, jobs=jobs, latency=0.02) for name in ("alps", "coast")]
    accounts = {name: {"username": name, "password": "secret"} for name in ("ana", "ben")}
    upstreams: Upstreams = [{"id": each.name, "url": each.url, "accounts": accounts} for each in fakes]
    upstreams.append({"id": "gone", "url": "http://127.0.0.1:9"})
    front = start_front_end(upstreams, users=["ana", "ben"], deadline=20.0, request_timeout=60.0)
    tokens = {name: token_of(front.server, name, PASSWORD) for name in ("ana", "ben")}

    def ask(number: int) -> None:
        name = ("ana", "ben")[number % 2]
        client = clients[number % len(clients)]
        headers = {"authorization": f"Bearer {tokens[name]}"}
        found = client.get(f"{front.url}/jobs", headers=headers).json()
        assert {each["id"] for each in found["jobs"]} == {f"alps~of-{name}", f"coast~of-{name}"}, found
        path = ("alps", "coast")[number % 4 // 2]
        one = client.get(f"{front.url}/jobs/{path}~of-{name}", headers=headers)
        assert one.status_code == 200
        other = client.get(f"{front.url}/jobs/{path}~of-{('ben', 'ana')[number % 2]}", headers=headers)
        assert other.status_code == 404

    clients = [httpx.Client(timeout=90) for _ in range(20)]
    try:
        with ThreadPoolExecutor(200) as pool:
            list(pool.map(ask, range(200)))
    finally:
        for client in clients:
            client.close()
    health = front.get("/health").json()["upstreams"]
    assert {name: each["online"] for name, each in health.items()} == {
        "alps": True,
        "coast": True,
        "gone": False,
    }
    assert health["gone"]["reason"]
    metrics = front.get("/metrics").text
    assert 'connexeo_upstream_online{upstream="gone"} 0.0' in metrics
    assert 'connexeo_upstream_online{upstream="alps"} 1.0' in metrics
    assert 'connexeo_upstream_latency_seconds{upstream="alps"}' in metrics
    assert 'connexeo_upstream_open_breakers{upstream="coast"} 0.0' in metrics


def make_job_at(proxy: FaultProxy, title: str) -> str:
    """A new job of the account demo at the back-end itself."""
    token = httpx.get(f"{proxy.upstream}/credentials/basic", auth=("demo", "demo")).json()["access_token"]
    graph = {"a": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    answer = httpx.post(
        f"{proxy.upstream}/jobs",
        headers={"authorization": f"Bearer basic//{token}"},
        json={"title": title, "process": {"process_graph": graph}},
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.headers["openeo-identifier"])


assert BASIC
