from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from connexeo.drivers.local.state.secret import checked_secret, derive_key, load_secret


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


def test_secret_of_the_settings() -> None:
    assert checked_secret("0123456789abcdef") == b"0123456789abcdef"
    with pytest.raises(ValueError, match="16 characters") as raised:
        checked_secret("too short")
    assert "too short" not in str(raised.value)


def test_keys_differ_by_purpose() -> None:
    keys = {derive_key(b"a", "x"), derive_key(b"a", "y"), derive_key(b"b", "x")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
