"""Requirements of collections."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from tempfile import NamedTemporaryFile
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest
import xarray as xr
from pyproj import Transformer

from profiles.api import body, link, nulls, pages, refused
from profiles.graphs import load, node, of, process, save, with_result
from profiles.requirement import requirement
from profiles.stac import declared_extensions, faults, unknown_prefixes, used_extensions

ONE = "/collections/{collection_id}"


@pytest.fixture(scope="module")
def listed(anonymous: httpx.Client) -> Any:
    return body(anonymous.get("/collections"), "/collections")


@pytest.fixture(scope="module")
def collections(listed: Any, anonymous: httpx.Client) -> list[Any]:
    """All collections in full."""
    return [body(anonymous.get(f"/collections/{each['id']}"), ONE) for each in listed["collections"]]


@requirement(300)
def test_list(listed: Any) -> None:
    assert isinstance(listed["collections"], list)
    assert isinstance(listed["links"], list)
    assert len(listed["collections"]) >= 2


@requirement(303)
def test_stac_version(listed: Any, collections: list[Any]) -> None:
    for each in (*listed["collections"], *collections):
        assert tuple(map(int, each["stac_version"].split("."))) >= (1, 0, 0)


@requirement(304)
def test_stac_api_collections(listed: Any, anonymous: httpx.Client) -> None:
    landing = anonymous.get("/").json()
    assert {"https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/collections"} <= set(
        landing["conformsTo"]
    )
    assert link(landing, "data") == link(listed, "self")
    assert link(listed, "root") == link(landing, "self")
    for each in listed["collections"]:
        own = link(each, "self")
        assert own is not None
        assert link(each, "root") == link(landing, "self")
        assert link(each, "parent") in (link(listed, "self"), link(landing, "self"))
        assert anonymous.get(own).json()["id"] == each["id"]


@requirement(305)
def test_pages(listed: Any, anonymous: httpx.Client) -> None:
    first = body(anonymous.get("/collections?limit=1"), "/collections")
    assert len(first["collections"]) == 1
    assert link(first, "next") is not None
    assert pages(anonymous, "/collections", "collections", 1) == listed["collections"]
    refused(anonymous.get("/collections?limit=none"), 400, "RequestInvalid")


@requirement(306)
def test_all_without_limit(listed: Any, anonymous: httpx.Client) -> None:
    assert link(listed, "next") is None
    ids = {each["id"] for each in listed["collections"]}
    assert {each["id"] for each in pages(anonymous, "/collections", "collections", 1)} == ids


@requirement(307)
def test_listed_collections_are_valid(listed: Any) -> None:
    for each in listed["collections"]:
        assert {"stac_version", "type", "id", "description", "license", "extent", "links"} <= each.keys()
        assert faults(each) == []


@requirement(308)
def test_links_to_licences(collections: list[Any]) -> None:
    for each in collections:
        has_no_identifier = each["license"].lower() in ("other", "various", "proprietary")
        if has_no_identifier or " " in each["license"]:
            assert link(each, "license") is not None, each["id"]
        else:
            assert re.fullmatch(r"[A-Za-z0-9.+-]+", each["license"]), each["license"]


@requirement(309)
def test_titles_and_keywords(listed: Any) -> None:
    for each in listed["collections"]:
        assert each["title"]
        assert each["keywords"]
        assert all(isinstance(word, str) and word for word in each["keywords"])


def loaded(user: httpx.Client, collection: Any, **arguments: Any) -> xr.Dataset:
    """A cube of a collection, as netCDF; one band and everything else unless told otherwise."""
    band = collection["cube:dimensions"]["bands"]["values"][0]
    whole = {"spatial_extent": None, "temporal_extent": None, "bands": [band]}
    graph = {"load": load(id=collection["id"], **{**whole, **arguments}), "save": save("load", "netCDF")}
    answer = user.post("/result", json=process(with_result(graph)))
    assert answer.status_code == 200, answer.text
    with NamedTemporaryFile(suffix=".nc") as file:
        file.write(answer.content)
        file.flush()
        with xr.open_dataset(file.name, decode_coords="all") as cube:
            return cube.load()


def instant(text: str) -> np.datetime64:
    return np.datetime64(datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None))


@requirement(310)
def test_extents_are_those_of_the_data(collections: list[Any], user: httpx.Client) -> None:
    for each in collections:
        start, end = each["extent"]["temporal"]["interval"][0]
        dimension = each["cube:dimensions"]
        times = dimension["t"]["extent"]
        assert start == times[0]
        assert times[1] <= end
        last = str(instant(times[1]) + np.timedelta64(1, "s")).partition(".")[0] + "Z"
        cube = loaded(user, each, temporal_extent=[times[1], last])
        assert instant(str(cube["t"].values[-1])[:19] + "Z") == instant(times[1])
        first = loaded(
            user, each, temporal_extent=[start, str(instant(start) + np.timedelta64(1, "s")) + "Z"]
        )
        assert instant(str(first["t"].values[0])[:19] + "Z") == instant(start)
        # Pixel centres of the outermost pixels lie half a step inside of what is promised, and hold data.
        (values,) = (each for each in first.data_vars.values() if each.ndim >= 3)
        assert bool(np.isfinite(values).any())
        x, y = (np.sort(cube[name].values) for name in ("x", "y"))
        edges = []
        for axis, name in ((x, "x"), (y, "y")):
            half = dimension[name]["step"] / 2
            assert [axis[0] - half, axis[-1] + half] == pytest.approx(dimension[name]["extent"])
            edges.append((axis[0] - half, axis[-1] + half))
        (west, east), (south, north) = edges
        transformer = Transformer.from_crs(dimension["x"]["reference_system"], 4326, always_xy=True)
        box = transformer.transform_bounds(west, south, east, north)
        assert each["extent"]["spatial"]["bbox"][0] == pytest.approx(box, abs=1e-4)


@requirement(313)
def test_nothing_is_null(listed: Any, collections: list[Any]) -> None:
    for each in (*listed["collections"], *collections):
        allowed = re.compile(r"/extent/temporal/interval/.*|/cube:dimensions/\w+/(step|extent/\d)")
        assert [place for place in nulls(each) if not allowed.fullmatch(place)] == []


@requirement(320)
def test_one_collection(listed: Any, anonymous: httpx.Client) -> None:
    for each in listed["collections"]:
        assert body(anonymous.get(f"/collections/{each['id']}"), ONE)["id"] == each["id"]
    refused(anonymous.get("/collections/nothing"), 404, "CollectionNotFound")


@requirement(321)
def test_one_collection_is_valid(collections: list[Any]) -> None:
    for each in collections:
        assert faults(each) == []
        assert each["cube:dimensions"]
        assert each["summaries"]


@requirement(322)
def test_one_without_a_token(collections: list[Any], anonymous: httpx.Client) -> None:
    assert "authorization" not in anonymous.headers
    for each in collections:
        assert anonymous.get(f"/collections/{each['id']}").json() == each


@requirement(323)
def test_one_with_a_token(collections: list[Any], user: httpx.Client) -> None:
    for each in collections:
        assert user.get(f"/collections/{each['id']}").json() == each


@requirement(325)
def test_extensions_are_listed(collections: list[Any]) -> None:
    for each in collections:
        assert used_extensions(each) >= {"datacube"}
        assert used_extensions(each) <= declared_extensions(each), each["id"]
        assert unknown_prefixes(each) == set(), each["id"]


@requirement(326)
def test_dimensions_are_those_of_a_loaded_cube(collections: list[Any], user: httpx.Client) -> None:
    for each in collections:
        dimensions = each["cube:dimensions"]
        x, y = (dimensions[name]["extent"] for name in ("x", "y"))
        crs = dimensions["x"]["reference_system"]
        step = dimensions["x"]["step"]
        box = {"west": x[0], "east": x[0] + 4 * step, "south": y[1] - 4 * step, "north": y[1], "crs": crs}
        bands = dimensions["bands"]["values"]
        cube = loaded(user, each, spatial_extent=box, bands=None)
        assert set(dimensions) <= set(cube.sizes) | {"bands"}, each["id"]
        for name in bands:
            rename = node("filter_bands", data=of("load"), bands=[name])
            graph = {
                "load": load(id=each["id"], spatial_extent=box, temporal_extent=None, bands=None),
                "one": rename,
                "save": save("one", "netCDF"),
            }
            assert user.post("/validation", json={"process_graph": with_result(graph)}).json() == {
                "errors": []
            }
        held = {str(name) for name in cube.data_vars} | {
            str(label) for name in ("bands",) if name in cube.coords for label in cube[name].values
        }
        assert set(bands) <= held, each["id"]
        (values,) = {variable.sizes["x"] for variable in cube.data_vars.values() if "x" in variable.sizes}
        assert values == 4


@requirement(330)
def test_queryables(collections: list[Any], anonymous: httpx.Client) -> None:
    for each in collections:
        answer = anonymous.get(f"/collections/{each['id']}/queryables")
        assert answer.status_code == 200, answer.text
        schema = answer.json()
        assert schema["$schema"] in (
            "https://json-schema.org/draft/2019-09/schema",
            "https://json-schema.org/draft/2020-12/schema",
            "http://json-schema.org/draft-07/schema#",
        )
        assert schema["$id"] == str(answer.url)
        assert schema["type"] == "object"
        jsonschema_rs.meta.validate(schema)
        assert schema["properties"]
    refused(anonymous.get("/collections/nothing/queryables"), 404, "CollectionNotFound")
