"""Behaviours 21 and 22: who runs a process, why the others do not, and whom users may choose.

All that the back-ends really receive is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from connexeo.generated import load_processes
from fake_driver import make_collection
from federation.fake_upstream import FakeUpstream, make_job, make_service
from federation.harness import BASIC, PASSWORD, FrontEnd, StartFrontEnd

Json = dict[str, Any]

FORCE = "federation:backends"
NAMES = ("alps", "coast", "delta")
OPERATIONS = ("/jobs", "/result", "/services", "/validation")

_STANDARD = ("load_collection", "load_stac", "load_result", "save_result", "add", "ndvi", "apply", "run_udf")
_LEAST = {"description": "Only here.", "returns": {"schema": {}}}


def processes(*, sharper: bool) -> list[Json]:
    """The same for all, but for a parameter of ``ndvi``."""
    found = [each for each in load_processes() if each["id"] in _STANDARD]
    extra = {"name": "sharper", "description": "More.", "schema": {}, "optional": True}
    return [
        {**each, "parameters": [*each["parameters"], extra]} if sharper and each["id"] == "ndvi" else each
        for each in found
    ]


def formats(**options: list[str]) -> Json:
    """Formats to write, with options."""
    return {
        "input": {},
        "output": {
            name: {
                "gis_data_types": ["raster"],
                "parameters": {option: {"type": "boolean", "description": "-"} for option in each},
            }
            for name, each in options.items()
        },
    }


def language(*versions: str) -> Json:
    return {
        "type": "language",
        "default": versions[0],
        "versions": {version: {"libraries": {}} for version in versions},
    }


@dataclass
class Federation:
    """Three back-ends of which each can do something that the others cannot."""

    front: FrontEnd
    fakes: dict[str, FakeUpstream]
    token: str

    def send(self, path: str, process: Json, method: str = "POST", **around: Any) -> httpx.Response:
        """A request with a process."""
        body = {**process, **around} if path == "/validation" else {"process": process, **around}
        if path == "/services":
            body = {"type": "XYZ", **body}
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.request(method, f"{self.front.url}{path}", headers=headers, json=body, timeout=60)

    def received(self, name: str) -> list[tuple[str, str]]:
        """What one of them was asked to do, once; then it is forgotten."""
        found = list(self.fakes[name].sent)
        self.fakes[name].sent.clear()
        return found

    def forget(self) -> None:
        """Begin anew."""
        for each in self.fakes.values():
            each.sent.clear()
            each.bodies.clear()


@pytest.fixture(scope="module")
def lasting(start_lasting_front_end: StartFrontEnd, token_of: Callable[..., str]) -> Iterator[Federation]:
    common: Json = {"jobs": {None: [make_job("j1"), make_job("made")]}}
    common["services"] = [make_service("made")]
    common["service_types"] = {"XYZ": {"configuration": {}, "process_parameters": []}}
    with ExitStack() as stack:
        alps = FakeUpstream(
            name="alps",
            collections=[make_collection("PEAKS"), make_collection("BOTH")],
            processes=[*processes(sharper=False), {"id": "climb", "parameters": [], **_LEAST}],
            formats=formats(GeoTIFF=["tiled"], PNG=[]),
            runtimes={"Python": language("3.11")},
            **common,
        )
        coast = FakeUpstream(
            name="coast",
            collections=[make_collection("WAVES"), make_collection("BOTH")],
            processes=[*processes(sharper=True), {"id": "swim", "parameters": [], **_LEAST}],
            formats=formats(GeoTIFF=[], NetCDF=[]),
            runtimes={"Python": language("3.12", "3.11"), "R": language("4")},
            **common,
        )
        delta = FakeUpstream(
            name="delta",
            collections=[make_collection("REEDS")],
            processes=processes(sharper=False),
            formats=formats(GeoTIFF=[]),
            **common,
        )
        fakes = {each.name: each for each in (alps, coast, delta)}
        for each in fakes.values():
            stack.callback(each.close)
        front = start_lasting_front_end(
            [{"id": each.name, "url": each.url, **BASIC} for each in fakes.values()],
            users=["ana"],
            deadline=10.0,
            request_timeout=20.0,
            split_jobs=False,
        )
        yield Federation(front, fakes, token_of(front.server, "ana", PASSWORD))


@pytest.fixture
def federation(lasting: Federation) -> Federation:
    lasting.forget()
    return lasting


def node(process_id: str, **arguments: Any) -> Json:
    return {"process_id": process_id, "arguments": arguments}


def load(collection: Any, **arguments: Any) -> Json:
    return node("load_collection", id=collection, spatial_extent=None, temporal_extent=None, **arguments)


def chain(*nodes: Json) -> Json:
    """Nodes of which each takes what the one before gives."""
    graph: Json = {}
    for number, each in enumerate(nodes):
        arguments = each["arguments"]
        data = {"data": {"from_node": f"n{number - 1}"}} if number else {}
        graph[f"n{number}"] = {**each, "arguments": {**data, **arguments}}
    graph[f"n{len(nodes) - 1}"]["result"] = True
    return {"process_graph": graph}


def save(format_: Any = "GeoTIFF", **options: Any) -> Json:
    return node("save_result", format=format_, options=options)


def inside(*nodes: Json) -> Json:
    """A node that has others in its callback."""
    callback = chain(*nodes)
    del callback["process_graph"]["n0"]["arguments"]
    callback["process_graph"]["n0"]["arguments"] = {
        "data": {"from_parameter": "x"},
        **nodes[0]["arguments"],
    }
    return node("apply", process=callback)


def udf(runtime: str, version: str | None = None) -> Json:
    return node("run_udf", udf="pass\n", runtime=runtime, version=version)


def bare(process_id: str) -> Json:
    """A call without arguments, also where others hand something on."""
    return {"process_id": process_id, "arguments": {"data": None}}


def with_parameter(name: str, default: Any, process: Json) -> Json:
    parameter = {"name": name, "description": "-", "schema": {}, "optional": True, "default": default}
    return {**process, "parameters": [parameter]}


RESULTS = "RESULTS OF {}"
"""Stands for the address of results of a job at a back-end; the front-end's for ``here``."""

CASES: dict[str, tuple[Json, set[str], dict[str, str]]] = {
    "collection": (
        chain(load("PEAKS"), save()),
        {"alps"},
        {"coast": "it has no collection 'PEAKS'", "delta": "it has no collection 'PEAKS'"},
    ),
    "collection of two": (
        chain(load("BOTH"), save()),
        {"alps", "coast"},
        {"delta": "it has no collection 'BOTH'"},
    ),
    "collection in a callback": (
        chain(load("BOTH"), inside(load("WAVES")), save()),
        {"coast"},
        {"alps": "it has no collection 'WAVES'", "delta": "'BOTH', it has no collection 'WAVES'"},
    ),
    "process in a callback of a callback": (
        chain(load("BOTH"), inside(inside(bare("climb"))), save()),
        {"alps"},
        {"coast": "it has no process 'climb'", "delta": "it has no process 'climb'"},
    ),
    "collection by a parameter": (
        with_parameter("which", "WAVES", chain(load({"from_parameter": "which"}), save())),
        {"coast"},
        {"alps": "it has no collection 'WAVES'"},
    ),
    "format by a parameter": (
        with_parameter("as", "netcdf", chain(load("BOTH"), save({"from_parameter": "as"}))),
        {"coast"},
        {"alps": "it does not write the format 'NetCDF'"},
    ),
    "parameter of a process": (
        chain(load("BOTH"), node("ndvi", sharper=True), save()),
        {"coast"},
        {"alps": "its process 'ndvi' has no parameter 'sharper'"},
    ),
    "format": (
        chain(load("BOTH"), save("png")),
        {"alps"},
        {"coast": "it does not write the format 'PNG'", "delta": "it does not write the format 'PNG'"},
    ),
    "one of two formats in one graph": (
        {
            "process_graph": {
                "l": load("BOTH"),
                "a": node("save_result", data={"from_node": "l"}, format="GeoTIFF"),
                "b": {**node("save_result", data={"from_node": "l"}, format="NetCDF"), "result": True},
            }
        },
        {"coast"},
        {"alps": "it does not write the format 'NetCDF'"},
    ),
    "option of a format": (
        chain(load("BOTH"), save("GTIFF".replace("GT", "GeoT"), tiled=True)),
        {"alps"},
        {"coast": "its format 'GeoTIFF' has no option 'tiled'"},
    ),
    "runtime": (
        chain(load("BOTH"), udf("R"), save()),
        {"coast"},
        {"alps": "it has no UDF runtime 'R'", "delta": "it has no UDF runtime 'R'"},
    ),
    "version of a runtime in a callback": (
        chain(load("BOTH"), inside(udf("Python", "3.12")), save()),
        {"coast"},
        {"alps": "its UDF runtime 'Python' has no version '3.12'"},
    ),
    "results of a job, by identifier": (
        chain(node("load_result", id="alps~j1"), save()),
        {"alps"},
        {"coast": "the results of the job 'alps~j1' can be read at 'alps' only"},
    ),
    "results of a job, by our address": (
        chain(node("load_stac", url=RESULTS.format("here")), save()),
        {"coast"},
        {"alps": "can be read at 'coast' only", "delta": "can be read at 'coast' only"},
    ),
    "results of a job, by the back-end's address": (
        chain(node("load_stac", url=RESULTS.format("delta")), save()),
        {"delta"},
        {"alps": "can be read at 'delta' only"},
    ),
    "stored process": (
        chain(node("stored_peaks"), save()),
        {"alps"},
        {"coast": "it has no collection 'PEAKS'"},
    ),
    "stored process with an argument": (
        chain(node("stored_load", which="WAVES"), save()),
        {"coast"},
        {"alps": "it has no collection 'WAVES'", "delta": "it has no collection 'WAVES'"},
    ),
    "stored process in a stored process in a callback": (
        chain(load("BOTH"), inside(bare("stored_swimming")), save()),
        {"coast"},
        {"alps": "it has no process 'swim'"},
    ),
    "nobody": (
        chain(load("PEAKS"), inside(bare("swim")), save("NetCDF")),
        set(),
        {
            "alps": "it has no process 'swim', it does not write the format 'NetCDF'",
            "coast": "it has no collection 'PEAKS'",
            "delta": "it has no collection 'PEAKS'",
        },
    ),
}
"""What is needed → the process, who can run it, and what the others lack."""

STORED = {
    "stored_peaks": chain(load("PEAKS")),
    "stored_load": {
        **chain(load({"from_parameter": "which"})),
        "parameters": [{"name": "which", "description": "-", "schema": {}}],
    },
    "stored_swimming": chain(node("stored_inner")),
    "stored_inner": chain(node("swim")),
}


@pytest.fixture(scope="module")
def stored(lasting: Federation) -> None:
    """Stored processes at the front-end."""
    headers = {"authorization": f"Bearer {lasting.token}"}
    for name in ("stored_peaks", "stored_load", "stored_inner", "stored_swimming"):
        url = f"{lasting.front.url}/process_graphs/{name}"
        httpx.put(url, json=STORED[name], headers=headers, timeout=30).raise_for_status()


def addressed(federation: Federation, process: Json) -> Json:
    """With real addresses of results."""
    text = json.dumps(process).replace(
        RESULTS.format("here"), f"{federation.front.url}/jobs/coast~j1/results"
    )
    for name, fake in federation.fakes.items():
        text = text.replace(RESULTS.format(name), f"{fake.url}/jobs/j1/results")
    found: Json = json.loads(text)
    return found


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("case", CASES)
def test_21_a_process_goes_to_who_has_all_that_it_needs(federation: Federation, path: str, case: str) -> None:
    process, able, lacks = CASES[case]
    answer = federation.send(path, addressed(federation, process))
    if path == "/validation":
        assert answer.status_code == 200, answer.text
        assert set(answer.json().get(FORCE, ())) == able
        told = " ".join(each["message"] for each in answer.json()["errors"])
        assert bool(told) == (not able)
    elif able:
        assert answer.status_code in (200, 201), answer.text
        (who,) = [name for name in NAMES if ("POST", path) in federation.received(name)]
        assert who in able
        if path != "/result":
            assert answer.headers["openeo-identifier"] == f"{who}~made"
        (body,) = federation.fakes[who].bodies
        # What only the front-end knows is not passed on.
        assert b"stored_" not in body
        assert b"coast~j1" not in body
        assert b"alps~j1" not in body
        told = ""
    else:
        assert 400 <= answer.status_code < 500, answer.text
        told = answer.json()["message"]
    if not able:
        assert not any(federation.received(name) for name in NAMES)
        check_reasons(told, lacks)
    elif path == "/validation":
        # Whoever is chosen all the same says why it cannot.
        for name, reason in lacks.items():
            refused = federation.send(path, addressed(federation, process), **choice(name))
            said = " ".join(each["message"] for each in refused.json()["errors"])
            check_reasons(said, {name: reason, **dict.fromkeys({*NAMES} - {name}, "you have chosen others")})


def check_reasons(told: str, lacks: Json) -> None:
    """Each of the back-ends is named with its own reason."""
    for name, reason in lacks.items():
        assert f"{name}: " in told
        own = told.partition(f"{name}: ")[2]
        for other in NAMES:
            own = own.partition(f"{other}: ")[0]
        assert reason in own, told


def choice(name: str) -> Json:
    """The usual way to choose a back-end."""
    return {FORCE: [name]}


WAYS: list[Callable[[str], Json]] = [
    choice,
    lambda name: {"job_options": {FORCE: [name], "memory": "2g"}},
    lambda name: {"job_options": {"_agg_force_backend": name, "memory": "2g"}},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", OPERATIONS)
def test_22_who_is_chosen_gets_it_and_does_not_hear_of_it(
    federation: Federation, path: str, way: Callable[[str], Json]
) -> None:
    process = chain(load("BOTH"), save())
    for name in ("alps", "coast"):
        answer = federation.send(path, process, **way(name))
        assert answer.status_code in (200, 201), answer.text
        assert {each for each in NAMES if federation.received(each)} == {name}
        if path == "/validation":
            assert answer.json()[FORCE] == [name]
    sent = [json.loads(body) for fake in federation.fakes.values() for body in fake.bodies]
    assert len(sent) == 2
    for body in sent:
        assert FORCE not in json.dumps(body)
        assert "_agg_force_backend" not in json.dumps(body)
        if "job_options" in way("x") and path != "/validation":
            assert body["job_options"] == {"memory": "2g"}


@pytest.mark.parametrize("path", OPERATIONS)
def test_22_who_is_chosen_and_cannot_says_why(federation: Federation, path: str) -> None:
    process = chain(load("PEAKS"), inside(bare("swim")), save())
    answer = federation.send(path, process, **choice("coast"))
    if path == "/validation":
        assert FORCE not in answer.json()
        told = " ".join(each["message"] for each in answer.json()["errors"])
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, "CollectionNotFound"), answer.text
        told = answer.json()["message"]
    chosen = "it has no collection 'PEAKS'"
    others = "you have chosen others"
    check_reasons(told, {"coast": chosen, "alps": others, "delta": others})
    assert not any(federation.received(name) for name in NAMES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", OPERATIONS)
def test_22_who_is_no_back_end_cannot_be_chosen(
    federation: Federation, path: str, way: Callable[[str], Json]
) -> None:
    answer = federation.send(path, chain(load("BOTH"), save()), **way("nowhere"))
    if path == "/validation":
        assert answer.status_code == 200
        (error,) = answer.json()["errors"]
        assert FORCE not in answer.json()
    else:
        assert answer.status_code == 400
        error = answer.json()
    assert "'nowhere', which is no back-end here; there are: alps, coast, delta" in error["message"]
    assert not any(federation.received(name) for name in NAMES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["/jobs", "/services"])
def test_22_what_is_at_a_back_end_stays_there(
    federation: Federation, path: str, way: Callable[[str], Json]
) -> None:
    there, process = f"{path}/coast~made", chain(load("BOTH"), save())
    changed = federation.send(there, process, "PATCH", **way("coast"))
    assert changed.status_code == 204, changed.text
    assert federation.received("coast") == [("PATCH", f"{path}/made")]
    (body,) = federation.fakes["coast"].bodies
    assert b"federation:" not in body
    assert b"_agg_force_backend" not in body
    for name, reason in (
        ("alps", "names alps, but this is at 'coast', and cannot be moved"),
        ("nowhere", "'nowhere', which is no back-end here"),
    ):
        for given in ({"title": "T"}, {"process": process}):
            headers = {"authorization": f"Bearer {federation.token}"}
            body_ = {**given, **way(name)}
            url = f"{federation.front.url}{there}"
            answer = httpx.patch(url, json=body_, headers=headers, timeout=30)
            assert answer.status_code == 400, answer.text
            assert reason in answer.json()["message"]
    cannot = federation.send(there, chain(load("PEAKS"), save()), "PATCH")
    assert 400 <= cannot.status_code < 500
    assert "coast: it has no collection 'PEAKS'" in cannot.json()["message"]
    assert not any(federation.received(name) for name in NAMES)


def test_a_stored_process_says_where_it_can_run(federation: Federation, stored: None) -> None:
    for name, able in (
        ("stored_peaks", ["alps"]),
        ("stored_swimming", ["coast"]),
        ("stored_load", list(NAMES)),
    ):
        found = federation.front.get(f"/process_graphs/{name}", federation.token).json()
        assert found[FORCE] == able
        assert found["process_graph"] == STORED[name]["process_graph"]
