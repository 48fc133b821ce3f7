"""User-defined functions as a user of the Python client has them: in jobs, in requests, and what they can't reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from openeo.rest import OpenEoApiError, connection
from openeo.rest._datacube import UDF

from connexeo.processing.udf.isolation import why_not
from graphs import BOX, COLLECTION
from served import Server, children

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no sandbox can be started here: {why_not()}")

HEAD = "import xarray as xr\n\ndef apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:\n"
SUMMER = ["2024-06-01", "2024-08-01"]

NDVI = (
    HEAD
    + """\
    from openeo.udf import inspect
    inspect(data=list(cube.sizes.values()), message="a block", level="warning")
    print("dates", str(cube.t.values[0])[:7])
    red, nir = cube.sel(bands="B04") * 1.0, cube.sel(bands="B08") * 1.0
    return (context["factor"] * (nir - red) / (nir + red)).astype("float32")
"""
)


@pytest.fixture(scope="module")
def user(demo_server: Server) -> connection.Connection:
    user = connection.connect(demo_server.url)
    user.authenticate_basic("demo", "demo")
    return user


@pytest.fixture(scope="module")
def cube(user: connection.Connection) -> Any:
    return user.load_collection(COLLECTION, BOX, SUMMER, ["B04", "B08"])


def test_runtimes(user: connection.Connection) -> None:
    runtimes: Any = user.list_udf_runtimes()
    assert runtimes["Python"]["default"] in runtimes["Python"]["versions"]
    assert "run_udf" in {process["id"] for process in user.list_processes()}


def test_job(cube: Any, tmp_path: Path) -> None:
    reducer = UDF(NDVI, runtime="python", context={"factor": 10})
    job = cube.reduce_dimension(dimension="bands", reducer=reducer).create_job(out_format="netCDF")
    job.start_and_wait(max_poll_interval=0.2, print=lambda _: None)
    job.get_results().download_files(tmp_path)
    cube.ndvi(nir="B08", red="B04").download(tmp_path / "expected.nc", format="netCDF")
    (name,) = tmp_path.glob("*[!d].nc")
    with xr.open_dataset(name) as found, xr.open_dataset(tmp_path / "expected.nc") as wanted:
        (values,) = (found[key] for key in found.data_vars if found[key].ndim == 3)
        (expected,) = (wanted[key] for key in wanted.data_vars if wanted[key].ndim == 3)
        np.testing.assert_allclose(values, 10 * expected, rtol=1e-4)
    logs = {entry.get("message"): entry for entry in job.logs(level="info")}
    assert logs["dates 2024-06"]["level"] == "info"
    assert logs["a block"]["level"] == "warning"
    assert len(logs["a block"]["data"]) == 4


def test_code_in_a_file_of_the_user(user: connection.Connection, cube: Any, tmp_path: Path) -> None:
    code = tmp_path / "tenth.py"
    code.write_text(HEAD + "    return cube / 10\n")
    file: Any = user.upload_file(code, "codes/tenth.py")
    arguments = {"data": {"from_parameter": "x"}, "udf": "/codes/tenth.py", "runtime": "Python"}
    child = {"udf": {"process_id": "run_udf", "arguments": arguments, "result": True}}
    for divided, name in (
        (cube.process("apply", data=cube, process={"process_graph": child}), "a"),
        (cube, "b"),
    ):
        divided.max_time().download(tmp_path / f"{name}.tif", format="GTiff")
    file.delete()
    with rasterio.open(tmp_path / "a.tif") as tenth, rasterio.open(tmp_path / "b.tif") as whole:
        np.testing.assert_allclose(tenth.read() * 10, whole.read().astype(float), rtol=1e-5)


def test_what_goes_wrong_is_told(cube: Any, demo_server: Server, tmp_path: Path) -> None:
    reducer = UDF(HEAD + "    return cube.mean('t').nothing\n", runtime="Python")
    with pytest.raises(OpenEoApiError) as raised:
        cube.reduce_dimension(dimension="t", reducer=reducer).download(tmp_path / "a.nc", format="netCDF")
    message = raised.value.message
    assert raised.value.code == "ProcessParameterInvalid"
    assert 'File "<udf>", line 4, in apply_datacube' in message
    assert "has no attribute 'nothing'" in message
    for ours in (str(demo_server.data), str(Path(__file__).parents[2]), "site-packages"):
        assert ours not in message


def test_nothing_of_the_server_is_reached(cube: Any, demo_server: Server, tmp_path: Path) -> None:
    database = demo_server.data / "connexeo.sqlite"
    assert database.exists()
    places = [*map(str, (database, demo_server.data, demo_server.log)), "/proc/1/environ", "/etc/passwd"]
    port = demo_server.url.rpartition(":")[2]
    code = HEAD + (
        "    import os, socket\n    tried = []\n"
        f"    for place in {places!r}:\n"
        "        tried.append(os.path.exists(place))\n"
        "    try:\n"
        f"        socket.create_connection(('127.0.0.1', {port}))\n"
        "        tried.append(True)\n"
        "    except OSError:\n"
        "        tried.append(False)\n"
        "    tried.append(any('CONNEXEO' in name or 'secret' in name for name in os.environ))\n"
        "    return 0 * cube.fillna(0) + sum(tried)\n"
    )
    cube.apply(process=UDF(code)).reduce_dimension(dimension="t", reducer="max").download(
        tmp_path / "a.tif", format="GTiff"
    )
    with rasterio.open(tmp_path / "a.tif") as result:
        assert (result.read() == 0).all()


def test_nothing_is_left_behind(cube: Any, demo_server: Server) -> None:
    job = cube.apply(process=UDF(HEAD + "    return cube\n")).create_job(out_format="netCDF")
    job.start_and_wait(max_poll_interval=0.2, print=lambda _: None)
    computing = demo_server.computing()
    computing += [child for worker in demo_server.job_workers() for child in children(worker)]
    assert computing
    assert [children(child) for child in computing] == [[] for _ in computing]


def test_whole_cubes_in_requests(user: connection.Connection, cube: Any) -> None:
    code = (
        "from openeo.udf import StructuredData, UdfData\n\ndef describe(data: UdfData):\n"
        "    array = data.get_datacube_list()[0].get_array()\n"
        "    data.set_structured_data_list([StructuredData({'dims': list(array.dims), 'proj': data.proj})])\n"
    )
    graph = cube.flat_graph()
    (last,) = graph
    arguments = {"data": {"from_node": last}, "udf": code, "runtime": "Python"}
    graph = {**graph, "udf": {"process_id": "run_udf", "arguments": arguments, "result": True}}
    graph[last].pop("result", None)
    answer: Any = user.execute(graph)
    assert answer == {"dims": ["t", "bands", "y", "x"], "proj": {"EPSG": 32632}}
