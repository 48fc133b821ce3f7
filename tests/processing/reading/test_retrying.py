from __future__ import annotations

import errno
import os
import pickle
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from connexeo.generated.errors import Internal
from connexeo.processing.environment import LogEntry
from connexeo.processing.reading import gaps as gaps_module
from connexeo.processing.reading import pixels, retrying
from connexeo.processing.reading.gaps import Gaps
from connexeo.processing.reading.grids import Grid
from connexeo.processing.reading.pixels import probe_header, read_layer
from connexeo.processing.reading.plans import Layer
from connexeo.processing.reading.retrying import PatientProbe, PatientReader, fault_of, patiently
from connexeo.processing.reading.windows import sample_layer
from file_server import Fault, FileServer, file_server

GRID = Grid("EPSG:32633", 500000.0, 5000000.0, 10.0, 10.0, 256, 256)
VALUES = np.arange(256 * 256, dtype="uint16").reshape(256, 256)


@pytest.fixture(scope="module")
def server() -> Iterator[FileServer]:
    with file_server() as made:
        yield made


@pytest.fixture(scope="module")
def image() -> bytes:
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=256, height=256, count=1, dtype="uint16", crs="EPSG:32633",
            transform=Affine(10, 0, 500000, 0, -10, 5000000), tiled=True, blockxsize=64, blockysize=64,
        ) as target:  # fmt: skip
            target.write(VALUES, 1)
        content: bytes = memory.read()
    return content


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience for tests."""
    monkeypatch.setattr(retrying, "DEADLINE", 1.5)
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.01)
    short = {"GDAL_HTTP_RETRY_DELAY": "0.01", "GDAL_HTTP_LOW_SPEED_TIME": "1"}
    monkeypatch.setattr(pixels, "GDAL", {**pixels.GDAL, **short})


def layer(href: str) -> Layer:
    return Layer(href, 1, "uint16", None, GRID, "B04", "scene-1")


def put(server: FileServer, image: bytes, *faults: Fault | None, request: pytest.FixtureRequest) -> str:
    path = f"/{re.sub('[^a-z0-9]', '-', request.node.name)}.tif"
    server.files[path] = image
    server.faults[path] = list(faults)  # type: ignore[arg-type]
    return server.url + path


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("read", [read_layer, sample_layer])
@pytest.mark.parametrize(
    "faults",
    [
        [503], [429, 502, 500], ["reset", "reset", "reset"], ["truncate"], [None, 503, 503, 503],
        [None, "reset", "reset"], [None, "truncate"], [None, None, "truncate"],
    ],
    ids=str,
)  # fmt: skip
def test_what_fails_for_a_moment_is_read(
    server: FileServer, image: bytes, read: Any, faults: list[Any], request: pytest.FixtureRequest
) -> None:
    href = put(server, image, *faults, request=request)
    values, valid = PatientReader(read)(layer(href), GRID)
    np.testing.assert_array_equal(values, VALUES)
    assert valid.all()


@pytest.mark.usefixtures("quick")
def test_who_hangs_is_asked_again(server: FileServer, image: bytes, request: pytest.FixtureRequest) -> None:
    href = put(server, image, "hang", request=request)
    values, _ = PatientReader(read_layer)(layer(href), GRID)
    np.testing.assert_array_equal(values, VALUES)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("fault", "reason", "most"),
    [
        (404, "it does not exist", 1),
        (403, "access to it is denied", 1),
        (501, "its server answers with the status 501", 1),
        (503, "its server cannot be reached, or does not answer properly", 1000),
        ("hang", "its server cannot be reached, or does not answer properly", 3),
    ],
)
def test_what_fails_for_good_is_an_error_within_seconds(
    server: FileServer, image: bytes, fault: Any, reason: str, most: int, request: pytest.FixtureRequest
) -> None:
    href = put(server, image, fault, request=request)
    path = href.removeprefix(server.url)
    server.lasting.add(path)
    begun = time.monotonic()
    with pytest.raises(Internal) as caught:
        PatientReader(read_layer)(layer(f"{href}?key=secret"), GRID)
    assert time.monotonic() - begun < 5
    assert caught.value.message == f"Reading the asset 'B04' of the item 'scene-1' failed: {reason}."
    assert len([1 for _, asked in server.requests if asked == path]) <= most


@pytest.mark.usefixtures("quick")
def test_damaged_files_are_not_read_for_long(
    server: FileServer, image: bytes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    local = tmp_path / "damaged.tif"
    local.write_bytes(image[:200])
    remote = put(server, b"nothing of an image" * 100, request=request)
    for href, most in ((str(local), 1), (remote, 2)):
        tries: list[str] = []

        def read(layer: Layer, area: Grid, tries: list[str] = tries) -> Any:
            tries.append(layer.href)
            return read_layer(layer, area)

        with pytest.raises(Internal, match="it is damaged, or of another format"):
            PatientReader(read)(layer(href), GRID)
        assert len(tries) == most


@pytest.mark.usefixtures("quick")
def test_redirects_lead_to_other_addresses_but_not_to_files_of_this_machine(
    server: FileServer, image: bytes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    href = put(server, image, request=request)
    server.redirects["/moved.tif"] = href
    values, _ = PatientReader(read_layer)(layer(f"{server.url}/moved.tif"), GRID)
    np.testing.assert_array_equal(values, VALUES)
    local = tmp_path / "local.tif"
    local.write_bytes(image)
    server.redirects["/local.tif"] = local.as_uri()
    with pytest.raises(Internal, match="'B04' of the item 'scene-1'"):
        PatientReader(read_layer)(layer(f"{server.url}/local.tif"), GRID)


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    tries: list[int] = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise Internal("Reading failed.") from error
        return "value"

    return attempt, tries


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ECONNRESET])
def test_file_systems_that_fail_for_a_moment_are_read_again(number: int) -> None:
    attempt, tries = failing(2, OSError(number, "…"))
    assert patiently(attempt, "/data/a.tif") == "value"
    assert len(tries) == 3
    # GDAL knows texts only.
    attempt, tries = failing(2, rasterio.RasterioIOError(f"/data/a.tif: {os.strerror(number)}"))
    assert patiently(attempt, "/data/a.tif") == "value"
    assert len(tries) == 3


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES])
def test_what_a_file_system_does_not_have_is_not_asked_for_again(number: int) -> None:
    attempt, tries = failing(1, OSError(number, "…"))
    with pytest.raises(Internal):
        patiently(attempt, "/data/a.tif")
    assert len(tries) == 1


def test_missing_files_are_known_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "missing.tif"
    with pytest.raises(Internal, match=r"'scene-1' failed: it does not exist\.$") as caught:
        PatientReader(read_layer)(layer(str(path)), GRID)
    assert str(tmp_path) not in caught.value.message
    assert (
        fault_of(rasterio.RasterioIOError("The specified key does not exist."), "s3://b/k").kind == "lasting"
    )


def test_file_systems_tell_what_libraries_do_not(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    error = rasterio.RasterioIOError("Read failed. See previous exception for details.")
    assert fault_of(error, str(path)).reason == "it does not exist"
    path.write_bytes(b"II*")
    assert fault_of(error, str(path)).kind == "lasting"


class Logs(list[LogEntry]):
    def __call__(self, entry: LogEntry) -> None:
        self.append(entry)


def test_gaps_are_logged_once_and_not_asked_for_again(
    server: FileServer, image: bytes, request: pytest.FixtureRequest
) -> None:
    logs = Logs()
    gaps = Gaps(1.0, logs)
    missing = layer(f"{server.url}/{request.node.name}-no.tif")
    read = PatientReader(read_layer, gaps)
    server.requests.clear()
    for _ in range(3):
        values, valid = read(missing, GRID)
        assert values.shape == valid.shape == (256, 256)
        assert not valid.any()
    assert PatientProbe(probe_header, gaps)(missing.href, "B04", "scene-1") is None
    assert len(server.requests) == 1
    [entry] = logs
    assert (entry.level, entry.code) == ("warning", "AssetUnreadable")
    assert entry.data == {"item": "scene-1", "asset": "B04", "reason": "it does not exist"}
    assert "http" not in entry.message
    values, valid = read(layer(put(server, image, request=request)), GRID)
    assert valid.all()


def test_more_gaps_than_the_limit_are_an_error(tmp_path: Path) -> None:
    gaps = Gaps(0.25, Logs())
    hrefs = [str(tmp_path / f"{number}.tif") for number in range(8)]
    gaps.expect(hrefs)
    read = PatientReader(read_layer, gaps)
    for href in hrefs[:2]:
        read(layer(href), GRID)
    with pytest.raises(Internal, match="3 of 8 assets cannot be read, which is more than the 25%"):
        read(layer(hrefs[2]), GRID)


@pytest.mark.usefixtures("quick")
def test_hosts_that_do_not_answer_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "DEADLINE", 0.0)
    asked: list[str] = []

    def silent(layer: Layer, area: Grid) -> Any:
        asked.append(layer.href)
        raise Internal("…") from rasterio.RasterioIOError("CURL error: Failed to connect")

    logs = Logs()
    read = PatientReader(silent, Gaps(1.0, logs))
    for number in range(10):
        read(layer(f"https://gone.example/{number}.tif"), GRID)
    read(layer("https://other.example/a.tif"), GRID)
    assert asked == [f"https://gone.example/{n}.tif" for n in range(3)] + ["https://other.example/a.tif"]
    assert len(logs) == 11
    later = time.monotonic() + gaps_module.PAUSE + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    read(layer("https://gone.example/again.tif"), GRID)
    assert asked[-1] == "https://gone.example/again.tif"


def test_gaps_find_themselves_again_by_their_key() -> None:
    gaps = Gaps(1.0, Logs())
    assert pickle.loads(pickle.dumps(gaps)) is gaps
    elsewhere = gaps_module._found("of another process")
    assert elsewhere.send is not None
    assert gaps_module._found("of another process") is elsewhere
