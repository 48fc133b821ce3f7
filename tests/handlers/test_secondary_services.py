"""Services get their addresses from the handlers, and tiles their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import httpx
import pytest

from asgi_client import HOST, TOKEN, Client
from fake_driver import FakeDriver
from fake_services import PICTURE

MakeClient = Callable[..., Client]

BOB = {"Authorization": "Bearer basic//bob-token"}
PROCESS = {"process_graph": {"one": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}
NEW = {"type": "xyz", "process": PROCESS, "title": None, "configuration": {"tile_size": 512}}
OF_ONE = ["", "/logs"]
NAMESPACES = {
    "w": "http://www.opengis.net/wmts/1.0",
    "ows": "http://www.opengis.net/ows/1.1",
    "xlink": "http://www.w3.org/1999/xlink",
}


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


@pytest.fixture
def client(driver: FakeDriver, make_client: MakeClient) -> Client:
    return make_client(driver)


def test_types(client: Client) -> None:
    answer = client.get("/service_types")
    assert answer.status_code == 200
    assert set(answer.json()) == {"XYZ"}


def test_create(client: Client) -> None:
    created = client.post("/services", json=NEW, headers=TOKEN)
    assert (created.status_code, created.content) == (201, b"")
    location, service_id = created.headers["location"], created.headers["openeo-identifier"]
    assert location == f"http://{HOST}/services/{service_id}"
    service = client.get(location, headers=TOKEN).json()
    assert (service["type"], service["configuration"]) == ("xyz", {"tile_size": 512})
    assert service["url"] == f"http://{HOST}/services/{service_id}/xyz/{{z}}/{{x}}/{{y}}"


@pytest.mark.parametrize(
    ("service_id", "url", "attributes"),
    [
        (
            "s-map",
            "/services/s-map/xyz/{z}/{x}/{y}",
            {"tiles": "/services/s-map/xyz/{z}/{x}/{y}", "tilejson": "/services/s-map/tilejson"},
        ),
        (
            "s-wmts",
            "/services/s-wmts/wmts",
            {
                "wmts": "/services/s-wmts/wmts",
                "capabilities": "/services/s-wmts/wmts/1.0.0/WMTSCapabilities.xml",
            },
        ),
    ],
)
def test_addresses(client: Client, service_id: str, url: str, attributes: dict[str, str]) -> None:
    service = client.get(f"/services/{service_id}", headers=TOKEN).json()
    assert service["url"] == f"http://{HOST}{url}"
    addresses = {name: f"http://{HOST}{path}" for name, path in attributes.items()}
    assert service["attributes"] == {"min_zoom": 2, **addresses}
    links = {link["rel"]: link["href"] for link in service["links"]}
    assert links["monitor"] == f"http://{HOST}/services/{service_id}/logs"
    listed = {each["id"]: each for each in client.get("/services", headers=TOKEN).json()["services"]}
    assert listed[service_id]["url"] == service["url"]
    assert "process" not in listed[service_id]


def test_pages(client: Client) -> None:
    path, pages = "/services?limit=2", []
    while path:
        page = client.get(path, headers=TOKEN).json()
        pages.append([service["id"] for service in page["services"]])
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert pages == [["s-off", "s-wmts"], ["s-map"]]


def test_update_and_delete(client: Client) -> None:
    changed = client.request("PATCH", "/services/s-map", json={"title": "New"}, headers=TOKEN)
    assert (changed.status_code, changed.content) == (204, b"")
    assert client.get("/services/s-map", headers=TOKEN).json()["title"] == "New"
    assert client.request("DELETE", "/services/s-map", headers=TOKEN).status_code == 204
    assert client.get("/services/s-map", headers=TOKEN).status_code == 404


@pytest.mark.parametrize("service_id", ["s-map", "s-none"])
def test_unknown_and_foreign_services_look_alike(client: Client, service_id: str) -> None:
    answers = [client.get(f"/services/{service_id}{path}", headers=BOB) for path in OF_ONE]
    answers.append(client.request("PATCH", f"/services/{service_id}", json={"title": "x"}, headers=BOB))
    answers.append(client.request("DELETE", f"/services/{service_id}", headers=BOB))
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "ServiceNotFound")] * 4
    messages = {each.json()["message"] for each in answers}
    assert messages == {f"There is no service '{service_id}'. Choose one that `GET /services` lists."}


def test_logs(client: Client) -> None:
    first = client.get("/services/s-map/logs?limit=3&level=warning", headers=TOKEN).json()
    assert (first["level"], [entry["id"] for entry in first["logs"]]) == ("warning", ["3", "4", "7"])
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    second = client.get(following, headers=TOKEN).json()
    assert [entry["id"] for entry in second["logs"]] == ["8"]
    assert "next" not in {link["rel"] for link in second["links"]}


@pytest.mark.parametrize("suffix", ["", ".png"])
def test_xyz_tile(client: Client, driver: FakeDriver, suffix: str) -> None:
    tile = client.get(f"/services/s-map/xyz/14/8677/5725{suffix}")
    assert (tile.status_code, tile.content, tile.headers["content-type"]) == (200, PICTURE, "image/png")
    assert tile.headers["etag"] == '"tag-8677"'
    assert tile.headers["cache-control"] == "public, max-age=60"
    assert tile.headers["access-control-allow-origin"] == "*"
    assert driver.secondary_services.drawn == [("XYZ", None, 14, 8677, 5725)]


@pytest.mark.parametrize("known", ['"tag-1"', 'W/"tag-1"', '"tag-0", "tag-1"', "*"])
def test_known_tile(client: Client, known: str) -> None:
    tile = client.get("/services/s-map/xyz/14/1/2", headers={"If-None-Match": known})
    assert (tile.status_code, tile.content, tile.headers["etag"]) == (304, b"", '"tag-1"')


@pytest.mark.parametrize("known", ['"tag-2"', "tag-1", ""])
def test_tile_that_is_not_known(client: Client, known: str) -> None:
    tile = client.get("/services/s-map/xyz/14/1/2", headers={"If-None-Match": known})
    assert (tile.status_code, tile.content) == (200, PICTURE)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/services/s-none/xyz/1/1/1", 404, "ServiceNotFound"),
        ("/services/s-wmts/xyz/1/1/1", 404, "ServiceNotFound"),
        ("/services/s-off/xyz/1/1/1", 403, "ServiceDisabled"),
        ("/services/s-off/tilejson", 403, "ServiceDisabled"),
        ("/services/s-map/xyz/21/1/1", 404, "NotFound"),
        ("/services/s-map/xyz/1/1/1.webp", 404, "NotFound"),
        ("/services/s-map/xyz/1/1/1.jpg", 404, "NotFound"),
        ("/services/s-map/xyz/-1/1/1", 404, "NotFound"),
        ("/services/s-map/xyz/one/1/1", 404, "NotFound"),
        ("/services/s-map/xyz/1/99999999999999999999/1", 404, "NotFound"),
        ("/services/s-map/wmts", 404, "ServiceNotFound"),
    ],
)
def test_what_is_no_tile(client: Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_tilejson(client: Client) -> None:
    assert client.get("/services/s-map/tilejson").json() == {
        "tilejson": "3.0.0",
        "name": "Rivers & <lakes>",
        "description": "Where water is.",
        "scheme": "xyz",
        "tiles": [f"http://{HOST}/services/s-map/xyz/{{z}}/{{x}}/{{y}}"],
        "minzoom": 2,
        "maxzoom": 9,
        "bounds": [10.5, 47.0, 11.0, 48.25],
    }


def capabilities(answer: httpx.Response) -> ElementTree.Element:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    return ElementTree.fromstring(answer.content)


def texts(root: ElementTree.Element, path: str) -> Iterator[str | None]:
    return (element.text for element in root.iterfind(path, NAMESPACES))


def test_wmts_capabilities(client: Client, driver: FakeDriver) -> None:
    driver.secondary_services.services["s-wmts"]["title"] = "Rivers & <lakes>"
    root = capabilities(client.get("/services/s-wmts/wmts/1.0.0/WMTSCapabilities.xml"))
    assert (root.tag, root.get("version")) == (f"{{{NAMESPACES['w']}}}Capabilities", "1.0.0")
    (layer,) = root.iterfind("w:Contents/w:Layer", NAMESPACES)
    assert list(texts(layer, "ows:Title")) == ["Rivers & <lakes>"]
    assert list(texts(layer, "ows:Identifier")) == ["result"]
    assert list(texts(layer, "ows:WGS84BoundingBox/ows:LowerCorner")) == ["10.5 47.0"]
    assert list(texts(layer, "ows:WGS84BoundingBox/ows:UpperCorner")) == ["11.0 48.25"]
    assert list(texts(layer, "w:Format")) == ["image/png"]
    sets = list(root.iterfind("w:Contents/w:TileMatrixSet", NAMESPACES))
    names = ["WebMercatorQuad", "WorldCRS84Quad"]
    assert list(texts(layer, "w:TileMatrixSetLink/w:TileMatrixSet")) == names
    assert [next(texts(each, "ows:Identifier")) for each in sets] == names
    systems = ["urn:ogc:def:crs:EPSG::3857", "urn:ogc:def:crs:OGC:1.3:CRS84"]
    assert [next(texts(each, "ows:SupportedCRS")) for each in sets] == systems
    assert [len(list(each.iterfind("w:TileMatrix", NAMESPACES))) for each in sets] == [1, 2]
    matrix = sets[0].find("w:TileMatrix", NAMESPACES)
    assert matrix is not None
    assert [(part.tag.rpartition("}")[2], part.text) for part in matrix] == [
        ("Identifier", "3"),
        ("ScaleDenominator", "1000.5"),
        ("TopLeftCorner", "-20.5 40.25"),
        ("TileWidth", "256"),
        ("TileHeight", "256"),
        ("MatrixWidth", "8"),
        ("MatrixHeight", "4"),
    ]


def test_wmts_tile_by_the_template(client: Client, driver: FakeDriver) -> None:
    root = capabilities(client.get("/services/s-wmts/wmts"))
    resource = root.find("w:Contents/w:Layer/w:ResourceURL", NAMESPACES)
    assert resource is not None
    template = resource.attrib["template"]
    for name, value in (
        ("TileMatrixSet", "WorldCRS84Quad"),
        ("TileMatrix", "4"),
        ("TileRow", "2"),
        ("TileCol", "7"),
    ):
        template = template.replace(f"{{{name}}}", value)
    tile = client.get(template)
    assert (tile.status_code, tile.content, tile.headers["etag"]) == (200, PICTURE, '"tag-7"')
    assert driver.secondary_services.drawn == [("WMTS", "WorldCRS84Quad", 4, 7, 2)]


@pytest.mark.parametrize(
    "query",
    [
        "SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=result&STYLE=default&FORMAT=image/png"
        "&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=3&TILEROW=2&TILECOL=7",
        "service=wmts&request=gettile&tileMatrixSet=WebMercatorQuad&tileMatrix=3&tileRow=2&tileCol=7&style=",
    ],
)
def test_wmts_tile_by_pairs(client: Client, driver: FakeDriver, query: str) -> None:
    tile = client.get(f"/services/s-wmts/wmts?{query}")
    assert (tile.status_code, tile.content, tile.headers["content-type"]) == (200, PICTURE, "image/png")
    assert driver.secondary_services.drawn == [("WMTS", "WebMercatorQuad", 3, 7, 2)]


@pytest.mark.parametrize(
    "query", ["", "?service=WMTS&request=GetCapabilities", "?REQUEST=getcapabilities", "?request="]
)
def test_wmts_capabilities_by_pairs(client: Client, query: str) -> None:
    assert capabilities(client.get(f"/services/s-wmts/wmts{query}")).tag.endswith("}Capabilities")


TILE = {
    "request": "GetTile",
    "tilematrixset": "WebMercatorQuad",
    "tilematrix": "3",
    "tilerow": "2",
    "tilecol": "7",
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"service": "WMS"}, "'service' must be WMTS"),
        ({"request": "GetMap"}, "'request' must be GetCapabilities or GetTile"),
        ({"version": "1.3.0"}, "'version' must be 1.0.0"),
        ({"layer": "roads"}, "'layer' must be result"),
        ({"style": "dark"}, "'style' must be default"),
        ({"format": "image/jpeg"}, "'format' must be"),
        ({"tilematrixset": ""}, "'tilematrixset' is required"),
        ({"tilematrix": "-3"}, "'tilematrix' must be a number"),
        ({"tilerow": "٣"}, "'tilerow' must be a number"),
        ({"tilecol": "1e3"}, "'tilecol' must be a number"),
    ],
)
def test_wmts_nonsense(client: Client, changes: dict[str, str], says: str) -> None:
    answer = client.get("/services/s-wmts/wmts", params={**TILE, **changes})
    assert (answer.status_code, answer.json()["code"]) == (400, "RequestInvalid")
    assert says in answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "roads/default/WebMercatorQuad/3/2/7",
        "result/dark/WebMercatorQuad/3/2/7",
        "result/default/WebMercatorQuad/a/2/7",
    ],
)
def test_wmts_path_that_is_no_tile(client: Client, path: str) -> None:
    answer = client.get(f"/services/s-wmts/wmts/1.0.0/{path}.png")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


def test_nothing_is_offered_without_services(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.secondary_services = None  # type: ignore[assignment]
    paths = {each["path"] for each in make_client(driver).get("/").json()["endpoints"]}
    assert not {path for path in paths if path.startswith("/service")}
