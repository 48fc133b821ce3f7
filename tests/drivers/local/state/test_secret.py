from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connexeo.drivers.local.state.secret import check_secrets, derive_key, load_secret, load_secrets
from connexeo.settings import Settings


def test_secret_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "deep"
    secret = load_secret(folder)
    assert len(secret) >= 32
    assert load_secret(folder) == secret
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["secret"]


def test_secrets_differ(tmp_path: Path) -> None:
    assert load_secret(tmp_path / "a") != load_secret(tmp_path / "b")


@pytest.mark.parametrize("content", [b"", b"short"])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ValueError, match="too short"):
        load_secret(tmp_path)


def test_file_that_others_may_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_secret(tmp_path)
    assert not caplog.records
    (tmp_path / "secret").chmod(0o644)
    load_secret(tmp_path)
    assert "other users" in caplog.text


def test_workers_that_start_at_once_agree(
    tmp_path: Path, run_at_once: Callable[[str, str], list[str]]
) -> None:
    code = """
from pathlib import Path
from connexeo.drivers.local.state.secret import load_secret
print(load_secret(Path(argument)))
"""
    assert set(run_at_once(code, str(tmp_path))) == {str(load_secret(tmp_path))}
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def _settings(folder: Path, **settings: Any) -> Settings:
    return Settings(data=folder, **settings)


def test_secret_of_the_settings(tmp_path: Path) -> None:
    assert load_secrets(_settings(tmp_path / "data", secret="0123456789abcdef")) == (b"0123456789abcdef",)
    assert not (tmp_path / "data").exists()


def test_secret_of_the_folder(tmp_path: Path) -> None:
    assert load_secrets(_settings(tmp_path)) == (load_secret(tmp_path),)


def test_former_secrets_come_after_the_present_one(tmp_path: Path) -> None:
    present, first, second = "c" * 16, "a" * 16, "b" * 16
    settings = _settings(tmp_path, secret=present, former_secrets=[first, present, second])
    assert load_secrets(settings) == (present.encode(), first.encode(), second.encode())
    # A secret that was in the folder until it became a setting is a former one like any other.
    assert load_secrets(_settings(tmp_path, former_secrets=[first])) == (
        load_secret(tmp_path),
        first.encode(),
    )


@pytest.mark.parametrize("settings", [{"secret": "too short"}, {"former_secrets": ["0" * 16, "too short"]}])
def test_secrets_that_are_too_short(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="16 characters") as raised:
        check_secrets(_settings(tmp_path, **settings))
    assert "too short" not in str(raised.value)
    assert next(iter(settings)) in str(raised.value)


def test_keys_differ_by_purpose() -> None:
    keys = {derive_key(b"a", "x"), derive_key(b"a", "y"), derive_key(b"b", "x")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
