"""Map tiles of a real server, as map clients and their users see them."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from owslib.wmts import WebMapTileService
from PIL import Image
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

COLLECTION = "sentinel-2-l2a-demo"
JULY = ["2024-07-01", "2024-07-02"]
INSIDE = (14, 8678, 5724)
EMPTY = (14, 8600, 5724)
HALF = math.pi * 6378137

# rasterio still multiplies transforms in the way that affine gives up.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

Expect = Callable[..., str]
Graph = dict[str, Any]


@pytest.fixture(scope="module")
def client(demo_server: Any, token_of: Callable[..., str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {token_of(demo_server)}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def anybody(demo_server: Any) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with httpx.Client(base_url=demo_server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def maria(
    demo_server: Any, run_command: Callable[..., Any], token_of: Callable[..., str]
) -> Iterator[httpx.Client]:
    """Another user of the server."""
    password = "a rather long sentence"
    added = run_command(
        "users", "add", "maria", "--password-stdin", data=demo_server.data, text=f"{password}\n"
    )
    assert added.returncode == 0, added.stderr
    headers = {"Authorization": f"Bearer {token_of(demo_server, 'maria', password)}"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=60) as client:
        yield client


def node(process_id: str, **arguments: Any) -> Graph:
    return {"process_id": process_id, "arguments": arguments}


def ndvi(band: str = "B08") -> Graph:
    data = {"from_parameter": "data"}
    reducer = {
        "nir": node("array_element", data=data, label=band),
        "red": node("array_element", data=data, label="B04"),
        "ndvi": {
            **node("normalized_difference", x={"from_node": "nir"}, y={"from_node": "red"}),
            "result": True,
        },
    }
    load = node(
        "load_collection", id=COLLECTION, spatial_extent=None, temporal_extent=JULY, bands=["B04", "B08"]
    )
    reduce = node(
        "reduce_dimension", data={"from_node": "load"}, dimension="bands", reducer={"process_graph": reducer}
    )
    return {"process_graph": {"load": load, "ndvi": {**reduce, "result": True}}}


def create(client: httpx.Client, process: Graph | None = None, **properties: Any) -> str:
    request = {"type": "xyz", "process": process or ndvi(), **properties}
    created = client.post("/services", json=request)
    assert created.status_code == 201, created.text
    return created.headers["openeo-identifier"]


def path_of(service_id: str, tile: tuple[int, int, int] = INSIDE) -> str:
    return f"/services/{service_id}/xyz/{tile[0]}/{tile[1]}/{tile[2]}"


def pixels(answer: httpx.Response) -> np.ndarray[Any, Any]:
    """Shape `(y, x, 4)`."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image.convert("RGBA")).astype(int)


def bounds_of(tile: tuple[int, int, int]) -> tuple[float, float, float, float]:
    zoom, column, row = tile
    size = 2 * HALF / 2**zoom
    west, north = column * size - HALF, HALF - row * size
    return west, north - size, west + size, north


@pytest.fixture(scope="module")
def result(client: httpx.Client) -> bytes:
    """The whole NDVI as a GeoTIFF, computed by `POST /result`."""
    process = ndvi()
    process["process_graph"]["ndvi"].pop("result")
    save = node("save_result", data={"from_node": "ndvi"}, format="GTiff")
    process["process_graph"]["save"] = {**save, "result": True}
    answer = client.post("/result", json={"process": process})
    assert answer.status_code == 200, answer.text
    return answer.content


def resampled(result: bytes, tile: tuple[int, int, int], size: int) -> np.ndarray[Any, Any]:
    """A result on the pixels of a tile, by GDAL."""
    with (
        MemoryFile(result) as memory,
        memory.open() as file,
        WarpedVRT(
            file,
            crs="EPSG:3857",
            transform=from_bounds(*bounds_of(tile), size, size),
            width=size,
            height=size,
            resampling=Resampling.nearest,
            tolerance=0.01,
        ) as warped,
    ):
        values = warped.read(1, masked=True).astype(float).filled(np.nan)
    return np.asarray(values)


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize("tile", [INSIDE, (14, 8675, 5720), (13, 4339, 2861)])
def test_tiles_are_the_result(
    client: httpx.Client, anybody: httpx.Client, result: bytes, tile: tuple[int, int, int], size: int
) -> None:
    service_id = create(client, configuration={"tile_size": size, "min": -1, "max": 1})
    drawn = pixels(anybody.get(path_of(service_id, tile)))
    numbers = resampled(result, tile, size)
    there = np.isfinite(numbers)
    assert drawn.shape == (size, size, 4)
    assert there.any()
    assert (drawn[..., 3] == np.where(there, 255, 0)).mean() > 0.998
    grey = np.round((numbers + 1) / 2 * 254) / 254 * 255
    same = np.abs(drawn[..., 0] - grey)[there & (drawn[..., 3] == 255)] <= 1.5
    assert same.mean() > 0.99


def test_life_of_a_service(
    client: httpx.Client, anybody: httpx.Client, expect_error: Expect, demo_server: Any
) -> None:
    service_id = create(client, title="NDVI", configuration={"colormap": "rdylgn"})
    described = client.get(f"/services/{service_id}").json()
    assert described["url"] == f"{demo_server.url}/services/{service_id}/xyz/{{z}}/{{x}}/{{y}}"
    assert (described["type"], described["title"], described["enabled"]) == ("XYZ", "NDVI", True)
    first = anybody.get(path_of(service_id))
    assert len(np.unique(pixels(first).reshape(-1, 4), axis=0)) > 20
    assert {each["id"] for each in client.get("/services").json()["services"]} >= {service_id}

    changed = client.patch(f"/services/{service_id}", json={"configuration": {"colormap": "blues"}})
    assert changed.status_code == 204
    # Whichever worker answers.
    known = {"If-None-Match": first.headers["etag"]}
    for _ in range(6):
        second = httpx.get(f"{demo_server.url}{path_of(service_id)}", headers=known, timeout=60)
        assert (second.status_code, second.headers["etag"] != first.headers["etag"]) == (200, True)

    assert client.patch(f"/services/{service_id}", json={"enabled": False}).status_code == 204
    for _ in range(6):
        refused = httpx.get(f"{demo_server.url}{path_of(service_id)}", timeout=60)
        expect_error(refused, demo_server, 403, "ServiceDisabled")
    assert client.patch(f"/services/{service_id}", json={"enabled": True}).status_code == 204
    assert anybody.get(path_of(service_id)).content == second.content

    assert client.delete(f"/services/{service_id}").status_code == 204
    expect_error(anybody.get(path_of(service_id)), demo_server, 404, "ServiceNotFound")
    expect_error(client.get(f"/services/{service_id}"), demo_server, 404, "ServiceNotFound")


def test_tile_that_the_client_has(client: httpx.Client, anybody: httpx.Client) -> None:
    path = path_of(create(client))
    first = anybody.get(path)
    again = anybody.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "max-age" in again.headers["cache-control"]
    assert anybody.get(f"{path}.png").content == first.content
    head = anybody.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


def test_empty_tiles(client: httpx.Client, anybody: httpx.Client) -> None:
    service_id = create(client, configuration={"tile_size": 512})
    for _ in range(2):
        answer = anybody.get(path_of(service_id, EMPTY))
        assert pixels(answer).shape == (512, 512, 4)
        assert not pixels(answer)[..., 3].any()
        assert len(answer.content) < 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("14/16384/0", 404),
        ("25/0/0", 404),
        ("19/0/0", 404),
        ("14/1/1.webp", 404),
        ("a/b/c", 404),
        ("14/1", 404),
    ],
)
def test_tiles_that_there_are_not(
    client: httpx.Client,
    anybody: httpx.Client,
    demo_server: Any,
    expect_error: Expect,
    path: str,
    status: int,
) -> None:
    service_id = create(client)
    expect_error(anybody.get(f"/services/{service_id}/xyz/{path}"), demo_server, status, "NotFound")


@pytest.mark.parametrize(
    ("request_", "code", "says"),
    [
        ({"type": "wms"}, "ServiceUnsupported", "'wms'"),
        ({"configuration": {"colormap": "rainbow"}}, "ServiceConfigInvalid", "'colormap'"),
        ({"configuration": {"tile_size": 300}}, "ServiceConfigInvalid", "'tile_size'"),
        ({"configuration": {"zoom": 3}}, "ServiceConfigUnsupported", "'zoom'"),
        ({"process": {"process_graph": {}}}, "ProcessGraphMissing|ProcessGraphInvalid", ""),
        (
            {"process": {"process_graph": {"a": {**node("nothing"), "result": True}}}},
            "ProcessUnsupported",
            "nothing",
        ),
    ],
)
def test_services_that_cannot_be(client: httpx.Client, request_: Graph, code: str, says: str) -> None:
    refused = client.post("/services", json={"type": "xyz", "process": ndvi(), **request_})
    assert refused.status_code == 400
    assert refused.json()["code"] in code.split("|")
    assert says in refused.json()["message"]


def test_parameters_of_the_type(client: httpx.Client, anybody: httpx.Client) -> None:
    """A process that takes the extent and the zoom level of the tile."""
    process = ndvi()
    process["process_graph"]["load"]["arguments"]["spatial_extent"] = {"from_parameter": "spatial_extent"}
    process["process_graph"]["ndvi"].pop("result")
    add = {
        "add": {
            **node("multiply", x={"from_parameter": "x"}, y={"from_parameter": "context"}),
            "result": True,
        }
    }
    scaled = node(
        "apply",
        data={"from_node": "ndvi"},
        process={"process_graph": add},
        context={"from_parameter": "zoom"},
    )
    process["process_graph"]["scaled"] = {**scaled, "result": True}
    service_id = create(client, process, configuration={"min": -14, "max": 14})
    plain = create(client, configuration={"min": -1, "max": 1})
    one, other = (pixels(anybody.get(path_of(each))) for each in (service_id, plain))
    assert (np.abs(one - other) <= 1).all()
    assert (one[..., 3] == 255).all()


def test_log_of_a_service_that_fails(
    client: httpx.Client, anybody: httpx.Client, demo_server: Any, expect_error: Expect
) -> None:
    service_id = create(client, ndvi("B8A"), configuration={"min": 0, "max": 1, "bounds": [10, 47, 11, 48]})
    for column in range(8676, 8680):
        failed = anybody.get(path_of(service_id, (14, column, 5724)))
        message = expect_error(
            failed, demo_server, failed.status_code, failed.json()["code"], "owner of the service"
        )
        assert failed.status_code >= 400
        assert "B8A" not in message
    logs = client.get(f"/services/{service_id}/logs").json()["logs"]
    assert logs
    # Each worker logs the same fault once.
    assert len(logs) <= 2
    assert (logs[0]["level"], "B8A" in logs[0]["message"]) == ("error", True)
    assert logs[0]["data"]["tile"]["zoom"] == 14


def test_services_of_others(
    client: httpx.Client, maria: httpx.Client, demo_server: Any, expect_error: Expect
) -> None:
    service_id = create(client)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/logs")):
        body = {"title": "mine"} if method == "PATCH" else None
        refused = maria.request(method, f"/services/{service_id}{path}", json=body)
        expect_error(refused, demo_server, 404, "ServiceNotFound")
    assert maria.get("/services").json()["services"] == []
    # What it shows is for everybody who knows where.
    assert maria.get(path_of(service_id)).status_code == 200


def test_owner_that_is_disabled(
    maria: httpx.Client,
    anybody: httpx.Client,
    demo_server: Any,
    expect_error: Expect,
    run_command: Callable[..., Any],
) -> None:
    path = path_of(create(maria))
    assert anybody.get(path).status_code == 200
    assert run_command("users", "disable", "maria", data=demo_server.data).returncode == 0
    expect_error(anybody.get(path), demo_server, 403, "ServiceDisabled")
    assert run_command("users", "enable", "maria", data=demo_server.data).returncode == 0
    assert anybody.get(path).status_code == 200


def test_many_ask_at_once(client: httpx.Client, demo_server: Any) -> None:
    service_id = create(client, configuration={"colormap": "viridis"})
    tiles = [(15, column, row) for column in range(17352, 17358) for row in range(11444, 11448)] * 2

    def fetch(tile: tuple[int, int, int]) -> tuple[tuple[int, int, int], int, bytes]:
        answer = httpx.get(f"{demo_server.url}{path_of(service_id, tile)}", timeout=60)
        return tile, answer.status_code, answer.content

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(fetch, tiles))
    assert {status for _, status, _ in answers} == {200}
    assert len({(tile, content) for tile, _, content in answers}) == len(set(tiles))


def test_wmts_by_owslib(client: httpx.Client, result: bytes) -> None:
    sets = ["WebMercatorQuad", "EuropeanETRS89_LAEAQuad"]
    service_id = create(
        client,
        type="WMTS",
        title="NDVI & more",
        configuration={"tile_matrix_sets": sets, "min": -1, "max": 1, "min_zoom": 5},
    )
    described = client.get(f"/services/{service_id}").json()
    wanted = {"layer": "result", "tilematrixset": "WebMercatorQuad", "format": "image/png"}
    drawn = []
    for address in (described["url"], described["attributes"]["capabilities"]):
        wmts = WebMapTileService(address)
        assert (list(wmts.contents), list(wmts.tilematrixsets)) == (["result"], sets)
        layer = wmts["result"]
        assert layer.title == "NDVI & more"
        assert layer.boundingBoxWGS84 == pytest.approx((10.622, 47.533, 10.761, 47.627), abs=1e-3)
        assert min(map(int, wmts.tilematrixsets["WebMercatorQuad"].tilematrix)) == 5
        drawn.append(wmts.gettile(**wanted, tilematrix="14", column=INSIDE[1], row=INSIDE[2]).read())
    assert drawn[0] == drawn[1]
    with Image.open(io.BytesIO(drawn[0])) as image:
        grey = np.asarray(image.convert("RGBA"))[..., 0].astype(int)
    numbers = resampled(result, INSIDE, 256)
    assert (np.abs(grey - (numbers + 1) / 2 * 255) <= 2).mean() > 0.99


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize(
    ("name", "crs"),
    [("WebMercatorQuad", "EPSG:3857"), ("WorldCRS84Quad", "OGC:CRS84"), ("WGS1984Quad", "EPSG:4326"),
     ("EuropeanETRS89_LAEAQuad", "EPSG:3035"), ("UTM31WGS84Quad", "EPSG:32631")],
)  # fmt: skip
def test_wmts_by_gdal(
    client: httpx.Client,
    result: bytes,
    name: str,
    crs: str,
    size: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The map as GDAL puts it together lies where the result does."""
    configuration = {"tile_matrix_sets": [name], "tile_size": size, "min": -1, "max": 1, "max_zoom": 14}
    service_id = create(client, type="WMTS", configuration=configuration)
    address = client.get(f"/services/{service_id}").json()["attributes"]["capabilities"]
    monkeypatch.chdir(tmp_path)
    with (
        rasterio.Env(GDAL_DEFAULT_WMS_CACHE_PATH=str(tmp_path)),
        rasterio.open(f"WMTS:{address},layer=result") as layer,
    ):
        assert layer.crs == rasterio.crs.CRS.from_user_input(crs)
        box = transform_bounds("EPSG:4326", layer.crs, 10.67, 47.56, 10.70, 47.59)
        window = layer.window(*box).round_offsets().round_lengths()
        shown = layer.read(window=window)
        transform = layer.window_transform(window)
    with (
        MemoryFile(result) as memory,
        memory.open() as file,
        WarpedVRT(
            file,
            crs=layer.crs,
            transform=transform,
            width=shown.shape[2],
            height=shown.shape[1],
            tolerance=0.01,
        ) as warped,
    ):
        numbers = warped.read(1)
    assert (shown[-1] == 255).all()
    assert (np.abs(shown[0].astype(int) - (numbers + 1) / 2 * 255) <= 2).mean() > 0.97


def test_service_types_are_listed(anybody: httpx.Client) -> None:
    types = anybody.get("/service_types").json()
    assert set(types) == {"XYZ", "WMTS"}
    for each in types.values():
        assert {parameter["name"] for parameter in each["process_parameters"]} >= {"spatial_extent", "zoom"}
        assert all("description" in setting for setting in each["configuration"].values())


def test_tilejson(client: httpx.Client, anybody: httpx.Client) -> None:
    service_id = create(client, title="NDVI", configuration={"max_zoom": 15})
    document = anybody.get(f"/services/{service_id}/tilejson").json()
    assert (document["name"], document["minzoom"], document["maxzoom"]) == ("NDVI", 0, 15)
    assert document["bounds"] == pytest.approx([10.622, 47.533, 10.761, 47.627], abs=1e-3)
    zoom, column, row = INSIDE
    address = document["tiles"][0].format(z=zoom, x=column, y=row)
    assert anybody.get(address).content == anybody.get(path_of(service_id)).content


def test_killed_process_draws_again(client: httpx.Client, anybody: httpx.Client, demo_server: Any) -> None:
    service_id = create(client)
    assert anybody.get(path_of(service_id)).status_code == 200
    for child in demo_server.computing():
        os.kill(child, 9)
    for column in range(8676, 8680):
        assert anybody.get(path_of(service_id, (14, column, 5723))).status_code == 200
