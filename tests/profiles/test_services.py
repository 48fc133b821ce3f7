"""Requirements of secondary services: their types, their metadata, what they show."""

from __future__ import annotations

import io
import math
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

from profiles.api import Api, body, denied, link, pages, refused
from profiles.graphs import BOX, FAULTY, Graph, load, ndvi, node, of, with_result
from profiles.jobs import Job
from profiles.requirement import requirement

ONE = "/services/{service_id}"
LOGS = "/services/{service_id}/logs"
PROPERTIES: dict[str, Any] = {"title": "Green", "description": "How *green* it is."}
STYLE: dict[str, Any] = {"colormap": "rdylgn", "min": -0.2, "max": 0.9}
ZOOM = 14


def picture() -> Graph:
    """A vegetation index, as it is shown on maps."""
    reduced = node(
        "reduce_dimension",
        data=of("ndvi"),
        dimension="t",
        reducer={"process_graph": with_result({"m": node("mean", data={"from_parameter": "data"})})},
    )
    graph = {"load": load(spatial_extent=None), "ndvi": node("ndvi", data=of("load")), "mean": reduced}
    # Within a minute, a service logs the same words only once.
    for level in ("warning", "info", "debug"):
        last, said = list(graph)[-1], {"message": f"a tile, as {level}", "level": level, "code": "Tile"}
        graph[level] = node("inspect", data=of(last), **said)
    return with_result(graph)


def store(client: httpx.Client, graph: Graph | None = None, **properties: Any) -> str:
    """Identifier of a new service."""
    given = {
        "type": "XYZ",
        "process": {"process_graph": graph or picture()},
        "configuration": STYLE,
        **properties,
    }
    answer = client.post("/services", json=given)
    assert answer.status_code == 201, answer.text
    return answer.headers["openeo-identifier"]


def describe(client: httpx.Client, service_id: str) -> Any:
    return body(client.get(f"/services/{service_id}"), ONE)


def tile_at(zoom: int) -> tuple[int, int]:
    """Column and row of the tile that has the middle of the box."""
    transformer = Transformer.from_crs(BOX["crs"], 4326, always_xy=True)
    lon, lat = transformer.transform((BOX["west"] + BOX["east"]) / 2, (BOX["south"] + BOX["north"]) / 2)
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


def draw(described: Any, client: httpx.Client, zoom: int = ZOOM) -> httpx.Response:
    """The tile with the middle of the box, or another one of that zoom level."""
    x, y = tile_at(zoom)
    return client.get(
        described["url"].replace("{z}", str(zoom)).replace("{x}", str(x)).replace("{y}", str(y))
    )


def pixels(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image.convert("RGBA"))


@pytest.fixture(scope="module")
def types(anonymous: httpx.Client) -> Any:
    return body(anonymous.get("/service_types"), "/service_types")


@pytest.fixture(scope="module")
def keeper(api: Api) -> httpx.Client:
    """A user with five services, of which one says all of itself."""
    client = api.user()
    store(client, **PROPERTIES, plan="paid", budget=1000, log_level="debug", river={"name": "Lech"})
    for _ in range(4):
        store(client)
    return client


@pytest.fixture(scope="module")
def listed(keeper: httpx.Client) -> Any:
    return body(keeper.get("/services"), "/services")


@pytest.fixture(scope="module")
def full(keeper: httpx.Client, listed: Any) -> Any:
    """The service that says all of itself, after somebody looked at it."""
    (entry,) = (each for each in listed["services"] if each.get("title"))
    described = describe(keeper, entry["id"])
    assert draw(described, keeper).status_code == 200
    return describe(keeper, entry["id"])


@requirement(600)
def test_types(types: Any) -> None:
    assert {"XYZ", "WMTS"} <= types.keys()


@requirement(603)
def test_types_tell_of_configurations(types: Any) -> None:
    for name, each in types.items():
        assert each["configuration"], name
        for parameter, schema in each["configuration"].items():
            assert {"type", "anyOf", "oneOf", "enum"} & schema.keys(), f"{name}, {parameter}"
        assert "spatial_extent" in {parameter["name"] for parameter in each["process_parameters"]}


@requirement(604)
def test_types_have_titles_and_descriptions(types: Any) -> None:
    for name, each in types.items():
        assert each["title"], name
        assert len(each["description"]) > 10, name


@requirement(610)
def test_list_for_users(listed: Any, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.get("/services"))
    assert len(listed["services"]) == 5
    assert api.user().get("/services").json()["services"] == []


@requirement(611)
def test_list(listed: Any) -> None:
    assert isinstance(listed["services"], list)
    assert isinstance(listed["links"], list)


@requirement(612)
def test_pages(keeper: httpx.Client, listed: Any) -> None:
    first = body(keeper.get("/services?limit=2"), "/services")
    assert len(first["services"]) == 2
    assert link(first, "next") is not None
    for limit in (1, 2, 5):
        assert pages(keeper, "/services", "services", limit) == listed["services"]


@requirement(613)
def test_all_without_limit(listed: Any) -> None:
    assert link(listed, "next") is None
    assert len({each["id"] for each in listed["services"]}) == 5


@requirement(614)
def test_entries(listed: Any, api: Api) -> None:
    for each in listed["services"]:
        assert (each["type"], each["enabled"]) == ("XYZ", True)
        assert each["url"].startswith(api.url)
        assert each["id"] in each["url"]
        assert not {"process", "configuration", "attributes"} & each.keys()


@requirement(615)
def test_titles_are_listed(listed: Any) -> None:
    assert [each["title"] for each in listed["services"] if each.get("title")] == [PROPERTIES["title"]]


@requirement(616)
def test_computed_on_demand(full: Any, anonymous: httpx.Client, user: httpx.Client) -> None:
    shown = pixels(draw(full, anonymous))
    assert shown.shape == (256, 256, 4)
    assert (shown[..., 3] == 255).all()
    assert shown[..., :3].std() > 5, "a landscape is not of one colour"
    assert not np.array_equal(shown, pixels(draw(full, anonymous, ZOOM - 1)))
    elsewhere = anonymous.get(full["url"].replace("{z}", "14").replace("{x}", "0").replace("{y}", "0"))
    assert (pixels(elsewhere)[..., 3] == 0).all()
    wmts = describe(user, store(user, type="WMTS"))
    document = anonymous.get(wmts["attributes"]["capabilities"])
    assert document.status_code == 200
    assert "WebMercatorQuad" in document.text


@requirement(617)
def test_results_of_jobs(finished: Job, anonymous: httpx.Client) -> None:
    graph = with_result({"load": node("load_result", id=finished.id)})
    described = describe(finished.client, store(finished.client, graph))
    shown = pixels(draw(described, anonymous))
    visible = shown[..., 3] > 0
    # The job has computed the box, which is a part of the tile.
    assert 0 < visible.sum() < visible.size
    assert shown[visible][:, :3].std() > 5


@requirement(630)
def test_create(user: httpx.Client, anonymous: httpx.Client) -> None:
    given = {"type": "XYZ", "process": {"process_graph": picture()}}
    denied(anonymous.post("/services", json=given))
    service_id = store(user)
    assert service_id in {each["id"] for each in user.get("/services").json()["services"]}


@requirement(631)
def test_faulty_processes(user: httpx.Client) -> None:
    before = user.get("/services").json()["services"]
    for name, (graph, code) in FAULTY.items():
        given = {"type": "XYZ", "process": {"process_graph": graph}}
        assert refused(user.post("/services", json=given), 400, code), name
    refused(user.post("/services", json={"type": "XYZ"}), 400, "ProcessGraphMissing")
    assert user.get("/services").json()["services"] == before


WRONG_CONFIGURATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"shine": 1}, "ServiceConfigUnsupported"),
    "of another type": ({"tile_size": "large"}, "ServiceConfigInvalid"),
    "out of range": ({"max_zoom": 99}, "ServiceConfigInvalid"),
    "none of the values": ({"format": "tiff"}, "ServiceConfigInvalid"),
}


@requirement(632)
def test_configuration(user: httpx.Client) -> None:
    configuration = {**STYLE, "tile_size": 512}
    described = describe(user, store(user, configuration=configuration))
    assert {key: described["configuration"][key] for key in configuration} == configuration
    assert pixels(draw(described, user)).shape == (512, 512, 4)
    for name, (wrong, code) in WRONG_CONFIGURATIONS.items():
        given = {"type": "XYZ", "process": {"process_graph": picture()}, "configuration": wrong}
        assert refused(user.post("/services", json=given), 400, code), name


@requirement(633)
def test_type(user: httpx.Client) -> None:
    for name, known in (("xyz", "XYZ"), ("Wmts", "WMTS")):
        assert describe(user, store(user, type=name))["type"] == known
    given = {"type": "gopher", "process": {"process_graph": picture()}}
    refused(user.post("/services", json=given), 400, "ServiceUnsupported")


@requirement(634)
def test_billing(user: httpx.Client) -> None:
    described = describe(user, store(user, plan="PAID", budget=12.5))
    assert (described["plan"], described["budget"]) == ("paid", 12.5)
    assert describe(user, store(user))["plan"] == "free"
    given = {"type": "XYZ", "process": {"process_graph": picture()}}
    refused(user.post("/services", json={**given, "plan": "golden"}), 400, "BillingPlanInvalid")
    refused(user.post("/services", json={**given, "budget": 0}), 400, "BudgetInvalid")


def logs(client: httpx.Client, service_id: str, **query: Any) -> list[Any]:
    return list(body(client.get(f"/services/{service_id}/logs", params=query), LOGS)["logs"])


@requirement(635)
def test_log_level(user: httpx.Client) -> None:
    quiet = store(user, log_level="error")
    described = describe(user, quiet)
    assert described["log_level"] == "error"
    assert draw(described, user).status_code == 200
    assert logs(user, quiet) == []
    given = {"type": "XYZ", "process": {"process_graph": picture()}, "log_level": "loud"}
    refused(user.post("/services", json=given), 400, "RequestInvalid")


@requirement(636)
def test_what_is_kept(user: httpx.Client) -> None:
    described = describe(user, store(user, **PROPERTIES, enabled=False))
    assert {key: described[key] for key in PROPERTIES} == PROPERTIES
    assert described["enabled"] is False
    assert describe(user, store(user))["enabled"] is True
    refused(draw(described, user), 403, "ServiceDisabled")


@requirement(637)
def test_further_properties_are_taken(user: httpx.Client) -> None:
    given = {"type": "XYZ", "process": {"process_graph": picture()}, "river": {"name": "Lech"}, "none": None}
    assert user.post("/services", json=given).status_code == 201


@requirement(638)
def test_answer_to_create(user: httpx.Client, api: Api) -> None:
    answer = user.post("/services", json={"type": "XYZ", "process": {"process_graph": picture()}})
    assert answer.status_code == 201
    assert answer.content == b""
    service_id = answer.headers["openeo-identifier"]
    assert answer.headers["location"] == f"{api.url}/services/{service_id}"
    assert body(user.get(answer.headers["location"]), ONE)["id"] == service_id


@requirement(650)
def test_described_for_users(full: Any, keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    path = f"/services/{full['id']}"
    body(keeper.get(path), ONE)
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "ServiceNotFound")
    refused(keeper.get("/services/nothing"), 404, "ServiceNotFound")


@requirement(651)
def test_description(full: Any) -> None:
    assert {"id", "url", "type", "enabled", "process", "configuration", "attributes"} <= full.keys()
    assert full["process"] == {"process_graph": picture()}
    assert {key: full["configuration"][key] for key in STYLE} == STYLE
    assert full["attributes"]


@requirement(652)
def test_title_and_description(full: Any) -> None:
    assert {key: full[key] for key in PROPERTIES} == PROPERTIES


@requirement(653)
def test_costs_and_usage(full: Any) -> None:
    assert (full["plan"], full["budget"]) == ("paid", 1000)
    assert 0 < full["costs"] < 1000
    assert full["usage"]["cpu"]["value"] > 0
    assert all(metric["unit"] for metric in full["usage"].values())


@requirement(654)
def test_further_properties_are_reflected(full: Any, user: httpx.Client) -> None:
    assert full["river"] == {"name": "Lech"}
    service_id = store(user, river={"name": "Lech"})
    assert user.patch(f"/services/{service_id}", json={"river": "Inn", "sea": 1}).status_code == 204
    described = describe(user, service_id)
    assert (described["river"], described["sea"]) == ("Inn", 1)


@requirement(660)
def test_update_for_users(full: Any, keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    path = f"/services/{full['id']}"
    change = {"lake": 1}
    denied(anonymous.patch(path, json=change))
    refused(api.user().patch(path, json=change), 404, "ServiceNotFound")
    answer = keeper.patch(path, json=change)
    assert (answer.status_code, answer.content) == (204, b"")


@requirement(661)
def test_update_of_the_process(user: httpx.Client) -> None:
    service_id = store(user)
    before = pixels(draw(describe(user, service_id), user))
    changed = picture()
    changed["load"]["arguments"]["temporal_extent"] = ["2024-12-01", "2025-01-01"]
    answer = user.patch(f"/services/{service_id}", json={"process": {"process_graph": changed}})
    assert answer.status_code == 204, answer.text
    described = describe(user, service_id)
    assert described["process"] == {"process_graph": changed}
    assert not np.array_equal(pixels(draw(described, user)), before)
    for name, (graph, code) in FAULTY.items():
        wrong = {"process": {"process_graph": graph}}
        assert refused(user.patch(f"/services/{service_id}", json=wrong), 400, code), name


@requirement(662)
def test_update_of_the_configuration(user: httpx.Client) -> None:
    service_id = store(user)
    configuration = {**STYLE, "tile_size": 512}
    answer = user.patch(f"/services/{service_id}", json={"configuration": configuration})
    assert answer.status_code == 204, answer.text
    described = describe(user, service_id)
    assert described["configuration"]["tile_size"] == 512
    assert pixels(draw(described, user)).shape == (512, 512, 4)


@requirement(663)
@pytest.mark.parametrize("name", WRONG_CONFIGURATIONS)
def test_update_with_a_wrong_configuration(name: str, user: httpx.Client) -> None:
    wrong, code = WRONG_CONFIGURATIONS[name]
    service_id = store(user)
    before = describe(user, service_id)
    refused(user.patch(f"/services/{service_id}", json={"configuration": wrong}), 400, code)
    assert describe(user, service_id) == before


@requirement(664)
def test_update_of_the_type(user: httpx.Client) -> None:
    """The API has no such change: whoever wants another type creates another service."""
    service_id = store(user)
    for name in ("WMTS", "gopher"):
        refused(user.patch(f"/services/{service_id}", json={"type": name}), 400, "PropertyNotEditable")
    assert describe(user, service_id)["type"] == "XYZ"


@requirement(665)
def test_update_of_billing(user: httpx.Client) -> None:
    service_id = store(user)
    path = f"/services/{service_id}"
    assert user.patch(path, json={"plan": "paid", "budget": 7}).status_code == 204
    described = describe(user, service_id)
    assert (described["plan"], described["budget"]) == ("paid", 7)
    refused(user.patch(path, json={"plan": "golden"}), 400, "BillingPlanInvalid")
    refused(user.patch(path, json={"budget": 0}), 400, "BudgetInvalid")


@requirement(666)
def test_update_of_the_log_level(user: httpx.Client) -> None:
    service_id = store(user, log_level="error")
    assert user.patch(f"/services/{service_id}", json={"log_level": "warning"}).status_code == 204
    described = describe(user, service_id)
    assert described["log_level"] == "warning"
    assert draw(described, user).status_code == 200
    assert {entry["level"] for entry in logs(user, service_id)} == {"warning"}


@requirement(667)
def test_off_and_on(user: httpx.Client) -> None:
    service_id = store(user)
    path = f"/services/{service_id}"
    assert draw(describe(user, service_id), user).status_code == 200
    assert user.patch(path, json={"enabled": False}).status_code == 204
    described = describe(user, service_id)
    assert described["enabled"] is False
    refused(draw(described, user), 403, "ServiceDisabled")
    assert user.patch(path, json={"enabled": True}).status_code == 204
    assert draw(describe(user, service_id), user).status_code == 200


@requirement(668)
def test_update_of_title_and_description(user: httpx.Client) -> None:
    service_id = store(user, **PROPERTIES)
    assert user.patch(f"/services/{service_id}", json={"title": "Greener"}).status_code == 204
    described = describe(user, service_id)
    assert (described["title"], described["description"]) == ("Greener", PROPERTIES["description"])


@requirement(669)
def test_update_takes_further_properties(user: httpx.Client) -> None:
    service_id = store(user)
    assert user.patch(f"/services/{service_id}", json={"lake": {"depth": 12}}).status_code == 204
    assert describe(user, service_id)["lake"] == {"depth": 12}


@requirement(680)
def test_delete_for_users(full: Any, keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    denied(anonymous.delete(f"/services/{full['id']}"))
    refused(api.user().delete(f"/services/{full['id']}"), 404, "ServiceNotFound")
    assert keeper.get(f"/services/{full['id']}").status_code == 200


@requirement(681)
def test_delete(user: httpx.Client) -> None:
    service_id = store(user)
    described = describe(user, service_id)
    assert draw(described, user).status_code == 200
    answer = user.delete(f"/services/{service_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    for gone in (user.get, user.delete):
        refused(gone(f"/services/{service_id}"), 404, "ServiceNotFound")
    refused(draw(described, user), 404, "ServiceNotFound")


@pytest.fixture(scope="module")
def log(full: Any, keeper: httpx.Client) -> Any:
    """The log of the service, after somebody looked at two more tiles."""
    for zoom in (ZOOM - 1, ZOOM + 1):
        assert draw(full, keeper, zoom).status_code == 200
    return body(keeper.get(f"/services/{full['id']}/logs"), LOGS)


@requirement(690)
def test_log_for_users(full: Any, keeper: httpx.Client, anonymous: httpx.Client, api: Api) -> None:
    path = f"/services/{full['id']}/logs"
    body(keeper.get(path), LOGS)
    denied(anonymous.get(path))
    refused(api.user().get(path), 404, "ServiceNotFound")


@requirement(691)
def test_offset(full: Any, log: Any, keeper: httpx.Client) -> None:
    assert len(log["logs"]) >= 3
    for number, entry in enumerate(log["logs"]):
        assert logs(keeper, full["id"], offset=entry["id"]) == log["logs"][number + 1 :]


@requirement(692)
def test_level(full: Any, log: Any, keeper: httpx.Client) -> None:
    order = ["debug", "info", "warning", "error"]
    for number, level in enumerate(order):
        wanted = [entry for entry in log["logs"] if entry["level"] in order[number:]]
        assert logs(keeper, full["id"], level=level) == wanted


@requirement(693)
def test_pages_of_the_log(full: Any, log: Any, keeper: httpx.Client) -> None:
    path = f"/services/{full['id']}/logs"
    assert link(body(keeper.get(f"{path}?limit=1"), LOGS), "next") is not None
    assert pages(keeper, path, "logs", 2) == log["logs"]


@requirement(694)
def test_log(log: Any) -> None:
    assert isinstance(log["logs"], list)
    assert isinstance(log["links"], list)


@requirement(695)
def test_level_is_told(full: Any, log: Any, keeper: httpx.Client, user: httpx.Client) -> None:
    assert log["level"] == "debug"
    path = f"/services/{full['id']}/logs"
    assert body(keeper.get(f"{path}?level=warning"), LOGS)["level"] == "warning"
    quiet = store(user, log_level="error")
    assert body(user.get(f"/services/{quiet}/logs"), LOGS)["level"] == "error"


@requirement(696)
def test_log_entries(log: Any) -> None:
    ids = [entry["id"] for entry in log["logs"]]
    assert len(set(ids)) == len(ids)
    for entry in log["logs"]:
        assert entry["level"] in ("debug", "info", "warning", "error")
        assert entry["message"]


@requirement(697)
def test_times_codes_and_data(log: Any) -> None:
    times = [datetime.fromisoformat(entry["time"]) for entry in log["logs"]]
    assert times == sorted(times)
    assert times[-1] <= datetime.now(UTC)
    entries = [entry for entry in log["logs"] if entry["message"].startswith("a tile")]
    assert {entry["code"] for entry in entries} == {"Tile"}
    assert all(entry["data"] for entry in entries)


@requirement(698)
def test_messages_are_short(log: Any, user: httpx.Client, api: Api) -> None:
    broken = store(user, ndvi(id="nowhere"))
    failure = draw(describe(user, broken), user)
    assert 400 <= failure.status_code < 500
    errors = logs(user, broken, level="error")
    assert errors
    for entry in (*log["logs"], *errors):
        assert len(entry["message"]) < 1000
        assert not re.search(r'Traceback|File "|\.py\b|site-packages', str(entry))
        assert str(api.server.data) not in str(entry)
