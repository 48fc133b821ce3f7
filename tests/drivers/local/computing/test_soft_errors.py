"""Assets that cannot be read, in the world of a child process: an error, or no data, as the user chose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from connexeo.drivers.local.computing.result import compute as compute_result
from connexeo.drivers.local.computing.world import World
from connexeo.drivers.local.jobs.computation import compute as compute_job
from connexeo.drivers.local.jobs.options import soft_errors
from connexeo.generated.errors import Internal, RequestInvalid
from small_catalogue import write_catalogue
from working import node, process

LOADED = process(
    load=node("load_collection", id="images", spatial_extent=None, temporal_extent=None),
    save=node("save_result", data={"from_node": "load"}, format="gtiff"),
)


class Host:
    """Hears what a task says."""

    def __init__(self) -> None:
        self.logs: list[Mapping[str, Any]] = []
        self.published: list[str] = []

    def tell(self, message: Mapping[str, Any]) -> None:
        if "log" in message:
            self.logs.append(message["log"])

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        self.published += [asset["name"] for asset in arguments["assets"]]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A collection of two images, of which that of the second day is not there."""
    folder = write_catalogue(tmp_path / "catalogue", days=(1, 2))
    (folder / "images" / "day2" / "B04.tif").unlink()
    return folder


def request(catalogue: Path, **more: Any) -> dict[str, Any]:
    sources = {"catalogues": [str(catalogue)], "process_modules": [], "process_definitions": []}
    folder = str(catalogue.parent / "results")
    return {"process": LOADED, "folder": folder, "sources": sources, "max_bytes": 2**20, **more}


def test_a_missing_asset_is_an_error_that_names_it(catalogue: Path) -> None:
    asked = request(catalogue)
    with pytest.raises(Internal) as caught:
        compute_result(asked, World(asked, Host()))
    message = "Reading the asset 'B04' of the item 'day2' failed: it does not exist."
    assert caught.value.message.startswith(message)
    assert str(catalogue) not in caught.value.message


def test_a_missing_asset_is_no_data_for_those_who_say_so(catalogue: Path) -> None:
    asked, host = request(catalogue, soft_errors=1.0), Host()
    answer = compute_job(asked, World(asked, host))
    assert answer == {}
    assert [entry["data"] for entry in host.logs] == [
        {"item": "day2", "asset": "B04", "reason": "it does not exist"}
    ]
    assert len(host.published) == 2
    pixels = []
    for name in sorted(host.published):
        with rasterio.open(catalogue.parent / "results" / name) as image:
            pixels.append(image.read(1))
    assert (pixels[0] == 1).all()
    assert np.isnan(pixels[1]).all()


def test_too_many_gaps_are_an_error(catalogue: Path) -> None:
    asked = request(catalogue, soft_errors=0.2)
    with pytest.raises(Internal, match="1 of 2 assets cannot be read"):
        compute_result(asked, World(asked, Host()))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 0.25),
        ({"job_options": {}}, 0.25),
        ({"job_options": {"soft-errors": True}}, 1.0),
        ({"job_options": {"soft_errors": 0.1}}, 0.1),
        ({"soft-errors": False}, 0.0),
        ({"soft_errors": 1}, 1.0),
        ({"job_options": {"soft-errors": 0}, "soft-errors": True}, 0.0),
        ({"job_options": {"soft-errors": None}}, 0.25),
    ],
    ids=str,
)
def test_users_choose_in_requests(given: dict[str, Any], expected: float) -> None:
    assert soft_errors(given, 0.25) == expected


@pytest.mark.parametrize("value", ["yes", -0.1, 1.5, [], {}], ids=str)
def test_what_is_no_part_is_refused(value: Any) -> None:
    with pytest.raises(RequestInvalid, match="'soft-errors' must be true, false, or a number from 0 to 1"):
        soft_errors({"job_options": {"soft-errors": value}}, 0.0)
