"""How an application is put together, and what it refuses to be made of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
import yaml

from asgi_client import TOKEN, Client
from connexeo.drivers.loading import load_driver
from connexeo.generated import load_openapi
from connexeo.handlers.context import Context
from connexeo.server.app import create_app
from connexeo.settings import Settings
from connexeo.tools.spec.build import build_document
from fake_driver import FakeDriver, without_jobs

MakeClient = Callable[..., Client]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A provider's package of handlers, ``acme.handlers``."""
    package = ModuleType("acme")
    handlers = ModuleType("acme.handlers")
    package.__path__ = handlers.__path__ = []
    monkeypatch.setitem(sys.modules, "acme", package)
    monkeypatch.setitem(sys.modules, "acme.handlers", handlers)
    return handlers


def add_module(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    module = ModuleType(name)
    for function, value in functions.items():
        setattr(module, function, value)
    monkeypatch.setitem(sys.modules, name, module)


def test_provider_replaces_one_operation(
    make_client: MakeClient, provider: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def list_file_types(context: Context) -> dict[str, Any]:
        return {"input": {}, "output": {"Acme": {"gis_data_types": [], "parameters": {}}}}

    add_module(monkeypatch, "acme.handlers.capabilities", list_file_types=list_file_types)
    client = make_client(handlers="acme.handlers")
    assert list(client.get("/file_formats").json()["output"]) == ["Acme"]
    assert client.get("/conformance").status_code == 200
    assert "Acme" in client.get("/", headers={"Accept": "text/html"}).text


def test_provider_implements_what_the_driver_does_not(make_client: MakeClient, provider: ModuleType) -> None:
    async def list_jobs(context: Context, *, limit: int | None = None) -> dict[str, Any]:
        return {"jobs": [], "links": [], "asked": [context.account.id, limit]}

    provider.list_jobs = list_jobs  # type: ignore[attr-defined]
    client = make_client(without_jobs(), handlers="acme.handlers")
    assert client.get("/jobs").status_code == 401
    assert client.get("/jobs?limit=3", headers=TOKEN).json()["asked"] == ["alice", 3]
    assert {"path": "/jobs", "methods": ["GET"]} in client.get("/").json()["endpoints"]
    assert client.post("/jobs", headers=TOKEN, json={}).status_code == 501


def extended_document() -> dict[str, Any]:
    document = load_openapi()
    document["paths"]["/acme/{region}/tides"] = {
        "parameters": [
            {
                "name": "region",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "enum": ["north"]},
            }
        ],
        "post": {
            "operationId": "predictTides",
            "x-connexeo-microservice": "tides",
            "security": [{}, {"Bearer": []}],
            "parameters": [
                {"name": "from-day", "in": "query", "required": True, "schema": {"type": "integer"}}
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object", "required": ["port"]}}},
            },
            "responses": {
                202: {"description": "Accepted."},
                "2XX": {"description": "Fine."},
                "default": {"description": "No."},
            },
        },
    }
    return document


def test_provider_adds_an_operation_by_document(
    make_client: MakeClient, provider: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def predict_tides(context: Context, *, region: str, from_day: int, body: Any) -> dict[str, Any]:
        return {"region": region, "from": from_day, "body": body, "user": context.user and context.user.id}

    add_module(monkeypatch, "acme.handlers.tides", predict_tides=predict_tides)
    client = make_client(document=extended_document(), handlers="acme.handlers")
    response = client.post("/acme/north/tides?from-day=3", json={"port": "x"})
    assert response.status_code == 202
    assert response.json() == {"region": "north", "from": 3, "body": {"port": "x"}, "user": None}
    assert (
        client.post("/acme/north/tides?from-day=3", json={"port": 1}, headers=TOKEN).json()["user"] == "alice"
    )
    assert client.post("/acme/north/tides", json={"port": "x"}).status_code == 400
    assert client.post("/acme/north/tides?from-day=3", json={}).status_code == 400
    assert client.post("/acme/south/tides?from-day=3", json={"port": "x"}).status_code == 404
    assert client.request("OPTIONS", "/acme/north/tides").headers["allow"] == "OPTIONS, POST"
    assert "/acme/{region}/tides" in client.get("/openapi.json").json()["paths"]


def test_operation_that_nobody_implements_is_not_listed(make_client: MakeClient) -> None:
    client = make_client(document=extended_document())
    assert client.post("/acme/north/tides?from-day=3", json={"port": "x"}).status_code == 501
    assert "/acme/{region}/tides" not in {e["path"] for e in client.get("/").json()["endpoints"]}


def test_handler_that_answers_nothing(make_client: MakeClient, provider: ModuleType) -> None:
    async def delete_job(context: Context, *, job_id: str) -> None:
        return None

    provider.delete_job = delete_job  # type: ignore[attr-defined]
    response = make_client(handlers="acme.handlers").request("DELETE", "/jobs/j1", headers=TOKEN)
    assert (response.status_code, response.content) == (204, b"")


def test_file_that_is_uploaded_is_streamed(make_client: MakeClient, provider: ModuleType) -> None:
    async def upload_file(context: Context, *, path: str) -> dict[str, Any]:
        sizes = [len(chunk) async for chunk in context.request.stream()]
        return {"path": path, "size": sum(sizes), "chunks": len(sizes) - sizes.count(0)}

    provider.upload_file = upload_file  # type: ignore[attr-defined]
    client = make_client(handlers=("acme.handlers",), max_body=1024)
    chunks = [b"\xff" * 1000] * 5
    content = {"content_type": "application/octet-stream", "authorization": TOKEN["Authorization"]}
    response = client.send_chunks("PUT", "/files/a/b%20c.tif", chunks, **content)
    assert (response.status_code, response.json()) == (200, {"path": "a/b c.tif", "size": 5000, "chunks": 5})


def test_disabled_operations(make_client: MakeClient) -> None:
    client = make_client(disabled=("compute-result", "list-udf-runtimes"))
    assert client.get("/udf_runtimes").json()["code"] == "FeatureUnsupported"
    assert client.post("/result", json={}).status_code == 401
    assert client.post("/result", json={}, headers=TOKEN).status_code == 501
    paths = {endpoint["path"] for endpoint in client.get("/").json()["endpoints"]}
    assert "/validation" in paths
    assert not paths & {"/result", "/udf_runtimes"}


def test_driver_without_a_method(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.data_processing = None  # type: ignore[assignment]
    client = make_client(driver)
    assert client.post("/validation", json={}).status_code == 501
    assert "/validation" not in {endpoint["path"] for endpoint in client.get("/").json()["endpoints"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"handlers": "nowhere.handlers"}, "nowhere.handlers cannot be found"),
        ({"handlers": "connexeo.nowhere"}, "connexeo.nowhere cannot be found"),
        ({"disabled": "list-nothing"}, "list-nothing"),
        ({"demo": True, "host": "0.0.0.0"}, "loopback"),
        ({"demo": True, "host": "192.0.2.1"}, "loopback"),
        ({"contract": Path("nowhere.json")}, "nowhere.json cannot be read"),
    ],
)
def test_settings_that_cannot_be_served(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        create_app(Settings(**settings), driver=FakeDriver())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_demo_on_loopback(host: str) -> None:
    assert create_app(Settings(demo=True, host=host), driver=FakeDriver()) is not None


OVERLAY = "overlay: 1.0.0\ninfo: {title: Tides, version: 1.0.0}\nactions: [{target: $.info, update: {}}]\n"


@pytest.mark.parametrize("applied", [None, [], ["Tides 2.0.0"]])
def test_contract_that_lacks_an_overlay_of_the_settings(tmp_path: Path, applied: list[str] | None) -> None:
    path = tmp_path / "tides.yaml"
    path.write_text(OVERLAY)
    document = load_openapi()
    if applied is not None:
        document["info"]["x-connexeo-overlays"] = applied
    with pytest.raises(ValueError, match=r"not been through the overlays .*tides\.yaml.*connexeo serve"):
        create_app(Settings(overlays=(path,)), driver=FakeDriver(), document=document)


def test_contract_with_the_overlays_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "tides.yaml"
    path.write_text(OVERLAY)
    settings = Settings(overlays=(path,))
    document = build_document(overlays=settings.overlays)
    assert create_app(settings, driver=FakeDriver(), document=document) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("[]", "is not an overlay"),
        ("info: {}", "is not an overlay"),
        ("{", "is not"),
    ],
)
def test_overlay_of_the_settings_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "tides.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=rf"tides\.yaml {said}"):
        create_app(Settings(overlays=(path,)), driver=FakeDriver())


def test_handler_that_is_no_coroutine_function(provider: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_file_types(context: Context) -> dict[str, Any]:
        return {}

    list_file_types.__module__ = "acme.handlers.capabilities"
    add_module(monkeypatch, "acme.handlers.capabilities", list_file_types=list_file_types)
    settings = Settings(handlers=("acme.handlers",))
    with pytest.raises(ValueError, match=r"acme\.handlers\.capabilities\.list_file_types.*async def"):
        create_app(settings, driver=FakeDriver())


def test_handlers_that_are_coroutine_functions_in_other_shapes(
    make_client: MakeClient, provider: ModuleType
) -> None:
    class Lister:
        def __init__(self, name: str) -> None:
            self.name = name

        async def __call__(self, context: Context) -> dict[str, Any]:
            return {"input": {}, "output": {}, "by": self.name}

    async def list_udf_runtimes(context: Context, *, name: str) -> dict[str, Any]:
        return {"by": name}

    provider.list_file_types = Lister("object")  # type: ignore[attr-defined]
    provider.list_udf_runtimes = partial(list_udf_runtimes, name="partial")  # type: ignore[attr-defined]
    client = make_client(handlers="acme.handlers")
    assert client.get("/file_formats").json()["by"] == "object"
    assert client.get("/udf_runtimes").json()["by"] == "partial"


def test_error_inside_a_handler_package_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_provider.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        create_app(Settings(handlers=("broken_provider",)), driver=FakeDriver())


def test_driver_by_dotted_path() -> None:
    assert isinstance(load_driver(Settings(driver="fake_driver:create_driver")), FakeDriver)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "no driver 'nothing'.*local"),
        ("nowhere.at.all:create", "nowhere.*cannot be imported"),
        ("fake_driver:create_nothing", "create_nothing"),
    ],
)
def test_unknown_driver(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        load_driver(Settings(driver=name))


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_contract_from_a_file(make_client: MakeClient, tmp_path: Path, suffix: str) -> None:
    document = load_openapi()
    del document["paths"]["/udf_runtimes"]
    document["info"]["x-connexeo-conformance"] = ["https://acme.example/conf"]
    path = tmp_path / f"contract{suffix}"
    path.write_bytes(orjson.dumps(document) if suffix == ".json" else yaml.safe_dump(document).encode())
    client = make_client(contract=path)
    assert client.get("/udf_runtimes").status_code == 404
    assert "https://acme.example/conf" in client.get("/conformance").json()["conformsTo"]


@pytest.mark.parametrize("text", ["[]", "{}", '{"openapi": "3.1.0"}', '{"swagger": "2.0"}'])
def test_contract_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contract.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"not an OpenAPI 3\.0 document"):
        create_app(Settings(contract=path), driver=FakeDriver())


def test_published_document_can_be_served(make_client: MakeClient) -> None:
    published = Path(__file__).parents[3] / "shared" / "reference" / "openeo-api-1.3.0.yaml"
    if not published.is_file():
        pytest.skip("the published openEO document is not at hand")
    document = yaml.load(published.read_text("utf-8"), yaml.CSafeLoader)
    client = make_client(without_jobs(), document=document)
    assert client.get("/collections/alpha").status_code == 200
    assert client.get("/collections/alpha/queryables").status_code == 200
    assert client.get("/me", headers=TOKEN).json()["user_id"] == "alice"
    assert client.get("/jobs", headers=TOKEN).status_code == 501
