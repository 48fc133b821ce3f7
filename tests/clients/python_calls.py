"""What a user of the openEO Python client does, from connecting to deleting: 48 calls, in this order.

Each is a function of a `Session`, in which it keeps what later calls need. A call that fails raises.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rasterio
from openeo.extra.job_management import CsvJobDatabase, MultiBackendJobManager
from openeo.processes import process
from openeo.rest import OpenEoApiError
from openeo.rest.connection import Connection, connect

if TYPE_CHECKING:
    from oidc_issuer import OidcIssuer

COLLECTION = "sentinel-2-l2a-demo"
JUNE = ("2024-06-01", "2024-07-01")
SCALE = {
    "scaled": {
        "process_id": "multiply",
        "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "factor"}},
        "result": True,
    }
}
PARAMETERS = [
    {"name": "x", "description": "Any number.", "schema": {"type": "number"}},
    {
        "name": "factor",
        "description": "What it is multiplied with.",
        "schema": {"type": "number"},
        "optional": True,
        "default": 10,
    },
]


@dataclass
class Session:
    """What the calls share."""

    url: str
    issuer: OidcIssuer
    folder: Path
    """For downloads."""
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def connection(self) -> Any:
        """As ``demo``; the client has few types."""
        return self.kept["connection"]

    @property
    def job(self) -> Any:
        """The batch job."""
        return self.kept["job"]

    def cube(self) -> Any:
        """NDVI of June over 2 by 2 kilometres."""
        dimensions = self.connection.describe_collection(COLLECTION)["cube:dimensions"]
        west, south = dimensions["x"]["extent"][0], dimensions["y"]["extent"][0]
        extent = {"west": west, "south": south, "east": west + 2000, "north": south + 2000, "crs": 32632}
        cube = self.connection.load_collection(COLLECTION, extent, JUNE, ["B04", "B08"])
        return cube.ndvi(nir="B08", red="B04").reduce_dimension(dimension="t", reducer="median")


Call = Callable[[Session], None]
CALLS: dict[str, Call] = {}
"""The calls by name, in order."""


def call(function: Call) -> Call:
    """Add a call to the end of the list."""
    CALLS[function.__name__] = function
    return function


def refused(code: str, function: Callable[[], Any]) -> OpenEoApiError:
    """The error of a call that the back-end must refuse with this code."""
    with pytest.raises(OpenEoApiError) as refusal:
        function()
    assert refusal.value.code == code, str(refusal.value)
    return refusal.value


@call
def connect_by_well_known_document(session: Session) -> None:
    session.kept["connection"] = connect(session.url, auto_validate=False)


@call
def version_discovery(session: Session) -> None:
    assert Connection.version_discovery(session.url) == f"{session.url}/"


@call
def capabilities(session: Session) -> None:
    capabilities = session.connection.capabilities()
    assert capabilities.api_version() == "1.3.0"
    for path, method in (("/jobs", "POST"), ("/files/{path}", "PUT"), ("/services/{service_id}", "PATCH")):
        assert capabilities.supports_endpoint(path, method), path


@call
def list_file_formats(session: Session) -> None:
    formats = session.connection.list_file_formats()
    assert {"GTiff", "netCDF", "JSON", "PNG"} <= set(formats["output"])
    assert "GTiff" in formats["input"]


@call
def list_service_types(session: Session) -> None:
    assert {"XYZ", "WMTS"} <= {name.upper() for name in session.connection.list_service_types()}


@call
def list_collection_ids(session: Session) -> None:
    assert COLLECTION in session.connection.list_collection_ids()


@call
def list_collections(session: Session) -> None:
    assert {c["id"] for c in session.connection.list_collections()} >= {COLLECTION}


@call
def describe_collection(session: Session) -> None:
    assert session.connection.describe_collection(COLLECTION)["type"] == "Collection"
    assert session.connection.collection_metadata(COLLECTION).band_names[0] == "B02"


@call
def list_processes(session: Session) -> None:
    known = {process["id"] for process in session.connection.list_processes()}
    assert {"load_collection", "save_result", "load_stac", "load_uploaded_files"} <= known


@call
def describe_process(session: Session) -> None:
    assert session.connection.describe_process("ndvi")["id"] == "ndvi"


@call
def be_asked_for_an_account(session: Session) -> None:
    refused("AuthenticationRequired", session.connection.describe_account)


@call
def list_auth_providers(session: Session) -> None:
    providers = session.connection.list_auth_providers()
    assert {provider["type"] for provider in providers} == {"basic", "oidc"}


@call
def authenticate_with_a_wrong_password(session: Session) -> None:
    refused("CredentialsInvalid", lambda: session.connection.authenticate_basic("demo", "guess"))


@call
def authenticate_basic(session: Session) -> None:
    session.connection.authenticate_basic("demo", "demo")


@call
def describe_account(session: Session) -> None:
    account = session.connection.describe_account()
    assert account["user_id"] == "demo"
    assert account["storage"]["quota"] >= account["storage"]["free"] > 0


@call
def authenticate_oidc_client_credentials(session: Session) -> None:
    connection: Any = connect(session.url)
    connection.authenticate_oidc_client_credentials(
        client_id="river-job", client_secret="not so secret", provider_id="river"
    )
    assert connection.describe_account()["user_id"].startswith("river~")


@call
def authenticate_oidc_device(session: Session) -> None:
    connection: Any = connect(session.url)
    connection.authenticate_oidc_device(provider_id="river", store_refresh_token=True, max_poll_time=20)
    session.kept["ana"] = connection
    assert connection.describe_account()["name"] == "Ana Lind"


@call
def authenticate_oidc_refresh_token(session: Session) -> None:
    connection: Any = connect(session.url)
    connection.authenticate_oidc_refresh_token(provider_id="river")
    assert connection.describe_account()["user_id"] == "river~ana"


@call
def refresh_an_expired_token(session: Session) -> None:
    connection: Any = session.kept["ana"]
    session.issuer.lifetime = -3600
    try:
        assert connection.try_access_token_refresh()
    finally:
        session.issuer.lifetime = 300
    expired = connection.auth.bearer
    assert _is_refused(session.url, expired)
    assert connection.describe_account()["user_id"] == "river~ana"
    assert connection.auth.bearer != expired


def _is_refused(url: str, bearer: str) -> bool:
    import httpx

    answer = httpx.get(f"{url}/me", headers={"Authorization": f"Bearer {bearer}"})
    return answer.status_code == 403 and answer.json()["code"] == "TokenInvalid"


@call
def validate_a_valid_process(session: Session) -> None:
    assert session.cube().validate() == []


@call
def validate_an_invalid_process(session: Session) -> None:
    graph = {"nothing": {"process_id": "no_such_process", "arguments": {}, "result": True}}
    faults = session.connection.validate_process_graph(graph)
    assert [fault["code"] for fault in faults] == ["ProcessUnsupported"]


@call
def execute(session: Session) -> None:
    graph = {"sum": {"process_id": "add", "arguments": {"x": 3, "y": 5}, "result": True}}
    assert session.connection.execute(graph) == 8


@call
def download(session: Session) -> None:
    path = session.folder / "ndvi.tif"
    session.cube().download(path, format="GTiff")
    with rasterio.open(path) as image:
        assert image.shape == (200, 200)


@call
def datacube_from_json(session: Session) -> None:
    cube = session.connection.datacube_from_json(session.cube().to_json())
    assert cube.flat_graph() == session.cube().flat_graph()


@call
def save_user_defined_process(session: Session) -> None:
    session.kept["scale"] = session.connection.save_user_defined_process(
        "scale", process_graph=SCALE, parameters=PARAMETERS, summary="Scale a number."
    )


@call
def list_user_defined_processes(session: Session) -> None:
    assert [process["id"] for process in session.connection.list_user_defined_processes()] == ["scale"]


@call
def describe_user_defined_process(session: Session) -> None:
    described = session.connection.user_defined_process("scale").describe()
    assert described["process_graph"] == SCALE
    assert any(link["rel"] == "canonical" for link in described["links"])


@call
def use_user_defined_process(session: Session) -> None:
    assert session.connection.execute(session.connection.datacube_from_process("scale", x=4)) == 40


@call
def use_user_defined_process_in_a_callback(session: Session) -> None:
    def scaled(x: Any) -> Any:
        return process("scale", x=x, factor=100)

    cube = session.cube().apply(scaled)
    cube.download(session.folder / "scaled.tif", format="GTiff")
    with rasterio.open(session.folder / "scaled.tif") as a, rasterio.open(session.folder / "ndvi.tif") as b:
        assert a.read(1)[50, 50] == 100 * b.read(1)[50, 50]


@call
def upload_file(session: Session) -> None:
    session.connection.upload_file(session.folder / "ndvi.tif", target="maps/ndvi.tif")


@call
def list_files(session: Session) -> None:
    (file,) = session.connection.list_files()
    assert file.path.as_posix() == "maps/ndvi.tif"
    assert file.metadata["size"] == (session.folder / "ndvi.tif").stat().st_size


@call
def download_file(session: Session) -> None:
    session.connection.get_file("maps/ndvi.tif").download(session.folder / "again.tif")
    assert (session.folder / "again.tif").read_bytes() == (session.folder / "ndvi.tif").read_bytes()


@call
def load_an_uploaded_file(session: Session) -> None:
    arguments = {"paths": ["maps/ndvi.tif"], "format": "GTiff", "options": {}}
    cube = session.connection.datacube_from_process("load_uploaded_files", **arguments)
    cube.download(session.folder / "uploaded.tif", format="GTiff")
    with rasterio.open(session.folder / "uploaded.tif") as image:
        assert image.shape == (200, 200)


@call
def delete_file(session: Session) -> None:
    session.connection.get_file("maps/ndvi.tif").delete()
    assert session.connection.list_files() == []


@call
def create_job(session: Session) -> None:
    saved = session.cube().save_result(format="GTiff")
    session.kept["job"] = session.connection.create_job(saved, title="NDVI", description="Of *June*.")


@call
def describe_job(session: Session) -> None:
    described = session.job.describe()
    assert described["title"] == "NDVI"
    assert described["status"] == session.job.status() == "created"


@call
def list_jobs(session: Session) -> None:
    assert session.job.job_id in {job["id"] for job in session.connection.list_jobs()}


@call
def estimate_job(session: Session) -> None:
    assert session.job.estimate()["size"] > 0


@call
def start_and_wait(session: Session) -> None:
    lines: list[str] = []
    session.job.start_and_wait(print=lines.append, max_poll_interval=1, connection_retry_interval=1)
    assert session.job.status() == "finished"


@call
def job_logs(session: Session) -> None:
    logs = session.job.logs(level="info")
    assert logs
    assert {entry.level for entry in logs} <= {"info", "warning"}


@call
def job_results(session: Session) -> None:
    results = session.job.get_results()
    assert results.get_metadata()["type"] == "Collection"
    (path, *rest) = results.download_files(session.folder / "results", include_stac_metadata=True)
    assert [file.name for file in rest] == ["job-results.json"]
    with rasterio.open(path) as a, rasterio.open(session.folder / "ndvi.tif") as b:
        assert (a.read() == b.read()).all()


@call
def load_result_assets(session: Session) -> None:
    (asset,) = session.job.get_results().get_assets()
    assert asset.media_type.startswith("image/tiff")
    assert asset.load_bytes()[:2] in (b"II", b"MM")


@call
def load_stac_from_job(session: Session) -> None:
    path = session.folder / "stac.tif"
    session.connection.load_stac_from_job(session.job).download(path, format="GTiff")
    with rasterio.open(path) as a, rasterio.open(session.folder / "ndvi.tif") as b:
        assert (a.read() == b.read()).all()


@call
def run_many_jobs(session: Session) -> None:
    import pandas as pd

    def start(row: Any, connection: Any, **_: Any) -> Any:
        graph = {"sum": {"process_id": "add", "arguments": {"x": int(row["x"]), "y": 1}, "result": True}}
        return connection.create_job(graph, title=f"sum {row['x']}")

    folder = session.folder / "many"
    manager: Any = MultiBackendJobManager(root_dir=folder, poll_sleep=1)
    manager.add_backend("here", connection=session.connection, parallel_jobs=2)
    database = CsvJobDatabase(folder / "jobs.csv").initialize_from_df(pd.DataFrame({"x": [1, 2, 3]}))
    manager.run_jobs(start_job=start, job_db=database)
    jobs = database.read()
    assert set(jobs["status"]) == {"finished"}
    contents = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    sums = [content for content in contents if isinstance(content, int)]
    assert sorted(sums) == [2, 3, 4]


@call
def stop_job(session: Session) -> None:
    job = session.connection.create_job(session.cube().save_result(format="GTiff"))
    job.start()
    job.stop()
    session.kept["stopped"] = job
    assert job.status() in ("created", "canceled", "finished")


@call
def delete_job(session: Session) -> None:
    session.kept["stopped"].delete()
    session.job.delete()
    refused("JobNotFound", session.job.describe)


@call
def use_a_service(session: Session) -> None:
    service = session.connection.create_service(
        session.cube().flat_graph(), type="XYZ", title="NDVI", configuration={}, enabled=True
    )
    assert service.service_id in {each["id"] for each in session.connection.list_services()}
    assert service.describe_service()["type"].upper() == "XYZ"
    # The client has no method for it that works.
    session.connection.patch(f"/services/{service.service_id}", json={"title": "Green"}, expected_status=204)
    assert service.describe_service()["title"] == "Green"
    assert isinstance(list(service.logs()), list)
    service.delete_service()
    assert session.connection.list_services() == []


@call
def delete_user_defined_process(session: Session) -> None:
    session.kept["scale"].delete()
    assert session.connection.list_user_defined_processes() == []
