"""A child's way to addresses: real documents and files on loopback, and a host that answers questions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from connexeo.drivers.local.computing.web import GuardedServices, HostWeb, web_limits
from connexeo.drivers.local.computing.world import World
from connexeo.generated.errors import Internal, ProcessParameterInvalid
from connexeo.processing.environment import Environment
from connexeo.processing.evaluation import evaluate
from connexeo.settings import Settings


class Channel:
    """A host with a folder for copies, and without results of jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def tell(self, message: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def ask(self, name: str, arguments: Mapping[str, Any]) -> Any:
        self.asked.append(name)
        if name == "scratch":
            self.folder.mkdir(exist_ok=True)
            return str(self.folder)
        assert name == "results_at"
        return None


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """URL and folder of a static site."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def publish(folder: Path, href: str = "red.tif") -> np.ndarray:
    """An Item with one file."""
    values = np.arange(1, 257, dtype="uint16").reshape(16, 16)
    with rasterio.open(
        folder / "red.tif", "w", driver="GTiff", width=16, height=16, count=1, dtype="uint16", crs="EPSG:32632",
        transform=Affine(10, 0, 600000, 0, -10, 5300000),
    ) as target:  # fmt: skip
        target.write(values, 1)
    item = {
        "type": "Feature",
        "id": "i",
        "properties": {"datetime": "2024-05-01T10:00:00Z"},
        "assets": {"red": {"href": href, "type": "image/tiff", "bands": [{"name": "red"}]}},
    }
    (folder / "item.json").write_text(json.dumps(item))
    return values


def load(web: HostWeb, url: str) -> Any:
    graph = {"load": {"process_id": "load_stac", "arguments": {"url": url}, "result": True}}
    return evaluate(graph, environment=Environment(web=web)).compute()


def test_files_are_copied_and_read(site: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = site
    values = publish(folder)
    channel = Channel(tmp_path / "scratch")
    cube = load(HostWeb(channel, private=True, max_bytes=2**20), f"{url}/item.json")
    np.testing.assert_array_equal(cube.values[0, 0], values)
    assert channel.asked == ["results_at", "scratch"]
    assert [path.suffix for path in channel.folder.iterdir()] == [".tif"]


def test_private_addresses_are_a_matter_of_the_deployment(site: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = site
    publish(folder)
    channel = Channel(tmp_path / "scratch")
    with pytest.raises(ProcessParameterInvalid, match=r"the address of 127\.0\.0\.1 is not allowed"):
        load(HostWeb(channel, **web_limits(Settings())), f"{url}/item.json")
    assert not channel.folder.exists()


def test_the_size_of_copies_is_limited(site: tuple[str, Path], tmp_path: Path) -> None:
    url, folder = site
    publish(folder)
    channel = Channel(tmp_path / "scratch")
    with pytest.raises(ProcessParameterInvalid, match="more than 100 bytes"):
        load(HostWeb(channel, private=True, max_bytes=100), f"{url}/item.json")
    assert list(channel.folder.iterdir()) == []


def test_a_file_that_is_none(site: tuple[str, Path], tmp_path: Path) -> None:
    """What looks like an image and leads to another file, as VRT does, is not opened."""
    url, folder = site
    publish(folder, "red.vrt")
    secret = tmp_path / "secret.tif"
    (folder / "red.tif").rename(secret)
    source = f"<SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand>"
    band = f'<VRTRasterBand dataType="UInt16" band="1"><SimpleSource>{source}</SimpleSource></VRTRasterBand>'
    transform = "<GeoTransform>600000, 10, 0, 5300000, 0, -10</GeoTransform>"
    vrt = f'<VRTDataset rasterXSize="16" rasterYSize="16"><SRS>EPSG:32632</SRS>{transform}{band}</VRTDataset>'
    (folder / "red.vrt").write_text(vrt)
    web = HostWeb(Channel(tmp_path / "scratch"), private=True, max_bytes=2**20)
    with pytest.raises(Internal, match="Reading the asset 'red' of the item 'i' failed") as caught:
        load(web, f"{url}/item.json")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("private", [False, True])
def test_services_are_for_users(tmp_path: Path, private: bool) -> None:
    request = {
        "sources": {"catalogues": []},
        "web": web_limits(Settings(data=tmp_path, allow_private_network=private)),
    }
    channel = Channel(tmp_path)
    theirs = World({**request, "user": "ana"}, channel).environment()
    assert theirs.udf_services == theirs.detached().udf_services == GuardedServices(private)
    assert World(request, channel).environment().udf_services is None
