"""A configuration that changes while the server runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexeo.drivers.federation.configuration import Configuration
from connexeo.settings import load_settings

ONE = '[[federation.upstreams]]\nid = "alps"\nurl = "http://127.0.0.1:1"\n'
TWO = f'{ONE}[[federation.upstreams]]\nid = "coast"\nurl = "http://127.0.0.1:2"\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "connexeo.toml"
    monkeypatch.setenv("CONNEXEO_CONFIG", str(path))
    write(path, ONE)
    return path


def write(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text)
    unfinished.replace(path)


def ids(configuration: Configuration) -> tuple[str, ...]:
    return configuration.current.order


def test_another_file_is_another_configuration(file: Path) -> None:
    configuration = Configuration(load_settings())
    assert not configuration.refresh()
    write(file, TWO)
    assert configuration.refresh()
    assert ids(configuration) == ("alps", "coast")
    assert not configuration.refresh()


@pytest.mark.parametrize(
    "text",
    [
        "[federation",
        "title = 3",
        "",
        "[federation]\nupstreams = []",
        TWO.replace("coast", "ALPS"),
        TWO.replace("http://127.0.0.1:2", "ftp://elsewhere"),
        "[federation]\nno_such_thing = 1\n" + TWO,
    ],
)
def test_a_faulty_file_changes_nothing_and_a_good_one_is_read_again(file: Path, text: str) -> None:
    configuration = Configuration(load_settings())
    before = configuration.current
    write(file, text)
    assert not configuration.refresh()
    assert configuration.current is before
    write(file, TWO)
    assert configuration.refresh()
    assert ids(configuration) == ("alps", "coast")


def test_a_file_that_is_gone_changes_nothing(file: Path) -> None:
    configuration = Configuration(load_settings())
    file.unlink()
    assert not configuration.refresh()
    assert ids(configuration) == ("alps",)


def test_a_file_that_changed_since_the_settings_were_read_is_read(file: Path) -> None:
    settings = load_settings()
    write(file, TWO)
    configuration = Configuration(settings)
    assert configuration.refresh()
    assert ids(configuration) == ("alps", "coast")


def test_a_federation_needs_back_ends(file: Path) -> None:
    write(file, "")
    with pytest.raises(ValueError, match="federation"):
        Configuration(load_settings())
