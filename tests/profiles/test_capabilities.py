"""Requirements of the versions, the capabilities, the conformance classes and the file formats."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import httpx
import pytest
from rasterio.env import Env

from connexeo.processing.udf.isolation import why_not
from profiles.api import BASE_PATH, DOCUMENT, Api, body, operations, refused
from profiles.graphs import ndvi, process
from profiles.requirement import requirement

UNKNOWN = {
    "{collection_id}": "nothing",
    "{job_id}": "nothing",
    "{path}": "nothing.txt",
    "{process_graph_id}": "nothing",
    "{service_id}": "nothing",
    "{log_id}": "nothing",
    "{permission}": "nothing",
    "{z}": "0",
    "{x}": "0",
    "{y}": "0",
}


def well_known(host: str) -> httpx.Response:
    return httpx.get(f"{host}/.well-known/openeo", timeout=30)


@requirement(20)
def test_versions_are_listed_at_the_root(api: Api) -> None:
    assert body(well_known(api.server.url), "/.well-known/openeo")["versions"]
    for path in ("/", "/collections", "/conformance"):
        refused(httpx.get(f"{api.server.url}{path}"), 404, "NotFound")


@requirement(21)
def test_versions_lead_to_the_api(api: Api) -> None:
    versions = body(well_known(api.server.url), "/.well-known/openeo")["versions"]
    assert all({"url", "api_version"} <= each.keys() for each in versions)
    assert versions[0]["url"] == f"{api.server.url}{BASE_PATH}/"
    capabilities = httpx.get(versions[0]["url"]).json()
    assert capabilities["api_version"] == versions[0]["api_version"]


@requirement(22)
def test_production_and_development(api: Api) -> None:
    own, development = body(well_known(api.server.url), "/.well-known/openeo")["versions"]
    assert (own["url"], own["production"]) == (f"{api.url}/", True)
    assert development == {
        "url": "https://dev.river.example/openeo/1.3",
        "api_version": "1.3.0",
        "production": False,
    }


@pytest.fixture(scope="module")
def capabilities(anonymous: httpx.Client) -> Any:
    return body(anonymous.get("/"), "/")


@requirement(30)
def test_capabilities(capabilities: Any, user: httpx.Client) -> None:
    for name in ("api_version", "backend_version", "stac_version", "id", "title", "description"):
        assert isinstance(capabilities[name], str), name
        assert capabilities[name], name
    assert capabilities["endpoints"]
    assert {"self", "conformance", "data", "version-history"} <= {
        each["rel"] for each in capabilities["links"]
    }
    assert user.get("/").json() == capabilities


def answer_of(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """The answer to a request that names nothing that exists, and has a body that nobody can use."""
    for parameter, value in UNKNOWN.items():
        path = path.replace(parameter, value)
    options: dict[str, Any] = {"json": {"title": 1}} if method in ("POST", "PUT", "PATCH") else {}
    if path == "/credentials/basic":
        options["auth"] = ("nobody", "nothing")
    return client.request(method, path, **options)


@requirement(31)
def test_what_is_there_is_listed(capabilities: Any, user: httpx.Client) -> None:
    listed = {(method, each["path"]) for each in capabilities["endpoints"] for method in each["methods"]}
    for method, path in operations():
        if (method, path) not in listed and not path.startswith("/.well-known"):
            refused(answer_of(user, method, path), 501, "FeatureUnsupported")


@requirement(32)
def test_what_is_listed_is_there(capabilities: Any, user: httpx.Client) -> None:
    known = {path for _, path in operations()}
    for each in capabilities["endpoints"]:
        assert each["path"] in known
        assert each["methods"]
        for method in each["methods"]:
            answer = answer_of(user, method, each["path"])
            assert answer.status_code < 500, f"{method} {each['path']}: {answer.text}"
            assert answer.status_code != 405, f"{method} {each['path']}"
            if "{" not in each["path"]:
                assert answer.status_code != 404, f"{method} {each['path']}"


@requirement(33)
def test_api_version(capabilities: Any) -> None:
    assert capabilities["api_version"] == "1.3.0" == DOCUMENT["info"]["version"]
    assert "https://api.openeo.org/1.3.0" in capabilities["conformsTo"]


@requirement(34)
def test_stac_version(capabilities: Any) -> None:
    assert capabilities["stac_version"] == "1.0.0"
    assert capabilities["type"] == "Catalog"


@requirement(35)
def test_billing(capabilities: Any) -> None:
    billing = capabilities["billing"]
    assert (billing["currency"], billing["default_plan"]) == ("EUR", "free")
    assert {plan["name"]: plan["paid"] for plan in billing["plans"]} == {"free": False, "paid": True}
    assert all(plan["description"] for plan in billing["plans"])


@requirement(60)
def test_conformance_for_everybody(anonymous: httpx.Client, user: httpx.Client) -> None:
    answer = anonymous.get("/conformance")
    assert answer.status_code == 200
    assert user.get("/conformance").json() == answer.json()


@requirement(61)
def test_conformance(anonymous: httpx.Client, capabilities: Any) -> None:
    classes = body(anonymous.get("/conformance"), "/conformance")["conformsTo"]
    assert classes == capabilities["conformsTo"]
    assert classes
    assert len(set(classes)) == len(classes)
    assert all(each.startswith(("https://", "http://")) for each in classes)


@pytest.fixture(scope="module")
def formats(anonymous: httpx.Client) -> Any:
    return body(anonymous.get("/file_formats"), "/file_formats")


@pytest.fixture(scope="module")
def all_formats(formats: Any) -> dict[str, Any]:
    return {**formats["input"], **formats["output"]}


@requirement(40)
def test_formats(formats: Any) -> None:
    assert set(formats) == {"input", "output"}
    assert all(isinstance(each, dict) for each in formats.values())


@requirement(43)
def test_output_formats(formats: Any) -> None:
    assert {"GTiff", "netCDF", "PNG", "JSON"} <= formats["output"].keys()


@requirement(44)
def test_names_of_gdal(all_formats: dict[str, Any]) -> None:
    with Env() as env:
        drivers = {name.lower(): name for name in env.drivers()}
    shared = {name: drivers[name.lower()] for name in all_formats if name.lower() in drivers}
    assert {"GTiff", "PNG"} <= shared.keys()
    assert all(name == gdal for name, gdal in shared.items())
    # What GDAL has no driver for must not be a misspelling of one.
    assert all_formats.keys() - shared.keys() <= {"JSON", "netCDF", "Zarr", "Parquet", "CSV"}


@requirement(46)
@pytest.mark.parametrize("name", ["gtiff", "GTIFF", "gTiff"])
def test_letter_case_of_formats(name: str, user: httpx.Client) -> None:
    answer = user.post("/result", json=process(ndvi(name)))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/tiff")


@requirement(47)
def test_formats_tell_of_data_cubes(formats: Any) -> None:
    words = ("dimension", "band", "cube", "label", "value", "array", "geometr", "feature", "pixel")
    for name, each in formats["output"].items():
        assert any(word in each["description"].lower() for word in words), f"{name}: {each['description']}"


@requirement(48)
def test_formats_tell_of_types_and_parameters(all_formats: dict[str, Any]) -> None:
    for name, each in all_formats.items():
        assert each["gis_data_types"], name
        assert set(each["gis_data_types"]) <= {"raster", "vector", "table", "pointcloud", "other"}, name
        for parameter, schema in each["parameters"].items():
            assert schema["description"], f"{name}, {parameter}"
            assert {"type", "anyOf", "oneOf", "enum"} & schema.keys(), f"{name}, {parameter}"


@requirement(49)
def test_formats_have_titles_and_descriptions(formats: Any) -> None:
    for kind in ("input", "output"):
        for name, each in formats[kind].items():
            assert each["title"], f"{kind} {name}"
            assert len(each["description"]) > 10, f"{kind} {name}"


@pytest.fixture
def udf_runtimes(anonymous: httpx.Client) -> dict[str, Any]:
    if (reason := why_not()) is not None:
        pytest.skip(f"there are no user-defined functions here: {reason}")
    runtimes: dict[str, Any] = body(anonymous.get("/udf_runtimes"), "/udf_runtimes")
    return runtimes


@requirement(71)
def test_runtimes_are_listed(udf_runtimes: dict[str, Any]) -> None:
    assert list(udf_runtimes) == ["Python"]


@requirement({72: "anonymous", 73: "user"})
def test_runtimes_for_everybody(
    case: str, udf_runtimes: dict[str, Any], user: httpx.Client, anonymous: httpx.Client
) -> None:
    client = {"anonymous": anonymous, "user": user}[case]
    assert body(client.get("/udf_runtimes"), "/udf_runtimes") == udf_runtimes


@requirement(74)
def test_runtimes_have_versions_with_libraries(udf_runtimes: dict[str, Any]) -> None:
    for runtime in udf_runtimes.values():
        assert runtime["type"] == "language"
        libraries = runtime["versions"][runtime["default"]]["libraries"]
        assert {"numpy", "xarray", "pandas", "openeo"} <= libraries.keys()
        assert libraries["numpy"]["version"] == version("numpy")


@requirement(75)
def test_runtimes_have_titles_and_descriptions(udf_runtimes: dict[str, Any]) -> None:
    for name, runtime in udf_runtimes.items():
        assert runtime["title"], name
        assert len(runtime["description"]) > 10, name


@requirement({41: "/file_formats", 201: "/processes", 301: "/collections", 601: "/service_types"})
def test_lists_without_a_token(case: str, anonymous: httpx.Client) -> None:
    body(anonymous.get(case), case)


@requirement({42: "/file_formats", 202: "/processes", 302: "/collections", 602: "/service_types"})
def test_lists_with_a_token(case: str, user: httpx.Client, anonymous: httpx.Client) -> None:
    assert body(user.get(case), case) == anonymous.get(case).json()
    refused(user.get(case, headers={"Authorization": "Bearer nonsense"}), 403, "TokenInvalid")
