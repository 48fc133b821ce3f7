from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from typer.testing import CliRunner

from connexeo.tools.cli import app
from connexeo.tools.new import project as module
from connexeo.tools.new.project import Project, ProjectError, render_project, write_project

REPOSITORY = Path(__file__).parents[2]
NAME = "river-data"
PASSWORD = "correct horse"

pytestmark = pytest.mark.xdist_group("new")


def sources() -> dict[str, str]:
    """Path → hash of everything that connexeo consists of."""
    return {
        str(path.relative_to(REPOSITORY)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("handlers", "generated", "tools", "spec")
        for path in sorted((REPOSITORY / folder).rglob("*"))
        if path.is_file() and "cache" not in str(path)
    }


def environment(**values: str) -> dict[str, str]:
    """Variables of the tests' process without settings of connexeo."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CONNEXEO_")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **values}


def connexeo(*arguments: str, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command line as users of the project do: in its folder."""
    return subprocess.run(
        [sys.executable, "-m", "connexeo.tools", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        **options,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new project; what is done with it must leave our own files as they are."""
    before = sources()
    assert len(before) > 100
    folder = tmp_path_factory.mktemp("new") / NAME
    connexeo("new", NAME, folder=folder.parent)
    yield folder
    assert sources() == before


@pytest.fixture(scope="module")
def server(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the project, served by the command of its README, with the account maria."""
    connexeo(
        "users", "add", "maria", "--password-stdin", "--config", "connexeo.toml", folder=made, input=PASSWORD
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = tmp_path_factory.mktemp("log") / "server.log"
    command = [sys.executable, "-m", "connexeo.tools", "serve", "--config", "connexeo.toml", "--port", port]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--workers", "1"], cwd=made, env=environment(), stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the project is not served:\n{log.read_text()[-3000:]}")
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(40)


def call(url: str, body: Any = None, **headers: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of a response, also of a failure."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urlopen(request, timeout=120) as response:
            return response.status, response.headers, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_its_own_tests_pass(made: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(command, cwd=made, env=environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "6 passed" in result.stdout
    assert "warning" not in result.stdout


def test_its_endpoint_is_listed_and_routed(server: str) -> None:
    status, _, body = call(f"{server}/")
    capabilities = json.loads(body)
    assert (status, capabilities["title"]) == (200, "River data")
    assert {"path": f"/{NAME}/greeting/{{name}}", "methods": ["GET"]} in capabilities["endpoints"]
    status, headers, body = call(f"{server}/{NAME}/greeting/Ada?language=de")
    assert (status, json.loads(body)["greeting"]) == (200, "Guten Tag, Ada!")
    assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("Ada?language=tlh", (400, "RequestInvalid")),
        ("A%20B", (404, "NotFound")),
        ("a" * 41, (404, "NotFound")),
    ],
)
def test_its_requests_are_validated(server: str, path: str, fault: tuple[int, str]) -> None:
    status, _, body = call(f"{server}/{NAME}/greeting/{path}")
    assert (status, json.loads(body)["code"]) == fault


def test_its_collection_is_listed_and_can_be_processed(server: str) -> None:
    listed = json.loads(call(f"{server}/collections")[2])["collections"]
    assert [collection["id"] for collection in listed] == [f"{NAME}-heights"]
    credentials = base64.b64encode(f"maria:{PASSWORD}".encode()).decode()
    login = call(f"{server}/credentials/basic", Authorization=f"Basic {credentials}")
    token = f"Bearer basic//{json.loads(login[2])['access_token']}"
    greeting = json.loads(call(f"{server}/{NAME}/greeting/Ada", Authorization=token)[2])
    assert greeting["user_id"] == "maria"
    graph = {
        "load": {
            "process_id": "load_collection",
            "arguments": {
                "id": f"{NAME}-heights",
                "spatial_extent": {"west": 11.1, "south": 46.2, "east": 11.3, "north": 46.5},
                "temporal_extent": None,
            },
        },
        "save": {
            "process_id": "save_result",
            "arguments": {"data": {"from_node": "load"}, "format": "GTiff"},
            "result": True,
        },
    }
    status, headers, body = call(
        f"{server}/result", {"process": {"process_graph": graph}}, Authorization=token
    )
    assert status == 200, body
    assert headers["Content-Type"].startswith("image/tiff")
    from rasterio.io import MemoryFile

    with MemoryFile(body) as memory, memory.open() as dataset:
        assert (dataset.width, dataset.height) == (20, 30)
        assert dataset.read(1).max() > 1000


def test_its_endpoint_is_documented(made: Path, tmp_path: Path) -> None:
    page = tmp_path / "api.html"
    connexeo("spec", "docs", "--overlay", f"overlays/{NAME}.yaml", "-o", str(page), folder=made)
    text = page.read_text()
    assert f"/{NAME}/greeting/{{name}}" in text
    assert "get-greeting" in text
    shown = connexeo("spec", "show", "get-greeting", "--overlay", f"overlays/{NAME}.yaml", folder=made)
    assert f"/{NAME}/greeting/{{name}}" in shown.stdout


def test_its_types_are_generated(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "river_types"
    connexeo("generate", "--overlay", f"overlays/{NAME}.yaml", "-o", str(package), folder=made)
    assert sorted(path.name for path in package.iterdir()) == [
        "__init__.py",
        "models.py",
        "protocols.py",
        "py.typed",
    ]
    monkeypatch.syspath_prepend(str(tmp_path))
    models = importlib.import_module("river_types.models")
    protocols = importlib.import_module("river_types.protocols")
    assert set(models.Greeting.__annotations__) == {"greeting", "language", "sender", "user_id"}
    handler = protocols.GetGreeting.__call__
    assert handler.__annotations__["return"] == "models.Greeting | Response"
    assert handler.__kwdefaults__ == {"language": "en"}
    assert protocols.models is models


def test_types_of_an_overlay_need_a_folder(made: Path) -> None:
    result = CliRunner().invoke(app, ["generate", "--overlay", str(made / "overlays" / f"{NAME}.yaml")])
    assert result.exit_code == 2
    assert "--output" in result.stderr


def test_settings_and_metadata_name_what_is_there(made: Path) -> None:
    settings = tomllib.loads((made / "connexeo.toml").read_text())
    assert [(made / overlay).is_file() for overlay in settings["overlays"]] == [True]
    assert settings["handlers"] == ["river_data.handlers"]
    metadata = tomllib.loads((made / "pyproject.toml").read_text())["project"]
    assert metadata["name"] == NAME
    assert metadata["dependencies"][0].startswith("connexeo>=")
    assert metadata["entry-points"]["connexeo.drivers"] == {NAME: "river_data.driver:create_driver"}
    assert settings["driver"] == "river_data.driver:create_driver"


@pytest.mark.parametrize("name", ["a", "river", "river-data", "river_data_2", "r2d2"])
def test_every_name_gives_valid_files(name: str) -> None:
    project = Project.named(name)
    assert project.package.isidentifier()
    for path, content in render_project(project).items():
        if path.endswith(".py"):
            compile(content, path, "exec")
        elif path.endswith(".toml"):
            tomllib.loads(content.decode())
        elif path.endswith(".json"):
            json.loads(content)
        assert b"{{" not in content or path.endswith(".tif")


@pytest.mark.parametrize(
    "name",
    [
        "", "2rivers", "River", "river data", "river.data", "-river", "river-", "river--data", "../river",
        "rivière", "a" * 65, "class", "json", "test", "tests", "connexeo", "overlays", "numpy", "river/data",
        "river\n",
    ],
)  # fmt: skip
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be the name of a project"):
        Project.named(name)
    result = CliRunner().invoke(app, ["new", "--directory", str(tmp_path / "x"), "--", name])
    assert result.exit_code == 1
    assert "error:" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_is_installed_can_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point tells a back-end from other packages; numpy is refused above."""
    distributions = {"river_data": ["river-data"], "numpy": ["numpy"]}
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: distributions)
    entry = importlib.metadata.EntryPoint("river-data", "river_data.driver:create_driver", "connexeo.drivers")
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda **_: importlib.metadata.EntryPoints([entry])
    )
    assert Project.named("river-data").package == "river_data"
    with pytest.raises(ProjectError, match="numpy has a package numpy"):
        Project.named("numpy")


def test_the_folder_is_the_name_unless_another_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["new", "river"]).exit_code == 0
    assert CliRunner().invoke(app, ["new", "lake", "--directory", "deep/er"]).exit_code == 0
    assert (tmp_path / "river" / "overlays" / "river.yaml").is_file()
    assert (tmp_path / "deep" / "er" / "overlays" / "lake.yaml").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "river"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    folder = tmp_path / "river"
    folder.mkdir()
    inode = folder.stat().st_ino
    write_project(Project.named("river"), folder)
    # The same folder: it may be the working directory of a shell.
    assert folder.stat().st_ino == inode
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore", "README.md", "connexeo.toml", "overlays", "pyproject.toml", "river", "tests",
    }  # fmt: skip


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for target, message in ((tmp_path, "is not empty"), (tmp_path / "notes.txt", "is not a folder")):
        with pytest.raises(ProjectError, match=message):
            write_project(Project.named("river"), target)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    folder = tmp_path / "river"
    if there:
        folder.mkdir()
    monkeypatch.setattr(Path, "write_bytes", _full_after(5, Path.write_bytes))
    with pytest.raises(OSError, match="disk is full"):
        write_project(Project.named("river"), folder)
    assert list(tmp_path.rglob("*")) == ([folder] if there else [])


def test_a_failure_while_filling_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "rename", _full_after(3, Path.rename))
    with pytest.raises(OSError, match="disk is full"):
        write_project(Project.named("river"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def _full_after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    left = iter(range(calls))

    def limited(*arguments: Any) -> Any:
        if next(left, None) is None:
            raise OSError("the disk is full")
        return function(*arguments)

    return limited


def test_every_template_is_used() -> None:
    templates = Path(module.__file__).with_name("templates")
    present = {str(path.relative_to(templates)) for path in templates.rglob("*") if path.is_file()}
    assert present == set(module._FILES)
