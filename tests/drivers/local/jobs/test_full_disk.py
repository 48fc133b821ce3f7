"""Disks that are really full: small file systems, which only root can make."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.jobs import logs
from connexeo.drivers.local.state.state import transaction
from working import Works, node, process, works

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount file systems")


@pytest.fixture
def mount() -> Iterator[Callable[[Path, str], None]]:
    """Mounts an empty file system of a size that vanishes after the test."""
    with ExitStack() as stack:

        def make(folder: Path, size: str) -> None:
            folder.mkdir(parents=True, exist_ok=True)
            options = f"size={size},mode=0700"
            command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"this system lets nobody mount file systems: {done.stderr.strip()}")
            stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)

        yield make


def array() -> dict[str, Any]:
    """A job with some ten megabytes of JSON."""
    return process(numbers=node("array_create", data=[123456789], repeat=1_000_000))


def image(file_format: str, *before: str) -> dict[str, Any]:
    """A job with a megabyte of pixels or more, in several files or one; and results that come before them."""
    load = node(
        "load_collection",
        id="climate-monthly-demo",
        spatial_extent={"west": -180, "south": -90, "east": 180, "north": 90},
        temporal_extent=["2024-01-01", "2024-12-01"],
        bands=["t2m"],
    )
    resample = node("resample_spatial", data={"from_node": "load"}, resolution=0.5)
    first = {name: node("save_result", data={"from_node": "load"}, format=name) for name in before}
    save = node("save_result", data={"from_node": "resample"}, format=file_format)
    return process(load=load, **first, resample=resample, save=save)


DISKS = {
    "storage and scratch folder": {"": "600k"},
    "scratch folder": {".scratch": "600k"},
    "storage": {"": "600k", ".scratch": "200m"},
}


@pytest.mark.parametrize("disks", DISKS.values(), ids=DISKS)
def test_jobs_that_find_no_room(
    tmp_path: Path, mount: Callable[[Path, str], None], disks: dict[str, str], demo_data: Path
) -> None:
    """They end with an error that says so and leave nothing behind; what takes less room is done afterwards."""
    url = f"sqlite:///{tmp_path}/data/connexeo.sqlite"
    with works(tmp_path, url, catalogues=demo_data / "demo", job_slots=1, jobs_per_user=1) as at:
        for name, size in disks.items():
            mount(at.storage / name, size)
        large = [at.add("ana", array()), *(at.add("ana", image(name)) for name in ("GTiff", "netCDF"))]
        small = at.add("ana", process(sum=node("add", x=1, y=2)))
        worker = at.start()
        at.wait("error", "finished")
        for job_id in large:
            check_error(at, job_id, str(tmp_path))
        assert at.check_results(small) == {"openEO.json": b"3"}
        assert at.stored() == at.published()
        assert list(at.storage.glob(".drafts/*")) == []
        assert list(at.storage.glob(".scratch/*/*")) == []
        assert worker.poll() is None
        assert at.stop() == [0]


def check_error(at: Works, job_id: str, secret: str) -> None:
    job = at.job(job_id)
    with transaction(at.engine, writing=False) as connection:
        entries = logs.read(connection, job_id, limit=1000)[0]
    print(job["status"], entries[-1])
    assert (job["status"], job["published"], job["run"], job["crashes"]) == ("error", None, 1, 0)
    assert entries[-1]["level"] == "error"
    assert entries[-1]["code"] == "StorageFailure"
    assert "no room" in entries[-1]["message"]
    assert secret not in str(entries)


def test_a_second_result_that_finds_no_room(
    tmp_path: Path, mount: Callable[[Path, str], None], demo_data: Path
) -> None:
    """The first one stays; of the second one, whose files come one after the other, nothing does."""
    url = f"sqlite:///{tmp_path}/data/connexeo.sqlite"
    with works(tmp_path, url, catalogues=demo_data / "demo") as at:
        mount(at.storage, "600k")
        mount(at.storage / ".scratch", "200m")
        job_id = at.add("ana", image("GTiff", "netCDF"))
        at.start()
        at.wait("error", "finished")
        check_error(at, job_id, str(tmp_path))
        assert [Path(key).suffix for key in at.published()] == [".nc"]
        assert at.stored() == at.published()
        assert at.stop() == [0]
