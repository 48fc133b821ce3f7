"""Validation and results through the federation, in front of back-ends that a test makes up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.configuration import Configuration
from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.processing import FederatedProcessing
from connexeo.drivers.federation.routing.choosing import Load
from connexeo.drivers.federation.routing.router import ProcessRouter
from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTIONS,
    FILE_FORMATS,
    PROCESSES,
)
from connexeo.drivers.federation.snapshots.state import UpstreamState
from connexeo.drivers.federation.stored_processes import (
    FederatedChecks,
    FederatedFinder,
    MergedDefinitions,
)
from connexeo.drivers.federation.user_defined_processes import FederatedUserDefinedProcesses
from connexeo.drivers.federation.views.loading import (
    CapabilitiesView,
    CollectionsView,
    EntriesView,
    FormatsView,
)
from connexeo.drivers.interface import StreamedResult, User
from connexeo.drivers.local.state import State
from connexeo.generated import load_processes
from connexeo.generated.errors import (
    OpenEOError,
    PredefinedProcessExists,
    ProcessGraphInvalid,
)
from connexeo.settings import BasicAccount, Federation, Settings, Upstream

ANN = User("ann")
STRANGER = User("bob")
IDS = ("alps", "coast")
BOTH = frozenset(IDS)
ENDPOINTS = frozenset({"POST /result", "POST /jobs", "POST /validation"})

Handler = Callable[[httpx.Request], httpx.Response]
Graph = dict[str, Any]


def add(x: Any = 1, y: Any = 2, *, result: bool = True, process_id: str = "add", **more: Any) -> Graph:
    return {"process_id": process_id, "arguments": {"x": x, "y": y, **more}, "result": result}


def process(**nodes: Graph) -> Graph:
    return {"process_graph": nodes}


SUM = process(a=add())


def load(collection: str, *, result: bool = False) -> Graph:
    arguments = {"id": collection, "spatial_extent": None, "temporal_extent": None}
    return {"process_id": "load_collection", "arguments": arguments, "result": result}


LOAD = process(a=load("peaks", result=True))


@dataclass
class FakeSnapshots:
    """Implements what is used of ``Snapshots``: ``peaks`` are at alps, ``waves`` at coast, all the rest at both."""

    states: dict[str, UpstreamState] = field(
        default_factory=lambda: {each: UpstreamState(each, online=True) for each in IDS}
    )
    endpoints: dict[str, frozenset[str]] = field(default_factory=lambda: dict.fromkeys(IDS, ENDPOINTS))
    late: dict[str, Any] = field(default_factory=dict)
    """Views that come while somebody waits."""

    def __post_init__(self) -> None:
        entries = {each["id"]: each for each in load_processes()}
        collections = {"peaks": ["alps"], "waves": ["coast"]}
        self.views: dict[str, Any] = {
            COLLECTIONS: CollectionsView(BOTH, tuple(collections), collections, {}),
            PROCESSES: EntriesView(BOTH, entries, dict.fromkeys(entries, IDS), {}),
            FILE_FORMATS: FormatsView(BOTH, {"input": {}, "output": {}}, {"input": {}, "output": {}}),
        }

    def view(self, kind: str) -> Any:
        if kind == CAPABILITIES:
            return CapabilitiesView(BOTH, {}, {}, self.endpoints)
        return self.views.get(kind)

    async def wait_for(self, kind: str, deadline: float) -> None:
        """Everything is known."""
        self.views |= self.late

    async def ask(self, function: Callable[[Any], Any]) -> Any:
        return {}


@dataclass
class Upstreams:
    """What back-ends answer, and what they were asked."""

    answers: dict[tuple[str, str], Handler] = field(default_factory=dict)
    """Back-end and path."""
    requests: list[tuple[str, str, Any, str | None]] = field(default_factory=list)
    """Back-end, path, body, and in whose name."""

    def answer(self, upstream: str, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/credentials/basic" and (upstream, path) not in self.answers:
            return httpx.Response(200, json={"access_token": f"{upstream}-token"})
        body = orjson.loads(request.content) if request.content else None
        if path != "/credentials/basic":
            self.requests.append((upstream, path, body, request.headers.get("authorization")))
        found = self.answers.get((upstream, path))
        return httpx.Response(200, json={"errors": []}) if found is None else found(request)

    def asked(self, path: str) -> list[str]:
        return [upstream for upstream, where, _, _ in self.requests if where == path]


@dataclass
class Front:
    processing: FederatedProcessing
    router: ProcessRouter
    stored: FederatedUserDefinedProcesses
    snapshots: FakeSnapshots
    upstreams: Upstreams
    load: Load

    async def validate(self, user: User | None = ANN, **given: Any) -> dict[str, Any]:
        validation = await self.processing.validate_custom_process(user, given)
        return {**validation.extra, "errors": list(validation.errors)}

    async def compute(
        self, process: Graph = SUM, user: User = ANN, **more: Any
    ) -> tuple[bytes, StreamedResult]:
        request = {"process": process, **more}
        result = await self.processing.compute_result(user, request, request_id="r")
        return b"".join([chunk async for chunk in result.chunks]), result


@asynccontextmanager
async def a_front(folder: Path) -> AsyncIterator[Front]:
    account = BasicAccount(username="us", password="secret")  # type: ignore[arg-type]
    federation = Federation(
        upstreams=tuple(
            Upstream(id=each, url=f"http://{each}.example", accounts={"ann": account}) for each in IDS
        ),
        deadline=0.5,
    )
    settings = Settings(data=folder, federation=federation)
    members = Members(Configuration(settings))
    upstreams, fake = Upstreams(), FakeSnapshots()
    snapshots: Any = fake
    for each in IDS:
        transport = httpx.MockTransport(lambda request, each=each: upstreams.answer(each, request))
        members.connection(each)._client = httpx.AsyncClient(transport=transport)
    state = State.from_settings(settings)
    await state.start()
    fanout = Fanout(members, snapshots)
    credentials = Credentials((), dict)
    definitions = MergedDefinitions(snapshots)
    finder = FederatedFinder(settings, state, definitions)
    checks = FederatedChecks(finder, definitions)
    load = Load()
    router = ProcessRouter(members, snapshots, credentials, finder, definitions, load)
    processing = FederatedProcessing(
        Asking(members, fanout, credentials),
        fanout,
        router,
        checks,
        snapshots,
        load,
        5.0,
    )
    stored = FederatedUserDefinedProcesses(
        state, definitions, finder, checks, router, snapshots, lambda: snapshots.wait_for(PROCESSES, 0.5)
    )
    try:
        yield Front(processing, router, stored, fake, upstreams, load)
    finally:
        await fanout.close()
        await members.stop()
        await state.stop()


@pytest.fixture
def with_front(tmp_path: Path) -> Callable[[Callable[[Front], Any]], Any]:
    """Runs a coroutine function with a front-end."""

    def run(function: Callable[[Front], Any]) -> Any:
        async def main() -> Any:
            async with a_front(tmp_path) as front:
                return await function(front)

        return asyncio.run(main())

    return run


Run = Callable[[Callable[[Front], Any]], Any]


def reply(status: int, **document: Any) -> Handler:
    return lambda request: httpx.Response(status, json=document)


def once(*answers: Handler) -> Handler:
    """One after the other."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        return left.pop(0)(request)

    return answer


def broken(error: Exception) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def test_anybody_may_validate(with_front: Run) -> None:
    async def check(front: Front) -> None:
        assert await front.validate(None, **SUM) == {
            "federation:backends": ["alps", "coast"],
            "federation:missing": [],
            "errors": [],
        }
        assert [authorization for *_, authorization in front.upstreams.requests] == [None, None]
        front.upstreams.requests.clear()
        await front.validate(ANN, **SUM)
        assert sorted(str(authorization) for *_, authorization in front.upstreams.requests) == [
            "Bearer basic//alps-token",
            "Bearer basic//coast-token",
        ]

    with_front(check)


def test_a_validation_says_why_each_back_end_refuses(with_front: Run) -> None:
    async def check(front: Front) -> None:
        said = {"code": "CollectionNotFound", "message": "melted"}
        front.upstreams.answers["alps", "/validation"] = reply(200, errors=[said])
        assert await front.validate(**LOAD) == {
            "federation:missing": [],
            "errors": [
                {"code": "CollectionNotFound", "message": "alps: melted"},
                {"code": "CollectionNotFound", "message": "coast: it has no collection 'peaks'."},
            ],
        }
        assert front.upstreams.asked("/validation") == ["alps"]

    with_front(check)


def test_who_does_not_answer_a_validation_is_missing(with_front: Run) -> None:
    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/validation"] = broken(httpx.ConnectError("no"))
        found = await front.validate(**SUM)
        assert (found["federation:backends"], found["federation:missing"]) == (["coast"], ["alps"])
        front.snapshots.states["coast"] = UpstreamState("coast", online=False, reason="gone")
        found = await front.validate(**SUM)
        assert found["federation:missing"] == ["alps", "coast"]
        assert "federation:backends" not in found
        assert [error["code"] for error in found["errors"]] == ["InfrastructureBusy", "InfrastructureBusy"]

    with_front(check)


@pytest.mark.parametrize("status", [401, 403, 404, 501])
def test_who_says_nothing_about_processes_is_judged_by_what_it_lists(with_front: Run, status: int) -> None:
    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/validation"] = reply(status, code="X", message="no")
        front.snapshots.endpoints["coast"] = frozenset()
        found = await front.validate(None, **SUM)
        assert found["federation:backends"] == ["alps", "coast"]
        wrong = await front.validate(None, **process(a=add("text")))
        assert "federation:backends" not in wrong
        assert wrong["errors"][0]["code"] == "ProcessParameterInvalid"

    with_front(check)


def test_what_two_back_ends_can_run_together_is_valid(with_front: Run) -> None:
    both = {
        "peaks": load("peaks"),
        "waves": load("waves"),
        "merged": {
            "process_id": "merge_cubes",
            "arguments": {"cube1": {"from_node": "peaks"}, "cube2": {"from_node": "waves"}},
        },
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "merged"}, "format": "GTiff"},
            "result": True,
        },
    }

    async def check(front: Front) -> None:
        having = {"GTiff": IDS}
        front.snapshots.views[FILE_FORMATS] = FormatsView(
            BOTH, {"input": {}, "output": {"GTiff": {}}}, {"input": {}, "output": having}
        )
        found = await front.validate(process_graph=both)
        assert found == {"federation:backends": ["alps", "coast"], "federation:missing": [], "errors": []}
        choice: dict[str, Any] = {"federation:backends": ["alps"]}
        found = await front.validate(process_graph=both, **choice)
        assert [error["message"].partition(":")[0] for error in found["errors"]] == ["alps", "coast"]
        with pytest.raises(OpenEOError, match=r"'waves'.*As a batch job it can be split among alps, coast"):
            await front.compute({"process_graph": both})

    with_front(check)


def test_what_is_no_graph_is_not_passed_on(with_front: Run) -> None:
    async def check(front: Front) -> None:
        for graph in ({}, {"a": add({"from_node": "b"})}, {"a": add(result=False)}):
            found = await front.validate(process_graph=graph)
            assert {error["code"] for error in found["errors"]} == {"ProcessGraphInvalid"}
            with pytest.raises(ProcessGraphInvalid):
                await front.compute({"process_graph": graph})
        assert front.upstreams.requests == []

    with_front(check)


def test_a_result_comes_as_the_back_end_sends_it(with_front: Run) -> None:
    headers = {
        "content-type": "image/tiff",
        "openeo-costs": "1.5",
        "openeo-identifier": "r-7",
        "link": '</logs/r-7>; rel="monitor", </x>; rel="other"',
        "set-cookie": "a=b",
    }

    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/result"] = lambda request: httpx.Response(
            200, content=b"pixels", headers=headers
        )
        content, result = await front.compute(LOAD, budget=3, title="T")
        assert content == b"pixels"
        assert (result.media_type, result.size, result.costs) == ("image/tiff", 6, 1.5)
        assert result.log_id == "alps~r-7"
        ((upstream, path, body, authorization),) = front.upstreams.requests
        assert (upstream, path, authorization) == ("alps", "/result", "Bearer basic//alps-token")
        assert body == {"process": LOAD, "budget": 3, "title": "T"}
        assert front.load.of("alps") == 0

    with_front(check)


@pytest.mark.parametrize(
    "handler",
    [
        broken(httpx.ConnectError("no")),
        broken(httpx.ConnectTimeout("no")),
        reply(503, code="InfrastructureBusy", message="later"),
        reply(429),
    ],
    ids=["refused", "unreachable", "busy", "too many"],
)
def test_what_has_not_begun_is_begun_elsewhere(with_front: Run, handler: Handler) -> None:
    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/result"] = handler
        await front.compute()
        assert front.upstreams.asked("/result") == ["alps", "coast"]
        front.upstreams.answers["coast", "/result"] = handler
        with pytest.raises(OpenEOError, match=r"alps: .*coast: ") as refused:
            await front.compute()
        assert refused.value.code == "InfrastructureBusy"

    with_front(check)


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (reply(500, code="Internal", message="oh"), "Internal"),
        (reply(502), "InfrastructureBusy"),
        (reply(504), "InfrastructureBusy"),
        (reply(400, code="ProcessParameterInvalid", message="oh"), "ProcessParameterInvalid"),
        (broken(httpx.ReadError("no")), "InfrastructureBusy"),
        (broken(httpx.RemoteProtocolError("no")), "InfrastructureBusy"),
        (broken(httpx.ReadTimeout("no")), "InfrastructureBusy"),
    ],
    ids=["fails", "gateway", "gateway timeout", "refuses", "breaks off", "says nothing", "too slow"],
)
def test_what_may_have_begun_is_not_begun_twice(with_front: Run, handler: Handler, code: str) -> None:
    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/result"] = handler
        with pytest.raises(OpenEOError, match="alps") as refused:
            await front.compute()
        assert refused.value.code == code
        assert front.upstreams.asked("/result") == ["alps"]
        assert front.load.of("alps") == 0

    with_front(check)


def test_who_is_offline_is_not_asked(with_front: Run) -> None:
    async def check(front: Front) -> None:
        front.snapshots.states["alps"] = UpstreamState("alps", online=False, reason="asleep")
        await front.compute()
        assert front.upstreams.asked("/result") == ["coast"]
        with pytest.raises(OpenEOError, match="asleep") as refused:
            await front.compute(LOAD)
        assert refused.value.code == "InfrastructureBusy"

    with_front(check)


def test_a_result_that_nobody_reads_to_the_end_is_no_load(with_front: Run) -> None:
    async def check(front: Front) -> None:
        result = await front.processing.compute_result(ANN, {"process": SUM}, request_id="r")
        assert front.load.of("alps") == 1
        chunks = result.chunks
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
        assert front.load.of("alps") == 0

    with_front(check)


@pytest.mark.parametrize(
    "choice",
    [
        {"federation:backends": ["coast"]},
        {"job_options": {"federation:backends": ["coast"]}},
        {"job_options": {"_agg_force_backend": "coast"}},
    ],
)
def test_a_choice_is_followed_and_not_passed_on(with_front: Run, choice: dict[str, Any]) -> None:
    async def check(front: Front) -> None:
        await front.compute(**choice)
        found = await front.validate(**SUM, **choice)
        assert (found["federation:backends"], found["federation:missing"]) == (["coast"], ["alps"])
        for operation in (None, "POST /result"):
            route = await front.router.route(ANN, {"process": SUM, **choice}, operation=operation)
            assert route.candidates == ["coast"]
            assert route.refusals == {"alps": "you have chosen others"}
        assert {upstream for upstream, *_ in front.upstreams.requests} == {"coast"}
        assert b"coast" not in orjson.dumps([body for _, _, body, _ in front.upstreams.requests])
        with pytest.raises(OpenEOError, match="it has no collection 'peaks'") as refused:
            await front.compute(LOAD, **choice)
        assert refused.value.code == "CollectionNotFound"

    with_front(check)


def test_a_choice_of_nobody_is_told(with_front: Run) -> None:
    async def check(front: Front) -> None:
        choice: dict[str, Any] = {"federation:backends": ["hills"]}
        with pytest.raises(OpenEOError, match="there are: alps, coast"):
            await front.compute(**choice)

    with_front(check)


def test_who_has_no_account_is_told(with_front: Run) -> None:
    async def check(front: Front) -> None:
        with pytest.raises(OpenEOError, match="alps: your account is not known there") as refused:
            await front.compute(user=STRANGER)
        assert refused.value.code == "PermissionsInsufficient"
        assert front.upstreams.requests == []

    with_front(check)


def test_stored_processes_are_put_in_the_places_of_their_calls(with_front: Run) -> None:
    stored = {
        "parameters": [{"name": "x", "description": "", "schema": {"type": "number"}}],
        **process(m=add({"from_parameter": "x"}, 10)),
    }
    call = process(n={"process_id": "inc", "arguments": {"x": 5}, "result": True})

    async def check(front: Front) -> None:
        await front.stored.store_custom_process(ANN, "inc", stored)
        found = await front.validate(**call)
        assert found["errors"] == []
        await front.compute(call)
        sent = process(n_m=add(5, 10))
        assert [body for _, path, body, _ in front.upstreams.requests] == [sent, sent, {"process": sent}]
        permission = await front.stored.share_custom_process(ANN, "inc")
        shared = process(
            n={**call["process_graph"]["n"], "namespace": f"https://x/shared/processes/{permission}"}
        )
        route = await front.router.route(ANN, {"process": shared})
        assert route.process == process(n_m={**add(5, 10), "namespace": "backend"})
        assert (await front.validate(None, **call))["errors"][0]["code"] == "ProcessUnsupported"

    with_front(check)


def test_what_lies_at_a_back_end_is_named_as_it_is_there(with_front: Run) -> None:
    def loading(job: Any) -> Graph:
        return process(a={"process_id": "load_result", "arguments": {"id": job}, "result": True})

    parameter = {"name": "job", "description": "", "schema": {"type": "string"}}

    async def check(front: Front) -> None:
        route = await front.router.route(ANN, {"process": loading("coast~j~2f1")})
        assert (route.candidates, route.process) == (["coast"], loading("j/1"))
        assert "'coast' only" in route.refusals["alps"]
        given = {**loading({"from_parameter": "job"}), "parameters": [{**parameter, "default": "coast~j1"}]}
        route = await front.router.route(ANN, {"process": given})
        assert route.candidates == ["coast"]
        assert route.process == {**given, "parameters": [{**parameter, "default": "j1"}]}
        with pytest.raises(OpenEOError, match="j1") as refused:
            await front.router.route(ANN, {"process": loading("j1")})
        assert refused.value.code == "JobNotFound"

    with_front(check)


def test_only_what_can_never_run_cannot_be_stored(with_front: Run) -> None:
    async def check(front: Front) -> None:
        with pytest.raises(PredefinedProcessExists):
            await front.stored.store_custom_process(ANN, "add", SUM)
        with pytest.raises(ProcessGraphInvalid):
            await front.stored.store_custom_process(ANN, "f", process(a=add({"from_node": "no"})))
        call = {"process_id": "f", "arguments": {}, "result": True}
        with pytest.raises(ProcessGraphInvalid, match="circle"):
            await front.stored.store_custom_process(ANN, "f", process(a=call))
        await front.stored.store_custom_process(ANN, "f", process(a=add(unheard_of=1)))

    with_front(check)


def test_predefined_processes_change_while_it_runs(with_front: Run) -> None:
    async def check(front: Front) -> None:
        await front.stored.store_custom_process(ANN, "later", SUM)
        view = front.snapshots.views[PROCESSES]
        entries = {**view.entries, "later": {"id": "later", "parameters": []}}
        front.snapshots.views[PROCESSES] = EntriesView(BOTH, entries, dict.fromkeys(entries, IDS), {})
        with pytest.raises(PredefinedProcessExists):
            await front.stored.store_custom_process(ANN, "later", SUM)
        call = process(n={"process_id": "later", "arguments": {}, "result": True})
        # What the user has stored before stays what the name means to them.
        assert (await front.router.route(ANN, {"process": call})).process == process(n_a=add())

    with_front(check)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://else.example/schema.json"},
        {"$ref": "#/nowhere"},
        {"type": "nonsense"},
        {"pattern": "("},
        {"type": {"a": 1}},
        {"anyOf": 5},
        [{"anyOf": [5]}],
        {"subtype": "process-graph", "parameters": 5},
    ],
)
def test_schemas_that_are_none_do_no_harm(with_front: Run, schema: Any) -> None:
    async def check(front: Front) -> None:
        view = front.snapshots.views[PROCESSES]
        odd = {"id": "odd", "parameters": [{"name": "x", "schema": schema}]}
        entries = {**view.entries, "odd": odd}
        front.snapshots.views[PROCESSES] = EntriesView(BOTH, entries, dict.fromkeys(entries, IDS), {})
        call = process(n={"process_id": "odd", "arguments": {"x": {"a": [1]}}, "result": True})
        front.snapshots.endpoints = dict.fromkeys(IDS, frozenset({"POST /result"}))
        found = await front.validate(**call)
        assert found["federation:backends"] == ["alps", "coast"]

    with_front(check)


def test_a_login_that_has_ended_is_made_again_without_the_user(with_front: Run) -> None:
    ended = reply(403, code="TokenInvalid", message="no")

    async def check(front: Front) -> None:
        front.upstreams.answers["alps", "/credentials/basic"] = once(
            *(reply(200, access_token=f"t{number}") for number in range(4))
        )
        front.upstreams.answers["alps", "/result"] = once(ended, reply(200))
        await front.compute(LOAD)
        front.upstreams.answers["alps", "/validation"] = once(ended, reply(200, errors=[]))
        assert (await front.validate(**LOAD))["federation:backends"] == ["alps"]
        assert [authorization for *_, authorization in front.upstreams.requests] == [
            "Bearer basic//t0",
            "Bearer basic//t1",
            "Bearer basic//t1",
            "Bearer basic//t2",
        ]
        front.upstreams.answers["alps", "/result"] = ended
        with pytest.raises(OpenEOError, match="alps") as refused:
            await front.compute(LOAD)
        assert refused.value.code == "TokenInvalid"
        assert front.load.of("alps") == 0

    with_front(check)


def test_right_after_the_start_storing_waits_for_what_back_ends_have(with_front: Run) -> None:
    async def check(front: Front) -> None:
        front.snapshots.late = {PROCESSES: front.snapshots.views.pop(PROCESSES)}
        with pytest.raises(PredefinedProcessExists):
            await front.stored.store_custom_process(ANN, "add", SUM)

    with_front(check)
