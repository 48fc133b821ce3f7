"""All files or none."""

from __future__ import annotations

import resource
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from connexeo.generated.errors import FormatUnsuitable, StorageFailure
from connexeo.processing.cube import dimensions_of, make_cube
from connexeo.processing.formats import archive, write_result, write_results
from connexeo.processing.result import Result
from vector_cubes import fields

Make = Callable[..., xr.DataArray]
FORMATS = ["GTiff", "netCDF", "PNG", "JSON", "CSV"]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Writing beyond a size fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def broken(cube: xr.DataArray) -> xr.DataArray:
    """A cube one of whose blocks cannot be computed."""

    def compute(block: Any, block_id: Any = None) -> Any:
        if block_id[-1] == 2:
            raise ValueError("unreadable source")
        return block

    data = cube.data.map_blocks(compute, dtype=cube.dtype, meta=np.empty((0,) * cube.ndim, cube.dtype))
    return make_cube(cube.copy(data=data), dimensions_of(cube))


@pytest.mark.parametrize("size", [0, 2000, 20_000, 60_000, 100_000])
@pytest.mark.parametrize("format_name", FORMATS)
def test_full_disk(make: Make, tmp_path: Path, format_name: str, size: int) -> None:
    cube = make("float64", rows=150, columns=150)
    with file_size_limit(size), pytest.raises(StorageFailure) as caught:
        write_result(Result(cube, format_name, {}), tmp_path)
    assert str(tmp_path) not in caught.value.message
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_written(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailure):
        write_result(Result(1, "JSON", {}), tmp_path / "file" / "folder")


@pytest.mark.parametrize("format_name", FORMATS)
def test_failing_computation_leaves_nothing(make: Make, tmp_path: Path, format_name: str) -> None:
    with pytest.raises(ValueError, match="unreadable source"):
        write_result(Result(broken(make()), format_name, {}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_failing_write_leaves_older_files(make: Make, tmp_path: Path) -> None:
    (older,) = write_result(Result([1], "JSON", {}), tmp_path)
    with pytest.raises(FormatUnsuitable):
        write_result(Result(object(), "JSON", {}), tmp_path)
    assert older.path.read_text() == "[1]"


def test_files_are_replaced(tmp_path: Path) -> None:
    write_result(Result([1], "JSON", {}), tmp_path)
    (file,) = write_result(Result([2], "JSON", {}), tmp_path)
    assert file.path.read_text() == "[2]"
    assert len(list(tmp_path.iterdir())) == 1


def test_folders_are_made(tmp_path: Path) -> None:
    (file,) = write_result(Result(1, "JSON", {"filename_prefix": "sum"}), tmp_path / "a" / "b")
    assert file.path == tmp_path / "a" / "b" / "sum.json"


def test_files_are_readable_as_the_user_wants(make: Make, tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.touch()
    for format_name in FORMATS:
        for file in write_result(Result(make(dims=("y", "x")), format_name, {}), tmp_path):
            assert file.path.stat().st_mode == probe.stat().st_mode


def test_several_results_get_different_names(tmp_path: Path) -> None:
    results = [
        Result(1, "JSON", {}),
        Result(2, "json", {}),
        Result(3, "JSON", {"filename_prefix": "other"}),
    ]
    files = write_results(results, tmp_path)
    assert [file.path.name for file in files] == ["openEO.json", "openEO-2.json", "other.json"]
    assert [file.path.read_text() for file in files] == ["1", "2", "3"]


def test_archive(make: Make, tmp_path: Path) -> None:
    files = write_result(Result(make(), "GTiff", {}), tmp_path)
    packed = archive(files, tmp_path)
    assert packed == tmp_path / "openEO.tar"
    with tarfile.open(packed, "r:") as tar:
        members = tar.getmembers()
        contents = {member.name: tar.extractfile(member) for member in members}
        for file in files:
            content = contents[file.path.name]
            assert content is not None
            assert content.read() == file.path.read_bytes()
    assert {(member.uid, member.uname) for member in members} == {(0, "")}


def test_archive_on_a_full_disk(tmp_path: Path) -> None:
    files = write_result(Result("a" * 50_000, "JSON", {}), tmp_path)
    with file_size_limit(20_000), pytest.raises(StorageFailure):
        archive(files, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["openEO.json"]


@pytest.mark.parametrize("name", ["with space", "a#b", "a?b=c&d", "ä'\"<>", "a:b", "zip!x", "100%25"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_any_name_of_a_folder(make: Make, tmp_path: Path, format_name: str, name: str) -> None:
    files = write_result(Result(make("uint8", ("y", "x")), format_name, {}), tmp_path / name)
    assert [path.name for path in (tmp_path / name).iterdir()] == [file.path.name for file in files]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("format_name", "suffix"),
    [("CSV", "csv"), ("GeoJSON", "geojson"), ("GeoParquet", "parquet"), ("Zarr", "zarr.zip")],
)
def test_the_same_format_twice(tmp_path: Path, format_name: str, suffix: str) -> None:
    results = [Result(fields(), name, {}) for name in (format_name, format_name.lower())]
    files = write_results(results, tmp_path)
    assert [file.path.name for file in files] == [f"openEO.{suffix}", f"openEO-2.{suffix}"]
    assert files[0].path.stat().st_size == pytest.approx(files[1].path.stat().st_size, rel=0.01)
