from __future__ import annotations

from pathlib import Path

import pytest

from connexeo.settings import load_settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a settings file, which is not the working directory."""
    folder = tmp_path / "deployment"
    folder.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("CONNEXEO_CONFIG", str(folder / "connexeo.toml"))
    return folder


def write(folder: Path, text: str) -> None:
    (folder / "connexeo.toml").write_text(text)


def test_relative_paths_start_at_the_folder_of_the_file(folder: Path) -> None:
    write(
        folder,
        """
        contract = "contract.json"
        data = "../state"
        overlays = ["overlays/a.yaml", "/etc/b.yaml"]
        catalogues = ["stac", "/srv/stac", "https://stac.example/v1", "file:///srv/other"]
        """,
    )
    settings = load_settings()
    assert settings.contract == folder / "contract.json"
    assert settings.data.resolve() == folder.parent / "state"
    assert settings.overlays == (folder / "overlays/a.yaml", Path("/etc/b.yaml"))
    assert settings.catalogues == (
        str(folder / "stac"),
        "/srv/stac",
        "https://stac.example/v1",
        "file:///srv/other",
    )


def test_lists_of_paths_may_be_written_with_commas(folder: Path) -> None:
    write(folder, 'overlays = "a.yaml, b.yaml"\ncatalogues = "stac, https://stac.example/v1"')
    settings = load_settings()
    assert settings.overlays == (folder / "a.yaml", folder / "b.yaml")
    assert settings.catalogues == (str(folder / "stac"), "https://stac.example/v1")


def test_a_relative_name_of_the_file_is_no_different(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'data = "state"')
    monkeypatch.setenv("CONNEXEO_CONFIG", "../deployment/connexeo.toml")
    assert load_settings().data == folder / "state"


def test_paths_from_elsewhere_start_at_the_working_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, 'catalogues = ["stac"]\ndata = "state"')
    monkeypatch.setenv("CONNEXEO_CATALOGUES", "mine")
    settings = load_settings(data="given")
    assert settings.catalogues == ("mine",)
    assert settings.data == Path("given")


def test_only_paths_are_resolved(folder: Path) -> None:
    write(folder, 'handlers = ["mybackend.handlers"]\ntitle = "a/b"\ndisabled = "debug, list-jobs"')
    settings = load_settings()
    assert settings.handlers == ("mybackend.handlers",)
    assert settings.title == "a/b"
    assert settings.disabled == ("debug", "list-jobs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title =\nport = 1", r"connexeo.toml is not valid TOML: .*line 1"),
        ("titel = 'x'", r"wrong settings: titel"),
        ("overlays = 3", r"wrong settings: overlays"),
        ("catalogues = [3]", r"wrong settings: catalogues"),
        ("data = 3", r"wrong settings: data"),
    ],
)
def test_a_wrong_file_is_told(folder: Path, text: str, message: str) -> None:
    write(folder, text)
    with pytest.raises(ValueError, match=message):
        load_settings()


def test_a_file_that_is_not_text_is_told(folder: Path) -> None:
    (folder / "connexeo.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(ValueError, match="is not valid TOML"):
        load_settings()


def test_a_missing_file_is_told(folder: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        load_settings()
