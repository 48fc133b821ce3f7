"""Settings: where they come from, which of them wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connexeo.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CONNEXEO_"):
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file; empty."""
    path = tmp_path / "connexeo.toml"
    path.touch()
    monkeypatch.setenv("CONNEXEO_CONFIG", str(path))
    return path


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.host == "127.0.0.1"
    assert settings.driver == "local"
    assert settings.demo is False
    assert settings.handlers == settings.disabled == settings.catalogues == ()


def test_arguments_win_over_environment_over_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('title = "file"\nport = 1111\nid = "file"\n')
    assert load_settings().title == "file"
    monkeypatch.setenv("CONNEXEO_TITLE", "environment")
    monkeypatch.setenv("CONNEXEO_PORT", "2222")
    settings = load_settings(title="argument", description=None)
    assert (settings.title, settings.port, settings.id) == ("argument", 2222, "file")
    assert settings.description == Settings().description


@pytest.mark.parametrize(
    ("text", "names"),
    [("a,b", ("a", "b")), (" a , b ,", ("a", "b")), ("a", ("a",)), ("", ())],
)
@pytest.mark.parametrize("field", ["handlers", "disabled", "process_modules", "catalogues"])
def test_lists_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, field: str, text: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv(f"CONNEXEO_{field.upper()}", text)
    assert getattr(load_settings(), field) == names


def test_lists_and_tables_in_the_file(config: Path) -> None:
    config.write_text(
        'handlers = ["a.handlers", "b.handlers"]\noverlays = ["x.yaml"]\n'
        '[[oidc]]\nid = "egi"\nissuer = "https://login.example"\ntitle = "EGI"\n'
    )
    settings = load_settings()
    assert settings.handlers == ("a.handlers", "b.handlers")
    assert settings.overlays == (config.parent / "x.yaml",)
    assert [(p.id, p.scopes) for p in settings.oidc] == [("egi", ("openid", "email"))]


@pytest.mark.parametrize(("given", "kept"), [("", ""), ("/", ""), ("api", "/api"), ("/a/b/", "/a/b")])
def test_base_path(given: str, kept: str) -> None:
    assert Settings(base_path=given).base_path == kept


def test_public_url() -> None:
    assert Settings(public_url="https://eo.example/api/").public_url == "https://eo.example/api"
    with pytest.raises(ValueError, match="public_url"):
        load_settings(public_url="eo.example")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"port": "many"}, "port"),
        ({"max_body": 10}, "max_body"),
        ({"log_format": "xml"}, "log_format"),
        ({"token_lifetime": 0}, "token_lifetime"),
        ({"colour": "red"}, "colour"),
        ({"oidc": [{"id": "white space", "issuer": "https://x", "title": "x"}]}, "oidc.0.id"),
        ({"oidc": [{"id": "x", "issuer": "https://x", "title": "x", "colour": 1}]}, "oidc.0.colour"),
    ],
)
def test_wrong_settings_are_named(overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=rf"^wrong settings: .*{said}: "):
        load_settings(**overrides)


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXEO_PORT", "x")
    with pytest.raises(ValueError, match=r"port: .*; .*log_level: |log_level: .*; .*port: "):
        load_settings(log_level="loud")


def test_unknown_name_in_the_file_is_refused(config: Path) -> None:
    config.write_text('colour = "red"\n')
    with pytest.raises(ValueError, match="colour"):
        load_settings()


def test_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONNEXEO_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ValueError, match=r"none\.toml does not exist"):
        load_settings()


def test_file_that_is_no_toml(config: Path) -> None:
    config.write_text("title = \n")
    with pytest.raises(ValueError, match=r"connexeo\.toml is not valid TOML"):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().title = "other"


def test_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXEO_SECRET", "hush-hush-hush")
    settings = load_settings()
    assert "hush" not in repr(settings)
    assert settings.secret is not None
    assert settings.secret.get_secret_value() == "hush-hush-hush"


def test_database_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).database_url == f"sqlite:///{tmp_path}/connexeo.sqlite"
    assert Settings(database="postgresql+psycopg://db/x").database_url == "postgresql+psycopg://db/x"


def test_clusters_have_the_address_of_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(dask="tcp://scheduler:8786").dask == "tcp://scheduler:8786"
    with pytest.raises(ValueError, match=r"dask: .*must be the address of a dask scheduler"):
        load_settings(dask="scheduler")
    monkeypatch.setattr("connexeo.settings.settings.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"dask: .*pip install 'connexeo\[dask\]'"):
        load_settings(dask="tcp://scheduler:8786")
